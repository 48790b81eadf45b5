"""Watching a run, stopping it and bringing its files, on a Kaggle that is late, deaf, away or restarted."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from kaggle_lab.emulator.testing import EmulatorProcess
from kaggle_lab.errors import JobBusy, JobFinished, KaggleLabError, NotFinished
from kaggle_lab.models import Change, Fetching, JobStatus, Progress, Reason, Retrieval

from .lab import ask, log_text, open_lab, until_status
from .support import until

COUNTING = "import time\nfor i in range({n}):\n    print('line', i, flush=True)\n    time.sleep({s})"


async def test_the_whole_story(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path) as lab:
        news: list[Change] = []
        lab.on_change.append(news.append)
        job, _ = await lab.submit(
            ask(tmp_path, "print('hello')", "open('model.bin', 'wb').write(b'x' * 1000)", accelerator="t4x2")
        )
        done = await lab.wait(job.id, until_retrieved=True)
        assert (done.status, done.retrieval, done.reason) == (
            JobStatus.COMPLETE,
            Retrieval.COMPLETE,
            Reason.NONE,
        )
        assert done.progress == Progress(2, 2, done=True)
        assert done.output_dir == "kaggle-output/my model/v1"
        assert (tmp_path / "work" / done.output_dir / "model.bin").read_bytes() == b"x" * 1000
        assert done.hardware.startswith("no GPU or TPU"), "the emulator pretends no GPU"
        assert done.started_at is not None
        assert done.ended_at is not None
        assert done.created_at <= done.started_at <= done.ended_at
        assert done.log_complete
        assert "hello" in await log_text(lab, job.id)
        assert not [text for text in await log_text(lab, job.id) if "::kaggle-lab::" in text]
        statuses = list(dict.fromkeys(change.status for change in news if change.job_id == job.id))
        assert statuses[-1] == "complete"
        quota = await lab.quota(refresh=True)
        assert quota.gpu is not None
        assert quota.gpu.used_s > 0


async def test_the_quota_follows_the_runs(emulator: EmulatorProcess, tmp_path: Path) -> None:
    """What a run reserves and uses shows without asking for it, however long a quota may be kept."""
    async with open_lab(emulator, tmp_path, quota_ttl_s=3600.0) as lab:
        before = (await lab.quota()).gpu
        job, _ = await lab.submit(ask(tmp_path, COUNTING.format(n=600, s=0.5), accelerator="t4x2"))
        await until_status(lab, job.id, JobStatus.RUNNING)
        meanwhile = (await lab.quota()).gpu
        await lab.stop(job.id)
        await lab.wait(job.id)
        after = (await lab.quota()).gpu
        assert before is not None
        assert meanwhile is not None
        assert after is not None
        assert (before.used_s, before.reserved_s, after.reserved_s) == (0, 0, 0)
        assert meanwhile.reserved_s > 0
        assert after.used_s > 0


async def test_a_failing_cell_is_named(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path) as lab:
        job, _ = await lab.submit(ask(tmp_path, "open('part.txt', 'w').write('so far')", "1 / 0", "print(3)"))
        done = await lab.wait(job.id, until_retrieved=True)
        assert (done.status, done.reason) == (JobStatus.ERROR, Reason.CELL_ERROR)
        assert done.message == "Code cell 2 failed: ZeroDivisionError: division by zero"
        assert done.progress == Progress(2, 3)
        assert (tmp_path / "work" / done.output_dir / "part.txt").read_text() == "so far"


async def test_the_time_cap_is_a_failure_with_its_reason(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path) as lab:
        job, _ = await lab.submit(ask(tmp_path, "import time\ntime.sleep(600)", time_cap_s=3))
        done = await lab.wait(job.id)
        assert (done.status, done.reason) == (JobStatus.ERROR, Reason.TIME_LIMIT)
        assert done.kaggle_word == "CANCEL_ACKNOWLEDGED"
        assert "max allowed execution duration" in done.message


async def test_stop_is_confirmed_by_kaggle(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path) as lab:
        job, _ = await lab.submit(ask(tmp_path, COUNTING.format(n=600, s=0.5)))
        await until_status(lab, job.id, JobStatus.RUNNING)
        stopping = await lab.stop(job.id)
        assert stopping.stop_requested_at is not None
        assert stopping.status is not JobStatus.CANCELLED, "never before Kaggle says so"
        done = await lab.wait(job.id)
        assert (done.status, done.reason) == (JobStatus.CANCELLED, Reason.STOPPED)
        assert done.kaggle_word == "CANCEL_ACKNOWLEDGED"
        (session,) = emulator.sessions()
        assert session["ended_at"]
        with pytest.raises(JobFinished):
            await lab.stop(job.id)


async def test_a_stop_that_cannot_be_asked_for_is_said(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path) as lab:
        job, _ = await lab.submit(ask(tmp_path, COUNTING.format(n=600, s=0.5)))
        await until_status(lab, job.id, JobStatus.RUNNING)
        emulator.fault("CancelKernelSession", status=500, count=1)
        with pytest.raises(KaggleLabError):
            await lab.stop(job.id)
        assert (await lab.job(job.id)).stop_requested_at is None
        assert (await lab.job(job.id)).status is JobStatus.RUNNING
        await lab.stop(job.id)
        assert (await lab.wait(job.id)).status is JobStatus.CANCELLED


async def test_stop_from_another_process_is_seen(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path, poll_running_s=60.0) as server:
        job, _ = await server.submit(ask(tmp_path, COUNTING.format(n=600, s=0.5)))
        await until_status(server, job.id, JobStatus.RUNNING)
        async with open_lab(emulator, tmp_path, watch=False) as command_line:
            await command_line.stop(job.id)
        assert (await server.wait(job.id)).status is JobStatus.CANCELLED


async def test_the_log_is_whole_and_once_over_many_connections(
    emulator: EmulatorProcess, tmp_path: Path
) -> None:
    for events in (2, 3, 5):
        emulator.fault("LogsStream", drop_after_events=events)
    async with open_lab(emulator, tmp_path) as lab:
        job, _ = await lab.submit(ask(tmp_path, COUNTING.format(n=8, s=0.05) + "\nprint('Grüße, 世界')"))
        await lab.wait(job.id)
        lines = [text for text in await log_text(lab, job.id) if text.startswith(("line", "Gr"))]
        assert lines == [f"line {i}" for i in range(8)] + ["Grüße, 世界"]
    assert [row["status"] for row in emulator.requests("LogsStream")] == [499, 499, 499, 200]


async def test_a_restart_picks_everything_up(emulator: EmulatorProcess, tmp_path: Path) -> None:
    """The Jupyter server goes while the run goes on; the next one has the whole log and the files."""
    async with open_lab(emulator, tmp_path) as lab:
        job, _ = await lab.submit(ask(tmp_path, COUNTING.format(n=20, s=0.1), "open('m', 'w').write('1')"))
        await until_status(lab, job.id, JobStatus.RUNNING)
    async with open_lab(emulator, tmp_path) as lab:
        done = await lab.wait(job.id, until_retrieved=True)
        assert (done.status, done.retrieval) == (JobStatus.COMPLETE, Retrieval.COMPLETE)
        assert [text for text in await log_text(lab, job.id) if text.startswith("line")] == [
            f"line {i}" for i in range(20)
        ]


async def test_ended_while_nobody_looked(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path, watch=False) as lab:
        job, _ = await lab.submit(ask(tmp_path, "print('alone')"))
    await asyncio.to_thread(emulator.wait_for_sessions)
    async with open_lab(emulator, tmp_path) as lab:
        done = await lab.wait(job.id, until_retrieved=True)
        assert done.status is JobStatus.COMPLETE
        assert "alone" in await log_text(lab, job.id)
        assert done.started_at is not None
        assert done.ended_at is not None
        assert done.ended_at < done.last_heard_at, "the run ended before we heard of it"


async def test_kaggle_away_is_not_a_failed_run(emulator: EmulatorProcess, tmp_path: Path) -> None:
    """The emulator is killed in mid-run and started again: the trouble is told, then the run goes on."""
    async with open_lab(emulator, tmp_path) as lab:
        job, _ = await lab.submit(ask(tmp_path, COUNTING.format(n=30, s=0.1)))
        await until_status(lab, job.id, JobStatus.RUNNING)
        emulator.kill()

        async def is_troubled() -> bool:
            return bool((await lab.job(job.id)).trouble)

        await until(is_troubled, what="trouble told")
        troubled = await lab.job(job.id)
        assert troubled.status is JobStatus.RUNNING
        assert troubled.last_heard_at is not None
        emulator.start()
        done = await lab.wait(job.id, until_retrieved=True)
        assert (done.status, done.trouble) == (JobStatus.COMPLETE, "")
        assert [text for text in await log_text(lab, job.id) if text.startswith("line")] == [
            f"line {i}" for i in range(30)
        ]


@pytest.mark.parametrize(
    "rule",
    [
        {"status": 429, "retry_after": "1"},
        {"status": 429},
        {"status": 429, "envelope": "html"},
        {"status": 500},
        {"status": 503, "envelope": "html"},
        {"status": 200, "envelope": "html"},
        {"status": 404},
        {"drop": "before"},
    ],
    ids=lambda rule: "-".join(str(value) for value in rule.values()),
)
async def test_odd_answers_to_the_status_change_nothing(
    emulator: EmulatorProcess, tmp_path: Path, rule: dict[str, object]
) -> None:
    async with open_lab(emulator, tmp_path) as lab:
        emulator.fault("GetKernelSessionStatus", count=2, **rule)
        job, _ = await lab.submit(ask(tmp_path))
        done = await lab.wait(job.id)
        assert (done.status, done.trouble) == (JobStatus.COMPLETE, "")
        assert JobStatus.ERROR not in [entry.status for entry in await lab.history(job.id)]


@pytest.mark.parametrize("mode", ["missing", "stale"])
async def test_the_moment_after_a_push(emulator: EmulatorProcess, tmp_path: Path, mode: str) -> None:
    """Right after a push Kaggle shows nothing, or the version before: neither is taken for the run's end."""
    emulator.settings(post_push_window_s=2.0, post_push_mode=mode)
    async with open_lab(emulator, tmp_path) as lab:
        first, _ = await lab.submit(ask(tmp_path, "1 / 0"))
        await lab.wait(first.id)
        second, _ = await lab.submit(ask(tmp_path, "print('fine')"))
        assert (await lab.wait(second.id)).status is JobStatus.COMPLETE
        assert (await lab.job(first.id)).status is JobStatus.ERROR


