"""How runs, times and sizes read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kaggle_lab.models import (
    Endpoint,
    EndpointKind,
    Job,
    JobStatus,
    Progress,
    Quota,
    QuotaShare,
    Reason,
    Retrieval,
)
from kaggle_lab.wording import (
    age_text,
    badge,
    duration_text,
    elapsed_s,
    job_text,
    outcome_text,
    plain_line,
    quota_text,
    size_text,
    status_text,
)

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def job(**changes: Any) -> Job:
    base = Job(
        id="abcdef0123456789",
        client_token="click",
        notebook_path="a.ipynb",
        title="A notebook",
        status=JobStatus.RUNNING,
        endpoint=Endpoint(EndpointKind.KAGGLE),
        account="ada",
        created_at=NOW,
        accelerator="t4x2",
    )
    return replace(base, **changes)


@pytest.mark.parametrize("status", list(JobStatus))
def test_every_status_has_words(status: JobStatus) -> None:
    words = status_text(job(status=status))
    assert words
    assert "_" not in words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"progress": Progress(2, 7)}, "running (cell 2 of 7)"),
        ({"stop_requested_at": NOW}, "stopping"),
        ({"status": JobStatus.CANCELLED, "stop_requested_at": NOW}, "stopped"),
        ({"status": JobStatus.CANCELLED, "reason": Reason.TIME_LIMIT}, "ended by the time limit"),
    ],
)
def test_status(changes: dict[str, Any], words: str) -> None:
    assert status_text(job(**changes)) == words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3600, "1 h 00 min"),
        (11220, "3 h 07 min"),
        (187200, "2 d 4 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
    assert age_text(NOW - timedelta(seconds=seconds), NOW) == f"{text} ago"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "?"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (2**31, "2.0 GiB"),
        (5 * 2**40, "5.0 TiB"),
    ],
)
def test_sizes(size: int | None, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n", "plain"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("10%\r50%\r100%\r\n", "100%"),
        ("a\x00b\x07\tc", "ab\tc"),
        ("é 日本\n", "é 日本"),
    ],
)
def test_log_lines_are_made_safe_to_show(text: str, shown: str) -> None:
    assert plain_line(text) == shown


def test_the_clock_runs_from_sending_to_the_end() -> None:
    later = NOW + timedelta(seconds=90)
    assert elapsed_s(job(), later) == 90
    assert elapsed_s(job(submitted_at=NOW + timedelta(seconds=30)), later) == 60
    assert elapsed_s(job(status=JobStatus.COMPLETE, ended_at=later), later + timedelta(days=1)) == 90
    assert elapsed_s(job(status=JobStatus.REJECTED), later) == 0
    assert elapsed_s(job(), NOW - timedelta(seconds=5)) == 0, "a clock that was set back"


def test_a_run_in_one_line() -> None:
    assert job_text(job(version=3), NOW) == "abcdef01 · A notebook v3 · running · t4x2 · 0 s"
    local = job(endpoint=Endpoint(EndpointKind.EMULATOR, "http://127.0.0.1:1"))
    assert badge(local) == "EMULATOR"
    assert job_text(local, NOW).startswith("abcdef01 · EMULATOR · ")


def test_what_came_of_it() -> None:
    assert outcome_text(job()) == ""
    told = outcome_text(
        job(message="Failed.", remedy="Mend it.", warnings=("Beware.",), trouble="no network")
    )
    assert told.splitlines() == ["Failed.", "Mend it.", "Beware.", "Kaggle cannot be heard: no network"]
    done = job(retrieval=Retrieval.COMPLETE, output_dir="kaggle-output/a/v1")
    assert outcome_text(done) == "Output files are in kaggle-output/a/v1"
    assert outcome_text(replace(done, output_dir="")) == ""
    assert outcome_text(job(retrieval=Retrieval.PARTIAL)) == "some outputs are missing"


def test_quota() -> None:
    quota = Quota(QuotaShare(3600, 1800, 108000), None, NOW + timedelta(hours=30), NOW)
    assert quota_text(quota, NOW).splitlines() == [
        "GPU: 28.5 h left of 30.0 h (1.0 h used, 0.5 h reserved)",
        "refreshes in 1 d 6 h",
    ]
    assert quota_text(Quota(None, None, None, NOW)) == "Kaggle reports no quota for this account"
