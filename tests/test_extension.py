"""The extension in a real Jupyter server: settings, and that our troubles stay ours."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

import kaggle_lab
from kaggle_lab.config import Config
from kaggle_lab.emulator.testing import EmulatorProcess
from kaggle_lab.extension import KaggleLab

from .conftest import QUICK
from .support import make_notebook, wait_until

API = ("kaggle-lab", "api")


def test_version_is_that_of_the_npm_package() -> None:
    manifest = json.loads((Path(kaggle_lab.__file__).parent.parent / "package.json").read_text())
    assert kaggle_lab.__version__ == manifest["version"]
    with pytest.raises(AttributeError):
        _ = kaggle_lab.nonsense  # type: ignore[attr-defined]


def test_every_setting_is_a_trait_with_a_help_text() -> None:
    traits = KaggleLab.class_own_traits(config=True)
    assert set(traits) == {spec.name for spec in dataclasses.fields(Config)}
    assert all(trait.help for trait in traits.values())


def test_a_trait_beats_the_environment_which_beats_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_LAB_POLL_QUEUED_S", "3")
    monkeypatch.setenv("KAGGLE_LAB_POLL_RUNNING_S", "4")
    config = KaggleLab(poll_running_s=5.0).lab_config()
    assert (config.poll_queued_s, config.poll_running_s) == (3.0, 5.0)
    assert config.poll_max_s == Config().poll_max_s


async def get(jp_fetch: Any, *path: str) -> tuple[int, dict[str, Any]]:
    try:
        answer = await jp_fetch(*API, *path)
    except HTTPClientError as error:
        assert error.response is not None
        return error.code, json.loads(error.response.body)
    return answer.code, json.loads(answer.body)


async def server_lives(jp_fetch: Any) -> bool:
    return bool(json.loads((await jp_fetch("api", "status")).body)["started"])


async def test_a_wrong_setting_is_told_and_the_server_lives(
    jp_fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_LAB_POLL_MAX_S", "soon")
    status, answer = await get(jp_fetch, "jobs")
    assert (status, answer["code"]) == (400, "bad_request")
    assert "KAGGLE_LAB_POLL_MAX_S" in answer["cause"]
    assert await server_lives(jp_fetch)


@pytest.fixture
def unusable_store(tmp_path: Path) -> Path:
    folder = tmp_path / "lab"
    folder.mkdir()
    Config(data_dir=str(folder)).store_path.write_bytes(
        b"this is not a database, however long one looks at it" * 100
    )
    return folder


async def test_a_broken_store_is_told_and_the_server_lives(unusable_store: Path, jp_fetch: Any) -> None:
    for _ in range(2):
        status, answer = await get(jp_fetch, "jobs")
        assert (status, answer["code"]) == (500, "store_trouble")
        assert answer["cause"]
        assert answer["remedy"]
    assert await server_lives(jp_fetch)


async def test_without_credentials_the_answer_is_signed_out(
    jp_fetch: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    status, account = await get(jp_fetch, "account")
    assert (status, account["state"]) == (200, "signed_out")
    assert account["emulator_available"] is True
    status, answer = await get(jp_fetch, "quota")
    assert (status, answer["code"]) == (409, "signed_out")
    assert await server_lives(jp_fetch)
    assert "kaggle" not in capfd.readouterr().out.lower()


class Server:
    """`jupyter server` as a process of its own, with our extension."""

    token = "secret-of-jupyter"

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.root.mkdir(exist_ok=True)
        self.log = folder / "server.log"
        self._settings = {**QUICK, "data_dir": str(folder / "lab"), **settings}
        self.process = self._start()
        self.wait_for("Use Control-C to stop this server")
        self.url = re.findall(r"http://127\.0\.0\.1:\d+/", self.text())[-1]
        wait_until(self.answers, what=self.text())

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--ip=127.0.0.1", "--port=0"]
        command += [f"--ServerApp.root_dir={self.root}", "--allow-root", "--ServerApp.port_retries=0"]
        command += [f"--IdentityProvider.token={self.token}"]
        command += ["--ServerApp.jpserver_extensions=kaggle_lab=True"]
        command += [f"--KaggleLab.{name}={value}" for name, value in self._settings.items()]
        with self.log.open("wb") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=os.environ.copy(), cwd=self.root)

    def text(self) -> str:
        return self.log.read_text()

    def wait_for(self, words: str) -> None:
        wait_until(lambda: words in self.text() or self.process.poll() is not None, what=words)
        assert words in self.text(), self.text()

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def answers(self) -> bool:
        """Whether it takes connections; it says that it runs a moment before."""
        try:
            return bool(self.ask("api")["version"])
        except urllib.error.URLError:
            return False

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[Server]:
    """A server that must end cleanly, unless it was killed."""
    server = Server(folder, **settings)
    try:
        yield server
    finally:
        code = server.process.poll()
        if code is None:
            assert server.stop() == 0, server.text()
    assert not re.search(r"Traceback[\s\S]*/kaggle_lab/", server.text()), server.text()


def submit(server: Server, *sources: str) -> str:
    """Send a notebook as the browser does; the run's id."""
    body = {"notebook_path": "a.ipynb", "client_token": "click", "content": make_notebook(*sources)}
    return str(server.ask("kaggle-lab/api/jobs", body)["id"])


