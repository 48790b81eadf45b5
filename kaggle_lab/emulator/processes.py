"""Finding out whether a process is alive and still the one we mean."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

_PROC = Path("/proc")


def start_time(pid: int) -> int | None:
    """The kernel's start stamp of a process (clock ticks since boot); None if unknown or a zombie."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])


def is_alive(pid: int, started: int | None) -> bool:
    """Whether `pid` lives and has not been taken over by another process since `started`."""
    if _PROC.joinpath("self", "stat").exists():
        now = start_time(pid)
        return now is not None and (started is None or now == started)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def send(pid: int, started: int | None, number: signal.Signals) -> None:
    """Signal a process if it is still the one we mean."""
    if is_alive(pid, started):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def find_by_argument(argument: str) -> int | None:
    """A living process with `argument` on its command line (Linux); None elsewhere or if there is none."""
    for entry in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if argument.encode() in words and int(entry.name) != os.getpid():
                return int(entry.name)
    return None
