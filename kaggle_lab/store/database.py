"""The synchronous inside of the store: one connection, used by one thread."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any

from ..errors import NoSuchJob, StoreTrouble
from ..models import (
    TRANSITIONS,
    Endpoint,
    HistoryEntry,
    Job,
    JobStatus,
    LogLine,
    OutputFile,
    Profile,
    Retrieval,
    utc_now,
)
from . import rows
from . import statements as sql

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_MS = 20_000
_LAST_LINE_CHARS = 300
_LONGEST_LEASE_MS = 3_600_000
Unusable = sqlite3.OperationalError
"""What any work may raise: the disk is full, another process never lets go of the file."""


class Database:
    """One connection. Raises StoreTrouble when the file cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise StoreTrouble(f"The list of runs at {path} cannot be opened: {error}") from error

    def _prepare(self) -> None:
        self._db.row_factory = sqlite3.Row
        self._db.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._migrate()

    def _migrate(self) -> None:
        scripts = sorted(_MIGRATIONS.glob("*.sql"))
        with self._transaction():
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > len(scripts):
                self._db.close()
                raise StoreTrouble(
                    f"{self._path} was written by a newer Kaggle Lab (format {version}).",
                    remedy="Update Kaggle Lab: pip install -U kaggle-lab. Nothing was changed.",
                )
            for script in scripts[version:]:
                for statement in script.read_text(encoding="utf-8").split(";\n"):
                    self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {len(scripts)}")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db_open():
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _db_open(self) -> bool:
        try:
            return self._db.in_transaction
        except sqlite3.ProgrammingError:
            return False

    def close(self) -> None:
        self._db.close()

    # --- jobs ---------------------------------------------------------------------------------------

    def add(self, job: Job, note: str, owner: str, seconds: float) -> tuple[Job, bool]:
        with self._transaction():
            if self._db.execute(sql.IS_REMOVED_CLICK, (job.client_token,)).fetchone():
                raise NoSuchJob("The run of this click was taken out of the list.")
            job = replace(job, seq=self._next_seq())
            added = self._db.execute(sql.ADD_JOB, rows.job_row(job)).rowcount == 1
            if added:
                self._add_history(job.id, job.status, "", note)
                self._take_lease(job.id, owner, seconds)
        known = self.get_by_token(job.client_token)
        if known is None:
            raise NoSuchJob(f"The run of token {job.client_token} was removed meanwhile.")
        return known, added

    def move(
        self,
        job_id: str,
        to: JobStatus,
        word: str,
        note: str,
        only_from: JobStatus | None,
        changes: dict[str, Any],
    ) -> Job:
        with self._transaction():
            job = self.get(job_id)
            is_other = only_from is not None and job.status is not only_from
            if is_other or (to is not job.status and to not in TRANSITIONS[job.status]):
                self._add_history(job_id, job.status, word, f"refused: {job.status} to {to}. {note}".strip())
                return job
            if to is not job.status or note:
                self._add_history(job_id, to, word, note)
            moved = replace(job, status=to, **changes)
            return self._write(job, moved)

    def edit(self, job_id: str, changes: dict[str, Any]) -> Job:
        if "status" in changes:
            raise ValueError("a status is changed by move() alone")
        with self._transaction():
            job = self.get(job_id)
            return self._write(job, replace(job, **changes))

    def settle_retrieval(self, job_id: str, changes: dict[str, Any]) -> Job:
        with self._transaction():
            job = self.get(job_id)
            if job.retrieval is Retrieval.PENDING:
                changes = {name: value for name, value in changes.items() if name == "output_dir"}
            return self._write(job, replace(job, **changes))

    def _write(self, before: Job, after: Job) -> Job:
        if after == before:
            return before
        after = replace(after, seq=self._next_seq())
        self._db.execute(sql.WRITE_JOB, rows.job_row(after))
        return after

    def touch(self, job_id: str) -> None:
        with self._transaction():
            self._db.execute(sql.WRITE_JOB, rows.job_row(replace(self.get(job_id), seq=self._next_seq())))

    def note_word(self, job_id: str, word: str) -> None:
        with self._transaction():
            job = self.get(job_id)
            last = self._db.execute(sql.LAST_WORD, (job_id,)).fetchone()
            if last is None or last["word"] != word:
                self._add_history(job_id, job.status, word, "a word of Kaggle's that is not known here")

    def get(self, job_id: str) -> Job:
        row = self._db.execute(sql.GET_JOB, (job_id,)).fetchone()
        if row is None:
            raise NoSuchJob(f"There is no run {job_id!r}.")
        return rows.read_job(row)

    def get_by_token(self, client_token: str) -> Job | None:
        row = self._db.execute(sql.GET_SAME_CLICK, (client_token,)).fetchone()
        return rows.read_job(row) if row else None

    def find(self, text: str) -> Job:
        plain = text.isalnum()
        found = self._db.execute(sql.FIND_JOBS, (text,)).fetchall() if plain else []
        if len(found) != 1:
            what = "several runs whose ids begin" if found else "no run whose id begins"
            raise NoSuchJob(
                f"There is {what} with {text!r}." if not found else f"There are {what} with {text!r}."
            )
        return rows.read_job(found[0])

    def page(self, limit: int, before: str, notebook: str) -> list[Job]:
        query = {"limit": limit, "before": before, "notebook": notebook}
        return [rows.read_job(row) for row in self._db.execute(sql.LIST_JOBS, query)]

    def changed(self, since: int, limit: int) -> tuple[list[Job], list[str], int]:
        self._db.execute("BEGIN")
        try:
            seq = self.seq()
            found = self._db.execute(sql.LIST_CHANGED, {"since": since, "limit": limit}).fetchall()
            removed = [row["job_id"] for row in self._db.execute(sql.LIST_REMOVED, (since,))]
        finally:
            self._db.execute("COMMIT")
        jobs = [rows.read_job(row) for row in found]
        return jobs, removed, jobs[-1].seq if len(jobs) == limit else seq

    def with_work(self) -> list[Job]:
        return [rows.read_job(row) for row in self._db.execute(sql.LIST_WITH_WORK)]

    def count(self, notebook: str) -> int:
        return int(self._db.execute(sql.COUNT_JOBS, {"notebook": notebook}).fetchone()[0])

    def seq(self) -> int:
        return int(self._db.execute(sql.GET_SEQ).fetchone()[0])

    def sender_of(self, ref: str, endpoint: Endpoint) -> str | None:
        return self._path_of(sql.GET_SENDER, ref, endpoint)

    def promised_to(self, ref: str, endpoint: Endpoint) -> str | None:
        return self._path_of(sql.GET_PROMISED, ref, endpoint)

    def _path_of(self, statement: str, ref: str, endpoint: Endpoint) -> str | None:
        row = self._db.execute(statement, (ref, rows.endpoint_key(endpoint))).fetchone()
        return str(Path(row["root"]) / row["notebook_path"]) if row else None

    def remove(self, job_id: str) -> None:
        with self._transaction():
            job = self.get(job_id)
            self._db.execute(sql.REMOVE_JOB, (job_id,))
            self._db.execute(sql.ADD_REMOVED, (job_id, self._next_seq(), job.client_token))

    def history(self, job_id: str) -> list[HistoryEntry]:
        return [rows.read_history(row) for row in self._db.execute(sql.LIST_HISTORY, (job_id,))]

    def _next_seq(self) -> int:
        return int(self._db.execute(sql.NEXT_SEQ).fetchone()[0])

    def _add_history(self, job_id: str, status: JobStatus, word: str, note: str) -> None:
        self._db.execute(sql.ADD_HISTORY, (job_id, rows.to_ms(utc_now()), str(status), word, note))

    # --- who follows a job --------------------------------------------------------------------------

    def claim(self, job_id: str, owner: str, seconds: float) -> bool:
        with self._transaction():
            return self._take_lease(job_id, owner, seconds)

    def _take_lease(self, job_id: str, owner: str, seconds: float) -> bool:
        now = round(time() * 1000)
        lease = {"id": job_id, "owner": owner, "now": now, "until": now + round(seconds * 1000)}
        lease["longest"] = _LONGEST_LEASE_MS  # beyond it the clock was set back since the lease was taken
        return self._db.execute(sql.CLAIM, lease).rowcount == 1

    def release(self, job_id: str, owner: str) -> None:
        with self._transaction():
            self._db.execute(sql.RELEASE, (job_id, owner))

    # --- log, output files, profiles, choices -------------------------------------------------------

    def append_log(
        self,
        job_id: str,
        expected: int,
        taken: int,
        lines: Sequence[tuple[str, float, str]],
        changes: dict[str, Any],
    ) -> Job:
        with self._transaction():
            job = self.get(job_id)
            if job.log_next != expected:
                return job
            first = job.log_count
            self._db.executemany(sql.ADD_LOG, [(job_id, first + i, *line) for i, line in enumerate(lines)])
            last = next((text for _, _, text in reversed(lines) if _is_news(text)), job.last_line)
            after = replace(
                job,
                log_count=first + len(lines),
                log_next=expected + taken,
                last_line=last.rstrip()[-_LAST_LINE_CHARS:],
                **changes,
            )
            return self._write(job, after)

    def log(self, job_id: str, after: int, limit: int) -> list[LogLine]:
        return [rows.read_line(row) for row in self._db.execute(sql.LIST_LOG, (job_id, after, limit))]

    def put_files(self, job_id: str, files: Sequence[OutputFile]) -> None:
        with self._transaction():
            self._db.executemany(sql.PUT_FILE, [rows.file_row(job_id, file) for file in files])

    def files(self, job_id: str) -> list[OutputFile]:
        return [rows.read_file(row) for row in self._db.execute(sql.LIST_FILES, (job_id,))]

    def profile(self, endpoint: Endpoint, notebook: str) -> Profile | None:
        row = self._db.execute(sql.GET_PROFILE, (rows.endpoint_key(endpoint), notebook)).fetchone()
        return rows.read_profile(row) if row else None

    def put_profile(self, endpoint: Endpoint, profile: Profile) -> None:
        with self._transaction():
            self._db.execute(sql.PUT_PROFILE, rows.profile_row(endpoint, profile))

    def choice(self, name: str) -> str:
        row = self._db.execute(sql.GET_META, (f"choice.{name}",)).fetchone()
        return row["value"] if row else ""

    def remember(self, name: str, value: str) -> None:
        with self._transaction():
            self._db.execute(sql.SET_META, (f"choice.{name}", value))


def _is_news(text: str) -> bool:
    """Whether a line says something of the run, and is not the conversion that ends every run."""
    return bool(text.strip()) and not text.startswith("[NbConvertApp]")
