"""The one door for REST, magic and command line: every use case of Kaggle Lab, and nothing of Jupyter's.

Everything is async and raises leaves of :class:`~kaggle_lab.errors.KaggleLabError`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from . import accelerators as table
from .accelerators import AcceleratorTable
from .accounts import EMBEDDED, Accounts, EmulatorControl
from .config import Config
from .errors import JobBusy, KaggleLabError
from .following import Rooms
from .models import (
    Account,
    AccountState,
    Change,
    HistoryEntry,
    Job,
    JobStatus,
    LogLine,
    OutputFile,
    Profile,
    Quota,
    QuotaShare,
    Retrieval,
)
from .monitor import Monitor
from .planning import Planner, Preview, SubmitRequest
from .retrieving import Retriever
from .snapshots import Snapshots
from .stopping import Stopper
from .store import Store
from .submitting import Submitter

__all__ = ["Finding", "JobPage", "LogPage", "Manager", "OutputsPage", "Preview", "SubmitRequest"]


@dataclass(frozen=True)
class JobPage:
    """Some jobs, newest first; ``seq`` is the cursor to ask for changes with."""

    jobs: tuple[Job, ...]
    removed: tuple[str, ...]
    seq: int
    more: bool
    total: int


@dataclass(frozen=True)
class LogPage:
    """Some lines of a log. ``next`` is the number of the last one, to ask on with; ``count`` of all."""

    lines: tuple[LogLine, ...]
    next: int
    count: int


@dataclass(frozen=True)
class OutputsPage:
    """Output files of a job and how far they have come. ``folder`` is relative to the workspace."""

    retrieval: Retrieval
    folder: str
    files: tuple[OutputFile, ...]
    message: str


@dataclass(frozen=True)
class Finding:
    """One thing the doctor looked at."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


