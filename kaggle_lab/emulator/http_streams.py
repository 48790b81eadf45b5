"""Long answers: the live log, the zip of all outputs, and one output file with ranges."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import os
import re
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from .faults import Fault
from .logs import END_OF_LOG, LogTail, stored_log
from .replies import LogStream, OutputZip
from .sessions import Session
from .wire import ApiError
from .world import World

POLL_S = 0.1
_CHUNK = 1 << 20
_BATCH = 500


class StreamingHandler(RequestHandler):
    """A handler whose answer may be cut in the middle."""

    def cut(self) -> None:
        """End without the chunk that marks the end, as a load balancer does; the journal keeps it."""
        raise NotImplementedError

    def note(self) -> None:
        """Have the journal keep the request, when the answer was sent by other means."""
        raise NotImplementedError


async def send_bytes(handler: StreamingHandler, body: bytes, fault: Fault) -> None:
    """A whole body in the way of a rule that spoils bodies."""
    rate = fault.rate_bytes_s
    step = max(1, int(rate / 10)) if rate else max(1, len(body))
    await _send_spoiled(handler, _slowly(body, step, rate), len(body), fault)


async def _slowly(body: bytes, step: int, rate_bytes_s: float) -> AsyncIterator[bytes]:
    for start in range(0, len(body), step):
        yield body[start : start + step]
        if rate_bytes_s:
            await asyncio.sleep(step / rate_bytes_s)


async def _send_spoiled(
    handler: StreamingHandler, chunks: AsyncIterator[bytes], length: int, fault: Fault
) -> None:
    """Head and body past the web server, which would never announce a wrong length; then close."""
    handler.set_header("Content-Length", str(max(0, length + fault.content_length_off)))
    handler.set_header("Connection", "close")
    lines = [f"HTTP/1.1 {handler.get_status()} {handler._reason}"]
    lines += [f"{name}: {value}" for name, value in handler._headers.get_all()]
    stream = handler.detach()
    left = length if fault.drop_after_bytes is None else fault.drop_after_bytes
    with contextlib.suppress(StreamClosedError):
        await stream.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        async for chunk in chunks:
            await stream.write(chunk[:left])
            left -= len(chunk)
            if left <= 0:
                break
    handler.note()
    stream.close()


async def send_log(handler: StreamingHandler, world: World, reply: LogStream, fault: Fault | None) -> None:
    """Events from the start while the session lives, the stored array once it has ended."""
    session = await _begun(handler, world, reply)
    with contextlib.suppress(StreamClosedError):
        if session.is_finished:
            await _send_stored(handler, world, session)
        else:
            await _LiveLog(handler, world, session, fault).send()


async def _begun(handler: StreamingHandler, world: World, reply: LogStream) -> Session:
    """The session once it runs or has ended; `ApiError` 404 when that takes longer than the caller waits."""
    deadline = time.monotonic() + reply.wait_s
    while True:
        session = world.supervisor.refresh(reply.session.id)
        if session.started_at is not None or session.is_finished:
            return session
        if time.monotonic() > deadline or _is_gone(handler):
            raise ApiError(404, "Logs are not available yet")
        await asyncio.sleep(POLL_S)


def _is_gone(handler: StreamingHandler) -> bool:
    stream = getattr(handler.request.connection, "stream", None)
    return stream is None or stream.closed()


async def _send_stored(handler: StreamingHandler, world: World, session: Session) -> None:
    handler.set_header("Content-Type", "application/json")
    unsent = sent = 0
    for line in stored_log(world.folders.session(session.id)):
        handler.write(line)
        unsent += len(line)
        if unsent > _CHUNK:
            sent, unsent = sent + unsent, 0
            await handler.flush()
    await handler.finish(None if sent or unsent else "[]")


class _LiveLog:
    """One subscriber of a running session's log."""

    def __init__(
        self, handler: StreamingHandler, world: World, session: Session, fault: Fault | None
    ) -> None:
        self._handler = handler
        self._world = world
        self._session = session
        self._budget = fault.drop_after_events if fault else None
        self._tail = LogTail(world.folders.session(session.id))

    async def send(self) -> None:
        self._handler.set_header("Content-Type", "text/event-stream")
        self._handler.set_header("Cache-Control", "no-cache")
        await self._handler.flush()
        try:
            await self._follow()
        finally:
            self._tail.close()

    async def _follow(self) -> None:
        quiet_since = time.monotonic()
        while True:
            is_finished = self._world.supervisor.refresh(self._session.id).is_finished
            records = list(self._tail.drain()) if is_finished else self._tail.read()
            if not await self._write(records):
                return
            if is_finished:
                await self._handler.finish(f"data: {END_OF_LOG}\n\n")
                return
            quiet_since = time.monotonic() if records else quiet_since
            if self._is_idle(quiet_since) or _is_gone(self._handler):
                self._handler.cut()
                return
            if not records:
                await asyncio.sleep(POLL_S)

    def _is_idle(self, quiet_since: float) -> bool:
        cut_s = self._world.settings.log_idle_cut_s
        return cut_s > 0 and time.monotonic() - quiet_since > cut_s

    async def _write(self, records: list[str]) -> bool:
        """Send events; False when the fault rule cut the stream on the way."""
        for start in range(0, len(records), _BATCH):
            batch = records[start : start + _BATCH]
            if self._budget is not None:
                batch = batch[: self._budget]
                self._budget -= len(batch)
            self._handler.write("".join(f"data: {record}\n\n" for record in batch))
            await self._handler.flush()
            if self._budget == 0:
                self._handler.cut()
                return False
        return True


