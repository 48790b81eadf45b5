"""Kaggle's folders for a session without namespaces.

They are links below ``SESSION_DIR/kaggle``. The path /kaggle itself leads there only while no other
session has it and the user may create it; the link is removed afterwards. Inputs are links to the
host's folders, hence not read-only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from .runner_processes import is_alive, start_time
from .runner_spec import Input, SessionDir

_GLOBAL = Path("/kaggle")


class LinkedKaggle:
    """The folders of ``session`` as links; ``root`` is where the program finds them."""

    def __init__(self, session: SessionDir, inputs: tuple[Input, ...]) -> None:
        self._own = session.path / "kaggle"
        self._links = {
            "working": session.working,
            "temp": session.scratch / "temp",
            "src": session.scratch / "src",
            "lib": session.scratch / "lib",
        } | {f"input/{place}": item.path for item in inputs for place in reversed(item.places)}
        self.root = self._own

    @property
    def is_global(self) -> bool:
        """Whether /kaggle is this session's."""
        return self.root == _GLOBAL

    def make(self) -> None:
        """Create the links; raises ``OSError``."""
        (self._own / "input").mkdir(parents=True, exist_ok=True)
        for name, target in self._links.items():
            link = self._own / name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(target)
        if self._claim():
            self.root = _GLOBAL

    def _claim(self) -> bool:
        with _alone():
            if _is_abandoned():
                with contextlib.suppress(OSError):
                    _GLOBAL.unlink()
            try:
                _GLOBAL.symlink_to(self._own)
            except OSError:
                return False
        return True

    def remove(self) -> None:
        """Take the links away again; what they lead to stays."""
        with contextlib.suppress(OSError):
            if _GLOBAL.is_symlink() and _GLOBAL.readlink() == self._own:
                _GLOBAL.unlink()
        shutil.rmtree(self._own, ignore_errors=True)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Keep two sessions from taking over /kaggle at the same moment."""
    root = os.open(_GLOBAL.parent, os.O_RDONLY)
    try:
        fcntl.flock(root, fcntl.LOCK_EX)
        yield
    finally:
        os.close(root)


def _is_abandoned() -> bool:
    """Whether /kaggle is a link of ours whose session runs no more."""
    if not _GLOBAL.is_symlink() or _GLOBAL.readlink().name != "kaggle":
        return False
    try:
        runner = json.loads((_GLOBAL.readlink().parent / "runner.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return not _GLOBAL.exists()
    return start_time(runner["pid"]) != runner["pid_start_time"] or not is_alive(runner["pid"])
