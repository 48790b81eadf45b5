"""Kaggle answering what it should not, on each call we make: told, waited for, never taken for a run's end.

A real Jupyter server on a Kaggle on paper: nothing runs, so that every answer can be tried on every call.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from .api import Api
from .paper_kaggle import PaperKaggle, call_of, error, html, paper_kaggle
from .scripted import CUT, STALL, Answer, Seen, http
from .support import make_notebook, until, write_notebook

CUT_OFF = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{"status": "COM'
REFUSALS: dict[str, Answer] = {str(status): [error(status)] for status in (401, 403, 404, 409)}
PASSING: dict[str, Answer] = {
    "429": [error(429)],
    "429 with Retry-After": [error(429, Retry_After="1")],
    "500": [error(500)],
    "HTML 503": [html(503)],
    "HTML 200": [html(200)],
    "cut off": [CUT_OFF, CUT],
    "nothing": [CUT],
    "silence": [STALL],
}
SLOW = ("429 with Retry-After", "silence")


@pytest.fixture
def kaggle() -> Iterator[PaperKaggle]:
    with paper_kaggle() as running:
        yield running


@pytest.fixture
def jp_server_config(jp_server_config: Any, kaggle: PaperKaggle, request: pytest.FixtureRequest) -> Any:
    """At the Kaggle on paper, with little patience."""
    lab = jp_server_config.KaggleLab
    lab.endpoint = kaggle.url
    lab.poll_first_s = lab.push_window_s = lab.stream_retry_s = 0.05
    lab.push_gap_s = 0.0
    lab.read_timeout_s = lab.stream_timeout_s = 0.4 if "silence" in request.node.name else 20.0
    lab.settle_s = lab.waiting_retry_s = 0.5
    lab.poll_max_s = 0.5
    return jp_server_config


@pytest.fixture
def api(jp_fetch: Any) -> Api:
    return Api(jp_fetch)


def click(token: str = "click", **fields: Any) -> dict[str, Any]:
    content = make_notebook("print('hello')")
    return {"notebook_path": "nets/net.ipynb", "content": content, "client_token": token, **fields}


async def at_rest(api: Api, job_id: str) -> dict[str, Any]:
    """The run once it has ended and its files are here, or are not coming."""

    async def look() -> dict[str, Any] | None:
        job = await api.job(job_id)
        return job if job["ended_at"] and job["retrieval"] not in ("pending", "running") else None

    found: dict[str, Any] = await until(look, 30, "the end of the run and its files")
    return found


def files_under(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def whole_log(api: Api, job_id: str) -> list[str]:
    async def look() -> list[str]:
        page = await api.get(f"jobs/{job_id}/log")
        return [line["text"] for line in page["lines"]]

    lines: list[str] = await until(look, 20, "the log")
    return lines


async def is_well(api: Api, kaggle: PaperKaggle, job: dict[str, Any], root: Path) -> None:
    """One run, complete, with its log and its files."""
    done = await at_rest(api, job["id"])
    assert (done["status"], done["reason"], done["trouble"]) == ("complete", "", "")
    assert done["retrieval"] == "complete", done["retrieval_message"]
    assert await whole_log(api, job["id"]) == ["hello"]
    assert await asyncio.to_thread((root / done["output_dir"] / "model.bin").read_bytes) == b"weights" * 1000
    assert len(kaggle.pushes) == 1


# --- the push ------------------------------------------------------------------------------------

REJECTED = {"401": (422, "bad_credentials"), "403": (502, "access_denied")}


@pytest.mark.parametrize("answer", REFUSALS)
async def test_a_push_that_is_refused(api: Api, kaggle: PaperKaggle, answer: str) -> None:
    """Told at once, with Kaggle's own words; the run that was asked for is kept as rejected."""
    kaggle.odd["SaveKernel"] = [REFUSALS[answer]]
    status, told = await api.call("POST", "jobs", click())
    assert (status, told["code"]) == REJECTED.get(answer, (422, "refused"))
    assert f"Odd answer {answer}" in told["cause"]
    assert told["remedy"]
    job = await api.job(told["data"]["job_id"])
    assert (job["status"], job["version"]) == ("rejected", None)
    assert await api.get(f"jobs/{job['id']}/snapshot") == click()["content"]
    status, same = await api.call("POST", "jobs", click())
    assert (status, same["id"]) == (200, job["id"])
    assert kaggle.calls("SaveKernel") == 1
    assert (await api.post("jobs", click("the next click")))["status"] == "queued"


