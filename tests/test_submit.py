"""From the click to the version on Kaggle: what is sent, once, whatever breaks on the way."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from kaggle_lab.emulator.testing import EmulatorProcess
from kaggle_lab.errors import KaggleUnreachable, TitleTaken
from kaggle_lab.manager import SubmitRequest
from kaggle_lab.models import JobStatus, Profile, Reason, Sources

from .lab import CALM, ask, log_text, open_lab, until_status
from .support import make_notebook, until


async def test_what_is_on_screen_runs_and_the_file_stays(emulator: EmulatorProcess, tmp_path: Path) -> None:
    """Unsaved edits are sent, the file keeps every byte, also with a kernel Kaggle does not have."""
    async with open_lab(emulator, tmp_path) as lab:
        request = ask(tmp_path, "print('saved')")
        path = tmp_path / "work" / "my model.ipynb"
        before = path.read_bytes()
        screen = make_notebook(
            "print('on ' + 'screen')", kernelspec={"name": "my-env", "display_name": "Mine"}
        )
        text = json.dumps(screen)
        job, created = await lab.submit(SubmitRequest(request.notebook_path, content=text))
        assert created
        assert job.status is JobStatus.QUEUED
        assert str(job.ref) == "learner/my-model"
        await until_status(lab, job.id, JobStatus.COMPLETE)
        assert "on screen" in await log_text(lab, job.id)
        assert path.read_bytes() == before
        assert await lab.snapshot(job.id) == text


async def test_a_double_click_is_one_run(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path) as lab:
        request = ask(tmp_path, client_token="one click")
        both = await asyncio.gather(lab.submit(request), lab.submit(request))
        assert sorted(created for _, created in both) == [False, True]
        assert both[0][0].id == both[1][0].id
        again, created = await lab.submit(request)
        assert not created
        assert again.id == both[0][0].id
        assert len(emulator.requests("SaveKernel")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"drop": "after"},
        {"status": 500, "after_work": True},
        {"status": 502, "envelope": "html", "after_work": True},
        {"status": 200, "envelope": "html", "after_work": True},
    ],
    ids=["cut", "500", "502-html", "200-html"],
)
async def test_a_lost_answer_is_found_by_reading(
    emulator: EmulatorProcess, tmp_path: Path, fault: dict[str, object]
) -> None:
    """Kaggle took the push and its answer was lost: the version is adopted, nothing is sent again."""
    emulator.fault("SaveKernel", **fault)
    async with open_lab(emulator, tmp_path) as lab:
        job, _ = await lab.submit(ask(tmp_path))
        assert job.status is JobStatus.SUBMITTING
        done = await until_status(lab, job.id, JobStatus.COMPLETE)
        assert done.version == 1
        assert "lost" in " ".join(entry.note for entry in await lab.history(job.id))
    assert len(emulator.requests("SaveKernel")) == 1
    assert len(emulator.sessions()) == 1


async def test_a_push_that_never_arrived_is_said_so(emulator: EmulatorProcess, tmp_path: Path) -> None:
    emulator.fault("SaveKernel", drop="before")
    async with open_lab(emulator, tmp_path) as lab:
        job, _ = await lab.submit(ask(tmp_path))
        assert job.status is JobStatus.SUBMITTING
        done = await until_status(lab, job.id, JobStatus.REJECTED)
        assert done.reason is Reason.NOT_RECEIVED
        assert "Run it again" in done.remedy
    assert len(emulator.requests("SaveKernel")) == 1
    assert emulator.sessions() == []


async def test_a_lost_answer_behind_a_newer_version(emulator: EmulatorProcess, tmp_path: Path) -> None:
    """The one whose answer was lost is version 1; another push makes version 2 before it is looked for."""
    async with open_lab(emulator, tmp_path, watch=False) as lab:
        emulator.fault("SaveKernel", drop="after")
        lost, _ = await lab.submit(ask(tmp_path))
        other, _ = await lab.submit(ask(tmp_path))
        assert (lost.status, other.version) == (JobStatus.SUBMITTING, 2)
        await lab.start_watching()
        assert (await until_status(lab, lost.id, JobStatus.COMPLETE)).version == 1
        assert (await until_status(lab, other.id, JobStatus.COMPLETE)).version == 2


async def test_kaggle_away_before_the_push(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path) as lab:
        await lab.account()
        emulator.stop()
        with pytest.raises(KaggleUnreachable) as caught:
            await lab.submit(ask(tmp_path, client_token="click"))
        assert "Runs go on" in caught.value.remedy
        emulator.start()
        job, created = await lab.submit(ask(tmp_path, client_token="click"))
        assert created
        await until_status(lab, job.id, JobStatus.COMPLETE)
    assert len(emulator.sessions()) == 1


CRASHING = """
    import asyncio, sys
    from pathlib import Path
    from kaggle_lab.config import Config
    from kaggle_lab.manager import Manager, SubmitRequest

    async def main():
        folder = Path(sys.argv[1])
        config = Config(endpoint=sys.argv[2], data_dir=str(folder / "lab"))
        manager = await Manager.open(config, folder / "work", watch=True)
        await manager.submit(SubmitRequest("my model.ipynb", client_token="the click"))

    asyncio.run(main())
