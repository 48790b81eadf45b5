"""What ends a session before its program does: time, memory, disk."""

from __future__ import annotations

import contextlib
import enum
import os
import time
from pathlib import Path

from .runner_processes import tree_memory
from .runner_spec import Spec

_DISK_LOOK_EVERY_S = 0.5
_DISK_LOOK_SHARE = 20  # at most one part in twenty of the time is spent looking


class Outcome(enum.Enum):
    """How a session ended."""

    COMPLETE = "complete"
    ERROR = "error"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    DISK = "disk"
    CANCELLED = "cancelled"


MESSAGES = {
    Outcome.TIMEOUT: "Your notebook was stopped because it exceeded the max allowed execution duration.",
    Outcome.MEMORY: "Your notebook tried to allocate more memory than is available.",
    Outcome.DISK: "Your notebook tried to use more disk space than is available.",
}


class Limits:
    """Holds the processes below ``root`` and the folder ``working`` to what ``spec`` allows, from now on."""

    def __init__(self, spec: Spec, root: int, working: Path) -> None:
        self._spec = spec
        self._root = root
        self._working = working
        self._ends = time.monotonic() + spec.timeout_s
        self._next_disk_look = 0.0

    def exceeded(self) -> Outcome | None:
        """The limit that is broken now, if any."""
        if time.monotonic() >= self._ends:
            return Outcome.TIMEOUT
        if self._over_memory():
            return Outcome.MEMORY
        return self.exceeded_at_end() if time.monotonic() >= self._next_disk_look else None

    def exceeded_at_end(self) -> Outcome | None:
        """Whether what is left in the folder is more than it may hold."""
        return Outcome.DISK if self._over_disk() else None

    def _over_memory(self) -> bool:
        """Looked at twice: processes that come and go during one look may be counted too high."""
        limit = self._spec.memory_limit_bytes
        return limit is not None and all(tree_memory(self._root, limit) > limit for _ in range(2))

    def _over_disk(self) -> bool:
        limit, began = self._spec.disk_limit_bytes, time.monotonic()
        if limit is None:
            return False
        used = disk_usage(self._working)
        ended = time.monotonic()
        self._next_disk_look = ended + max(_DISK_LOOK_EVERY_S, (ended - began) * _DISK_LOOK_SHARE)
        return used > limit


def disk_usage(folder: Path) -> int:
    """Bytes that the files below ``folder`` take up on disk; links are not followed."""
    total, pending = 0, [str(folder)]
    while pending:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                total += _size_on_disk(entry)
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
    return total


def _size_on_disk(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_blocks * 512
    except OSError:
        return 0  # removed while we looked