async def test_deleted_on_kaggle(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path) as lab:
        job, _ = await lab.submit(ask(tmp_path, COUNTING.format(n=600, s=0.5)))
        await until_status(lab, job.id, JobStatus.RUNNING)
        await delete_kernel(emulator, "my-model")
        done = await lab.wait(job.id)
        assert (done.status, done.reason) == (JobStatus.ERROR, Reason.GONE)
        assert "deleted" in done.message


async def delete_kernel(emulator: EmulatorProcess, slug: str) -> None:
    """As the user would on kaggle.com."""
    import httpx

    body = {"userName": emulator.username, "kernelSlug": slug}
    url = f"{emulator.url}/api/v1/kernels.KernelsApiService/DeleteKernel"
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(url, json=body, auth=(emulator.username, emulator.key))
    assert answer.status_code == 200, answer.text


async def test_files_only_when_asked_for(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path, retrieve="ask") as lab:
        job, _ = await lab.submit(ask(tmp_path, "for n in 'ab': open(n, 'w').write(n)"))
        with pytest.raises(NotFinished):
            await lab.retrieve(job.id)
        with pytest.raises(JobBusy):
            await lab.remove(job.id)
        done = await lab.wait(job.id, until_retrieved=True)
        assert done.retrieval is Retrieval.NONE
        listed = await lab.outputs(job.id)
        assert [(file.name, file.size) for file in listed.files] == [("a", None), ("b", None)] or [
            (file.name, file.size) for file in listed.files
        ] == [("a", 1), ("b", 1)]
        assert not (tmp_path / "work" / "kaggle-output").exists()
        await lab.retrieve(job.id, ["b"], "here")
        await lab.wait(job.id, until_retrieved=True)
        assert (tmp_path / "work" / "here" / "b").read_text() == "b"
        assert not (tmp_path / "work" / "here" / "a").exists()
        await lab.remove(job.id)
        assert (await lab.jobs()).total == 0
        assert (tmp_path / "work" / "here" / "b").exists(), "removing a run removes no file"