@pytest.mark.parametrize("answer", ["429", "429 with Retry-After"])
async def test_a_push_that_comes_too_soon_waits(
    api: Api, kaggle: PaperKaggle, answer: str, jp_root_dir: Path
) -> None:
    """For as long as Kaggle asks, or a while; then it is sent again, and runs once."""
    kaggle.odd["SaveKernel"] = [PASSING[answer]]
    began = time.monotonic()
    job = await api.post("jobs", click())
    assert job["status"] == "waiting"
    assert "fewer requests" in job["message"]
    assert "sent again" in job["remedy"]
    await is_well(api, kaggle, job, jp_root_dir)
    assert kaggle.calls("SaveKernel") == 2
    asked_s = 1.0 if "Retry-After" in answer else 0.5
    assert time.monotonic() - began >= asked_s, "not sooner than Kaggle asked for"


UNSURE = [answer for answer in PASSING if "429" not in answer]


@pytest.mark.parametrize("answer", UNSURE)
async def test_a_push_that_nobody_answers_and_nobody_took(api: Api, kaggle: PaperKaggle, answer: str) -> None:
    kaggle.odd["SaveKernel"] = [PASSING[answer]]
    job = await api.post("jobs", click())
    assert job["status"] == "submitting"
    assert job["trouble"]
    done = await at_rest(api, job["id"])
    assert (done["status"], done["reason"]) == ("rejected", "not_received")
    assert "Run it again" in done["remedy"]
    assert kaggle.calls("SaveKernel") == 1, "a push is never repeated by itself"


@pytest.mark.parametrize("answer", UNSURE)
async def test_a_push_that_was_taken_and_whose_answer_is_lost(
    api: Api, kaggle: PaperKaggle, answer: str, jp_root_dir: Path
) -> None:
    kaggle.odd["SaveKernel"] = [PASSING[answer]]
    kaggle.late.add("SaveKernel")
    job = await api.post("jobs", click())
    assert job["status"] == "submitting"
    await is_well(api, kaggle, job, jp_root_dir)
    assert kaggle.calls("SaveKernel") == 1


async def test_a_slow_push_is_not_given_up_while_it_is_under_way(
    api: Api, kaggle: PaperKaggle, jp_root_dir: Path
) -> None:
    """A slow line takes longer than Kaggle is given to show a push whose answer was lost."""
    may_answer = threading.Event()
    seen: list[Seen] = []

    def slowly() -> Iterator[Any]:
        may_answer.wait(30)
        yield from kaggle.answer(seen[0])

    kaggle.odd["SaveKernel"] = [slowly()]
    sending = asyncio.create_task(api.call("POST", "jobs", click()))

    async def is_long_under_way() -> bool:
        seen[:] = [request for request in kaggle.server.requests if call_of(request) == "SaveKernel"]
        page = await api.get("jobs")
        asked = [datetime.fromisoformat(job["submitted_at"]) for job in page["jobs"] if job["submitted_at"]]
        return bool(seen and asked) and datetime.now(UTC) - asked[0] > timedelta(seconds=1.5)

    await until(is_long_under_way)
    (job,) = (await api.get("jobs"))["jobs"]
    assert job["status"] == "submitting"
    may_answer.set()
    status, job = await sending
    assert (status, job["status"], job["version"]) == (201, "queued", 1)
    await is_well(api, kaggle, job, jp_root_dir)
    assert kaggle.calls("SaveKernel") == 1


@pytest.mark.parametrize("answer", ["401", "409", "429", "500", "HTML 200", "nothing"])
async def test_looking_before_the_push(api: Api, kaggle: PaperKaggle, answer: str) -> None:
    """When Kaggle cannot say what is at the address already, nothing is sent and no run is left behind."""
    kaggle.odd["GetKernel"] = [(REFUSALS | PASSING)[answer]] * 4
    status, told = await api.call("POST", "jobs", click())
    assert status in (422, 502, 503)
    assert told["cause"]
    assert re.search("again|new token|Check the connection", told["remedy"])
    assert kaggle.calls("SaveKernel") == 0
    assert (await api.get("jobs"))["jobs"] == []
    kaggle.odd.clear()
    assert (await api.post("jobs", click()))["status"] == "queued", "the same click may be repeated"


# --- what is read of a run -----------------------------------------------------------------------