class Manager:
    """Made by :meth:`open`. Call it from the event loop it was opened in."""

    def __init__(self, config: Config, root: Path, store: Store, emulator: EmulatorControl) -> None:
        owner = f"{os.getpid()}-{uuid4().hex[:12]}"
        self.config = config
        self._root = root
        self._store = store
        self._accounts = Accounts(config, store, emulator)
        self._snapshots = Snapshots(config.data_path / "snapshots")
        pushing = f"{owner}-push"  # an owner of its own: nobody follows a job while its push is under way
        self._planner = Planner(store, self._accounts, root)
        self._submitter = Submitter(config, store, self._accounts, self._snapshots, self._planner, pushing)
        self._stopper = Stopper(store, self._accounts)
        self._retriever = Retriever(config, store, self._accounts)
        rooms = Rooms(config, store, self._accounts, self._submitter, self._stopper, self._retriever)
        self._monitor = Monitor(config, store, rooms, owner)
        self._is_watching = False
        self.on_change: list[Callable[[Change], None]] = []
        """Called on the event loop with every change, also those other processes make."""

    @classmethod
    async def open(
        cls, config: Config, workspace_root: Path, *, watch: bool, emulator: EmulatorControl | None = None
    ) -> Manager:
        """Open the store; ``watch`` follows unfinished jobs from now on. Raises StoreTrouble.

        ``workspace_root`` is an absolute path.
        """
        from .emulator_process import EmulatorControl as OwnEmulator

        store = await Store.open(config.store_path)
        manager = cls(config, workspace_root, store, emulator or OwnEmulator(config))
        manager._accounts.on_change = lambda kind: manager._tell([Change(kind)])
        manager._monitor.tell = manager._tell
        if watch:
            await manager.start_watching()
        return manager

    async def start_watching(self) -> None:
        """Follow unfinished jobs and tell changes, from now on."""
        if not self._is_watching:
            self._is_watching = True
            await self._monitor.start(follow=True)

    async def close(self) -> None:
        """Stop following and close everything. Runs go on at Kaggle."""
        await self._submitter.close()
        await self._monitor.close()
        await self._accounts.close()
        await self._store.close()

    def _tell(self, changes: Sequence[Change]) -> None:
        for change in changes:
            for listener in self.on_change:
                listener(change)

    # --- account --------------------------------------------------------------------------------

    async def account(self, refresh: bool = False) -> Account:
        """Who is signed in. Answers also when nobody is, or Kaggle cannot be reached."""
        return await self._accounts.account(refresh)

    async def sign_in(self, token: str) -> Account:
        """Check an access token and store it. Raises BadCredentials, KaggleUnreachable."""
        account = await self._accounts.sign_in(token)
        self._monitor.poke()
        return account

    async def sign_out(self) -> Account:
        """Forget what the sign-in card stored, or leave the emulator."""
        return await self._accounts.sign_out()

    async def use_emulator(self) -> Account:
        """Start the emulator and send new runs there. Remembered until :meth:`use_kaggle`."""
        await self._accounts.address(EMBEDDED)
        await self._accounts.choose("emulator")
        return await self._accounts.account(refresh=True)

    async def use_kaggle(self) -> Account:
        """Send new runs to Kaggle."""
        await self._accounts.choose("")
        return await self._accounts.account(refresh=True)

    async def quota(self, refresh: bool = False) -> Quota:
        """The weekly quota. Raises SignedOut, KaggleUnreachable."""
        return await self._accounts.quota(refresh)

    def accelerators(self) -> AcceleratorTable:
        """The dated table of machine shapes."""
        return table.table()

    # --- submit ---------------------------------------------------------------------------------

    async def preview(self, request: SubmitRequest) -> Preview:
        """What would be sent and what stands in its way. Raises NotANotebook and its like."""
        return await self._planner.preview(await self._filled(request))

    async def submit(self, request: SubmitRequest) -> tuple[Job, bool]:
        """Push a notebook. The job, and False when this very click made it already."""
        request = await self._filled(request)
        try:
            job, created = await self._submitter.submit(request)
        finally:
            self._monitor.poke_store()
        return self._shown(job), created

    async def _filled(self, request: SubmitRequest) -> SubmitRequest:
        """A run that is asked for again, with what was sent then. Raises NoSuchJob, FileTrouble."""
        if not request.again:
            return request
        job = await self._store.get(request.again)
        content = await asyncio.to_thread(self._snapshots.source, job.id)
        path = job.notebook_path if job.root == str(self._root) else str(Path(job.root) / job.notebook_path)
        return replace(request, notebook_path=path, content=content, partial=job.partial)

    async def profile(self, notebook_path: str) -> Profile:
        """How this notebook is run."""
        return await self._planner.profile(notebook_path)

    async def save_profile(self, profile: Profile) -> Profile:
        """Remember how a notebook is run. Raises UnknownAccelerator, BadTitle."""
        return await self._planner.save_profile(profile)

    # --- jobs -----------------------------------------------------------------------------------

    async def jobs(
        self, *, since: int = 0, limit: int = 100, before: str = "", notebook: str = "", active: bool = False
    ) -> JobPage:
        """A page of jobs, newest first: those changed after ``since``, or those older than ``before``."""
        if since:
            found, removed, seq = await self._store.changed(since, limit)
            more = len(found) == limit
            found.sort(key=lambda job: (job.created_at, job.id), reverse=True)
        else:
            seq, removed = await self._store.seq(), []
            if active:
                found = list(reversed(await self._store.with_work()))
            else:
                found = await self._store.page(limit=limit + 1, before=before, notebook=notebook)
            more = len(found) > limit
        shown = [self._shown(job) for job in found[:limit]]
        total = await self._store.count(notebook)
        return JobPage(tuple(shown), tuple(removed), seq, more, total)

    async def job(self, job_id: str) -> Job:
        """One job. Raises NoSuchJob."""
        return self._shown(await self._store.get(job_id))

    async def find_job(self, text: str) -> Job:
        """The one job whose id begins so. Raises NoSuchJob."""
        return self._shown(await self._store.find(text))

    async def history(self, job_id: str) -> list[HistoryEntry]:
        """The job's way so far."""
        return await self._store.history(job_id)

    async def log(self, job_id: str, after: int = -1, limit: int = 5000) -> LogPage:
        """Log lines after line ``after`` (-1: from the first). Raises NoSuchJob."""
        job = await self._store.get(job_id)
        lines = await self._store.log(job_id, after, limit)
        return LogPage(tuple(lines), lines[-1].n if lines else after, job.log_count)

    async def snapshot(self, job_id: str) -> str:
        """The notebook as it was on screen when the job was submitted, as JSON text."""
        job = await self._store.get(job_id)
        return await asyncio.to_thread(self._snapshots.notebook, job.id)

    async def stop(self, job_id: str) -> Job:
        """Ask Kaggle to stop a run. Raises JobFinished, or why Kaggle could not be asked."""
        job = await self._stopper.stop(job_id)
        self._monitor.poke(job_id)
        return self._shown(job)

    async def remove(self, job_id: str) -> None:
        """Take a job out of the list. Raises JobBusy while it goes on. Files and Kaggle stay as they are."""
        job = await self._store.get(job_id)
        if not job.status.is_finished or job.retrieval is Retrieval.RUNNING:
            raise JobBusy(f"This run is still {job.status}.")
        await self._store.remove(job_id)
        await asyncio.to_thread(self._snapshots.remove, job_id)
        self._monitor.poke_store()

    def _shown(self, job: Job) -> Job:
        """A job as people here see it: our own emulator's present address, a folder they can open."""
        if job.endpoint == EMBEDDED:
            endpoint = self._accounts.known_address(job.endpoint)
            has_page = bool(endpoint.url) and job.ref is not None and job.version is not None
            job = replace(job, endpoint=endpoint, url=f"{endpoint.url}/code/{job.ref}" if has_page else "")
        if job.output_dir and job.root != str(self._root):
            job = replace(job, output_dir=str(Path(job.root) / job.output_dir))
        return replace(job, root="") if job.root == str(self._root) else job

    # --- outputs --------------------------------------------------------------------------------

    async def outputs(self, job_id: str, refresh: bool = False) -> OutputsPage:
        """The job's output files; asks Kaggle for the list when it is not known yet, or on ``refresh``."""
        job = await self._store.get(job_id)
        files = await self._store.files(job_id)
        is_ended = job.status.is_finished and job.version is not None and job.status is not JobStatus.SAVED
        if refresh or (not files and is_ended and job.retrieval is Retrieval.NONE):
            files = await self._retriever.listing(job)
        shown = self._shown(job)
        return OutputsPage(job.retrieval, shown.output_dir, tuple(files), job.retrieval_message)

    async def retrieve(
        self, job_id: str, names: Sequence[str] | None = None, folder: str | None = None
    ) -> Job:
        """Bring output files here, in the background. Raises NotFinished."""
        job = await self._retriever.ask(job_id, names, folder)
        await self.start_watching()
        self._monitor.poke(job_id)
        return self._shown(job)

    async def wait(
        self,
        job_id: str,
        *,
        until_retrieved: bool = False,
        on_change: Callable[[Job], None] | None = None,
    ) -> Job:
        """Until the run has ended (and its files are here). ``on_change`` gets the job at every change."""
        await self.start_watching()
        changed = asyncio.Event()

        def listen(change: Change) -> None:
            if change.job_id == job_id:
                changed.set()

        self.on_change.append(listen)
        try:
            while True:
                changed.clear()
                job = await self.job(job_id)
                if on_change is not None:
                    on_change(job)
                if _is_over(job, until_retrieved):
                    return job
                await changed.wait()
        finally:
            self.on_change.remove(listen)

    # --- doctor ---------------------------------------------------------------------------------

    async def doctor(self) -> list[Finding]:
        """What is well and what is not: versions, folders, credentials, the way to Kaggle, quota."""
        findings = [_versions(), self._folder()]
        account = await self.account(refresh=True)
        where = f"{account.endpoint.kind} {account.endpoint.url}".strip()
        is_known = account.state is AccountState.SIGNED_IN
        who = f"{account.username} ({account.method}, {account.source})" if is_known else account.message
        findings.append(
            Finding("endpoint", account.state is not AccountState.UNREACHABLE, where, _reach_remedy(account))
        )
        findings.append(Finding("credentials", is_known, who, "" if is_known else _sign_in_remedy(account)))
        if is_known:
            findings.append(await self._quota_finding())
        unfinished = await self._store.with_work()
        findings.append(Finding("unfinished runs", True, str(len(unfinished))))
        return findings

    def _folder(self) -> Finding:
        folder = self.config.data_path
        is_ok = os.access(folder, os.W_OK)
        return Finding("data folder", is_ok, str(folder), "" if is_ok else "Make it writable.")

    async def _quota_finding(self) -> Finding:
        try:
            quota = await self.quota(refresh=True)
        except KaggleLabError as error:
            return Finding("quota", False, error.cause, error.remedy)
        left = [f"{name} {share.left_s / 3600:.1f} h" for name, share in _shares(quota)]
        return Finding("quota", True, "left: " + (", ".join(left) or "not told"))


