"""Datasets service, the writing half: create, new version, metadata, delete."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .accounts import Account
from .archives import ArchiveRefused, safe_parts
from .bundles import PlannedFile
from .datasets import Dataset, Details
from .tags import split_tags
from .titles import slugify
from .wire import ApiError, Fields, denied
from .world import World

_OWNER_ROLES = (
    "COLLABORATOR_TYPE_UNSPECIFIED", "READER", "WRITER", "OWNER", "ADMIN",
)  # fmt: skip


class UploadRefused(Exception):
    """What is wrong with an upload; Kaggle says so with HTTP 200 and the text in `error`."""


def create_dataset(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """CreateDataset: a first version, or `error`. A name that is taken shows only here, after the upload."""
    owner = request.text("ownerSlug") or caller.username
    if owner.lower() != caller.username.lower():
        raise denied("datasets.create")
    title = request.text("title").strip() or request.text("slug")
    slug = (request.text("slug") or slugify(title)).lower()
    keywords, unknown = split_tags(request.texts("categoryIds"))
    details = Details(
        subtitle=request.text("subtitle"),
        description=request.text("description"),
        licence=request.text("licenseName"),
        keywords=keywords,
    )
    try:
        _check_words(world, title, slug, details)
        _check_free(world, caller, title, slug)
        files, notes = uploaded_files(world, caller, request)
    except UploadRefused as refusal:
        return _refused(str(refusal))
    details = replace(details, file_notes=notes)
    now = world.clock.real()
    with world.database.transaction():
        is_private = request.flag("isPrivate")
        dataset = world.datasets.create(caller, slug, title, is_private, details, now)
        world.datasets.add_version(dataset, world.bundles.create(files, world.settings), "", False, now)
    return _accepted(world, dataset, unknown)


def create_version(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """CreateDatasetVersion, also by id. The version before stays current until the new one is ready."""
    if request.integer("id"):
        found = world.datasets.by_id(request.integer("id"))
    else:
        found = world.datasets.find(request.text("ownerSlug"), request.text("datasetSlug"))
    dataset = world.datasets.owned(found, caller, "datasets.update")
    body = request.object("body")
    keywords, unknown = split_tags(body.texts("categoryIds"))
    details = replace(
        dataset.details,
        subtitle=body.text("subtitle") or dataset.details.subtitle,
        description=body.text("description") or dataset.details.description,
        keywords=keywords or dataset.details.keywords,
    )
    try:
        _check_words(world, dataset.title, dataset.slug, details)
        files, notes = uploaded_files(world, caller, body)
    except UploadRefused as refusal:
        return _refused(str(refusal))
    details = replace(details, file_notes={**details.file_notes, **notes})
    now = world.clock.real()
    with world.database.transaction():
        world.datasets.change(dataset, dataset.title, dataset.is_private, details)
        bundle = world.bundles.create(files, world.settings)
        world.datasets.add_version(
            dataset, bundle, body.text("versionNotes"), body.flag("deleteOldVersions"), now
        )
    return _accepted(world, dataset, unknown)


def _accepted(world: World, dataset: Dataset, unknown: list[str]) -> dict[str, Any]:
    url = f"{world.base_url}/datasets/{dataset.ref}"
    return {"ref": dataset.ref, "url": url, "status": "Ok", "error": "", "invalidTags": unknown}


def _refused(text: str) -> dict[str, Any]:
    return {"ref": "", "url": "", "status": "Error", "error": text, "invalidTags": []}


def _check_words(world: World, title: str, slug: str, details: Details) -> None:
    least, most = world.settings.dataset_title_min_chars, world.settings.dataset_title_max_chars
    for name, value in (("slug", slug), ("title", title)):
        if not least <= len(value) <= most:
            raise UploadRefused(f"The dataset {name} must be between {least} and {most} characters")
    if slugify(slug.replace("_", "-")) != slug.replace("_", "-"):
        raise UploadRefused("The dataset slug may have lower-case letters, digits and hyphens only")
    if details.subtitle and not 20 <= len(details.subtitle) <= 80:
        raise UploadRefused("Subtitle length must be between 20 and 80 characters")


def _check_free(world: World, caller: Account, title: str, slug: str) -> None:
    if world.datasets.find(caller.username, slug) is not None:
        raise UploadRefused(
            f'The requested title "{title}" is already in use by a dataset. Please choose another title.'
        )


def uploaded_files(
    world: World, caller: Account, request: Fields
) -> tuple[list[PlannedFile], dict[str, dict[str, Any]]]:
    """The files that `files` and `directories` name by token, and what is said about them.

    Raises `UploadRefused` for tokens that are not the caller's finished uploads, and for impossible names.
    """
    files: dict[str, PlannedFile] = {}
    notes: dict[str, dict[str, Any]] = {}
    _gather(world, caller, request, "", files, notes)
    if not files:
        raise UploadRefused("At least one file is required")
    return list(files.values()), notes


def _gather(
    world: World,
    caller: Account,
    request: Fields,
    prefix: str,
    files: dict[str, PlannedFile],
    notes: dict[str, dict[str, Any]],
) -> None:
    for item in request.objects("files"):
        blob = world.blobs.usable(item.text("token"), caller)
        if blob is None:
            raise UploadRefused("A file token is unknown, or its upload is not complete")
        name = prefix + blob.name
        if name in files:
            raise UploadRefused(f"There are two files named {name!r}")
        files[name] = PlannedFile(name, blob.upload_key, item.text("description"))
        if columns := _columns(item):
            notes[name] = {"columns": columns}
        if item.text("description"):
            notes.setdefault(name, {})["description"] = item.text("description")
    for directory in request.objects("directories"):
        name = f"{prefix}{directory.text('name')}"
        try:
            safe_parts(name)
        except ArchiveRefused as refusal:
            raise UploadRefused(str(refusal)) from None
        _gather(world, caller, directory, f"{name}/", files, notes)


def _columns(item: Fields) -> list[dict[str, str]]:
    return [
        {"name": column.text("name"), "description": column.text("description"), "type": column.text("type")}
        for column in item.objects("columns")
    ]


def update_metadata(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """UpdateDatasetMetadata: what is sent replaces what was; problems come as `errors`."""
    found = world.datasets.find(request.text("ownerSlug"), request.text("datasetSlug"))
    dataset = world.datasets.owned(found, caller, "datasets.update")
    sent = request.object("settings")
    title = sent.text("title").strip() or dataset.title
    details = replace(
        dataset.details,
        subtitle=sent.text("subtitle"),
        description=sent.text("description"),
        licence=_licence(sent) or dataset.details.licence,
        keywords=split_tags(sent.texts("keywords"))[0],
        collaborators=_collaborators(world, sent),
        update_frequency=sent.text("expectedUpdateFrequency"),
        sources=sent.text("userSpecifiedSources"),
        file_notes={**dataset.details.file_notes, **_file_notes(sent)},
    )
    try:
        _check_words(world, title, dataset.slug, details)
    except UploadRefused as refusal:
        return {"errors": [str(refusal)]}
    unknown = split_tags(sent.texts("keywords"))[1]
    world.datasets.change(dataset, title, sent.flag("isPrivate"), details)
    return {"errors": [f"Invalid tag: {tag}" for tag in unknown]}


def _licence(sent: Fields) -> str:
    licences = sent.objects("licenses")
    return licences[0].text("name") if licences else ""


def _collaborators(world: World, sent: Fields) -> list[dict[str, str]]:
    people = []
    for person in sent.objects("collaborators"):
        if world.accounts.by_name(person.text("username")) is None:
            raise ApiError(400, f"Collaborator {person.text('username')!r} does not exist")
        role = person.member("role", _OWNER_ROLES, "READER")
        people.append({"username": person.text("username"), "role": role})
    return people


def _file_notes(sent: Fields) -> dict[str, dict[str, Any]]:
    return {
        file.text("name"): {"description": file.text("description"), "columns": _columns(file)}
        for file in sent.objects("data")
    }


def delete_dataset(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """DeleteDataset, with all versions; a missing one is a 404, somebody else's a 403."""
    found = world.datasets.find(request.text("ownerSlug") or caller.username, request.text("datasetSlug"))
    if found is None:
        raise ApiError(404, "Dataset not found")
    world.datasets.delete(world.datasets.owned(found, caller, "datasets.delete"))
    world.purge_bundles()
    return {"error": ""}