async def send_zip(
    handler: StreamingHandler, world: World, reply: OutputZip, fault: Fault | None = None
) -> None:
    """All outputs in one zip, made in a file of its own and then streamed."""
    working = world.folders.working(reply.session.id)
    names = [(file.path, file.name) for file in world.listings.of(working) if not file.is_tail]
    with tempfile.TemporaryFile(dir=world.folders.temporary) as file:
        await asyncio.to_thread(_pack, file, names)
        size = file.tell()
        handler.set_header("Content-Type", "application/zip")
        handler.set_header("Content-Length", str(size))
        handler.set_header("Content-Disposition", f'attachment; filename="{reply.session.id}.zip"')
        if fault is not None and fault.spoils_body:
            await _send_spoiled(handler, _chunks(file, 0, size, fault.rate_bytes_s), size, fault)
            return
        with contextlib.suppress(StreamClosedError):
            async for chunk in _chunks(file, 0, size, 0.0):
                handler.write(chunk)
                await handler.flush()
            await handler.finish()


def _pack(file: BinaryIO, names: list[tuple[Path, str]]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path, name in names:
            archive.write(path, name)


async def send_file(handler: StreamingHandler, path: Path, rate_bytes_s: float, fault: Fault | None) -> None:
    """A file with `Range`, `If-Range`, `ETag`, `Last-Modified`; constant memory; OSError if it is gone."""
    status = _status(path)
    etag = f'"{status.st_size:x}-{status.st_mtime_ns:x}"'
    modified = email.utils.formatdate(status.st_mtime, usegmt=True)
    handler.set_header("Accept-Ranges", "bytes")
    handler.set_header("ETag", etag)
    handler.set_header("Last-Modified", modified)
    handler.set_header("Content-Type", "application/octet-stream")
    wanted = _range(handler, status.st_size, etag, modified)
    if wanted is None:
        handler.set_status(416)
        handler.set_header("Content-Range", f"bytes */{status.st_size}")
        handler.finish()
        return
    start, end = wanted
    if (start, end) != (0, status.st_size) or handler.get_status() == 206:
        handler.set_status(206)
        handler.set_header("Content-Range", f"bytes {start}-{end - 1}/{status.st_size}")
    handler.set_header("Content-Length", str(end - start))
    if handler.request.method == "HEAD":
        handler.finish()
        return
    await _send_range(handler, path, (start, end), rate_bytes_s, fault)


def _status(path: Path) -> os.stat_result:
    return path.stat()


async def _send_range(
    handler: StreamingHandler,
    path: Path,
    span: tuple[int, int],
    rate_bytes_s: float,
    fault: Fault | None,
) -> None:
    with path.open("rb") as file, contextlib.suppress(StreamClosedError):
        if fault is not None and fault.spoils_body:
            rate = fault.rate_bytes_s or rate_bytes_s
            await _send_spoiled(handler, _chunks(file, *span, rate), span[1] - span[0], fault)
            return
        async for chunk in _chunks(file, *span, rate_bytes_s):
            handler.write(chunk)
            await handler.flush()
        await handler.finish()


def _range(handler: StreamingHandler, size: int, etag: str, modified: str) -> tuple[int, int] | None:
    """The bytes asked for, `(0, size)` for all of them, None when they lie outside. Sets 206 for a range."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", handler.request.headers.get("Range", "").strip())
    condition = handler.request.headers.get("If-Range")
    if not found or found.groups() == ("", "") or (condition and condition not in (etag, modified)):
        return 0, size
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
    if start >= size or start >= end:
        return None
    handler.set_status(206)
    return start, end


async def _chunks(file: BinaryIO, start: int, end: int, rate_bytes_s: float) -> AsyncIterator[bytes]:
    size = _CHUNK if not rate_bytes_s else max(1, min(_CHUNK, int(rate_bytes_s / 10)))
    file.seek(start)
    left = end - start
    while left > 0 and (chunk := file.read(min(size, left))):
        left -= len(chunk)
        yield chunk
        if rate_bytes_s:
            await asyncio.sleep(len(chunk) / rate_bytes_s)
