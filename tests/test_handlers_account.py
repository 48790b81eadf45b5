"""Signing in and out over REST, and changing over to the emulator. Here the emulator stands for Kaggle."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from kaggle_lab.emulator.testing import EmulatorProcess
from kaggle_lab.emulator_process import is_emulator

from .api import Api
from .support import make_notebook


@pytest.fixture
def lab_settings() -> dict[str, Any]:
    return {"endpoint_kind": "kaggle"}


@pytest.fixture
def api(emulator: EmulatorProcess, jp_fetch: Any) -> Api:
    return Api(jp_fetch)


async def test_a_pasted_token_is_checked_and_kept_for_the_user_only(
    api: Api, emulator: EmulatorProcess, jp_home_dir: Path
) -> None:
    assert (await api.get("account"))["state"] == "signed_out"
    status, account = await api.call("POST", "account", {"token": f"  {emulator.token}\n"})
    assert (status, account["state"], account["username"]) == (200, "signed_in", "learner")
    assert emulator.token not in json.dumps(account)
    kept = jp_home_dir / ".kaggle" / "access_token"
    assert kept.read_text().strip() == emulator.token
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert (await api.get("quota"))["gpu"]["allowed_s"] > 0


async def test_a_token_that_a_variable_overrules_is_said_not_to_be_used(
    api: Api, emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", emulator.guest_token)
    _, account = await api.call("POST", "account", {"token": emulator.token})
    assert account["username"] == "guest"
    assert "Unset KAGGLE_API_TOKEN" in account["message"]
    assert (await api.get("account"))["message"] == account["message"]


async def test_signing_out_forgets_it(api: Api, emulator: EmulatorProcess, jp_home_dir: Path) -> None:
    await api.post("account", {"token": emulator.token})
    status, account = await api.call("DELETE", "account")
    assert (status, account["state"]) == (200, "signed_out")
    assert not (jp_home_dir / ".kaggle" / "access_token").exists()


@pytest.mark.parametrize("token", ["KGAT_made_up", "0123456789abcdef0123456789abcdef", "with space", "ключ"])
async def test_a_wrong_token_is_refused_and_not_kept(
    api: Api, token: str, jp_home_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    status, answer = await api.call("POST", "account", {"token": token})
    assert (status, answer["code"]) == (422, "bad_credentials")
    assert answer["remedy"]
    assert not (jp_home_dir / ".kaggle" / "access_token").exists()
    assert token not in json.dumps(answer, ensure_ascii=False)
    assert token not in caplog.text


async def test_signed_out_answers_say_so(api: Api) -> None:
    body = {"notebook_path": "a.ipynb", "client_token": "c", "content": make_notebook("print(1)")}
    for verb, path in (("GET", "quota"), ("POST", "jobs")):
        status, answer = await api.call(verb, path, body if verb == "POST" else None)
        assert (status, answer["code"]) == (409, "signed_out"), path
    assert (await api.get("jobs"))["jobs"] == []


async def test_kaggle_away_is_not_signed_out(api: Api, emulator: EmulatorProcess) -> None:
    await api.post("account", {"token": emulator.token})
    emulator.kill()
    account = await api.get("account", refresh=1)
    assert account["state"] == "unreachable"
    assert account["username"] == "learner"
    status, answer = await api.call("GET", "quota", refresh=1)
    assert (status, answer["code"]) == (503, "unreachable")


class TestEmbedded:
    """Nothing is set: Kaggle is the endpoint, and the emulator is one click away."""

    @pytest.fixture
    def lab_settings(self) -> dict[str, Any]:
        return {}

    async def test_over_to_the_emulator_and_back(
        self, jp_fetch: Any, jp_serverapp: Any, tmp_path: Path
    ) -> None:
        api = Api(jp_fetch)
        status, account = await api.call("POST", "account/emulator")
        assert (status, account["state"], account["username"]) == (200, "signed_in", "learner")
        assert account["endpoint"]["kind"] == "emulator"
        record = (tmp_path / "lab" / "emulator" / "emulator.json").read_text()
        url = json.loads(record)["url"]
        assert is_emulator(url)
        assert (await api.get("quota"))["gpu"]
        status, account = await api.call("DELETE", "account/emulator")
        assert (status, account["state"], account["endpoint"]["kind"]) == (200, "signed_out", "kaggle")
        await jp_serverapp.cleanup_extensions()
        assert not is_emulator(url), "the last one to leave turns it off"
