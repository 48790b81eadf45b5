"""Where the Jupyter server of an interactive session is: its address, and its socket."""

from __future__ import annotations

import os
from pathlib import Path

from .folders import read_json
from .user_secrets import session_token

PURPOSE = "jupyter"
SOCKET, ACTIVITY = "kaggle-jupyter.sock", "kaggle-jupyter.json"
"""As `runner_server`, which imports nothing of ours, calls them."""


def secret_of(session_id: int, secret: str) -> str:
    """The part of the address that only its owner knows; the same after a restart."""
    return session_token(session_id, PURPOSE, secret).rpartition(".")[2]


def path_of(session_id: int, secret: str) -> str:
    """The path under which a session's Jupyter server is reached, on Kaggle's proxy and here."""
    return f"/k/{session_id}/{secret_of(session_id, secret)}/proxy"


def last_activity(session_folder: Path) -> float | None:
    """Real epoch seconds; None while the server does not listen yet."""
    note = read_json(_meeting_place(session_folder) / ACTIVITY)
    active_at = note.get("active_at") if note else None
    return float(active_at) if isinstance(active_at, (int, float)) else None


def _meeting_place(session_folder: Path) -> Path:
    """The session's /tmp, where the server's socket is."""
    return session_folder / "scratch" / "tmp"


class SocketPath:
    """A path to a session's socket that is short enough for the system (108 bytes on Linux)."""

    def __init__(self, session_folder: Path) -> None:
        self._folder = _meeting_place(session_folder)
        self._fd = -1

    def __enter__(self) -> str:
        if not Path("/proc/self/fd").exists():
            return str(self._folder / SOCKET)
        self._fd = os.open(self._folder, os.O_PATH | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._fd}/{SOCKET}"

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)
