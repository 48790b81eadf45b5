"""Logs: live events with replay, the stored form afterwards, cuts on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from emulator_clients import FOREVER, Api, Sdk

from kaggle_lab.emulator.testing import EmulatorProcess, wait_until

STREAM = "/api/v1/kernels/logs/stream/learner"


def counting(count: int) -> str:
    """A script that prints `count` lines and goes on for ever."""
    return f"for n in range({count}): print('line', n, flush=True)\n{FOREVER}"


@contextmanager
def stream(api: Api, path: str) -> Iterator[httpx.Response]:
    with api.http.stream("GET", path, headers={"Accept": "text/event-stream, */*"}) as response:
        yield response


def payloads(response: httpx.Response) -> Iterator[str]:
    for line in response.iter_lines():
        if line.startswith("data:"):
            yield line.removeprefix("data:").strip()


def texts(response: httpx.Response, count: int) -> list[str]:
    """The `data` of the first `count` events."""
    found = []
    for payload in payloads(response):
        found.append(json.loads(payload)["data"])
        if len(found) == count:
            break
    return found


def test_each_connection_replays_from_the_start(api: Api) -> None:
    api.push("endless-one", counting(3))
    for _ in range(2):
        with stream(api, f"{STREAM}/endless-one") as response:
            assert response.headers["Content-Type"] == "text/event-stream"
            assert texts(response, 3) == ["line 0\n", "line 1\n", "line 2\n"]


def test_a_live_log_ends_with_the_sentinel(api: Api) -> None:
    api.push("short-run", "import time\nprint('a <b> & ü')\ntime.sleep(0.5)")
    with stream(api, f"{STREAM}/short-run") as response:
        *events, last = payloads(response)
    assert last == "END_OF_LOG"
    assert [json.loads(event)["data"] for event in events] == ["a <b> & ü\n"]
    assert r"\u003cb\u003e \u0026" in events[0]


def test_an_ended_log_is_the_stored_array(api: Api) -> None:
    api.push("short-run", "import sys\nprint('out')\nprint('err', file=sys.stderr)")
    api.wait_for("short-run")
    with stream(api, f"{STREAM}/short-run") as response:
        assert response.headers["Content-Type"] == "application/json"
        body = response.read().decode()
    assert body == api.outputs("short-run")["log"]
    lines = body.split("\n")
    assert lines[0].startswith("[{")
    assert all(line.startswith(",{") for line in lines[1:-1])
    assert lines[-1] == "]"
    records: list[dict[str, Any]] = json.loads(body)
    assert {(record["stream_name"], record["data"]) for record in records} == {
        ("stdout", "out\n"),
        ("stderr", "err\n"),
    }
    assert all(list(record) == ["stream_name", "time", "data"] for record in records)


def test_the_log_of_a_version_by_label_and_by_session(api: Api) -> None:
    api.push("two-versions", "print('first')")
    api.wait_for("two-versions")
    first = api.session_id("two-versions")
    api.push("two-versions", "print('second')")
    api.wait_for("two-versions")
    assert "first" in api.http.get(f"{STREAM}/two-versions", params={"versionLabel": "v1"}).text
    assert "second" in api.http.get(f"{STREAM}/two-versions").text
    assert "first" in api.http.get(f"/api/v1/kernels/sessions/{first}/logs/stream").text
    assert api.http.get(f"{STREAM}/two-versions/1").status_code == 404
    assert api.http.get(f"{STREAM}/two-versions", params={"versionLabel": "1"}).status_code == 404


def test_the_typed_stream_of_the_official_client(sdk: Sdk, api: Api) -> None:
    from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelSessionLogsStreamRequest

    sdk.push("endless-one", counting(2))
    api.wait_for("endless-one", "RUNNING")
    request = ApiGetKernelSessionLogsStreamRequest()
    request.kernel_session_id = api.session_id("endless-one")
    response = sdk.kernels.get_kernel_session_logs_stream(request)
    with response:
        lines = (line for line in response.iter_lines() if line)
        assert json.loads(next(lines).removeprefix(b"data: "))["data"] == "line 0\n"


def test_a_queued_run_makes_the_caller_wait_only_so_long(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.settings(queue_delay_s=600)
    api.push("still-queued", "print(1)")
    body = {"userName": "learner", "kernelSlug": "still-queued", "waitForLogsUrlSeconds": 0}
    response = api.rpc("GetKernelSessionLogsStream", body)
    assert response.status_code == 404


def test_a_queued_run_streams_once_it_begins(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.settings(queue_delay_s=0.5)
    api.push("soon-running", counting(1))
    with stream(api, f"{STREAM}/soon-running") as response:
        assert texts(response, 1) == ["line 0\n"]


def test_logs_of_what_never_ran_are_missing_and_strangers_are_denied(api: Api, guest: Api) -> None:
    api.push("only-saved", kernelExecutionType="QUICK_SAVE")
    assert api.http.get(f"{STREAM}/only-saved").status_code == 404
    assert guest.http.get(f"{STREAM}/only-saved").status_code == 403
    assert api.http.get(f"{STREAM}/no-such-kernel").status_code == 403


def test_a_silent_stream_is_cut_without_the_sentinel(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.settings(log_idle_cut_s=0.3)
    api.push("endless-one", FOREVER)
    seen: list[str] = []
    with pytest.raises(httpx.RemoteProtocolError), stream(api, f"{STREAM}/endless-one") as response:
        seen.extend(payloads(response))
    assert "END_OF_LOG" not in seen


def test_a_stream_can_be_dropped_after_some_events(api: Api, kaggle: EmulatorProcess) -> None:
    api.push("endless-one", counting(5))
    kaggle.fault("LogsStream", drop_after_events=2)
    seen: list[str] = []
    with pytest.raises(httpx.RemoteProtocolError), stream(api, f"{STREAM}/endless-one") as response:
        seen.extend(json.loads(payload)["data"] for payload in payloads(response))
    assert seen == ["line 0\n", "line 1\n"]
    with stream(api, f"{STREAM}/endless-one") as response:
        assert len(texts(response, 5)) == 5


def test_a_long_log_arrives_whole_and_in_order(api: Api) -> None:
    count = 30_000
    api.push("long-log", f"for n in range({count}): print(n)")
    with stream(api, f"{STREAM}/long-log") as response:
        live = [json.loads(payload)["data"] for payload in payloads(response) if payload != "END_OF_LOG"]
    api.wait_for("long-log")
    stored = [record["data"] for record in json.loads(api.outputs("long-log")["log"])]
    wanted = [f"{n}\n" for n in range(count)]
    assert stored == wanted
    assert live in (wanted, [])


def test_stopping_the_server_does_not_wait_for_its_streams(api: Api, kaggle: EmulatorProcess) -> None:
    api.push("endless-one", counting(1))
    with stream(api, f"{STREAM}/endless-one") as response:
        assert texts(response, 1) == ["line 0\n"]
        assert kaggle.stop() == 0
    kaggle.start()
    wait_until(lambda: api.status("endless-one").json()["status"] == "RUNNING")
