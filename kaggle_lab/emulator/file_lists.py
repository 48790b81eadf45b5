"""Listings of the files in a bundle, in the shapes that several services share."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import Any

from .outputs import OutputFile, page
from .wire import ApiError, Fields, isoformat
from .world import World

MAX_FILES_PAGE = 200


def files_of(world: World, bundle_id: int) -> list[OutputFile]:
    """All files of a ready bundle, in order of name."""
    return world.listings.of(world.bundles.files(bundle_id))


def file_of(world: World, bundle_id: int, name: str) -> OutputFile:
    """One file; `ApiError` 404 when there is none of that name."""
    found = world.listings.find(world.bundles.files(bundle_id), name)
    if found is None:
        raise ApiError(404, "File not found")
    return found


def creation_date(world: World, bundle_id: int) -> str:
    """Of all files of a bundle alike: the emulated moment of the upload."""
    return isoformat(world.clock.at(world.bundles.get(bundle_id).created_at))


def tree_page(world: World, bundle_id: int, request: Fields) -> dict[str, Any]:
    """`ApiDirectoryContent`: the folders and files directly inside `path`, in pages, folders first."""
    prefix = request.text("path").strip("/")
    prefix = f"{prefix}/" if prefix else ""
    inside = [file for file in files_of(world, bundle_id) if file.name.startswith(prefix)]
    if prefix and not inside:
        raise ApiError(404, "Directory not found")
    folders = _folders(inside, prefix)
    files = [file for file in inside if "/" not in file.name[len(prefix) :]]
    date = creation_date(world, bundle_id)
    rows: list[tuple[str, dict[str, Any]]] = [("directories", folder) for folder in folders]
    rows += [("files", _tree_file(file, prefix, date)) for file in files]
    shown, following = page(rows, request.integer("pageSize"), request.text("pageToken"), MAX_FILES_PAGE)
    return {
        "directories": [row for kind, row in shown if kind == "directories"],
        "files": [row for kind, row in shown if kind == "files"],
        "totalChildren": len(rows),
        "totalDirectories": len(folders),
        "totalFiles": len(files),
        "nextPageToken": following,
    }


def _folders(inside: list[OutputFile], prefix: str) -> list[dict[str, Any]]:
    found: dict[str, dict[str, set[str]]] = {}
    for file in inside:
        first, slash, rest = file.name[len(prefix) :].partition("/")
        if slash:
            child, deeper, _ = rest.partition("/")
            entry = found.setdefault(first, {"directories": set(), "files": set()})
            entry["directories" if deeper else "files"].add(child)
    return [
        {
            "name": name,
            "relativeUrl": prefix + name,
            "totalDirectories": len(entry["directories"]),
            "totalFiles": len(entry["files"]),
            "totalChildren": len(entry["directories"]) + len(entry["files"]),
        }
        for name, entry in sorted(found.items())
    ]


def _tree_file(file: OutputFile, prefix: str, date: str) -> dict[str, Any]:
    return {
        "name": file.name[len(prefix) :],
        "relativeUrl": file.name,
        "totalBytes": file.size,
        "creationDate": date,
        "description": "",
    }


def summary(world: World, bundle_id: int) -> dict[str, Any]:
    """`ApiFilesSummary`: how many files of which kind, and how large."""
    files = files_of(world, bundle_id)
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for file in files:
        ending = PurePosixPath(file.name).suffix.lower()
        counts[ending] += 1
        sizes[ending] += file.size
    kinds = [
        {"extension": ending, "fileCount": count, "totalSize": sizes[ending]}
        for ending, count in counts.most_common()
    ]
    return {
        "fileSummaryInfo": {"totalFileCount": len(files), "fileTypes": kinds},
        "columnSummaryInfo": {"totalColumnCount": 0, "columnTypes": []},
    }