"""


async def test_killed_between_push_and_answer(emulator: EmulatorProcess, tmp_path: Path) -> None:
    """kill -9 while Kaggle works on the push: the next process finds the run, and there is one run."""
    request = ask(tmp_path, client_token="the click")
    emulator.fault("SaveKernel", delay_s=1.0)
    command = [sys.executable, "-c", textwrap.dedent(CRASHING), str(tmp_path), emulator.url]
    process = await asyncio.create_subprocess_exec(*command)

    async def is_sending() -> bool:
        if not (tmp_path / "lab" / "kaggle-lab.sqlite").exists():
            return False
        async with open_lab(emulator, tmp_path, watch=False) as lab:
            return any(job.submitted_at for job in (await lab.jobs()).jobs)

    await until(is_sending)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await until(lambda: asyncio.to_thread(emulator.sessions))
    async with open_lab(emulator, tmp_path, lease_s=1.0, watch=False) as lab:
        (job,) = (await lab.jobs()).jobs
        assert job.status is JobStatus.SUBMITTING
        await lab._store._run(lambda: lab._store._db._db.execute("UPDATE job SET lease_until = 0"))
        await lab.start_watching()
        assert (await until_status(lab, job.id, JobStatus.COMPLETE)).version == 1
        same, created = await lab.submit(request)
        assert (same.id, created) == (job.id, False)
    assert len(emulator.sessions()) == 1


async def test_two_servers_on_one_store(emulator: EmulatorProcess, tmp_path: Path) -> None:
    """Both watch; the run is followed by one of them, each line and each step is there once."""
    async with open_lab(emulator, tmp_path) as one, open_lab(emulator, tmp_path) as other:
        job, _ = await one.submit(ask(tmp_path, "for i in range(5): print('line', i)"))
        done = await other.wait(job.id, until_retrieved=True)
        assert done.status is JobStatus.COMPLETE
        assert [text for text in await log_text(one, job.id) if text.startswith("line")] == [
            f"line {i}" for i in range(5)
        ]
        steps = [entry.status for entry in await one.history(job.id)]
        assert steps == sorted(set(steps), key=steps.index)
        assert "(2)" not in " ".join(file.path for file in (await one.outputs(job.id)).files)
    assert len(emulator.requests("SaveKernel")) == 1


async def test_same_names_in_two_folders_are_two_notebooks(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path) as lab:
        first, _ = await lab.submit(ask(tmp_path, name="a/Untitled.ipynb"))
        second, _ = await lab.submit(ask(tmp_path, name="b/Untitled.ipynb"))
        again, _ = await lab.submit(ask(tmp_path, name="a/Untitled.ipynb"))
        assert first.ref != second.ref
        assert (again.ref, again.version) == (first.ref, 2)
        for job in (first, second, again):
            await until_status(lab, job.id, JobStatus.COMPLETE)


async def test_a_notebook_of_somebody_elses_making_is_not_overwritten(
    emulator: EmulatorProcess, tmp_path: Path
) -> None:
    """The account has a notebook of this title made elsewhere: refused, until the user says add a version."""
    home = tmp_path / "cli"
    (home / "nb").mkdir(parents=True)
    (home / "nb" / "mine.ipynb").write_text(json.dumps(make_notebook("print('made on the web')")))
    facts = {"id": "learner/my-model", "title": "my model", "code_file": "mine.ipynb"}
    facts |= {"language": "python", "kernel_type": "notebook", "is_private": "true"}
    (home / "nb" / "kernel-metadata.json").write_text(json.dumps(facts))
    push = [str(Path(sys.executable).parent / "kaggle"), "kernels", "push", "-p", str(home / "nb")]
    environment = emulator.client_environment(home)
    done = await asyncio.to_thread(subprocess.run, push, env=environment, capture_output=True, text=True)
    assert "successfully pushed" in done.stdout, done
    async with open_lab(emulator, tmp_path) as lab:
        with pytest.raises(TitleTaken) as caught:
            await lab.submit(ask(tmp_path, title="my model"))
        assert caught.value.data["ref"] == "learner/my-model"
        preview = await lab.preview(ask(tmp_path, title="my model"))
        assert [problem["code"] for problem in preview.problems] == ["title_taken"]
        assert (await lab.preview(ask(tmp_path))).title.startswith("my model ")
        job, _ = await lab.submit(ask(tmp_path, title="my model", add_version=True))
        assert job.version == 2
        await until_status(lab, job.id, JobStatus.COMPLETE)
        later, _ = await lab.submit(ask(tmp_path))
        assert (str(later.ref), later.version) == ("learner/my-model", 3)


async def test_a_full_house_makes_the_run_wait(emulator: EmulatorProcess, tmp_path: Path) -> None:
    emulator.settings(max_cpu_sessions=1)
    async with open_lab(emulator, tmp_path) as lab:
        long, _ = await lab.submit(ask(tmp_path, "import time\ntime.sleep(600)"))
        second, _ = await lab.submit(ask(tmp_path, name="second.ipynb"))
        assert (second.status, second.reason) == (JobStatus.WAITING, Reason.SESSION_CAP)
        assert "Maximum batch CPU session count of 1 reached" in second.message
        await until_status(lab, long.id, JobStatus.RUNNING)
        await lab.stop(long.id)
        done = await until_status(lab, second.id, JobStatus.COMPLETE)
        assert (done.version, done.message) == (1, "")


async def test_a_waiting_run_can_be_taken_out(emulator: EmulatorProcess, tmp_path: Path) -> None:
    emulator.settings(max_cpu_sessions=0)
    async with open_lab(emulator, tmp_path) as lab:
        job, _ = await lab.submit(ask(tmp_path))
        assert job.status is JobStatus.WAITING
        stopped = await lab.stop(job.id)
        assert (stopped.status, stopped.reason) == (JobStatus.CANCELLED, Reason.STOPPED)
    assert emulator.sessions() == []


async def test_choices_are_remembered_for_the_notebook(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path) as lab:
        assert not (await lab.profile("my model.ipynb")).confirmed
        first, _ = await lab.submit(
            ask(tmp_path, accelerator="GPU T4 x2", title="Digits by night", internet=False, time_cap_s=600)
        )
        profile = await lab.profile("my model.ipynb")
        assert profile == Profile(
            "my model.ipynb", "t4x2", "Digits by night", "learner/digits-by-night", False, True, 600, True
        )
        second, _ = await lab.submit(ask(tmp_path))
        assert (second.machine_shape, second.internet, second.time_cap_s) == ("NvidiaTeslaT4", False, 600)
        assert (second.ref, second.version) == (first.ref, 2)
        third, _ = await lab.submit(ask(tmp_path, accelerator="tpu-v5e-8", time_cap_s=0))
        assert third.time_cap_s == 9 * 3600
        assert (await lab.profile("my model.ipynb")).time_cap_s is None, "as long as Kaggle allows"
        other = await lab.profile("other.ipynb")
        assert (other.accelerator, other.confirmed) == ("none", False)


async def test_the_notebooks_own_settings_are_read(emulator: EmulatorProcess, tmp_path: Path) -> None:
    """``metadata.kaggle`` as Kaggle's editor writes it decides, until the user has."""
    kaggle = {"accelerator": "tpuV5e8", "isInternetEnabled": False, "isGpuEnabled": False}
    kaggle["dataSources"] = [{"sourceType": "datasetVersion", "sourceId": 123, "datasetId": 4}]
    async with open_lab(emulator, tmp_path) as lab:
        text = json.dumps(make_notebook("print(1)", kaggle=kaggle))
        preview = await lab.preview(SubmitRequest("own.ipynb", content=text))
        assert (preview.accelerator, preview.internet) == ("tpu-v5e-8", False)
        assert "1 of the notebook's data sources" in preview.warnings[0]


