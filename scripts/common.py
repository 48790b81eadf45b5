"""What the developer scripts share: paths, child processes, stamps. Standard library only."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
PYTHON = BIN / "python"
STAMPS = ROOT / ".stamps"
SCRATCH = ROOT / ".run"
LOGS = SCRATCH / "logs"
TAIL_LINES = 40


class StepFailed(Exception):
    """A step of set-up, build or test did not work; the text says which and why."""


def say(text: str = "") -> None:
    """Write one line for the person at the terminal, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def flag(name: str) -> bool:
    """Whether an environment switch such as ``CI`` or ``HEADLESS`` is on."""
    return os.environ.get(name, "").lower() not in ("", "0", "false", "no")


def tool_env(**extra: str) -> dict[str, str]:
    """The environment of a tool of the virtual environment: its ``bin`` first on the PATH."""
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "PYTHONPATH")}
    env["PATH"] = f"{BIN}{os.pathsep}{env.get('PATH', '')}"
    env["VIRTUAL_ENV"] = str(VENV)
    return {**env, **extra}


def scratch_jupyter_env(folder: Path) -> dict[str, str]:
    """Variables that keep a Jupyter process out of the developer's own configuration and data."""
    kinds = ("CONFIG", "DATA", "RUNTIME")
    return {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in kinds}


def call(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> int:
    """Run a command on this terminal and return its exit status; 127 when it does not exist."""
    words = [str(word) for word in command]
    try:
        return subprocess.run(words, cwd=cwd, env=env or tool_env(), check=False).returncode
    except FileNotFoundError:
        say(f"{words[0]}: not found")
        return 127


def step(name: str, command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> None:
    """Run a quiet command: one line when it is done, the end of its output when it fails.

    Raises StepFailed. The whole output stays in ``.run/logs/<name>.log``.
    """
    started = time.monotonic()
    log = LOGS / f"{name.replace(' ', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [str(word) for word in command]
    try:
        with log.open("wb") as out:
            status = subprocess.run(
                words, cwd=ROOT, env=env or tool_env(), stdout=out, stderr=subprocess.STDOUT, check=False
            ).returncode
    except FileNotFoundError as error:
        raise StepFailed(f"{name}: {words[0]} was not found") from error
    if status:
        raise StepFailed(f"{name} failed (exit status {status}):\n{_tail(log)}")
    say(f"  {name}: {time.monotonic() - started:.0f} s")


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-TAIL_LINES:])


def digest(paths: Iterable[Path], *more: str) -> str:
    """A hash of files, folders (all files below, by name) and texts; missing paths count as empty."""
    total = hashlib.sha256("\0".join(more).encode())
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                total.update(f"\0{file.relative_to(ROOT)}\0".encode())
                total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def is_stamped(name: str, key: str) -> bool:
    """Whether the step ``name`` was last done for exactly this ``key``."""
    stamp = STAMPS / name
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == key


def write_stamp(name: str, key: str) -> None:
    """Remember that the step ``name`` is done for ``key``."""
    STAMPS.mkdir(exist_ok=True)
    (STAMPS / name).write_text(key, encoding="utf-8")


def guarded(main: Callable[[], int]) -> None:
    """Run ``main()``, turning StepFailed and Ctrl-C into a sentence and an exit status."""
    try:
        sys.exit(main())
    except StepFailed as error:
        say(f"\n{error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
