"""Ctrl-C for an asyncio program."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def interruptible(work: Coroutine[Any, Any, T]) -> T:
    """Do the work; Ctrl-C cancels it between two steps of the event loop and raises KeyboardInterrupt.

    A second Ctrl-C ends the program at once. What ``asyncio.run`` does by itself cancels in the middle of
    whatever runs, also of asyncio's own hand-over of a thread's result, which then fails with
    InvalidStateError (seen with Python 3.11). Windows has only that.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)

    def interrupt() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        task.cancel()

    with contextlib.suppress(NotImplementedError, RuntimeError):
        loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        return await task
    except asyncio.CancelledError as error:
        raise KeyboardInterrupt from error
