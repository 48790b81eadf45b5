"""Uploads: in one go, resumed, refused, too old, and through the official client's own resuming."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from emulator_clients import Api
from hub_clients import DATASETS, Command, start

from kaggle_lab.emulator.testing import EmulatorProcess, wait_until

TEN = b"0123456789"


def put(url: str, content: bytes = b"", content_range: str = "") -> httpx.Response:
    headers = {"Content-Range": content_range} if content_range else {}
    return httpx.put(url, content=content, headers=headers)


def content(kaggle: EmulatorProcess, url: str) -> bytes:
    return (kaggle.data / "blobs" / url.rpartition("/")[2]).read_bytes()


def is_usable(api: Api, token: str) -> bool:
    body = {"ownerSlug": "learner", "slug": "of-a-token", "title": "Of a token", "files": [{"token": token}]}
    return bool(api.rpc("CreateDataset", body, DATASETS).json()["status"] == "Ok")


def test_one_go(api: Api, kaggle: EmulatorProcess) -> None:
    token, url = start(api, "x.txt", 10)
    assert not is_usable(api, token)
    assert put(url, TEN).status_code == 200
    assert content(kaggle, url) == TEN
    assert is_usable(api, token)


def test_pieces(api: Api, kaggle: EmulatorProcess) -> None:
    _, url = start(api, "x.txt", 10)
    probe = put(url, content_range="bytes */10")
    assert (probe.status_code, probe.headers.get("Range")) == (308, None)
    first = put(url, TEN[:4], "bytes 0-3/10")
    assert (first.status_code, first.headers["Range"]) == (308, "bytes=0-3")
    probe = put(url, content_range="bytes */10")
    assert (probe.status_code, probe.headers["Range"]) == (308, "bytes=0-3")
    assert put(url, TEN[4:], "bytes 4-9/10").status_code == 200
    assert put(url, content_range="bytes */10").status_code == 200
    assert content(kaggle, url) == TEN


def test_a_piece_sent_again_counts_once(api: Api, kaggle: EmulatorProcess) -> None:
    _, url = start(api, "x.txt", 10)
    put(url, TEN[:6], "bytes 0-5/10")
    assert put(url, TEN[4:], "bytes 4-9/10").status_code == 200
    assert content(kaggle, url) == TEN


def test_a_gap_is_not_accepted(api: Api, kaggle: EmulatorProcess) -> None:
    _, url = start(api, "x.txt", 10)
    put(url, TEN[:2], "bytes 0-1/10")
    gap = put(url, TEN[5:], "bytes 5-9/10")
    assert (gap.status_code, gap.headers["Range"]) == (308, "bytes=0-1")
    assert content(kaggle, url) == TEN[:2]


def test_more_than_announced_is_an_error(api: Api) -> None:
    token, url = start(api, "x.txt", 5)
    assert put(url, TEN).status_code == 400
    assert put(url, TEN[:5]).status_code == 200
    assert is_usable(api, token)


def test_a_finished_upload_does_not_change(api: Api, kaggle: EmulatorProcess) -> None:
    _, url = start(api, "x.txt", 10)
    put(url, TEN)
    assert put(url, b"abcdefghij").status_code == 200
    assert content(kaggle, url) == TEN


def test_an_empty_file_comes_chunked(api: Api) -> None:
    body = {"type": "DATASET", "name": "empty.txt"}
    answer = api.rpc("StartBlobUpload", body, "blobs.BlobApiService").json()

    def nothing() -> Iterator[bytes]:
        yield b""

    assert httpx.put(answer["createUrl"], content=nothing()).status_code == 200
    assert is_usable(api, answer["token"])


def test_unknown_and_old_uploads_are_missing(api: Api, kaggle: EmulatorProcess) -> None:
    _, url = start(api, "x.txt", 10)
    assert put(url[:-4] + "0000", TEN).status_code == 404
    kaggle.control("clock", {"seconds": 7 * 86_400 + 1})
    assert put(url, TEN).status_code == 404
    assert put(url, content_range="bytes */10").status_code == 404


def test_how_long_an_upload_lives_is_a_setting(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.settings(upload_expiry_s=100)
    _, url = start(api, "x.txt", 10)
    assert put(url, TEN[:4], "bytes 0-3/10").status_code == 308
    kaggle.control("clock", {"seconds": 101})
    assert put(url, content_range="bytes */10").status_code == 404


def test_what_came_before_the_line_broke_is_kept(api: Api, kaggle: EmulatorProcess) -> None:
    _, url = start(api, "x.txt", 10)
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port)) as line:
        head = f"PUT {place.path} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 10\r\n\r\n"
        line.sendall(head.encode() + TEN[:4])
        wait_until(lambda: put(url, content_range="bytes */10").headers.get("Range"), 10, "four bytes")
    probe = put(url, content_range="bytes */10")
    assert (probe.status_code, probe.headers["Range"]) == (308, "bytes=0-3")
    assert put(url, TEN[4:], "bytes 4-9/10").status_code == 200


def test_a_restart_keeps_what_had_come(api: Api, kaggle: EmulatorProcess) -> None:
    token, url = start(api, "x.txt", 10)
    put(url, TEN[:4], "bytes 0-3/10")
    kaggle.kill()
    kaggle.start()
    assert put(url, content_range="bytes */10").headers["Range"] == "bytes=0-3"
    assert put(url, TEN[4:], "bytes 4-9/10").status_code == 200
    assert is_usable(api, token)


def test_a_storage_that_cannot_be_written_says_so(api: Api, kaggle: EmulatorProcess) -> None:
    token, url = start(api, "x.txt", 10)
    place = kaggle.data / "blobs" / url.rpartition("/")[2]
    place.symlink_to("/dev/full")
    response = put(url, TEN)
    assert (response.status_code, response.text.partition(":")[0]) == (500, "Upload storage")
    assert not is_usable(api, token)
    place.unlink()
    assert put(url, TEN).status_code == 200


def test_faults_of_uploads(api: Api, kaggle: EmulatorProcess) -> None:
    _, url = start(api, "x.txt", 10)
    kaggle.fault("BlobUpload", status=503)
    assert put(url, TEN).status_code == 503
    assert put(url, content_range="bytes */10").headers.get("Range") is None
    kaggle.fault("BlobUpload", status=503, drop_after_bytes=4)
    assert put(url, TEN).status_code == 503
    assert put(url, content_range="bytes */10").headers["Range"] == "bytes=0-3"
    kaggle.fault("BlobUpload", drop="before")
    with pytest.raises(httpx.TransportError):
        put(url, TEN)
    kaggle.fault("BlobUpload", drop_after_bytes=7)
    with pytest.raises(httpx.TransportError):
        put(url, TEN)
    assert put(url, content_range="bytes */10").headers["Range"] == "bytes=0-6"
    kaggle.fault("BlobUpload", status=500, after_work=True)
    assert put(url, TEN).status_code == 500
    assert put(url, content_range="bytes */10").status_code == 200


def test_the_official_client_resumes_after_a_503(
    command: Command, kaggle: EmulatorProcess, tmp_path: Path
) -> None:
    kaggle.settings(dataset_hidden_s=0, dataset_processing_s=0)
    folder = tmp_path / "big"
    folder.mkdir()
    data = bytes(range(256)) * 8192
    (folder / "big.bin").write_bytes(data)
    values = {"id": "learner/big-numbers", "title": "Big Numbers", "licenses": [{"name": "CC0-1.0"}]}
    (folder / "dataset-metadata.json").write_text(json.dumps(values))
    kaggle.fault("BlobUpload", status=503, drop_after_bytes=1_000_000)
    told = command("datasets", "create", "-p", str(folder))
    assert "Already uploaded 999999 bytes. Will resume upload at 1000000." in told
    assert [row["status"] for row in kaggle.requests("BlobUpload")] == [503, 308, 200]
    (stored,) = kaggle.data.glob("blobs/*")
    assert stored.read_bytes() == data
