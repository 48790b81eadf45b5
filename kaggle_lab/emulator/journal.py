"""The requests this server has seen, without credentials, newest last."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One request: `call` is the RPC method or the kind of resource; `at` is real epoch seconds."""

    n: int
    at: float
    method: str
    path: str
    call: str
    status: int
    duration_ms: float
    fault: bool


class Journal:
    """A bounded list in memory."""

    def __init__(self, size: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)
        self._numbers = itertools.count(1)
        self.listener: Callable[[Entry], None] = lambda entry: None

    def add(
        self, at: float, method: str, path: str, call: str, status: int, duration_ms: float, fault: bool
    ) -> None:
        """Remember a request. `path` comes without its query, which may hold a signature."""
        number = next(self._numbers)
        entry = Entry(number, at, method, path, call, status, round(duration_ms, 3), fault)
        self._entries.append(entry)
        self.listener(entry)

    def since(self, number: int, call: str = "") -> list[dict[str, Any]]:
        return [
            asdict(entry) for entry in self._entries if entry.n > number and (not call or entry.call == call)
        ]

    def latest(self, count: int) -> list[Entry]:
        """The last ones, newest first."""
        return list(itertools.islice(reversed(self._entries), count))

    def clear(self) -> None:
        self._entries.clear()
