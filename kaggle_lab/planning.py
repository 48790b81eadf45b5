"""What a submission means: every question answered, from the click, the notebook, the profile and Kaggle.

Nothing is sent and no job is written here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from . import accelerators
from . import notebook as notebooks
from .accounts import Accounts
from .errors import BadRequest, KaggleLabError, TitleTaken, UnknownAccelerator
from .models import Account, Fetching, Job, JobStatus, KernelInfo, KernelRef, Profile, Sources, utc_now
from .store import Store
from .workspace import Workspace


@dataclass(frozen=True)
class SubmitRequest:
    """What a person asks for. None means: as remembered, else as the notebook says, else the default."""

    notebook_path: str
    """Relative to the workspace."""
    content: str | None = None
    """The notebook as it is on screen, as JSON text; None reads the file."""
    client_token: str = ""
    """One per click: the same token never makes a second run."""
    accelerator: str | None = None
    title: str | None = None
    internet: bool | None = None
    private: bool | None = None
    time_cap_s: int | None = None
    save_only: bool = False
    add_version: bool = False
    """Add a version to a notebook of this title that Kaggle Lab does not know."""
    remember: bool = True
    cells: Sequence[int] | None = None
    """Only the cells with these positions in the notebook, counted from 0."""
    partial: bool = False
    """Whether ``content`` is only a part of the notebook, as of the cell magic."""
    again: str = ""
    """The id of a run whose source, as it was sent, is sent again; ``content`` is not read then."""
    sources: Sources | None = None
    """What to attach; None: what the notebook says, else what its last version on Kaggle has."""
    retrieve: Fetching = Fetching.AS_SET
    output_dir: str = ""
    """Where they go, an absolute path; empty: as the setting says."""


@dataclass(frozen=True)
class Preview:
    """What a submission would send, and what stands in its way."""

    profile: Profile
    title: str
    slug: str
    accelerator: str
    machine_shape: str
    internet: bool
    private: bool
    time_cap_s: int | None
    language: str
    source_bytes: int
    code_cells: int
    sources: Sources
    kernel_exists: bool
    warnings: tuple[str, ...]
    problems: tuple[dict[str, Any], ...]
    """Errors as REST encodes them: ``{"code", "cause", "remedy", "data"}``."""

    @property
    def can_submit(self) -> bool:
        """Whether nothing known stands in the way."""
        return not self.problems


@dataclass(frozen=True)
class _Plan:
    """A request with every question answered."""

    notebook: notebooks.Notebook
    profile: Profile
    title: str
    choice: accelerators.Choice
    internet: bool
    private: bool
    time_cap_s: int | None
    sources: Sources
    warnings: tuple[str, ...]


class Planner:
    """Answers the questions of a submission, and remembers the answers for each notebook."""

    def __init__(self, store: Store, accounts: Accounts, root: Path) -> None:
        self._store = store
        self._accounts = accounts
        self._workspace = Workspace(root)
        self._root = root

    # --- profiles -------------------------------------------------------------------------------

    def absolute(self, notebook_path: str) -> str:
        """The key of a notebook's profile."""
        return str(self._root / notebook_path)

    async def profile(self, notebook_path: str) -> Profile:
        """How this notebook is run; defaults for one that was never run."""
        endpoint = await self._accounts.chosen()
        known = await self._store.profile(endpoint, self.absolute(notebook_path))
        return replace(known or Profile(notebook_path), notebook_path=notebook_path)

    async def save_profile(self, profile: Profile) -> Profile:
        """Remember how a notebook is run. Raises UnknownAccelerator, BadTitle, BadRequest."""
        choice = accelerators.choose(profile.accelerator)
        if profile.time_cap_s:
            profile = replace(profile, time_cap_s=_time_cap_s(profile.time_cap_s, choice))
        if profile.title:
            notebooks.check_title(profile.title)
        endpoint = await self._accounts.chosen()
        stored = replace(profile, notebook_path=self.absolute(profile.notebook_path))
        await self._store.put_profile(endpoint, stored)
        return profile

    # --- plan -----------------------------------------------------------------------------------

    async def _plan(self, request: SubmitRequest) -> _Plan:
        text = request.content
        if text is None:
            text = await asyncio.to_thread(self._workspace.read_notebook_text, request.notebook_path)
        notebook = await asyncio.to_thread(notebooks.read_notebook, text, request.notebook_path)
        profile = await self.profile(request.notebook_path)
        own = notebooks.own_settings(notebook)
        own = own if not profile.confirmed else replace(own, accelerator=None, internet=None)
        own, warnings = _without_unknown_machine(own)
        choice = accelerators.choose(_first(request.accelerator, own.accelerator, profile.accelerator))
        warnings += [choice.warning] if choice.warning else []
        if own.unreadable_sources:
            warnings.append(
                f"{own.unreadable_sources} of the notebook's data sources are written by number only, as "
                "Kaggle's editor does, and cannot be attached from here."
            )
        return _Plan(
            notebook=notebook,
            profile=profile,
            title=(request.title or profile.title or notebooks.propose_title(request.notebook_path)).strip(),
            choice=choice,
            internet=_first(request.internet, own.internet, profile.internet),
            private=_first(request.private, profile.private),
            time_cap_s=_time_cap_s(_first(request.time_cap_s, profile.time_cap_s), choice),
            sources=own.sources if request.sources is None else request.sources,
            warnings=tuple(warnings),
        )

    async def preview(self, request: SubmitRequest) -> Preview:
        """What would be sent. Raises only for a notebook that cannot be read at all."""
        problems: list[KaggleLabError] = []
        try:
            plan = await self._plan(request)
        except UnknownAccelerator as error:
            problems.append(error)
            plan = await self._plan(replace(request, accelerator="none"))
        size, exists = 0, False
        try:
            size = len(notebooks.build_source(plan.notebook, uuid4().hex, request.cells).encode())
        except KaggleLabError as error:
            problems.append(error)
        try:
            account = await self._accounts.require_account()
            plan, _, base = await self._place(plan, request, account)
            exists = base is not None
        except KaggleLabError as error:
            problems.append(error)
        return Preview(
            profile=plan.profile,
            title=plan.title,
            slug=notebooks.slugify(plan.title),
            accelerator=plan.choice.id,
            machine_shape=plan.choice.machine_shape,
            internet=plan.internet,
            private=plan.private,
            time_cap_s=plan.time_cap_s,
            language=plan.notebook.language,
            source_bytes=size,
            code_cells=len(plan.notebook.code_cells),
            sources=plan.sources,
            kernel_exists=exists,
            warnings=plan.warnings,
            problems=tuple(error.to_wire() for error in problems),
        )

    async def _place(
        self, plan: _Plan, request: SubmitRequest, account: Account
    ) -> tuple[_Plan, KernelRef, int | None]:
        """Where on Kaggle the version goes, and the version that is there now (None: a new notebook).

        Raises BadTitle, TitleTaken. A title that was made from the file name gives way to a notebook that
        is not this one; a title the user chose does not.
        """
        slug = notebooks.check_title(plan.title)
        remembered = plan.profile.ref if plan.profile.title == plan.title else ""
        ref = KernelRef.parse(remembered) if remembered else KernelRef(account.username, slug)
        if ref.owner != account.username:
            ref = KernelRef(account.username, slug)
        client = await self._accounts.client()
        there = await client.kernel(ref)
        if there is None:
            if await self._is_free(ref, request.notebook_path):
                return plan, ref, None
        elif request.add_version or await self._is_ours(ref, request.notebook_path, there.source):
            return _like(plan, request, there), ref, there.current_version or 0
        other = notebooks.distinct_title(plan.title, self.absolute(request.notebook_path))
        if not request.title and not plan.profile.title and other != plan.title:
            return await self._place(replace(plan, title=other), request, account)
        raise TitleTaken(
            f"{account.username} has a notebook at {ref} already, and it was not sent from this one.",
            field="title",
            ref=str(ref),
            url=f"{client.endpoint.web_url}/code/{ref}",
            version=there.current_version if there else None,
        )

    async def _is_free(self, ref: KernelRef, notebook_path: str) -> bool:
        """Whether an address that Kaggle does not have yet is not about to be another notebook's."""
        promised = await self._store.promised_to(str(ref), await self._accounts.chosen())
        return promised in (None, self.absolute(notebook_path))

    async def _is_ours(self, ref: KernelRef, notebook_path: str, source: str) -> bool:
        sender = await self._store.sender_of(str(ref), await self._accounts.chosen())
        if sender is None:
            return notebooks.is_from(source, notebooks.origin_of(self.absolute(notebook_path)))
        return sender == self.absolute(notebook_path)

    async def prepare(self, request: SubmitRequest, token: str) -> tuple[Job, str, str]:
        """The job, the notebook as it is on screen, and the source to send."""
        account = await self._accounts.require_account()
        plan = await self._plan(request)
        job_id = uuid4().hex
        origin = notebooks.origin_of(self.absolute(request.notebook_path))
        source = await asyncio.to_thread(notebooks.build_source, plan.notebook, job_id, request.cells, origin)
        plan, ref, base = await self._place(plan, request, account)
        job = Job(
            id=job_id,
            client_token=token,
            notebook_path=request.notebook_path,
            root=str(self._root),
            title=plan.title,
            status=JobStatus.SUBMITTING,
            endpoint=await self._accounts.chosen(),
            account=account.username,
            created_at=utc_now(),
            accelerator=plan.choice.id,
            machine_shape=plan.choice.machine_shape,
            internet=plan.internet,
            private=plan.private,
            time_cap_s=plan.time_cap_s,
            save_only=request.save_only,
            language=plan.notebook.language,
            sources=plan.sources,
            ref=ref,
            base_version=base,
            warnings=plan.warnings,
            partial=request.partial or request.cells is not None,
            retrieve=request.retrieve,
            output_dir=request.output_dir,
        )
        return job, plan.notebook.text, source

    async def remember(self, job: Job, request: SubmitRequest) -> None:
        """Keep what was chosen; "as long as Kaggle allows" stays that, whatever the accelerator."""
        known = await self.profile(job.notebook_path)
        is_capped = bool(_first(request.time_cap_s, known.time_cap_s))
        profile = Profile(
            notebook_path=self.absolute(job.notebook_path),
            accelerator=job.accelerator,
            title=job.title,
            ref=str(job.ref),
            internet=job.internet,
            private=job.private,
            time_cap_s=job.time_cap_s if is_capped else None,
            confirmed=True,
        )
        await self._store.put_profile(job.endpoint, profile)


