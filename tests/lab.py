"""A manager on a real emulator, with quick intervals: the world of the core's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kaggle_lab.config import Config
from kaggle_lab.emulator.testing import EmulatorProcess
from kaggle_lab.manager import Manager, SubmitRequest
from kaggle_lab.models import Job, JobStatus

from .conftest import QUICK
from .support import until, write_notebook

CALM = {**QUICK, "poll_first_s": 0.2, "push_gap_s": 0.0, "settle_s": 1.5}


class NoEmulator:
    """Tests name their emulator by URL; nobody may start another."""

    async def ensure(self) -> str:
        raise AssertionError("no emulator of our own is wanted here")

    async def release(self) -> None:
        """Nothing to let go of."""


@asynccontextmanager
async def open_lab(
    emulator: EmulatorProcess, folder: Path, *, watch: bool = True, **settings: Any
) -> AsyncIterator[Manager]:
    """A manager whose workspace is ``folder/work`` and whose store is ``folder/lab``."""
    values = {**CALM, "endpoint": emulator.url, "data_dir": str(folder / "lab"), **settings}
    (folder / "work").mkdir(exist_ok=True)
    manager = await Manager.open(Config(**values), folder / "work", watch=watch, emulator=NoEmulator())
    try:
        yield manager
    finally:
        await manager.close()


def ask(folder: Path, *sources: str, name: str = "my model.ipynb", **fields: Any) -> SubmitRequest:
    """A request for a notebook that is saved in the workspace."""
    write_notebook(folder / "work" / name, *(sources or ("print('hello')",)))
    return SubmitRequest(name, **fields)


async def until_status(manager: Manager, job_id: str, *wanted: JobStatus) -> Job:
    """Wait for a status; fail at once when the job ends otherwise."""

    async def there() -> Job | None:
        job = await manager.job(job_id)
        if job.status in wanted:
            return job
        assert not job.status.is_finished, job
        return None

    found: Job = await until(there, what=f"status {wanted}")
    return found


async def log_text(manager: Manager, job_id: str) -> list[str]:
    """The stored log, a line each."""
    return [line.text for line in (await manager.log(job_id, limit=100_000)).lines]
