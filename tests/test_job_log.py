"""Records of a live log on their way into the store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from kaggle_lab.job_log import LogSink
from kaggle_lab.models import FileState, Job, LogRecord, OutputFile
from kaggle_lab.retrieving import FileNews
from kaggle_lab.store import Store

from .support import until
from .test_store import a_job


class SlowDisk:
    """A store whose writes wait until the test lets them through."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.writes = 0
        self.open = asyncio.Event()

    async def append_log(self, *args: Any, **facts: Any) -> Job:
        await self._write()
        return await self._store.append_log(*args, **facts)

    async def put_files(self, *args: Any) -> None:
        await self._write()

    async def _write(self) -> None:
        self.writes += 1
        await self.open.wait()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def test_a_line_that_comes_during_a_write_is_written_too(tmp_path: Path) -> None:
    """Without waiting for the next line, which may be hours away."""
    store = await Store.open(tmp_path / "s.sqlite")
    await store.add(a_job())
    disk = SlowDisk(store)
    sink = LogSink(disk, await store.get("a1"), 1000)  # type: ignore[arg-type]
    await sink.take(LogRecord(0, "stdout", 0.1, "first\n"))

    async def is_writing() -> bool:
        return disk.writes == 1

    await until(is_writing)
    await sink.take(LogRecord(1, "stdout", 0.2, "second\n"))
    disk.open.set()

    async def lines() -> bool:
        return [line.text for line in await store.log("a1", -1, 10)] == ["first", "second"]

    await until(lines, deadline_s=10)
    await sink.close()
    await store.close()


async def test_news_of_a_file_that_comes_during_a_write_is_written_too(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "s.sqlite")
    await store.add(a_job())
    disk = SlowDisk(store)
    news = FileNews(disk, "a1")  # type: ignore[arg-type]
    news.take(OutputFile("a.bin", 1, FileState.RECEIVING))

    async def has_written(times: int) -> bool:
        return disk.writes == times

    await until(lambda: has_written(1))
    news.take(OutputFile("a.bin", 1, FileState.DONE))
    disk.open.set()
    await until(lambda: has_written(2), deadline_s=10)
    await news.close()
    await store.close()