def _shares(quota: Quota) -> list[tuple[str, QuotaShare]]:
    return [(name, share) for name, share in (("GPU", quota.gpu), ("TPU", quota.tpu)) if share is not None]


def _is_over(job: Job, until_retrieved: bool) -> bool:
    if not job.status.is_finished:
        return False
    return not until_retrieved or job.retrieval not in (Retrieval.PENDING, Retrieval.RUNNING)


def _versions() -> Finding:
    from importlib import metadata

    names = ("kaggle-lab", "jupyterlab", "jupyter_server", "kaggle", "kagglesdk")
    found = []
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found.append(f"{name} {metadata.version(name)}")
    return Finding("versions", True, ", ".join([f"Python {sys.version.split()[0]}", *found]))


def _reach_remedy(account: Account) -> str:
    if account.state is not AccountState.UNREACHABLE:
        return ""
    return "Check the network, the proxy (HTTPS_PROXY) and KAGGLE_LAB_ENDPOINT."


def _sign_in_remedy(account: Account) -> str:
    if account.state is AccountState.UNREACHABLE:
        return "They can be checked when Kaggle can be reached."
    return (
        "Create a token at kaggle.com > Settings > API, then put it into ~/.kaggle/access_token or sign in "
        "from the Kaggle sidebar. Or try the emulator: jupyter kaggle submit --emulator."
    )
