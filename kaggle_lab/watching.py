"""Follow one run to its end: its log, its state, its files."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from .models import ARRIVED, JobStatus, Retrieval
from .wording import badge, duration_text, elapsed_s, status_text

if TYPE_CHECKING:
    from .manager import Manager
    from .models import Change, Job, LogLine, OutputFile

LOOK_AGAIN_S = 1.0
"""The clock on the screen ticks this often; news of the run is shown at once."""
LEFT_FILES = (JobStatus.COMPLETE, JobStatus.ERROR, JobStatus.CANCELLED)
"""A run that ended so may have left output files."""
UNDERWAY = (Retrieval.PENDING, Retrieval.RUNNING)


class Watcher(Protocol):
    """Who is told how a run goes."""

    def line(self, line: LogLine) -> None:
        """A log line."""

    def state(self, text: str) -> None:
        """How it stands right now; replaces what was told before."""

    def files(self, files: Sequence[OutputFile]) -> None:
        """How far the output files have come."""


@contextlib.contextmanager
def news_of(manager: Manager, job_id: str) -> Iterator[asyncio.Event]:
    """An event that is set whenever the run changes."""
    event = asyncio.Event()

    def hear(change: Change) -> None:
        if change.job_id == job_id:
            event.set()

    manager.on_change.append(hear)
    try:
        yield event
    finally:
        manager.on_change.remove(hear)


async def follow(manager: Manager, job: Job, screen: Watcher, *, after: int = -1) -> Job:
    """Show log lines after line ``after`` and the state until the run is finished. Returns it as it ended."""
    with news_of(manager, job.id) as news:
        while True:
            news.clear()
            job = await manager.job(job.id)
            after = await show_log(manager, job, screen, after)
            if job.status.is_finished:
                return job
            screen.state(state_text(job))
            await wait_for_news(news)


async def show_log(manager: Manager, job: Job, screen: Watcher, after: int) -> int:
    """Show all stored lines after ``after``; the number of the last one."""
    while True:
        page = await manager.log(job.id, after=after)
        for line in page.lines:
            screen.line(line)
        if not page.lines:
            return after
        after = page.next


async def follow_files(manager: Manager, job: Job, screen: Watcher) -> Job:
    """Show how the output files come, until nothing more is coming."""
    with news_of(manager, job.id) as news:
        while True:
            news.clear()
            job = await manager.job(job.id)
            page = await manager.outputs(job.id)
            screen.files(page.files)
            if job.retrieval not in UNDERWAY:
                return job
            arrived = sum(file.state in ARRIVED for file in page.files)
            screen.state(f"fetching outputs · {arrived} of {len(page.files)}")
            await wait_for_news(news)


async def wait_for_news(news: asyncio.Event) -> None:
    """Return at the next change, or when it is time to move the clock."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LOOK_AGAIN_S):
            await news.wait()


def state_text(job: Job) -> str:
    """Where a run stands, with its clock and machine, for a line that is redrawn."""
    parts = [status_text(job), duration_text(elapsed_s(job)), badge(job), job.hardware or job.accelerator]
    if job.trouble:
        parts.append(f"Kaggle cannot be heard: {job.trouble}")
    return " · ".join(part for part in parts if part)
