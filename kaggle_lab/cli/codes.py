"""Exit codes of ``jupyter kaggle``, one for each outcome a script may want to tell apart."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from ..errors import (
    BadCredentials,
    DiskFull,
    FileTrouble,
    KaggleError,
    KaggleLabError,
    KaggleUnreachable,
    SignedOut,
    StoreTrouble,
    UnsafeName,
)

if TYPE_CHECKING:
    from ..models import Job


class ExitCode(IntEnum):
    """What the command's end means."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    RUN_FAILED = 3
    REJECTED = 4
    UNREACHABLE = 5
    SIGNED_OUT = 6
    STOPPED = 7
    INCOMPLETE = 8
    DETACHED = 130


MEANINGS = """\
exit codes:
  0    done; with --wait: the run is complete and every output file arrived
  1    something went wrong inside Kaggle Lab
  2    wrong arguments, or a notebook that cannot be sent
  3    the run failed (an error in a cell, memory, disk, the time limit)
  4    Kaggle rejected the run (quota, title taken, phone not verified, ...)
  5    Kaggle cannot be reached; a run that was sent goes on
  6    nobody is signed in, or Kaggle does not accept the credentials
  7    the run was stopped
  8    the run is complete but output files are missing
  130  Ctrl-C: no longer watching; the run goes on at Kaggle
"""


def code_of_job(job: Job) -> ExitCode:
    """The exit code for a run as it stands; an unfinished one is fine."""
    from ..models import JobStatus, Reason, Retrieval

    if job.status is JobStatus.REJECTED:
        return ExitCode.REJECTED
    if job.status is JobStatus.SUBMITTING and job.trouble:  # nobody knows yet whether Kaggle received it
        return ExitCode.UNREACHABLE
    if job.status is JobStatus.CANCELLED and job.reason is not Reason.TIME_LIMIT:
        return ExitCode.STOPPED
    if job.status in (JobStatus.ERROR, JobStatus.CANCELLED):
        return ExitCode.RUN_FAILED
    if job.retrieval in (Retrieval.PARTIAL, Retrieval.FAILED):
        return ExitCode.INCOMPLETE
    return ExitCode.OK


def code_of_error(error: KaggleLabError) -> ExitCode:
    """The exit code for an error that ended the command."""
    if isinstance(error, (SignedOut, BadCredentials)):
        return ExitCode.SIGNED_OUT
    if isinstance(error, KaggleUnreachable):
        return ExitCode.UNREACHABLE
    if "job_id" in error.data:
        return ExitCode.REJECTED
    if isinstance(error, (DiskFull, FileTrouble, UnsafeName)):
        return ExitCode.INCOMPLETE
    if isinstance(error, KaggleError):
        return ExitCode.REJECTED
    if isinstance(error, StoreTrouble) or error.status >= 500:
        return ExitCode.INTERNAL
    return ExitCode.REJECTED if error.code in _REFUSALS else ExitCode.USAGE


_REFUSALS = frozenset({"title_taken", "phone_verification", "quota", "session_cap", "unknown_source"})
