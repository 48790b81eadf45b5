"""A session's log as records: Server-Sent Events while it runs, one stored JSON array afterwards.

Kaggle declares no charset, replays from the start on every connection and cuts idle streams after about
three minutes, so a stream that simply stops proves nothing; only ``END_OF_LOG`` or a closed array does.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import KaggleConfused
from ..models import LogRecord
from .translate import error_of, read_answer

END_OF_LOG = "END_OF_LOG"
_LONGEST_S = 1e9
"""No session lasts longer; NaN, infinity and numbers beyond it are no times."""


@dataclass(frozen=True)
class LogEnd:
    """The log is complete: nothing will follow. ``count`` is the number of records in all."""

    count: int


class Decoder(Protocol):
    """Turns text as it arrives into records; ``is_complete`` once the end was seen."""

    is_complete: bool

    def feed(self, text: str) -> Iterator[Any]: ...
    def finish(self) -> Iterator[Any]: ...


class EventDecoder:
    """``data: {…}`` events, each ended by an empty line."""

    def __init__(self) -> None:
        self.is_complete = False
        self._rest = ""
        self._data: list[str] = []

    def feed(self, text: str) -> Iterator[Any]:
        """Events that are complete with this text."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            yield from self._line(line.removesuffix("\r"))

    def finish(self) -> Iterator[Any]:
        """A cut-off event is no event; it comes whole with the replay."""
        yield from ()

    def _line(self, line: str) -> Iterator[Any]:
        if line.startswith("data:"):
            self._data.append(line[5:].removeprefix(" "))
        elif not line and self._data:
            payload, self._data = "\n".join(self._data), []
            if payload.strip() == END_OF_LOG:
                self.is_complete = True
            elif not self.is_complete:
                yield _json_or_text(payload)


class ArrayDecoder:
    """``[{…}\\n,{…}\\n]``, whatever its line breaks in memory of one record. Plain text passes through."""

    def __init__(self) -> None:
        self.is_complete = False
        self._rest = ""
        self._is_array: bool | None = None
        self._json = json.JSONDecoder()

    def feed(self, text: str) -> Iterator[Any]:
        """Records that are complete with this text."""
        self._rest += text
        if self._is_array is None:
            if not (start := self._rest.lstrip("\ufeff \t\r\n")):
                return
            self._is_array = start[0] == "["
            self._rest = start[1:] if self._is_array else start
        yield from self._records() if self._is_array else self._lines()

    def finish(self) -> Iterator[Any]:
        """What the end of the answer means: text ends with it, an array must have been closed."""
        if not self._is_array:
            self.is_complete = True
            if self._rest.strip():
                yield _json_or_text(self._rest)
                self._rest = ""

    def _records(self) -> Iterator[Any]:
        at, text = 0, self._rest
        while not self.is_complete:
            while at < len(text) and text[at] in " \t\r\n,":
                at += 1
            if at == len(text):
                break
            if text[at] == "]":
                self.is_complete = True
                break
            try:
                record, at = self._json.raw_decode(text, at)
            except ValueError:  # not all of it is here yet
                break
            yield record
        self._rest = text[at:]

    def _lines(self) -> Iterator[Any]:
        *lines, self._rest = self._rest.split("\n")
        for line in lines:
            yield _json_or_text(line + "\n")


def _json_or_text(payload: str) -> Any:
    try:
        value = json.loads(payload)
    except ValueError:
        return payload
    return value if isinstance(value, dict) else payload


def decoder_for(content_type: str) -> Decoder:
    """Which decoder an answer needs. Raises KaggleConfused for a web page."""
    if "html" in content_type:
        raise KaggleConfused("The answer while reading the log was a web page, not a log.")
    return EventDecoder() if "text/event-stream" in content_type else ArrayDecoder()


def record_of(value: Any, n: int) -> LogRecord:
    """One record; anything that is not one of Kaggle's becomes a line of text on stdout."""
    if not isinstance(value, dict) or "data" not in value:
        return LogRecord(n, "stdout", 0.0, _shown(value))
    stream = _shown(value.get("stream_name") or "stdout")
    return LogRecord(n, stream, _seconds(value.get("time")), _shown(value["data"]))


def _shown(value: Any) -> str:
    """Text that can be stored: half a character, left where a stream was cut, becomes ``?``."""
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shown.encode("utf-8", "replace").decode()


def _seconds(value: Any) -> float:
    is_number = isinstance(value, (int, float)) and abs(value) < _LONGEST_S
    return float(value) if is_number else 0.0


async def read_records(
    chunks: AsyncIterator[bytes], content_type: str, skip: int
) -> AsyncIterator[LogRecord | LogEnd]:
    """Records ``n >= skip`` of one connection, then LogEnd if the log's end was seen."""
    decoder = decoder_for(content_type)
    n = 0
    async for values in _batches(chunks, decoder):
        for value in values:
            if n == 0:
                _refuse_error(value)
            if n >= skip:
                yield record_of(value, n)
            n += 1
    if decoder.is_complete:
        yield LogEnd(n)


async def _batches(chunks: AsyncIterator[bytes], decoder: Decoder) -> AsyncIterator[Iterator[Any]]:
    decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
    async for chunk in chunks:
        yield decoder.feed(decode(chunk))
        if decoder.is_complete:
            return
    yield decoder.finish()


def _refuse_error(value: Any) -> None:
    if isinstance(value, dict) and "data" not in value and value.keys() & {"code", "error"}:
        answer = read_answer(200, {}, json.dumps(value))
        if answer.status >= 400:
            raise error_of(answer, "reading the log")
