"""The kernels service, except for the push: status, outputs, logs, metadata, lists, cancel, delete, quota."""

from __future__ import annotations

from typing import Any

from .accounts import Account
from .kernels import Kernel, Version
from .logs import stored_log
from .outputs import DEFAULT_PAGE, OutputFile, page, page_token
from .replies import LogStream, OutputZip, Redirect
from .sessions import BATCH, Session
from .wire import ApiError, Fields, denied, human_date, isoformat
from .world import World

DEFAULT_LOG_WAIT_S = 60
MAX_LOG_WAIT_S = 300
MAX_LIST_PAGE = 100
_NOT_THERE = "Kernel session not found"


def _kernel(world: World, caller: Account, request: Fields, owner_field: str = "userName") -> Kernel:
    owner = request.text(owner_field) or caller.username
    return world.kernels.visible(owner, request.text("kernelSlug"), caller)


def _run_of(world: World, version: Version) -> Session | None:
    return world.supervisor.refresh(version.session_id) if version.session_id is not None else None


def session_status(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """GetKernelSessionStatus; without a label the latest version's, which may mislead after a push."""
    kernel = _kernel(world, caller, request)
    label = request.text("versionLabel")
    version = world.kernels.labelled(kernel, label)
    if not label and world.clock.real() - version.created_at < world.settings.post_push_window_s:
        if world.settings.post_push_mode == "missing" or version.number == 1:
            raise ApiError(404, _NOT_THERE)
        version = world.kernels.version(kernel, version.number - 1)
    return _status_of(world, version)


def _status_of(world: World, version: Version) -> dict[str, Any]:
    session = _run_of(world, version)
    if session is None:
        if world.settings.quick_save_status == "missing":
            raise ApiError(404, _NOT_THERE)
        return {"status": "ERROR", "failureMessage": ""}
    reply: dict[str, Any] = {"status": session.status}
    if session.is_finished and session.status != "COMPLETE":
        reply["failureMessage"] = session.failure_message
    return reply


def session_output(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListKernelSessionOutput: a page of links, with page one also the whole log."""
    kernel = _kernel(world, caller, request)
    version = world.kernels.labelled(kernel, request.text("versionLabel"))
    session = _run_of(world, version)
    token = request.text("pageToken")
    files, following = page(_listed(world, kernel, version, session), request.integer("pageSize"), token)
    if session is None:
        return {"files": [], "log": "", "nextPageToken": ""}
    life = world.settings.output_link_expiry_s
    links = [
        {"url": world.base_url + world.links.path(session.id, file.name, life), "fileName": file.name}
        for file in files
    ]
    log = "" if token or not session.is_finished else "".join(stored_log(world.folders.session(session.id)))
    return {"files": links, "log": log, "nextPageToken": following}


def kernel_files(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListKernelFiles: names, sizes, dates as text."""
    kernel = _kernel(world, caller, request)
    version = world.kernels.labelled(kernel, request.text("versionLabel"))
    session = _run_of(world, version)
    files, following = page(
        _listed(world, kernel, version, session), request.integer("pageSize"), request.text("pageToken")
    )
    items = [
        {"name": file.name, "size": file.size, "creationDate": human_date(world.clock.at(file.modified_at))}
        for file in files
    ]
    return {"files": items, "nextPageToken": following}


def _listed(world: World, kernel: Kernel, version: Version, session: Session | None) -> list[OutputFile]:
    """What the API lists of a version: nothing until it has ended."""
    if session is None:
        return []
    if not session.is_finished:
        if world.settings.output_while_running == "missing":
            raise ApiError(404, _NOT_THERE)
        return []
    kept = {
        "cancel": world.settings.keep_outputs_on_cancel,
        "timeout": world.settings.keep_outputs_on_timeout,
    }
    if session.status == "CANCEL_ACKNOWLEDGED":
        was_timeout = bool(session.failure_message)
        if not kept["timeout" if was_timeout else "cancel"]:
            return []
    files = world.listings.of(world.folders.working(session.id))
    if kernel.kernel_type == "notebook" and world.settings.list_notebook_file:
        return files
    return [file for file in files if not file.is_tail]


def get_kernel(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """GetKernel: metadata and source of one version."""
    kernel = _kernel(world, caller, request)
    version = world.kernels.labelled(kernel, request.text("versionLabel"))
    blob = {
        "source": world.kernels.source(version),
        "language": version.metadata.language,
        "kernelType": kernel.kernel_type,
        "slug": kernel.slug,
    }
    return {"metadata": kernel_metadata(world, kernel, version), "blob": blob}


def kernel_metadata(world: World, kernel: Kernel, version: Version) -> dict[str, Any]:
    """`ApiKernelMetadata` of one version."""
    metadata = version.metadata
    return {
        "id": kernel.id,
        "ref": kernel.ref,
        "title": kernel.title,
        "author": kernel.owner,
        "slug": kernel.slug,
        "lastRunTime": isoformat(world.clock.at(version.created_at)),
        "language": metadata.language,
        "kernelType": kernel.kernel_type,
        "isPrivate": kernel.is_private,
        "enableGpu": metadata.resource == "GPU",
        "enableTpu": metadata.resource == "TPU",
        "enableInternet": metadata.enable_internet,
        "categoryIds": metadata.category_ids,
        "datasetDataSources": metadata.dataset_sources,
        "kernelDataSources": metadata.kernel_sources,
        "competitionDataSources": metadata.competition_sources,
        "modelDataSources": metadata.model_sources,
        "totalVotes": 0,
        "currentVersionNumber": kernel.current_version,
        "dockerImage": metadata.docker_image,
        "machineShape": metadata.machine_shape,
    }


def download_output(world: World, caller: Account, request: Fields) -> Redirect:
    """DownloadKernelOutput: to the zip, whose URL tells the session id even while it runs, or to one file."""
    kernel = _kernel(world, caller, request, "ownerSlug")
    number = request.integer("versionNumber") or kernel.current_version
    version = world.kernels.version(kernel, number)
    if version.session_id is None:
        raise ApiError(404, _NOT_THERE)
    name = request.text("filePath")
    if not name:
        return Redirect(f"{world.base_url}/api/v1/kernels/output/download_zip/{version.session_id}")
    session = _run_of(world, version)
    if name not in {file.name for file in _listed(world, kernel, version, session)}:
        raise ApiError(404, "File not found")
    return Redirect(
        world.base_url + world.links.path(version.session_id, name, world.settings.output_link_expiry_s)
    )


def output_zip(world: World, caller: Account, request: Fields) -> OutputZip:
    """DownloadKernelOutputZip: only of an ended session of a kernel the caller may read."""
    session, kernel = _session_seen(world, caller, request.integer("kernelSessionId"), "kernels.get")
    version = world.kernels.version(kernel, session.version)
    if session.kind != BATCH or not session.is_finished or not _listed(world, kernel, version, session):
        raise ApiError(404, "Output not found")
    return OutputZip(session)


def logs_stream(world: World, caller: Account, request: Fields) -> LogStream:
    """GetKernelSessionLogsStream, by session id or by kernel and version label."""
    wait = min(request.integer("waitForLogsUrlSeconds", DEFAULT_LOG_WAIT_S), MAX_LOG_WAIT_S)
    if session_id := request.integer("kernelSessionId"):
        session, _ = _session_seen(world, caller, session_id, "kernels.get")
        return LogStream(session, wait)
    kernel = _kernel(world, caller, request)
    version = world.kernels.labelled(kernel, request.text("versionLabel"))
    found = _run_of(world, version)
    if found is None:
        raise ApiError(404, _NOT_THERE)
    return LogStream(found, wait)


def _session_seen(world: World, caller: Account, session_id: int, permission: str) -> tuple[Session, Kernel]:
    """A session whose kernel the caller may read; an interactive one is its owner's alone."""
    session = world.sessions.find(session_id)
    kernel = world.kernels.by_id(session.kernel_id) if session else None
    if session is None or kernel is None:
        raise denied(permission)
    if (kernel.is_private or session.kind != BATCH) and kernel.account_id != caller.id:
        raise denied(permission)
    return world.supervisor.refresh(session.id), kernel


def cancel_session(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """CancelKernelSession: the owner stops a living session; an ended one gives `errorMessage`."""
    session = world.sessions.find(request.integer("kernelSessionId"))
    if session is None or session.account_id != caller.id:
        raise denied("kernelSessions.cancel")
    session = world.supervisor.refresh(session.id)
    if session.is_finished:
        return {"errorMessage": "The session is not running and cannot be cancelled."}
    world.supervisor.stop(session, "cancel")
    return {"errorMessage": ""}


def delete_kernel(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """DeleteKernel: at once, living sessions included."""
    owner = request.text("userName") or caller.username
    kernel = world.kernels.owned(owner, request.text("kernelSlug"), caller, "kernels.delete")
    world.kernels.delete(kernel, world.clock.real())
    for session in world.sessions.of_kernel(kernel.id):
        if session.is_finished:
            world.folders.forget_session(session.id)
        else:
            world.supervisor.stop(session, "delete")
    world.listings.forget()
    return {"errorMessage": ""}


def quota_statistics(world: World, caller: Account, _request: Fields) -> dict[str, Any]:
    """GetAcceleratorQuotaStatistics."""
    world.supervisor.tick()
    return {
        "quotaRefreshTime": isoformat(world.quota.refresh_at()),
        "gpuQuota": world.quota.statistics(caller, "GPU", world.settings),
        "tpuQuota": world.quota.statistics(caller, "TPU", world.settings),
    }


_GROUPS = (
    "KERNELS_LIST_VIEW_TYPE_UNSPECIFIED", "PROFILE", "UPVOTED", "EVERYONE", "COLLABORATION", "FORK",
    "BOOKMARKED", "RECENTLY_VIEWED", "PUBLIC_AND_USERS_PRIVATE",
)  # fmt: skip
_EMPTY_GROUPS = ("UPVOTED", "COLLABORATION", "FORK", "BOOKMARKED", "RECENTLY_VIEWED")
_SORTS = (
    "HOTNESS", "COMMENT_COUNT", "DATE_CREATED", "DATE_RUN", "RELEVANCE", "SCORE_ASCENDING",
    "SCORE_DESCENDING", "VIEW_COUNT", "VOTE_COUNT",
)  # fmt: skip


def list_kernels(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListKernels with its filters; pages by number or by token."""
    group = request.member("group", _GROUPS, "EVERYONE")
    sort = request.member("sortBy", _SORTS, "HOTNESS")
    size = request.integer("pageSize") or DEFAULT_PAGE
    kernels = [] if group in _EMPTY_GROUPS else _listed_kernels(world, caller, group, request)
    kernels.sort(
        key=lambda kernel: kernel.created_at if sort == "DATE_CREATED" else kernel.saved_at, reverse=True
    )
    number = max(1, request.integer("page", 1))
    token = request.text("pageToken") or (page_token((number - 1) * size) if number > 1 else "")
    rows, following = page(kernels, size, token, MAX_LIST_PAGE)
    found = [kernel_metadata(world, kernel, world.kernels.labelled(kernel, "")) for kernel in rows]
    return {"kernels": found, "nextPageToken": following}


def _listed_kernels(world: World, caller: Account, group: str, request: Fields) -> list[Kernel]:
    own = "k.account_id = ?"
    where = f"AND {own}" if group == "PROFILE" else f"AND (k.is_private = 0 OR {own})"
    kernels = world.kernels.all(f"{where} AND k.current_version > 0", caller.id)
    user = request.text("user").lower()
    words = request.text("search").lower()
    kind = _choice(request, "kernelType")
    kernels = [
        kernel
        for kernel in kernels
        if (not user or kernel.owner.lower() == user)
        and (not words or words in kernel.title.lower() or words in kernel.slug)
        and kind in ("", kernel.kernel_type)
    ]
    return _with_sources(world, kernels, request)


def _with_sources(world: World, kernels: list[Kernel], request: Fields) -> list[Kernel]:
    language = _choice(request, "language")
    wanted = {
        "dataset_sources": request.text("dataset"),
        "competition_sources": request.text("competition"),
        "kernel_sources": request.text("parentKernel"),
    }
    if not language and not any(wanted.values()):
        return kernels
    kept = []
    for kernel in kernels:
        metadata = world.kernels.version(kernel, kernel.current_version).metadata
        fits = all(not source or source in getattr(metadata, name) for name, source in wanted.items())
        if fits and language in ("", metadata.language):
            kept.append(kernel)
    return kept


def _choice(request: Fields, name: str) -> str:
    value = request.text(name).lower()
    return "" if value == "all" else value
