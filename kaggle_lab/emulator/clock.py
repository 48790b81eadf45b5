"""One controllable clock: real time plus an offset that the control API may increase."""

from __future__ import annotations

import bisect
import time

from .db import Database

WEEK_S = 7 * 86_400
LATEST_S = 221_845_392_000.0
"""The year 9000 in epoch seconds: later moments cannot be written as dates."""
# 1970-01-03 was the first Saturday of the epoch.
FIRST_SATURDAY_S = 2 * 86_400


class Clock:
    """Emulated time. Stored moments are real; `at` turns them into emulated ones."""

    def __init__(self, database: Database) -> None:
        self._database = database
        rows = database.rows("SELECT real_at, offset_s FROM clock_changes ORDER BY real_at")
        self._changes: list[tuple[float, float]] = [(row["real_at"], row["offset_s"]) for row in rows]

    @property
    def offset_s(self) -> float:
        return self._changes[-1][1] if self._changes else 0.0

    @property
    def changed_at(self) -> float:
        """The real moment at which the clock was last moved; 0.0 if it never was."""
        return self._changes[-1][0] if self._changes else 0.0

    def real(self) -> float:
        return time.time()

    def now(self) -> float:
        """Emulated epoch seconds."""
        return self.at(time.time())

    def at(self, real_epoch_s: float) -> float:
        """The emulated moment that a real moment was."""
        index = bisect.bisect_right(self._changes, (real_epoch_s, float("inf")))
        return real_epoch_s + (self._changes[index - 1][1] if index else 0.0)

    def advance(self, seconds: float) -> None:
        """Move emulated time forward. Raises ValueError for a step back, or beyond `LATEST_S`."""
        if not seconds >= 0:
            raise ValueError("the clock only goes forward")
        if self.now() + seconds > LATEST_S:
            raise ValueError("the clock goes to the year 9000 at most")
        change = (time.time(), self.offset_s + seconds)
        self._database.run("INSERT INTO clock_changes VALUES (?, ?)", *change)
        self._changes.append(change)

    def forget(self) -> None:
        """Back to real time."""
        self._database.run("DELETE FROM clock_changes")
        self._changes.clear()

    def week_start(self, moment: float | None = None) -> float:
        """The last Saturday 00:00 UTC at or before `moment` (emulated epoch seconds)."""
        at = self.now() if moment is None else moment
        return at - (at - FIRST_SATURDAY_S) % WEEK_S
