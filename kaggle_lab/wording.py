"""How runs, times and sizes read on a terminal and in a notebook. Pure functions of model values."""

from __future__ import annotations

import argparse
import re
from datetime import datetime, timedelta

from .models import EndpointKind, Job, JobStatus, Quota, QuotaShare, Reason, Retrieval, Sources, utc_now

INPUT_FORMS = {
    "dataset": "OWNER/NAME",
    "competition": "NAME",
    "kernel": "OWNER/NAME",
    "model": "OWNER/MODEL/FRAMEWORK/VARIATION[/VERSION]",
}
"""What can be attached to a run, and how Kaggle names it."""
_WORDS = {
    JobStatus.WAITING: "waiting for a free session",
    JobStatus.SUBMITTING: "sending",
    JobStatus.QUEUED: "queued",
    JobStatus.RUNNING: "running",
    JobStatus.CANCEL_REQUESTED: "stopping",
    JobStatus.COMPLETE: "complete",
    JobStatus.ERROR: "failed",
    JobStatus.CANCELLED: "stopped",
    JobStatus.REJECTED: "rejected",
    JobStatus.SAVED: "saved without running",
}
_RETRIEVAL = {
    Retrieval.NONE: "",
    Retrieval.PENDING: "outputs are waiting to be fetched",
    Retrieval.RUNNING: "fetching outputs",
    Retrieval.COMPLETE: "outputs are here",
    Retrieval.PARTIAL: "some outputs are missing",
    Retrieval.FAILED: "outputs could not be fetched",
}
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def sources_of(args: argparse.Namespace) -> Sources | None:
    """The inputs named on a command line; None when none is, so that what is attached stays."""
    named = {f"{kind}s": tuple(getattr(args, kind) or ()) for kind in INPUT_FORMS}
    return Sources(**named) if any(named.values()) else None


def status_text(job: Job) -> str:
    """Where a run stands, in words: ``running (cell 2 of 7)``."""
    if job.stop_requested_at is not None and not job.status.is_finished:
        return "stopping"
    if job.status in (JobStatus.CANCELLED, JobStatus.ERROR) and job.reason is Reason.TIME_LIMIT:
        return "ended by the time limit"
    word = _WORDS[job.status]
    if job.status is JobStatus.RUNNING and job.progress is not None:
        word += f" (cell {job.progress.cell} of {job.progress.cells})"
    return word


def retrieval_text(job: Job) -> str:
    """How far the outputs have come, in words; empty when there is nothing to say."""
    return _RETRIEVAL[job.retrieval]


def badge(job: Job) -> str:
    """``EMULATOR`` for a run that is not on Kaggle."""
    return "EMULATOR" if job.endpoint.kind is EndpointKind.EMULATOR else ""


def elapsed_s(job: Job, now: datetime | None = None) -> float:
    """Seconds since the run was sent (created, when it was not), until now or its end."""
    begin = job.submitted_at or job.created_at
    end = job.ended_at or (begin if job.status.is_finished else now or utc_now())
    return max(0.0, (end - begin).total_seconds())


def duration(text: str) -> int:
    """Seconds of ``90m``, ``2h``, ``1h30m`` or ``3600``, as typed. Raises ArgumentTypeError."""
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m(?:in)?)?(?:(\d+)s?)?", text.strip().lower())
    if not match or not any(match.groups()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90m, 2h or 3600s")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def duration_text(seconds: float) -> str:
    """``7 s``, ``2 min 05 s``, ``3 h 07 min``, ``2 d 4 h``."""
    total = round(seconds)
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{minutes} min {total % 60:02d} s"
    if total < 86400:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{days} d {hours % 24} h"


def age_text(moment: datetime, now: datetime | None = None) -> str:
    """``3 min 05 s ago``."""
    return f"{duration_text(((now or utc_now()) - moment) / timedelta(seconds=1))} ago"


def size_text(size: int | None) -> str:
    """``0 B``, ``1.5 KiB``, ``2.0 GiB``; ``?`` when it is not known."""
    if size is None:
        return "?"
    value, unit = float(size), "B"
    for bigger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, bigger
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"


def plain_line(text: str) -> str:
    """One log line without colours and control characters; of a redrawn line the last state."""
    clean = _ANSI.sub("", text.rstrip("\r\n")).rsplit("\r", 1)[-1]
    return _CONTROL.sub("", clean)


def job_text(job: Job, now: datetime | None = None) -> str:
    """A run in one line."""
    version = f" v{job.version}" if job.version else ""
    parts = [
        job.id[:8],
        badge(job),
        f"{job.title}{version}",
        status_text(job),
        job.accelerator,
        duration_text(elapsed_s(job, now)),
        retrieval_text(job),
    ]
    return " · ".join(part for part in parts if part)


def outcome_text(job: Job) -> str:
    """What came of a run: message and remedy, or where the files are."""
    lines = [job.message, job.remedy, *job.warnings, job.trouble and f"Kaggle cannot be heard: {job.trouble}"]
    if job.retrieval is Retrieval.COMPLETE and job.output_dir:
        lines.append(f"Output files are in {job.output_dir}")
    elif job.retrieval in (Retrieval.PARTIAL, Retrieval.FAILED):
        lines.append(job.retrieval_message or retrieval_text(job))
    return "\n".join(line for line in lines if line)


def quota_text(quota: Quota, now: datetime | None = None) -> str:
    """Hours of the week, one line for each kind of machine."""
    lines = [_share_text(name, share) for name, share in (("GPU", quota.gpu), ("TPU", quota.tpu)) if share]
    if quota.refreshes_at is not None:
        left = (quota.refreshes_at - (now or utc_now())).total_seconds()
        lines.append(f"refreshes in {duration_text(max(0.0, left))}")
    return "\n".join(lines) or "Kaggle reports no quota for this account"


def _share_text(name: str, share: QuotaShare) -> str:
    def hours(seconds: float) -> str:
        return f"{seconds / 3600:.1f} h"

    return (
        f"{name}: {hours(share.left_s)} left of {hours(share.allowed_s)}"
        f" ({hours(share.used_s)} used, {hours(share.reserved_s)} reserved)"
    )
