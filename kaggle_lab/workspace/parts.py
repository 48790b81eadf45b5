"""Files that arrive: unfinished until they are whole, then named in one step and never over another one."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DiskFull, FileTrouble
from .names import NAME_BYTES

NOTE_FROM_BYTES = 1 << 20
"""Smaller files are not worth a note on how to resume them after a crash."""
_BLOCK_BYTES = 1 << 20
_LEFT_FREE_BYTES = 1 << 19
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_LINKS = (
    errno.EPERM,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EXDEV,
    errno.EMLINK,
    errno.EACCES,
)


@dataclass(frozen=True)
class Placed:
    """Where a file came to lie. ``is_new`` is False when the very same file was there already."""

    path: Path
    is_new: bool
    is_beside: bool


class PartFile:
    """``<name>.<job>.part``: appended to, hashed on the way, continued after a cut or a crash.

    A note beside it keeps what the server must confirm before the transfer may go on where it stopped.
    """

    def __init__(self, target: Path, key: str) -> None:
        self.target = target
        digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()
        # With the digest: a disk that ignores case must not take model.bin's part for Model.bin's.
        name = f"{target.name}.{key}-{digest[:6]}.part"
        if len(os.fsencode(name)) > NAME_BYTES - 5:
            name = f"{digest[:32]}.{key}.part"
        self.path = target.with_name(name)
        self.note = target.with_name(f"{name}.json")
        self.received = 0
        self.validator = ""
        self.total: int | None = None
        self._hash = hashlib.sha256()
        self._fd: int | None = None
        self._is_over = False
        self._lock = threading.Lock()  # a cancelled task's thread may still write when the file is closed

    @property
    def sha256(self) -> str:
        """Of what was received so far."""
        return self._hash.hexdigest()

    def open(self) -> None:
        """Continue what is there, if its note says what it belongs to; else start empty."""
        with trouble(self.target.name), self._lock:
            if self._is_over:
                return
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
            self._fd = os.open(self.path, flags, 0o666)
            note = read_json(self.note)
            if not note.get("validator"):
                os.ftruncate(self._fd, 0)
                return
            self.validator, self.total = str(note["validator"]), note.get("total")
            while block := os.read(self._fd, _BLOCK_BYTES):
                self._hash.update(block)
                self.received += len(block)

    def restart(self, validator: str = "", total: int | None = None) -> None:
        """Throw away what was received; what comes now belongs to ``validator``."""
        self.received, self.validator, self.total = 0, validator, total
        self._hash = hashlib.sha256()
        with trouble(self.target.name), self._lock:
            fd = self._opened()
            os.ftruncate(fd, 0)
            os.lseek(fd, 0, os.SEEK_SET)
            if validator and (total is None or total > NOTE_FROM_BYTES):
                self.note.write_text(json.dumps({"validator": validator, "total": total}), encoding="utf-8")
            else:
                self.note.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Append. Raises FileTrouble, and DiskFull: then what fitted is kept but for a last piece.

        That piece is room to write down what happened: the list of runs often lives on the same disk.
        """
        rest = memoryview(data)
        with trouble(self.target.name), self._lock:
            fd = self._opened()
            try:
                while rest:
                    done = os.write(fd, rest)
                    self._hash.update(rest[:done])
                    self.received += done
                    rest = rest[done:]
            except OSError as error:
                with contextlib.suppress(OSError):
                    if error.errno in _FULL:
                        os.ftruncate(fd, max(0, self.received - _LEFT_FREE_BYTES))
                raise

    def close(self) -> None:
        """Close the file; it stays, to be continued."""
        with trouble(self.target.name), self._lock:
            self._is_over = True
            fd, self._fd = self._fd, None
            if fd is not None:
                os.close(fd)

    def settle(self, path: Path) -> bool:
        """Take the final name unless something has it; the note goes."""
        self.close()
        try:
            os.link(self.path, path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(path):
                return False
            self.path.rename(path)
        self.discard()
        return True

    def discard(self) -> None:
        """Remove the unfinished file and its note."""
        self.close()
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def _opened(self) -> int:
        if self._fd is None:
            raise FileTrouble(f"{self.path.name} is closed.")
        return self._fd


# --- disk ------------------------------------------------------------------------------------------


def sha256_of(path: Path) -> str:
    """Of a regular file's content; empty for anything else."""
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def size_of(path: Path) -> int:
    """In bytes; -1 when there is nothing."""
    return path.lstat().st_size if os.path.lexists(path) else -1


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty when there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def read_json_lines(path: Path) -> list[Any]:
    """One JSON value per line, as far as they are whole."""
    found = []
    with contextlib.suppress(OSError, ValueError):  # the last line of a crash may be cut off
        for line in path.read_text(encoding="utf-8").splitlines():
            found.append(json.loads(line))
    return found


@contextlib.contextmanager
def trouble(name: str) -> Iterator[None]:
    """The system's errors as ours."""
    try:
        yield
    except RuntimeError as error:  # links that lead round in a circle
        raise FileTrouble(f"{name} cannot be saved: {error}.") from error
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(f"The disk is full: {name} does not fit.") from error
        raise FileTrouble(f"{name} cannot be saved: {why(error)}.") from error


def why(error: OSError) -> str:
    """The system's reason, to stand in a sentence."""
    return (error.strerror or type(error).__name__).lower()
