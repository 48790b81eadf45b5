"""Kernels and their versions, as stored."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from .accounts import Account
from .db import Database
from .wire import ApiError, denied


@dataclass(frozen=True)
class Kernel:
    """A notebook or script at `owner/slug`; the times are real epoch seconds."""

    id: int
    account_id: int
    owner: str
    slug: str
    title: str
    kernel_type: str
    is_private: bool
    current_version: int
    created_at: float
    saved_at: float

    @property
    def ref(self) -> str:
        return f"{self.owner}/{self.slug}"


@dataclass(frozen=True)
class VersionMetadata:
    """What one push asked for, after Kaggle's silent changes."""

    language: str
    machine_shape: str
    resource: str
    execution: str
    enable_internet: bool
    docker_image: str = ""
    category_ids: list[str] = field(default_factory=list)
    dataset_sources: list[str] = field(default_factory=list)
    kernel_sources: list[str] = field(default_factory=list)
    competition_sources: list[str] = field(default_factory=list)
    model_sources: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Version:
    """One save of a kernel. `session_id` is None when it was saved without running."""

    kernel_id: int
    number: int
    metadata: VersionMetadata
    session_id: int | None
    created_at: float


class Kernels:
    """The table of kernels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, owner: str, slug: str) -> Kernel | None:
        row = self._database.first(f"{_SELECT} AND a.username = ? AND k.slug = ?", owner, slug.lower())
        return _kernel(row) if row else None

    def by_id(self, kernel_id: int) -> Kernel | None:
        row = self._database.first(f"{_SELECT} AND k.id = ?", kernel_id)
        return _kernel(row) if row else None

    def visible(self, owner: str, slug: str, caller: Account) -> Kernel:
        """The kernel if the caller may read it, else the 403 that hides whether it exists."""
        kernel = self.find(owner, slug)
        if kernel is None or (kernel.is_private and kernel.account_id != caller.id):
            raise denied("kernels.get")
        return kernel

    def owned(self, owner: str, slug: str, caller: Account, permission: str) -> Kernel:
        kernel = self.find(owner, slug)
        if kernel is None or kernel.account_id != caller.id:
            raise denied(permission)
        return kernel

    def all(self, where: str = "", *values: object) -> list[Kernel]:
        return [_kernel(row) for row in self._database.rows(f"{_SELECT} {where}", *values)]

    def create(self, account: Account, slug: str, title: str, kernel_type: str, now: float) -> Kernel:
        """A kernel without versions; a taken slug is a 409."""
        self._require_free(account.id, slug)
        cursor = self._database.run(
            "INSERT INTO kernels (account_id, slug, title, kernel_type, is_private, current_version,"
            " created_at, saved_at) VALUES (?, ?, ?, ?, 1, 0, ?, ?)",
            account.id,
            slug,
            title,
            kernel_type,
            now,
            now,
        )
        return self._by_row(cursor)

    def rename(self, kernel: Kernel, title: str, slug: str) -> Kernel:
        """Give a kernel a new title and slug; a slug taken by another kernel is a 409."""
        if slug != kernel.slug:
            self._require_free(kernel.account_id, slug)
        self._database.run("UPDATE kernels SET title = ?, slug = ? WHERE id = ?", title, slug, kernel.id)
        renamed = self.by_id(kernel.id)
        assert renamed is not None
        return renamed

    def add_version(
        self, kernel: Kernel, source: str, metadata: VersionMetadata, is_private: bool, now: float
    ) -> Version:
        """Save the next version, still without a session."""
        number = kernel.current_version + 1
        self._database.run(
            "INSERT INTO versions (kernel_id, number, source, metadata, created_at) VALUES (?, ?, ?, ?, ?)",
            kernel.id,
            number,
            source,
            json.dumps(metadata.__dict__),
            now,
        )
        self._database.run(
            "UPDATE kernels SET current_version = ?, is_private = ?, saved_at = ? WHERE id = ?",
            number,
            is_private,
            now,
            kernel.id,
        )
        return self.version(kernel, number)

    def version(self, kernel: Kernel, number: int) -> Version:
        """One version; 404 when there is none of that number."""
        row = self._database.first(
            "SELECT kernel_id, number, metadata, session_id, created_at FROM versions"
            " WHERE kernel_id = ? AND number = ?",
            kernel.id,
            number,
        )
        if row is None:
            raise ApiError(404, "Version not found")
        metadata = VersionMetadata(**json.loads(row["metadata"]))
        return Version(row["kernel_id"], row["number"], metadata, row["session_id"], row["created_at"])

    def labelled(self, kernel: Kernel, label: str) -> Version:
        """The version a `versionLabel` names: "v3" is the third, "" the current one, all else 404."""
        if not label:
            return self.version(kernel, kernel.current_version)
        found = re.fullmatch(r"v([1-9][0-9]{0,8})", label)
        if found is None:
            raise ApiError(404, "Version not found")
        return self.version(kernel, int(found.group(1)))

    def source(self, version: Version) -> str:
        row = self._database.one(
            "SELECT source FROM versions WHERE kernel_id = ? AND number = ?",
            version.kernel_id,
            version.number,
        )
        return str(row["source"])

    def delete(self, kernel: Kernel, now: float) -> None:
        """Take a kernel away; its slug is free at once, its sessions stay for the quota."""
        self._database.run("UPDATE kernels SET deleted_at = ? WHERE id = ?", now, kernel.id)

    def _require_free(self, account_id: int, slug: str) -> None:
        taken = self._database.first(
            "SELECT 1 FROM kernels WHERE account_id = ? AND slug = ? AND deleted_at IS NULL", account_id, slug
        )
        if taken:
            raise ApiError(
                409, "The requested title is already in use by a notebook. Please choose another title."
            )

    def _by_row(self, cursor: sqlite3.Cursor) -> Kernel:
        kernel = self.by_id(int(cursor.lastrowid or 0))
        assert kernel is not None
        return kernel


_SELECT = (
    "SELECT k.*, a.username AS owner FROM kernels k JOIN accounts a ON a.id = k.account_id"
    " WHERE k.deleted_at IS NULL"
)


def _kernel(row: Any) -> Kernel:
    return Kernel(
        id=row["id"],
        account_id=row["account_id"],
        owner=row["owner"],
        slug=row["slug"],
        title=row["title"],
        kernel_type=row["kernel_type"],
        is_private=bool(row["is_private"]),
        current_version=row["current_version"],
        created_at=row["created_at"],
        saved_at=row["saved_at"],
    )
