"""Datasets and their versions, as stored."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from .accounts import Account
from .bundles import Bundle, Bundles
from .db import Database
from .settings import Settings
from .wire import denied


@dataclass(frozen=True)
class Details:
    """What an owner may say about a dataset."""

    subtitle: str = ""
    description: str = ""
    licence: str = ""
    keywords: list[str] = field(default_factory=list)
    collaborators: list[dict[str, str]] = field(default_factory=list)
    update_frequency: str = ""
    sources: str = ""
    file_notes: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """Files under `owner/slug`; the times are real epoch seconds."""

    id: int
    account_id: int
    owner: str
    slug: str
    title: str
    is_private: bool
    details: Details
    downloads: int
    created_at: float
    updated_at: float

    @property
    def ref(self) -> str:
        return f"{self.owner}/{self.slug}"

    def may_read(self, account: Account) -> bool:
        """Everybody if it is public, else the owner and the collaborators."""
        names = {person.get("username", "").lower() for person in self.details.collaborators}
        return not self.is_private or account.id == self.account_id or account.username.lower() in names


@dataclass(frozen=True)
class DatasetVersion:
    """One upload. `replaces` says that older versions go away once this one is ready."""

    dataset_id: int
    number: int
    bundle_id: int
    notes: str
    replaces: bool
    created_at: float


class Datasets:
    """The tables of datasets and their versions."""

    def __init__(self, database: Database, bundles: Bundles) -> None:
        self._database = database
        self._bundles = bundles

    def find(self, owner: str, slug: str) -> Dataset | None:
        row = self._database.first(f"{_SELECT} WHERE a.username = ? AND d.slug = ?", owner, slug.lower())
        return _dataset(row) if row else None

    def by_id(self, dataset_id: int) -> Dataset | None:
        row = self._database.first(f"{_SELECT} WHERE d.id = ?", dataset_id)
        return _dataset(row) if row else None

    def visible(self, owner: str, slug: str, caller: Account) -> Dataset:
        """The dataset if the caller may read it, else the 403 that hides whether it exists."""
        dataset = self.find(owner, slug)
        if dataset is None or not dataset.may_read(caller):
            raise denied("datasets.get")
        return dataset

    def owned(self, dataset: Dataset | None, caller: Account, permission: str) -> Dataset:
        if dataset is None or dataset.account_id != caller.id:
            raise denied(permission)
        return dataset

    def all(self) -> list[Dataset]:
        return [_dataset(row) for row in self._database.rows(f"{_SELECT} ORDER BY d.id")]

    def create(
        self, account: Account, slug: str, title: str, is_private: bool, details: Details, now: float
    ) -> Dataset:
        """A dataset without versions; the slug must be free."""
        cursor = self._database.run(
            "INSERT INTO datasets (account_id, slug, title, is_private, details, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            account.id,
            slug,
            title,
            is_private,
            json.dumps(details.__dict__),
            now,
            now,
        )
        created = self.by_id(int(cursor.lastrowid or 0))
        assert created is not None
        return created

    def change(self, dataset: Dataset, title: str, is_private: bool, details: Details) -> None:
        self._database.run(
            "UPDATE datasets SET title = ?, is_private = ?, details = ? WHERE id = ?",
            title,
            is_private,
            json.dumps(details.__dict__),
            dataset.id,
        )

    def add_version(
        self, dataset: Dataset, bundle: Bundle, notes: str, replaces: bool, now: float
    ) -> DatasetVersion:
        versions = self.versions(dataset)
        number = versions[0].number + 1 if versions else 1
        self._database.run(
            "INSERT INTO dataset_versions VALUES (?, ?, ?, ?, ?, ?)",
            dataset.id,
            number,
            bundle.id,
            notes,
            replaces,
            now,
        )
        self._database.run("UPDATE datasets SET updated_at = ? WHERE id = ?", now, dataset.id)
        return DatasetVersion(dataset.id, number, bundle.id, notes, replaces, now)

    def versions(self, dataset: Dataset) -> list[DatasetVersion]:
        """The newest first, whatever became of them."""
        rows = self._database.rows(
            "SELECT * FROM dataset_versions WHERE dataset_id = ? ORDER BY number DESC", dataset.id
        )
        return [_version(row) for row in rows]

    def current(self, dataset: Dataset, settings: Settings) -> DatasetVersion | None:
        """The newest that is ready; None while the first one is not."""
        versions = self.versions(dataset)
        for version in versions:
            if self._bundles.is_ready(version.bundle_id, settings):
                if version.replaces and version is not versions[-1]:
                    self._remove([old for old in versions if old.number < version.number])
                return version
        return None

    def numbered(self, dataset: Dataset, number: int, settings: Settings) -> DatasetVersion | None:
        """A ready version by its number, 0 meaning the current one."""
        current = self.current(dataset, settings)
        if not number:
            return current
        for version in self.versions(dataset):
            if version.number == number and self._bundles.is_ready(version.bundle_id, settings):
                return version
        return None

    def status(self, dataset: Dataset, settings: Settings) -> str:
        """Kaggle's word for the newest version."""
        bundle = self._bundles.get(self.versions(dataset)[0].bundle_id)
        return self._bundles.stage(bundle, settings)

    def count_download(self, dataset: Dataset) -> None:
        self._database.run("UPDATE datasets SET downloads = downloads + 1 WHERE id = ?", dataset.id)

    def delete(self, dataset: Dataset) -> None:
        """With all its versions; the slug is free at once."""
        with self._database.transaction():
            self._remove(self.versions(dataset))
            self._database.run("DELETE FROM datasets WHERE id = ?", dataset.id)

    def _remove(self, versions: list[DatasetVersion]) -> None:
        with self._database.transaction():
            for version in versions:
                self._database.run(
                    "DELETE FROM dataset_versions WHERE dataset_id = ? AND number = ?",
                    version.dataset_id,
                    version.number,
                )
            self._bundles.discard([version.bundle_id for version in versions])


_SELECT = "SELECT d.*, a.username AS owner FROM datasets d JOIN accounts a ON a.id = d.account_id"


def _dataset(row: Any) -> Dataset:
    values = {name: row[name] for name in Dataset.__dataclass_fields__}
    values |= {"is_private": bool(row["is_private"]), "details": Details(**json.loads(row["details"]))}
    return Dataset(**values)


def _version(row: Any) -> DatasetVersion:
    values = {name: row[name] for name in DatasetVersion.__dataclass_fields__}
    return DatasetVersion(**{**values, "replaces": bool(row["replaces"])})
