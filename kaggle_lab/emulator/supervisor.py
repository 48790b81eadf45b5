"""Starts runner processes, watches what they leave in their folders, and settles how sessions ended.

A runner is a process of its own session and survives this server. All that is known of it is in its folder,
so the server that starts next picks up where this one stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import processes
from .clock import Clock
from .folders import Folders, read_json, write_json
from .logs import EPILOGUE, append_record, last_time
from .sessions import TIMEOUT_MESSAGE, Ending, Session, Sessions

LOGGER = logging.getLogger("kaggle_emulator")
TICK_S = 0.1
KILL_AFTER_S = 20.0
_OUTCOMES = {"complete": "COMPLETE", "timeout": "CANCEL_ACKNOWLEDGED", "cancelled": "CANCEL_ACKNOWLEDGED"}


class Supervisor:
    """Owner of all runner processes."""

    def __init__(
        self,
        folders: Folders,
        clock: Clock,
        sessions: Sessions,
        prepare: Callable[[Session], dict[str, Any]],
        is_idle: Callable[[Session], bool],
    ) -> None:
        """`prepare` writes a session's source into its folder and returns the rest of its `spec.json`;
        `is_idle` tells whether nobody has used an interactive session for too long."""
        self._folders = folders
        self._clock = clock
        self._sessions = sessions
        self._prepare = prepare
        self._is_idle = is_idle
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._stop_asked_at: dict[int, float] = {}
        self._troubled: set[int] = set()
        self._wake = asyncio.Event()

    def launch(self, session: Session) -> None:
        """Start the runner of a session that is already stored. A failure to start ends the session."""
        folder = self._folders.session(session.id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / "spec.json", {"session_id": session.id, **self._prepare(session)})
            child = _spawn(folder)
        except OSError as error:
            LOGGER.error("session %s could not be started: %s", session.id, error)
            self._fail(session, f"The emulator could not start this session: {error}")
            return
        self._children[session.id] = child
        self._sessions.launched(session.id, child.pid, processes.start_time(child.pid))
        self._wake.set()

    def adopt(self) -> None:
        """At start-up: take over the sessions an earlier server left, start those it had only promised."""
        for session in self._sessions.unfinished():
            folder = self._folders.session(session.id)
            if session.pid is None and not (folder / "runner.json").exists():
                pid = processes.find_by_argument(str(folder))
                if pid is None:
                    self.launch(session)
                else:
                    self._sessions.launched(session.id, pid, processes.start_time(pid))
        self.tick()

    def stop(self, session: Session, reason: str) -> None:
        """Ask a living session to stop: "cancel", "timeout" or "delete". Asking again changes nothing."""
        self._sessions.stopping(session.id, reason)
        if session.id not in self._stop_asked_at:
            self._stop_asked_at[session.id] = time.monotonic()
            self._signal(session, signal.SIGTERM)
        self._wake.set()

    async def run(self) -> None:
        """Watch for ever; costs nothing while no session lives."""
        while True:
            self.tick()
            if not self._sessions.unfinished() and not self._children:
                self._wake.clear()
                await self._wake.wait()
            await asyncio.sleep(TICK_S)

    def tick(self) -> None:
        """Look once at every living session; trouble with one does not keep the others waiting."""
        for session in self._sessions.unfinished():
            try:
                self.refresh(session.id)
            except Exception:
                if session.id not in self._troubled:
                    LOGGER.exception("session %s cannot be followed", session.id)
                self._troubled.add(session.id)
        for session_id, child in list(self._children.items()):
            if child.poll() is not None:
                del self._children[session_id]

    def refresh(self, session_id: int) -> Session:
        """Bring one session's row up to what its folder says now, and return it."""
        session = self._sessions.get(session_id)
        if session.ended_at is not None:
            return session
        folder = self._folders.session(session.id)
        alive = self._is_alive(session, folder)
        started = read_json(folder / "started.json")
        if session.started_at is None and started:
            self._sessions.started(session.id, float(started["started_at"]))
        if result := read_json(folder / "result.json"):
            self._settle(session, _ending(result, session))
        elif not alive:
            self._settle_dead(self._sessions.get(session.id))
        else:
            self._enforce(self._sessions.get(session.id))
        return self._sessions.get(session.id)

    def _enforce(self, session: Session) -> None:
        """What only the server can know: the emulated clock has passed the cap, or a stop is not obeyed."""
        asked = self._stop_asked_at.get(session.id)
        if session.stop_reason and asked is None:
            self.stop(session, session.stop_reason)
        elif asked is not None and time.monotonic() - asked > KILL_AFTER_S:
            self._signal(session, signal.SIGKILL)
        elif session.started_at is not None and not session.stop_reason:
            elapsed = self._clock.now() - self._clock.at(session.started_at)
            was_advanced = elapsed - (self._clock.real() - session.started_at) > 1.0
            if was_advanced and elapsed > session.timeout_s:
                self.stop(session, "timeout")
            elif self._is_idle(session):
                self.stop(session, "idle")

    def _settle(self, session: Session, ending: Ending) -> None:
        self._sessions.ended(session.id, ending)
        self._stop_asked_at.pop(session.id, None)
        LOGGER.info("session %s ended: %s", session.id, ending.status)
        if self._sessions.get(session.id).stop_reason == "delete":
            self._folders.forget_session(session.id)

    def _settle_dead(self, session: Session) -> None:
        """The runner is gone and left no result: obeyed a stop at a bad moment, or was killed."""
        ended_at = self._last_sign_of_life(session)
        if session.stop_reason:
            self._settle(session, Ending("CANCEL_ACKNOWLEDGED", _stop_message(session), ended_at))
            return
        self._fail(
            session, "The process that ran this session disappeared; its results so far were kept.", ended_at
        )

    def _fail(self, session: Session, text: str, ended_at: float | None = None) -> None:
        folder = self._folders.session(session.id)
        with contextlib.suppress(OSError):
            append_record(folder, EPILOGUE, f"[kaggle-emulator] {text}", last_time(folder))
        self._settle(session, Ending("ERROR", "", ended_at or self._clock.real()))

    def _last_sign_of_life(self, session: Session) -> float:
        folder = self._folders.session(session.id)
        moments = [session.started_at or session.created_at]
        for name in ("started.json", "log.ndjson", "runner.json"):
            with contextlib.suppress(OSError):
                moments.append((folder / name).stat().st_mtime)
        return min(max(moments), self._clock.real())

    def _identity(self, session: Session, folder: Path) -> tuple[int, int | None] | None:
        told = read_json(folder / "runner.json")
        if told and isinstance(told.get("pid"), int):
            return told["pid"], told.get("pid_start_time")
        if session.pid is not None:
            return session.pid, session.pid_start_time
        return None

    def _is_alive(self, session: Session, folder: Path) -> bool:
        child = self._children.get(session.id)
        if child is not None:
            return child.poll() is None
        identity = self._identity(session, folder)
        return identity is not None and processes.is_alive(*identity)

    def _signal(self, session: Session, number: signal.Signals) -> None:
        child = self._children.get(session.id)
        if child is not None:
            child.send_signal(number)
            return
        identity = self._identity(session, self._folders.session(session.id))
        if identity is not None:
            processes.send(*identity, number)


def _spawn(folder: Path) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    with (folder / "runner.out").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.runner", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )


def _ending(result: dict[str, Any], session: Session) -> Ending:
    outcome = str(result.get("outcome"))
    message = str(result.get("failure_message") or "")
    if outcome == "cancelled":
        message = _stop_message(session)
    return Ending(
        _OUTCOMES.get(outcome, "ERROR"),
        message,
        float(result.get("ended_at") or time.time()),
        result.get("started_at"),
    )


def _stop_message(session: Session) -> str:
    return TIMEOUT_MESSAGE if session.stop_reason == "timeout" else ""
