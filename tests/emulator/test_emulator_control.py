"""The control API: what it refuses changes nothing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from kaggle_lab.emulator.testing import EmulatorProcess


def post(kaggle: EmulatorProcess, what: str, text: str) -> httpx.Response:
    return httpx.post(f"{kaggle.url}/_emu/{what}", content=text, headers={"Content-Type": "application/json"})


def state(kaggle: EmulatorProcess) -> Any:
    shown = httpx.get(f"{kaggle.url}/_emu/state").json()
    accounts = httpx.get(f"{kaggle.url}/_emu/accounts").json()["accounts"]
    names = [account["username"] for account in accounts]
    return shown["settings"], round(shown["clock"]["offset_s"]), names


@pytest.mark.parametrize(
    ("what", "text", "named"),
    [
        ("clock", '{"seconds": 1e15}', "9000"),
        ("clock", '{"seconds": 1e400}', "seconds"),
        ("clock", '{"seconds": -1}', "forward"),
        ("clock", '{"now": "yesterday"}', "now"),
        ("clock", '{"now": "2001-01-01"}', "forward"),
        ("accounts", '{"username": "learner", "gpu_used_hours": 1e400}', "gpu_used_hours"),
        ("accounts", '{"username": "learner", "gpu_used_hours": []}', "gpu_used_hours"),
        ("accounts", '{"username": "learner", "tpu_used_hours": 1e9}', "168"),
        ("accounts", '{"username": "a/b", "key": "k"}', "username"),
        ("settings", '{"queue_delay_s": 1e400}', "queue_delay_s"),
        ("settings", '{"queue_delay_s": NaN}', "queue_delay_s"),
        ("settings", '{"no_such": 1}', "no_such"),
        ("settings", "[]", ""),
        ("settings", "{", ""),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(
    kaggle: EmulatorProcess, what: str, text: str, named: str
) -> None:
    before = state(kaggle)
    answer = post(kaggle, what, text)
    assert answer.status_code == 400
    assert named in answer.json()["error"]
    assert state(kaggle) == before
    assert httpx.get(kaggle.url).status_code == 200


def test_the_clock_can_be_set(kaggle: EmulatorProcess) -> None:
    answer = post(kaggle, "clock", '{"now": "2031-11-29T00:00:00Z"}')
    assert answer.json()["clock"]["now"].startswith("2031-11-29T00:00:0")
