"""The only door to SQLite: jobs, their history, logs, output files and profiles.

Several processes may hold the same file. Every change is one ``BEGIN IMMEDIATE`` transaction in WAL mode
and takes the next number of one sequence, so that any process finds what others changed by asking for
``seq > mine``. :meth:`Store.move` alone writes a job's status.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from ..errors import StoreTrouble
from ..models import Endpoint, HistoryEntry, Job, JobStatus, LogLine, OutputFile, Profile
from .database import Database, Unusable

__all__ = ["Store"]

T = TypeVar("T")


class Store:
    """One open store, for use from one event loop. SQLite itself runs in one thread."""

    def __init__(self, database: Database, thread: ThreadPoolExecutor) -> None:
        self._db = database
        self._thread = thread

    @classmethod
    async def open(cls, path: Path) -> Store:
        """Open the file, creating or upgrading it. Raises StoreTrouble."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="kaggle-lab-store")
        try:
            database = await asyncio.get_running_loop().run_in_executor(thread, Database, path)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(database, thread)

    async def close(self) -> None:
        """Close the file. The store cannot be used afterwards."""
        await self._run(self._db.close)
        self._thread.shutdown(wait=True)

    async def _run(self, work: Callable[..., T], *args: Any) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)
        except Unusable as error:
            raise StoreTrouble(f"The list of runs cannot be used at the moment: {error}.") from error

    # --- jobs ---------------------------------------------------------------------------------------

    async def add(self, job: Job, note: str = "", owner: str = "", seconds: float = 0) -> tuple[Job, bool]:
        """Insert a job, followed by ``owner``. When its ``client_token`` is known: that job, and False."""
        return await self._run(self._db.add, job, note, owner, seconds)

    async def move(
        self,
        job_id: str,
        to: JobStatus,
        *,
        word: str = "",
        note: str = "",
        only_from: JobStatus | None = None,
        **changes: Any,
    ) -> Job:
        """Move a job to another status together with ``changes``, and record the step.

        A move the transition table forbids, or one from another status than ``only_from``, changes
        nothing but adds a history row; the job as it stands is returned. Raises NoSuchJob.
        """
        return await self._run(self._db.move, job_id, to, word, note, only_from, changes)

    async def edit(self, job_id: str, **changes: Any) -> Job:
        """Change fields other than the status. Raises NoSuchJob, ValueError for ``status``."""
        return await self._run(self._db.edit, job_id, changes)

    async def settle_retrieval(self, job_id: str, **changes: Any) -> Job:
        """Write how a retrieval ended; when files were asked for anew meanwhile, only where its files lie.

        Raises NoSuchJob.
        """
        return await self._run(self._db.settle_retrieval, job_id, changes)

    async def touch(self, job_id: str) -> None:
        """Give the job a new change number: something that belongs to it changed (its output files)."""
        await self._run(self._db.touch, job_id)

    async def note_word(self, job_id: str, word: str) -> None:
        """Keep a status word of Kaggle's that this package does not know, as a history row."""
        await self._run(self._db.note_word, job_id, word)

    async def get(self, job_id: str) -> Job:
        """The job. Raises NoSuchJob."""
        return await self._run(self._db.get, job_id)

    async def get_by_token(self, client_token: str) -> Job | None:
        """The job of a client token."""
        return await self._run(self._db.get_by_token, client_token)

    async def find(self, text: str) -> Job:
        """The one job whose id begins so. Raises NoSuchJob when none or several do."""
        return await self._run(self._db.find, text)

    async def page(self, *, limit: int, before: str = "", notebook: str = "") -> list[Job]:
        """Jobs, newest first, older than the job ``before``."""
        return await self._run(self._db.page, limit, before, notebook)

    async def changed(self, since: int, limit: int = 500) -> tuple[list[Job], list[str], int]:
        """Jobs changed after ``since`` in order of change, ids removed since, and the present number."""
        return await self._run(self._db.changed, since, limit)

    async def with_work(self) -> list[Job]:
        """Jobs that are unfinished, or whose output files are still to come."""
        return await self._run(self._db.with_work)

    async def count(self, notebook: str = "") -> int:
        """How many jobs there are."""
        return await self._run(self._db.count, notebook)

    async def seq(self) -> int:
        """The number of the last change."""
        return await self._run(self._db.seq)

    async def sender_of(self, ref: str, endpoint: Endpoint) -> str | None:
        """The notebook (absolute path) that last sent a version of this kernel from here; None: none did."""
        return await self._run(self._db.sender_of, ref, endpoint)

    async def promised_to(self, ref: str, endpoint: Endpoint) -> str | None:
        """The notebook (absolute path) whose first version of this kernel is about to be sent from here."""
        return await self._run(self._db.promised_to, ref, endpoint)

    async def remove(self, job_id: str) -> None:
        """Take the job out of the list, with its log. Raises NoSuchJob."""
        await self._run(self._db.remove, job_id)

    async def history(self, job_id: str) -> list[HistoryEntry]:
        """The job's way so far."""
        return await self._run(self._db.history, job_id)

    # --- who follows a job --------------------------------------------------------------------------

    async def claim(self, job_id: str, owner: str, seconds: float) -> bool:
        """Become, or stay, the one that follows the job for so many seconds."""
        return await self._run(self._db.claim, job_id, owner, seconds)

    async def release(self, job_id: str, owner: str) -> None:
        """Let others follow the job."""
        await self._run(self._db.release, job_id, owner)

    # --- log, output files, profiles, choices -------------------------------------------------------

    async def append_log(
        self, job_id: str, expected: int, taken: int, lines: Sequence[tuple[str, float, str]], **changes: Any
    ) -> Job:
        """Add lines ``(stream, time_s, text)`` read from records ``expected`` to ``expected + taken``.

        When another process has handled those records already, nothing is added.
        """
        return await self._run(self._db.append_log, job_id, expected, taken, lines, changes)

    async def log(self, job_id: str, after: int, limit: int) -> list[LogLine]:
        """Log lines after line ``after`` (-1: from the first)."""
        return await self._run(self._db.log, job_id, after, limit)

    async def put_files(self, job_id: str, files: Sequence[OutputFile]) -> None:
        """Write what is known of output files."""
        await self._run(self._db.put_files, job_id, files)

    async def files(self, job_id: str) -> list[OutputFile]:
        """The job's output files, by name."""
        return await self._run(self._db.files, job_id)

    async def profile(self, endpoint: Endpoint, notebook: str) -> Profile | None:
        """How this notebook (absolute path) is run there."""
        return await self._run(self._db.profile, endpoint, notebook)

    async def put_profile(self, endpoint: Endpoint, profile: Profile) -> None:
        """Remember how a notebook is run."""
        await self._run(self._db.put_profile, endpoint, profile)

    async def choice(self, name: str) -> str:
        """A remembered choice of the user, e.g. ``endpoint``; empty when none."""
        return await self._run(self._db.choice, name)

    async def remember(self, name: str, value: str) -> None:
        """Remember a choice of the user."""
        await self._run(self._db.remember, name, value)
