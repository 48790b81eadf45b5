"""Two competitions: bicycle rentals by the day, and tides by the hour. Data, solution, metric of each."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

from .tables import write_csv

_ERROR_METRIC = '''\
"""{title}: {formula}, the smaller the better."""

import math


class ParticipantVisibleError(Exception):
    """Shown to the participant."""


def score_rows(solution, submission, row_id_column_name):
    errors = []
    for truth, guess in zip(solution, submission):
        try:
            errors.append({error})
        except ValueError:
            where = truth[row_id_column_name]
            raise ParticipantVisibleError(f"The {column} of {{where}} is not a number") from None
    return {result}
'''
RMSE = _ERROR_METRIC.format(
    title="Root mean squared error",
    formula="the root of the mean of the squared differences",
    error='(float(truth["rentals"]) - float(guess["rentals"])) ** 2',
    column="rentals",
    result="math.sqrt(sum(errors) / len(errors))",
)
MAE = _ERROR_METRIC.format(
    title="Mean absolute error",
    formula="the mean of the differences without their sign",
    error='abs(float(truth["height_m"]) - float(guess["height_m"]))',
    column="height_m",
    result="math.fsum(errors) / len(errors)",
)


def _bicycle_days() -> Iterator[tuple[int, int, int, float, int, int]]:
    """Number, month, weekday, temperature, rain or not, rentals of each day of two years."""
    chance = random.Random(730)  # noqa: S311 - data, no secret
    for number in range(730):
        warmth = 11 - 10 * math.cos(math.tau * number / 365) + chance.gauss(0, 3)
        rain = int(chance.random() < 0.3)
        weekday = number % 7
        expected = 180 + 14 * warmth - 95 * rain + (60 if weekday < 5 else 0) + 0.15 * number
        month = number % 365 // 31 + 1
        yield number, month, weekday, round(warmth, 1), rain, max(0, round(expected + chance.gauss(0, 25)))


def bicycles(folder: Path) -> None:
    """What participants get: 600 days with rentals, 130 without."""
    days = list(_bicycle_days())
    header = ("id", "month", "weekday", "temperature_c", "rain")
    write_csv(folder / "train.csv", (*header, "rentals"), days[:600])
    write_csv(folder / "test.csv", header, (day[:-1] for day in days[600:]))
    write_csv(folder / "sample_submission.csv", ("id", "rentals"), ((day[0], 300) for day in days[600:]))


def bicycles_judge(folder: Path) -> None:
    """Solution and metric."""
    rows = ((day[0], day[-1], _usage(day[0])) for day in list(_bicycle_days())[600:])
    write_csv(folder / "solution.csv", ("id", "rentals", "Usage"), rows)
    (folder / "metric.py").write_text(RMSE, encoding="utf-8")


def _usage(number: int) -> str:
    return "Public" if number % 3 == 0 else "Private"


def _tide_hours() -> Iterator[tuple[int, float]]:
    """Hour and height of the water over 100 days."""
    chance = random.Random(2400)  # noqa: S311
    for hour in range(2400):
        moon, sun = math.cos(math.tau * hour / 12.42), math.cos(math.tau * hour / 12.0)
        yield hour, round(2.1 + 1.3 * moon + 0.45 * sun + chance.gauss(0, 0.05), 3)


def tides(folder: Path) -> None:
    """What participants get: 80 days with heights, 20 without."""
    hours = list(_tide_hours())
    write_csv(folder / "train.csv", ("hour", "height_m"), hours[:1920])
    write_csv(folder / "test.csv", ("hour",), ((hour,) for hour, _ in hours[1920:]))
    flat = ((hour, 2.1) for hour, _ in hours[1920:])
    write_csv(folder / "sample_submission.csv", ("hour", "height_m"), flat)


def tides_judge(folder: Path) -> None:
    """Solution and metric."""
    rows = ((hour, height, _usage(hour)) for hour, height in list(_tide_hours())[1920:])
    write_csv(folder / "solution.csv", ("hour", "height_m", "Usage"), rows)
    (folder / "metric.py").write_text(MAE, encoding="utf-8")
