"""Names of files: what may become one, and which ones are ours."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

from ..errors import UnsafeName

MANIFEST = "kaggle-lab-manifest.json"
NAME_BYTES = 255
_PATH_BYTES = 2048
_PATH_PARTS = 100

FOLDER_REMEDY = "Choose a folder inside the workspace, without `..`."


def without_drive(path: str) -> str:
    """A contents path without the drive that collaboration puts before it: ``RTC:a/b.ipynb``."""
    return re.sub(r"^[A-Za-z][A-Za-z0-9_-]+:", "", path)


def safe_parts(name: str) -> list[str]:
    """The components of an output file's name. Raises UnsafeName for one that could leave its folder."""
    if not name or name.startswith("/") or re.match(r"[A-Za-z]:", name):
        raise UnsafeName(f"The output file's name {shown(name)} is not relative.")
    parts = name.split("/")
    for part in parts:
        check_part(part, name)
    if len(parts) > _PATH_PARTS or len(name.encode("utf-8")) > _PATH_BYTES:
        raise UnsafeName(f"The name {shown(name)} is too long for a file.")
    return parts


def check_part(part: str, name: str) -> None:
    """Raises UnsafeName for one component that no file or folder should have."""
    what = shown(name)
    if part in ("", ".", ".."):
        raise UnsafeName(f"The name {what} would leave its folder.")
    if "\\" in part or any(unicodedata.category(char) in ("Cc", "Cs") for char in part):
        raise UnsafeName(f"The name {what} has characters that no file name should have.")
    if len(part.encode("utf-8")) > NAME_BYTES:
        raise UnsafeName(f"The name {what} is too long for a file.")
    if os.name == "nt" and not _fits_windows(part):
        raise UnsafeName(f"The name {what} is not possible on Windows.")


def _fits_windows(part: str) -> bool:
    is_reserved = getattr(os.path, "isreserved", None) or (lambda name: PureWindowsPath(name).is_reserved())
    reserved = bool(is_reserved(part))
    return not (reserved or re.search(r'[<>:"|?*]', part) or part.endswith((" ", ".")))


def shown(name: str) -> str:
    """A name fit to stand in a sentence."""
    text = name if len(name) <= 120 else name[:120] + "…"
    return "“" + "".join(char if char.isprintable() else "�" for char in text) + "”"


def short_id(job_id: str) -> str:
    """Eight characters that stand for a job in file names."""
    return hashlib.sha256(job_id.encode()).hexdigest()[:8]


def manifest_of(job_id: str) -> str:
    """The manifest's name where another job's manifest lies already."""
    return f"kaggle-lab-manifest-{short_id(job_id)}.json"


_OURS = ".kaggle-lab"
CLAIM = ".kaggle-lab-claim"
"""In a folder whose manifest is still to come: the id of the job it will belong to."""


def journal_of(job_id: str) -> str:
    """The list of files that have arrived while there is no manifest yet."""
    return f".kaggle-lab-{short_id(job_id)}.arrived"


def candidates(target: Path) -> Iterator[Path]:
    """The name itself, then ``name (2).ext``, ``name (3).ext`` … Names of ours are never given away."""
    if target.name != MANIFEST and not target.name.startswith(_OURS):
        yield target
    suffix = "".join(target.suffixes[-2:]) if target.stem.endswith(".tar") else target.suffix
    stem = target.name.removesuffix(suffix)
    for n in range(2, 1000):
        yield target.with_name(f"{stem} ({n}){suffix}")