READS = ("GetKernelSessionStatus", "LogsStream", "ListKernelSessionOutput", "OutputFile")


@pytest.mark.parametrize("answer", PASSING)
async def test_passing_trouble_on_every_read(
    api: Api, kaggle: PaperKaggle, answer: str, jp_root_dir: Path
) -> None:
    """Status, log, list and files each fail some times: the run is none the worse."""
    for call in READS:
        kaggle.odd[call] = [PASSING[answer]] * (1 if answer in SLOW else 5)
    job = await api.post("jobs", click())
    await is_well(api, kaggle, job, jp_root_dir)
    assert not any(kaggle.odd.values()), "all of it was met"
    statuses = {entry["status"] for entry in (await api.get(f"jobs/{job['id']}"))["history"]}
    assert not statuses & {"error", "cancelled", "rejected"}


@pytest.mark.parametrize("answer", REFUSALS)
@pytest.mark.parametrize("call", ["GetKernelSessionStatus", "LogsStream"])
async def test_a_refused_look_is_not_the_end_of_the_run(
    api: Api, kaggle: PaperKaggle, call: str, answer: str, jp_root_dir: Path
) -> None:
    """Tokens are replaced, permissions come late: it is looked at again."""
    kaggle.odd[call] = [REFUSALS[answer]] * 5
    job = await api.post("jobs", click())
    await is_well(api, kaggle, job, jp_root_dir)
    assert not any(kaggle.odd.values())


@pytest.mark.parametrize("answer", REFUSALS)
@pytest.mark.parametrize("call", ["ListKernelSessionOutput", "OutputFile"])
async def test_refused_files_are_told_and_can_be_had_later(
    api: Api, kaggle: PaperKaggle, call: str, answer: str, jp_root_dir: Path
) -> None:
    kaggle.odd[call] = [REFUSALS[answer]] * 50
    job = await api.post("jobs", click())
    done = await at_rest(api, job["id"])
    assert done["status"] == "complete"
    assert done["retrieval"] in ("failed", "partial")
    assert len(done["retrieval_message"]) > 20
    assert not [name for name in files_under(jp_root_dir) if name.endswith("model.bin")]
    kaggle.odd.clear()
    await api.post(f"jobs/{job['id']}/outputs")
    await is_well(api, kaggle, job, jp_root_dir)


@pytest.fixture
def files_on_request(jp_server_config: Any) -> None:
    jp_server_config.KaggleLab.retrieve = "ask"


async def test_the_log_comes_whole_without_the_files(
    files_on_request: None, api: Api, kaggle: PaperKaggle
) -> None:
    kaggle.odd["LogsStream"] = [REFUSALS["409"]] * 2
    job = await api.post("jobs", click())
    done = await at_rest(api, job["id"])
    assert (done["status"], done["retrieval"]) == ("complete", "none")
    assert await whole_log(api, job["id"]) == ["hello"]


# --- the account ---------------------------------------------------------------------------------

ACCOUNT_STATE = {"401": "signed_out", "403": "signed_out", "404": "signed_out"}


@pytest.mark.parametrize("answer", REFUSALS | PASSING)
async def test_who_is_signed_in(api: Api, kaggle: PaperKaggle, answer: str) -> None:
    """A refused token is signed out; anything else only means that Kaggle cannot be asked."""
    assert (await api.get("account"))["state"] == "signed_in"
    kaggle.odd["IntrospectToken"] = [(REFUSALS | PASSING)[answer]] * 4
    account = await api.get("account", refresh=1)
    assert account["state"] == ACCOUNT_STATE.get(answer, "unreachable")
    assert len(account["message"]) > 20
    if account["state"] == "unreachable":
        assert account["username"] == "learner", "whom we knew, we still know"
        assert (await api.post("jobs", click()))["status"] == "queued", "and may still run for"
    else:
        status, told = await api.call("POST", "jobs", click())
        assert (status, told["code"]) == (409, "signed_out")
        assert kaggle.pushes == []
    kaggle.odd.clear()
    assert (await api.get("account", refresh=1))["state"] == "signed_in"


QUOTA_ERRORS = {
    "401": (422, "bad_credentials"),
    "403": (502, "access_denied"),
    "404": (502, "not_on_kaggle"),
    "409": (502, "kaggle_error"),
    "429": (503, "throttled"),
    "429 with Retry-After": (503, "throttled"),
    "500": (503, "unreachable"),
    "HTML 503": (503, "confused"),
    "HTML 200": (503, "confused"),
    "cut off": (503, "confused"),
    "nothing": (503, "unreachable"),
    "silence": (503, "unreachable"),
}


