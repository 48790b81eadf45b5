"""From a planned submission to a version on Kaggle: write the intent down, push once, settle.

A push is sent exactly once. When its answer is lost, the kernel is read back until the job's id is found in
its source or Kaggle has had time enough to show it; it is never sent again.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from typing import Any
from uuid import uuid4

from . import notebook as notebooks
from .accounts import Accounts
from .config import Config
from .errors import (
    AccessDenied,
    BadCredentials,
    KaggleLabError,
    KaggleUnreachable,
    PushUncertain,
    SessionCapReached,
    SignedOut,
    Throttled,
)
from .models import (
    AccountState,
    Endpoint,
    Job,
    JobStatus,
    PushResult,
    Reason,
    Submission,
    utc_now,
)
from .outcome import TAKEN_OUT
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
        self.sending: set[str] = set()
        """The jobs whose first push is under way in this process."""
        self._not_before: dict[str, float] = {}
        self._refusals: dict[str, int] = {}
        self._pauses: dict[str, float] = {}
        self._searched_since: dict[str, float] = {}

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
        self.sending.add(job.id)
        try:
            push = asyncio.create_task(self._push_new(job, request))
            while not (await asyncio.wait({push}, timeout=self._config.lease_s / 3))[0]:
                await self._store.claim(job.id, self._owner, self._config.lease_s)
            return push.result()
        finally:
            self.sending.discard(job.id)

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
        for kept in (self._refusals, self._pauses, self._not_before, self._searched_since):
            kept.pop(job.id, None)
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
        self._put_off(job.id, error.retry_after_s if isinstance(error, Throttled) else None)
        is_full = isinstance(error, SessionCapReached)
        return await self._hold(
            job,
            error,
            reason=Reason.SESSION_CAP if is_full else Reason.OTHER,
            message=error.cause,
            remedy=error.remedy if is_full else "Nothing to do: the run waits and is sent again.",
            trouble="",
        )

    async def _wait_on(self, job: Job, error: KaggleLabError) -> Job:
        """Nothing was sent; the run waits for what it waited for before."""
        self._put_off(job.id, None)
        return await self._hold(job, error, trouble=error.cause)

    async def _hold(self, job: Job, error: KaggleLabError, **changes: Any) -> Job:
        job = await self._store.get(job.id)
        if job.stop_requested_at is not None:  # wished for while it was being sent
            return await self._store.move(
                job.id,
                TAKEN_OUT.status,
                note=error.cause,
                reason=TAKEN_OUT.reason,
                message=TAKEN_OUT.message,
                remedy="",
                trouble="",
                ended_at=utc_now(),
            )
        return await self._store.move(
            job.id, JobStatus.WAITING, note=error.cause, submitted_at=None, **changes
        )

    def _put_off(self, job_id: str, asked_s: float | None) -> None:
        """Leave a waiting run alone for as long as Kaggle asked for, else longer with every refusal."""
        refusals = self._refusals[job_id] = self._refusals.get(job_id, 0) + 1
        usual_s = self._config.waiting_retry_s * 1.5 ** min(refusals - 1, 10)
        longest_s = max(self._config.waiting_retry_s, self._config.poll_max_s)
        if asked_s is not None:
            self._not_before[job_id] = time.monotonic() + min(asked_s, _LONGEST_WAIT_S)
        self._pauses[job_id] = min(usual_s, longest_s)

    def wait_s(self, job_id: str) -> float:
        """How long a waiting run is left alone, unless something makes it worth a try before."""
        return max(self.must_wait_s(job_id), self._pauses.get(job_id, self._config.waiting_retry_s))

    def must_wait_s(self, job_id: str) -> float:
        """How long Kaggle wants to be left alone, whatever happens here."""
        return max(0.0, self._not_before.get(job_id, 0.0) - time.monotonic())

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
        self._searched_since.setdefault(job.id, time.monotonic())
        client = await self._accounts.client_of(job)
        there = await client.kernel(job.ref)
        latest = there.current_version or 0 if there else 0
        if there is not None and notebooks.is_source_of(there.source, job.id):
            return await self._adopt(job, latest or (job.base_version or 0) + 1)
        for version in range((job.base_version or 0) + 1, latest):
            older = await client.kernel(job.ref, version)
            if older is not None and notebooks.is_source_of(older.source, job.id):
                return await self._adopt(job, version)
        return await self._give_up_later(job, is_there=there is not None)

    async def _adopt(self, job: Job, version: int) -> Job:
        endpoint: Endpoint = await self._accounts.address(job.endpoint)
        assert job.ref is not None
        result = PushResult(job.ref, version, f"{endpoint.web_url}/code/{job.ref}")
        return await self._accept(job, result, "the answer was lost; found by reading the notebook back")

    async def _give_up_later(self, job: Job, *, is_there: bool) -> Job:
        """Kaggle has time to show a push, counted from the first look: asleep, nobody looks."""
        if time.monotonic() - self._searched_since[job.id] < self._config.settle_s:
            return job
        await self._require_sight(job, is_there=is_there)
        self._searched_since.pop(job.id, None)
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

    async def _require_sight(self, job: Job, *, is_there: bool) -> None:
        """Kaggle denies a notebook it does not have and one it does not show alike. Raises AccessDenied."""
        account = await self._accounts.account(refresh=True)
        if account.state is not AccountState.SIGNED_IN or account.username != job.account:
            raise AccessDenied(
                f"Only {job.account} can see whether Kaggle received this run, and that is not who is "
                "signed in.",
                remedy=f"Sign in as {job.account}.",
            )
        if job.base_version and not is_there:
            raise AccessDenied(f"Kaggle does not show {job.ref}, which it had before.")