def _without_unknown_machine(own: notebooks.OwnSettings) -> tuple[notebooks.OwnSettings, list[str]]:
    """A machine that a newer editor of Kaggle's wrote into the notebook is no reason not to run it."""
    try:
        accelerators.choose(own.accelerator or "")
    except UnknownAccelerator:
        warning = (
            f"The notebook asks for the accelerator {own.accelerator!r}, which is not known here; what was "
            "chosen for it in Kaggle Lab is used instead."
        )
        return replace(own, accelerator=None), [warning]
    return own, []


def _like(plan: _Plan, request: SubmitRequest, there: KernelInfo) -> _Plan:
    """A push replaces everything a notebook on Kaggle has: keep what it has attached, tell what changes."""
    warnings = plan.warnings
    if plan.private and not there.is_private:
        warnings = (*warnings, f"{there.ref} is public on Kaggle; this version makes it private.")
    is_said = request.sources is not None or plan.sources != Sources()
    return replace(plan, sources=plan.sources if is_said else there.sources, warnings=warnings)


def _time_cap_s(wanted: int | None, choice: accelerators.Choice) -> int:
    """The cap asked for, at most the machine's own; none asked for, or 0, is the machine's."""
    if wanted is not None and wanted < 0:
        raise BadRequest(f"A time cap of {wanted} seconds is not possible.", field="time_cap_s")
    return min(wanted or choice.time_cap_s, choice.time_cap_s)


def _first(*values: Any) -> Any:
    """The first value that is not None."""
    return next((value for value in values if value is not None), None)
