"""`jupyter kaggle` as a process of its own, against the emulator, with its exit codes."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kaggle_lab.emulator.testing import EmulatorProcess

from .conftest import QUICK
from .support import wait_until, write_notebook

COMMAND = [sys.executable, "-m", "kaggle_lab.cli"]
TRAIN = "print('epoch 1')\nopen('model.bin', 'wb').write(b'x' * 2000)"

SLEEP = "print('go', flush=True)\nimport time; time.sleep(600)"


class Terminal:
    """A folder to work in and an environment, as in a user's shell."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        quick = {f"KAGGLE_LAB_{name.upper()}": str(value) for name, value in QUICK.items()}
        self.environ = {**os.environ, **quick, "KAGGLE_LAB_DATA_DIR": str(folder / "lab")}
        if url:
            self.environ["KAGGLE_LAB_ENDPOINT"] = url

    def run(self, *argv: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *argv],
            cwd=self.folder,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def json(self, *argv: str) -> Any:
        done = self.run(*argv, "--json")
        assert done.stderr == ""
        return json.loads(done.stdout)

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """With Ctrl-C as on a terminal, also when the tests run in a shell's background, which ignores it."""
        return subprocess.Popen(
            [*COMMAND, *argv],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
        )

    def notebook(self, *sources: str, name: str = "train.ipynb") -> str:
        return str(write_notebook(self.folder / name, *sources).relative_to(self.folder))


@pytest.fixture
def shell(emulator: EmulatorProcess, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, emulator.url)


@pytest.fixture
def offline(tmp_path: Path) -> Terminal:
    """Nobody is signed in, and Kaggle is never asked."""
    return Terminal(tmp_path, "")


def test_submit_and_wait_brings_the_files(shell: Terminal) -> None:
    done = shell.run("submit", shell.notebook(TRAIN), "--wait")
    assert done.returncode == 0, done.stderr
    assert "epoch 1" in done.stdout.splitlines()
    assert "EMULATOR" in done.stderr
    assert (shell.folder / "kaggle-output/train/v1/model.bin").read_bytes() == b"x" * 2000
    assert "kaggle-output/train/v1" in done.stdout


