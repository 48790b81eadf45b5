"""A log comes whole and in order whatever the pieces it arrives in, and its end is never made up."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaggle_lab import errors
from kaggle_lab.config import Config
from kaggle_lab.credentials import Credentials
from kaggle_lab.kaggle_client import KaggleClient, LogEnd
from kaggle_lab.kaggle_client.logs import ArrayDecoder, EventDecoder, read_records
from kaggle_lab.models import CredentialMethod, Endpoint, EndpointKind, KernelRef, LogRecord

from .scripted import CUT, STALL, Answer, Seen, http, scripted

REF = KernelRef("ada", "my-note")
ROWS = [
    {"stream_name": "stdout", "time": 12.104512, "data": "epoch 1 größe 大 🚀\n"},
    {"stream_name": "stderr", "time": 13.4, "data": '  File "<string>", line 1, in <module>\n'},
    {"stream_name": "stdout", "time": 14, "data": '10%\r20%\r[{\\"]}\r100%\n'},
    {"stream_name": "stderr", "time": 15.0, "data": ""},
]
EXPECTED = [LogRecord(n, r["stream_name"], float(r["time"]), r["data"]) for n, r in enumerate(ROWS)]


def go_json(row: dict) -> str:
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


STORED = ("[" + "\n,".join(go_json(row) for row in ROWS) + "\n]\n").encode()
EVENTS = "".join(f"data: {go_json(row)}\n\n" for row in ROWS).encode()
END = b"data: END_OF_LOG\n\n"


async def collect(body: bytes, content_type: str, sizes: list[int], skip: int = 0) -> list[Any]:
    async def pieces() -> AsyncIterator[bytes]:
        rest, turn = body, 0
        while rest:
            size = sizes[turn % len(sizes)]
            yield rest[:size]
            rest, turn = rest[size:], turn + 1

    return [record async for record in read_records(pieces(), content_type, skip)]


def run(coroutine: Any) -> Any:
    """Drive a coroutine that never really waits."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=6)


@given(sizes=SIZES, skip=st.integers(0, 6))
def test_any_pieces_give_the_same_records(sizes: list[int], skip: int) -> None:
    end = [LogEnd(len(ROWS))]
    assert run(collect(STORED, "application/octet-stream", sizes, skip)) == EXPECTED[skip:] + end
    assert run(collect(EVENTS + END, "text/event-stream", sizes, skip)) == EXPECTED[skip:] + end


@given(cut=st.integers(0, len(STORED) - 3), sizes=SIZES)
def test_cut_array_gives_a_true_beginning_and_no_end(cut: int, sizes: list[int]) -> None:
    found = run(collect(STORED[:cut], "application/json", sizes))
    if cut:
        assert found == EXPECTED[: len(found)]


@given(cut=st.integers(0, len(EVENTS + END) - 2), sizes=SIZES)
def test_cut_events_give_a_true_beginning_and_no_end(cut: int, sizes: list[int]) -> None:
    found = run(collect((EVENTS + END)[:cut], "text/event-stream", sizes))
    assert found == EXPECTED[: len(found)]


@pytest.mark.parametrize(
    ("body", "content_type", "texts"),
    [
        (b"", "application/json", []),
        (b" \n", "application/octet-stream", []),
        (b"[]", "application/json", []),
        (b"[\n]\n", "application/json", []),
        (b"plain text\nsecond line", "text/plain", ["plain text\n", "second line"]),
        (b"\xef\xbb\xbf[]", "application/json", []),
        (b'{"stream_name":"stdout","data":"a\\n"}\n{"data":"b"}\n', "application/octet-stream", ["a\n", "b"]),
        (b'[{"data":"a"},7,"x",{"data":{"k":1}}]', "application/json", ["a", "7", "x", '{"k": 1}']),
        (b'[{"data":"\xff\xfe"}]', "application/json", ["\ufffd\ufffd"]),
    ],
)
def test_stored_log_in_odd_forms(body: bytes, content_type: str, texts: list[str]) -> None:
    *records, end = run(collect(body, content_type, [1000]))
    assert [record.text for record in records] == texts
    assert end == LogEnd(len(texts))


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (b": comment\n\nevent: x\nid: 4\nretry: 10\ndata: hello\n\n", ["hello"]),
        (b'data:{"data":"no blank"}\r\n\r\n', ["no blank"]),
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b'data: {"stream_name":null,"time":null,"data":"x"}\n\n', ["x"]),
        (b"data: cut off", []),
        (b'data: {"data":"whole"}\n\ndata: {"data":"cut', ["whole"]),
    ],
)
def test_events_in_odd_forms(body: bytes, texts: list[str]) -> None:
    records = run(collect(body, "text/event-stream; charset=utf-8", [1000]))
    assert [record.text for record in records] == texts


