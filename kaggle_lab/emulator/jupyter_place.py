"""Where the Jupyter server of an interactive session is: its address, its socket, and the notes it leaves."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .folders import read_json
from .user_secrets import session_token

PURPOSE = "jupyter"
SOCKET, ACTIVITY = "jupyter.sock", "activity.json"
"""As `runner_server`, which imports nothing of ours, calls them."""


def secret_of(session_id: int, secret: str) -> str:
    """The part of the address that only its owner knows; the same after a restart."""
    return session_token(session_id, PURPOSE, secret).rpartition(".")[2]


def path_of(session_id: int, secret: str) -> str:
    """The path under which a session's Jupyter server is reached, on Kaggle's proxy and here."""
    return f"/k/{session_id}/{secret_of(session_id, secret)}/proxy"


@dataclass(frozen=True)
class Note:
    """What a server said last: when it said so, and when it was last used; real epoch seconds."""

    noted_at: float
    active_at: float


def last_note(session_folder: Path) -> Note | None:
    """None until the server answers. The note stays when the session has ended."""
    told = read_json(session_folder / "server" / ACTIVITY) or {}
    moments = [told.get("noted_at"), told.get("active_at")]
    if not all(isinstance(moment, (int, float)) for moment in moments):
        return None
    return Note(*map(float, moments))  # type: ignore[arg-type]


def connect(session_folder: Path) -> socket.socket:
    """A connection to a session's server that does not block. Raises OSError when none listens."""
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try:
        with _short_path(session_folder / "server") as folder:
            # What runs in the session could lay a link to another socket of this machine there.
            if not stat.S_ISSOCK((folder / SOCKET).lstat().st_mode):
                raise FileNotFoundError(f"{SOCKET} is no socket")
            connection.connect(str(folder / SOCKET))
    except OSError:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def _short_path(folder: Path) -> Iterator[Path]:
    """A name of `folder` that leaves room: the path of a socket has at most 108 bytes on Linux."""
    if not Path("/proc/self/fd").is_dir():
        yield folder
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
