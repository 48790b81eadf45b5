"""``make test``: the Python, TypeScript and browser tests, all of them even when one kind fails."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable

from common import BIN, PYTHON, ROOT, SCRATCH, StepFailed, call, flag, guarded, say, step, tool_env
from setup_env import set_up

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CONFIG = ROOT / "ui-tests" / "playwright.config.ts"


def _env(**extra: str) -> dict[str, str]:
    """The test environment: no Kaggle credentials or settings of the developer's leak in."""
    env = tool_env(**extra)
    return {key: value for key, value in env.items() if not key.startswith("KAGGLE_")}


def python_tests() -> bool:
    """Run pytest. Finding no test at all (its exit status 5) is a failure like any other."""
    return call([PYTHON, "-m", "pytest"], env=_env()) == 0


def typescript_tests() -> bool:
    """Run jest."""
    return call([BIN / "jlpm", "test"], env=_env()) == 0


def browser_tests() -> bool:
    """Run Playwright in the machine's Chromium; without one they are skipped, which CI does not accept."""
    browser = _browser()
    if not browser:
        say("SKIPPED: no chromium on this machine. Install it (Debian: apt-get install chromium).")
        return not flag("CI")
    env = _env(CHROMIUM=browser, PYTHON=str(PYTHON))
    return call([BIN / "jlpm", "playwright", "test", "--config", CONFIG, *sys.argv[1:]], env=env) == 0


def _browser() -> str:
    found = _on_path()
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        say("Installing chromium")
        try:
            step("apt-get update", ["apt-get", "update"])
            step("chromium", ["apt-get", "install", "-y", "--no-install-recommends", "chromium"])
        except StepFailed as error:
            say(str(error))
        found = _on_path()
    return found


def _on_path() -> str:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), "")


KINDS: dict[str, Callable[[], bool]] = {
    "python": python_tests,
    "typescript": typescript_tests,
    "browser": browser_tests,
}


def main() -> int:
    """Run the kinds that ``ONLY`` names (all by default) and sum up."""
    wanted = os.environ.get("ONLY", "").replace(",", " ").split() or list(KINDS)
    unknown = set(wanted) - set(KINDS)
    if unknown:
        raise StepFailed(f"ONLY={' '.join(sorted(unknown))}: choose from {', '.join(KINDS)}")
    set_up()
    SCRATCH.mkdir(exist_ok=True)
    passed = {kind: _timed(kind) for kind in wanted}
    say("\n" + ", ".join(f"{kind} {'passed' if good else 'FAILED'}" for kind, good in passed.items()))
    return 0 if all(passed.values()) else 1


def _timed(kind: str) -> bool:
    say(f"\n--- {kind} tests")
    started = time.monotonic()
    good = KINDS[kind]()
    say(f"--- {kind} tests: {time.monotonic() - started:.0f} s")
    return good


if __name__ == "__main__":
    guarded(main)
