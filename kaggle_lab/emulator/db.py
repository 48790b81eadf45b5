"""The emulator's SQLite file: schema, opening, and short transactions."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FIRST_KERNEL_ID = 61_000_000
FIRST_SESSION_ID = 271_000_000

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE clock_changes (real_at REAL NOT NULL, offset_s REAL NOT NULL);
CREATE TABLE accounts (
  id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE COLLATE NOCASE, key_hash TEXT NOT NULL,
  verified INTEGER NOT NULL, created_at REAL NOT NULL);
CREATE TABLE tokens (
  hash TEXT PRIMARY KEY, id INTEGER NOT NULL, account_id INTEGER NOT NULL REFERENCES accounts(id),
  kind TEXT NOT NULL, expires_at REAL);
CREATE TABLE kernels (
  id INTEGER PRIMARY KEY AUTOINCREMENT, account_id INTEGER NOT NULL REFERENCES accounts(id),
  slug TEXT NOT NULL, title TEXT NOT NULL, kernel_type TEXT NOT NULL, is_private INTEGER NOT NULL,
  current_version INTEGER NOT NULL, created_at REAL NOT NULL, saved_at REAL NOT NULL, deleted_at REAL);
CREATE UNIQUE INDEX kernels_by_slug ON kernels (account_id, slug) WHERE deleted_at IS NULL;
CREATE TABLE versions (
  kernel_id INTEGER NOT NULL REFERENCES kernels(id), number INTEGER NOT NULL, source TEXT NOT NULL,
  metadata TEXT NOT NULL, session_id INTEGER, created_at REAL NOT NULL, PRIMARY KEY (kernel_id, number));
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kernel_id INTEGER NOT NULL REFERENCES kernels(id),
  version INTEGER NOT NULL, account_id INTEGER NOT NULL REFERENCES accounts(id), resource TEXT NOT NULL,
  shape TEXT NOT NULL, rate REAL NOT NULL, timeout_s REAL NOT NULL, status TEXT NOT NULL, stop_reason TEXT,
  failure_message TEXT NOT NULL DEFAULT '', created_at REAL NOT NULL, started_at REAL, ended_at REAL,
  pid INTEGER, pid_start_time INTEGER);
CREATE INDEX sessions_unfinished ON sessions (account_id, ended_at);
CREATE INDEX sessions_by_kernel ON sessions (kernel_id);
CREATE TABLE quota_adjustments (
  account_id INTEGER NOT NULL, resource TEXT NOT NULL, week_start REAL NOT NULL, seconds REAL NOT NULL,
  PRIMARY KEY (account_id, resource, week_start));
"""

_HUB_SCHEMA = """
CREATE TABLE blobs (
  token TEXT PRIMARY KEY, upload_key TEXT NOT NULL UNIQUE, account_id INTEGER NOT NULL, kind TEXT NOT NULL,
  name TEXT NOT NULL, size INTEGER NOT NULL, modified_at REAL, created_at REAL NOT NULL,
  is_complete INTEGER NOT NULL DEFAULT 0);
CREATE TABLE bundles (
  id INTEGER PRIMARY KEY AUTOINCREMENT, plan TEXT NOT NULL, created_at REAL NOT NULL, outcome TEXT,
  error TEXT NOT NULL DEFAULT '', total_bytes INTEGER NOT NULL DEFAULT 0,
  file_count INTEGER NOT NULL DEFAULT 0);
CREATE TABLE datasets (
  id INTEGER PRIMARY KEY AUTOINCREMENT, account_id INTEGER NOT NULL REFERENCES accounts(id),
  slug TEXT NOT NULL, title TEXT NOT NULL, is_private INTEGER NOT NULL, details TEXT NOT NULL,
  downloads INTEGER NOT NULL DEFAULT 0, created_at REAL NOT NULL, updated_at REAL NOT NULL);
CREATE UNIQUE INDEX datasets_by_slug ON datasets (account_id, slug);
CREATE TABLE dataset_versions (
  dataset_id INTEGER NOT NULL REFERENCES datasets(id), number INTEGER NOT NULL,
  bundle_id INTEGER NOT NULL, notes TEXT NOT NULL, replaces INTEGER NOT NULL, created_at REAL NOT NULL,
  PRIMARY KEY (dataset_id, number));
CREATE TABLE models (
  id INTEGER PRIMARY KEY AUTOINCREMENT, account_id INTEGER NOT NULL REFERENCES accounts(id),
  slug TEXT NOT NULL, title TEXT NOT NULL, is_private INTEGER NOT NULL, details TEXT NOT NULL,
  downloads INTEGER NOT NULL DEFAULT 0, created_at REAL NOT NULL, updated_at REAL NOT NULL);
CREATE UNIQUE INDEX models_by_slug ON models (account_id, slug);
CREATE TABLE model_instances (
  id INTEGER PRIMARY KEY AUTOINCREMENT, model_id INTEGER NOT NULL REFERENCES models(id),
  framework TEXT NOT NULL, slug TEXT NOT NULL, details TEXT NOT NULL, created_at REAL NOT NULL);
CREATE UNIQUE INDEX model_instances_by_slug ON model_instances (model_id, framework, slug);
CREATE TABLE model_versions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  instance_id INTEGER NOT NULL REFERENCES model_instances(id), number INTEGER NOT NULL,
  bundle_id INTEGER NOT NULL, notes TEXT NOT NULL, created_at REAL NOT NULL);
CREATE UNIQUE INDEX model_versions_by_number ON model_versions (instance_id, number);
CREATE TABLE competitions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, slug TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
  details TEXT NOT NULL, bundle_id INTEGER NOT NULL, judge_bundle_id INTEGER NOT NULL,
  created_at REAL NOT NULL);
CREATE TABLE competition_entries (
  competition_id INTEGER NOT NULL REFERENCES competitions(id),
  account_id INTEGER NOT NULL, accepted_at REAL NOT NULL, PRIMARY KEY (competition_id, account_id));
CREATE TABLE submissions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  competition_id INTEGER NOT NULL REFERENCES competitions(id),
  account_id INTEGER NOT NULL, file_name TEXT NOT NULL, description TEXT NOT NULL, size INTEGER NOT NULL,
  status TEXT NOT NULL DEFAULT 'PENDING', public_score REAL, private_score REAL,
  error TEXT NOT NULL DEFAULT '', created_at REAL NOT NULL);
CREATE INDEX submissions_by_team ON submissions (competition_id, account_id);
CREATE TABLE user_secrets (
  account_id INTEGER NOT NULL, label TEXT NOT NULL, value TEXT NOT NULL, kernels TEXT,
  PRIMARY KEY (account_id, label));
"""

