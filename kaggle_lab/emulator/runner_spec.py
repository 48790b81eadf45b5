"""What a session directory says: the order in ``spec.json`` and where everything lies in the folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any


@dataclass(frozen=True)
class Input:
    """One data source: the host folder ``path`` appears read-only at ``mount`` and ``old_mount``.

    Both are relative to /kaggle/input; ``old_mount`` is empty when the source has no old-style place.
    """

    mount: str
    path: Path
    old_mount: str = ""

    @property
    def places(self) -> tuple[str, ...]:
        return (self.mount, self.old_mount) if self.old_mount else (self.mount,)


@dataclass(frozen=True)
class Spec:
    """One session as ordered by the server; times in seconds, limits in bytes (None: unlimited)."""

    session_id: int
    kernel_type: str
    source: str
    language: str = "python"
    machine_shape: str = "None"
    internet: bool = True
    timeout_s: float = 43_200.0
    memory_limit_bytes: int | None = None
    disk_limit_bytes: int | None = None
    inputs: tuple[Input, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    queue_delay_s: float = 0.0
    jupyter_path: str = ""
    """Where the Jupyter server of an interactive session is reached; empty for a batch session."""

    @property
    def is_interactive(self) -> bool:
        return bool(self.jupyter_path)


def read_spec(session_dir: Path) -> Spec:
    """Parse ``spec.json``; raises ``OSError``, ``ValueError``, ``KeyError`` or ``TypeError``."""
    raw: dict[str, Any] = json.loads((session_dir / "spec.json").read_text(encoding="utf-8"))
    return Spec(
        session_id=int(raw["session_id"]),
        kernel_type=str(raw["kernel_type"]),
        source=str(raw["source"]),
        language=str(raw.get("language") or "python"),
        machine_shape=str(raw.get("machine_shape") or "None"),
        internet=bool(raw.get("internet", True)),
        timeout_s=float(raw["timeout_s"]),
        memory_limit_bytes=_limit(raw.get("memory_limit_bytes")),
        disk_limit_bytes=_limit(raw.get("disk_limit_bytes")),
        inputs=tuple(_input(item) for item in raw.get("inputs") or ()),
        env={str(name): str(value) for name, value in (raw.get("env") or {}).items()},
        queue_delay_s=float(raw.get("queue_delay_s") or 0.0),
        jupyter_path=str(raw.get("jupyter_path") or ""),
    )


def _limit(value: Any) -> int | None:
    return None if value is None else int(value)


def _input(raw: Mapping[str, Any]) -> Input:
    return Input(
        mount=_inside(str(raw["mount"])),
        old_mount=_inside(str(raw.get("old_mount") or "")),
        path=Path(str(raw["path"])).resolve(),
    )


def _inside(mount: str) -> str:
    path = PurePosixPath(mount)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"a mount point must stay below /kaggle/input: {mount!r}")
    return "" if mount == "" else str(path)


@dataclass(frozen=True)
class SessionDir:
    """The places in one session directory. ``scratch`` holds what vanishes when the session ends."""

    path: Path

    @property
    def log(self) -> Path:
        return self.path / "log.ndjson"

    @property
    def working(self) -> Path:
        return self.path / "working"

    @property
    def scratch(self) -> Path:
        return self.path / "scratch"

    @property
    def server(self) -> Path:
        """Where the Jupyter server of an interactive session listens and notes its activity; else missing."""
        return self.path / "server"

    @property
    def data(self) -> Path:
        """The emulator's data folder, which holds ``sessions/<id>``, or else the session directory."""
        return self.path.parent.parent if self.path.parent.name == "sessions" else self.path

    def make_folders(self) -> None:
        """Create the working folder and the scratch folders the sandbox shows."""
        self.working.mkdir(exist_ok=True)
        for name in ("home", "tmp", "temp", "src", "support", "input", "lib/kagglegym"):
            (self.scratch / name).mkdir(parents=True, exist_ok=True)
        (self.scratch / "tmp").chmod(0o1777)

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        """Write one JSON file so that a reader finds the whole of it or nothing."""
        partial = self.path / f".{name}.part"
        with partial.open("w", encoding="utf-8") as file:
            json.dump(value, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path / name)
