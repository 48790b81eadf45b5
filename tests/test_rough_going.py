"""One run on a Kaggle that is slow, forgetful or impatient: never lost, doubled, or called what it is not.

A Kaggle on paper, so that each moment can be chosen.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kaggle_lab.config import Config
from kaggle_lab.emulator_process import EmulatorTrouble
from kaggle_lab.manager import Manager, SubmitRequest
from kaggle_lab.models import Job, JobStatus, Reason, Retrieval, utc_now

from .lab import CALM, NoEmulator, until_status
from .paper_kaggle import PaperKaggle, error, paper_kaggle
from .scripted import http
from .support import make_notebook, until

FULL = http(200, {"error": "Maximum batch CPU session count of 5 reached."})
QUICK = {**CALM, "poll_first_s": 0.05, "stream_retry_s": 0.05, "settle_s": 0.5, "waiting_retry_s": 0.5}
QUICK |= {"retrieve": "ask", "push_window_s": 0.05}


@pytest.fixture
def kaggle() -> Iterator[PaperKaggle]:
    with paper_kaggle() as running:
        yield running


@asynccontextmanager
async def open_lab(kaggle: PaperKaggle, folder: Path, **settings: Any) -> AsyncIterator[Manager]:
    values = {**QUICK, "endpoint": kaggle.url, "data_dir": str(folder / "lab"), **settings}
    manager = await Manager.open(Config(**values), folder, watch=True, emulator=NoEmulator())
    try:
        yield manager
    finally:
        await manager.close()


def ask(name: str = "net.ipynb", **fields: Any) -> SubmitRequest:
    return SubmitRequest(name, content=json.dumps(make_notebook("print(1)")), **fields)


async def at_rest(lab: Manager, job_id: str, deadline_s: float = 30.0) -> Job:
    async def ended() -> Job | None:
        job = await lab.job(job_id)
        is_moving = job.retrieval in (Retrieval.PENDING, Retrieval.RUNNING)
        return job if job.status.is_finished and not is_moving else None

    found: Job = await until(ended, deadline_s, what="the end of the run")
    return found


async def until_sent(lab: Manager) -> Job:
    async def sent() -> Job | None:
        jobs = (await lab.jobs()).jobs
        return jobs[0] if jobs and jobs[0].submitted_at else None

    found: Job = await until(sent)
    return found


class Gate:
    """An answer that comes when the test says so."""

    def __init__(self, *steps: Any) -> None:
        self._steps = steps
        self.open = threading.Event()

    def __iter__(self) -> Iterator[Any]:
        self.open.wait(30)
        yield from self._steps


def lost(kaggle: PaperKaggle) -> Gate:
    """A push that Kaggle carries out although the answer is an error."""
    kaggle.late.add("SaveKernel")
    return Gate(http(504, b'{"code":504,"message":"Gateway Timeout"}'))


# --- sending -------------------------------------------------------------------------------------


async def test_a_run_taken_out_of_the_queue_is_not_sent(kaggle: PaperKaggle, tmp_path: Path) -> None:
    """Not even at the moment at which it was about to be."""
    kaggle.odd["SaveKernel"] = [[FULL]]
    async with open_lab(kaggle, tmp_path) as lab:
        job, _ = await lab.submit(ask())
        assert job.status is JobStatus.WAITING
        accounts, client_of = lab._accounts, lab._accounts.client_of
        entered, go_on = asyncio.Event(), asyncio.Event()

        async def slowly(job: Job) -> Any:
            entered.set()
            await go_on.wait()
            return await client_of(job)

        accounts.client_of = slowly  # type: ignore[method-assign]
        await entered.wait()
        assert (await lab.stop(job.id)).status is JobStatus.CANCELLED
        go_on.set()

        async def is_let_go() -> bool:
            return not lab._monitor._followers

        await until(is_let_go)
        assert (await lab.job(job.id)).status is JobStatus.CANCELLED
        assert kaggle.pushes == []


async def test_an_answer_that_is_lost_late_still_leaves_kaggle_time(
    kaggle: PaperKaggle, tmp_path: Path
) -> None:
    """The line was silent for longer than Kaggle is given to show a push."""
    answer = lost(kaggle)
    kaggle.odd["SaveKernel"] = [answer]
    denied = http(403, {"code": 403, "message": "Permission 'kernels.get' was denied"})
    async with open_lab(kaggle, tmp_path) as lab:
        submitting = asyncio.create_task(lab.submit(ask()))
        job = await until_sent(lab)
        await lab._store.edit(job.id, submitted_at=utc_now() - timedelta(minutes=2))
        kaggle.odd["GetKernel"] = [[denied]] * 2
        answer.open.set()
        await submitting
        assert (await at_rest(lab, job.id)).status is JobStatus.COMPLETE
        assert len(kaggle.pushes) == 1


async def test_sleep_during_a_push_loses_nothing(kaggle: PaperKaggle, tmp_path: Path) -> None:
    answer = Gate(http(200, {"ref": "/code/learner/net-notebook", "url": "", "versionNumber": 1}))
    kaggle.late.add("SaveKernel")
    kaggle.odd["SaveKernel"] = [answer]
    async with open_lab(kaggle, tmp_path, settle_s=0.1) as lab:
        submitting = asyncio.create_task(lab.submit(ask()))
        job = await until_sent(lab)
        await lab._store.claim(job.id, f"{lab._submitter._owner}", -60)
        lab._monitor.poke()
        await until(lambda: _looked_twice(lab))
        assert (await lab.job(job.id)).status is JobStatus.SUBMITTING
        answer.open.set()
        sent, _ = await submitting
        assert (sent.status, sent.version) == (JobStatus.QUEUED, 1)


async def _looked_twice(lab: Manager) -> bool:
    await asyncio.sleep(3 * lab.config.watch_interval_s)
    return True


async def test_reading_that_is_denied_to_another_account_decides_nothing(
    kaggle: PaperKaggle, tmp_path: Path
) -> None:
    answer = lost(kaggle)
    kaggle.odd["SaveKernel"] = [answer]
    denied = http(403, {"code": 403, "message": "Permission 'kernels.get' was denied"})
    async with open_lab(kaggle, tmp_path) as lab:
        submitting = asyncio.create_task(lab.submit(ask()))
        job = await until_sent(lab)
        kaggle.odd["GetKernel"] = [[denied]] * 5000
        kaggle._book["IntrospectToken"] = lambda seen: {"active": True, "username": "other"}
        answer.open.set()
        await submitting

        async def says_why() -> bool:
            return "learner" in (await lab.job(job.id)).trouble

        await until(says_why)
        assert (await lab.job(job.id)).status is JobStatus.SUBMITTING
        kaggle._book["IntrospectToken"] = lambda seen: {"active": True, "username": "learner"}
        kaggle.odd["GetKernel"] = []
        await lab.account(refresh=True)
        assert (await at_rest(lab, job.id)).status is JobStatus.COMPLETE


async def test_a_stop_while_sending_holds_when_the_house_is_full(kaggle: PaperKaggle, tmp_path: Path) -> None:
    answer = Gate(FULL)
    kaggle.odd["SaveKernel"] = [answer]
    async with open_lab(kaggle, tmp_path) as lab:
        submitting = asyncio.create_task(lab.submit(ask()))
        job = await until_sent(lab)
        await lab.stop(job.id)
        answer.open.set()
        sent, _ = await submitting
        assert (sent.status, sent.reason) == (JobStatus.CANCELLED, Reason.STOPPED)
        assert kaggle.pushes == []


async def test_retry_after_holds_whatever_else_happens(kaggle: PaperKaggle, tmp_path: Path) -> None:
    kaggle.odd["SaveKernel"] = [[error(429, Retry_After="600")]]
    async with open_lab(kaggle, tmp_path) as lab:
        job, _ = await lab.submit(ask())
        assert job.status is JobStatus.WAITING
        for n in range(3):
            other, _ = await lab.submit(ask(f"other{n}.ipynb"))
            await at_rest(lab, other.id)
            lab._monitor.poke()
        assert (await lab.job(job.id)).status is JobStatus.WAITING
        assert kaggle.calls("SaveKernel") == 4


async def test_a_run_that_waits_is_sent_when_another_ends(kaggle: PaperKaggle, tmp_path: Path) -> None:
    """Not only when its pause is over."""
    kaggle.status = {"status": "RUNNING"}
    async with open_lab(kaggle, tmp_path, waiting_retry_s=600) as lab:
        first, _ = await lab.submit(ask())
        await until_status(lab, first.id, JobStatus.RUNNING)
        kaggle.odd["SaveKernel"] = [[FULL]]
        second, _ = await lab.submit(ask("second.ipynb"))
        assert second.status is JobStatus.WAITING
        kaggle.status = {"status": "COMPLETE"}
        assert (await at_rest(lab, second.id)).status is JobStatus.COMPLETE


async def test_a_machine_nobody_knows_is_a_problem_in_the_preview(
    kaggle: PaperKaggle, tmp_path: Path
) -> None:
    async with open_lab(kaggle, tmp_path) as lab:
        preview = await lab.preview(ask(accelerator="warp drive"))
        assert [problem["code"] for problem in preview.problems] == ["unknown_accelerator"]
        content = make_notebook("print(1)", kaggle={"accelerator": "nvidiaB200"})
        own = await lab.preview(SubmitRequest("new.ipynb", content=json.dumps(content)))
        assert own.problems == ()
        assert own.accelerator == "none"
        assert "nvidiaB200" in own.warnings[0]


async def test_a_notebook_of_the_same_name_on_another_machine_is_another_notebook(
    kaggle: PaperKaggle, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        async with open_lab(kaggle, tmp_path / name) as lab:
            job, _ = await lab.submit(ask("Untitled.ipynb"))
            assert job.version == 1, "a version of its own notebook, not of the other one's"
    assert len({push["slug"] for push in kaggle.pushes}) == 2


# --- watching ------------------------------------------------------------------------------------


async def test_the_end_of_the_version_before_is_not_this_ones(kaggle: PaperKaggle, tmp_path: Path) -> None:
    """Bare, without log and message, and for longer than two looks."""
    kaggle.status = {"status": "ERROR"}
    kaggle.odd["LogsStream"] = [[error(404)]] * 5000
    async with open_lab(kaggle, tmp_path, push_window_s=60) as lab:
        job, _ = await lab.submit(ask())

        async def was_looked_at() -> bool:
            return kaggle.calls("GetKernelSessionStatus") >= 3

        await until(was_looked_at)
        assert (await lab.job(job.id)).status is JobStatus.QUEUED
        kaggle.status = {"status": "RUNNING"}
        await until_status(lab, job.id, JobStatus.RUNNING)


async def test_a_stop_that_is_refused_does_not_hide_the_end(
    kaggle: PaperKaggle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kaggle_lab.stopping._INSIST_S", 0.0)
    kaggle.status = {"status": "RUNNING"}
    kaggle._book["CancelKernelSession"] = lambda seen: {"errorMessage": "Session is not active"}
    kaggle._book["DownloadKernelOutput"] = lambda seen: http(
        302, b"", Location=f"{kaggle.url}/download_zip/77"
    )
    async with open_lab(kaggle, tmp_path) as lab:
        job, _ = await lab.submit(ask())
        await until_status(lab, job.id, JobStatus.RUNNING)
        await lab._store.edit(job.id, stop_requested_at=utc_now())

        async def was_refused() -> bool:
            return kaggle.calls("CancelKernelSession") > 0

        await until(was_refused)
        kaggle.status = {"status": "COMPLETE"}
        assert (await at_rest(lab, job.id)).status is JobStatus.COMPLETE


async def test_a_deleted_notebook_that_is_simply_not_found_ends_the_run(
    kaggle: PaperKaggle, tmp_path: Path
) -> None:
    kaggle.status = {"status": "RUNNING"}
    kaggle.odd["LogsStream"] = [[error(404)]] * 5000
    async with open_lab(kaggle, tmp_path, poll_max_s=0.2) as lab:
        job, _ = await lab.submit(ask())
        await until_status(lab, job.id, JobStatus.RUNNING)
        for call in ("GetKernelSessionStatus", "GetKernel"):
            kaggle.odd[call] = [[error(404)]] * 5000
        ended = await at_rest(lab, job.id)
        assert (ended.status, ended.reason) == (JobStatus.ERROR, Reason.GONE)


# --- the log -------------------------------------------------------------------------------------

FAILURE = (
    b'data: {"stream_name":"stderr","time":1,"data":"Exception encountered at \\"In [2]\\":\\n"}\n\n'
    b'data: {"stream_name":"stderr","time":1,"data":"ValueError: bad\\n"}\n\n'
    b"data: END_OF_LOG\n\n"
)


async def test_the_end_of_the_log_comes_with_the_end_of_the_run(kaggle: PaperKaggle, tmp_path: Path) -> None:
    """Also after connections in vain, when the next was far off."""
    kaggle.odd["LogsStream"] = [[error(404)]] * 5
    kaggle.events, kaggle.status = FAILURE, {"status": "QUEUED"}
    async with open_lab(kaggle, tmp_path, poll_running_s=600, poll_queued_s=0.2) as lab:
        job, _ = await lab.submit(ask())

        async def gave_up_for_now() -> bool:
            return kaggle.calls("LogsStream") == 5

        await until(gave_up_for_now)
        kaggle.status = {"status": "ERROR"}
        ended = await at_rest(lab, job.id)
        assert ended.message == "Code cell 1 failed: ValueError: bad"
        assert ended.log_complete


async def test_a_log_that_comes_after_the_end_still_explains_it(
    kaggle: PaperKaggle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kaggle_lab.following._DRAIN_S", 0.1)
    kaggle.odd["LogsStream"] = [[error(404)]] * 5000
    kaggle.events, kaggle.status = FAILURE, {"status": "ERROR"}
    async with open_lab(kaggle, tmp_path) as lab:
        job, _ = await lab.submit(ask())
        assert (await at_rest(lab, job.id)).message == "The run failed."
        kaggle.odd["LogsStream"] = []

        async def is_explained() -> bool:
            return (await lab.job(job.id)).log_complete

        await until(is_explained)
        ended = await lab.job(job.id)
        assert (ended.reason, ended.message) == (
            Reason.CELL_ERROR,
            "Code cell 1 failed: ValueError: bad",
        )


async def test_trouble_that_is_not_kaggles_does_not_end_the_live_log(
    kaggle: PaperKaggle, tmp_path: Path
) -> None:
    kaggle.status = {"status": "RUNNING"}
    kaggle.odd["LogsStream"] = [[error(404)]]
    async with open_lab(kaggle, tmp_path) as lab:
        client_of = lab._accounts.client_of
        asked = 0

        async def busy(job: Job) -> Any:
            nonlocal asked
            asked += 1
            raise EmulatorTrouble("busy")

        job, _ = await lab.submit(ask())
        lab._accounts.client_of = busy  # type: ignore[method-assign]

        async def was_asked() -> bool:
            return asked > 3

        await until(was_asked)
        lab._accounts.client_of = client_of  # type: ignore[method-assign]

        async def has_log() -> bool:
            return (await lab.job(job.id)).log_complete

        await until(has_log)


async def test_the_log_heeds_retry_after(kaggle: PaperKaggle, tmp_path: Path) -> None:
    kaggle.status = {"status": "RUNNING"}
    kaggle.odd["LogsStream"] = [[error(429, Retry_After="600")]]
    async with open_lab(kaggle, tmp_path) as lab:
        job, _ = await lab.submit(ask())

        async def was_looked_at() -> bool:
            return kaggle.calls("GetKernelSessionStatus") >= 8

        await until(was_looked_at)
        assert kaggle.calls("LogsStream") == 1
        assert (await lab.job(job.id)).status is JobStatus.RUNNING
