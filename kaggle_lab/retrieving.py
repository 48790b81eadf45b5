"""Bringing a job's output files into the workspace, and telling in the store how far they have come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from .accounts import Accounts
from .config import Config
from .errors import KaggleLabError, KaggleUnreachable, NotFinished, SignedOut
from .models import FileState, Job, JobStatus, OutputFile, Retrieval
from .store import Store
from .workspace import Workspace

_TELL_S = 0.4


class Retriever:
    """The retrieve flow. Interrupted anywhere, it goes on where it was."""

    def __init__(self, config: Config, store: Store, accounts: Accounts) -> None:
        self._config = config
        self._store = store
        self._accounts = accounts

    async def ask(self, job_id: str, names: Sequence[str] | None, folder: str | None) -> Job:
        """Note that the files are wanted; whoever follows the job brings them. Raises NotFinished."""
        job = await self._store.get(job_id)
        if job.version is None or not job.status.is_finished or job.status is JobStatus.SAVED:
            raise NotFinished(f"The run is {job.status}; it has no output files.")
        place = {} if folder is None else {"output_dir": folder}
        return await self._store.edit(
            job_id,
            retrieval=Retrieval.PENDING,
            retrieval_message="",
            files_wanted=tuple(names or ()),
            **place,
        )

    async def run(self, job: Job) -> float | None:
        """Bring the files. Seconds after which to try again, or None when that is the end of it."""
        job = await self._store.edit(job.id, retrieval=Retrieval.RUNNING)
        news = FileNews(self._store, job.id)
        try:
            await self._retrieve(job, news)
        except (KaggleUnreachable, SignedOut) as error:
            await self._store.edit(
                job.id, retrieval=Retrieval.PENDING, retrieval_message=f"{error.cause} {error.remedy}"
            )
            return self._config.poll_first_s
        except KaggleLabError as error:
            await self._end(job, Retrieval.FAILED, f"{error.cause} {error.remedy}")
        finally:
            await news.close()
        return None

    async def _retrieve(self, job: Job, news: FileNews) -> None:
        from .outputs import retrieve

        client = await self._accounts.client_of(job)
        workspace, folder = self._place(job)
        result = await retrieve(
            client,
            workspace,
            job,
            names=job.files_wanted or None,
            folder=folder,
            on_file=news.take,
            config=self._config,
        )
        await news.close()
        where = str(workspace.root / result.folder) if Path(job.output_dir).is_absolute() else result.folder
        state = Retrieval.COMPLETE if result.complete else Retrieval.PARTIAL
        await self._end(job, state, result.message, output_dir=where)

    def _place(self, job: Job) -> tuple[Workspace, str | None]:
        """A folder given as an absolute path is a workspace of its own."""
        if job.output_dir and Path(job.output_dir).is_absolute():
            return Workspace(Path(job.output_dir)), "."
        return Workspace(Path(job.root)), job.output_dir or None

    async def _end(self, job: Job, state: Retrieval, message: str, **changes: str) -> None:
        await self._store.edit(job.id, retrieval=state, retrieval_message=message, files_wanted=(), **changes)

    async def listing(self, job: Job) -> list[OutputFile]:
        """The files as Kaggle lists them now, with what is known of those that are here already."""
        if job.ref is None or job.version is None or not job.status.is_finished:
            raise NotFinished(f"The run is {job.status}; Kaggle lists its files when it has ended.")
        client = await self._accounts.client_of(job)
        known = {file.name: file for file in await self._store.files(job.id)}
        there = await client.output_files(job.ref, job.version)
        fresh = [
            OutputFile(file.name, file.size, FileState.LISTED) for file in there if file.name not in known
        ]
        if fresh:
            await self._store.put_files(job.id, fresh)
        return await self._store.files(job.id)


class FileNews:
    """Writes what the engine tells of files in batches, so that progress costs little."""

    def __init__(self, store: Store, job_id: str) -> None:
        self._store = store
        self._job_id = job_id
        self._waiting: dict[str, OutputFile] = {}
        self._task: asyncio.Task[None] | None = None

    def take(self, file: OutputFile) -> None:
        """Accept news of one file."""
        self._waiting[file.name] = file
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_soon())

    async def _write_soon(self) -> None:
        while self._waiting:  # also what came while a batch was being written
            await asyncio.sleep(_TELL_S)
            await self._write()

    async def _write(self) -> None:
        batch, self._waiting = list(self._waiting.values()), {}
        if batch:
            await self._store.put_files(self._job_id, batch)
            await self._store.touch(self._job_id)

    async def close(self) -> None:
        """Write the rest."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._write()
