"""Child processes with their wall time and peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
"""``ru_maxrss`` counts bytes on macOS, KiB elsewhere."""


@dataclass(frozen=True)
class Cost:
    """What one process took: wall seconds, and the most memory it held, in MiB."""

    wall_s: float
    peak_mib: float
    output: str


def measure(command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path = ROOT) -> Cost:
    """Run a command to its end. Raises RuntimeError with its output when it fails."""
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(words, cwd=cwd, env=dict(env), stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read().decode(errors="replace")
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}:\n{output[-4000:]}")
    return Cost(wall, usage.ru_maxrss * PEAK_UNIT / 2**20, output)


def alternate(
    peer: Callable[[], Cost], ours: Callable[[], Cost], times: int
) -> tuple[list[Cost], list[Cost]]:
    """Measure both in turn, so that whatever else the machine does falls on both; a first round warms up."""
    peer(), ours()
    rounds = [(peer(), ours()) for _ in range(times)]
    return [pair[0] for pair in rounds], [pair[1] for pair in rounds]


def middle(costs: Sequence[Cost]) -> float:
    """The median wall time in seconds."""
    return statistics.median(cost.wall_s for cost in costs)
