"""Bodies of the browser's requests, parsed once into our own types. Every fault is a BadRequest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .errors import BadRequest, UnsafeName

if TYPE_CHECKING:
    from .manager import SubmitRequest
    from .models import Profile, Sources

COLLABORATION_DRIVE = "RTC:"
_SUBMIT_FIELDS: dict[str, type] = {
    "notebook_path": str,
    "client_token": str,
    "accelerator": str,
    "title": str,
    "internet": bool,
    "private": bool,
    "time_cap_s": int,
    "save_only": bool,
    "add_version": bool,
    "remember": bool,
    "again": str,
}
_PROFILE_FIELDS: dict[str, type] = {
    "notebook_path": str,
    "accelerator": str,
    "title": str,
    "ref": str,
    "internet": bool,
    "private": bool,
    "time_cap_s": int,
    "confirmed": bool,
}


def contents_path(path: str) -> str:
    """A browser's contents path as a path in the workspace: no collaboration drive, no leading slash."""
    return path.removeprefix(COLLABORATION_DRIVE).lstrip("/")


def submit_request(body: dict[str, Any]) -> SubmitRequest:
    """``POST jobs`` and ``POST preview``; ``content`` is the notebook as an object, or null."""
    from .manager import SubmitRequest

    values = _pick(body, _SUBMIT_FIELDS, {"content", "cells", "sources"})
    _require_path(values)
    return SubmitRequest(
        content=_content(body.get("content")),
        cells=_cells(body.get("cells")),
        sources=_sources(body.get("sources")),
        **values,
    )


def profile_request(body: dict[str, Any]) -> Profile:
    """``PUT profile``."""
    from .models import Profile

    values = _pick(body, _PROFILE_FIELDS, set())
    _require_path(values)
    return Profile(**values)


def retrieve_request(body: dict[str, Any]) -> tuple[Sequence[str] | None, str | None]:
    """``POST jobs/{id}/outputs``: which names (null: all) and into which folder (null: the setting's)."""
    values = _pick(body, {"folder": str}, {"names"})
    names = body.get("names")
    if names is not None and not _is_list_of(names, str):
        raise _wrong("names", "a list of texts, or null")
    folder = values.get("folder")
    if folder is not None and (folder.startswith(("/", "~", "\\")) or re.match(r"[A-Za-z]:", folder)):
        raise UnsafeName(f"The folder {folder} is not inside the workspace", remedy="Give one inside it.")
    return names, folder


def _pick(body: dict[str, Any], fields: dict[str, type], extra: set[str]) -> dict[str, Any]:
    """The fields that were given, null left out."""
    for name in body:
        if name not in fields and name not in extra:
            raise BadRequest(f"There is no field {name!r}", field=name)
    given = {name: body[name] for name in fields if body.get(name) is not None}
    for name, value in given.items():
        if not _is_a(value, fields[name]):
            raise _wrong(name, {str: "a text", bool: "true or false", int: "a whole number"}[fields[name]])
    return given


def _require_path(values: dict[str, Any]) -> None:
    path = contents_path(values.get("notebook_path", ""))
    if not path:
        raise BadRequest("notebook_path is missing", field="notebook_path")
    if ".." in path.split("/") or any(ord(char) < 32 for char in path):
        raise BadRequest(f"{path!a} is no place in the workspace", field="notebook_path")
    values["notebook_path"] = path


def _content(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _wrong("content", "the notebook as an object, or null")
    from .notebook import to_json

    try:
        return to_json(value)
    except RecursionError:
        raise BadRequest("The notebook is nested too deeply", field="content") from None


def _sources(value: Any) -> Sources | None:
    from .models import Sources

    if value is None:
        return None
    if not isinstance(value, dict) or not all(_is_list_of(item, str) for item in value.values()):
        raise _wrong("sources", "lists of texts by kind, or null")
    try:
        return Sources(**{kind: tuple(names) for kind, names in value.items()})
    except TypeError:
        raise _wrong("sources", "lists named datasets, competitions, kernels, models") from None


def _cells(value: Any) -> Sequence[int] | None:
    if value is not None and not _is_list_of(value, int):
        raise _wrong("cells", "a list of whole numbers, or null")
    return tuple(value) if value is not None else None


def _is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(_is_a(item, kind) for item in value)


def _is_a(value: Any, kind: type) -> bool:
    """Exactly of this kind; a text must be one that can be written, without half a character."""
    if type(value) is not kind:
        return False
    return not isinstance(value, str) or re.search("[\ud800-\udfff]", value) is None


def _wrong(field: str, wanted: str) -> BadRequest:
    return BadRequest(f"{field} must be {wanted}", field=field)
