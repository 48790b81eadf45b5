"""Bringing outputs back, against ``kaggle kernels output``: many small files, and one big one."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from .processes import Cost
from .report import Row
from .world import World, world

LATENCY_S = 0.040
PEER = "kaggle kernels output"
SMALL_TIME_BUDGET = 0.6
BIG_TIME_BUDGET = 1.25
BIG_MEMORY_BUDGET_MIB = 128.0
"""The same for a file of any size."""
WRITE_SMALL = """
import os
for n in range({count}):
    with open(f"part-{{n:04d}}.bin", "wb") as file:
        file.write(os.urandom(4096))
"""
WRITE_BIG = """
import os
block = os.urandom(2**20)
with open("weights.bin", "wb") as file:
    for _ in range({mib}):
        file.write(block)
"""


def rows(*, quick: bool) -> list[Row]:
    """Wall time of both, and peak memory for the big file; each pair in one run."""
    count, mib = (60, 64) if quick else (300, 1024)
    with tempfile.TemporaryDirectory() as scratch, world(Path(scratch)) as there:
        small = _small(there, count)
        big = _big(there, mib)
    return [small, *big]


def _small(there: World, count: int) -> Row:
    peer, ours = _both(there, "small", WRITE_SMALL.format(count=count), count, latency_s=LATENCY_S)
    what = f"{count} files at {LATENCY_S * 1000:.0f} ms"
    return Row(what, "s", ours.wall_s, SMALL_TIME_BUDGET, PEER, peer.wall_s, of="ratio")


def _big(there: World, mib: int) -> list[Row]:
    peer, ours = _both(there, "large", WRITE_BIG.format(mib=mib), 1, latency_s=0)
    what = f"one file of {mib} MiB"
    return [
        Row(f"{what}, time", "s", ours.wall_s, BIG_TIME_BUDGET, PEER, peer.wall_s, of="ratio"),
        Row(f"{what}, memory", "MiB", ours.peak_mib, BIG_MEMORY_BUDGET_MIB, PEER, peer.peak_mib),
    ]


def _both(there: World, name: str, source: str, files: int, *, latency_s: float) -> tuple[Cost, Cost]:
    """Run the notebook once, then let both clients fetch the outputs of that one run."""
    notebook = there.notebook(name, source)
    there.ours("submit", notebook.name, "--title", f"bench {name}", "--wait", "--no-retrieve")
    there.emulator.settings(download_latency_s=latency_s)
    ref, job = _last_job(there)
    peer = there.kaggle("kernels", "output", ref, "-p", there.home / "theirs", "--page-size", "200")
    ours = there.ours("outputs", job, "--output", "ours")
    _same(there.home / "theirs", there.home / "ours", files)
    return peer, ours


def _last_job(there: World) -> tuple[str, str]:
    newest = json.loads(there.ours("jobs", "--json").output)["jobs"][0]
    return newest["ref"], newest["id"]


def _same(theirs: Path, ours: Path, files: int) -> None:
    """Both brought the same, all of it: else the comparison means nothing."""
    names = sorted(path.name for path in ours.glob("*.bin"))
    if len(names) != files:
        raise RuntimeError(f"{len(names)} of {files} files arrived in {ours}")
    for name in names:
        if (theirs / name).stat().st_size != (ours / name).stat().st_size:
            raise RuntimeError(f"{name} differs in size")
    shutil.rmtree(theirs)
    shutil.rmtree(ours)
