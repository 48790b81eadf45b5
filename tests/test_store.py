"""The store: every change in SQLite, once, by the transition table, whatever happens around it."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import textwrap
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaggle_lab.errors import NoSuchJob, StoreTrouble
from kaggle_lab.models import (
    FINISHED,
    TRANSITIONS,
    Endpoint,
    EndpointKind,
    Fetching,
    FileState,
    Job,
    JobStatus,
    KernelRef,
    OutputFile,
    Profile,
    Progress,
    Reason,
    Sources,
    utc_now,
)
from kaggle_lab.store import Store

HERE = Endpoint(EndpointKind.EMULATOR, "http://127.0.0.1:1")


def a_job(**fields: object) -> Job:
    now = utc_now()
    values = {
        "id": "a1", "client_token": "click", "notebook_path": "b/n.ipynb", "title": "N", "endpoint": HERE,
        "status": JobStatus.SUBMITTING, "account": "ada", "created_at": now, "accelerator": "none",
    }  # fmt: skip
    return Job(**{**values, **fields})  # type: ignore[arg-type]


async def test_a_job_comes_back_as_it_was_put(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "s.sqlite")
    job = a_job(
        ref=KernelRef("ada", "n"), sources=Sources(datasets=("a/b",)), progress=Progress(1, 2, True),
        warnings=("É", "二"), reason=Reason.QUOTA, started_at=utc_now().replace(microsecond=5000),
        created_at=utc_now().replace(microsecond=0), time_cap_s=60, root="/w", private=False,
    )  # fmt: skip
    await store.add(job)
    assert replace(await store.get("a1"), seq=0) == job
    await store.close()
    again = await Store.open(tmp_path / "s.sqlite")
    assert replace(await again.get("a1"), seq=0) == job
    await again.close()


async def test_the_same_click_makes_one_job(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "s.sqlite")
    first, made = await store.add(a_job())
    second, made_again = await store.add(a_job(id="b2"))
    assert (made, made_again) == (True, False)
    assert second == first
    assert await store.count() == 1
    await store.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(list(JobStatus)), max_size=12))
def test_only_the_table_moves_a_job(tmp_path: Path, steps: list[JobStatus]) -> None:
    """Whatever is asked in whatever order: every step taken is in the table, every step is in the history."""

    async def walk() -> None:
        path = tmp_path / f"{uuid4().hex}.sqlite"
        store = await Store.open(path)
        await store.add(a_job())
        at = JobStatus.SUBMITTING
        for wanted in steps:
            moved = await store.move("a1", wanted)
            allowed = wanted is at or wanted in TRANSITIONS[at]
            assert moved.status is (wanted if allowed else at)
            at = moved.status
        told = [entry.status for entry in await store.history("a1")]
        for before, after in pairwise(told):
            assert after is before or after in TRANSITIONS[before]
        assert told[-1] is at
        await store.close()

    asyncio.run(walk())


def test_no_way_leads_out_of_an_end() -> None:
    assert all(not TRANSITIONS[status] for status in FINISHED)
    assert set(TRANSITIONS) == set(JobStatus)


async def test_a_status_is_not_edited(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "s.sqlite")
    await store.add(a_job())
    with pytest.raises(ValueError, match="move"):
        await store.edit("a1", status=JobStatus.COMPLETE)
    assert (await store.get("a1")).status is JobStatus.SUBMITTING
    await store.close()


async def test_a_refused_move_changes_nothing_but_is_recorded(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "s.sqlite")
    await store.add(a_job())
    await store.move("a1", JobStatus.COMPLETE, word="COMPLETE")
    after = await store.move("a1", JobStatus.RUNNING, word="RUNNING", message="never")
    assert (after.status, after.message) == (JobStatus.COMPLETE, "")
    assert "refused: complete to running" in (await store.history("a1"))[-1].note
    await store.close()


async def test_records_of_the_log_count_once(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "s.sqlite")
    await store.add(a_job())
    await store.append_log("a1", 0, 2, [("stdout", 0.1, "one"), ("stderr", 0.2, "two")])
    await store.append_log("a1", 0, 2, [("stdout", 0.1, "one"), ("stderr", 0.2, "two")])
    job = await store.append_log("a1", 2, 3, [("stdout", 0.3, "three")])
    lines = await store.log("a1", -1, 100)
    assert [line.text for line in lines] == ["one", "two", "three"]
    assert [line.n for line in lines] == [0, 1, 2]
    assert (job.log_count, job.log_next, job.last_line) == (3, 5, "three")
    assert [line.text for line in await store.log("a1", 0, 1)] == ["two"]
    await store.close()


async def test_changes_are_found_after_a_cursor(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "s.sqlite")
    for n in range(3):
        await store.add(a_job(id=f"a{n}", client_token=f"t{n}"))
    _, _, seq = await store.changed(0)
    await store.edit("a1", trouble="no network")
    await store.edit("a1", trouble="no network")
    await store.remove("a2")
    jobs, removed, now = await store.changed(seq)
    assert [job.id for job in jobs] == ["a1"]
    assert removed == ["a2"]
    assert now == seq + 2  # an edit that changes nothing is no change
    assert await store.changed(now) == ([], [], now)
    await store.close()


async def test_pages_go_back_in_time(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "s.sqlite")
    same = utc_now()
    for n in range(5):
        await store.add(a_job(id=f"a{n}", client_token=f"t{n}", created_at=same))
    first = await store.page(limit=2)
    rest = await store.page(limit=10, before=first[-1].id)
    assert [job.id for job in (*first, *rest)] == ["a4", "a3", "a2", "a1", "a0"]
    await store.close()


async def test_one_process_at_a_time_follows_a_job(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "s.sqlite")
    await store.add(a_job(), "", "me", 30)
    assert not await store.claim("a1", "you", 30)
    assert await store.claim("a1", "me", 30)
    await store.release("a1", "you")
    assert not await store.claim("a1", "you", 30)
    await store.release("a1", "me")
    assert await store.claim("a1", "you", 0)
    assert await store.claim("a1", "you", -1)
    assert await store.claim("a1", "me", 30), "a lease that ran out is free"
    await store.close()


async def test_files_and_profiles(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "s.sqlite")
    await store.add(a_job())
    await store.put_files("a1", [OutputFile("b", 1, FileState.LISTED), OutputFile("a", None, FileState.DONE)])
    await store.put_files("a1", [OutputFile("b", 1, FileState.DONE, 1, "x/b", "00")])
    assert [(file.name, file.state) for file in await store.files("a1")] == [
        ("a", FileState.DONE),
        ("b", FileState.DONE),
    ]
    assert await store.profile(HERE, "/n") is None
    profile = Profile("/n", "t4x2", "N", "ada/n", False, True, 60, True)
    await store.put_profile(HERE, profile)
    assert await store.profile(HERE, "/n") == profile
    assert await store.profile(Endpoint(EndpointKind.KAGGLE), "/n") is None
    await store.close()


async def test_removing_takes_the_log_along(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "s.sqlite")
    await store.add(a_job())
    await store.append_log("a1", 0, 1, [("stdout", 0.1, "one")])
    await store.remove("a1")
    with pytest.raises(NoSuchJob):
        await store.get("a1")
    with pytest.raises(NoSuchJob):
        await store.remove("a1")
    assert await store.log("a1", -1, 10) == []
    await store.close()


async def test_a_beginning_finds_one_job(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "s.sqlite")
    await store.add(a_job(id="abc1", client_token="1"))
    await store.add(a_job(id="abd1", client_token="2"))
    assert (await store.find("abc")).id == "abc1"
    for text in ("ab", "zz", "%", ""):
        with pytest.raises(NoSuchJob):
            await store.find(text)
    await store.close()


async def test_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    await (await Store.open(path)).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreTrouble, match="newer") as caught:
        await Store.open(path)
    assert "Update" in caught.value.remedy
    assert path.read_bytes() == before


async def test_what_is_no_store_is_said_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(StoreTrouble, match="cannot be opened"):
        await Store.open(path)
    assert path.read_bytes().startswith(b"this is not")


WRITER = """
    import asyncio, sys
    from pathlib import Path
    from kaggle_lab.models import JobStatus
    from kaggle_lab.store import Store

    async def main():
        store = await Store.open(Path(sys.argv[1]))
        for n in range(200):
            await store.append_log("a1", n * 5, 5, [("stdout", 0.0, f"{n * 5 + i}") for i in range(5)])
        for status in ("queued", "running", "complete"):
            await store.move("a1", JobStatus(status), word=status)
        await store.close()

    asyncio.run(main())
