"""Weekly accelerator quota: what is used by the clock, what living sessions reserve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .accelerators import Resource
from .accounts import Account
from .clock import WEEK_S, Clock
from .db import Database
from .sessions import Session, Sessions
from .settings import Settings
from .wire import duration


@dataclass(frozen=True)
class Balance:
    """Seconds of one resource in the current week."""

    used_s: float
    reserved_s: float
    total_s: float


class Quota:
    """Accounts of GPU and TPU time; CPU is not metered."""

    def __init__(self, database: Database, clock: Clock, sessions: Sessions) -> None:
        self._database = database
        self._clock = clock
        self._sessions = sessions

    def balance(self, account: Account, resource: Resource, settings: Settings) -> Balance:
        week = self._clock.week_start()
        used, reserved = self._adjustment(account, resource, week), 0.0
        # Emulated time never runs behind real time, so this bound keeps every session of this week.
        for session in self._sessions.charged(account.id, resource, week - self._clock.offset_s):
            used += self._used_since(session, week)
            reserved += self._reserved(session)
        hours = settings.gpu_quota_hours if resource == "GPU" else settings.tpu_quota_hours
        return Balance(max(0.0, used), reserved, hours * 3600)

    def refresh_at(self) -> float:
        """The coming Saturday 00:00 UTC, emulated epoch seconds."""
        return self._clock.week_start() + WEEK_S

    def refusal(self, account: Account, resource: Resource, settings: Settings) -> str | None:
        """Why a new session may not start, in Kaggle's words; None if it may."""
        if resource == "CPU":
            return None
        balance = self.balance(account, resource, settings)
        hours = balance.total_s / 3600
        if balance.used_s >= balance.total_s:
            return f"Maximum weekly {resource} quota of {hours:.2f} hours reached."
        if balance.used_s + balance.reserved_s >= balance.total_s:
            return (
                "Session cannot start because currently running sessions are projected to exceed maximum "
                f"weekly {resource} quota of {hours:g}. Cancelling running sessions may allow starting new"
                " sessions."
            )
        return None

    def set_used(self, account: Account, resource: Resource, used_s: float, settings: Settings) -> None:
        """Make this week's use read `used_s` now (control API)."""
        week = self._clock.week_start()
        by_sessions = self.balance(account, resource, settings).used_s - self._adjustment(
            account, resource, week
        )
        self._database.run(
            "INSERT OR REPLACE INTO quota_adjustments VALUES (?, ?, ?, ?)",
            account.id,
            resource,
            week,
            used_s - by_sessions,
        )

    def statistics(self, account: Account, resource: Resource, settings: Settings) -> dict[str, Any]:
        """One resource as `GetAcceleratorQuotaStatistics` shows it."""
        balance = self.balance(account, resource, settings)
        return {
            "timeUsed": duration(balance.used_s),
            "timeReserved": duration(balance.reserved_s),
            "totalTimeAllowed": duration(balance.total_s),
            "minimumTimeAllowed": duration(0),
            "isPayToScaleEnabled": False,
            "hasEverRun": self._sessions.has_ever_run(account.id, resource),
        }

    def _adjustment(self, account: Account, resource: Resource, week: float) -> float:
        row = self._database.first(
            "SELECT seconds FROM quota_adjustments WHERE account_id = ? AND resource = ? AND week_start = ?",
            account.id,
            resource,
            week,
        )
        return float(row["seconds"]) if row else 0.0

    def _used_since(self, session: Session, week: float) -> float:
        if session.started_at is None:
            return 0.0
        start = self._clock.at(session.started_at)
        end = self._clock.now() if session.ended_at is None else self._clock.at(session.ended_at)
        return max(0.0, end - max(start, week)) * session.rate

    def _reserved(self, session: Session) -> float:
        if session.ended_at is not None:
            return 0.0
        if session.started_at is None:
            return session.timeout_s * session.rate
        elapsed = self._clock.now() - self._clock.at(session.started_at)
        return max(0.0, session.timeout_s - elapsed) * session.rate
