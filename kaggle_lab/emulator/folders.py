"""Where things lie in the data directory, and small safe reads and writes there."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import Any


def default_data() -> Path:
    """The data directory when none is named: one of the user's own."""
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(home) / "kaggle-emulator"


class Folders:
    """The data directory `DIR`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sessions = root / "sessions"
        self.temporary = root / "tmp"
        self.blobs = root / "blobs"
        self.bundles = root / "bundles"
        self.submissions = root / "submissions"

    def prepare(self) -> None:
        """Create what is missing. Raises OSError when the place is not writable."""
        for folder in (self.sessions, self.blobs, self.bundles, self.submissions):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir(exist_ok=True)

    def session(self, session_id: int) -> Path:
        return self.sessions / str(session_id)

    def working(self, session_id: int) -> Path:
        """The host folder that was /kaggle/working."""
        return self.session(session_id) / "working"

    def forget_session(self, session_id: int) -> None:
        shutil.rmtree(self.session(session_id), ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    """Write a file in one step: a reader sees all of it or nothing."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(value), encoding="utf-8")
    part.replace(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file, None while there is none."""
    with contextlib.suppress(OSError, ValueError):
        value = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(value, dict):
            return value
    return None