"""


async def test_two_processes_on_one_store_do_no_harm(tmp_path: Path) -> None:
    """Both write the same 1,000 lines and the same transitions at once: each is there once."""
    path = tmp_path / "s.sqlite"
    store = await Store.open(path)
    await store.add(a_job())
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(path)]
    both = [await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE) for _ in range(2)]
    for process in both:
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
    assert [line.text for line in await store.log("a1", -1, 5000)] == [str(n) for n in range(1000)]
    job = await store.get("a1")
    assert (job.status, job.log_count) == (JobStatus.COMPLETE, 1000)
    moves = [entry.status for entry in await store.history("a1") if "refused" not in entry.note]
    assert moves == [JobStatus.SUBMITTING, JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.COMPLETE]
    await store.close()


async def test_a_store_of_the_first_format_is_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    store = await Store.open(path)
    await store.add(a_job())
    await store.close()
    with contextlib.closing(sqlite3.connect(path)) as old:
        for column in ("retrieve", "files_wanted", "folder_wanted", "partial"):
            old.execute(f"ALTER TABLE job DROP COLUMN {column}")
        old.execute("DROP INDEX removed_by_token")
        old.execute("ALTER TABLE removed DROP COLUMN client_token")
        old.execute("PRAGMA user_version = 1")
        old.commit()
    store = await Store.open(path)
    job = await store.get("a1")
    assert (job.retrieve, job.files_wanted, job.folder_wanted) == (Fetching.AS_SET, (), "")
    await store.close()


async def test_the_click_of_a_removed_run_makes_no_other(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "s.sqlite")
    await store.add(a_job(status=JobStatus.COMPLETE))
    await store.remove("a1")
    with pytest.raises(NoSuchJob):
        await store.add(a_job(id="a2"))
    await store.close()


async def test_a_lease_from_before_the_clock_was_set_back_holds_nobody_up(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "s.sqlite")
    await store.add(a_job())
    assert await store.claim("a1", "other", 48 * 3600)
    assert await store.claim("a1", "me", 30)
    assert not await store.claim("a1", "third", 30)
    await store.close()