def test_json_tells_the_run_and_its_files(shell: Terminal, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    answer = shell.json("submit", shell.notebook(TRAIN, name="a b/ü.ipynb"), "--output", str(place))
    assert answer["job"]["status"] == "complete"
    assert answer["job"]["notebook_path"] == "a b/ü.ipynb"
    assert "model.bin" in [file["name"] for file in answer["outputs"]["files"]]
    assert (place / "model.bin").exists()
    assert not (shell.folder / "kaggle-output").exists()


def test_without_waiting_then_the_other_commands(shell: Terminal) -> None:
    done = shell.run("submit", shell.notebook("for i in range(9): print('line', i)", TRAIN), "-a", "t4x2")
    assert done.returncode == 0, done.stderr
    job_id = done.stdout.strip()
    followed = shell.run("log", job_id[:6], "--follow")
    assert followed.returncode == 0
    assert "line 8" in followed.stdout.splitlines()
    assert len(shell.run("log", "--tail", "2").stdout.splitlines()) == 2
    page = shell.json("jobs")
    assert [(job["id"], job["status"]) for job in page["jobs"]] == [(job_id, "complete")]
    assert job_id[:8] in shell.run("jobs").stdout
    fetched = shell.run("outputs", job_id[:8], "model.bin", "--output", "picked")
    assert fetched.returncode == 0, fetched.stderr
    assert (shell.folder / "picked/model.bin").exists()
    assert "model.bin" in shell.run("outputs").stdout
    assert shell.json("quota")["gpu"]["used_s"] > 0


def test_no_retrieve_leaves_the_files(shell: Terminal) -> None:
    done = shell.run("submit", shell.notebook(TRAIN), "--wait", "--no-retrieve")
    assert done.returncode == 0, done.stderr
    assert not (shell.folder / "kaggle-output").exists()


def test_a_failing_cell_ends_with_3(shell: Terminal) -> None:
    done = shell.run("submit", shell.notebook(TRAIN, "1 / 0"), "--wait")
    assert done.returncode == 3
    assert "ZeroDivisionError" in done.stdout
    assert (shell.folder / "kaggle-output/train/v1/model.bin").exists(), "what a failed run left comes too"


def test_the_time_cap_ends_with_3(shell: Terminal) -> None:
    done = shell.run("submit", shell.notebook("import time; time.sleep(600)"), "--wait", "--time-cap", "2s")
    assert done.returncode == 3
    assert "time limit" in done.stdout


def test_a_rejected_run_ends_with_4(shell: Terminal, emulator: EmulatorProcess) -> None:
    emulator.control("accounts", {"username": "learner", "verified": False})
    done = shell.run("submit", shell.notebook(TRAIN), "--accelerator", "t4x2", "--wait")
    assert done.returncode == 4
    assert "phone" in done.stderr.lower()
    assert shell.json("jobs")["jobs"][0]["status"] == "rejected"


def test_inputs_are_attached_and_a_missing_one_is_named(shell: Terminal) -> None:
    first = shell.json("submit", shell.notebook(TRAIN), "--wait", "--no-retrieve")
    kernel = first["job"]["ref"]
    notebook = shell.notebook("print('two')", name="second.ipynb")
    inputs = ["--kernel", kernel, "--dataset", "ada/no-such-data", "--competition", "no-such-competition"]
    answer = shell.json("submit", notebook, *inputs)
    assert answer["sources"]["kernels"] == [kernel]
    warnings = " ".join(answer["warnings"])
    assert "ada/no-such-data" in warnings
    assert "no-such-competition" in warnings
    assert kernel not in warnings


def test_kaggle_away_ends_with_5(shell: Terminal, emulator: EmulatorProcess) -> None:
    emulator.stop()
    for argv in (["quota"], ["submit", shell.notebook(TRAIN)], ["doctor"]):
        done = shell.run(*argv)
        assert done.returncode == 5, (argv, done.stdout, done.stderr)
    assert json.loads(shell.run("quota", "--json").stdout)["error"]["code"] == "unreachable"


def test_nobody_signed_in_ends_with_6(offline: Terminal) -> None:
    for argv in (["quota"], ["submit", offline.notebook(TRAIN)], ["doctor"]):
        done = offline.run(*argv)
        assert done.returncode == 6, (argv, done.stdout, done.stderr)
    assert "token" in offline.run("doctor").stdout


def test_a_stopped_run_ends_with_7(shell: Terminal) -> None:
    waiting = shell.start("submit", shell.notebook(SLEEP), "--wait")
    assert waiting.stdout is not None
    first = waiting.stdout.readline()
    assert first == "go\n"
    stopped = shell.run("stop", "--wait")
    assert stopped.returncode == 0, stopped.stderr
    out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 7, err
    assert "stopped" in out


def test_missing_files_end_with_8(shell: Terminal, emulator: EmulatorProcess) -> None:
    shell.environ["KAGGLE_LAB_DOWNLOAD_ATTEMPTS"] = "1"
    emulator.fault("OutputFile", status=500, count=1000)
    done = shell.run("submit", shell.notebook(TRAIN), "--wait")
    assert done.returncode == 8, done.stdout + done.stderr
    assert "model.bin" in done.stdout


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 3}', "print('hello')"])
def test_what_is_not_a_notebook_ends_with_2(shell: Terminal, content: str) -> None:
    (shell.folder / "bad.ipynb").write_text(content)
    done = shell.run("submit", "bad.ipynb")
    assert done.returncode == 2
    assert "bad.ipynb" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["submit", "missing.ipynb"], "missing.ipynb"),
        (["log", "zzzz"], "zzzz"),
        (["outputs"], "no runs"),
        (["login"], "token"),
    ],
)
def test_what_is_not_there_ends_with_2(shell: Terminal, argv: list[str], words: str) -> None:
    done = shell.run(*argv)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr


