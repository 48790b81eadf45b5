"""A real emulator in a process of its own, for tests.

    with EmulatorProcess(tmp_path / "kaggle") as emulator:
        emulator.control("settings", {"queue_delay_s": 0})
        ... emulator.url, emulator.username, emulator.key, emulator.token ...

It imports nothing but the standard library and may be used without pytest. With pytest there are fixtures:
see `kaggle_lab.emulator.pytest_plugin`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from .client_env import client_environment

READY_PREFIX = "kaggle-emulator ready: "
START_TIMEOUT_S = 30.0
_REPOSITORY = Path(__file__).resolve().parents[2]


class EmulatorError(RuntimeError):
    """The emulator did not start, or the control API refused."""


class EmulatorProcess:
    """Start, stop, kill and restart an emulator on one directory and one port."""

    username = "learner"
    key = "local_api_token"
    token = "KGAT_emulator_learner"  # noqa: S105 - a made-up account of the emulator
    guest_username = "guest"
    guest_key = "guest_api_token"
    guest_token = "KGAT_emulator_guest"  # noqa: S105

    def __init__(
        self, data: Path, *, port: int = 0, queue_delay_s: float = 0.1, arguments: Sequence[str] = ()
    ) -> None:
        """`data` is the state directory; `arguments` go to the command line as they are."""
        self.data = Path(data)
        self.port = port
        self.url = ""
        self._arguments = ["--queue-delay", str(queue_delay_s), *arguments]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> EmulatorProcess:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the server. Raises EmulatorError when it is not running."""
        if self._process is None:
            raise EmulatorError("the emulator is not running")
        return self._process.pid

    def start(self) -> None:
        """Start and wait for the ready line. Raises EmulatorError with what it said otherwise."""
        self.data.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "kaggle_lab.emulator",
            "--port",
            str(self.port),
            "--data",
            str(self.data),
        ]
        path = os.pathsep.join(filter(None, (str(_REPOSITORY), os.environ.get("PYTHONPATH"))))
        with self._errors.open("ab") as errors:
            self._process = subprocess.Popen(
                [*command, *self._arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "PYTHONPATH": path},
            )
        self.url = self._ready_url()
        self.port = int(self.url.rpartition(":")[2])

    def stop(self, timeout_s: float = 15.0) -> int | None:
        """Stop in order (SIGTERM); running sessions go on. Returns the exit code."""
        return self._end(signal.SIGTERM, timeout_s)

    def kill(self) -> None:
        """kill -9 the server; running sessions go on."""
        self._end(signal.SIGKILL, 15.0)

    def restart(self) -> None:
        """Stop if running, then start on the same directory and port."""
        if self.is_running:
            self.stop()
        self.start()

    def close(self) -> None:
        """Stop the server and every session it left running."""
        if self.is_running:
            with contextlib.suppress(EmulatorError, OSError):
                self.control("reset", {})
            self.stop()
        self._end_runners()

    def control(
        self, path: str, body: dict[str, Any] | None = None, *, method: str | None = None
    ) -> dict[str, Any]:
        """Call `/_emu/{path}`: GET without a body, POST with one. Raises EmulatorError when refused."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - always this machine
            f"{self.url}/_emu/{path}",
            data=data,
            headers={"Content-Type": "application/json"},
            method=method or ("GET" if body is None else "POST"),
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as response:
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise EmulatorError(f"{error.code}: {error.read().decode(errors='replace')}") from None
        return answer

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Switch settings by name; returns all of them."""
        answer: dict[str, Any] = self.control("settings", changes)["settings"]
        return answer

    def fault(self, method: str, **rule: Any) -> None:
        """Add a fault rule, for example `fault("SaveKernel", status=429, retry_after="1")`."""
        self.control("faults", {"method": method, **rule})

    def scenario(self, name: str = "", **scenario: Any) -> dict[str, Any]:
        """Play a ready-made scenario by name, or one given: `scenario(steps=[{"after_calls": 3, ...}])`."""
        return self.control("scenario", scenario if scenario else {"name": name})

    def advance(self, seconds: float) -> None:
        """Let emulated time jump on; sessions that pass their limit are stopped."""
        self.control("clock", {"seconds": seconds})

    def requests(self, call: str = "") -> list[dict[str, Any]]:
        """The requests seen so far, oldest first, of one call (`SaveKernel`, `OutputFile`, ...) or all."""
        rows: list[dict[str, Any]] = self.control(f"requests?call={call}")["requests"]
        return rows

    def sessions(self) -> list[dict[str, Any]]:
        """All kernel sessions, newest first."""
        rows: list[dict[str, Any]] = self.control("sessions")["sessions"]
        return rows

    def wait_for_sessions(self, timeout_s: float = 60.0) -> list[dict[str, Any]]:
        """Wait until no session lives any more; returns them. Raises EmulatorError after the time-out."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            rows = self.sessions()
            if all(row["ended_at"] for row in rows):
                return rows
            time.sleep(0.1)
        raise EmulatorError("sessions are still running")

    def client_environment(self, home: Path, *, token: bool = False) -> dict[str, str]:
        """Environment in which the official `kaggle` command and library talk to this emulator.

        `home` becomes HOME; a start-up hook is written there. `token` signs in with the access token, not
        with the key.
        """
        credentials = (
            {"KAGGLE_API_TOKEN": self.token}
            if token
            else {"KAGGLE_USERNAME": self.username, "KAGGLE_KEY": self.key}
        )
        return client_environment(self.url, home, credentials)

    @property
    def _errors(self) -> Path:
        return self.data / "stderr.log"

    def _ready_url(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], START_TIMEOUT_S)
        line = self._process.stdout.readline() if ready else ""
        if line.startswith(READY_PREFIX):
            return line.removeprefix(READY_PREFIX).strip()
        self._end(signal.SIGKILL, 15.0)
        raise EmulatorError(
            f"the emulator did not start: {line}{self._errors.read_text(errors='replace')[-2000:]}"
        )

    def _end(self, number: signal.Signals, timeout_s: float) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(number)
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait(timeout_s)
        if process.stdout is not None:
            process.stdout.close()
        return code

    def _end_runners(self) -> None:
        """Let runners that were told to stop finish in peace, then insist."""
        for runner in self._runners():
            with contextlib.suppress(ProcessLookupError):
                os.kill(runner, signal.SIGTERM)
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not list(self._runners()), 10.0)
        for runner in self._runners():
            with contextlib.suppress(ProcessLookupError):
                os.kill(runner, signal.SIGKILL)

    def _runners(self) -> Iterator[int]:
        for told in self.data.glob("sessions/*/runner.json"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                pid = int(json.loads(told.read_text())["pid"])
                if str(told.parent.resolve()) in _command_line(pid):
                    yield pid


def _command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def wait_until(condition: Callable[[], Any], timeout_s: float = 30.0, what: str = "the condition") -> Any:
    """Poll until `condition` returns something true, and return it; AssertionError after the time-out."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come true within {timeout_s} s")
