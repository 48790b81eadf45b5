"""`kaggle-emulator exec -- COMMAND`: run a program that takes the emulator for Kaggle."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from .client_env import client_environment
from .folders import default_data
from .testing import EmulatorError, EmulatorProcess

_EPILOG = """\
Examples:
  kaggle-emulator exec -- kaggle kernels list --mine
  kaggle-emulator exec -- kaggle kernels push -p my-folder
  kaggle-emulator exec --url http://127.0.0.1:8765 -- python my_script.py
  kaggle-emulator exec --account guest -- kaggle quota

The program sees a home folder of its own and the emulator's account, never your own credentials. Its exit
code is handed on. If no emulator is running on the data directory, one runs for as long as the program does;
kernel sessions it started go on, and the next emulator on that directory finds them again.
"""
_ACCOUNTS = {
    "learner": (EmulatorProcess.username, EmulatorProcess.key, EmulatorProcess.token),
    "guest": (EmulatorProcess.guest_username, EmulatorProcess.guest_key, EmulatorProcess.guest_token),
}


class ExecError(Exception):
    """Why the program cannot be run, in words for the terminal."""


def main(arguments: list[str]) -> int:
    """Run it; the program's exit code (128 + n when signal n ended it), or 2 when it could not be run."""
    own, command = _split(arguments)
    chosen = _parser().parse_args(own)
    if not command:
        _parser().error("give a command after --, for example: -- kaggle kernels list")
    try:
        with _emulator(chosen.url, chosen.data) as url, _home(chosen.url, chosen.data) as home:
            return _run(command, client_environment(url, home, _credentials(chosen.account)))
    except (ExecError, EmulatorError) as error:
        print(f"kaggle-emulator: {error}", file=sys.stderr)  # noqa: T201
        return 2


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kaggle-emulator exec",
        usage="kaggle-emulator exec [--url URL | --data DIR] [--account NAME] -- COMMAND [ARGUMENT ...]",
        description="Run a program that takes the emulator for Kaggle: the kaggle command, a script.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--url", help="an emulator that is running, for example http://127.0.0.1:8765")
    where.add_argument(
        "--data",
        type=Path,
        default=default_data(),
        metavar="DIR",
        help="the emulator on this data directory, started if need be (default %(default)s)",
    )
    parser.add_argument(
        "--account", choices=sorted(_ACCOUNTS), default="learner", help="whom to sign in (default learner)"
    )
    return parser


@contextlib.contextmanager
def _emulator(url: str | None, data: Path) -> Iterator[str]:
    """The address of an emulator that answers."""
    if url is not None:
        yield _checked(url.rstrip("/"))
        return
    running = _running_on(data)
    if running is not None:
        yield _checked(running)
        return
    process = EmulatorProcess(data, queue_delay_s=2.0)
    try:
        process.start()
    except OSError as error:
        raise ExecError(
            f"cannot write to {data}: {error.strerror}. Choose another --data directory."
        ) from None
    try:
        yield process.url
    finally:
        process.stop()


def _checked(url: str) -> str:
    """`url` if an emulator answers there. Anything else might be given credentials, or be Kaggle itself."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/_emu/state", timeout=10) as response:
            if "settings" in json.load(response):
                return url
    except (OSError, ValueError) as error:
        raise ExecError(
            f"no emulator answers at {url} ({error}). Start one with: kaggle-emulator --port PORT"
        ) from None
    raise ExecError(f"what answers at {url} is no Kaggle emulator")


def _running_on(data: Path) -> str | None:
    """The address of the emulator that holds a data directory; None when nobody does."""
    try:
        with (data / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return (data / "address").read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ExecError(f"cannot read {data}: {error.strerror}") from None
    return None


@contextlib.contextmanager
def _home(url: str | None, data: Path) -> Iterator[Path]:
    """A home folder that lasts as long as the data directory, or as the command when there is only a URL."""
    if url is None:
        home = data.resolve() / "client-home"
        home.mkdir(mode=0o700, exist_ok=True)
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="kaggle-emulator-home-") as folder:
        yield Path(folder)


def _credentials(name: str) -> dict[str, str]:
    username, key, token = _ACCOUNTS[name]
    # Each of Kaggle's clients reads another of these.
    return {"KAGGLE_USERNAME": username, "KAGGLE_KEY": key, "KAGGLE_API_TOKEN": token}


def _run(command: list[str], environment: dict[str, str]) -> int:
    # The commands installed beside this one are found even when their folder is not on PATH.
    path = os.pathsep.join(filter(None, (environment.get("PATH"), sysconfig.get_path("scripts"))))
    program = shutil.which(command[0], path=path)
    if program is None:
        raise ExecError(f"command not found: {command[0]}")
    before = signal.getsignal(signal.SIGINT)
    try:
        with subprocess.Popen([program, *command[1:]], env={**environment, "PATH": path}) as process:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the program
            code = process.wait()
    except OSError as error:
        raise ExecError(f"cannot run {command[0]}: {error.strerror}") from None
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code
