"""Scoring of submissions: each in a process of its own, since the metric is somebody's code."""

from __future__ import annotations

import json
import logging
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .folders import Folders, write_json

LOGGER = logging.getLogger("kaggle_emulator")


@dataclass(frozen=True)
class _Order:
    number: int
    judge: Path
    file: Path
    id_column: str
    limit_s: float


class Scorer:
    """A thread that scores one submission after the other and leaves `result.json` beside its file."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def order(self, number: int, judge: Path, file: Path, id_column: str, limit_s: float) -> None:
        """Score `file` by the `metric.py` and `solution.csv` in the folder `judge`."""
        self._orders.put(_Order(number, judge, file, id_column, limit_s))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="scorer", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            order = self._orders.get()
            result = order.file.parent.parent / "result.json"
            try:
                if not result.exists():
                    write_json(result, _score(order))
            except OSError:
                LOGGER.exception("submission %s could not be scored", order.number)


def _score(order: _Order) -> dict[str, Any]:
    job = Path(__file__).with_name("scoring_job.py")
    files = (order.judge / "metric.py", order.judge / "solution.csv", order.file)
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(job), *map(str, files), order.id_column],
            capture_output=True,
            text=True,
            timeout=order.limit_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"Scoring took longer than {order.limit_s:g} s"}
    try:
        value = json.loads(done.stdout.splitlines()[-1])
        if done.returncode == 0 and isinstance(value, dict):
            return value
    except (ValueError, IndexError):
        pass
    LOGGER.error("the metric of submission %s failed: %s", order.number, done.stderr[-2000:])
    return {"error": "Submission Scoring Error: the metric could not be computed"}
