"""Bringing a job's output files into the workspace, and telling in the store how far they have come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .accounts import Accounts
from .config import Config
from .errors import BadRequest, KaggleLabError, KaggleUnreachable, NotFinished, SignedOut
from .models import ARRIVED, FileState, Job, JobStatus, OutputFile, Retrieval
from .store import Store
from .workspace import Workspace

if TYPE_CHECKING:
    from .outputs import RetrievalResult

_TELL_S = 0.4


class Retriever:
    """The retrieve flow. Interrupted anywhere, it goes on where it was."""

    def __init__(self, config: Config, store: Store, accounts: Accounts) -> None:
        self._config = config
        self._store = store
        self._accounts = accounts

    async def ask(self, job_id: str, names: Sequence[str] | None, folder: str | None) -> Job:
        """Note that the files are wanted; whoever follows the job brings them.

        Raises NotFinished, BadRequest, UnsafeName for ``folder``.
        """
        job = await self._store.get(job_id)
        if job.version is None or not job.status.is_finished or job.status is JobStatus.SAVED:
            raise NotFinished(f"The run is {job.status}; it has no output files.")
        if names is not None and not names:
            raise BadRequest("No file was named.", remedy="Name some, or ask for all of them.", field="names")
        if folder and not Path(folder).is_absolute():
            folder = await asyncio.to_thread(Workspace(Path(job.root)).inside, folder)
        return await self._store.edit(
            job_id,
            retrieval=Retrieval.PENDING,
            retrieval_message="",
            files_wanted=tuple(names or ()),
            folder_wanted=folder or "",
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
        workspace, folder = _place(job)
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
        complete = result.complete or await self._has_all(job, result)
        state = Retrieval.COMPLETE if complete else Retrieval.PARTIAL
        await self._end(job, state, result.message, output_dir=_folder_of(job, workspace, result))

    async def _has_all(self, job: Job, result: RetrievalResult) -> bool:
        """Whether all files are here, some of them since an earlier retrieval into another folder."""
        here = {file.name for file in await self._store.files(job.id) if file.state in ARRIVED}
        return bool(result.listed) and here.issuperset(result.listed)

    async def _end(self, job: Job, state: Retrieval, message: str, **changes: str) -> None:
        await self._store.settle_retrieval(
            job.id,
            retrieval=state,
            retrieval_message=message,
            files_wanted=(),
            folder_wanted="",
            **changes,
        )

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


def _place(job: Job) -> tuple[Workspace, str | None]:
    """Workspace and folder. One given as an absolute path is a workspace of its own."""
    folder = job.folder_wanted or job.output_dir
    if folder and Path(folder).is_absolute():
        return Workspace(Path(folder)), "."
    return Workspace(Path(job.root)), folder or None


def _folder_of(job: Job, workspace: Workspace, result: RetrievalResult) -> str:
    """The job's folder: some files that were picked do not move it away from where the others are."""
    if job.files_wanted and job.output_dir:
        return job.output_dir
    is_elsewhere = Path(job.folder_wanted or job.output_dir).is_absolute()
    return str(workspace.root / result.folder) if is_elsewhere else result.folder


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