def test_nothing_counts_after_the_end() -> None:
    late = b'data: {"data":"late"}\n\n'
    assert run(collect(EVENTS + END + late, "text/event-stream", [10_000])) == [*EXPECTED, LogEnd(len(ROWS))]


def test_memory_of_a_decoder_does_not_grow_with_the_log() -> None:
    array, events = ArrayDecoder(), EventDecoder()
    assert list(array.feed("[")) == []
    for n in range(2000):
        assert len(list(array.feed(f'{{"data":"{n}"}}\n,'))) == 1
        assert len(list(events.feed(f'data: {{"data":"{n}"}}\n\n'))) == 1
    assert len(array._rest) < 10
    assert len(events._rest) < 10


# --- over HTTP -----------------------------------------------------------------------------------


def client_at(url: str, **config: float) -> KaggleClient:
    who = Credentials(CredentialMethod.ACCESS_TOKEN, "test", secret="KGAT_x", audience=EndpointKind.EMULATOR)
    settings = Config(**{"stream_retry_s": 0.01, **config})  # type: ignore[arg-type]
    return KaggleClient(Endpoint(EndpointKind.EMULATOR, url), who, settings)


async def read_log(answer: Any, skip: int = 0, **config: float) -> tuple[list[Any], list[Seen]]:
    with scripted(lambda seen: answer) as server:
        client = client_at(server.url, **config)
        try:
            records = [record async for record in client.log_records(REF, 3, skip)]
        finally:
            await client.close()
        return records, server.requests


def stream(*steps: Any, kind: str = "text/event-stream") -> Answer:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode()
    return [head, *steps]


async def test_log_is_asked_for_by_version_with_the_token() -> None:
    records, (seen,) = await read_log(stream(EVENTS, END))
    assert records == [*EXPECTED, LogEnd(4)]
    assert seen.path == "/api/v1/kernels/logs/stream/ada/my-note?versionLabel=v3"
    assert seen.headers["Authorization"] == "Bearer KGAT_x"
    assert "text/event-stream" in seen.headers["Accept"]


@pytest.mark.parametrize("last", [[], [CUT], [b"data: {", CUT]])
async def test_stream_that_is_cut_just_stops(last: list) -> None:
    records, _ = await read_log(stream(EVENTS, *last), skip=1)
    assert records == EXPECTED[1:]


async def test_silent_stream_is_left_after_its_time() -> None:
    records, _ = await read_log(stream(EVENTS, STALL), stream_timeout_s=0.3)
    assert records == EXPECTED


async def test_stored_array_shorter_than_promised_has_no_end() -> None:
    records, _ = await read_log([http(200, STORED[:-3], Content_Length=str(len(STORED)))])
    assert records == EXPECTED


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (http(401, {"code": 401, "message": "x"}), errors.BadCredentials),
        (http(403, {"error": {"code": 403, "message": "x"}}), errors.AccessDenied),
        (http(404, {"code": 404, "message": "no session"}), errors.NotFoundOnKaggle),
        (http(429, "<html>slow</html>", Retry_After="9"), errors.Throttled),
        (http(503, "<html>busy</html>"), errors.KaggleConfused),
        (http(500, b"oops", Content_Type="text/plain"), errors.KaggleUnreachable),
        (http(200, "<html>hello</html>"), errors.KaggleConfused),
        (http(200, {"code": 404, "message": "no session"}), errors.NotFoundOnKaggle),
        (http(200, {"error": {"code": 403, "message": "denied"}}), errors.AccessDenied),
    ],
)
async def test_answer_that_is_no_log(answer: bytes, kind: type) -> None:
    with pytest.raises(kind) as caught:
        await read_log([answer])
    assert type(caught.value) is kind


@pytest.mark.parametrize("answer", [[CUT], [], [b"garbage\r\n"], [b"HTTP/1.1 200 OK\r\nConte", CUT]])
async def test_no_answer_is_unreachable(answer: list) -> None:
    with pytest.raises(errors.KaggleUnreachable):
        await read_log(answer)


async def test_reader_that_leaves_closes_its_connection() -> None:
    with scripted(lambda seen: stream(EVENTS, STALL)) as server:
        client = client_at(server.url)
        records = client.log_records(REF, 3)
        assert await anext(records) == EXPECTED[0]
        await records.aclose()  # type: ignore[attr-defined]
        await client.close()
