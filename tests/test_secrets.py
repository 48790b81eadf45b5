"""The fence around credentials: a whole day's work with everything logged, and the secret nowhere."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kaggle_lab.emulator.testing import EmulatorProcess
from kaggle_lab.events import SCHEMA_ID

from .api import Api
from .support import make_notebook, until

STOLEN = """
import os, json
from pathlib import Path
found = json.dumps(dict(os.environ))
for folder in ("/kaggle", "~/.kaggle", "~/.config/kaggle"):
    for path in Path(folder).expanduser().rglob("*"):
        found += path.read_text(errors="replace") if path.is_file() else ""
Path("/kaggle/working/found.txt").write_text(found)
print(found)
"""
"""What a notebook finds around itself in the session."""


class Wallet:
    """The secrets of one test; ``seen`` is all that could hold one of them."""

    def __init__(self) -> None:
        self.token = f"KGAT_{secrets.token_hex(16)}"
        self.wrong = f"KGAT_{secrets.token_hex(16)}"
        self.key = secrets.token_hex(16)
        self.seen: dict[str, str] = {}

    def assert_nowhere(self) -> None:
        assert len(self.seen) > 20
        both = base64.b64encode(f"ada:{self.key}".encode()).decode()
        hidden = {"token": self.token, "wrong token": self.wrong, "key": self.key, "name and key": both}
        for place, text in self.seen.items():
            for name, secret in hidden.items():
                assert secret.removeprefix("KGAT_") not in text, f"the {name} is in {place}"


class Wiretap(Api):
    """Keeps every answer."""

    def __init__(self, jp_fetch: Any, wallet: Wallet) -> None:
        super().__init__(jp_fetch)
        self._wallet = wallet

    async def call(self, verb: str, path: str, body: Any = None, **params: Any) -> tuple[int, Any]:
        status, value = await super().call(verb, path, body, **params)
        self._wallet.seen[f"answer {len(self._wallet.seen)} to {verb} {path}"] = json.dumps(value)
        return status, value


@pytest.fixture
def wallet() -> Wallet:
    return Wallet()


@pytest.fixture
def emulator(tmp_path: Path, wallet: Wallet) -> Iterator[EmulatorProcess]:
    """It knows the account, and starts before the secret is in anybody's environment."""
    with EmulatorProcess(tmp_path / "emulator") as process:
        account = {"username": "ada", "key": wallet.key, "token": wallet.token}
        process.control("accounts", account)
        yield process


@pytest.fixture
def signed_in(
    emulator: EmulatorProcess,
    wallet: Wallet,
    jp_server_config: Any,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """The endpoint counts as Kaggle itself, and the user's own credentials are in the environment."""
    jp_server_config.KaggleLab.endpoint_kind = "kaggle"
    jp_server_config.ServerApp.log_level = "DEBUG"
    if request.param == "token":
        monkeypatch.setenv("KAGGLE_API_TOKEN", wallet.token)
    else:
        monkeypatch.setenv("KAGGLE_USERNAME", "ada")
        monkeypatch.setenv("KAGGLE_KEY", wallet.key)


def click(token: str, *sources: str, **fields: Any) -> dict[str, Any]:
    return {"notebook_path": "net.ipynb", "content": make_notebook(*sources), "client_token": token, **fields}


async def at_rest(api: Api, job_id: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        job = await api.job(job_id)
        return job if job["ended_at"] and job["retrieval"] not in ("pending", "running") else None

    found: dict[str, Any] = await until(look, what="the end of the run and its files")
    return found


@pytest.mark.parametrize("signed_in", ["token", "key"], indirect=True)
async def test_the_secret_is_nowhere(
    signed_in: None,
    wallet: Wallet,
    emulator: EmulatorProcess,
    jp_fetch: Any,
    jp_serverapp: Any,
    jp_root_dir: Path,
    tmp_path: Path,
    scratch_home: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Submitted, stopped, failed, retrieved, refused and answered oddly, all of it logged in full."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "urllib3", "asyncio", "kaggle_lab"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    jp_serverapp.log.setLevel(logging.DEBUG)
    events: list[str] = []

    async def hear(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        events.append(json.dumps(data))

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=hear)
    api = Wiretap(jp_fetch, wallet)

    account = await api.get("account", refresh=1)
    assert (account["state"], account["username"]) == ("signed_in", "ada")
    await api.call("POST", "account", {"token": wallet.wrong})
    await odd_answers(api, emulator, wallet)
    whole = await api.post("jobs", click("whole", STOLEN, "print('end')"))
    assert (await at_rest(api, whole["id"]))["retrieval"] == "complete"
    emulator.settings(queue_delay_s=60)
    stopped = await api.post("jobs", click("stopped", "1"))
    await api.post(f"jobs/{stopped['id']}/stop")
    assert (await at_rest(api, stopped["id"]))["status"] == "cancelled"
    for path in ("log", "outputs", "snapshot"):
        await api.get(f"jobs/{whole['id']}/{path}")
    await api.post(f"jobs/{whole['id']}/outputs", {"folder": "again"})
    await at_rest(api, whole["id"])
    await api.get("quota", refresh=1)

    assert len(events) > 3
    said = capfd.readouterr()
    wallet.seen |= {
        "the log": caplog.text,
        "stdout": said.out,
        "stderr": said.err,
        "events": " ".join(events),
    }
    assert "POST" in caplog.text
    for folder in (tmp_path, scratch_home):
        await asyncio.to_thread(take_files, wallet, folder)
    places = " ".join(wallet.seen)
    for part in ("kaggle-lab.sqlite", "source.ipynb", "notebook.ipynb", "found.txt", "manifest"):
        assert part in places
    wallet.assert_nowhere()


async def odd_answers(api: Api, emulator: EmulatorProcess, wallet: Wallet) -> None:
    """Kaggle quoting the credentials back, and connections that break while they are sent."""
    emulator.fault("GetAcceleratorQuotaStatistics", status=403, message=f"denied for Bearer {wallet.token}")
    await api.call("GET", "quota", refresh=1)
    emulator.fault("SaveKernel", status=400, message=f"the key {wallet.token} is not good")
    status, _ = await api.call("POST", "jobs", click("refused", "1"))
    assert status == 422
    emulator.fault("SaveKernel", drop="after")
    lost = await api.post("jobs", click("lost", "print(1)", save_only=True))
    await at_rest(api, lost["id"])


def take_files(wallet: Wallet, folder: Path) -> None:
    """Every file that anybody wrote: store, snapshots, outputs, runtime files, the emulator's own data."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            wallet.seen[str(path.relative_to(folder))] = path.read_bytes().decode("latin-1")
