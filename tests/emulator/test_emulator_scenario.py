"""Scenarios: steps in order, by calls and by seconds; three ready ones; nonsense told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from emulator_clients import Api, message

from kaggle_lab.emulator.scenarios import ScenarioError, load_scenario, parse_scenario, ready_made
from kaggle_lab.emulator.testing import EmulatorError, EmulatorProcess, wait_until

BUSY = {"method": "ListKernels", "status": 503, "message": "busy"}


def start(folder: Path, name: str) -> EmulatorProcess:
    return EmulatorProcess(folder / "kaggle", arguments=("--scenario", name))


def statuses(api: Api, count: int) -> list[int]:
    return [api.rpc("ListKernels").status_code for _ in range(count)]


def test_a_step_comes_after_exactly_so_many_calls(api: Api, kaggle: EmulatorProcess) -> None:
    steps: list[dict[str, Any]] = [
        {"after_calls": 3, "faults": [BUSY]},
        {"after_calls": 2, "call": "ListKernels", "faults": [{**BUSY, "status": 429}]},
    ]
    kaggle.control("scenario", {"steps": steps})
    api.rpc("GetAcceleratorQuotaStatistics")
    assert statuses(api, 6) == [200, 200, 503, 200, 429, 200]
    assert kaggle.control("scenario")["scenario"]["is_over"] is True


def test_a_scenario_may_repeat(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.control("scenario", {"repeat": True, "steps": [{"after_calls": 2, "faults": [BUSY]}]})
    assert statuses(api, 8) == [200, 200, 503, 200, 503, 200, 503, 200]


def test_a_step_comes_after_so_many_seconds(api: Api, kaggle: EmulatorProcess) -> None:
    step = {"after_s": 0.2, "say": "now", "settings": {"max_gpu_sessions": 7}, "clock_s": 3600}
    account = {"username": "ada", "key": "lovelace", "gpu_used_hours": 5}
    kaggle.control("scenario", {"steps": [{**step, "accounts": [account]}]})
    wait_until(lambda: kaggle.control("scenario")["scenario"]["said"] == "now")
    state = kaggle.control("state")
    assert (state["settings"]["max_gpu_sessions"], state["clock"]["offset_s"]) == (7, 3600)
    ada = [row for row in kaggle.control("accounts")["accounts"] if row["username"] == "ada"]
    assert ada[0]["quota"]["GPU"]["used_s"] == pytest.approx(5 * 3600)


def test_what_a_scenario_switched_ends_with_it(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.settings(max_tpu_sessions=3)
    kaggle.control("scenario", {"steps": [{"settings": {"max_gpu_sessions": 9}, "faults": [BUSY]}]})
    kaggle.control("scenario", method="DELETE")
    state = kaggle.control("state")
    assert (state["settings"]["max_gpu_sessions"], state["settings"]["max_tpu_sessions"]) == (2, 3)
    assert state["faults"] == []
    assert kaggle.control("scenario")["scenario"] is None


def test_a_reset_goes_back_to_the_scenario_of_the_start(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"description": "Mine", "steps": [{"settings": {"gpu_quota_hours": 1}}]}))
    with start(tmp_path, str(file)) as kaggle:
        kaggle.control("scenario", {"name": "bad-day"})
        kaggle.control("reset", {})
        assert kaggle.control("scenario")["scenario"]["name"] == "mine"
        assert kaggle.control("state")["settings"]["gpu_quota_hours"] == 1


def test_calm_is_calm(tmp_path: Path) -> None:
    with start(tmp_path, "calm") as kaggle, Api(kaggle.url, (kaggle.username, kaggle.key)) as api:
        assert kaggle.control("state")["settings"]["queue_delay_s"] == 0.2
        assert set(statuses(api, 20)) == {200}


def test_a_bad_day_is_bad(tmp_path: Path) -> None:
    with start(tmp_path, "bad-day") as kaggle, Api(kaggle.url, (kaggle.username, kaggle.key)) as api:
        statuses(api, 6)
        api.push("in-trouble", kernelExecutionType="QUICK_SAVE")
        busy = api.status("in-trouble")
        assert (busy.status_code, busy.headers["Retry-After"]) == (429, "2")
        assert message(busy) == "Too many requests"
        assert kaggle.control("scenario")["scenario"]["said"] == "Too many requests"


def test_the_train_starts_in_the_open(tmp_path: Path) -> None:
    with start(tmp_path, "train") as kaggle, Api(kaggle.url, (kaggle.username, kaggle.key)) as api:
        assert statuses(api, 2) == [200, 200]
        assert kaggle.control("state")["settings"]["download_rate_bytes_s"] == 200_000
        assert kaggle.control("scenario")["scenario"]["steps"] == 4


def test_all_ready_ones_say_what_they_are() -> None:
    assert ready_made() == ["bad-day", "calm", "train"]
    for name in ready_made():
        assert len(load_scenario(name).description) > 20


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ([], "an object with steps"),
        ({}, "steps must be a list"),
        ({"steps": []}, "at least one step"),
        ({"steps": [{}], "stpes": 1}, "scenario: unknown stpes"),
        ({"steps": [{}, {"fault": []}]}, "step 2: unknown fault"),
        ({"steps": [{"faults": [{"status": 42}]}]}, "step 1: status must be"),
        ({"steps": [{"faults": [3]}]}, "step 1: faults must be an object"),
        ({"steps": [{"settings": {"queue_delay": 1}}]}, "unknown setting 'queue_delay'"),
        ({"steps": [{"after_s": "soon"}]}, "after_s must be a number"),
        ({"steps": [{"after_s": -1}]}, "must not be negative"),
        ({"steps": [{"after_s": 1, "after_calls": 1}]}, "not both"),
        ({"steps": [{"after_calls": True}]}, "after_calls must be a number"),
        ({"steps": [{"call": "SaveKernel"}]}, "call goes with after_calls"),
        ({"steps": [{"accounts": [{"key": "x"}]}]}, "username must be given"),
        ({"steps": [{}], "repeat": True}, "needs a step with after_s or after_calls"),
    ],
)
def test_nonsense_is_told_with_its_place(values: Any, hint: str, kaggle: EmulatorProcess) -> None:
    with pytest.raises(ScenarioError, match=hint):
        parse_scenario("x", values)
    if isinstance(values, dict) and "steps" in values:
        with pytest.raises(EmulatorError, match=r"^400: "):
            kaggle.control("scenario", values)


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("odd.toml", "steps = [", "odd.toml"),
        ("odd.json", "{", "odd.json"),
        ("odd.toml", "[[steps]]\nafter_s = -1", "step 1: after_s"),
        ("none.toml", None, "neither a file nor one of bad-day, calm, train"),
    ],
)
def test_the_command_refuses_a_bad_file(tmp_path: Path, name: str, text: str | None, hint: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "kaggle_lab.emulator", "--port", "0", "--data", str(tmp_path / "data")]
    done = subprocess.run(
        [*command, "--scenario", str(tmp_path / name)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_requests_name_no_files(kaggle: EmulatorProcess, tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="name must be one of"):
        kaggle.control("scenario", {"name": str(tmp_path / "a.toml")})