@pytest.mark.parametrize("answer", QUOTA_ERRORS)
async def test_quota_that_cannot_be_read(api: Api, kaggle: PaperKaggle, answer: str) -> None:
    kaggle.odd["GetAcceleratorQuotaStatistics"] = [(REFUSALS | PASSING)[answer]] * 4
    status, told = await api.call("GET", "quota", refresh=1)
    assert (status, told["code"]) == QUOTA_ERRORS[answer]
    assert "quota" in told["cause"]
    assert told["remedy"]
    kaggle.odd.clear()
    assert (await api.get("quota", refresh=1))["gpu"]["allowed_s"] == 108_000


# --- right answers that nobody expects -----------------------------------------------------------


async def test_words_of_the_status_that_nobody_knows(
    api: Api, kaggle: PaperKaggle, jp_root_dir: Path
) -> None:
    """An unknown word is noted and waited out; an absent one is Kaggle's way to say queued."""
    words: list[Any] = [{"status": "BRAND_NEW"}, {"status": 99}, {"status": None}, {"status": "\ud800"}, {}]
    kaggle.odd["GetKernelSessionStatus"] = [[http(200, word)] for word in words]
    job = await api.post("jobs", click())
    await is_well(api, kaggle, job, jp_root_dir)
    notes = [entry["word"] for entry in (await api.get(f"jobs/{job['id']}"))["history"] if "word" in entry]
    assert not notes or "BRAND_NEW" in notes


async def test_a_log_with_records_that_are_none(api: Api, kaggle: PaperKaggle, jp_root_dir: Path) -> None:
    """Half characters, times beyond time, messages like ours: each line is shown, JSON is JSON."""
    marks = [
        '{"event": "session", "time": 1e300}',
        '{"event": "session", "time": 1, "gpus": [{"name": "\\ud800"}]}',
        '{"event": "session", "time": 1, "container": "k-' + "9" * 40 + '"}',
        '{"event": "cell", "cell": 1e300, "cells": 3}',
        '{"event": "cell", "cell": "many", "cells": null}',
        '{"event": ["x"]}',
    ]
    records: list[Any] = [
        {"stream_name": "stdout", "time": 1e400, "data": "half \ud83d of one\n"},
        {"stream_name": 7, "time": "soon", "data": {"a": 1}},
        *({"stream_name": "stdout", "time": 2, "data": f"::kaggle-lab:: {mark}\n"} for mark in marks),
        ["no", "record"],
        {"stream_name": "stderr", "time": 3, "data": "last\n"},
    ]
    lines = [f"data: {json.dumps(record)}\n\n" for record in records]
    kaggle.events = ("".join(lines) + "data: END_OF_LOG\n\n").encode()
    job = await api.post("jobs", click())
    await at_rest(api, job["id"])
    log = await api.get(f"jobs/{job['id']}/log")
    assert [line["text"] for line in log["lines"]] == [
        "half ? of one",
        '{"a": 1}',
        '["no", "record"]',
        "last",
    ]
    assert all(0 <= line["time_s"] < 1e9 for line in log["lines"])
    assert (await api.job(job["id"]))["hardware"].endswith("CPU")


@pytest.mark.parametrize(
    "reply",
    [
        {"ref": "/code/learner/net", "versionNumber": 10**30},
        {"ref": "/code/learner/net", "versionNumber": "one"},
        {"ref": None, "versionNumber": None, "error": None},
        {},
        [],
    ],
    ids=["huge", "a word", "nulls", "empty", "a list"],
)
async def test_a_push_whose_answer_names_no_version_is_looked_for(
    api: Api, kaggle: PaperKaggle, reply: Any, jp_root_dir: Path
) -> None:
    kaggle.odd["SaveKernel"] = [[http(200, reply)]]
    kaggle.late.add("SaveKernel")
    await is_well(api, kaggle, await api.post("jobs", click()), jp_root_dir)
    assert kaggle.calls("SaveKernel") == 1


