"""The retrieval engine: all output files of a finished run come into the workspace, whole or not at all.

Nothing is held in memory but one block per file; every file is checked for its size, hashed, and named in
one step; a cut transfer goes on where it stopped; the manifest is written last.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .config import Config
from .errors import (
    DiskFull,
    KaggleConfused,
    KaggleLabError,
    KaggleUnreachable,
    LinkExpired,
    NotFinished,
    NotFoundOnKaggle,
    Throttled,
    UnsafeName,
)
from .models import ARRIVED, FileState, Job, KernelRef, OutputFile, RemoteFile, to_wire, utc_now
from .workspace import PartFile, Placed, Workspace, short_id

if TYPE_CHECKING:
    from .kaggle_client import DownloadStream, KaggleClient

TELL_EVERY_S = 0.25
MAX_WAIT_S = 30.0


@dataclass(frozen=True)
class RetrievalResult:
    """How a retrieval ended. ``complete``: every file that Kaggle lists for the run is in ``folder``."""

    files: tuple[OutputFile, ...]
    folder: str
    complete: bool
    message: str
    listed: tuple[str, ...] = ()
    """The names of all files of the run, also of those that were not asked for."""


async def retrieve(
    client: KaggleClient,
    workspace: Workspace,
    job: Job,
    *,
    names: Sequence[str] | None = None,
    folder: str | None = None,
    on_file: Callable[[OutputFile], None],
    config: Config,
) -> RetrievalResult:
    """Bring a job's output files, or only ``names``, into ``folder`` (default: by the settings' pattern).

    ``on_file`` is called in the event loop with each file's state as it changes. A file that cannot be had
    is FAILED or REFUSED with its reason and the others go on. Raises DiskFull (what arrived is kept and
    continued next time), UnsafeName for ``folder``, and the client's errors when the list cannot be read.
    """
    if job.ref is None or job.version is None:
        raise NotFinished("This run has no version on Kaggle, so it has no files.")
    links = Links(client, job.ref, job.version)
    await links.renew()
    wanted = _wanted(links, names)
    if not wanted:
        return RetrievalResult((), "", True, summary((), 0))
    place = await asyncio.to_thread(_choose_folder, workspace, job, folder, config)
    return await _Retrieval(client, workspace, job, links, place, on_file, config).all(wanted)


def _wanted(links: Links, names: Sequence[str] | None) -> list[str]:
    return list(links.urls) if names is None else list(dict.fromkeys(names))


def _choose_folder(workspace: Workspace, job: Job, folder: str | None, config: Config) -> str:
    """The folder asked for or used before; else the pattern's, unless another run's files lie there."""
    if folder or job.output_dir:
        return workspace.inside(folder or job.output_dir)
    usual = workspace.output_folder(config.output_dir, job)
    return usual if workspace.claim(usual, job.id) else f"{usual}-{short_id(job.id)}"


class Links:
    """The signed links of one version. They expire, so they can be asked for again."""

    def __init__(self, client: KaggleClient, ref: KernelRef, version: int) -> None:
        self._client, self._ref, self._version = client, ref, version
        self._lock = asyncio.Lock()
        self.urls: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The link of a file. Raises NotFoundOnKaggle when it is not in the list."""
        if name not in self.urls:
            raise NotFoundOnKaggle(
                f"Kaggle does not list {name} among the files of {self._ref} v{self._version}."
            )
        return self.urls[name]

    async def renew(self, used: str | None = None, name: str = "") -> None:
        """List again, unless somebody else has since the link ``used`` was taken."""
        async with self._lock:
            if used is None or self.urls.get(name) == used:
                files: list[RemoteFile] = await self._client.output_files(self._ref, self._version)
                self.urls = {file.name: file.url for file in files}


