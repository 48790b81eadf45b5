"""From Kaggle's log records to stored lines: splits, takes the prologue's messages out, writes in batches."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from .models import Job, JobStatus, LogRecord, Progress, utc_now
from .prologue import MARKER
from .store import Store

_log = logging.getLogger(__name__)
_FLUSH_S = 0.2
_FLUSH_RECORDS = 2000
_SESSION_ID = re.compile(r"(?<!\d)(\d{1,18})$")
_HARDWARE_CHARS = 300
_TOO_LONG = "[Kaggle Lab keeps no more lines of this log; all of it is on the run's page]"
_MOST_CELLS = 1_000_000


@dataclass
class Digest:
    """What a batch of records amounts to: lines to store, and facts the prologue told."""

    lines: list[tuple[str, float, str]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def take(self, record: LogRecord) -> None:
        """Add one record; it may hold several lines, and a message may stand behind text."""
        for line in record.text.removesuffix("\n").split("\n"):
            text, marker, message = line.partition(MARKER)
            told = _read_message(message) if marker else None
            if told is None:
                self.lines.append((record.stream, record.time_s, line))
                continue
            self.facts.update(_facts_of(told, record.time_s))
            if text:
                self.lines.append((record.stream, record.time_s, text))


def _read_message(text: str) -> dict[str, Any] | None:
    try:
        told = json.loads(text)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _facts_of(told: dict[str, Any], time_s: float) -> dict[str, Any]:
    try:
        return _READERS.get(str(told.get("event")), _no_facts)(told, time_s)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return {}


def _no_facts(told: dict[str, Any], time_s: float) -> dict[str, Any]:
    return {}


def _session_facts(told: dict[str, Any], time_s: float) -> dict[str, Any]:
    began = datetime.fromtimestamp(float(told["time"]), UTC) - timedelta(seconds=time_s)
    shown = hardware_text(told).encode("utf-8", "replace").decode()
    facts: dict[str, Any] = {"hardware": shown[:_HARDWARE_CHARS], "started_at": began}
    found = _SESSION_ID.search(str(told.get("container", "")))
    if found:
        facts["kernel_session_id"] = int(found[1])
    return facts


def _cell_facts(told: dict[str, Any], time_s: float) -> dict[str, Any]:
    return {"progress": Progress(_count(told["cell"]), _count(told["cells"]))}


def _done_facts(told: dict[str, Any], time_s: float) -> dict[str, Any]:
    return {"progress": Progress(_count(told["cells"]), _count(told["cells"]), done=True)}


def _count(value: Any) -> int:
    """A number of cells. Raises ValueError for what a notebook cannot have."""
    number = int(value)
    if not 0 <= number <= _MOST_CELLS:
        raise ValueError(f"{number} cells")
    return number


_READERS = {"session": _session_facts, "cell": _cell_facts, "done": _done_facts}


def hardware_text(told: dict[str, Any]) -> str:
    """One line for people: ``2 x Tesla T4 (15360 MiB), 4 CPU, 31 GB RAM``, or what there is."""
    parts = []
    gpus = [gpu for gpu in told.get("gpus") or [] if isinstance(gpu, dict)]
    for name in dict.fromkeys(str(gpu.get("name")) for gpu in gpus):
        same = [gpu for gpu in gpus if str(gpu.get("name")) == name]
        parts.append(f"{len(same)} x {name} ({same[0].get('memory_mib')} MiB)")
    if told.get("tpu_chips"):
        parts.append(f"TPU, {told['tpu_chips']} chips")
    if not parts:
        parts.append("no GPU or TPU")
    parts.append(f"{told.get('cpus')} CPU")
    if told.get("ram_kib"):
        parts.append(f"{round(int(told['ram_kib']) * 1024 / 1e9)} GB RAM")
    return ", ".join(parts)


class LogSink:
    """Takes the records of one connection and stores them in batches, in order, each once."""

    def __init__(self, store: Store, job: Job, lines_kept: int) -> None:
        self._store = store
        self._job_id = job.id
        self._next = job.log_next
        self._room = lines_kept - job.log_count
        self._waiting: list[LogRecord] = []
        self._flush: asyncio.Task[None] | None = None
        self._order = asyncio.Lock()
        self.taken = 0
        """How many records this connection brought that were new to it."""
        self.is_out_of_step = False
        """Another process stored records meanwhile, or they could not be stored: connect anew, from where
        the job stands."""

    async def take(self, record: LogRecord) -> None:
        """Accept the next record; it is stored within a fraction of a second."""
        self._waiting.append(record)
        self.taken += 1
        if len(self._waiting) >= _FLUSH_RECORDS:
            await self.flush()
        elif self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._flush_soon())

    async def _flush_soon(self) -> None:
        while self._waiting:  # also what came while a batch was being written
            await asyncio.sleep(_FLUSH_S)
            await self.flush()

    async def flush(self) -> None:
        """Store what is waiting. A batch that is being written is written, whoever goes away."""
        await asyncio.shield(self._flush_in_order())

    async def _flush_in_order(self) -> None:
        async with self._order:
            batch, self._waiting = self._waiting, []
            if not batch or self.is_out_of_step:
                return
            try:
                await self._write(batch)
            except Exception:
                _log.exception("lines of run %s's log could not be stored; they are read again", self._job_id)
                self.is_out_of_step = True

    async def _write(self, batch: Sequence[LogRecord]) -> None:
        digest = await asyncio.to_thread(_digest, batch)
        now = utc_now()
        facts = {"last_heard_at": now, "trouble": "", **digest.facts}
        lines = self._within_room(digest.lines)
        job = await self._store.append_log(self._job_id, self._next, len(batch), lines, **facts)
        self._next += len(batch)
        self.is_out_of_step = job.log_next != self._next
        if job.status is JobStatus.QUEUED:
            began = job.started_at or now
            await self._store.move(self._job_id, JobStatus.RUNNING, note="its log began", started_at=began)

    def _within_room(self, lines: list[tuple[str, float, str]]) -> list[tuple[str, float, str]]:
        """The lines there is room for; the last one says so when there are more."""
        room, self._room = self._room, self._room - len(lines)
        if len(lines) <= room:
            return lines
        self._room = -1
        return [*lines[:room], ("stderr", lines[0][1], _TOO_LONG)] if room >= 0 else []

    async def close(self) -> None:
        """Store the rest and stop."""
        if self._flush is not None:
            await asyncio.gather(self._flush, return_exceptions=True)
        await self.flush()


def _digest(batch: Sequence[LogRecord]) -> Digest:
    digest = Digest()
    for record in batch:
        digest.take(record)
    return digest