async def test_names_that_would_leave_the_folder(api: Api, kaggle: PaperKaggle, jp_root_dir: Path) -> None:
    """Refused one by one, said which and why; the others come."""
    evil = ["../../x", "/etc/passwd", "a/../../../b", "C:\\x", "a\\..\\b", "x\0y", "..", "a//b", "h\ud800"]
    kaggle.files = dict.fromkeys(evil, b"evil") | {"good/model.bin": b"good"}
    job = await api.post("jobs", click())
    done = await at_rest(api, job["id"])
    assert (done["status"], done["retrieval"]) == ("complete", "partial")
    outputs = await api.get(f"jobs/{job['id']}/outputs")
    states = {file["name"]: file["state"] for file in outputs["files"]}
    assert states.pop("good/model.bin") == "done"
    assert states.pop("h?") == "done"
    assert len(states) == 8
    assert set(states.values()) == {"refused"}
    for file in outputs["files"]:
        assert file["message"] or file["state"] == "done"
    assert "../../x" in done["retrieval_message"]
    folder = done["output_dir"]
    names = ["good/model.bin", "h?", "kaggle-lab-manifest.json"]
    assert files_under(jp_root_dir) == [f"{folder}/{name}" for name in names]
    outside = {name.rpartition("/")[2] for name in files_under(jp_root_dir.parent)}
    assert not outside & {"x", "b", "passwd"}


# --- a full disk ---------------------------------------------------------------------------------

BIG = bytes(range(256)) * 32_000


def mount(place: Path, size: str, *options: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", ",".join([*options, f"size={size}"]), "tmpfs", str(place)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def small_disk(jp_root_dir: Path, jp_server_config: Any) -> Iterator[Path]:
    """Workspace and list of runs on one disk of 6 MB."""
    try:
        mount(jp_root_dir, "6m")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine lets us mount nothing; the engine's own tests fill a quota instead")
    jp_server_config.KaggleLab.data_dir = str(jp_root_dir / ".lab")
    yield jp_root_dir
    subprocess.run(["umount", "-l", str(jp_root_dir)], check=True)


@pytest.mark.parametrize("is_announced", [True, False], ids=["size known", "size not known"])
async def test_disk_full_while_retrieving(
    small_disk: Path, api: Api, kaggle: PaperKaggle, is_announced: bool
) -> None:
    """The run is complete, its files are not here and it says why; with room again they come."""
    kaggle.files = {"model.bin": BIG}
    if not is_announced:
        head = http(200, b"", Transfer_Encoding="chunked", Content_Length=None, ETag='"1"')  # type: ignore[arg-type]
        kaggle.odd["OutputFile"] = [[head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BIG), BIG)]] * 9
    precious = write_notebook(small_disk / "precious.ipynb", "print(1)")
    before = precious.read_bytes()
    job = await api.post("jobs", click())
    done = await at_rest(api, job["id"])
    assert (done["status"], done["retrieval"]) == ("complete", "failed")
    assert "The disk is full: model.bin" in done["retrieval_message"]
    assert "Free some space" in done["retrieval_message"]
    assert not [name for name in files_under(small_disk) if name.endswith("model.bin")]
    kaggle.odd.clear()
    await asyncio.to_thread(mount, small_disk, "40m", "remount")
    await api.post(f"jobs/{job['id']}/outputs")
    done = await at_rest(api, job["id"])
    assert done["retrieval"] == "complete", done["retrieval_message"]
    assert await asyncio.to_thread((small_disk / done["output_dir"] / "model.bin").read_bytes) == BIG
    assert not [name for name in files_under(small_disk) if ".part" in name]
    assert precious.read_bytes() == before
    assert len(kaggle.pushes) == 1


async def test_disk_full_before_the_push(small_disk: Path, api: Api, kaggle: PaperKaggle) -> None:
    """What cannot be kept is not sent: no run is made that the list of runs does not know."""
    first = await api.post("jobs", click("before"))
    await at_rest(api, first["id"])
    hog = small_disk / "hog"
    with contextlib.suppress(OSError):
        hog.write_bytes(bytes(8_000_000))
    status, told = await api.call("POST", "jobs", click())
    assert (status, told["code"]) == (507, "disk_full")
    assert "Nothing was sent" in told["cause"]
    assert "run again" in told["remedy"]
    assert kaggle.calls("SaveKernel") == 1
    assert [job["id"] for job in (await api.get("jobs"))["jobs"]] == [first["id"]]
    hog.unlink()
    assert {path.name for path in (small_disk / ".lab" / "snapshots").iterdir()} == {first["id"]}
    second = await api.post("jobs", click())
    assert (await at_rest(api, second["id"]))["status"] == "complete"
