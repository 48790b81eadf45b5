"""Between the store's rows and our values: one function each way for every table."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from ..models import (
    Endpoint,
    EndpointKind,
    Fetching,
    FileState,
    HistoryEntry,
    Job,
    JobStatus,
    KernelRef,
    LogLine,
    OutputFile,
    Profile,
    Progress,
    Reason,
    Retrieval,
    Sources,
)


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970, the store's form of a time."""
    return round(moment.timestamp() * 1000)


def from_ms(value: int) -> datetime:
    """The aware UTC time of a stored number."""
    return datetime.fromtimestamp(value / 1000, UTC)


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _read_endpoint(text: str) -> Endpoint:
    kind, _, url = text.partition(" ")
    return Endpoint(EndpointKind(kind), url)


_READERS: dict[str, Callable[[Any], Any]] = {
    "status": JobStatus,
    "endpoint": _read_endpoint,
    "created_at": from_ms,
    "internet": bool,
    "private": bool,
    "save_only": bool,
    "sources": lambda text: Sources(**{key: tuple(names) for key, names in json.loads(text).items()}),
    "ref": _optional(KernelRef.parse),
    "reason": Reason,
    "warnings": lambda text: tuple(json.loads(text)),
    "partial": bool,
    "retrieve": Fetching,
    "files_wanted": lambda text: tuple(json.loads(text)),
    "submitted_at": _optional(from_ms),
    "started_at": _optional(from_ms),
    "ended_at": _optional(from_ms),
    "last_heard_at": _optional(from_ms),
    "stop_requested_at": _optional(from_ms),
    "retrieval": Retrieval,
    "log_complete": bool,
    "progress": _optional(lambda text: Progress(**json.loads(text))),
}


def endpoint_key(endpoint: Endpoint) -> str:
    """The stored form of an endpoint: its kind, a space, its URL."""
    return f"{endpoint.kind} {endpoint.url}"


def _write(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_ms(value)
    if isinstance(value, Endpoint):
        return endpoint_key(value)
    if isinstance(value, KernelRef | StrEnum):
        return str(value)
    if isinstance(value, Sources | Progress):
        return json.dumps(dataclasses.asdict(value))
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    return value


def job_row(job: Job) -> dict[str, Any]:
    """The parameters of ADD_JOB and WRITE_JOB."""
    return {spec.name: _write(getattr(job, spec.name)) for spec in dataclasses.fields(job)}


def read_job(row: sqlite3.Row) -> Job:
    """The job of a row of ``job``."""
    return Job(**{spec.name: _read(spec.name, row) for spec in dataclasses.fields(Job)})


def _read(name: str, row: sqlite3.Row) -> Any:
    reader = _READERS.get(name)
    return reader(row[name]) if reader else row[name]


def read_history(row: sqlite3.Row) -> HistoryEntry:
    """One step of a job's way."""
    return HistoryEntry(from_ms(row["at"]), JobStatus(row["status"]), row["word"], row["note"])


def read_line(row: sqlite3.Row) -> LogLine:
    """One stored log line."""
    return LogLine(row["n"], row["stream"], row["time_s"], row["text"])


def file_row(job_id: str, file: OutputFile) -> dict[str, Any]:
    """The parameters of PUT_FILE."""
    return {"job_id": job_id, **{key: _write(value) for key, value in dataclasses.asdict(file).items()}}


def read_file(row: sqlite3.Row) -> OutputFile:
    """One output file."""
    values = dict(row)
    return OutputFile(**{**values, "state": FileState(values["state"])})


def read_profile(row: sqlite3.Row) -> Profile:
    """How a notebook is run."""
    values = {spec.name: row[spec.name] for spec in dataclasses.fields(Profile)}
    flags = {name: bool(values[name]) for name in ("internet", "private", "confirmed")}
    return Profile(**{**values, **flags})


def profile_row(endpoint: Endpoint, profile: Profile) -> dict[str, Any]:
    """The parameters of PUT_PROFILE."""
    return {"endpoint": endpoint_key(endpoint), **dataclasses.asdict(profile)}
