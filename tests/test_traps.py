"""Traps that others have fallen into, each with the test that keeps us out of it.

Those about datasets, parameters and bundles come with what they are about.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import kaggle_lab
from kaggle_lab.emulator.testing import EmulatorProcess
from kaggle_lab.prologue import prologue_source

from .api import Api
from .paper_kaggle import PaperKaggle, paper_kaggle
from .support import make_notebook, until, write_notebook


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with EmulatorProcess(tmp_path_factory.mktemp("kaggle")) as running:
        yield running


@pytest.fixture
def emulator(process: EmulatorProcess) -> Iterator[EmulatorProcess]:
    """One emulator for all tests here, as new for each."""
    yield process
    process.control("reset", {})


@pytest.fixture
def paper() -> Iterator[PaperKaggle]:
    with paper_kaggle() as running:
        yield running


@pytest.fixture
def jp_server_config(jp_server_config: Any, request: pytest.FixtureRequest) -> Any:
    lab = jp_server_config.KaggleLab
    lab.push_gap_s = 0.0
    if "paper" in request.fixturenames:
        lab.endpoint = request.getfixturevalue("paper").url
        lab.poll_first_s = lab.push_window_s = lab.stream_retry_s = 0.05
    return jp_server_config


@pytest.fixture
def api(jp_fetch: Any) -> Api:
    return Api(jp_fetch)


def click(token: str = "click", path: str = "nets/net.ipynb", **fields: Any) -> dict[str, Any]:
    content = fields.pop("content", None) or make_notebook("print('hello')")
    return {"notebook_path": path, "content": content, "client_token": token, "internet": False, **fields}


async def at_rest(api: Api, job_id: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        job = await api.job(job_id)
        return job if job["ended_at"] and job["retrieval"] not in ("pending", "running") else None

    found: dict[str, Any] = await until(look, what="the end of the run and its files")
    return found


async def reached(api: Api, job_id: str, *wanted: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        job = await api.job(job_id)
        return job if job["status"] in wanted else None

    found: dict[str, Any] = await until(look, what=f"{wanted}")
    return found


# --- 1: the official package ---------------------------------------------------------------------


def test_whole_files_are_never_taken_through_the_official_download() -> None:
    """kaggle 2.2.4's ``kernels_output`` keeps files in memory, saves error pages and follows ``../``."""
    folder = Path(kaggle_lab.__file__).parent
    texts = {path: path.read_text() for path in folder.rglob("*.py")}
    assert len(texts) > 50
    assert [path.name for path, text in texts.items() if "kernels_output" in text] == []
    assert [path.name for path, text in texts.items() if "import kaggle\n" in text] == []


IMPORTING = """
    import socket, sys
    def refuse(*_args, **_options):
        raise AssertionError("a connection at import")
    socket.socket.connect = refuse
    socket.getaddrinfo = refuse
    import kaggle_lab, kaggle_lab.extension, kaggle_lab.handlers, kaggle_lab.manager, kaggle_lab.kaggle_client
    import kaggle_lab.kaggle_client.client, kaggle_lab.kaggle_client.sdk
    assert "kaggle" not in sys.modules, "importing kaggle authenticates, prints and may exit"
    print("quiet")
"""


def test_a_configured_token_makes_no_connection_at_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_configured")
    command = [sys.executable, "-c", textwrap.dedent(IMPORTING)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "quiet\n"), done.stderr


# --- 5 and 18: how runs end ----------------------------------------------------------------------

DONE = '::kaggle-lab:: {"event": "done", "cells": 1}\n'
TIME_LIMIT = "Your notebook was stopped because it exceeded the max allowed execution duration."
ANSI = [
    'Exception encountered at "In [2]":\n',
    "\x1b[0;31m---------------------------\x1b[0m\n",
    "\x1b[0;31mValueError\x1b[0m: \x1b[1mwrong \x1b[32mshape\x1b[0m\n",
]
CANCEL = "CANCEL_ACKNOWLEDGED"
ENDS: dict[str, tuple[dict[str, Any], list[str], tuple[str, str, str]]] = {
    "complete": ({"status": "COMPLETE"}, ["x\n"], ("complete", "", "")),
    "cancelled on Kaggle": ({"status": CANCEL}, ["x\n"], ("cancelled", "other", "Stopped on Kaggle.")),
    "our own done wins": ({"status": CANCEL}, [DONE], ("complete", "", "All cells ran")),
    "past its cap": (
        {"status": CANCEL, "failureMessage": TIME_LIMIT},
        ["x\n"],
        ("error", "time_limit", TIME_LIMIT),
    ),
    "failure with ANSI": (
        {"status": "ERROR", "failureMessage": ""},
        ANSI,
        ("error", "cell_error", "Code cell 1 failed: ValueError: wrong shape"),
    ),
    "failure without a word": ({"status": "ERROR"}, [], ("error", "other", "The run failed.")),
}


