"""`kaggle-emulator exec`: the unmodified command works at once, with the emulator's account and no other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kaggle_lab.emulator.testing import EmulatorProcess

EXEC = [sys.executable, "-m", "kaggle_lab.emulator", "exec"]
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*EXEC, *arguments], capture_output=True, text=True, timeout=120, check=False, cwd=cwd
    )


def test_the_kaggle_command_works_against_a_running_emulator(kaggle: EmulatorProcess, tmp_path: Path) -> None:
    (tmp_path / "kernel-metadata.json").write_text(
        json.dumps(
            {"id": "learner/by-exec", "title": "By Exec", "code_file": "a.py"}
            | {"language": "python", "kernel_type": "script", "enable_internet": False}
        )
    )
    (tmp_path / "a.py").write_text("print(1)")
    pushed = run("--url", kaggle.url, "--", "kaggle", "kernels", "push", "-p", str(tmp_path))
    assert "Kernel version 1 successfully pushed" in pushed.stdout, pushed.stdout + pushed.stderr
    listed = run("--data", str(kaggle.data), "--", "kaggle", "kernels", "list", "--mine")
    assert listed.returncode == 0, listed.stderr
    assert "learner/by-exec" in listed.stdout


def test_an_emulator_is_started_when_none_runs(tmp_path: Path) -> None:
    done = run("--data", str(tmp_path / "new"), "--", "kaggle", "quota")
    assert done.returncode == 0, done.stderr
    assert "GPU" in done.stdout
    with EmulatorProcess(tmp_path / "new") as again:  # nothing holds the directory any more
        assert again.control("sessions")["sessions"] == []


def test_exit_code_arguments_and_output_pass_through(kaggle: EmulatorProcess) -> None:
    code = "import sys; print(sys.argv[1]); sys.exit(37)"
    done = run("--url", kaggle.url, "--", sys.executable, "-c", code, "a -- b")
    assert (done.returncode, done.stdout) == (37, "a -- b\n")
    killed = run("--url", kaggle.url, "--", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    assert killed.returncode == 128 + 9


@pytest.mark.parametrize("account", ["learner", "guest"])
def test_nothing_of_the_users_own_is_handed_on(
    kaggle: EmulatorProcess, monkeypatch: pytest.MonkeyPatch, scratch_home: Path, account: str
) -> None:
    (scratch_home / ".kaggle").mkdir()
    (scratch_home / ".kaggle" / "access_token").write_text("KGAT_mine_alone")
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_mine_alone")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    where = ["--url", kaggle.url, "--account", account]
    seen = json.loads(run(*where, "--", sys.executable, "-c", SHOW).stdout)
    assert "mine_alone" not in str(seen)
    assert seen["HOME"] != os.environ["HOME"]
    assert seen["KAGGLE_USERNAME"] == account
    assert seen["KAGGLE_API_ENVIRONMENT"] == "LOCALHOST"
    assert not [name for name in seen if "PROXY" in name.upper()]
    kaggle.control("requests", method="DELETE")
    client = "from kagglesdk import KaggleClient; k = KaggleClient(); k.http_client()._init_session();"
    client += "print(k.http_client()._endpoint)"
    assert run(*where, "--", sys.executable, "-c", client).stdout.strip() == kaggle.url


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ((), "give a command after --"),
        (("kaggle",), "unrecognized arguments"),
        (("--url", "http://127.0.0.1:9", "--", "true"), "no emulator answers"),
        (("--data", "/proc/nowhere", "--", "true"), "--data"),
    ],
)
def test_what_cannot_be_run_is_told(arguments: tuple[str, ...], hint: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2, done.stdout
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_command_is_told(kaggle: EmulatorProcess) -> None:
    done = run("--url", kaggle.url, "--", "no-such-command")
    assert (done.returncode, done.stderr) == (2, "kaggle-emulator: command not found: no-such-command\n")


def test_help_teaches() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "kaggle-emulator exec -- kaggle kernels list" in done.stdout