async def test_what_was_asked_for_holds_for_whichever_process_follows(
    emulator: EmulatorProcess, tmp_path: Path
) -> None:
    """One submits and asks, as the command line does; the other one follows, as the server does."""
    elsewhere = tmp_path / "elsewhere"
    sources = ("open('a.bin', 'wb').write(b'a')", "open('b.bin', 'wb').write(b'b')")
    async with (
        open_lab(emulator, tmp_path, watch=False) as asking,
        open_lab(emulator, tmp_path) as following,
    ):
        left, _ = await asking.submit(ask(tmp_path, *sources, retrieve=Fetching.NEVER))
        sent, _ = await asking.submit(
            ask(tmp_path, *sources, name="other.ipynb", output_dir=str(elsewhere), retrieve=Fetching.AUTO)
        )
        assert (await following.wait(left.id)).retrieval is Retrieval.NONE
        await following.wait(sent.id, until_retrieved=True)
        assert sorted(path.name for path in elsewhere.glob("*.bin")) == ["a.bin", "b.bin"]

        await asking._retriever.ask(left.id, ["b.bin"], None)
        picked = await following.wait(left.id, until_retrieved=True)
        folder = tmp_path / "work" / picked.output_dir
        assert [path.name for path in folder.glob("*.bin")] == ["b.bin"]
        assert picked.files_wanted == ()


