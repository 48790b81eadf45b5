"""One row per budget: the peer's figure, ours, their ratio and whether the budget holds."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Row:
    """A measurement. ``budget`` bounds ``ours``, or the ratio of ours to the peer's for ``of="ratio"``."""

    what: str
    unit: str
    ours: float
    budget: float
    peer_name: str = ""
    peer: float | None = None
    of: str = "ours"

    @property
    def ratio(self) -> float | None:
        """Ours divided by the peer's; below 1 we are cheaper."""
        return self.ours / self.peer if self.peer else None

    @property
    def holds(self) -> bool:
        """Whether the budget is kept."""
        bounded = self.ratio if self.of == "ratio" else self.ours
        return bounded is not None and bounded <= self.budget

    def cells(self) -> list[str]:
        """The row of the table on screen."""
        peer = _figure(self.peer) if self.peer is not None else ""
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        bound = f"ratio {self.budget:g}" if self.of == "ratio" else f"{self.budget:g} {self.unit}"
        mark = "pass" if self.holds else "FAIL"
        return [self.what, self.peer_name, peer, _figure(self.ours), self.unit, ratio, bound, mark]


def _figure(value: float) -> str:
    return f"{value:,.2f}" if value < 10 else f"{value:,.1f}"


HEAD = ["what", "peer", "peer's", "ours", "unit", "ratio", "budget", ""]
LEFT_ALIGNED = (0, 1, 4, 6, 7)


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join("  ".join(_pad(line, widths)).rstrip() for line in lines)


def _pad(line: list[str], widths: list[int]) -> list[str]:
    return [
        cell.ljust(width) if column in LEFT_ALIGNED else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]


def write(rows: Sequence[Row], *, quick: bool) -> Path:
    """Keep the run as JSON under ``results/``; returns the file."""
    now = datetime.now(UTC)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{now:%Y%m%d-%H%M%S}{'-quick' if quick else ''}.json"
    about = {"at": now.isoformat(), "quick": quick, "python": sys.version, "machine": platform.platform()}
    shown = [{**asdict(row), "ratio": row.ratio, "holds": row.holds} for row in rows]
    path.write_text(json.dumps({**about, "rows": shown}, indent=2) + "\n", encoding="utf-8")
    return path
