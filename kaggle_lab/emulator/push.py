"""SaveKernel: the rules of a push, in the order in which Kaggle applies them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .accelerators import Machine, choose_machine
from .accounts import Account
from .admission import admit
from .kernels import Kernel, Version, VersionMetadata
from .sessions import BATCH, Order
from .tags import split_tags
from .titles import is_usable_slug, slugify
from .wire import ApiError, Fields, denied
from .world import World

EXECUTION_TYPES = ("KERNEL_EXECUTION_TYPE_UNSPECIFIED", "SAVE_AND_RUN_ALL", "INTER_ACTIVE", "QUICK_SAVE")
LANGUAGES = ("python", "r", "rmarkdown", "julia", "sqlite")
KERNEL_TYPES = ("notebook", "script")


class Rejection(Exception):
    """A refusal that Kaggle answers with HTTP 200 and the text in `error`."""


@dataclass(frozen=True)
class Push:
    """One push after reading: what it is about and what it asks for."""

    kernel_id: int
    owner: str
    slug: str
    title: str
    text: str | None
    kernel_type: str
    is_private: bool
    timeout_s: int
    machine: Machine
    metadata: VersionMetadata
    invalid: dict[str, list[str]]

    @property
    def runs(self) -> bool:
        return self.metadata.execution != "QUICK_SAVE"


def save_kernel(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """The reply to a push: a new version and its session, or `error`. Raises `ApiError` for HTTP errors."""
    push = _read(world, caller, request)
    try:
        with world.database.transaction():
            kernel, version = _save(world, caller, push)
    except Rejection as rejection:
        return _rejected(str(rejection))
    if version.session_id is not None:
        world.supervisor.launch(world.sessions.get(version.session_id))
    return _accepted(world, kernel, version, push)


def _read(world: World, caller: Account, request: Fields) -> Push:
    text = request.text("text") if request.has("text") else None
    _check_size(world, text or "")
    machine = choose_machine(
        request.text("machineShape"), request.flag("enableGpu"), request.flag("enableTpu")
    )
    sources, invalid = {}, {}
    for kind in ("dataset", "competition", "kernel", "model"):
        asked = request.texts(f"{kind}DataSources")
        sources[kind], invalid[f"invalid{kind.capitalize()}Sources"] = world.sources.split(
            kind, asked, caller
        )
    tags, invalid["invalidTags"] = split_tags(request.texts("categoryIds"))
    metadata = VersionMetadata(
        language=request.text("language", "python").lower(),
        machine_shape=machine.stored_shape,
        resource=machine.resource,
        execution=request.member("kernelExecutionType", EXECUTION_TYPES, "SAVE_AND_RUN_ALL"),
        enable_internet=request.flag("enableInternet", True),
        docker_image=request.text("dockerImage"),
        category_ids=tags,
        dataset_sources=sources["dataset"],
        competition_sources=sources["competition"],
        kernel_sources=sources["kernel"],
        model_sources=sources["model"],
    )
    owner, _, slug = request.text("slug").rpartition("/")
    return Push(
        kernel_id=request.integer("id"),
        owner=owner or caller.username,
        slug=slug.lower(),
        title=request.text("newTitle").strip(),
        text=text,
        kernel_type=request.text("kernelType", "script").lower(),
        is_private=request.flag("isPrivate", True),
        timeout_s=request.integer("sessionTimeoutSeconds"),
        machine=machine,
        metadata=metadata,
        invalid=invalid,
    )


def _check_size(world: World, text: str) -> None:
    if len(text.encode("utf-8", "surrogatepass")) > world.settings.source_limit_bytes:
        raise ApiError(400, "Bad Request")


def _save(world: World, caller: Account, push: Push) -> tuple[Kernel, Version]:
    kernel = _target(world, caller, push)
    _check_words(world, push, kernel)
    if push.runs:
        push = _checked_to_run(world, caller, push)
    now = world.clock.real()
    if kernel is None:
        title = push.title or push.slug
        kernel = world.kernels.create(caller, slugify(title), title, push.kernel_type, now)
    elif push.title and push.title != kernel.title:
        slug = slugify(push.title) if world.settings.rename_moves_slug else kernel.slug
        kernel = world.kernels.rename(kernel, push.title, slug)
    version = world.kernels.add_version(
        kernel, _source(world, kernel, push), push.metadata, push.is_private, now
    )
    if push.runs:
        version = _with_session(world, caller, kernel, version, push)
    saved = world.kernels.by_id(kernel.id)
    assert saved is not None
    return saved, version


def _target(world: World, caller: Account, push: Push) -> Kernel | None:
    """The kernel that gets the version; None when a new one is to be made."""
    if push.kernel_id:
        kernel = world.kernels.by_id(push.kernel_id)
        if kernel is None or kernel.account_id != caller.id:
            raise Rejection("Notebook not found")
        return kernel
    if push.owner.lower() != caller.username.lower():
        raise denied("kernels.update")
    if not push.slug and not push.title:
        raise ApiError(400, "Either id, slug or newTitle must be given")
    return world.kernels.find(caller.username, push.slug) if push.slug else None


def _check_words(world: World, push: Push, kernel: Kernel | None) -> None:
    if push.kernel_type not in KERNEL_TYPES:
        raise ApiError(
            400, f"Invalid value for field 'kernelType': expected one of {', '.join(KERNEL_TYPES)}"
        )
    if push.metadata.language not in LANGUAGES:
        raise ApiError(400, f"Invalid value for field 'language': expected one of {', '.join(LANGUAGES)}")
    if kernel is not None and kernel.kernel_type != push.kernel_type:
        raise Rejection("You cannot change the editor type")
    title = push.title or (push.slug if kernel is None else kernel.title)
    if len(title) < world.settings.title_min_chars:
        raise Rejection("Title must be at least five characters")
    if len(title) > world.settings.title_max_chars:
        raise Rejection(f"Title must be at most {world.settings.title_max_chars} characters")
    if kernel is None:
        _check_new_slug(world, push, slugify(title))


def _check_new_slug(world: World, push: Push, slug: str) -> None:
    unusable = not is_usable_slug(slug) or bool(push.slug and not is_usable_slug(push.slug))
    if unusable or (world.settings.strict_new_slug and push.slug and push.slug != slug):
        raise Rejection("Notebook not found")


def _checked_to_run(world: World, caller: Account, push: Push) -> Push:
    """Verification, quota, caps; raises `Rejection`. Gives the push back as Kaggle would run it."""
    try:
        machine = admit(world, caller, BATCH, push.machine, internet=push.metadata.enable_internet)
    except ApiError as refusal:
        raise Rejection(refusal.message) from None
    return replace(push, machine=machine)


def _source(world: World, kernel: Kernel, push: Push) -> str:
    if push.text is not None:
        return push.text
    if kernel.current_version == 0:
        raise ApiError(400, "Invalid value for field 'text': expected a string")
    return world.kernels.source(world.kernels.version(kernel, kernel.current_version))


def _with_session(world: World, caller: Account, kernel: Kernel, version: Version, push: Push) -> Version:
    limit = world.session_limit_s(push.machine.resource)
    timeout = min(push.timeout_s, limit) if push.timeout_s > 0 else limit
    # The log line about accelerators quotes what was asked for, so the stored shape goes with the session.
    order = Order(
        kernel.id, version.number, caller.id, push.machine.resource, push.machine.stored_shape, timeout
    )
    world.sessions.create(order, world.clock.real())
    saved = world.kernels.by_id(kernel.id)
    assert saved is not None
    return world.kernels.version(saved, version.number)


def _accepted(world: World, kernel: Kernel, version: Version, push: Push) -> dict[str, Any]:
    reply: dict[str, Any] = {
        "ref": f"/code/{kernel.ref}",
        "url": world.kernel_url(kernel),
        "versionNumber": version.number,
        "error": "",
        **push.invalid,
        "kernelId": kernel.id,
    }
    if world.settings.session_id_in_save and version.session_id is not None:
        reply["kernelSessionId"] = version.session_id
    return reply


def _rejected(text: str) -> dict[str, Any]:
    lists = ("Tags", "DatasetSources", "CompetitionSources", "KernelSources", "ModelSources")
    empty: dict[str, Any] = {f"invalid{name}": [] for name in lists}
    return {"ref": None, "url": None, "versionNumber": None, "error": text, **empty}
