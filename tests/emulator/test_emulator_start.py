"""Starting and not starting: the ready line, and clear words when it cannot be."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from kaggle_lab.emulator.testing import READY_PREFIX, EmulatorProcess

COMMAND = [sys.executable, "-m", "kaggle_lab.emulator"]


def refused(*arguments: str) -> str:
    """What it says when it must not start."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_prints_one_line_binds_loopback_and_ends_with_zero(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--data", str(tmp_path / "new" / "deep")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith(READY_PREFIX + "http://127.0.0.1:")
    assert httpx.get(line.removeprefix(READY_PREFIX).strip()).status_code == 200
    process.terminate()
    rest, _ = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "")


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = refused("--port", str(port), "--data", str(tmp_path))
    assert f"127.0.0.1:{port}" in words
    assert "--port" in words


def test_a_directory_in_use(tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path):
        assert "in use by another emulator" in refused("--port", "0", "--data", str(tmp_path))


def test_a_directory_of_a_newer_version(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "state.db")
    database.execute("PRAGMA user_version = 99")
    database.close()
    assert "newer version" in refused("--port", "0", "--data", str(tmp_path))


def test_a_directory_that_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot write to" in refused("--port", "0", "--data", str(tmp_path / "file"))
    assert "cannot write to" in refused("--port", "0", "--data", str(tmp_path / "file" / "below"))


def test_a_directory_where_nobody_may_write() -> None:
    assert "cannot write to" in refused("--port", "0", "--data", "/proc/emulator")


def test_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database at all" * 100)
    assert "cannot be read" in refused("--port", "0", "--data", str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--set", "max_gpu_session=4"), "unknown setting 'max_gpu_session'"),
        (("--set", "max_gpu_sessions=many"), "max_gpu_sessions must be"),
        (("--account", "nokey"), "USER:KEY"),
        (("--port", "70000"), "port 70000"),
    ],
)
def test_bad_arguments(tmp_path: Path, arguments: tuple[str, ...], hint: str) -> None:
    assert hint in refused("--data", str(tmp_path), "--port", "0", *arguments)


def test_help_teaches() -> None:
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, timeout=60, check=True)
    for word in ("learner", "KAGGLE_API_ENVIRONMENT", "--data", "/_emu/", "no GPU"):
        assert word in done.stdout


def test_options_reach_the_settings_and_what_was_switched_stays(tmp_path: Path) -> None:
    arguments = ("--set", "max_gpu_sessions=4", "--post-push-window", "3", "--account", "ada:lovelace")
    with EmulatorProcess(tmp_path, arguments=arguments) as process:
        chosen = process.control("state")["settings"]
        assert (chosen["max_gpu_sessions"], chosen["post_push_window_s"]) == (4, 3)
        assert {row["username"] for row in process.control("accounts")["accounts"]} == {
            "learner",
            "guest",
            "ada",
        }
        process.settings(max_gpu_sessions=1)
        process.restart()
        assert process.control("state")["settings"]["max_gpu_sessions"] == 1