async def test_saving_without_running(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path) as lab:
        job, _ = await lab.submit(ask(tmp_path, save_only=True, accelerator="t4x2"))
        assert (job.status, job.version) == (JobStatus.SAVED, 1)
        assert emulator.sessions() == []
        assert (await lab.jobs(active=True)).jobs == ()
        assert (await lab.outputs(job.id)).files == ()


async def test_only_chosen_cells_run(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path) as lab:
        job, _ = await lab.submit(ask(tmp_path, "print('first')", "print('second')", cells=[1]))
        await until_status(lab, job.id, JobStatus.COMPLETE)
        text = await log_text(lab, job.id)
        assert "second" in text
        assert "first" not in text


def test_the_quick_intervals_are_still_settings() -> None:
    """The tests' world is made of the product's own settings."""
    from kaggle_lab.config import Config

    assert Config(**CALM).poll_queued_s < Config().poll_queued_s


async def test_what_is_attached_stays_attached(emulator: EmulatorProcess, tmp_path: Path) -> None:
    """A push replaces all inputs: those of the last version are sent again, unless others are named."""
    async with open_lab(emulator, tmp_path) as lab:
        first, _ = await lab.submit(ask(tmp_path, "open('data.csv', 'w').write('1')", name="source.ipynb"))
        await until_status(lab, first.id, JobStatus.COMPLETE)
        kernels = Sources(kernels=(str(first.ref),), datasets=("ada/no-such-data",), models=("a/b/c/d/1",))
        second, _ = await lab.submit(ask(tmp_path, sources=kernels))
        assert [warning for warning in second.warnings if "ada/no-such-data" in warning]
        assert [warning for warning in second.warnings if "a/b/c/d/1" in warning]
        again, _ = await lab.submit(ask(tmp_path))
        assert again.sources == Sources(kernels=(str(first.ref),))
        none, _ = await lab.submit(ask(tmp_path, sources=Sources()))
        assert none.sources == Sources()


