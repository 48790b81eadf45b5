"""Downloads from signed links: ranges, cuts, error pages, and who is not told about whom."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kaggle_lab import errors
from kaggle_lab.kaggle_client import DownloadStream

from .scripted import CUT, STALL, Seen, http, scripted
from .support import until
from .test_kaggle_client_logs import client_at

FILE = bytes(range(256)) * 5000
DATE = "Sat, 21 Nov 2026 08:10:08 GMT"


def head(status: int = 200, **headers: str) -> bytes:
    return http(status, b"", **{"Content_Type": "application/octet-stream", **headers})


async def fetch(answer: Any, url: str = "/f", **options: Any) -> tuple[DownloadStream, bytes, Seen]:
    """Open and read once; the stream, its content, and the request that was seen."""
    with scripted(lambda seen: answer) as server:
        client = client_at(server.url, read_timeout_s=0.5, connect_timeout_s=5)
        try:
            async with client.download(server.url + url, **options) as stream:
                content = b"".join([chunk async for chunk in stream.chunks()])
        finally:
            await client.close()
        return stream, content, server.requests[-1]


async def test_whole_file() -> None:
    stream, content, seen = await fetch([http(200, FILE, ETag='"v1"', Last_Modified=DATE)], "/f?sig=1")
    assert content == FILE
    assert (stream.status, stream.total, stream.validator, stream.last_modified) == (
        200,
        len(FILE),
        '"v1"',
        DATE,
    )
    assert seen.path == "/f?sig=1"
    assert seen.headers["Accept-Encoding"] == "identity"
    assert not {"Authorization", "Range", "If-Range", "Cookie"} & seen.headers.keys()


async def test_rest_of_a_file() -> None:
    part = http(206, FILE[100:], Content_Range=f"bytes 100-{len(FILE) - 1}/{len(FILE)}", ETag='"v1"')
    stream, content, seen = await fetch([part], start=100, validator='"v1"')
    assert content == FILE[100:]
    assert (stream.status, stream.total) == (206, len(FILE))
    assert (seen.headers["Range"], seen.headers["If-Range"]) == ("bytes=100-", '"v1"')


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({"ETag": '"a"', "Last_Modified": DATE}, '"a"'),
        ({"ETag": 'W/"a"', "Last_Modified": DATE}, DATE),
        ({"ETag": 'W/"a"'}, ""),
        ({}, ""),
    ],
)
async def test_only_a_strong_validator_may_resume(headers: dict, validator: str) -> None:
    stream, _, _ = await fetch([http(200, FILE, **headers)])
    assert stream.validator == validator


async def test_unknown_length() -> None:
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(FILE), FILE)
    answer = head(Transfer_Encoding="chunked", Content_Length=None) + chunked  # type: ignore[arg-type]
    stream, content, _ = await fetch([answer])
    assert (stream.total, content) == (None, FILE)
    stream, content, _ = await fetch([head(Content_Length=None) + FILE])  # type: ignore[arg-type]
    assert (stream.total, content) == (None, FILE)


async def test_compressed_in_spite_of_us() -> None:
    import gzip

    packed = gzip.compress(FILE)
    stream, content, _ = await fetch([http(200, packed, Content_Encoding="gzip")])
    assert (stream.total, content) == (None, FILE)


async def test_nothing_after_the_end() -> None:
    stream, _, _ = await fetch(
        [http(416, b"", Content_Range="bytes */1280000")], start=1280000, validator='"a"'
    )
    assert (stream.status, stream.total) == (416, 1280000)


@pytest.mark.parametrize("last", [[], [CUT], [STALL]])
async def test_what_came_before_a_cut_is_given(last: list) -> None:
    whole = http(200, FILE)
    with scripted(lambda seen: [whole[:-1000], *last]) as server:
        client = client_at(server.url, read_timeout_s=0.5)
        got = b""
        with pytest.raises(errors.KaggleUnreachable) as caught:
            async with client.download(f"{server.url}/f?sig=secret") as stream:
                async for chunk in stream.chunks():
                    got += chunk
        await client.close()
    assert type(caught.value) is errors.KaggleUnreachable
    assert got in (FILE[:-1000], b"") or last == [CUT], "a reset may throw away what was not read yet"
    assert FILE.startswith(got)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_expired_link(status: int) -> None:
    page = b"<?xml version='1.0'?><Error><Code>ExpiredToken</Code></Error>"
    with pytest.raises(errors.LinkExpired):
        await fetch([http(status, page, Content_Type="application/xml")])


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (http(429, "<html>slow</html>", Retry_After="4"), errors.Throttled),
        (http(500, b""), errors.KaggleUnreachable),
        (http(503, "<html>busy</html>"), errors.KaggleUnreachable),
        (http(204, b""), errors.KaggleConfused),
        (http(206, FILE, Content_Range="bytes 7-9/10"), errors.KaggleConfused),
        (http(206, FILE), errors.KaggleConfused),
    ],
)
async def test_other_faults(answer: bytes, kind: type) -> None:
    with pytest.raises(kind) as caught:
        await fetch([answer], start=100, validator='"a"')
    assert type(caught.value) is kind


async def test_no_answer_is_unreachable_and_says_no_link() -> None:
    for steps in ([CUT], [], [STALL], [b"garbage"]):
        with pytest.raises(errors.KaggleUnreachable) as caught:
            await fetch(steps, "/f?sig=secret")
        told = f"{caught.value} {caught.value.__cause__!r} {caught.value.__suppress_context__}"
        assert "secret" not in told
        assert told.endswith("True")


@pytest.mark.parametrize(
    ("name", "headers", "is_file"),
    [
        ("report.html", {"ETag": '"a"'}, True),
        ("sub/REPORT.HTM", {"Last_Modified": DATE}, True),
        ("page", {"Content_Disposition": "attachment; filename=page"}, True),
        ("report.html", {}, False),
        ("model.bin", {"ETag": '"a"', "Last_Modified": DATE}, False),
        ("data.csv", {}, False),
    ],
)
async def test_web_page_instead_of_a_file(name: str, headers: dict, is_file: bool) -> None:
    answer = [http(200, "<html>x</html>", **headers)]
    if is_file:
        assert (await fetch(answer, name=name))[1] == b"<html>x</html>"
    else:
        with pytest.raises(errors.LinkExpired, match="web page"):
            await fetch(answer, name=name)


async def test_redirect_is_followed() -> None:
    with scripted(lambda seen: [http(200, FILE)]) as storage:
        _, content, _ = await fetch([http(302, b"", Location=f"{storage.url}/real?sig=2")])
        assert content == FILE
        assert storage.requests[0].path == "/real?sig=2"


async def test_cancelled_reader_frees_its_thread_at_once() -> None:
    with scripted(lambda seen: [http(200, FILE)[:-10], STALL]) as server:
        client = client_at(server.url, read_timeout_s=60)
        began = asyncio.Event()

        async def read() -> None:
            async with client.download(f"{server.url}/f") as stream:
                async for _ in stream.chunks():
                    began.set()

        task = asyncio.create_task(read())
        await asyncio.wait_for(began.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)
        await client.close()


async def test_cancelled_opening_leaves_nothing_open() -> None:
    with scripted(lambda seen: [STALL]) as server:
        client = client_at(server.url, read_timeout_s=60)

        async def read() -> None:
            async with client.download(f"{server.url}/f"):
                raise AssertionError("never opened")

        task = asyncio.create_task(read())
        await until(lambda: asyncio.sleep(0, server.requests), what="the request is under way")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.close()