_INTERACTIVE_SCHEMA = """
ALTER TABLE sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'batch';
ALTER TABLE sessions ADD COLUMN internet INTEGER
"""

_IMAGE_SCHEMA = """
ALTER TABLE sessions ADD COLUMN docker_image TEXT NOT NULL DEFAULT ''
"""

# Each step brings a data directory from the format before it to its own; the number of steps is the format.
_STEPS = (_SCHEMA, _HUB_SCHEMA, _INTERACTIVE_SCHEMA, _IMAGE_SCHEMA)
SCHEMA_VERSION = len(_STEPS)


class NewerDataError(Exception):
    """The data directory was written by a newer emulator; fields: found, known schema numbers."""

    def __init__(self, found: int) -> None:
        super().__init__(f"its state has format {found}, this emulator knows formats up to {SCHEMA_VERSION}")
        self.found = found


class Database:
    """One connection in WAL mode, used from the server's thread only."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. Raises `NewerDataError`, `sqlite3.DatabaseError`."""
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        found = int(self.one("PRAGMA user_version")[0])
        if found > SCHEMA_VERSION:
            raise NewerDataError(found)
        self.run("PRAGMA journal_mode=WAL")
        self.run("PRAGMA synchronous=NORMAL")
        if found < SCHEMA_VERSION:
            self._upgrade(found)

    def _upgrade(self, found: int) -> None:
        with self.transaction():
            for step in _STEPS[found:]:
                for statement in step.split(";\n"):
                    self.run(statement)
            if found == 0:
                self._begin()
            self.run(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _begin(self) -> None:
        self.run("INSERT INTO sqlite_sequence (name, seq) VALUES ('kernels', ?)", FIRST_KERNEL_ID)
        self.run("INSERT INTO sqlite_sequence (name, seq) VALUES ('sessions', ?)", FIRST_SESSION_ID)
        self.run("INSERT INTO meta VALUES ('link_secret', ?)", secrets.token_hex(32))

    def run(self, sql: str, *values: object) -> sqlite3.Cursor:
        return self._connection.execute(sql, values)

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        return self._connection.execute(sql, values).fetchall()

    def first(self, sql: str, *values: object) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def one(self, sql: str, *values: object) -> sqlite3.Row:
        row = self.first(sql, *values)
        if row is None:
            raise LookupError("no such row")
        return row

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit at the end, roll back on an exception; inside another transaction it joins that one."""
        if self._connection.in_transaction:
            yield
            return
        self.run("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    def meta(self, key: str) -> str:
        return str(self.one("SELECT value FROM meta WHERE key = ?", key)[0])

    def close(self) -> None:
        self._connection.close()
