"""Datasets service, the reading half: status, lists, files, metadata, download."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from . import file_lists
from .accounts import Account
from .datasets import Dataset, DatasetVersion
from .outputs import DEFAULT_PAGE, OutputFile, page, page_token
from .replies import Redirect
from .storage import archive_link, file_link
from .wire import ApiError, Fields, denied, isoformat
from .world import World

MAX_DATASETS_PAGE = 200
_GROUPS = (
    "PUBLIC", "MY", "USER", "USER_SHARED_WITH_ME", "UPVOTED", "MY_PRIVATE", "ORGANIZATION", "FEATURED", "ALL",
    "UNFEATURED", "MY_PUBLIC", "BOOKMARKED", "COLLABORATION", "SHARED_WITH_USER",
)  # fmt: skip
_OWN_GROUPS = ("MY", "MY_PRIVATE", "MY_PUBLIC")
_SHARED_GROUPS = ("USER_SHARED_WITH_ME", "COLLABORATION", "SHARED_WITH_USER")
_EMPTY_GROUPS = ("UPVOTED", "ORGANIZATION", "FEATURED", "BOOKMARKED")
_SORTS = (
    "HOTTEST", "VOTES", "UPDATED", "ACTIVE", "PUBLISHED", "RELEVANCE", "LAST_VIEWED", "USABILITY",
    "DOWNLOAD_COUNT", "NOTEBOOK_COUNT",
)  # fmt: skip
_FILE_TYPES = ("ALL", "CSV", "SQLITE", "JSON", "BIG_QUERY", "PARQUET")
_ENDINGS = {
    "CSV": (".csv",), "SQLITE": (".sqlite", ".db", ".sqlite3"), "JSON": (".json", ".jsonl"),
    "BIG_QUERY": (), "PARQUET": (".parquet",),
}  # fmt: skip
_LICENCES = ("ALL", "CC", "GPL", "ODB", "OTHER")


def _visible(world: World, caller: Account, request: Fields) -> Dataset:
    owner = request.text("ownerSlug") or caller.username
    return world.datasets.visible(owner, request.text("datasetSlug"), caller)


def _ready(world: World, dataset: Dataset, number: int = 0) -> DatasetVersion:
    """The version to read. While the first one is processed the dataset is as good as missing."""
    version = world.datasets.numbered(dataset, number, world.settings)
    if version is not None:
        return version
    if number and world.datasets.current(dataset, world.settings) is not None:
        raise ApiError(404, "Dataset version not found")
    raise denied("datasets.get")


def dataset_status(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """GetDatasetStatus of the newest version; a new dataset is a 403 at first."""
    dataset = _visible(world, caller, request)
    versions = world.datasets.versions(dataset)
    age = world.bundles.age(world.bundles.get(versions[-1].bundle_id))
    if len(versions) == 1 and age < world.settings.dataset_hidden_s:
        raise denied("datasets.get")
    return {"status": world.datasets.status(dataset, world.settings)}


def get_dataset(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """GetDataset: with its files and versions."""
    dataset = _visible(world, caller, request)
    version = _ready(world, dataset)
    files = file_lists.files_of(world, version.bundle_id)
    return {
        **dataset_row(world, dataset, version),
        "files": [_file_row(world, dataset, version, file) for file in files[:DEFAULT_PAGE]],
        "versions": [_version_row(world, dataset, each) for each in world.datasets.versions(dataset)],
    }


def dataset_row(world: World, dataset: Dataset, version: DatasetVersion) -> dict[str, Any]:
    """`ApiDataset` as lists show it."""
    details = dataset.details
    return {
        "id": dataset.id,
        "ref": dataset.ref,
        "title": dataset.title,
        "subtitle": details.subtitle,
        "description": details.description,
        "creatorName": dataset.owner,
        "creatorUrl": f"{world.base_url}/{dataset.owner}",
        "totalBytes": world.bundles.get(version.bundle_id).total_bytes,
        "url": f"{world.base_url}/datasets/{dataset.ref}",
        "lastUpdated": isoformat(world.clock.at(version.created_at)),
        "downloadCount": dataset.downloads,
        "isPrivate": dataset.is_private,
        "isFeatured": False,
        "licenseName": details.licence,
        "ownerName": dataset.owner,
        "ownerRef": dataset.owner,
        "kernelCount": 0,
        "topicCount": 0,
        "viewCount": 0,
        "voteCount": 0,
        "currentVersionNumber": version.number,
        "usabilityRating": usability(dataset),
        "tags": [{"ref": word, "name": word, "fullPath": word} for word in details.keywords],
        "thumbnailImageUrl": "",
    }


def usability(dataset: Dataset) -> float:
    """0 to 1: which share of what helps a reader the owner has filled in."""
    details = dataset.details
    filled = (details.subtitle, details.description, details.licence, details.keywords, details.file_notes)
    return round(sum(bool(value) for value in filled) / len(filled), 2)


def _version_row(world: World, dataset: Dataset, version: DatasetVersion) -> dict[str, Any]:
    bundle = world.bundles.get(version.bundle_id)
    return {
        "versionNumber": version.number,
        "creationDate": isoformat(world.clock.at(version.created_at)),
        "creatorName": dataset.owner,
        "creatorRef": dataset.owner,
        "versionNotes": version.notes,
        "status": world.bundles.stage(bundle, world.settings).capitalize(),
    }


def _file_row(world: World, dataset: Dataset, version: DatasetVersion, file: OutputFile) -> dict[str, Any]:
    notes = dataset.details.file_notes.get(file.name, {})
    return {
        "ref": file.name,
        "datasetRef": dataset.ref,
        "ownerRef": dataset.owner,
        "name": file.name,
        "creationDate": file_lists.creation_date(world, version.bundle_id),
        "description": notes.get("description", ""),
        "fileType": PurePosixPath(file.name).suffix,
        "url": f"{world.base_url}/api/v1/datasets/download/{dataset.ref}/{file.name}",
        "totalBytes": file.size,
        "columns": [{"order": n, **column} for n, column in enumerate(notes.get("columns", ()))],
    }


def dataset_files(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListDatasetFiles, in pages of 20."""
    dataset = _visible(world, caller, request)
    version = _ready(world, dataset, request.integer("datasetVersionNumber"))
    files = file_lists.files_of(world, version.bundle_id)
    rows, following = page(
        files, request.integer("pageSize"), request.text("pageToken"), file_lists.MAX_FILES_PAGE
    )
    found = [_file_row(world, dataset, version, file) for file in rows]
    return {"datasetFiles": found, "nextPageToken": following, "errorMessage": ""}


