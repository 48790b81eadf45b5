"""One job's way, followed by one task in one process: settle, watch, judge, retrieve.

The log stream is the first signal, the status pinned to the job's own version the second. Not reaching
Kaggle is noted as trouble and never as a failure of the run.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .accounts import Accounts
from .config import Config
from .errors import (
    AccessDenied,
    KaggleLabError,
    Throttled,
)
from .job_log import LogSink
from .models import (
    Job,
    JobStatus,
    KaggleStatus,
    KernelRef,
    Reason,
    Retrieval,
    SessionStatus,
    utc_now,
)
from .outcome import LIVE, UNEXPLAINED, Outcome, judge
from .retrieving import Retriever
from .stopping import Stopper
from .store import Store
from .submitting import Submitter

if TYPE_CHECKING:
    from .kaggle_client import KaggleClient

_LOG_TAIL = 200
_DRAIN_S = 20.0
_FRUITLESS = 5
_DENIALS = 3
_DOUBT_S = 3.0
_AFTER_LOG_S = 2.0
_LONGEST_WAIT_S = 3600.0
_LOG_TRIES = 12


@dataclass(frozen=True)
class Rooms:
    """What a follower works with."""

    config: Config
    store: Store
    accounts: Accounts
    submitter: Submitter
    stopper: Stopper
    retriever: Retriever


class Follower:
    """Follows one job until nothing is left to do. The caller holds its lease."""

    def __init__(self, job_id: str, rooms: Rooms) -> None:
        self._job_id = job_id
        self._rooms = rooms
        self._store = rooms.store
        self._config = rooms.config
        self._poke = asyncio.Event()
        self._log_poke = asyncio.Event()
        self._log_ended = False
        self._failures = 0
        self._denials = 0
        self._doubted: str = ""
        self._looks = 0
        self._not_before = 0.0
        self._log_not_before = 0.0
        self._is_ending = False
        self._log_tries = 0
        self.is_waiting = False
        """Whether the job waits for a free session."""

    def poke(self) -> None:
        """Look now rather than later: something was asked for, or the network may be back."""
        self._poke.set()

    async def run(self) -> None:
        """Do the next thing until there is none."""
        while True:
            job = await self._store.get(self._job_id)
            if job.status is JobStatus.WAITING:
                await self._try_again(job)
            elif job.status is JobStatus.SUBMITTING:
                await self._settle(job)
            elif not job.status.is_finished:
                await self._watch(job)
            elif job.retrieval in (Retrieval.PENDING, Retrieval.RUNNING):
                await self._retrieve(job)
            elif self._lacks_log(job):
                await self._fetch_log(job)
            else:
                return

    # --- before the session ---------------------------------------------------------------------

    async def _try_again(self, job: Job) -> None:
        """Send a run that waits for a free slot, now and then; a refusal for good ends it."""
        self.is_waiting = True
        await self._pause(self._rooms.submitter.wait_s(job.id))
        self.is_waiting = False
        job = await self._store.get(job.id)
        if job.status is not JobStatus.WAITING or self._rooms.submitter.must_wait_s(job.id):
            return
        try:
            await self._rooms.accounts.client_of(job)
        except KaggleLabError as error:
            await self._note_trouble(error)
            return
        job = await self._store.move(
            job.id, JobStatus.SUBMITTING, note="sent again", only_from=JobStatus.WAITING
        )
        if job.status is not JobStatus.SUBMITTING:  # taken out of the queue just now
            return
        with contextlib.suppress(KaggleLabError):
            await self._rooms.submitter.push(job, is_again=True)

    async def _settle(self, job: Job) -> None:
        try:
            job = await self._rooms.submitter.settle(job)
        except KaggleLabError as error:
            await self._note_trouble(error)
            await self._pause(self._delay(self._config.poll_first_s))
            return
        self._failures = 0
        if job.status is JobStatus.SUBMITTING:
            await self._pause(self._config.poll_first_s)

    # --- the session ----------------------------------------------------------------------------

    async def _watch(self, job: Job) -> None:
        ref, version = job.ref, job.version
        if ref is None or version is None:
            await self._lose(job, "This run has no version on Kaggle.")
            return
        log = asyncio.create_task(self._follow_log(ref, version), name=f"kaggle-lab log {job.id}")
        try:
            while not job.status.is_finished:
                job = await self._look(ref, version, log)
        finally:
            log.cancel()
            await asyncio.gather(log, return_exceptions=True)

    async def _look(self, ref: KernelRef, version: int, log: asyncio.Task[None]) -> Job:
        """One look at the status, then the pause until the next."""
        job = await self._store.get(self._job_id)
        refusal = await self._insist_on_stop(job)
        error = await self._ask(job, ref, version, log)
        job = await self._store.get(self._job_id)
        if job.status.is_finished:
            return job
        if error is not None:
            await self._pause(self._delay(self._interval(job), error))
        else:
            if refusal is not None and job.trouble != refusal.cause:
                await self._store.edit(job.id, trouble=refusal.cause)
            await self._pause(self._interval(job))
        return await self._store.get(self._job_id)

    async def _insist_on_stop(self, job: Job) -> KaggleLabError | None:
        """Ask again for a stop that is not confirmed. Why not, if it cannot be asked for; the run may have
        ended all the same, so the status is read in any case."""
        if job.stop_requested_at is None or job.status is JobStatus.CANCEL_REQUESTED:
            return None
        try:
            await self._rooms.stopper.insist(job)
        except KaggleLabError as error:
            return error
        return None

    async def _ask(
        self, job: Job, ref: KernelRef, version: int, log: asyncio.Task[None]
    ) -> KaggleLabError | None:
        """Read the status and act on it. The error, when it could not be read; it is noted as trouble."""
        try:
            client = await self._rooms.accounts.client_of(job)
            said = await client.session_status(ref, version)
            if said is None and job.status in (JobStatus.RUNNING, JobStatus.CANCEL_REQUESTED):
                raise AccessDenied(f"Kaggle does not know {ref} v{version} any more.")
            self._failures = self._denials = 0
            await self._hear(job, said, log)
        except AccessDenied as denied:
            return await self._on_denied(job, denied)
        except KaggleLabError as error:
            await self._note_trouble(error)
            return error
        return None

    async def _hear(self, job: Job, said: SessionStatus | None, log: asyncio.Task[None]) -> Job:
        now = utc_now()
        if said is None:  # no session yet
            return await self._store.edit(job.id, last_heard_at=now, trouble="")
        if said.status is KaggleStatus.UNKNOWN:
            await self._store.note_word(job.id, said.word)
            return await self._store.edit(job.id, last_heard_at=now, trouble="", kaggle_word=said.word)
        if said.status in LIVE:
            self._doubted = ""
            return await self._go_on(job, said, now)
        if self._is_doubtful(job, said):
            self._doubted = said.word
            return await self._store.edit(job.id, last_heard_at=now, trouble="")
        await self._drain(log)
        return await self._end(await self._store.get(job.id), said, now)

    async def _go_on(self, job: Job, said: SessionStatus, now: datetime) -> Job:
        heard: dict[str, Any] = {"last_heard_at": now, "trouble": "", "kaggle_word": said.word}
        to = LIVE[said.status]
        job = await self._store.get(job.id)
        if to is JobStatus.RUNNING and job.status is JobStatus.QUEUED and job.started_at is None:
            heard["started_at"] = now
        if to is job.status or (to is JobStatus.QUEUED and job.status is JobStatus.RUNNING):
            return await self._store.edit(job.id, **heard)
        if to is JobStatus.RUNNING:
            self._log_poke.set()
        return await self._store.move(job.id, to, word=said.word, **heard)

    def _is_doubtful(self, job: Job, said: SessionStatus) -> bool:
        """Right after a push Kaggle may show an end that is not this run's: it proves itself by its log, by a
        message, or by still being there when that time is over."""
        age = utc_now() - (job.submitted_at or job.created_at)
        fresh = age < timedelta(seconds=self._config.push_window_s)
        return fresh and job.log_next == 0 and not said.failure_message and not self._log_ended

    async def _drain(self, log: asyncio.Task[None]) -> None:
        """Give the log a moment to come to its end, so that the run's end is told with its last lines."""
        self._is_ending = True
        self._log_poke.set()
        await asyncio.wait({log}, timeout=_DRAIN_S)

    async def _end(self, job: Job, said: SessionStatus, now: datetime) -> Job:
        lines = await self._store.log(job.id, max(-1, job.log_count - _LOG_TAIL - 1), _LOG_TAIL)
        outcome = judge(job, said, [line.text for line in lines])
        ended = now
        if job.started_at is not None and lines and job.log_complete:
            ended = min(now, job.started_at + timedelta(seconds=lines[-1].time_s))
        is_wanted = (job.retrieve or self._config.retrieve) == "auto"
        wanted = Retrieval.PENDING if is_wanted else Retrieval.NONE
        return await self._close(
            job, outcome, said.word, ended, wanted if job.retrieval is Retrieval.NONE else job.retrieval
        )

    async def _close(
        self, job: Job, outcome: Outcome, word: str, ended: datetime, retrieval: Retrieval
    ) -> Job:
        if job.machine_shape != "None":
            self._rooms.accounts.note_quota_moved()
        return await self._store.move(
            job.id,
            outcome.status,
            word=word,
            note=outcome.message,
            kaggle_word=word or job.kaggle_word,
            reason=outcome.reason,
            message=outcome.message,
            remedy=outcome.remedy,
            ended_at=ended,
            last_heard_at=utc_now(),
            trouble="",
            retrieval=retrieval,
        )

    # --- trouble --------------------------------------------------------------------------------

    async def _note_trouble(self, error: KaggleLabError) -> Job:
        self._failures += 1
        job = await self._store.get(self._job_id)
        if job.trouble == error.cause:
            return job
        return await self._store.edit(job.id, trouble=error.cause)

    async def _on_denied(self, job: Job, error: AccessDenied) -> KaggleLabError:
        """Denied: the notebook was deleted, or the credentials are not good any more. Ask which."""
        self._denials += 1
        await self._note_trouble(error)
        if self._denials < _DENIALS or job.ref is None:
            return error
        try:
            account = await self._rooms.accounts.account(refresh=True)
            client = await self._rooms.accounts.client_of(job)
            is_gone = account.username == job.account and await client.kernel(job.ref) is None
        except KaggleLabError as other:
            return other
        if is_gone:
            await self._lose(job, f"Kaggle no longer has {job.ref}: it was deleted, and its run ended.")
        return error

    async def _lose(self, job: Job, message: str) -> Job:
        gone = Outcome(JobStatus.ERROR, Reason.GONE, message, "Run the notebook again; its snapshot is kept.")
        return await self._close(job, gone, "", utc_now(), job.retrieval)

    # --- intervals ------------------------------------------------------------------------------

    def _interval(self, job: Job) -> float:
        self._looks += 1
        if self._doubted:
            return _DOUBT_S
        if self._looks == 1:
            return self._config.poll_first_s
        if self._log_ended or job.stop_requested_at is not None:
            return min(_AFTER_LOG_S * 1.3 ** min(self._looks, 20), self._config.poll_running_s)
        return self._config.poll_queued_s if job.status is JobStatus.QUEUED else self._config.poll_running_s

    def _delay(self, base_s: float, error: KaggleLabError | None = None) -> float:
        asked = error.retry_after_s if isinstance(error, Throttled) else None
        if asked:
            self._not_before = asyncio.get_running_loop().time() + min(asked, _LONGEST_WAIT_S)
        backed_off = min(self._config.poll_max_s, base_s * 2 ** min(self._failures, 10))
        return float(max(min(asked or 0.0, _LONGEST_WAIT_S), backed_off * random.uniform(0.7, 1.3)))  # noqa: S311 - jitter

    async def _pause(self, seconds: float) -> None:
        """Wait, at most until there is a reason to look; but never less than Kaggle asked for."""
        loop = asyncio.get_running_loop()
        await _wait(self._poke, seconds)
        while (left := self._not_before - loop.time()) > 0:
            await _wait(self._poke, left)

    # --- the log --------------------------------------------------------------------------------

    async def _follow_log(self, ref: KernelRef, version: int) -> None:
        """Read the log to its end over as many connections as it takes."""
        fruitless = 0
        while True:
            job = await self._store.get(self._job_id)
            if job.log_complete:
                return
            taken, ended = await self._read_log_once(job, ref, version)
            if ended:
                await self._store.edit(self._job_id, log_complete=True)
                self._log_ended, self._looks = True, 1
                self.poke()
                return
            fruitless = 0 if taken else fruitless + 1
            is_patient = fruitless >= _FRUITLESS and not self._is_ending
            await self._pause_log(self._config.poll_running_s if is_patient else self._config.stream_retry_s)

    async def _pause_log(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        await _wait(self._log_poke, seconds)
        await asyncio.sleep(max(0.0, self._log_not_before - loop.time()))

    async def _read_log_once(self, job: Job, ref: KernelRef, version: int) -> tuple[int, bool]:
        sink = LogSink(self._store, job, self._config.log_lines_kept)
        ended = False
        try:
            client = await self._rooms.accounts.client_of(job)
            ended = await self._pump(client, sink, ref, version, job.log_next)
        except Throttled as error:
            loop = asyncio.get_running_loop()
            self._log_not_before = loop.time() + min(error.retry_after_s or 0.0, _LONGEST_WAIT_S)
        except KaggleLabError:
            pass  # the status look, beside this, notes the trouble
        finally:
            await sink.close()
        return (0, False) if sink.is_out_of_step else (sink.taken, ended)

    async def _pump(
        self, client: KaggleClient, sink: LogSink, ref: KernelRef, version: int, skip: int
    ) -> bool:
        from .kaggle_client import LogEnd

        async with contextlib.aclosing(client.log_records(ref, version, skip)) as records:
            async for record in records:
                if isinstance(record, LogEnd):
                    return True
                await sink.take(record)
                if sink.is_out_of_step:
                    return False
        return False

    # --- after the session ----------------------------------------------------------------------

    async def _retrieve(self, job: Job) -> None:
        if self._lacks_log(job):
            await self._try_log(job)
        again_in_s = await self._rooms.retriever.run(job)
        if again_in_s is not None:
            self._failures += 1
            await self._pause(max(again_in_s, self._delay(self._config.poll_first_s)))

    def _lacks_log(self, job: Job) -> bool:
        """Whether the end of the log did not come while the run was followed, and may still be had."""
        ran = job.status in (JobStatus.COMPLETE, JobStatus.ERROR, JobStatus.CANCELLED)
        is_there = job.version is not None and job.reason is not Reason.GONE
        return ran and is_there and not job.log_complete and self._log_tries < _LOG_TRIES

    async def _fetch_log(self, job: Job) -> None:
        if not await self._try_log(job):
            loop = asyncio.get_running_loop()
            backed_off = min(self._config.poll_max_s, self._config.stream_retry_s * 2**self._log_tries)
            await self._pause(max(backed_off, self._log_not_before - loop.time()))

    async def _try_log(self, job: Job) -> bool:
        """Read the log of a run that has ended; what it tells of a failure is told then."""
        self._log_tries += 1
        if job.ref is None or job.version is None:
            return False
        _, ended = await self._read_log_once(job, job.ref, job.version)
        if ended:
            job = await self._store.get(job.id)
            await self._store.edit(job.id, log_complete=True, **await self._explanation(job))
        return ended

    async def _explanation(self, job: Job) -> dict[str, Any]:
        """What the log tells of a failure that could not be explained without it."""
        if job.status is not JobStatus.ERROR or job.message != UNEXPLAINED:
            return {}
        said = SessionStatus(KaggleStatus.ERROR, str(KaggleStatus.ERROR))
        outcome = judge(job, said, await self._tail(job))
        return {"reason": outcome.reason, "message": outcome.message, "remedy": outcome.remedy}

    async def _tail(self, job: Job) -> list[str]:
        lines = await self._store.log(job.id, max(-1, job.log_count - _LOG_TAIL - 1), _LOG_TAIL)
        return [line.text for line in lines]


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event or so many seconds have passed; the event is spent."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    event.clear()
