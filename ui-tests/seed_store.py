"""Fill a store as after years of use: 10,000 ended runs, the newest with 200,000 lines of log.

python seed_store.py DATA_DIR WORKSPACE ENDPOINT_URL
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta

from kaggle_lab.config import Config
from kaggle_lab.models import Endpoint, EndpointKind, Job, JobStatus, KernelRef, Retrieval, utc_now
from kaggle_lab.store.database import Database

RUNS = 10_000
LINES = 200_000
BATCH = 10_000


def job(number: int, root: str, endpoint: Endpoint) -> Job:
    """The run of this number, from 1; the last one is the newest."""
    began = utc_now() - timedelta(minutes=RUNS - number)
    return Job(
        id=f"{number:032x}",
        client_token=f"seed-{number}",
        notebook_path="years.ipynb",
        title=f"run {number}",
        status=JobStatus.COMPLETE,
        endpoint=endpoint,
        account="learner",
        created_at=began,
        submitted_at=began,
        started_at=began,
        ended_at=began + timedelta(seconds=40),
        accelerator="none",
        root=root,
        ref=KernelRef("learner", "years"),
        version=number,
        retrieval=Retrieval.COMPLETE,
        log_complete=True,
    )


def log_lines(first: int) -> Iterator[tuple[str, float, str]]:
    """One batch of lines, the needle among them."""
    for number in range(first, first + BATCH):
        text = "the needle\n" if number == LINES // 2 else f"step {number} of {LINES}\n"
        yield "stdout", number / 100, text


def main(data_dir: str, workspace: str, url: str) -> None:
    """Write everything, without waiting for the disk: this is a test's throw-away store."""
    database = Database(Config(data_dir=data_dir).store_path)
    database._db.execute("PRAGMA synchronous = OFF")
    endpoint = Endpoint(EndpointKind.EMULATOR, url)
    for number in range(1, RUNS + 1):
        database.add(job(number, workspace, endpoint), "", "", 0)
    newest = f"{RUNS:032x}"
    for first in range(0, LINES, BATCH):
        database.append_log(newest, first, BATCH, list(log_lines(first)), {})
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