def test_a_wrong_setting_ends_with_2(offline: Terminal) -> None:
    offline.environ["KAGGLE_LAB_POLL_MAX_S"] = "soon"
    done = offline.run("jobs")
    assert done.returncode == 2
    assert "KAGGLE_LAB_POLL_MAX_S" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("RETRIEVE", "automatic", "auto, ask, never"),
        ("POLL_RUNNING_S", "0", "more than 0"),
        ("EMULATOR_ARGS", '--x "', "cannot be read"),
    ],
)
def test_a_setting_that_cannot_be_ends_with_2(offline: Terminal, name: str, value: str, words: str) -> None:
    offline.environ[f"KAGGLE_LAB_{name}"] = value
    done = offline.run("jobs")
    assert done.returncode == 2
    assert f"KAGGLE_LAB_{name}" in done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("submit", os.fsdecode(b"caf\xe9.ipynb")),
        ("submit", os.fsdecode(b"caf\xe9/a.ipynb")),
        ("submit", "a.ipynb", "--output", os.fsdecode(b"caf\xe9")),
    ],
)
def test_a_name_that_is_not_utf8_ends_with_2(offline: Terminal, words: tuple[str, ...]) -> None:
    done = offline.run(*words)
    assert done.returncode == 2
    assert "Rename this file or folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_the_watching_not_the_run(shell: Terminal) -> None:
    waiting = shell.start("submit", shell.notebook(SLEEP), "--wait")
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "go\n"
    waiting.send_signal(signal.SIGINT)
    _, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 130
    assert "goes on" in err
    assert "Traceback" not in err
    assert shell.json("jobs")["jobs"][0]["status"] == "running"
    assert shell.run("stop", "--wait").returncode == 0


def test_login_reads_the_token_from_standard_input(
    shell: Terminal, emulator: EmulatorProcess, scratch_home: Path
) -> None:
    shell.environ["KAGGLE_LAB_ENDPOINT_KIND"] = "kaggle"
    wrong = shell.run("login", stdin="KGAT_wrong\n")
    assert wrong.returncode == 6
    right = shell.run("login", stdin=f"{emulator.token}\n")
    assert right.returncode == 0, right.stderr
    assert "learner" in right.stdout
    assert emulator.token not in right.stdout + right.stderr
    assert (scratch_home / ".kaggle/access_token").exists()
    assert shell.run("doctor").returncode == 0
    assert "Signed out" in shell.run("logout").stdout
    assert shell.run("quota").returncode == 6


@pytest.mark.parametrize(("set_to", "code"), [("guest", 0), ("wrong", 6)])
def test_login_says_that_a_variable_overrules_the_token(
    shell: Terminal, emulator: EmulatorProcess, set_to: str, code: int
) -> None:
    shell.environ["KAGGLE_LAB_ENDPOINT_KIND"] = "kaggle"
    shell.environ["KAGGLE_API_TOKEN"] = {"guest": emulator.guest_token}.get(set_to, "KGAT_wrong")
    done = shell.run("login", stdin=f"{emulator.token}\n")
    assert done.returncode == code, done.stderr
    assert "Unset KAGGLE_API_TOKEN" in done.stderr
    assert ("Signed in as guest" in done.stdout) is (code == 0)


def test_ctrl_c_leaves_the_question_for_a_token(offline: Terminal) -> None:
    """Typed on a terminal of its own, where the token is asked for unseen."""
    here, there = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "login"],
        cwd=offline.folder,
        env=offline.environ,
        stdin=there,
        stdout=there,
        stderr=there,
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
    ) as process:
        os.close(there)
        shown = b""
        while b"Access token: " not in shown:
            shown += os.read(here, 1024)
        os.write(here, b"\x03")
        shown += _read_all(here).encode()
        os.close(here)
        assert process.wait(60) == 130, shown
    assert b"Traceback" not in shown


