"""The unmodified `kaggle` command against the emulator, in both ways of pointing it there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from emulator_clients import FOREVER, Api, notebook

from kaggle_lab.emulator.testing import EmulatorProcess

KAGGLE = Path(sys.executable).with_name("kaggle")


class Command:
    """Runs `kaggle`."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env

    def __call__(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [str(KAGGLE), *words], env=self.env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def command(client_env: dict[str, str], kaggle: EmulatorProcess) -> Command:
    where = "import kagglesdk.kaggle_env as e; print(e.get_endpoint(e.get_env()))"
    told = subprocess.run(
        [sys.executable, "-c", where], env=client_env, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == kaggle.url, "the command must talk to the emulator and to nothing else"
    return Command(client_env)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to push: learner/my-note, a notebook that leaves two files."""
    folder = tmp_path / "push"
    write_push(
        folder, notebook("print('step', 1)\nopen('a.txt', 'w').write('hello')", "open('b.txt', 'w').close()")
    )
    return folder


def write_push(folder: Path, source: str, **metadata: object) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "note.ipynb").write_text(source)
    values = {
        "id": "learner/my-note",
        "title": "My Note",
        "code_file": "note.ipynb",
        "language": "python",
        "kernel_type": "notebook",
        "is_private": True,
        "enable_gpu": True,
        "enable_internet": False,
        "dataset_sources": ["nobody/nothing"],
    }
    (folder / "kernel-metadata.json").write_text(json.dumps({**values, **metadata}))


def test_push_follow_fetch_and_delete(
    command: Command, folder: Path, tmp_path: Path, kaggle: EmulatorProcess
) -> None:
    pushed = command("kernels", "push", "-p", str(folder), "--accelerator", "NvidiaTeslaT4", "-t", "600")
    assert "Kernel version 1 successfully pushed.  Please check progress at" in pushed
    assert (
        "The following are not valid dataset sources and could not be added to the kernel: ['nobody/nothing']"
        in pushed
    )

    followed = command("kernels", "logs", "-f", "learner/my-note")
    assert "No GPU is emulated: asked for NvidiaTeslaT4" in followed
    assert followed.index("step 1") < followed.index(
        "[NbConvertApp] Converting notebook __notebook__.ipynb to notebook"
    )
    kaggle.wait_for_sessions()
    status = command("kernels", "status", "learner/my-note")
    assert status.strip() == 'learner/my-note has status "KernelWorkerStatus.COMPLETE"'

    command("kernels", "output", "learner/my-note", "-p", str(tmp_path / "out"), "--page-size", "1")
    assert (tmp_path / "out" / "a.txt").read_text() == "hello"
    assert (tmp_path / "out" / "b.txt").read_bytes() == b""
    stored = json.loads((tmp_path / "out" / "my-note.log").read_text())
    assert "step 1\n" in [record["data"] for record in stored]
    assert json.loads(command("kernels", "logs", "learner/my-note"))

    assert "a.txt" in command("kernels", "files", "learner/my-note")
    assert "learner/my-note" in command("kernels", "list", "--mine")
    command("kernels", "pull", "learner/my-note", "-p", str(tmp_path / "pull"), "-m")
    assert "step" in (tmp_path / "pull" / "my-note.ipynb").read_text()
    pulled = json.loads((tmp_path / "pull" / "kernel-metadata.json").read_text())
    assert (pulled["machine_shape"], pulled["enable_gpu"], pulled["title"]) == (
        "NvidiaTeslaT4",
        True,
        "My Note",
    )

    assert "Kernel learner/my-note deleted successfully" in command(
        "kernels", "delete", "-y", "learner/my-note"
    )
    assert "wrong kernel slug" in command("kernels", "status", "learner/my-note", code=1)


def test_a_failing_cell_shows_in_status_and_log(
    command: Command, folder: Path, kaggle: EmulatorProcess
) -> None:
    write_push(folder, notebook("1/0"), enable_gpu=False)
    command("kernels", "push", "-p", str(folder))
    kaggle.wait_for_sessions()
    assert 'has status "KernelWorkerStatus.ERROR"' in command("kernels", "status", "learner/my-note")
    log = command("kernels", "logs", "learner/my-note")
    assert "PapermillExecutionError" in log
    assert "ZeroDivisionError" in log


def test_a_missing_kernelspec_fails_as_on_kaggle(
    command: Command, folder: Path, kaggle: EmulatorProcess
) -> None:
    bare = json.loads(notebook("1"))
    bare["metadata"] = {}
    write_push(folder, json.dumps(bare), enable_gpu=False)
    command("kernels", "push", "-p", str(folder))
    kaggle.wait_for_sessions()
    log = command("kernels", "logs", "learner/my-note")
    assert "ValueError: No kernel name found in notebook and no override provided" in log


def test_rejections_are_printed(command: Command, folder: Path, kaggle: EmulatorProcess) -> None:
    kaggle.control("accounts", {"username": "learner", "gpu_used_hours": 30})
    pushed = command("kernels", "push", "-p", str(folder))
    assert "Kernel push error: Maximum weekly GPU quota of 30.00 hours reached." in pushed


def test_quota_is_shown(command: Command, kaggle: EmulatorProcess) -> None:
    kaggle.control("accounts", {"username": "learner", "gpu_used_hours": 1.5, "tpu_used_hours": 20})
    rows = [line.split() for line in command("quota", "-v").replace(",", " ").splitlines()]
    assert [row[:4] for row in rows[-2:]] == [
        ["GPU", "1.50h", "28.50h", "30.00h"],
        ["TPU", "20.00h", "0.00h", "20.00h"],
    ]


def test_an_access_token_signs_in_too(kaggle: EmulatorProcess, api: Api, tmp_path: Path) -> None:
    api.push("my-note", kernelExecutionType="QUICK_SAVE")
    command = Command(kaggle.client_environment(tmp_path, token=True))
    assert "learner/my-note" in command("kernels", "list", "--mine")
    assert [row["status"] for row in kaggle.requests("IntrospectToken")] == [200]


def test_a_wrong_token_falls_back_to_the_key(kaggle: EmulatorProcess, tmp_path: Path) -> None:
    command = Command({**kaggle.client_environment(tmp_path), "KAGGLE_API_TOKEN": "KGAT_unknown"})
    command("config", "view")
    assert {row["status"] for row in kaggle.requests("IntrospectToken")} == {403}


def test_the_emulator_stands_in_as_a_proxy(kaggle: EmulatorProcess, api: Api, tmp_path: Path) -> None:
    """Nothing is patched here: the command sends absolute-form request lines for http://localhost."""
    api.push("my-note", "open('a.txt', 'w').write('by proxy')")
    api.wait_for("my-note")
    env = kaggle.client_environment(tmp_path)
    shutil.rmtree(tmp_path / "kaggle-emulator-hook")
    command = Command(
        {**env, "HTTP_PROXY": kaggle.url, "NO_PROXY": "", "http_proxy": kaggle.url, "no_proxy": ""}
    )
    assert "learner/my-note" in command("kernels", "list", "--mine")
    command("kernels", "output", "learner/my-note", "-p", str(tmp_path / "out"))
    assert (tmp_path / "out" / "a.txt").read_text() == "by proxy"


def test_following_survives_a_cut_stream(command: Command, kaggle: EmulatorProcess, api: Api) -> None:
    text = "import time\nfor n in range(30):\n    print('line', n, flush=True)\n    time.sleep(0.05)\n"
    api.push("long-run", text)
    kaggle.fault("LogsStream", drop_after_events=3)
    followed = command("kernels", "logs", "-f", "learner/long-run")
    assert [line for line in followed.splitlines() if line.startswith("line")] == [
        f"line {n}" for n in range(30)
    ]


def test_a_title_clash_is_an_http_error(command: Command, folder: Path, api: Api) -> None:
    api.push("my-note", kernelExecutionType="QUICK_SAVE")
    write_push(folder, notebook("1"), id="learner/my_note", enable_gpu=False)
    assert "409 Client Error" in command("kernels", "push", "-p", str(folder), code=1)


def test_delete_stops_a_running_kernel(command: Command, kaggle: EmulatorProcess, api: Api) -> None:
    api.push("endless-one", FOREVER)
    api.wait_for("endless-one", "RUNNING")
    command("kernels", "delete", "-y", "learner/endless-one")
    assert kaggle.wait_for_sessions()[0]["status"] == "CANCEL_ACKNOWLEDGED"
