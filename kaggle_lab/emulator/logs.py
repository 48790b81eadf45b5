"""A session's log in Kaggle's two forms: live server-sent events and the stored array."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .wire import go_json

PREAMBLE = "preamble.ndjson"
RUN = "log.ndjson"
EPILOGUE = "epilogue.ndjson"
END_OF_LOG = "END_OF_LOG"
_CHUNK = 1 << 20


def append_record(folder: Path, part: str, text: str, time_s: float, stream: str = "stderr") -> None:
    """Add a record of the emulator's own to the part before or after what the run wrote."""
    record = {"stream_name": stream, "time": round(time_s, 6), "data": text + "\n"}
    with (folder / part).open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def stored_log(folder: Path) -> Iterator[str]:
    """The stored form, line by line: `[{`, then `,{`, last `]`. Nothing at all for an empty log."""
    tail = LogTail(folder)
    count = 0
    for record in tail.drain():
        yield ("," if count else "[") + record + "\n"
        count += 1
    tail.close()
    if count:
        yield "]"


def last_time(folder: Path) -> float:
    """The time of the last record of the run, 0.0 if there is none."""
    seconds = 0.0
    tail = LogTail(folder)
    for record in tail.drain():
        seconds = float(json.loads(record).get("time") or 0.0)
    tail.close()
    return seconds


def log_text(folder: Path, after: int, at_most: int = _CHUNK) -> tuple[str, int]:
    """What the records say that begin `after` so many bytes of the log, and the byte to go on from.

    Only whole records, about `at_most` bytes of them; the cost does not depend on what lies before.
    """
    texts, begin = [], 0
    for path in (folder / PREAMBLE, folder / RUN, folder / EPILOGUE):
        size = path.stat().st_size if path.exists() else 0
        if after < begin + size:
            chunk = _whole_lines(path, after - begin, at_most)
            texts += [_record(line)["data"] for line in chunk.split(b"\n") if line.strip()]
            after += len(chunk)
            if after < begin + size:
                break
        begin += size
    return "".join(texts), after


def _whole_lines(path: Path, start: int, at_most: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        chunk = file.read(at_most)
    end = chunk.rfind(b"\n") + 1
    return chunk[:end] if end or len(chunk) < at_most else chunk


class LogTail:
    """Reads a growing log: each `read` gives the complete records written since the last one."""

    def __init__(self, folder: Path) -> None:
        self._paths = [folder / PREAMBLE, folder / RUN, folder / EPILOGUE]
        self._file: BinaryIO | None = None
        self._rest = b""

    def read(self, last_part: str = RUN) -> list[str]:
        """New records as Go-style JSON, at most about 1 MiB of them; empty when there is nothing new.

        Parts after `last_part` are not looked at yet: while a session lives its epilogue does not exist.
        """
        while True:
            records = self._read_part()
            if records or not self._advance(last_part):
                return records

    def drain(self) -> Iterator[str]:
        """Everything that is left, to the end of the epilogue."""
        while records := self.read(EPILOGUE):
            yield from records

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _advance(self, last_part: str) -> bool:
        """Go on to the next part; only once the present one cannot grow any more."""
        if len(self._paths) == 1 or self._paths[0].name == last_part:
            return False
        self.close()
        self._paths.pop(0)
        self._rest = b""
        return True

    def _read_part(self) -> list[str]:
        if self._file is None:
            try:
                self._file = self._paths[0].open("rb")
            except FileNotFoundError:
                return []
        while chunk := self._file.read(_CHUNK):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            if records := [go_json(_record(line)) for line in lines if line.strip()]:
                return records
        return []


def _record(line: bytes) -> dict[str, Any]:
    text = line.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, dict) and isinstance(value.get("data"), str):
        return {key: value[key] for key in ("stream_name", "time", "data") if key in value}
    return {"stream_name": "stderr", "time": 0.0, "data": text + "\n"}