def test_the_embedded_emulator_needs_no_account(offline: Terminal) -> None:
    notebook = offline.notebook(TRAIN)
    done = offline.run("submit", notebook, "--emulator", "--wait")
    assert done.returncode == 0, done.stderr
    assert "EMULATOR" in done.stderr
    assert (offline.folder / "kaggle-output/train/v1/model.bin").exists()
    lab = Path(offline.environ["KAGGLE_LAB_DATA_DIR"])
    assert not (lab / "emulator/emulator.json").exists(), "the last one to leave turned it off"


def test_a_terminal_sees_progress(shell: Terminal) -> None:
    """On a terminal there is a spinner and a bar for each file, and the cursor is given back."""
    notebook = shell.notebook(TRAIN)
    here, there = pty.openpty()
    environ = {**shell.environ, "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(
        [*COMMAND, "submit", notebook, "--wait"], cwd=shell.folder, env=environ, stdout=there, stderr=there
    )
    os.close(there)
    shown = _read_all(here)
    os.close(here)
    assert process.wait(60) == 0, shown
    assert "epoch 1" in shown
    assert "━" in shown
    assert "running" in shown
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l"), "the cursor stays hidden"


def _read_all(fd: int) -> str:
    data = b""
    while True:
        try:
            block = os.read(fd, 65536)
        except OSError:  # Linux's way of saying that the other end is closed
            break
        if not block:
            break
        data += block
    return data.decode(errors="replace")


def test_two_waiting_processes_share_one_run(shell: Terminal) -> None:
    job_id = shell.run("submit", shell.notebook(TRAIN)).stdout.strip()
    followers = [shell.start("log", job_id, "--follow") for _ in range(2)]
    outputs = [follower.communicate(timeout=90)[0] for follower in followers]
    assert [follower.returncode for follower in followers] == [0, 0]
    assert outputs[0].splitlines().count("epoch 1") == outputs[1].splitlines().count("epoch 1") == 1


def test_submit_without_network_is_found_again_later(shell: Terminal, emulator: EmulatorProcess) -> None:
    """A run that was sent goes on without us; its log and files are there when we come back."""
    job_id = shell.run("submit", shell.notebook(TRAIN)).stdout.strip()
    wait_until(lambda: all(row["ended_at"] for row in emulator.sessions()))
    followed = shell.run("log", job_id, "--follow")
    assert followed.returncode == 0
    assert "epoch 1" in followed.stdout


def test_a_reader_that_has_read_enough_is_no_error(shell: Terminal) -> None:
    shell.run("submit", shell.notebook("for i in range(20000): print('line', i, 'x' * 50)"), "--wait")
    reading = shell.start("log")
    assert reading.stdout is not None
    assert reading.stderr is not None
    assert reading.stdout.readline() == f"line 0 {'x' * 50}\n"
    reading.stdout.close()
    assert reading.stderr.read() == ""
    assert reading.wait(60) == 0
    reading.stderr.close()


def test_a_run_that_waits_for_a_session_says_who_sends_it(shell: Terminal, emulator: EmulatorProcess) -> None:
    emulator.settings(max_cpu_sessions=0)
    done = shell.run("submit", shell.notebook(TRAIN))
    assert done.returncode == 0, done.stderr
    job_id = done.stdout.strip()
    assert f"jupyter kaggle log {job_id[:8]} --follow" in done.stderr
    emulator.settings(max_cpu_sessions=5)
    assert shell.run("log", job_id, "--follow").returncode == 0


def test_jupyter_kaggle_is_there(shell: Terminal) -> None:
    command = [str(Path(sys.executable).parent / "jupyter"), "kaggle", "jobs", "--json"]
    done = subprocess.run(command, env=shell.environ, cwd=shell.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["jobs"] == []
