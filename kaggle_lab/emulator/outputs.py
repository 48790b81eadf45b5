"""Output files of a session: what is listed, in pages, and links that need no credentials for a while."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import stat
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from .clock import Clock
from .wire import ApiError

Row = TypeVar("Row")

DEFAULT_PAGE = 20
MAX_PAGE = 500
_TAIL_FILES = {
    "__notebook__.ipynb",
    "__script__.py",
    "__script__.R",
    "__script__.ipynb",
    "__results__.html",
    "__output__.json",
    "custom.css",
}
_TAIL_FOLDER = "__results___files/"
_REMEMBERED_LISTINGS = 8


@dataclass(frozen=True)
class OutputFile:
    """A file under /kaggle/working: relative name with `/`, path here, bytes, epoch seconds."""

    name: str
    path: Path
    size: int
    modified_at: float

    @property
    def is_tail(self) -> bool:
        """Made by the run itself (the executed notebook, its HTML), not by the user's code."""
        return self.name in _TAIL_FILES or self.name.startswith(_TAIL_FOLDER)


class Listings:
    """Listings of ended sessions, remembered: paging through 10,000 files must not walk them each time."""

    def __init__(self) -> None:
        self._known: OrderedDict[Path, dict[str, OutputFile]] = OrderedDict()

    def of(self, working: Path) -> list[OutputFile]:
        """All files, in order of name."""
        return list(self._by_name(working).values())

    def find(self, working: Path, name: str) -> OutputFile | None:
        return self._by_name(working).get(name)

    def _by_name(self, working: Path) -> dict[str, OutputFile]:
        if working not in self._known:
            files = sorted(_walk(working, ""), key=lambda file: file.name)
            self._known[working] = {file.name: file for file in files}
            while len(self._known) > _REMEMBERED_LISTINGS:
                self._known.popitem(last=False)
        self._known.move_to_end(working)
        return self._known[working]

    def forget(self) -> None:
        self._known.clear()


def _walk(folder: Path, prefix: str) -> Iterator[OutputFile]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{prefix}{_text(entry.name)}/")
            continue
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            yield OutputFile(
                f"{prefix}{_text(entry.name)}", Path(entry.path), status.st_size, status.st_mtime
            )


def _text(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")


def page(rows: Sequence[Row], size: int, token: str, most: int = MAX_PAGE) -> tuple[Sequence[Row], str]:
    """One page and the token of the next one ("" at the end); `ApiError` 400 for a bad size or token."""
    if size < 0 or size > most:
        raise ApiError(400, f"Page size must be between 1 and {most}")
    start = _offset(token)
    end = start + (size or DEFAULT_PAGE)
    return rows[start:end], page_token(end) if end < len(rows) else ""


def page_token(offset: int) -> str:
    """An opaque token for the page that begins at `offset`."""
    return base64.urlsafe_b64encode(f"page:{offset}".encode()).decode().rstrip("=")


def _offset(token: str) -> int:
    if not token:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().partition(":")
        if word == "page" and number.isdecimal():
            return int(number)
    except ValueError:
        pass
    raise ApiError(400, "Invalid page token")


class LinkError(Exception):
    """A link that does not open: `status` 403 (forged, expired) or 404 (gone), `code` for the answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Links:
    """Signed, expiring URLs. The secret is kept, so links outlive a restart of the server."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret.encode()
        self._clock = clock

    def path(self, session_id: int, name: str, life_s: float) -> str:
        """Path and query of a link to one file."""
        expires = int(self._clock.now() + life_s)
        signature = self._sign(session_id, name, expires)
        return f"/kaggle-outputs/{session_id}/{quote(name)}?expires={expires}&signature={signature}"

    def storage_path(self, place: str, name: str, life_s: float) -> str:
        """Path and query of a link to a file in the storage, `place` being a kind and a number."""
        expires = int(self._clock.now() + life_s)
        signature = self._sign(place, name, expires)
        return f"/kaggle-storage/{place}/{quote(name)}?expires={expires}&signature={signature}"

    def check(self, place: int | str, name: str, expires: str, signature: str) -> None:
        """Raises `LinkError` when the link was not made here or has ended."""
        if not expires.isdecimal() or not hmac.compare_digest(
            self._sign(place, name, int(expires)), signature
        ):
            raise LinkError(403, "SignatureDoesNotMatch", "Access denied.")
        if int(expires) <= self._clock.now():
            raise LinkError(403, "ExpiredToken", "The provided token has expired.")

    def _sign(self, place: int | str, name: str, expires: int) -> str:
        text = f"{place}\n{name}\n{expires}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()
