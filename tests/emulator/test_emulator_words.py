"""The small parts: how values are written, titles become slugs, and the week begins."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kagglesdk.kaggle_object import DateTimeSerializer, TimeDeltaSerializer

from kaggle_lab.emulator.clock import Clock
from kaggle_lab.emulator.db import Database
from kaggle_lab.emulator.logs import EPILOGUE, PREAMBLE, RUN, LogTail, append_record, last_time, stored_log
from kaggle_lab.emulator.settings import Settings
from kaggle_lab.emulator.titles import slugify
from kaggle_lab.emulator.wire import duration, go_json, human_date, isoformat


@given(st.floats(0, 10**8))
def test_durations_are_read_by_the_official_client(seconds: float) -> None:
    read = TimeDeltaSerializer._from_dict_value(duration(seconds))
    assert read.total_seconds() == pytest.approx(seconds, abs=0.001)


def test_durations_do_not_lose_days() -> None:
    assert [duration(n) for n in (108_000, 71_094.4, 0, -5)] == ["108000s", "71094.4s", "0s", "0s"]


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)))
def test_times_are_read_by_the_official_client(moment: datetime) -> None:
    read = DateTimeSerializer._from_str(isoformat(moment.replace(tzinfo=UTC).timestamp()))
    assert abs(read - moment) <= timedelta(milliseconds=1.1)


def test_dates_as_text() -> None:
    at = datetime(2026, 6, 6, 15, 38, tzinfo=UTC).timestamp()
    assert human_date(at) == "3:38 pm, Saturday 6 June 2026 UTC"
    assert human_date(at + 9 * 3600) == "12:38 am, Sunday 7 June 2026 UTC"


@given(st.text())
def test_go_json_is_json_without_angle_brackets(text: str) -> None:
    written = go_json({"data": text})
    assert json.loads(written) == {"data": text}
    assert not set("<>&\u2028\u2029\n") & set(written)


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("My Note", "my-note"),
        ("  Under_score -- and   more! ", "under-score-and-more"),
        ("Crème Brûlée №1", "creme-brulee-no1"),
        ("🚀", ""),
        ("日本", ""),
    ],
)
def test_slugs(title: str, slug: str) -> None:
    assert slugify(title) == slug


@given(st.text())
def test_a_slug_is_its_own_slug(title: str) -> None:
    assert slugify(slugify(title)) == slugify(title)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)))
def test_weeks_begin_on_saturday_midnight(moment: datetime) -> None:
    database = Database(Path(":memory:"))
    at = moment.replace(tzinfo=UTC).timestamp()
    start = datetime.fromtimestamp(Clock(database).week_start(at), UTC)
    database.close()
    assert (start.weekday(), start.hour, start.minute, start.second) == (5, 0, 0, 0)
    assert timedelta(0) <= moment.replace(tzinfo=UTC) - start < timedelta(days=7)


def test_moments_before_a_change_of_the_clock_keep_their_time(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db")
    clock = Clock(database)
    before = clock.real()
    clock.advance(3600)
    clock.advance(60)
    assert clock.at(before - 1) == before - 1
    assert clock.now() - clock.real() == pytest.approx(3660, abs=0.1)
    assert Clock(database).offset_s == 3660
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1)
    database.close()


def test_a_log_is_read_as_it_grows_and_joined_at_the_end(tmp_path: Path) -> None:
    append_record(tmp_path, PREAMBLE, "before", 0.0)
    tail = LogTail(tmp_path)
    assert [json.loads(record)["data"] for record in tail.read()] == ["before\n"]
    assert tail.read() == []
    with (tmp_path / RUN).open("w") as file:
        file.write('{"stream_name":"stdout","time":1.5,"data":"whole\\n"}\n{"stream_name":"std')
        file.flush()
        assert [json.loads(record)["data"] for record in tail.read()] == ["whole\n"]
        file.write('out","time":2.5,"data":"late\\n"}\nnot json\n')
    assert [json.loads(record)["data"] for record in tail.read()] == ["late\n", "not json\n"]
    append_record(tmp_path, EPILOGUE, "after", 3.0)
    assert tail.read() == []
    assert [json.loads(record)["data"] for record in tail.drain()] == ["after\n"]
    tail.close()
    stored = "".join(stored_log(tmp_path))
    assert [record["time"] for record in json.loads(stored)] == [0.0, 1.5, 2.5, 0.0, 3.0]
    assert last_time(tmp_path) == 3.0


def test_an_empty_log_is_nothing(tmp_path: Path) -> None:
    assert list(stored_log(tmp_path)) == []


def test_settings_are_checked() -> None:
    assert Settings().merged({"disk_limit_bytes": None, "queue_delay_s": 1}).queue_delay_s == 1.0
    with pytest.raises(ValueError, match="unknown setting"):
        Settings().merged({"colour": "blue"})
    with pytest.raises(ValueError, match="must be"):
        Settings().merged({"keep_outputs_on_cancel": 1})