@pytest.mark.parametrize("files", [{}, {"part.txt": b"so far"}], ids=["no files", "files"])
@pytest.mark.parametrize("end", ENDS)
async def test_every_end_is_told_honestly(
    api: Api, paper: PaperKaggle, end: str, files: dict[str, bytes]
) -> None:
    """With or without files the run comes to rest, with an end time and text without control codes."""
    paper.status, log, expected = ENDS[end]
    paper.files = files
    records = [{"stream_name": "stdout", "time": 1, "data": text} for text in log]
    lines = [f"data: {json.dumps(record)}\n\n" for record in records]
    paper.events = ("".join(lines) + "data: END_OF_LOG\n\n").encode()
    job = await api.post("jobs", click())
    done = await at_rest(api, job["id"])
    assert (done["status"], done["reason"]) == expected[:2]
    assert done["message"].startswith(expected[2])
    assert "\x1b" not in json.dumps(done, ensure_ascii=False)
    assert done["retrieval"] == "complete"
    assert done["retrieval_message"] == (
        "1 of 1 files are here (6 bytes)." if files else "The run left no output files."
    )
    assert done["created_at"] <= done["ended_at"] <= (datetime.now(UTC) + timedelta(seconds=1)).isoformat()


async def test_stopped_and_nothing_was_kept(api: Api, emulator: EmulatorProcess) -> None:
    emulator.settings(keep_outputs_on_cancel=False, queue_delay_s=60)
    job = await api.post("jobs", click())
    await api.post(f"jobs/{job['id']}/stop")
    done = await at_rest(api, job["id"])
    assert (done["status"], done["reason"], done["message"]) == (
        "cancelled",
        "stopped",
        "Stopped, as you asked.",
    )
    assert done["retrieval_message"] == "The run left no output files."


# --- 9: credentials that expire in mid-run -------------------------------------------------------


@pytest.fixture
def signed_in_by_browser(emulator: EmulatorProcess, scratch_home: Path, jp_server_config: Any) -> Path:
    """The official client's OAuth file, its access token expired an hour ago."""
    jp_server_config.KaggleLab.endpoint_kind = "kaggle"
    path = scratch_home / ".kaggle" / "credentials.json"
    path.parent.mkdir()
    stored = {
        "refresh_token": "KGRT_emulator_learner",
        "access_token": "KGAT_of_an_hour_ago",
        "access_token_expiration": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
        "username": "learner",
        "scopes": ["resources.admin:*"],
    }
    path.write_text(json.dumps(stored))
    return path


async def test_an_oauth_token_that_ends_in_mid_run(
    signed_in_by_browser: Path, api: Api, emulator: EmulatorProcess
) -> None:
    """Refreshed before the first call, and again when Kaggle no longer takes it; the user sees nothing."""
    slow = "import time\nfor i in range(600):\n    print(i, flush=True)\n    time.sleep(0.1)"
    job = await api.post("jobs", click(content=make_notebook(slow)))
    await reached(api, job["id"], "running")
    first = stored_login(signed_in_by_browser)["access_token"]
    assert first != "KGAT_of_an_hour_ago"
    await revoke(emulator, first)
    await api.post(f"jobs/{job['id']}/stop")
    done = await at_rest(api, job["id"])
    assert (done["status"], done["trouble"]) == ("cancelled", "")
    stored = stored_login(signed_in_by_browser)
    assert stored["access_token"] not in (first, "KGAT_of_an_hour_ago")
    assert stored["refresh_token"] == "KGRT_emulator_learner"
    assert stored["mode"] == "600"
    assert (await api.get("account", refresh=1))["state"] == "signed_in"


def stored_login(path: Path) -> dict[str, Any]:
    return {**json.loads(path.read_text()), "mode": f"{path.stat().st_mode & 0o777:o}"}


async def revoke(emulator: EmulatorProcess, token: str) -> None:
    url = f"{emulator.url}/api/v1/users.AccountService/ExpireApiToken"
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(url, json={"token": token}, auth=(emulator.username, emulator.key))
    assert answer.status_code == 200, answer.text


# --- 11: progress that redraws its line ----------------------------------------------------------


async def test_progress_stays_one_line(api: Api, paper: PaperKaggle) -> None:
    records = ["  1%|\r 50%|███\r100%|██████|\n", "done\n"]
    shown = [json.dumps({"stream_name": "stderr", "time": 1, "data": text}) for text in records]
    paper.events = ("".join(f"data: {text}\n\n" for text in shown) + "data: END_OF_LOG\n\n").encode()
    job = await api.post("jobs", click())
    await at_rest(api, job["id"])
    log = await api.get(f"jobs/{job['id']}/log")
    assert log["count"] == 2
    assert "100%|██████|" in log["lines"][0]["text"]


# --- 12: the count of sessions lags --------------------------------------------------------------