async def test_running_again_sends_what_was_sent(emulator: EmulatorProcess, tmp_path: Path) -> None:
    """A part of a notebook, and a notebook of another workspace that is gone by now."""
    cell = json.dumps(make_notebook("print('only this cell')"))
    (tmp_path / "other").mkdir()
    async with open_lab(emulator, tmp_path / "other", data_dir=str(tmp_path / "lab")) as other:
        part, _ = await other.submit(
            ask(
                tmp_path / "other",
                "print('all')",
                content=cell,
                partial=True,
                title="Only a cell",
                remember=False,
            )
        )
        await until_status(other, part.id, JobStatus.COMPLETE)
    async with open_lab(emulator, tmp_path) as lab:
        seen = await lab.job(part.id)
        assert (seen.root, seen.partial) == (str(tmp_path / "other" / "work"), True)
        request = SubmitRequest("ignored.ipynb", again=part.id, title=part.title, remember=False)
        again, _ = await lab.submit(request)
        await until_status(lab, again.id, JobStatus.COMPLETE)
        assert (again.version, again.partial) == (2, True)
        assert (again.root, part.root) == ("", ""), "shown in its own workspace"
        source = json.loads(lab._snapshots.source(again.id))
        assert [cell["source"] for cell in source["cells"][1:]] == ["print('only this cell')"]
        assert not (await lab.profile(again.notebook_path)).confirmed
