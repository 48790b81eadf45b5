"""One monitor per process: notices every change in the store, and follows the jobs that have work left.

Silent towards Kaggle when nothing is unfinished; the store itself is a local file and is looked at often.
Several processes share one store: a lease decides which one follows a job.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from .config import Config
from .following import Follower, Rooms
from .models import Change, Job
from .store import Store

_log = logging.getLogger(__name__)
_AGAIN_S = 30.0
_SLEPT_S = 30.0


class Monitor:
    """Runs until :meth:`close`. ``tell`` is called on the event loop with every change of the store."""

    def __init__(self, config: Config, store: Store, rooms: Rooms, owner: str) -> None:
        self._config = config
        self._store = store
        self._rooms = rooms
        self._owner = owner
        self._seq = 0
        self._poke = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        self._followers: dict[str, tuple[Follower, asyncio.Task[None]]] = {}
        self._rest_until: dict[str, float] = {}
        self._stopping: set[str] = set()
        self.tell: Callable[[Sequence[Change]], None] = lambda changes: None

    async def start(self, *, follow: bool) -> None:
        """Begin to watch the store; ``follow`` also takes up the jobs with work left."""
        self._seq = await self._store.seq()
        self._watcher = asyncio.create_task(self._run(follow), name="kaggle-lab monitor")

    async def close(self) -> None:
        """Stop following. The jobs go on at Kaggle; the next monitor takes them up."""
        tasks = [task for _, task in self._followers.values()]
        if self._watcher is not None:
            tasks.append(self._watcher)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def poke_store(self) -> None:
        """Look at the store at once: there may be a job to take up."""
        self._poke.set()

    def poke(self, job_id: str = "") -> None:
        """Look at once, at the store and at one job (all of them when none is named)."""
        for resting in self._rest_until:
            if job_id in ("", resting):
                self._rest_until[resting] = 0.0
        self._poke.set()
        for known, (follower, _) in self._followers.items():
            if job_id in ("", known):
                follower.poke()

    async def _run(self, follow: bool) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time()
        is_first = True
        while True:
            try:
                changed = await self._notice()
                if follow and (changed or is_first or self._has_rested(loop.time())):
                    await self._take_up()
                is_first = False
            except Exception:
                _log.exception("the store cannot be watched for the moment")
                await asyncio.sleep(self._config.watch_interval_s)
            await self._pause()
            if loop.time() - last > _SLEPT_S + self._config.watch_interval_s:
                self.poke()  # the machine slept
            last = loop.time()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._config.watch_interval_s):
                await self._poke.wait()
        self._poke.clear()

    def _has_rested(self, now: float) -> bool:
        return any(until <= now for until in self._rest_until.values())

    async def _notice(self) -> bool:
        """Tell what changed since the last look. Whether anything did."""
        jobs, removed, seq = await self._store.changed(self._seq)
        if seq == self._seq:
            return False
        self._seq = seq
        changes = [_change_of(job) for job in jobs]
        changes += [Change("job_removed", job_id, seq) for job_id in removed]
        self.tell(changes)
        for job in jobs:
            self._notice_stop(job)
        if any(job.status.is_finished for job in jobs):
            self._a_session_is_free()
        return True

    def _a_session_is_free(self) -> None:
        """A run has ended: one that waits for a session need not wait any longer."""
        for follower, _ in self._followers.values():
            if follower.is_waiting:
                follower.poke()

    def _notice_stop(self, job: Job) -> None:
        """Look at a job at once when a stop was asked for, by whichever process."""
        if job.stop_requested_at is None or job.status.is_finished:
            self._stopping.discard(job.id)
        elif job.id in self._followers and job.id not in self._stopping:
            self._stopping.add(job.id)
            self._followers[job.id][0].poke()

    async def _take_up(self) -> None:
        now = asyncio.get_running_loop().time()
        work = await self._store.with_work()
        self._rest_until = {job.id: self._rest_until[job.id] for job in work if job.id in self._rest_until}
        for job in work:
            if job.id in self._followers or self._rest_until.get(job.id, 0.0) > now:
                continue
            if job.id in self._rooms.submitter.sending:  # also when its lease ran out while we slept
                self._rest_until[job.id] = now  # looked at again soon
                continue
            if await self._store.claim(job.id, self._owner, self._config.lease_s):
                self._rest_until.pop(job.id, None)
                follower = Follower(job.id, self._rooms)
                task = asyncio.create_task(self._follow(job.id, follower), name=f"kaggle-lab follow {job.id}")
                self._followers[job.id] = (follower, task)
            else:
                self._rest_until[job.id] = now + self._config.lease_s / 3

    async def _follow(self, job_id: str, follower: Follower) -> None:
        """Follow one job and keep its lease meanwhile. A fault in one job never harms the others."""
        loop = asyncio.get_running_loop()
        work = asyncio.create_task(follower.run(), name=f"kaggle-lab job {job_id}")
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=self._config.lease_s / 3)
                if not await self._store.claim(job_id, self._owner, self._config.lease_s):
                    break
            if work.done():
                work.result()
        except asyncio.CancelledError:
            raise
        except Exception:
            _log.exception("following run %s failed; it is taken up again", job_id)
            self._rest_until[job_id] = loop.time() + _AGAIN_S
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            self._followers.pop(job_id, None)
            await self._let_go(job_id)
            self._poke.set()

    async def _let_go(self, job_id: str) -> None:
        try:
            await self._store.release(job_id, self._owner)
        except Exception:
            _log.exception("the lease of run %s runs out by itself", job_id)


def _change_of(job: Job) -> Change:
    return Change("job", job.id, job.seq, str(job.status), job.log_count, str(job.retrieval))
