"""Kaggle's few words for the many ways a run can end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kaggle_lab.models import JobStatus, KaggleStatus, Progress, Reason, SessionStatus, utc_now
from kaggle_lab.outcome import explain, judge

from .test_store import a_job

RUN = a_job(status=JobStatus.RUNNING)
MEMORY = "Your notebook tried to allocate more memory than is available."
DISK = "Your notebook tried to use more disk space than is available."
TIME = "Your notebook was stopped because it exceeded the max allowed execution duration."
CELL_ERROR = [
    "papermill.exceptions.PapermillExecutionError: ",
    "---------------------------------------------------------------------------",
    'Exception encountered at "In [4]":',
    "---------------------------------------------------------------------------",
    "\x1b[0;31mKeyError\x1b[0m                                  Traceback (most recent call last)",
    "\x1b[0;31mKeyError\x1b[0m: 'label'",
    "",
    "[NbConvertApp] Converting notebook __notebook__.ipynb to notebook",
]


@pytest.mark.parametrize(
    ("word", "message", "status", "reason"),
    [
        ("COMPLETE", "", JobStatus.COMPLETE, Reason.NONE),
        ("ERROR", MEMORY, JobStatus.ERROR, Reason.OUT_OF_MEMORY),
        ("ERROR", DISK, JobStatus.ERROR, Reason.OUT_OF_DISK),
        ("CANCEL_ACKNOWLEDGED", TIME, JobStatus.ERROR, Reason.TIME_LIMIT),
        ("CANCEL_ACKNOWLEDGED", "", JobStatus.CANCELLED, Reason.OTHER),
        ("ERROR", "", JobStatus.ERROR, Reason.OTHER),
        ("ERROR", "Permission 'kernelSessions.enableInternet' was denied", JobStatus.ERROR, Reason.PHONE),
    ],
)
def test_words_and_messages(word: str, message: str, status: JobStatus, reason: Reason) -> None:
    outcome = judge(RUN, SessionStatus(KaggleStatus(word), word, message), [])
    assert (outcome.status, outcome.reason) == (status, reason)
    assert status is JobStatus.COMPLETE or outcome.message


def test_the_users_stop_and_the_runs_own_done() -> None:
    said = SessionStatus(KaggleStatus.CANCEL_ACKNOWLEDGED, "CANCEL_ACKNOWLEDGED")
    stopped = replace(RUN, stop_requested_at=utc_now())
    done = replace(RUN, progress=Progress(3, 3, done=True))
    assert judge(stopped, said, []).reason is Reason.STOPPED
    assert judge(done, said, []).status is JobStatus.COMPLETE
    assert judge(replace(done, stop_requested_at=utc_now()), said, []).status is JobStatus.CANCELLED
    assert judge(replace(RUN, progress=Progress(3, 3)), said, []).status is JobStatus.CANCELLED


def test_the_cell_is_counted_as_in_the_users_notebook() -> None:
    outcome = judge(RUN, SessionStatus(KaggleStatus.ERROR, "ERROR"), CELL_ERROR)
    assert (outcome.reason, outcome.message) == (Reason.CELL_ERROR, "Code cell 3 failed: KeyError: 'label'")
    in_r = judge(replace(RUN, language="r"), SessionStatus(KaggleStatus.ERROR, "ERROR"), CELL_ERROR)
    assert in_r.message.startswith("Code cell 4")


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("nbclient.exceptions.DeadKernelError: Kernel died", "memory"),
        ("ValueError: No kernel name found in notebook and no override provided", "kernel name"),
    ],
)
def test_known_ends_of_the_log(line: str, part: str) -> None:
    outcome = explain(["...", line], prologue_cells=1)
    assert part in outcome.message
    assert outcome.remedy


def test_a_live_word_is_no_end() -> None:
    with pytest.raises(ValueError, match="not an end"):
        judge(RUN, SessionStatus(KaggleStatus.RUNNING, "RUNNING"), [])


def test_the_internet_is_named_only_when_it_was_off() -> None:
    tail = [*CELL_ERROR, "socket.gaierror: [Errno -3] Temporary failure in name resolution"]
    said = SessionStatus(KaggleStatus.ERROR, "ERROR")
    off = judge(replace(RUN, internet=False), said, tail)
    assert off.reason is Reason.CELL_ERROR
    assert off.message.startswith("Code cell 3 failed")
    assert "internet" in off.remedy
    assert "internet" not in judge(replace(RUN, internet=True), said, tail).remedy
