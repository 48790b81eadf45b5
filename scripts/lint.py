"""``make lint``: style, types and import fences of both languages, and a few checks of the tree itself."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from common import BIN, PYTHON, ROOT, call, guarded, say
from setup_env import set_up

PYTHON_FOLDERS = ("kaggle_lab", "scripts", "benchmarks", "tests")
# A lock file or a setting that names a package host works on one network only.
HOSTS = re.compile(
    r"(registry|files)\.[a-z]+\.(org|com)|npmRegistryServer|__archiveUrl|(index|find)-(url|links) *[= ]"
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)[^)]*\)|<img[^>]* src=\"([^\"]+)\"")
BINARY = {".png", ".ico", ".woff2", ".joblib"}


def _tool(*words: str | Path) -> Callable[[], bool]:
    return lambda: call(words) == 0


def _module(*words: str) -> Callable[[], bool]:
    return _tool(PYTHON, "-m", *words)


def _tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    paths = [ROOT / name for name in listing.split("\0") if name]
    return [path for path in paths if path.is_file()]


def no_package_hosts() -> bool:
    """No committed file names a package registry or a download address."""
    found = [hit for path in _tracked() if path.suffix not in BINARY for hit in _hosts_in(path)]
    for hit in found:
        say(hit)
    return not found


def _hosts_in(path: Path) -> Iterator[str]:
    if path == Path(__file__).resolve():
        return
    pattern = re.compile(r"https?://") if path.name == "yarn.lock" else HOSTS
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if pattern.search(line) or (path.name == "yarn.lock" and HOSTS.search(line)):
            yield f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"


def live_links() -> bool:
    """Every relative link and picture of the Markdown pages leads to a file of the tree."""
    pages = sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md"))
    dead = [hit for page in pages for hit in _dead(page)]
    for hit in dead:
        say(hit)
    return not dead


def _dead(page: Path) -> Iterator[str]:
    for match in LINK.finditer(page.read_text(encoding="utf-8")):
        target = match[1] or match[2]
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
            yield f"{page.relative_to(ROOT)}: {target} does not exist"


def _front_end_fixes() -> bool:
    fixed = [call([BIN / "jlpm", script]) == 0 for script in ("eslint:fix", "prettier")]
    return all(fixed)


def _checks(fix: bool) -> dict[str, Callable[[], bool]]:
    ruff_check = ["ruff", "check", *(["--fix"] if fix else []), *PYTHON_FOLDERS]
    ruff_format = ["ruff", "format", *([] if fix else ["--check"]), *PYTHON_FOLDERS]
    return {
        "ruff": _module(*ruff_check),
        "ruff format": _module(*ruff_format),
        "mypy": _module("mypy"),
        "mypy scripts": _module("mypy", "--strict", "scripts", "benchmarks"),
        "import fences": _tool(BIN / "lint-imports", "--no-cache"),
        **({"front end format": _front_end_fixes} if fix else {}),
        "front end": _tool(BIN / "jlpm", "lint"),
        "no package hosts": no_package_hosts,
        "live links": live_links,
    }


def main() -> int:
    """Run all checks and name those that failed; ``--fix`` lets the formatters write."""
    set_up(extension=False)
    failed = []
    for name, check in _checks(fix="--fix" in sys.argv).items():
        say(f"--- {name}")
        if not check():
            failed.append(name)
    say(f"\nlint FAILED: {', '.join(failed)}" if failed else "\nlint passed")
    return 1 if failed else 0


if __name__ == "__main__":
    guarded(main)
