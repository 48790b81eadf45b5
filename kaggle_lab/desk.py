"""The one manager of a Jupyter server: opened once when first needed, its changes told, closed at the end."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import BadRequest, StoreTrouble
from .events import ChangeEvents
from .opening import open_manager

if TYPE_CHECKING:
    from .config import Config
    from .events import EventBus
    from .manager import Manager

RESUME_DELAY_S = 1.0
"""Unfinished runs are picked up this long after the server's start, which is not held up by it."""


class ManagerDesk:
    """Hands out the manager. Failures are raised to who asks and tried anew at the next call."""

    def __init__(
        self, config: Callable[[], Config], root_dir: str, bus: EventBus, log: logging.Logger
    ) -> None:
        self._config = config
        self._root = Path(root_dir).resolve()  # as the command line sees it, also through a link
        self._log = log
        # At once: a browser that subscribes before the first event hears only of schemas known by then.
        self._events = ChangeEvents(bus, log)
        self._lock = asyncio.Lock()
        self._manager: Manager | None = None
        self._resuming: asyncio.Task[None] | None = None
        self._closed = False

    async def manager(self) -> Manager:
        """The manager, opened at the first call. Raises StoreTrouble, or BadRequest for a wrong setting."""
        async with self._lock:
            if self._closed:
                raise StoreTrouble("The Jupyter server is stopping", remedy="Start it again.")
            if self._manager is None:
                self._manager = await self._open()
            return self._manager

    def resume_later(self) -> None:
        """Open the manager in the background when the store may hold runs that go on."""
        self._resuming = asyncio.create_task(self._resume(), name="kaggle-lab resume")

    async def close(self) -> None:
        """Stop everything; logs what goes wrong and raises nothing."""
        self._closed = True
        if self._resuming is not None:
            self._resuming.cancel()
            await asyncio.gather(self._resuming, return_exceptions=True)
        async with self._lock:
            manager, self._manager = self._manager, None
            await self._close_manager(manager)

    async def _close_manager(self, manager: Manager | None) -> None:
        try:
            if manager is not None:
                await manager.close()
            self._events.close()
        except Exception:
            self._log.exception("Kaggle Lab did not stop cleanly")

    async def _open(self) -> Manager:
        try:
            config = self._config()
        except ValueError as error:
            raise BadRequest(str(error), remedy="Correct this setting and restart the server.") from error
        await asyncio.to_thread(importlib.import_module, "kaggle_lab.manager")
        manager = await open_manager(config, self._root, watch=True)
        manager.on_change.append(self._events.tell)
        return manager

    async def _resume(self) -> None:
        await asyncio.sleep(RESUME_DELAY_S)
        try:
            if await self._has_work():
                await self.manager()
        except Exception as error:
            self._log.warning("Kaggle Lab cannot follow earlier runs: %s", error)

    async def _has_work(self) -> bool:
        path = self._config().store_path
        if not await asyncio.to_thread(path.exists):
            return False
        module = await asyncio.to_thread(importlib.import_module, "kaggle_lab.store")
        store = await module.Store.open(path)
        try:
            return bool(await store.with_work())
        finally:
            await store.close()
