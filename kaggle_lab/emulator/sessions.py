"""Kernel sessions as stored: one row per run, from QUEUED to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .accelerators import Resource
from .db import Database

TIMEOUT_MESSAGE = "Your notebook was stopped because it exceeded the max allowed execution duration."
Kind = Literal["batch", "interactive"]
BATCH: Kind = "batch"
INTERACTIVE: Kind = "interactive"
TERMINAL = ("COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED")


@dataclass(frozen=True)
class Session:
    """The run of one version, or an interactive session opened on it.

    Times are real epoch seconds; `ended_at` is None while it lives; `internet` None is the version's.
    """

    id: int
    kernel_id: int
    version: int
    account_id: int
    resource: Resource
    shape: str
    rate: float
    timeout_s: float
    status: str
    stop_reason: str | None
    failure_message: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    pid: int | None
    pid_start_time: int | None
    kind: Kind
    internet: bool | None
    docker_image: str

    @property
    def is_finished(self) -> bool:
        return self.status in TERMINAL


@dataclass(frozen=True)
class Order:
    """A session to be made: of which version, as what, and for how long at most.

    `internet` None and `docker_image` "" are as the version has them.
    """

    kernel_id: int
    version: int
    account_id: int
    resource: Resource
    shape: str
    timeout_s: float
    kind: Kind = BATCH
    internet: bool | None = None
    docker_image: str = ""


@dataclass(frozen=True)
class Ending:
    """How a session ended: Kaggle's status and message, and the moment."""

    status: str
    failure_message: str
    ended_at: float
    started_at: float | None = None


class Sessions:
    """The table of sessions; status is written here only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, order: Order, now: float) -> Session:
        """A new session; a batch session becomes its version's own."""
        cursor = self._database.run(
            "INSERT INTO sessions (kernel_id, version, account_id, resource, shape, rate, timeout_s, status,"
            " created_at, kind, internet, docker_image) VALUES (?, ?, ?, ?, ?, 1.0, ?, 'QUEUED', ?, ?, ?, ?)",
            order.kernel_id,
            order.version,
            order.account_id,
            order.resource,
            order.shape,
            order.timeout_s,
            now,
            order.kind,
            order.internet,
            order.docker_image,
        )
        session_id = int(cursor.lastrowid or 0)
        if order.kind == BATCH:
            self._database.run(
                "UPDATE versions SET session_id = ? WHERE kernel_id = ? AND number = ?",
                session_id,
                order.kernel_id,
                order.version,
            )
        return self.get(session_id)

    def get(self, session_id: int) -> Session:
        """Raises LookupError when there is none."""
        return _session(self._database.one("SELECT * FROM sessions WHERE id = ?", session_id))

    def find(self, session_id: int) -> Session | None:
        row = self._database.first("SELECT * FROM sessions WHERE id = ?", session_id)
        return _session(row) if row else None

    def unfinished(self) -> list[Session]:
        return [
            _session(row)
            for row in self._database.rows("SELECT * FROM sessions WHERE ended_at IS NULL ORDER BY id")
        ]

    def of_kernel(self, kernel_id: int) -> list[Session]:
        rows = self._database.rows("SELECT * FROM sessions WHERE kernel_id = ? ORDER BY id", kernel_id)
        return [_session(row) for row in rows]

    def recent(self, limit: int) -> list[Session]:
        """The newest first, without those a reset has disowned."""
        rows = self._database.rows(
            "SELECT * FROM sessions WHERE account_id > 0 ORDER BY id DESC LIMIT ?", limit
        )
        return [_session(row) for row in rows]

    def occupying(self, account_id: int, resource: Resource, ended_after: float, kind: Kind) -> int:
        """How many sessions of a kind count against its cap: the living ones and the lately ended."""
        row = self._database.one(
            "SELECT count(*) FROM sessions WHERE account_id = ? AND resource = ? AND kind = ?"
            " AND (ended_at IS NULL OR ended_at > ?) AND coalesce(stop_reason, '') != 'delete'",
            account_id,
            resource,
            kind,
            ended_after,
        )
        return int(row[0])

    def charged(self, account_id: int, resource: Resource, ended_after: float) -> list[Session]:
        """Sessions that may have used quota since a moment, queued ones included."""
        rows = self._database.rows(
            "SELECT * FROM sessions WHERE account_id = ? AND resource = ?"
            " AND (ended_at IS NULL OR ended_at > ?)",
            account_id,
            resource,
            ended_after,
        )
        return [_session(row) for row in rows]

    def has_ever_run(self, account_id: int, resource: Resource) -> bool:
        sql = (
            "SELECT 1 FROM sessions WHERE account_id = ? AND resource = ? AND started_at IS NOT NULL LIMIT 1"
        )
        return self._database.first(sql, account_id, resource) is not None

    def latest_complete(self, kernel_id: int) -> Session | None:
        row = self._database.first(
            "SELECT * FROM sessions WHERE kernel_id = ? AND status = 'COMPLETE' AND kind = 'batch'"
            " ORDER BY version DESC LIMIT 1",
            kernel_id,
        )
        return _session(row) if row else None

    def launched(self, session_id: int, pid: int, pid_start_time: int | None) -> None:
        self._database.run(
            "UPDATE sessions SET pid = ?, pid_start_time = ? WHERE id = ?", pid, pid_start_time, session_id
        )

    def started(self, session_id: int, started_at: float) -> None:
        """QUEUED becomes RUNNING; a stop that was asked for meanwhile stays."""
        self._database.run(
            "UPDATE sessions SET started_at = ?,"
            " status = CASE status WHEN 'QUEUED' THEN 'RUNNING' ELSE status END"
            " WHERE id = ? AND started_at IS NULL AND ended_at IS NULL",
            started_at,
            session_id,
        )

    def stopping(self, session_id: int, reason: str) -> None:
        """Record why a living session is being stopped; the first reason stays."""
        self._database.run(
            "UPDATE sessions SET status = 'CANCEL_REQUESTED', stop_reason = coalesce(stop_reason, ?)"
            " WHERE id = ? AND ended_at IS NULL",
            reason,
            session_id,
        )

    def ended(self, session_id: int, ending: Ending) -> None:
        """The last word on a session; a second one is ignored."""
        self._database.run(
            "UPDATE sessions SET status = ?, failure_message = ?, ended_at = ?,"
            " started_at = coalesce(started_at, ?) WHERE id = ? AND ended_at IS NULL",
            ending.status,
            ending.failure_message,
            ending.ended_at,
            ending.started_at,
            session_id,
        )


def _session(row: Any) -> Session:
    values = {name: row[name] for name in Session.__dataclass_fields__}
    internet = values.pop("internet")
    return Session(**values, internet=None if internet is None else bool(internet))
