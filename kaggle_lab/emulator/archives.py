"""Archives that somebody uploaded, unpacked without trusting them, and archives made for downloads."""

from __future__ import annotations

import secrets
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

_TAR_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_CHUNK = 1 << 20
MAX_NAME_BYTES = 255
_BAD_ENTRY = (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError, RuntimeError)


class ArchiveRefused(Exception):
    """An archive that is broken, too large, or would write outside its folder; says why."""


def archive_stem(name: str) -> str | None:
    """The name of the folder an archive unpacks to; None for a name that is no archive's."""
    lower = name.lower()
    for ending in (".zip", *_TAR_ENDINGS):
        if lower.endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return None


def safe_parts(name: str) -> tuple[str, ...]:
    """The parts of a relative path; `ArchiveRefused` for one that leaves its folder or cannot be a file's."""
    parts = tuple(name.split("/"))
    for part in parts:
        if part in ("", ".", "..") or any(ord(character) < 32 for character in part):
            raise ArchiveRefused(f"{name!r} is not a usable file name")
        if len(part.encode("utf-8", "replace")) > MAX_NAME_BYTES:
            raise ArchiveRefused("a file name is longer than 255 bytes")
    if len(parts[0]) == 2 and parts[0][1] == ":":
        raise ArchiveRefused(f"{name!r} names a drive")
    return parts


class Budget:
    """How many bytes may still be written."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._left = limit_bytes

    def spend(self, size: int) -> None:
        """Raises `ArchiveRefused` when it is used up."""
        self._left -= size
        if self._left < 0:
            raise ArchiveRefused(f"the files are larger than {self._limit} bytes")


def unpack(archive: Path, target: Path, budget: Budget) -> None:
    """Unpack a zip or tar file into `target`. Raises `ArchiveRefused`, with whatever came before left there.

    Only plain files and folders are taken; a link or a device refuses the whole archive.
    """
    if not target.resolve().is_dir():
        target.mkdir(parents=True)
    try:
        with _Entries(archive) as entries:
            for name, content in entries:
                _write(target, name, content, budget)
    except _BAD_ENTRY as error:
        raise ArchiveRefused(f"the archive cannot be read: {error}") from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise ArchiveRefused("two of its files have the same name") from None


def is_archive(path: Path) -> bool:
    """Whether the content is that of a zip or tar file."""
    return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)


class _Entries:
    """The entries of an archive: name and content, None for a folder."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path) if zipfile.is_zipfile(path) else None
        self._tar = tarfile.open(path) if self._zip is None else None  # noqa: SIM115

    def __enter__(self) -> Iterator[tuple[str, IO[bytes] | None]]:
        return self._zip_entries() if self._zip is not None else self._tar_entries()

    def __exit__(self, *_: object) -> None:
        for archive in (self._zip, self._tar):
            if archive is not None:
                archive.close()

    def _zip_entries(self) -> Iterator[tuple[str, IO[bytes] | None]]:
        assert self._zip is not None
        for info in self._zip.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise ArchiveRefused(f"{info.filename!r} is neither a file nor a folder")
            if info.flag_bits & 1:
                raise ArchiveRefused("the archive is encrypted")
            name = info.filename.replace("\\", "/")
            if name.endswith("/"):
                yield name, None
            else:
                with self._zip.open(info) as content:
                    yield name, content

    def _tar_entries(self) -> Iterator[tuple[str, IO[bytes] | None]]:
        assert self._tar is not None
        for member in self._tar:
            if member.isdir():
                yield member.name.removeprefix("./") or ".", None
            elif member.isfile():
                yield member.name.removeprefix("./"), self._tar.extractfile(member)
            else:
                raise ArchiveRefused(f"{member.name!r} is neither a file nor a folder")


def _write(target: Path, name: str, content: IO[bytes] | None, budget: Budget) -> None:
    name = name.rstrip("/") if content is None else name
    if content is None and name in ("", "."):
        return
    path = target.joinpath(*safe_parts(name))
    if content is None:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        while chunk := content.read(_CHUNK):
            budget.spend(len(chunk))
            file.write(chunk)


def pack(files: Iterable[tuple[Path, str]], target: Path) -> None:
    """Write files under their names into a new archive: a tar when `target` ends in .tar.gz, else a zip."""
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    if target.name.endswith(".tar.gz"):
        with tarfile.open(part, "w:gz", compresslevel=1) as tar:
            for path, name in files:
                tar.add(path, name, recursive=False)
    else:
        with zipfile.ZipFile(
            part, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False
        ) as bag:
            for path, name in files:
                bag.write(path, name)
    part.replace(target)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name without using space, or a copy where the file system has no hard links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except FileExistsError:
        raise
    except OSError:
        shutil.copy2(source, target)
