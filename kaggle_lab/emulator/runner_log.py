"""The session's log: lines of output become timed records, appended as they happen."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

_LONGEST_RECORD = 64 * 1024


class LineSplitter:
    """Cuts one stream of bytes into records.

    A record ends at a line feed; a progress bar that redraws itself with carriage returns stays in
    one, up to 64 KiB.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take ``chunk`` and return the records it completes."""
        if b"\n" not in chunk:
            self._rest += chunk
            return self._cut_overlong()
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest
        return [line + b"\n" for line in lines] + self._cut_overlong()

    def finish(self) -> list[bytes]:
        """What the stream left without a line feed."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []

    def _cut_overlong(self) -> list[bytes]:
        records = []
        while len(self._rest) > _LONGEST_RECORD:
            cut = _cut_position(self._rest)
            records.append(self._rest[:cut])
            self._rest = self._rest[cut:]
        return records


def _cut_position(data: bytes) -> int:
    """At most 64 KiB in: after the last carriage return, or else not inside a UTF-8 character."""
    after_return = data.rfind(b"\r", 0, _LONGEST_RECORD) + 1
    if after_return:
        return after_return
    cut = _LONGEST_RECORD
    while cut > _LONGEST_RECORD - 4 and data[cut] & 0xC0 == 0x80:
        cut -= 1
    return cut


class Log:
    """Appends ``{"stream_name", "time", "data"}`` lines to ``path``; ``time`` is seconds since the log began.

    Raises ``OSError`` when the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._began = time.monotonic()
        self._splitters = {"stdout": LineSplitter(), "stderr": LineSplitter()}

    def start_clock(self) -> None:
        """Count ``time`` from now."""
        self._began = time.monotonic()

    def feed(self, stream: str, chunk: bytes) -> None:
        """Take bytes of ``stream`` ("stdout" or "stderr") as they come."""
        self._append(stream, self._splitters[stream].feed(chunk))

    def note(self, text: str) -> None:
        """Add one line of the emulator's own to stderr."""
        self._append("stderr", [f"[kaggle-emulator] {text}\n".encode()])

    def close(self) -> None:
        """Append what has no line feed and close the file."""
        for stream, splitter in self._splitters.items():
            self._append(stream, splitter.finish())
        os.close(self._file)

    def _append(self, stream: str, records: Iterable[bytes]) -> None:
        elapsed = f"{time.monotonic() - self._began:.9f}"
        lines = [
            f'{{"stream_name":"{stream}","time":{elapsed},'
            f'"data":{json.dumps(record.decode("utf-8", "replace"), ensure_ascii=False)}}}\n'
            for record in records
        ]
        self._write("".join(lines).encode())

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