async def test_a_file_asked_for_while_others_come_is_not_forgotten(
    emulator: EmulatorProcess, tmp_path: Path
) -> None:
    emulator.settings(download_latency_s=0.5)
    sources = [f"open('{name}.bin', 'wb').write(b'{name}')" for name in "ab"]
    async with open_lab(emulator, tmp_path, retrieve="ask") as lab:
        job, _ = await lab.submit(ask(tmp_path, *sources))
        await lab.wait(job.id)
        await lab.retrieve(job.id)

        async def is_coming() -> bool:
            return (await lab.job(job.id)).retrieval is Retrieval.RUNNING

        await until(is_coming)
        await lab.retrieve(job.id, ["b.bin"], "picked")
        done = await lab.wait(job.id, until_retrieved=True)
        assert (tmp_path / "work/picked/b.bin").read_bytes() == b"b"
        assert done.retrieval is Retrieval.COMPLETE
        assert done.output_dir == "kaggle-output/my model/v1", "where the others are"


@pytest.mark.parametrize(("names", "folder"), [(None, "../x"), ([], None)])
async def test_what_cannot_be_retrieved_is_refused_and_spoils_nothing(
    emulator: EmulatorProcess, tmp_path: Path, names: list[str] | None, folder: str | None
) -> None:
    async with open_lab(emulator, tmp_path, retrieve="ask") as lab:
        job, _ = await lab.submit(ask(tmp_path, "open('a.bin', 'wb').write(b'a')"))
        await lab.wait(job.id)
        with pytest.raises(KaggleLabError):
            await lab.retrieve(job.id, names, folder)
        await lab.retrieve(job.id)
        assert (await lab.wait(job.id, until_retrieved=True)).retrieval is Retrieval.COMPLETE


async def test_an_interrupted_retrieval_goes_on(emulator: EmulatorProcess, tmp_path: Path) -> None:
    source = "open('big', 'wb').write(bytes(range(256)) * 40_000)"
    async with open_lab(emulator, tmp_path) as lab:
        job, _ = await lab.submit(ask(tmp_path, source))
        emulator.settings(download_rate_bytes_s=2_000_000)

        async def is_receiving() -> bool:
            return (await lab.job(job.id)).retrieval is Retrieval.RUNNING

        await until(is_receiving)
    emulator.settings(download_rate_bytes_s=0)
    async with open_lab(emulator, tmp_path) as lab:
        done = await lab.wait(job.id, until_retrieved=True)
        assert done.retrieval is Retrieval.COMPLETE
        folder = tmp_path / "work" / done.output_dir
        assert (folder / "big").read_bytes() == bytes(range(256)) * 40_000
        assert sorted(path.name for path in folder.iterdir()) == ["big", "kaggle-lab-manifest.json"]
        manifest = json.loads((folder / "kaggle-lab-manifest.json").read_text())
        assert [file["name"] for file in manifest["files"]] == ["big"]


async def test_silent_when_nothing_runs(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path) as lab:
        job, _ = await lab.submit(ask(tmp_path))
        await lab.wait(job.id, until_retrieved=True)

        async def is_at_rest() -> bool:
            return not lab._monitor._followers

        await until(is_at_rest)
        before = len(emulator.requests())
        marks: list[Change] = []
        lab.on_change.append(marks.append)
        for n in range(3):  # three looks at the store, told by a change each
            await lab._store.edit(job.id, message=f"look {n}")
            await until(lambda n=n: _has(marks, n + 1))
        assert len(emulator.requests()) == before


async def _has(marks: list[Change], count: int) -> bool:
    return len(marks) >= count


async def test_a_log_without_end_is_kept_to_a_length(emulator: EmulatorProcess, tmp_path: Path) -> None:
    async with open_lab(emulator, tmp_path, log_lines_kept=5) as lab:
        job, _ = await lab.submit(ask(tmp_path, COUNTING.format(n=12, s=0.05)))
        done = await lab.wait(job.id)
        lines = await log_text(lab, job.id)
        assert lines[:5] == [f"line {i}" for i in range(5)]
        assert len(lines) == 6
        assert "keeps no more lines" in lines[5]
        assert done.status is JobStatus.COMPLETE
        assert done.log_complete
