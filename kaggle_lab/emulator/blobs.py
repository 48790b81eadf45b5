"""Uploaded files on their way: begun by StartBlobUpload, sent by PUT in one go or in pieces, then used by a
dataset, a model or a submission that names their token."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .accounts import Account
from .archives import ArchiveRefused, safe_parts
from .clock import Clock
from .db import Database
from .folders import Folders
from .wire import ApiError

KINDS = ("API_BLOB_TYPE_UNSPECIFIED", "DATASET", "MODEL", "INBOX", "COMPETITION_SOLUTION")


@dataclass(frozen=True)
class Blob:
    """An upload: `size` is the promised number of bytes, `upload_key` the secret part of its URL."""

    token: str
    upload_key: str
    account_id: int
    kind: str
    name: str
    size: int
    modified_at: float | None
    created_at: float
    is_complete: bool


class Blobs:
    """The table of uploads. How much of one has arrived is the size of its file."""

    def __init__(self, database: Database, folders: Folders, clock: Clock) -> None:
        self._database = database
        self._folders = folders
        self._clock = clock

    def start(self, account: Account, kind: str, name: str, size: int, modified_at: float | None) -> Blob:
        """Begin an upload. Raises `ApiError` 400 for a name or size that cannot be."""
        try:
            single = len(safe_parts(name)) == 1 and "\\" not in name
        except ArchiveRefused:
            single = False
        if not single:
            raise ApiError(400, "Invalid value for field 'name': expected a file name")
        if size < 0:
            raise ApiError(400, "Invalid value for field 'contentLength': expected a size")
        token, key = secrets.token_urlsafe(48), secrets.token_hex(24)
        self._database.run(
            "INSERT INTO blobs (token, upload_key, account_id, kind, name, size, modified_at, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            token,
            key,
            account.id,
            kind,
            name,
            size,
            modified_at,
            self._clock.real(),
        )
        return self._by("token", token)

    def find(self, upload_key: str, life_s: float) -> Blob | None:
        """The upload behind a URL; None when it was never begun or is too old."""
        row = self._database.first("SELECT * FROM blobs WHERE upload_key = ?", upload_key)
        if row is None or self._clock.now() - self._clock.at(row["created_at"]) > life_s:
            return None
        return _blob(row)

    def usable(self, token: str, account: Account) -> Blob | None:
        """The caller's finished upload of this token."""
        row = self._database.first("SELECT * FROM blobs WHERE token = ?", token)
        if row is None or row["account_id"] != account.id or not row["is_complete"]:
            return None
        return _blob(row)

    def path(self, blob: Blob) -> Path:
        return self._folders.blobs / blob.upload_key

    def received(self, blob: Blob) -> int:
        """How many bytes of it have arrived."""
        try:
            return self.path(blob).stat().st_size
        except FileNotFoundError:
            return 0

    def complete(self, blob: Blob) -> None:
        self.path(blob).touch()
        self._database.run("UPDATE blobs SET is_complete = 1 WHERE token = ?", blob.token)

    def purge(self, life_s: float) -> None:
        """Remove uploads too old to be used, and files of none."""
        for row in self._database.rows("SELECT * FROM blobs"):
            if self._clock.now() - self._clock.at(row["created_at"]) > life_s:
                self._database.run("DELETE FROM blobs WHERE token = ?", row["token"])
        known = {row["upload_key"] for row in self._database.rows("SELECT upload_key FROM blobs")}
        for path in self._folders.blobs.iterdir():
            if path.name not in known:
                path.unlink()

    def forget(self) -> None:
        """All of them."""
        self._database.run("DELETE FROM blobs")
        self.purge(0)

    def _by(self, column: str, value: str) -> Blob:
        return _blob(self._database.one(f"SELECT * FROM blobs WHERE {column} = ?", value))  # noqa: S608


def _blob(row: Any) -> Blob:
    values = {name: row[name] for name in Blob.__dataclass_fields__}
    return Blob(**{**values, "is_complete": bool(row["is_complete"])})
