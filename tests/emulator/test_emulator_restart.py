"""What survives: an orderly stop, kill -9, and the death of a session's own process."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emulator_clients import FOREVER, Api

from kaggle_lab.emulator.testing import EmulatorProcess, wait_until

COUNTING = (
    "import pathlib, time\n"
    "print('begun', flush=True)\n"
    "while not pathlib.Path('/kaggle/temp/never').exists() and time.monotonic() - START < 3:\n"
    "    time.sleep(0.05)\n"
    "open('result.txt', 'w').write('done')\n"
    "print('finished', flush=True)\n"
)
THREE_SECONDS = "import time\nSTART = time.monotonic()\n" + COUNTING


@pytest.fixture
def own(tmp_path: Path) -> Iterator[EmulatorProcess]:
    """An emulator that a test may kill."""
    with EmulatorProcess(tmp_path / "emulator") as process:
        yield process


@pytest.fixture
def client(own: EmulatorProcess) -> Iterator[Api]:
    with Api(own.url, (own.username, own.key)) as client:
        yield client


def runner_pid(own: EmulatorProcess, session: dict[str, Any]) -> int:
    import json

    told = own.data / "sessions" / str(session["id"]) / "runner.json"
    return int(json.loads(told.read_text())["pid"])


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("Z", "X")
    except OSError:
        return True


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_run_goes_on_without_the_server_and_is_found_again(
    own: EmulatorProcess, client: Api, how: str
) -> None:
    client.push("three-seconds", THREE_SECONDS, enableGpu=True)
    client.wait_for("three-seconds", "RUNNING")
    pid = runner_pid(own, own.sessions()[0])
    getattr(own, how)()
    assert not is_gone(pid), "the run must not die with the server"
    own.start()
    assert client.status("three-seconds").json()["status"] in ("RUNNING", "COMPLETE")
    assert client.wait_for("three-seconds")["status"] == "COMPLETE"
    page = client.outputs("three-seconds")
    assert [file["fileName"] for file in page["files"]] == ["result.txt"]
    assert page["log"].count("begun") == page["log"].count("finished") == 1
    (session,) = own.sessions()
    assert session["started_at"] < session["ended_at"]


def test_a_run_that_ends_while_the_server_is_away_is_settled_later(own: EmulatorProcess, client: Api) -> None:
    client.push("three-seconds", THREE_SECONDS, enableGpu=True)
    client.wait_for("three-seconds", "RUNNING")
    session = own.sessions()[0]
    own.kill()
    assert wait_until(lambda: (own.data / "sessions" / str(session["id"]) / "result.json").exists())
    own.start()
    assert client.status("three-seconds").json()["status"] == "COMPLETE"
    quota = client.rpc("GetAcceleratorQuotaStatistics").json()["gpuQuota"]
    assert 2.5 < float(quota["timeUsed"][:-1]) < 600, "what it used while nobody looked is charged"


def test_everything_acknowledged_is_there_after_kill_nine(own: EmulatorProcess, client: Api) -> None:
    quick = {"kernelExecutionType": "QUICK_SAVE"}
    for n in range(20):
        assert client.push(f"kernel-number-{n}", f"print({n})", **quick).json()["versionNumber"] == 1
    own.settings(gpu_quota_hours=7)
    own.control("clock", {"seconds": 500})
    own.kill()
    own.start()
    rows = client.rpc("ListKernels", {"group": "PROFILE", "pageSize": 100}).json()["kernels"]
    assert len(rows) == 20
    assert own.control("state")["settings"]["gpu_quota_hours"] == 7
    assert own.control("clock")["clock"]["offset_s"] == 500
    again = client.push("kernel-number-3", **quick).json()
    assert again["versionNumber"] == 2


def test_links_outlive_a_restart(own: EmulatorProcess, client: Api) -> None:
    client.push("with-file", "open('f.txt', 'w').write('kept')")
    client.wait_for("with-file")
    link = client.link("with-file", "f.txt")
    own.restart()
    assert client.http.get(link).text == "kept"


def test_cancel_works_on_an_adopted_run(own: EmulatorProcess, client: Api) -> None:
    client.push("endless-one", FOREVER)
    client.wait_for("endless-one", "RUNNING")
    pid = runner_pid(own, own.sessions()[0])
    own.kill()
    own.start()
    client.cancel(client.session_id("endless-one"))
    assert client.wait_for("endless-one")["status"] == "CANCEL_ACKNOWLEDGED"
    assert wait_until(lambda: is_gone(pid))


@pytest.mark.parametrize("server_is_away", [False, True])
def test_a_run_whose_process_vanished_is_an_error_that_says_so(
    own: EmulatorProcess, client: Api, server_is_away: bool
) -> None:
    client.push("endless-one", FOREVER)
    client.wait_for("endless-one", "RUNNING")
    pid = runner_pid(own, own.sessions()[0])
    if server_is_away:
        own.kill()
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: is_gone(pid))
    if server_is_away:
        own.start()
    assert client.wait_for("endless-one") == {"status": "ERROR", "failureMessage": ""}
    assert (
        "[kaggle-emulator] The process that ran this session disappeared"
        in client.outputs("endless-one")["log"]
    )


def test_a_promised_session_that_never_began_is_started_later(own: EmulatorProcess, client: Api) -> None:
    """As after a kill between the commit of a push and the start of its process."""
    import shutil
    import sqlite3

    client.push("three-seconds", "print('late but here')")
    client.wait_for("three-seconds")
    session = own.sessions()[0]
    own.stop()
    shutil.rmtree(own.data / "sessions" / str(session["id"]))
    database = sqlite3.connect(own.data / "state.db")
    database.execute(
        "UPDATE sessions SET status='QUEUED', started_at=NULL, ended_at=NULL, pid=NULL, pid_start_time=NULL"
    )
    database.commit()
    database.close()
    own.start()
    assert client.wait_for("three-seconds")["status"] == "COMPLETE"
    assert "late but here" in client.outputs("three-seconds")["log"]


def test_close_leaves_no_process_behind(tmp_path: Path) -> None:
    with (
        EmulatorProcess(tmp_path / "emulator") as process,
        Api(process.url, ("learner", process.key)) as client,
    ):
        client.push("endless-one", FOREVER)
        client.wait_for("endless-one", "RUNNING")
        pid = runner_pid(process, process.sessions()[0])
        process.kill()
    assert wait_until(lambda: is_gone(pid))
