"""From a planned submission to a version on Kaggle: write the intent down, push once, settle.

A push is sent exactly once. When its answer is lost, the kernel is read back until the job's id is found in
its source or Kaggle has had time enough to show it; it is never sent again.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from datetime import timedelta
from uuid import uuid4

from . import notebook as notebooks
from .accounts import Accounts
from .config import Config
from .errors import (
    BadCredentials,
    KaggleLabError,
    KaggleUnreachable,
    PushUncertain,
    SessionCapReached,
    SignedOut,
    Throttled,
)
from .models import (
    Endpoint,
    Job,
    JobStatus,
    PushResult,
    Reason,
    Submission,
    utc_now,
)
from .planning import Planner, SubmitRequest
from .snapshots import Snapshots
from .store import Store

_log = logging.getLogger(__name__)
_REASONS = {
    "quota": Reason.QUOTA,
    "phone_verification": Reason.PHONE,
    "title_taken": Reason.TITLE_TAKEN,
    "session_cap": Reason.SESSION_CAP,
}
_LONGEST_WAIT_S = 3600.0


class Submitter:
    """The submit flow. Everything it decides is in the store before Kaggle hears of it."""

    def __init__(
        self,
        config: Config,
        store: Store,
        accounts: Accounts,
        snapshots: Snapshots,
        planner: Planner,
        owner: str,
    ) -> None:
        self._config = config
        self._store = store
        self._accounts = accounts
        self._snapshots = snapshots
        self._planner = planner
        self._owner = owner
        self._one_at_a_time = asyncio.Lock()
        self._one_place_at_a_time = asyncio.Lock()
        self._last_push = 0.0
        self._pushes: set[asyncio.Task[Job]] = set()
        self._asked_to_wait_s: dict[str, float] = {}

    async def close(self) -> None:
        """Let pushes that are under way come to their end."""
        if self._pushes:
            await asyncio.wait(self._pushes)

    # --- submit ---------------------------------------------------------------------------------

    async def submit(self, request: SubmitRequest) -> tuple[Job, bool]:
        """Push a notebook. The job, and whether it was made now rather than by an earlier same click.

        Returns when Kaggle answered or the answer was lost. Raises what Kaggle or we refused; when the job
        was written already, ``data["job_id"]`` names it.
        """
        token = request.client_token or uuid4().hex
        known = await self._store.get_by_token(token)
        if known is not None:
            return known, False
        async with self._one_place_at_a_time:
            job, created = await self._add(request, token)
        if not created:
            return job, False
        push = asyncio.create_task(self._keeping_lease(job, request), name=f"kaggle-lab push {job.id}")
        self._pushes.add(push)
        push.add_done_callback(self._pushes.discard)
        return await asyncio.shield(push), True

    async def _add(self, request: SubmitRequest, token: str) -> tuple[Job, bool]:
        known = await self._store.get_by_token(token)
        if known is not None:  # the same click, a moment ago
            return known, False
        new, text, source = await self._planner.prepare(request, token)
        await asyncio.to_thread(self._snapshots.save, new.id, text, source)
        created = False
        try:
            job, created = await self._store.add(new, "asked for", self._owner, self._config.lease_s)
        finally:
            if not created:
                await asyncio.to_thread(self._snapshots.remove, new.id)
        return job, created

    async def _keeping_lease(self, job: Job, request: SubmitRequest) -> Job:
        """Push, and let nobody follow the job meanwhile, however slow the line is."""
        push = asyncio.create_task(self._push_new(job, request))
        while not (await asyncio.wait({push}, timeout=self._config.lease_s / 3))[0]:
            await self._store.claim(job.id, self._owner, self._config.lease_s)
        return push.result()

    async def _push_new(self, job: Job, request: SubmitRequest) -> Job:
        job = await self.push(job)
        if request.remember and job.ref is not None and job.status is not JobStatus.REJECTED:
            try:
                await self._planner.remember(job, request)
            except Exception:  # the run is under way all the same
                _log.exception("how %s is run could not be remembered", job.notebook_path)
        return job

    # --- push -----------------------------------------------------------------------------------

    async def push(self, job: Job, *, is_again: bool = False) -> Job:
        """Send a job that is ``submitting``. Its lease must be held, and is let go afterwards.

        Raises what refused it, with ``data["job_id"]``; a full house makes it wait instead, and a lost
        answer leaves it ``submitting`` for :meth:`settle`. One that waited and is sent again keeps its lease,
        and waits on when Kaggle cannot be asked.
        """
        try:
            return await self._push(job)
        except PushUncertain as error:
            return await self._store.edit(job.id, trouble=error.cause)
        except (SessionCapReached, Throttled) as error:
            return await self._wait(job, error)
        except KaggleLabError as error:
            if is_again and isinstance(error, (KaggleUnreachable, SignedOut, BadCredentials)):
                return await self._wait_on(job, error)
            await self._reject(job, error)
            error.data["job_id"] = job.id
            raise
        finally:
            if not is_again:
                await self._store.release(job.id, self._owner)

    async def _push(self, job: Job) -> Job:
        submission = await self._submission(job)
        async with self._one_at_a_time:
            client = await self._accounts.client_of(job)
            loop = asyncio.get_running_loop()
            await asyncio.sleep(max(0.0, self._last_push + self._config.push_gap_s - loop.time()))
            await self._store.edit(job.id, submitted_at=utc_now(), trouble="")
            try:
                result = await client.push(submission)
            finally:
                self._last_push = loop.time()
        return await self._accept(job, result)

    async def _submission(self, job: Job) -> Submission:
        if job.ref is None:
            raise KaggleLabError(f"The run {job.id} has no address on Kaggle.")
        return Submission(
            ref=job.ref,
            title=job.title,
            source=await asyncio.to_thread(self._snapshots.source, job.id),
            language=job.language,
            machine_shape=job.machine_shape,
            internet=job.internet,
            private=job.private,
            time_cap_s=job.time_cap_s,
            save_only=job.save_only,
            sources=job.sources,
        )

    async def _accept(self, job: Job, result: PushResult, note: str = "accepted") -> Job:
        dropped = [
            f"Kaggle did not attach the {kind[:-1]} {name}: it does not exist, is not ready, or you have "
            "not joined it. The run goes on without it."
            for kind, names in dataclasses.asdict(result.dropped).items()
            for name in names
        ]
        if not job.save_only and job.machine_shape != "None":
            self._accounts.note_quota_moved()
        return await self._store.move(
            job.id,
            JobStatus.SAVED if job.save_only else JobStatus.QUEUED,
            note=note,
            ref=result.ref,
            version=result.version,
            url=result.url,
            kernel_session_id=result.kernel_session_id,
            warnings=(*job.warnings, *dropped),
            reason=Reason.NONE,
            message="",
            remedy="",
            trouble="",
            ended_at=utc_now() if job.save_only else None,
        )

    async def _wait(self, job: Job, error: KaggleLabError) -> Job:
        """Kaggle took nothing and said so: the run is sent again later."""
        if isinstance(error, Throttled) and error.retry_after_s is not None:
            self._asked_to_wait_s[job.id] = error.retry_after_s
        is_full = isinstance(error, SessionCapReached)
        return await self._store.move(
            job.id,
            JobStatus.WAITING,
            note=error.cause,
            reason=Reason.SESSION_CAP if is_full else Reason.OTHER,
            message=error.cause,
            remedy=error.remedy if is_full else "Nothing to do: the run waits and is sent again.",
            submitted_at=None,
            trouble="",
        )

    async def _wait_on(self, job: Job, error: KaggleLabError) -> Job:
        """Nothing was sent; the run waits for what it waited for before."""
        return await self._store.move(
            job.id, JobStatus.WAITING, note=error.cause, submitted_at=None, trouble=error.cause
        )

    def wait_s(self, job_id: str) -> float:
        """How long a waiting run is left alone: as long as Kaggle asked for, else the setting."""
        return min(self._asked_to_wait_s.pop(job_id, self._config.waiting_retry_s), _LONGEST_WAIT_S)

    async def _reject(self, job: Job, error: KaggleLabError) -> None:
        reason = _REASONS.get(error.code, Reason.REFUSED)
        if isinstance(error, KaggleUnreachable):
            reason = Reason.NOT_RECEIVED
        await self._store.move(
            job.id, JobStatus.REJECTED, note=error.cause, reason=reason, message=error.cause,
            remedy=error.remedy, ended_at=utc_now(), trouble="",
        )  # fmt: skip

    # --- settle ---------------------------------------------------------------------------------

    async def settle(self, job: Job) -> Job:
        """Find out by reading whether a push arrived whose answer is not known. Raises KaggleError.

        The job comes back queued (found), rejected (Kaggle had time enough and does not have it), or as it
        was (ask again in a while).
        """
        if job.ref is None:
            raise KaggleLabError(f"The run {job.id} has no address on Kaggle.")
        client = await self._accounts.client_of(job)
        there = await client.kernel(job.ref)
        latest = there.current_version or 0 if there else 0
        if there is not None and notebooks.is_source_of(there.source, job.id):
            return await self._adopt(job, latest)
        for version in range((job.base_version or 0) + 1, latest):
            older = await client.kernel(job.ref, version)
            if older is not None and notebooks.is_source_of(older.source, job.id):
                return await self._adopt(job, version)
        return await self._give_up_later(job)

    async def _adopt(self, job: Job, version: int) -> Job:
        endpoint: Endpoint = await self._accounts.address(job.endpoint)
        assert job.ref is not None
        result = PushResult(job.ref, version, f"{endpoint.web_url}/code/{job.ref}")
        return await self._accept(job, result, "the answer was lost; found by reading the notebook back")

    async def _give_up_later(self, job: Job) -> Job:
        asked = job.submitted_at or job.created_at
        if utc_now() - asked < timedelta(seconds=self._config.settle_s):
            return job
        return await self._store.move(
            job.id,
            JobStatus.REJECTED,
            note="Kaggle does not have it",
            reason=Reason.NOT_RECEIVED,
            message="Kaggle did not receive this run: the connection broke on the way.",
            remedy="Run it again. Nothing ran and no quota was used.",
            ended_at=utc_now(),
            trouble="",
        )
