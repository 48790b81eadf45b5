"""``make clean``: remove what set-up, builds and runs have made. Notebooks and their outputs stay."""

from __future__ import annotations

import shutil

from common import ROOT, guarded, say

TOOLS = (".venv", ".stamps", ".run", "node_modules", ".yarn")
CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache")
FRONT_END_CACHES = (".eslintcache", ".stylelintcache", "tsconfig.tsbuildinfo")
BUILT = ("lib", "dist", "build", "kaggle_lab/labextension", "kaggle_lab/_version.py", "src/settings-types.ts")
REPORTS = ("coverage", "benchmarks/results", "ui-tests/test-results", "ui-tests/playwright-report")
NAMES = TOOLS + CACHES + FRONT_END_CACHES + BUILT + REPORTS


def main() -> int:
    """Remove them, name each."""
    for path in [ROOT / name for name in NAMES] + sorted(ROOT.glob("*/**/__pycache__")):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.exists():
            path.unlink()
        else:
            continue
        say(f"removed {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    guarded(main)