def dataset_tree(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListTreeDatasetFiles: one folder of it."""
    dataset = _visible(world, caller, request)
    version = _ready(world, dataset, request.integer("datasetVersionNumber"))
    return file_lists.tree_page(world, version.bundle_id, request)


def dataset_summary(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """GetDatasetFilesSummary."""
    dataset = _visible(world, caller, request)
    version = _ready(world, dataset, request.integer("datasetVersionNumber"))
    return file_lists.summary(world, version.bundle_id)


def dataset_metadata(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """GetDatasetMetadata: what `UpdateDatasetMetadata` may change, and some counts."""
    dataset = _visible(world, caller, request)
    version = _ready(world, dataset)
    details = dataset.details
    files = file_lists.files_of(world, version.bundle_id)
    info = {
        "datasetId": dataset.id,
        "datasetSlug": dataset.slug,
        "ownerUser": dataset.owner,
        "usabilityRating": usability(dataset),
        "totalViews": 0,
        "totalVotes": 0,
        "totalDownloads": dataset.downloads,
        "title": dataset.title,
        "subtitle": details.subtitle,
        "description": details.description,
        "isPrivate": dataset.is_private,
        "keywords": details.keywords,
        "licenses": [{"name": details.licence}] if details.licence else [],
        "collaborators": details.collaborators,
        "data": [_settings_file(dataset, file) for file in files[:MAX_DATASETS_PAGE]],
        "expectedUpdateFrequency": details.update_frequency,
        "userSpecifiedSources": details.sources,
    }
    return {"info": info, "errorMessage": ""}


def _settings_file(dataset: Dataset, file: OutputFile) -> dict[str, Any]:
    notes = dataset.details.file_notes.get(file.name, {})
    return {
        "name": file.name,
        "description": notes.get("description", ""),
        "totalBytes": file.size,
        "columns": notes.get("columns", []),
    }


def download_dataset(world: World, caller: Account, request: Fields) -> Redirect:
    """DownloadDataset and DownloadDatasetRaw: a link to one file, or to a zip of all."""
    dataset = _visible(world, caller, request)
    version = _ready(world, dataset, request.integer("datasetVersionNumber"))
    name = request.text("fileName")
    if name:
        file_lists.file_of(world, version.bundle_id, name)
    world.datasets.count_download(dataset)
    if name:
        return Redirect(file_link(world, version.bundle_id, name))
    return Redirect(archive_link(world, version.bundle_id, f"{dataset.slug}.zip"))


def list_datasets(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListDatasets with its filters; pages by number or by token."""
    found = _matching(world, caller, request)
    size = request.integer("pageSize") or DEFAULT_PAGE
    number = max(1, request.integer("page", 1))
    token = request.text("pageToken") or (page_token((number - 1) * size) if number > 1 else "")
    rows, following = page(found, size, token, MAX_DATASETS_PAGE)
    return {"datasets": [dataset_row(world, *row) for row in rows], "nextPageToken": following}


def _matching(world: World, caller: Account, request: Fields) -> list[tuple[Dataset, DatasetVersion]]:
    group = request.suffix("group", "DATASET_SELECTION_GROUP_", _GROUPS, "PUBLIC")
    sort = request.suffix("sortBy", "DATASET_SORT_BY_", _SORTS, "HOTTEST")
    found = [
        (dataset, version)
        for dataset in readable(world, caller)
        if _is_in_group(dataset, caller, group, request.text("user"))
        and says(request.text("search"), dataset.title, dataset.slug, dataset.details.subtitle)
        and (version := world.datasets.current(dataset, world.settings)) is not None
        and _fits(world, dataset, version, request)
    ]
    keys = {
        "USABILITY": lambda row: usability(row[0]),
        "PUBLISHED": lambda row: row[0].created_at,
        "HOTTEST": lambda row: (row[0].downloads, row[1].created_at),
        "DOWNLOAD_COUNT": lambda row: row[0].downloads,
    }
    return sorted(found, key=keys.get(sort, lambda row: row[1].created_at), reverse=True)


def readable(world: World, caller: Account) -> list[Dataset]:
    """Every dataset the caller may see."""
    return [dataset for dataset in world.datasets.all() if dataset.may_read(caller)]


def says(words: str, *texts: str) -> bool:
    """Whether every word is in one of the texts, as searches here understand it."""
    whole = " ".join(texts).lower()
    return all(word in whole for word in words.lower().split())


def _is_in_group(dataset: Dataset, caller: Account, group: str, user: str) -> bool:
    is_own = dataset.account_id == caller.id
    if group in _EMPTY_GROUPS:
        return False
    if group in _OWN_GROUPS:
        return is_own and dataset.is_private in {"MY": (True, False), "MY_PRIVATE": (True,)}.get(
            group, (False,)
        )
    if group in _SHARED_GROUPS:
        return not is_own and dataset.is_private
    if group == "USER" or user:
        return dataset.owner.lower() == user.lower()
    return group == "ALL" or not dataset.is_private


def _fits(world: World, dataset: Dataset, version: DatasetVersion, request: Fields) -> bool:
    size = world.bundles.get(version.bundle_id).total_bytes
    if size < request.integer("minSize") or size > (request.integer("maxSize") or size):
        return False
    tags = [tag.strip().lower() for tag in request.text("tagIds").split(",") if tag.strip()]
    if not set(tags) <= {word.lower() for word in dataset.details.keywords}:
        return False
    licence = request.suffix("license", "DATASET_LICENSE_GROUP_", _LICENCES, "ALL")
    if licence not in ("ALL", _licence_group(dataset.details.licence)):
        return False
    kind = request.suffix("fileType", "DATASET_FILE_TYPE_GROUP_", _FILE_TYPES, "ALL")
    if kind == "ALL":
        return True
    names = [file.name.lower() for file in file_lists.files_of(world, version.bundle_id)]
    return any(name.endswith(_ENDINGS[kind]) for name in names)


def _licence_group(licence: str) -> str:
    for group in ("CC", "GPL", "ODB"):
        if licence.upper().startswith(group):
            return group
    return "OTHER"
