"""Scripts, their environment, and every way a session ends early."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from runner_sessions import Session, order, order_notebook, processes_with, wait_until

MIB = 1 << 20


def script(path: Path, *lines: str, **wishes: object) -> Session:
    return order(path, "\n".join(lines), **wishes)


def test_script_runs_in_the_working_folder(tmp_path: Path) -> None:
    session = script(
        tmp_path,
        "import os, sys",
        "print(os.getcwd(), __file__, sys.argv[1:])",
        "open('model.bin', 'wb').write(b'12345')",
        "print('careful', file=sys.stderr)",
    )
    assert session.run()["outcome"] == "complete"
    assert session.text("stdout") == "/kaggle/working /kaggle/src/script.py []\n"
    assert session.text("stderr") == "careful\n"
    assert [path.name for path in session.working.iterdir()] == ["model.bin"]


def test_script_that_exits_with_a_code_is_an_error(tmp_path: Path) -> None:
    result = script(tmp_path, "import sys", "sys.exit(3)").run()
    assert (result["outcome"], result["exit_code"], result["failure_message"]) == ("error", 3, "")


def test_script_killed_by_a_signal_is_an_error(tmp_path: Path) -> None:
    result = script(tmp_path, "import os", "os.kill(os.getpid(), 9)").run()
    assert (result["outcome"], result["exit_code"]) == ("error", 128 + signal.SIGKILL)


@pytest.mark.skipif(shutil.which("Rscript") is not None, reason="R is installed")
def test_r_script_without_r_says_so(tmp_path: Path) -> None:
    session = order(tmp_path, "cat('hello')", language="r")
    assert session.run()["outcome"] == "error"
    assert "Rscript" in session.text("stderr")


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_r_script_runs(tmp_path: Path) -> None:
    session = order(tmp_path, "cat('hello\\n')", language="r")
    assert session.run()["outcome"] == "complete"
    assert session.text("stdout") == "hello\n"


def test_script_in_another_language_is_refused(tmp_path: Path) -> None:
    session = order(tmp_path, "SELECT 1", language="sqlite")
    assert session.run()["outcome"] == "error"
    assert session.text("stderr") == "Scripts in this language cannot be run: sqlite\n"


def test_environment_is_kaggles_and_nothing_of_the_hosts(tmp_path: Path) -> None:
    session = script(
        tmp_path,
        "import json, os",
        "print(json.dumps(dict(os.environ)))",
        env={"KAGGLE_KERNEL_RUN_TYPE": "Interactive"},
    )
    secrets = {
        "KAGGLE_KEY": "s3cret",
        "HTTPS_PROXY": "http://u:s3cret@p",
        "MY_TOKEN": "s3cret",
        "AWS_PROFILE": "s3cret",
    }
    session.run(extra_env=secrets)
    output = session.text("stdout")
    assert "s3cret" not in output
    env = session.log()[0]["data"]
    assert '"KAGGLE_KERNEL_RUN_TYPE": "Interactive"' in env
    assert '"KAGGLE_CONTAINER_NAME": "kaggle_emulator-4711"' in env
    for name, value in {
        "PWD": "/kaggle/working",
        "MPLBACKEND": "agg",
        "HOME": "/root",
        "TMPDIR": "/tmp",
    }.items():
        assert f'"{name}": "{value}"' in env
    assert '"PYTHONPATH": "/kaggle/lib/kagglegym:/kaggle/lib"' in env


def take_back_kaggle(session: Session) -> None:
    """A killed runner cannot remove the link /kaggle; the next one would."""
    link = Path("/kaggle")
    if link.is_symlink() and link.readlink() == session.path / "kaggle":
        link.unlink()


# -- limits -----------------------------------------------------------------------------------------------


def test_time_out_is_kaggles(tmp_path: Path) -> None:
    session = script(
        tmp_path,
        "import time",
        "open('partial', 'w').write('x')",
        "print('in', end='')",
        "time.sleep(1e6)",
        timeout_s=1.5,
    )
    result = session.run()
    assert result["outcome"] == "timeout"
    assert result["failure_message"] == (
        "Your notebook was stopped because it exceeded the max allowed execution duration."
    )
    assert 1.5 <= result["ended_at"] - result["started_at"] < 20
    assert session.text("stdout") == "in"
    assert (session.working / "partial").read_text() == "x"


def test_memory_is_counted_over_the_whole_tree(tmp_path: Path) -> None:
    """Two processes of 150 MiB each: neither is over the limit, together they are."""
    session = script(
        tmp_path,
        "import subprocess, sys, time",
        "hold = 'import time; block = bytearray(150 << 20); print(len(block), flush=True); time.sleep(1e6)'",
        "open('partial', 'w').write('x')",
        "children = [subprocess.Popen([sys.executable, '-c', hold]) for _ in range(2)]",
        "time.sleep(1e6)",
        memory_limit_bytes=250 * MIB,
    )
    result = session.run()
    assert result["outcome"] == "memory"
    assert result["failure_message"] == "Your notebook tried to allocate more memory than is available."
    assert (session.working / "partial").exists()


def test_memory_that_processes_share_counts_once(tmp_path: Path) -> None:
    session = script(
        tmp_path,
        "import os, time",
        "block = bytearray(150 << 20)",
        "children = []",
        "for _ in range(3):",
        "    pid = os.fork()",
        "    if pid == 0:",
        "        time.sleep(1.0); os._exit(0)",
        "    children.append(pid)",
        "for pid in children: os.waitpid(pid, 0)",
        "print('shared')",
        memory_limit_bytes=300 * MIB,
    )
    assert session.run()["outcome"] == "complete"
    assert session.text("stdout") == "shared\n"


def test_too_much_output_is_stopped(tmp_path: Path) -> None:
    session = script(
        tmp_path,
        "import os, time",
        "os.makedirs('deep/er')",
        "open('deep/er/big', 'wb').write(os.urandom(8 << 20))",
        "time.sleep(1e6)",
        disk_limit_bytes=4 * MIB,
    )
    result = session.run()
    assert result["outcome"] == "disk"
    assert result["failure_message"] == "Your notebook tried to use more disk space than is available."
    assert (session.working / "deep/er/big").stat().st_size == 8 * MIB


def test_too_much_output_in_a_moment_is_noticed_at_the_end(tmp_path: Path) -> None:
    session = script(
        tmp_path, "import os", "open('big', 'wb').write(os.urandom(8 << 20))", disk_limit_bytes=4 * MIB
    )
    assert session.run()["outcome"] == "disk"


def test_sparse_files_and_temporary_ones_do_not_count(tmp_path: Path) -> None:
    session = script(
        tmp_path,
        "import os",
        "open('sparse', 'wb').truncate(1 << 33)",
        "open('/kaggle/temp/big', 'wb').write(os.urandom(8 << 20))",
        disk_limit_bytes=4 * MIB,
    )
    assert session.run()["outcome"] == "complete"


# -- cancel and crash -------------------------------------------------------------------------------------


def test_cancel_while_queued(tmp_path: Path) -> None:
    session = script(tmp_path, "print('never')", queue_delay_s=1e6).start()
    wait_until((tmp_path / "runner.json").exists, "runner.json")
    assert session.process is not None
    session.process.terminate()
    result = session.finish()
    assert (result["outcome"], result["ended_at"]) == ("cancelled", result["started_at"])
    assert not (tmp_path / "started.json").exists()
    assert session.log() == []


def test_queue_delay_comes_before_running(tmp_path: Path) -> None:
    began = time.time()
    script(tmp_path, "print('late')", queue_delay_s=0.6).run()
    assert Session(tmp_path).read("started.json")["started_at"] >= began + 0.6


def test_cancel_kills_everything_and_keeps_outputs(tmp_path: Path) -> None:
    token = f"86400.{os.getpid()}1"
    session = script(
        tmp_path,
        "import signal, subprocess, time",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        f"subprocess.Popen(['setsid', 'sleep', '{token}'])",
        "open('partial', 'w').write('x')",
        "print('ready')",
        "time.sleep(1e6)",
    ).start()
    wait_until(lambda: (tmp_path / "log.ndjson").exists() and session.text("stdout") == "ready\n", "output")
    wait_until(lambda: processes_with(token), "the child")
    assert session.process is not None
    session.process.terminate()
    result = session.finish()
    assert (result["outcome"], result["failure_message"], result["exit_code"]) == ("cancelled", "", None)
    assert processes_with(token) == []
    assert (session.working / "partial").exists()


def test_cancel_at_any_moment_leaves_a_result(tmp_path: Path) -> None:
    sessions = [script(tmp_path / str(n), "import time", "time.sleep(1e6)").start() for n in range(6)]
    for number, session in enumerate(sessions):
        assert session.process is not None
        wait_until((session.path / "runner.json").exists, "runner.json")
        until = time.monotonic() + number * 0.03
        wait_until(lambda until=until: time.monotonic() >= until, "a later moment")
        session.process.terminate()
    assert [session.finish()["outcome"] for session in sessions] == ["cancelled"] * 6


@pytest.mark.parametrize("isolation", ["mount-namespace", "fallback"])
def test_nothing_survives_a_killed_runner(tmp_path: Path, isolation: str) -> None:
    token = f"86400.{os.getpid()}2{len(isolation)}"
    session = script(
        tmp_path,
        "import subprocess, time",
        f"subprocess.Popen(['setsid', 'sleep', '{token}'])",
        "time.sleep(1e6)",
    ).start(isolation=isolation)
    wait_until(lambda: processes_with(token), "the child")
    assert session.process is not None
    session.process.kill()
    session.process.wait()
    wait_until(lambda: not processes_with(token), "the end of the child")
    take_back_kaggle(session)
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize("isolation", ["mount-namespace", "fallback"])
def test_process_left_behind_neither_delays_the_end_nor_survives(tmp_path: Path, isolation: str) -> None:
    token = f"86400.{os.getpid()}3{len(isolation)}"
    session = script(
        tmp_path,
        "import subprocess",
        f"command = 'setsid nohup sleep {token} & disown; echo left'",
        "subprocess.Popen(['/bin/bash', '-c', command]).wait()",
    )
    assert session.run(isolation=isolation)["outcome"] == "complete"
    assert session.text("stdout") == "left\n"
    assert processes_with(token) == []


def test_runner_names_its_process(tmp_path: Path) -> None:
    session = script(tmp_path, "print()").start()
    runner = wait_until(
        lambda: (tmp_path / "runner.json").exists() and session.read("runner.json"), "runner.json"
    )
    assert session.process is not None
    assert runner["pid"] == session.process.pid
    assert isinstance(runner["pid_start_time"], int)
    session.finish()


def test_unusable_order_still_gets_a_result(tmp_path: Path) -> None:
    session = script(tmp_path, "print()", inputs=[{"mount": "../../etc", "path": "/"}])
    assert session.run()["outcome"] == "error"
    assert "a mount point must stay below /kaggle/input" in session.text("stderr")


def test_missing_source_still_gets_a_result(tmp_path: Path) -> None:
    session = order_notebook(tmp_path, "print()")
    (tmp_path / "source.ipynb").unlink()
    assert session.run()["outcome"] == "error"
    assert "source.ipynb" in session.text("stderr")