def status_of(server: Server, job_id: str) -> str:
    return str(server.ask(f"kaggle-lab/api/jobs/{job_id}")["job"]["status"])


def test_a_server_of_its_own_loads_and_stops_cleanly(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        assert "kaggle_lab | extension was successfully loaded" in server.text()
    assert not (tmp_path / "lab").exists(), "nothing is opened before anybody asks"


def test_a_run_outlives_the_server_and_its_files_come_by_themselves(
    tmp_path: Path, emulator: EmulatorProcess
) -> None:
    """Killed in mid-run; the next server takes the run up without being asked."""
    source = "print('go', flush=True)\nimport time; time.sleep(4)\nopen('model.bin', 'wb').write(b'x')"
    with running(tmp_path, endpoint=emulator.url) as server:
        job_id = submit(server, source)
        wait_until(lambda: status_of(server, job_id) == "running")
        server.kill()
    with running(tmp_path, endpoint=emulator.url) as server:
        wait_until(lambda: (server.root / "kaggle-output/a/v1/model.bin").exists(), what=server.text())
        wait_until(lambda: status_of(server, job_id) == "complete")
    assert len(emulator.requests("SaveKernel")) == 1


def test_it_stops_cleanly_in_mid_run(tmp_path: Path, emulator: EmulatorProcess) -> None:
    with running(tmp_path, endpoint=emulator.url) as server:
        job_id = submit(server, "print('go', flush=True)\nimport time; time.sleep(600)")
        wait_until(lambda: status_of(server, job_id) == "running")
    assert [row["ended_at"] for row in emulator.sessions()] == [None], "the run goes on"


def test_kernels_of_the_server_see_the_same_runs(tmp_path: Path, emulator: EmulatorProcess) -> None:
    """The magic in a notebook of this server needs no settings of its own."""
    with running(tmp_path, endpoint=emulator.url) as server:
        (server.root / "deep").mkdir()
        session = {
            "path": "deep/a.ipynb",
            "name": "a.ipynb",
            "type": "notebook",
            "kernel": {"name": "python3"},
        }
        server.ask("api/sessions", session)
        environ = wait_until(lambda: _environ_of_kernel(server.process.pid), what="the kernel")
    assert environ["KAGGLE_LAB_ROOT"] == str(server.root)
    assert environ["KAGGLE_LAB_DATA_DIR"] == str(tmp_path / "lab")
    assert environ["KAGGLE_LAB_ENDPOINT"] == emulator.url
    assert environ["JPY_SESSION_NAME"] == str(server.root / "deep/a.ipynb")


def _environ_of_kernel(parent: int) -> dict[str, str]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for child in children:
        if b"ipykernel" in Path(f"/proc/{child}/cmdline").read_bytes():
            pairs = Path(f"/proc/{child}/environ").read_bytes().decode().split("\0")
            return dict(pair.partition("=")[::2] for pair in pairs if pair)
    return {}
