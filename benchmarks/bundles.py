"""Size of the built front end: what a page loads at start-up, and everything."""

from __future__ import annotations

import re
from pathlib import Path

from .processes import ROOT
from .report import Row

STATIC = ROOT / "kaggle_lab" / "labextension" / "static"
EAGER_BUDGET_KIB = 40.0
TOTAL_BUDGET_KIB = 150.0
EXPOSED = re.compile(r'"\./(?:extension|style)":\(\)=>(.*?)(?=,"\./|\}[,;])', re.DOTALL)
CHUNK = re.compile(r"\.e\((\d+)\)")


def rows(*, quick: bool) -> list[Row]:
    """KiB of JavaScript as Jupyter serves it, uncompressed. Always exact, so ``quick`` changes nothing."""
    del quick
    eager = sum(path.stat().st_size for path in eager_scripts(STATIC))
    total = sum(path.stat().st_size for path in STATIC.glob("*.js"))
    return [
        Row("JavaScript at start-up", "KiB", eager / 1024, EAGER_BUDGET_KIB),
        Row("JavaScript in all", "KiB", total / 1024, TOTAL_BUDGET_KIB),
    ]


def eager_scripts(static: Path) -> set[Path]:
    """The entry and the chunks that its exposed plugins and style pull in before anything is clicked.

    Raises RuntimeError when there is no build, or a development build, whose chunks have names.
    """
    entries = list(static.glob("remoteEntry.*.js"))
    if len(entries) != 1:
        raise RuntimeError(f"expected one remoteEntry in {static}; run `make setup`")
    exposed = EXPOSED.findall(entries[0].read_text(encoding="utf-8"))
    chunks = {number for text in exposed for number in CHUNK.findall(text)}
    found = {path for number in chunks for path in static.glob(f"{number}.*.js")}
    if len(exposed) != 2 or not chunks or len(found) != len(chunks):
        raise RuntimeError(f"cannot tell what {entries[0].name} loads: {exposed}")
    return {entries[0], *found}
