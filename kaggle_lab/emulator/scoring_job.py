"""Scores one submission: `scoring_job.py METRIC SOLUTION SUBMISSION ID_COLUMN`, run apart from the server.

The metric file defines `score(solution, submission, row_id_column_name)` over two pandas data frames, as
on Kaggle, or `score_rows` of the same arguments over two lists of dictionaries, for which pandas is not
needed. A `ParticipantVisibleError` raised by it is shown to the participant. A column `Usage` of the
solution divides its rows into `Public` and `Private` ones, which are scored apart. The last line printed is
the result as JSON.
"""

from __future__ import annotations

import csv
import importlib
import json
import math
import runpy
import sys
from collections.abc import Callable
from typing import Any

USAGE = "Usage"
Row = dict[str, str]


class Unfit(Exception):
    """What is wrong with the submitted file."""


def read(path: str) -> list[Row]:
    """The rows of a CSV file with a header. Raises `Unfit`."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:  # noqa: PTH123
            rows = list(csv.DictReader(file, restkey="", restval=""))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unfit(f"The file is no CSV text: {error}") from None
    return rows


def matched(solution: list[Row], submission: list[Row], id_column: str) -> list[Row]:
    """The submitted rows in the order of the solution. Raises `Unfit` when they do not fit."""
    wanted = [name for name in solution[0] if name != USAGE]
    if missing := [name for name in wanted if not submission or name not in submission[0]]:
        raise Unfit(f"Submission must have columns: {', '.join(missing)}")
    by_id = {row[id_column]: row for row in submission}
    if len(submission) != len(solution) or len(by_id) != len(solution):
        raise Unfit(f"Submission must have {len(solution)} rows, one for each {id_column}")
    try:
        return [by_id[row[id_column]] for row in solution]
    except KeyError as error:
        raise Unfit(f"Submission lacks the {id_column} {error.args[0]}") from None


def scorer(metric: str) -> Callable[[list[Row], list[Row], str], float]:
    """The function of the metric file, over rows."""
    names = runpy.run_path(metric)
    if "score_rows" in names:
        rows_function: Callable[[list[Row], list[Row], str], float] = names["score_rows"]
        return rows_function
    if "score" not in names:
        raise LookupError("the metric file defines neither score nor score_rows")
    pandas: Any = importlib.import_module("pandas")

    def over_frames(solution: list[Row], submission: list[Row], id_column: str) -> float:
        frames = [pandas.DataFrame(rows).apply(_typed) for rows in (solution, submission)]
        return float(names["score"](frames[0], frames[1], id_column))

    def _typed(column: Any) -> Any:
        try:
            return pandas.to_numeric(column)
        except (ValueError, TypeError):
            return column

    return over_frames


def result(metric: str, solution_path: str, submission_path: str, id_column: str) -> dict[str, Any]:
    """`{"public", "private"}`, or `{"error"}`."""
    solution = read(solution_path)
    try:
        submission = matched(solution, read(submission_path), id_column)
        function = scorer(metric)
        return {
            "public": _part(function, solution, submission, id_column, "Public"),
            "private": _part(function, solution, submission, id_column, "Private"),
        }
    except Unfit as error:
        return {"error": str(error)}
    except Exception as error:
        if type(error).__name__ == "ParticipantVisibleError":
            return {"error": str(error)}
        raise


def _part(
    function: Callable[[list[Row], list[Row], str], float],
    solution: list[Row],
    submission: list[Row],
    id_column: str,
    usage: str,
) -> float:
    """The score of the rows of one usage; of all rows when the solution is not divided."""
    pairs = [pair for pair in zip(solution, submission, strict=True) if pair[0].get(USAGE, usage) == usage]
    bare = [{name: value for name, value in row.items() if name != USAGE} for row, _ in pairs]
    value = float(function(bare, [row for _, row in pairs], id_column))
    if not math.isfinite(value):
        raise Unfit("The score is not a finite number")
    return value


if __name__ == "__main__":
    print(json.dumps(result(*sys.argv[1:5])))  # noqa: T201
