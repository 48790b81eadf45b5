"""A manager on a thread of its own, for callers that cannot await: the magics in a Jupyter kernel."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from .config import Config
    from .manager import Manager

T = TypeVar("T")
LOOK_S = 0.2
"""How long a wait may keep Ctrl-C from being noticed, where the system does not interrupt it."""
CLOSE_TIMEOUT_S = 10.0


class Background:
    """Runs the manager's event loop in a daemon thread. The manager is opened at the first call."""

    def __init__(self, config: Config, root: Path) -> None:
        self._config = config
        self._root = root
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kaggle-lab", daemon=True)
        self._manager: Manager | None = None
        self._opening = asyncio.Lock()
        self._thread.start()
        atexit.register(self.close)

    @property
    def root(self) -> Path:
        """The workspace."""
        return self._root

    def start(self, work: Callable[[Manager], Awaitable[T]]) -> concurrent.futures.Future[T]:
        """Begin a piece of work with the manager. Its result, or its error, is the future's."""

        async def run() -> T:
            return await work(await self._opened())

        return asyncio.run_coroutine_threadsafe(run(), self._loop)

    def call(self, work: Callable[[Manager], Awaitable[T]], timeout_s: float | None = None) -> T:
        """Do a piece of work and wait for it. Raises what it raises, TimeoutError; Ctrl-C ends the work."""
        future = self.start(work)
        try:
            return wait_for(future, timeout_s)
        except (KeyboardInterrupt, TimeoutError):
            future.cancel()
            raise

    def close(self) -> None:
        """Stop following runs (they go on at Kaggle) and end the thread. May be called twice."""
        atexit.unregister(self.close)
        if self._loop.is_closed():
            return
        closing = asyncio.run_coroutine_threadsafe(self._close(), self._loop)
        with contextlib.suppress(Exception):
            closing.result(CLOSE_TIMEOUT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_TIMEOUT_S)
        if not self._thread.is_alive():
            self._loop.close()

    async def _opened(self) -> Manager:
        from .opening import open_manager

        async with self._opening:
            if self._manager is None:
                self._manager = await open_manager(self._config, self._root, watch=True)
            return self._manager

    async def _close(self) -> None:
        own = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not own]
        if self._manager is not None:
            await self._manager.close()
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_default_executor()


def wait_for(future: concurrent.futures.Future[T], timeout_s: float | None = None) -> T:
    """A future's result. Raises what it raises, TimeoutError, KeyboardInterrupt without much delay."""
    left = timeout_s
    while left is None or left > 0:
        step = LOOK_S if left is None else min(LOOK_S, left)
        done, _ = concurrent.futures.wait([future], step)
        if done:
            return future.result()
        left = None if left is None else left - step
    raise TimeoutError(f"not within {timeout_s} s")
