"""Stopping a run on Kaggle: find the session's id, cancel it, and believe only Kaggle's own word."""

from __future__ import annotations

import time

from .accounts import Accounts
from .errors import AccessDenied, JobFinished, KaggleError, KaggleLabError
from .models import Job, JobStatus, KaggleStatus, utc_now
from .outcome import TAKEN_OUT
from .store import Store

_INSIST_S = 20.0


class Stopper:
    """The stop flow. The wish is stored before Kaggle is asked, so that a restart carries it out."""

    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts
        self._asked: dict[str, float] = {}

    async def stop(self, job_id: str) -> Job:
        """Ask Kaggle to stop the run; its status changes when Kaggle says so.

        Raises JobFinished, or why Kaggle could not be asked; the wish is taken back then.
        """
        job = await self._store.get(job_id)
        if job.status.is_finished:
            raise JobFinished(f"This run is over ({job.status}).")
        if job.status is JobStatus.WAITING:
            return await self._take_out(job)
        job = await self._store.edit(job_id, stop_requested_at=utc_now())
        if job.status is JobStatus.SUBMITTING:
            return job
        try:
            await self._cancel(job)
        except KaggleLabError:
            if not await self._is_stopping(job):
                await self._store.edit(job_id, stop_requested_at=None)
                raise
        return await self._store.get(job_id)

    async def _is_stopping(self, job: Job) -> bool:
        """Whether the run stops or has ended anyway: another process may have asked just before us."""
        if job.ref is None or job.version is None:
            return False
        try:
            status = await (await self._accounts.client_of(job)).session_status(job.ref, job.version)
        except KaggleLabError:
            return False
        going_on = (KaggleStatus.QUEUED, KaggleStatus.NEW_SCRIPT, KaggleStatus.RUNNING, KaggleStatus.UNKNOWN)
        return status is not None and status.status not in going_on

    async def _take_out(self, job: Job) -> Job:
        now = utc_now()
        taken = await self._store.move(
            job.id,
            TAKEN_OUT.status,
            note="taken out of the queue",
            only_from=JobStatus.WAITING,
            reason=TAKEN_OUT.reason,
            message=TAKEN_OUT.message,
            remedy="",
            stop_requested_at=now,
            ended_at=now,
        )
        # It may have been sent at this very moment; then it is stopped like any other.
        return taken if taken.status is TAKEN_OUT.status else await self.stop(job.id)

    async def insist(self, job: Job) -> None:
        """Ask again, now and then, while a stop that was wished for is not confirmed. Raises KaggleError."""
        last = self._asked.get(job.id)
        if last is None or time.monotonic() - last > _INSIST_S:
            await self._cancel(job)

    async def _cancel(self, job: Job) -> None:
        if job.ref is None or job.version is None:
            raise KaggleError("This run has no version on Kaggle yet.")
        client = await self._accounts.client_of(job)
        self._asked[job.id] = time.monotonic()
        session = job.kernel_session_id
        if session is not None:
            try:
                await client.cancel_session(session)
                return
            except AccessDenied:
                session = None  # most often a wrong id: ask for a fresh one
        session = await client.find_session_id(job.ref, job.version)
        if session is None:
            raise KaggleError(
                "Kaggle does not tell which session this run has, so it cannot be stopped from here.",
                remedy=f"Stop it on its page: {job.url}",
                url=job.url,
            )
        await self._store.edit(job.id, kernel_session_id=session)
        await client.cancel_session(session)
