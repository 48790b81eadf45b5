"""Threads for blocking calls. Daemons, so that a call which hangs never keeps the server from stopping."""

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_Item = tuple["concurrent.futures.Future[Any]", Callable[[], Any]]


class Workers:
    """At most ``limit`` threads, started when needed; each keeps its own Kaggle session."""

    def __init__(self, limit: int, name: str) -> None:
        self._limit, self._name = limit, name
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = self._idle = 0
        self._closed = False

    async def run(self, call: Callable[[], T], undo: Callable[[T], None] | None = None) -> T:
        """The result of ``call``, made in one of the threads. Raises RuntimeError once closed.

        ``undo`` gets the result if nobody waits for it any more, since a running call cannot be cancelled.
        """
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the Kaggle client is closed")
            self._queue.put((future, call))
            if self._idle:
                self._idle -= 1
            elif self._threads < self._limit:
                self._threads += 1
                name = f"{self._name}-{self._threads}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if undo is not None:
                future.add_done_callback(lambda done: _undo(done, undo))
            raise

    def close(self) -> None:
        """Let the threads end once they have done what they are doing."""
        with self._lock:
            self._closed = True
            for _ in range(self._threads):
                self._queue.put(None)

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            future, call = item
            if future.set_running_or_notify_cancel():
                _settle(future, call)
            del item, future, call  # what a call returned must not live on in an idle thread
            with self._lock:
                self._idle += 1


def _undo(done: concurrent.futures.Future[T], undo: Callable[[T], None]) -> None:
    if not done.cancelled() and done.exception() is None:
        undo(done.result())


def _settle(future: concurrent.futures.Future[Any], call: Callable[[], Any]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # SystemExit of a library must end here too
        future.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))
