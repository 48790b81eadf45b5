"""Looks at processes from outside: who descends from whom, and how much memory a tree of them holds.

Linux is read from /proc, other systems by ``ps``. Sizes in bytes. A process that vanishes while it
is looked at counts as gone.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Process(NamedTuple):
    """One process that is not a zombie: parent's id and resident memory."""

    parent: int
    resident: int


def process_table() -> dict[int, Process]:
    """Every live process by its id."""
    if not (_PROC / "self" / "stat").exists():
        return _table_from_ps()
    found = {}
    for name in os.listdir(_PROC):  # noqa: PTH208 - called five times a second
        if name.isdigit() and (process := _read_stat(name)):
            found[int(name)] = process
    return found


def _read_stat(pid: str) -> Process | None:
    fields = _stat_fields(pid)
    if not fields or fields[0] == "Z":
        return None
    return Process(int(fields[1]), int(fields[21]) * _PAGE)


def _stat_fields(pid: str | int) -> list[str]:
    """The fields of /proc/PID/stat from the third (state) on; the second may hold spaces and brackets."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def _table_from_ps() -> dict[int, Process]:
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,rss=,stat="], capture_output=True, text=True, check=False
    )
    rows = (line.split() for line in listing.stdout.splitlines())
    return {
        int(row[0]): Process(int(row[1]), int(row[2]) * 1024)
        for row in rows
        if len(row) == 4 and not row[3].startswith("Z")
    }


def children_of(root: int, table: dict[int, Process] | None = None) -> list[int]:
    """Every descendant of ``root``, parents before children."""
    children: dict[int, list[int]] = {}
    for pid, process in (process_table() if table is None else table).items():
        children.setdefault(process.parent, []).append(pid)
    found = list(children.get(root, ()))
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def tree_memory(root: int, limit: int) -> int:
    """Memory of everything below ``root``.

    Shared pages are counted once, but only when the sum is over ``limit``: the exact count is slow
    for large processes.
    """
    table = process_table()
    pids = children_of(root, table)
    resident = sum(table[pid].resident for pid in pids)
    return resident if resident <= limit else min(resident, _proportional(pids, table))


def _proportional(pids: Iterable[int], table: dict[int, Process]) -> int:
    if not (_PROC / "self" / "smaps_rollup").exists():
        return sum(table[pid].resident for pid in pids)
    return sum(_proportional_size(pid, table[pid].resident) for pid in pids)


def _proportional_size(pid: int, otherwise: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except PermissionError:
        return otherwise
    except OSError:
        pass
    return 0


def start_time(pid: int) -> int | None:
    """When the process began, in clock ticks since boot, to notice a reused id; None if unknown."""
    fields = _stat_fields(pid)
    return int(fields[19]) if len(fields) > 19 else None


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