class _Retrieval:
    def __init__(
        self,
        client: KaggleClient,
        workspace: Workspace,
        job: Job,
        links: Links,
        folder: str,
        on_file: Callable[[OutputFile], None],
        config: Config,
    ) -> None:
        self._client, self._workspace, self._job, self._links = client, workspace, job, links
        self._folder, self._on_file, self._config = folder, on_file, config
        self._files: dict[str, OutputFile] = {}
        self._had: dict[str, dict[str, Any]] = {}

    async def all(self, names: list[str]) -> RetrievalResult:
        manifest = await asyncio.to_thread(self._workspace.read_manifest, self._folder, self._job.id)
        self._had = {entry["name"]: entry for entry in manifest.get("files", ()) if _is_entry(entry)}
        for name in names:
            self._tell(OutputFile(name, None, FileState.LISTED))
        await self._several_at_once(names)
        entries = {name: entry for name, entry in self._had.items() if name not in self._files}
        entries.update(
            (file.name, self._entry(file)) for file in self._files.values() if file.state in ARRIVED
        )
        complete = set(self._links.urls) <= entries.keys() and all(name in entries for name in names)
        await asyncio.to_thread(self._write_manifest, entries, complete)
        files = tuple(self._files.values())
        message = summary(files, len(self._links.urls))
        listed = tuple(self._links.urls)
        return RetrievalResult(files, self._folder if entries else "", complete, message, listed)

    async def _several_at_once(self, names: Iterable[str]) -> None:
        """Some files at a time, each by one task. The first error that concerns all of them ends them all."""
        todo = iter(names)

        async def work() -> None:
            for name in todo:
                await self._one(name)

        try:
            async with asyncio.TaskGroup() as tasks:
                for n in range(max(1, self._config.downloads_at_once)):
                    tasks.create_task(work(), name=f"kaggle-lab-retrieve-{n}")
        except BaseExceptionGroup as group:
            raise _first(group) from None

    # --- one file --------------------------------------------------------------------------------

    async def _one(self, name: str) -> None:
        try:
            if not await self._is_here(name):
                await self._fetch(name)
        except DiskFull as error:
            self._change(name, state=FileState.FAILED, message=error.cause)
            raise
        except UnsafeName as error:
            self._change(name, state=FileState.REFUSED, message=error.cause)
        except KaggleLabError as error:
            self._change(name, state=FileState.FAILED, message=error.cause)

    async def _is_here(self, name: str) -> bool:
        """Whether an earlier retrieval of this very job brought the file and it has not changed since."""
        entry = self._had.get(name)
        if entry is None or name not in self._links.urls:
            return False
        path = self._workspace.target(self._folder, entry["path"])
        if not await asyncio.to_thread(self._workspace.matches, path, entry["size"], entry["sha256"]):
            return False
        self._change(
            name,
            state=FileState.UNCHANGED,
            size=entry["size"],
            received=entry["size"],
            path=self._workspace.relative(path),
            sha256=entry["sha256"],
        )
        return True

    async def _fetch(self, name: str) -> None:
        self._links.of(name)
        part = await asyncio.to_thread(self._workspace.part, self._folder, name, self._job.id)
        try:
            await asyncio.to_thread(part.open)
            await self._receive(name, part)
            placed = await asyncio.to_thread(self._workspace.place, part)
        finally:
            await asyncio.to_thread(part.close)
        self._change(
            name,
            state=FileState.DONE if placed.is_new else FileState.UNCHANGED,
            size=part.received,
            received=part.received,
            path=self._workspace.relative(placed.path),
            sha256=part.sha256,
            message=_beside(name, placed),
        )
        entry = self._entry(self._files[name])
        await asyncio.to_thread(self._workspace.note_arrival, self._folder, self._job.id, entry)

    async def _receive(self, name: str, part: PartFile) -> None:
        """Until the file is whole; gives up after some attempts in a row that brought nothing."""
        fruitless = 0
        while True:
            before, url = part.received, self._links.of(name)
            try:
                return await self._attempt(name, url, part)
            except (KaggleUnreachable, LinkExpired) as error:
                fruitless = 0 if part.received > before else fruitless + 1
                if fruitless >= self._config.download_attempts:
                    raise
                if isinstance(error, KaggleConfused) and part.received:
                    await asyncio.to_thread(part.restart)
                await self._before_next(error, fruitless, url, name)

    async def _before_next(self, error: KaggleLabError, fruitless: int, url: str, name: str) -> None:
        asked_s = error.retry_after_s if isinstance(error, Throttled) else None
        if fruitless and not (isinstance(error, LinkExpired) and fruitless == 1):
            usual_s = self._config.stream_retry_s * 1.7**fruitless
            await asyncio.sleep(min(usual_s if asked_s is None else asked_s, MAX_WAIT_S))
        if isinstance(error, LinkExpired):
            await self._links.renew(url, name)

    async def _attempt(self, name: str, url: str, part: PartFile) -> None:
        start = part.received if part.validator else 0
        async with self._client.download(url, name=name, start=start, validator=part.validator) as stream:
            if stream.status == 416 and start and stream.total == part.received:
                return
            await self._fit(part, stream)
            await self._check_room(name, part)
            await self._write_all(name, part, stream)
        if part.total is not None and part.received != part.total:
            raise KaggleUnreachable(f"{name} came cut off: {part.received} of {part.total} bytes.")

    async def _write_all(self, name: str, part: PartFile, stream: DownloadStream) -> None:
        """Write and hash one block while the next one is received."""
        told_at = 0.0
        writing: asyncio.Task[None] | None = None
        try:
            async for data in stream.chunks():
                if writing is not None:
                    await writing
                if time.monotonic() - told_at >= TELL_EVERY_S:
                    told_at = time.monotonic()
                    self._change(name, state=FileState.RECEIVING, size=part.total, received=part.received)
                writing = asyncio.create_task(asyncio.to_thread(part.write, data))
        finally:
            if writing is not None:
                await writing

    async def _fit(self, part: PartFile, stream: DownloadStream) -> None:
        """Make the part ready for what the server sends: the whole file, or what was missing."""
        if stream.status == 200:
            await asyncio.to_thread(part.restart, stream.validator, stream.total)
        elif stream.status == 416 or (part.total is not None and stream.total not in (None, part.total)):
            raise KaggleConfused("Kaggle's file server has another size of the file than before.")
        elif part.total is None:
            part.total = stream.total

    async def _check_room(self, name: str, part: PartFile) -> None:
        if part.total is None:
            return
        missing = part.total - part.received
        free = await asyncio.to_thread(self._workspace.free_bytes, self._folder)
        if missing > free:
            raise DiskFull(
                f"The disk is full: {name} needs {_amount(missing)} more, and {_amount(free)} are free.",
                needed=missing,
                free=free,
            )

    # --- telling ---------------------------------------------------------------------------------

    def _change(self, name: str, **changes: Any) -> None:
        self._tell(dataclasses.replace(self._files[name], **changes))

    def _tell(self, file: OutputFile) -> None:
        self._files[file.name] = file
        self._on_file(file)

    def _entry(self, file: OutputFile) -> dict[str, Any]:
        inside = file.path.removeprefix(f"{self._folder}/") if self._folder else file.path
        return {"name": file.name, "path": inside, "size": file.size, "sha256": file.sha256}

    def _write_manifest(self, entries: dict[str, dict[str, Any]], complete: bool) -> None:
        job = self._job
        missing = [file for file in self._files.values() if file.state not in ARRIVED]
        manifest = {
            "format": 1,
            "job": job.id,
            "notebook": job.notebook_path,
            "ref": str(job.ref),
            "version": job.version,
            "endpoint": to_wire(job.endpoint),
            "retrieved_at": to_wire(utc_now()),
            "complete": complete,
            "files": [entries[name] for name in sorted(entries)],
            "missing": [{"name": file.name, "message": file.message} for file in missing],
        }
        self._workspace.write_manifest(self._folder, job.id, manifest)