async def test_a_slot_that_is_counted_a_while_after_its_session_ended(
    api: Api, emulator: EmulatorProcess
) -> None:
    """The run waits until Kaggle has noticed, and is then sent by itself."""
    emulator.settings(max_cpu_sessions=1, queue_delay_s=60, counter_lag_s=1.5)
    first = await api.post("jobs", click("first"))
    await api.post(f"jobs/{first['id']}/stop")
    await reached(api, first["id"], "cancelled")
    second = await api.post("jobs", click("second", path="other.ipynb"))
    assert (second["status"], second["reason"]) == ("waiting", "session_cap")
    sent = await reached(api, second["id"], "queued")
    assert (sent["message"], sent["reason"]) == ("", "")
    assert len(emulator.sessions()) == 2


# --- 13: nothing of ours stays behind in the session ---------------------------------------------

ALONE = """
    import subprocess, sys, threading
    from pathlib import Path
    from IPython.core.interactiveshell import InteractiveShell
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(colors="NoColor")
    shell.history_manager.enabled = False
    before = set(threading.enumerate())
    result = shell.run_cell(sys.stdin.read())
    assert result.success
    children = [text for path in Path("/proc/self/task").glob("*/children") if (text := path.read_text())]
    print("left:", children, [thread for thread in threading.enumerate() if thread not in before])
    print("names:", sorted(name for name in shell.user_ns if "kaggle" in name.lower()))
"""


def test_our_first_cell_leaves_no_process_thread_or_name() -> None:
    """A process left behind keeps a session active, and its quota running, for hours."""
    command = [sys.executable, "-c", textwrap.dedent(ALONE)]
    done = subprocess.run(command, input=prologue_source("job", 1), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert '"event": "session"' in done.stdout
    assert "left: [] []" in done.stdout
    assert "names: []" in done.stdout


# --- 16 and 17: paths and places -----------------------------------------------------------------

PATHS = ["RTC:Übung 1/größe 大.ipynb", "with space/a b.ipynb", "RTC:plain.ipynb", "a'b\"c/%20.ipynb"]


@pytest.mark.parametrize("path", PATHS, ids=ascii)
async def test_the_right_file_is_found(api: Api, paper: PaperKaggle, jp_root_dir: Path, path: str) -> None:
    """As JupyterLab names it, with the drive that collaboration puts before it."""
    inside = path.removeprefix("RTC:")
    write_notebook(jp_root_dir / inside, f"print({inside!r})")
    job = await api.post("jobs", {"notebook_path": path, "client_token": "x"})
    assert job["notebook_path"] == inside
    source = json.loads(paper.pushes[0]["text"])
    assert source["cells"][-1]["source"] == f"print({inside!r})"
    done = await at_rest(api, job["id"])
    folder = jp_root_dir / "kaggle-output" / inside.removesuffix(".ipynb") / "v1"
    assert jp_root_dir / done["output_dir"] == folder
    assert await asyncio.to_thread((folder / "model.bin").exists)
    assert [item["id"] for item in (await api.get("jobs", notebook=path))["jobs"]] == [job["id"]]


async def test_the_same_click_many_times_is_one_run_and_one_snapshot(
    api: Api, paper: PaperKaggle, tmp_path: Path
) -> None:
    answers = await asyncio.gather(*(api.call("POST", "jobs", click()) for _ in range(5)))
    assert sorted(status for status, _ in answers) == [200, 200, 200, 200, 201]
    (job_id,) = {job["id"] for _, job in answers}
    assert len(paper.pushes) == 1
    await at_rest(api, job_id)
    assert [path.name for path in (tmp_path / "lab" / "snapshots").iterdir()] == [job_id]


async def test_runs_of_the_same_second_and_of_renamed_notebooks_do_not_meet(
    api: Api, paper: PaperKaggle, jp_root_dir: Path
) -> None:
    """Same file name in two folders, another title for the same notebook, a name taken over by another."""
    clicks = [
        click("1", "a/Untitled.ipynb"),
        click("2", "b/Untitled.ipynb"),
        click("3", "a/Untitled.ipynb", title="Another title"),
        click("4", "a/Untitled.ipynb", title="Another title"),
        click("5", "renamed.ipynb"),
    ]
    jobs = await asyncio.gather(*(api.post("jobs", body) for body in clicks))
    done = [await at_rest(api, job["id"]) for job in jobs]
    assert len({job["output_dir"] for job in done}) == len(clicks)
    assert len({(job["ref"], job["version"]) for job in done}) == len(clicks)
    for job in done:
        folder = jp_root_dir / job["output_dir"]
        manifest = json.loads(await asyncio.to_thread((folder / "kaggle-lab-manifest.json").read_text))
        assert (manifest["job"], manifest["ref"], manifest["version"]) == (
            job["id"],
            job["ref"],
            job["version"],
        )
        assert await asyncio.to_thread((folder / "model.bin").read_bytes) == paper.files["model.bin"]
