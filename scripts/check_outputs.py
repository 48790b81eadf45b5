"""Look at what the sample notebook brought back: every promised file there, not empty, of its kind."""

from __future__ import annotations

import csv
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import StepFailed, guarded, say

MANIFEST = "kaggle-lab-manifest.json"


def _model(path: Path) -> str:
    joblib: Any = importlib.import_module("joblib")
    model = joblib.load(path)
    answer = model.predict([[0.0] * 64])
    return f"a {type(model).__name__} that answers {answer[0]} for an empty image"


def _table(path: Path) -> str:
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    right = sum(row["digit"] == row["predicted"] for row in rows)
    if not rows:
        raise ValueError("no rows")
    return f"{len(rows)} predictions, {right} right"


def _metrics(path: Path) -> str:
    accuracy = float(json.loads(path.read_text(encoding="utf-8"))["accuracy"])
    if not 0.9 < accuracy <= 1:
        raise ValueError(f"accuracy {accuracy}")
    return f"accuracy {accuracy:.3f}"


def _picture(path: Path) -> str:
    head = path.read_bytes()[:8]
    if head != b"\x89PNG\r\n\x1a\n":
        raise ValueError("not a PNG")
    return f"a plot of {path.stat().st_size / 1024:.0f} KiB"


EXPECTED: dict[str, Callable[[Path], str]] = {
    "model.joblib": _model,
    "predictions.csv": _table,
    "metrics.json": _metrics,
    "confusion.png": _picture,
}


def main() -> int:
    """Check the folder named on the command line; 0 only when every file is there and sound."""
    folder = Path(sys.argv[1])
    if not (folder / MANIFEST).is_file():
        raise StepFailed(f"{folder} has no {MANIFEST}: the retrieval did not finish")
    say(f"\n{folder}")
    for name, look in EXPECTED.items():
        try:
            say(f"  {name}: {look(folder / name)}")
        except (OSError, ValueError, KeyError) as error:
            raise StepFailed(f"{folder / name}: {error}") from error
    return 0


if __name__ == "__main__":
    guarded(main)
