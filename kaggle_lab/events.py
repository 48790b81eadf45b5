"""Changes of the manager, told on Jupyter's own event bus, at most a few a second for each run."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .models import Change

SCHEMA_ID = "https://schema.kaggle-lab.dev/events/change/v1"
SCHEMA_FILE = Path(__file__).parent / "event_schemas" / "change.yaml"
MIN_INTERVAL_S = 0.25
"""Least time between two events about the same run (or about the account, or the quota)."""


class EventBus(Protocol):
    """What is needed of ``jupyter_events.EventLogger``."""

    def register_event_schema(self, schema: Any) -> None:
        """Make a schema known."""

    def emit(self, *, schema_id: str, data: dict[str, Any]) -> Any:
        """Tell all listeners."""


class ChangeEvents:
    """Emits changes; of those that come too fast for one subject only the latest is kept.

    The first change of a subject goes out at once, the last one always does. All methods are called on
    the event loop.
    """

    def __init__(self, bus: EventBus, log: logging.Logger, min_interval_s: float = MIN_INTERVAL_S) -> None:
        self._bus = bus
        self._log = log
        self._min_interval_s = min_interval_s
        self._held: dict[str, dict[str, Any]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        bus.register_event_schema(SCHEMA_FILE)

    def tell(self, change: Change) -> None:
        """Announce a change now, or when its subject's interval is over."""
        subject, data = _subject(change), _data(change)
        if subject in self._timers:
            self._held[subject] = data
            return
        self._emit(data)
        self._arm(subject)

    def close(self) -> None:
        """Send what is held and stop all timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for data in self._held.values():
            self._emit(data)
        self._held.clear()

    def _arm(self, subject: str) -> None:
        loop = asyncio.get_running_loop()
        self._timers[subject] = loop.call_later(self._min_interval_s, self._interval_over, subject)

    def _interval_over(self, subject: str) -> None:
        del self._timers[subject]
        data = self._held.pop(subject, None)
        if data is not None:
            self._emit(data)
            self._arm(subject)

    def _emit(self, data: dict[str, Any]) -> None:
        try:
            self._bus.emit(schema_id=SCHEMA_ID, data=data)
        except Exception:  # a listener's fault must not stop the monitor that told us
            self._log.exception("Kaggle Lab could not emit an event")


def _subject(change: Change) -> str:
    return change.job_id or change.kind


def _data(change: Change) -> dict[str, Any]:
    return {
        "kind": str(change.kind),
        "job_id": change.job_id,
        "seq": change.seq,
        "status": str(change.status),
        "log_count": change.log_count,
        "retrieval": str(change.retrieval),
    }
