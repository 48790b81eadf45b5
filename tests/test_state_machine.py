"""Whatever Kaggle says on the way, a run ends as Kaggle ended it, once, and only when Kaggle had said so."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaggle_lab.errors import JobFinished, KaggleError
from kaggle_lab.models import TRANSITIONS, Change, JobStatus

from .paper_kaggle import PaperKaggle, error, html, paper_kaggle
from .scripted import CUT, http
from .support import until
from .test_rough_going import ask, at_rest, open_lab

WORDS = ("QUEUED", "RUNNING", "NEW_SCRIPT", "CANCEL_REQUESTED", "A_WORD_OF_TOMORROW")
ODD = {
    **{word: http(200, {"status": word}) for word in WORDS},
    **{str(status): error(status) for status in (404, 429, 500)},
    "HTML 200": html(200),
    "HTML 503": html(503),
    "cut": CUT,
}
ENDS = {
    "COMPLETE": JobStatus.COMPLETE,
    "ERROR": JobStatus.ERROR,
    "CANCEL_ACKNOWLEDGED": JobStatus.CANCELLED,
}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    way=st.lists(st.sampled_from(sorted(ODD)), max_size=7),
    end=st.sampled_from(sorted(ENDS)),
    push_is_lost=st.booleans(),
    stop_after=st.none() | st.integers(0, 3),
)
def test_a_run_ends_as_kaggle_ended_it(
    way: list[str], end: str, push_is_lost: bool, stop_after: int | None
) -> None:
    with paper_kaggle() as kaggle, tempfile.TemporaryDirectory() as folder:
        kaggle.status = {"status": end}
        kaggle.odd["GetKernelSessionStatus"] = [[ODD[word]] for word in way]
        if push_is_lost:
            kaggle.late.add("SaveKernel")
            kaggle.odd["SaveKernel"] = [[error(504)]]
        kaggle._book["CancelKernelSession"] = lambda seen: {}
        kaggle._book["DownloadKernelOutput"] = lambda seen: http(
            302, b"", Location=f"{kaggle.url}/download_zip/7"
        )
        asyncio.run(_story(kaggle, Path(folder), ENDS[end], stop_after))


async def _story(kaggle: PaperKaggle, folder: Path, end: JobStatus, stop_after: int | None) -> None:
    untold_at_the_end: list[int] = []

    def hear(change: Change) -> None:
        if change.status and JobStatus(change.status).is_finished:
            untold_at_the_end.append(len(kaggle.odd["GetKernelSessionStatus"]))

    quick: dict[str, Any] = {"poll_running_s": 0.05, "poll_queued_s": 0.05, "poll_max_s": 0.1}
    async with open_lab(kaggle, folder, **quick) as lab:
        lab.on_change.append(hear)
        job, _ = await lab.submit(ask())
        if stop_after is not None:
            await _stop(lab, job.id, kaggle, stop_after)
        ended = await at_rest(lab, job.id)

        async def was_told() -> bool:
            return bool(untold_at_the_end)

        await until(was_told)
        history = [entry.status for entry in await lab.history(job.id)]
    assert ended.status is end
    assert len(kaggle.pushes) == 1
    assert untold_at_the_end[0] == 0, "it was called over before Kaggle said so"
    for before, after in pairwise(history):
        assert after is before or after in TRANSITIONS[before]


async def _stop(lab: Any, job_id: str, kaggle: PaperKaggle, looks: int) -> None:
    """After so many looks at the status, or when there are no more."""

    async def is_time() -> bool:
        return kaggle.calls("GetKernelSessionStatus") >= looks or not kaggle.odd["GetKernelSessionStatus"]

    await until(is_time)
    with contextlib.suppress(JobFinished, KaggleError):  # too late, or Kaggle could not be asked
        await lab.stop(job_id)