def _is_entry(entry: Any) -> bool:
    kinds = {"name": str, "path": str, "size": int, "sha256": str}
    return isinstance(entry, dict) and all(isinstance(entry.get(key), kind) for key, kind in kinds.items())


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error to show of several: a full disk explains the rest."""
    leaf = group.exceptions[0]
    full = group.subgroup(DiskFull)
    if full is not None:
        leaf = full.exceptions[0]
    return _first(leaf) if isinstance(leaf, BaseExceptionGroup) else leaf


def _beside(name: str, placed: Placed) -> str:
    if not placed.is_beside:
        return ""
    return (
        f"Something different called {name} was there already and was left alone; this is {placed.path.name}."
    )


def summary(files: Sequence[OutputFile], listed: int) -> str:
    """What came and what did not, in sentences."""
    if not files:
        return "The run left no output files."
    here = [file for file in files if file.state in ARRIVED]
    said = [f"{len(here)} of {len(files)} files are here ({_amount(sum(file.size or 0 for file in here))})."]
    if len(files) < listed:
        said.append(f"Kaggle lists {listed} in all.")
    said += [file.message for file in here if file.message]
    said += [f"{file.name}: {file.message}" for file in files if file.state not in ARRIVED]
    return " ".join(said[:8]) + (f" … and {len(said) - 8} more." if len(said) > 8 else "")


def _amount(size: float) -> str:
    """As the list of files on screen has it: ``512 bytes``, ``1.5 KiB``, ``2.0 GiB``."""
    if size < 1024:
        return f"{size:.0f} bytes"
    for unit in ("KiB", "MiB"):
        size /= 1024
        if size < 1024:
            return f"{size:.1f} {unit}"
    return f"{size / 1024:.1f} GiB"
