"""What Kaggle's word for a session means for the job: its status, the reason, and what to do about it.

Kaggle's words are few: an exception in a cell is ERROR with an empty message, a run over its time cap is
CANCEL_ACKNOWLEDGED like one the user stopped. The message and the end of the log tell them apart
(observed 2026).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .models import Job, JobStatus, KaggleStatus, Reason, SessionStatus

LIVE = {
    KaggleStatus.QUEUED: JobStatus.QUEUED,
    KaggleStatus.NEW_SCRIPT: JobStatus.QUEUED,
    KaggleStatus.RUNNING: JobStatus.RUNNING,
    KaggleStatus.CANCEL_REQUESTED: JobStatus.CANCEL_REQUESTED,
}
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_AT_CELL = re.compile(r'Exception encountered at "In \[(\d+)\]"')
_EXCEPTION = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Warning|Iteration)\b.*)$")
_MESSAGES = (
    ("allocate more memory", Reason.OUT_OF_MEMORY, "Use smaller batches or load the data in parts."),
    (
        "more disk space",
        Reason.OUT_OF_DISK,
        "Keep less in /kaggle/working (20 GB); put the rest in /kaggle/temp.",
    ),
    (
        "max allowed execution duration",
        Reason.TIME_LIMIT,
        "Raise the time cap, or save checkpoints and go on in a next run.",
    ),
    ("enableinternet", Reason.PHONE, "Verify your phone at kaggle.com > Settings, or switch internet off."),
)
_PATTERNS = (
    (
        "DeadKernelError",
        Reason.OUT_OF_MEMORY,
        "The Python process died, most often for want of memory.",
        "Use smaller batches.",
    ),
    (
        "No kernel name found in notebook",
        Reason.OTHER,
        "Kaggle found no kernel name in the notebook.",
        "Run it again from Kaggle Lab, which adds one.",
    ),
)
_NO_NETWORK = "Temporary failure in name resolution"


@dataclass(frozen=True)
class Outcome:
    """How a session ended."""

    status: JobStatus
    reason: Reason = Reason.NONE
    message: str = ""
    remedy: str = ""


TAKEN_OUT = Outcome(
    JobStatus.CANCELLED, Reason.STOPPED, "Taken out of the queue before it was sent. Nothing ran."
)
UNEXPLAINED = "The run failed."


def judge(job: Job, said: SessionStatus, tail: Sequence[str]) -> Outcome:
    """The outcome of a session Kaggle calls ended. ``tail`` is the end of its log, a line each.

    Raises ValueError for a word that is not an end.
    """
    if said.status is KaggleStatus.COMPLETE:
        return Outcome(JobStatus.COMPLETE)
    if said.status is KaggleStatus.CANCEL_ACKNOWLEDGED:
        return _cancelled(job, said)
    if said.status is KaggleStatus.ERROR:
        return _failed(job, said, tail)
    raise ValueError(f"{said.word} is not an end")


def _cancelled(job: Job, said: SessionStatus) -> Outcome:
    known = _by_message(said.failure_message)
    if known is not None:
        return known
    if job.progress is not None and job.progress.done and job.stop_requested_at is None:
        return Outcome(JobStatus.COMPLETE, message="All cells ran; Kaggle then ended the session.")
    if job.stop_requested_at is not None:
        return Outcome(JobStatus.CANCELLED, Reason.STOPPED, "Stopped, as you asked.")
    return Outcome(JobStatus.CANCELLED, Reason.OTHER, said.failure_message or "Stopped on Kaggle.")


def _failed(job: Job, said: SessionStatus, tail: Sequence[str]) -> Outcome:
    known = _by_message(said.failure_message)
    if known is not None:
        return known
    if said.failure_message:
        return Outcome(JobStatus.ERROR, Reason.OTHER, _clean(said.failure_message), "Look at the log.")
    outcome = explain(tail, prologue_cells=1 if job.language == "python" else 0)
    if not job.internet and any(_NO_NETWORK in line for line in tail):
        return replace(outcome, remedy="The run asked for the internet, which was off: switch it on.")
    return outcome


def _by_message(message: str) -> Outcome | None:
    for fragment, reason, remedy in _MESSAGES:
        if fragment in message.lower():
            return Outcome(JobStatus.ERROR, reason, _clean(message), remedy)
    return None


def explain(tail: Sequence[str], prologue_cells: int) -> Outcome:
    """Why a run failed, from the end of its log. Cells are counted as in the user's notebook."""
    lines = [_clean(line) for line in tail]
    text = "\n".join(lines)
    for fragment, reason, message, remedy in _PATTERNS:
        if fragment in text:
            return Outcome(JobStatus.ERROR, reason, message, remedy)
    at = list(_AT_CELL.finditer(text))
    error = next((found[1] for line in reversed(lines) if (found := _EXCEPTION.match(line.strip()))), "")
    if at:
        cell = max(1, int(at[-1][1]) - prologue_cells)
        what = f"Code cell {cell} failed: {error or 'see the log'}"
        return Outcome(JobStatus.ERROR, Reason.CELL_ERROR, what[:500], "Mend the cell and run again.")
    return Outcome(JobStatus.ERROR, Reason.OTHER, error[:500] or UNEXPLAINED, "Look at the log.")


def _clean(text: str) -> str:
    return _ANSI.sub("", text).rstrip()
