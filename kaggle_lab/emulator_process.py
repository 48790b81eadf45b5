"""The emulator that Kaggle Lab starts for itself: one for all processes of a data folder.

Rule of sharing: the first process that needs it starts it, others join it, and the last one that lets go
stops it. Each user holds a lock on a file of its own in ``emulator/users``; the lock ends with the process,
however it ends, so nobody has to be trusted to say goodbye. Runs go on when the emulator stops, and the
next one to start in the same folder adopts them. An emulator started by hand is none of our business.

``emulator/emulator.json`` tells ``{"url", "pid"}`` of the one that runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from .config import Config
from .credentials import EMULATOR_TOKEN, EMULATOR_USERNAME
from .errors import KaggleLabError

READY_PREFIX = "kaggle-emulator ready: "
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
PROBE_TIMEOUT_S = 5.0
LOCK_TIMEOUT_S = START_TIMEOUT_S + 30.0
LOOK_AGAIN_S = 0.02
_NOT_FOR_IT = ("KAGGLE_API_TOKEN", "KAGGLE_KEY", "KAGGLE_USERNAME", "KAGGLE_CONFIG_DIR", "JUPYTER_TOKEN")


class EmulatorTrouble(KaggleLabError):
    """The Kaggle emulator does not start."""

    code, status = "emulator_trouble", 503
    remedy = "Look at the emulator's log named above, then try again."


class EmulatorControl:
    """This process's hold on the shared emulator. Given to the manager, which decides when it is needed."""

    username = EMULATOR_USERNAME
    token = EMULATOR_TOKEN

    def __init__(self, config: Config) -> None:
        self._folder = config.data_path / "emulator"
        self._port = config.emulator_port
        self._arguments = shlex.split(config.emulator_args)
        self._hold: IO[bytes] | None = None
        self._order = asyncio.Lock()

    async def ensure(self) -> str:
        """Start the emulator or join the running one. Returns its URL. Raises EmulatorTrouble."""
        async with self._order:
            return await asyncio.to_thread(self._ensure)

    async def release(self) -> None:
        """Let go of it; the last one to do so stops it. Never raises."""
        async with self._order:
            with contextlib.suppress(OSError, EmulatorTrouble):
                await asyncio.to_thread(self._release)

    def _ensure(self) -> str:
        try:
            (self._folder / "users").mkdir(parents=True, exist_ok=True)
            with _locked(self._folder / "start.lock"):
                self._take_hold()
                _bury()
                return self._running_url() or self._start_or_join()
        except OSError as error:
            raise EmulatorTrouble(f"The emulator's folder {self._folder} cannot be used: {error}") from error

    def _release(self) -> None:
        if self._hold is None:
            return
        with _locked(self._folder / "start.lock"):
            self._hold.close()
            self._hold = None
            if not self._has_users():
                self._stop()

    def _take_hold(self) -> None:
        if self._hold is None:
            self._hold = (self._folder / "users" / f"{os.getpid()}-{uuid4().hex[:8]}").open("wb")
            _try_lock(self._hold)

    def _has_users(self) -> bool:
        held = False
        for path in (self._folder / "users").iterdir():
            with path.open("r+b") as file:
                free = _try_lock(file)
            if free:
                path.unlink(missing_ok=True)
            held = held or not free
        return held

    # --- the process itself ----------------------------------------------------------------------

    def _record(self) -> dict[str, Any]:
        try:
            record = json.loads((self._folder / "emulator.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def _running_url(self) -> str:
        url = str(self._record().get("url", ""))
        return url if url and is_emulator(url) else ""

    def _start_or_join(self) -> str:
        try:
            return self._start()
        except EmulatorTrouble:
            url = self._running_url()  # it was only too busy to answer at first; it holds its folder
            if not url:
                raise
            return url

    def _start(self) -> str:
        ready = self._folder / "ready"
        log = self._folder / "process.log"
        with ready.open("wb") as out, log.open("wb") as err:
            child = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=_environment(),
                cwd=self._folder,
                start_new_session=True,  # Ctrl-C in our terminal is not meant for it
            )
        _children.append(child)
        url = self._await_ready(child, ready, log)
        _write_json(self._folder / "emulator.json", {"url": url, "pid": child.pid})
        return url

    def _command(self) -> list[str]:
        data, port = str(self._folder / "data"), str(self._port)
        start = [sys.executable, "-m", "kaggle_lab.emulator", "--port", port, "--data", data]
        return [*start, *self._arguments]

    def _await_ready(self, child: subprocess.Popen[bytes], ready: Path, log: Path) -> str:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            line = ready.read_text(encoding="utf-8")
            if line.startswith(READY_PREFIX) and line.endswith("\n"):
                return line.splitlines()[0].removeprefix(READY_PREFIX).strip().rstrip("/")
            if child.poll() is not None:
                raise EmulatorTrouble(
                    f"The emulator ended with code {child.returncode}: {_tail(log)} ({log})"
                )
            time.sleep(LOOK_AGAIN_S)
        _end(child)
        raise EmulatorTrouble(f"The emulator was not ready within {START_TIMEOUT_S:.0f} s ({log})")

    def _stop(self) -> None:
        url = self._running_url()
        pid = self._record().get("pid")
        if url and isinstance(pid, int):  # it answers, so the process of this number is still the emulator
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM)
            _await_end(pid, url)
        (self._folder / "emulator.json").unlink(missing_ok=True)


def _await_end(pid: int, url: str) -> None:
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while time.monotonic() < deadline and not _has_ended(pid, url):
        time.sleep(LOOK_AGAIN_S)


def _has_ended(pid: int, url: str) -> bool:
    _bury()
    if any(child.pid == pid for child in _children):
        return False
    return not is_emulator(url)


_children: list[subprocess.Popen[bytes]] = []
"""What this process has started and has not seen end; it may outlive us, and whoever started it."""


def _bury() -> None:
    _children[:] = [child for child in _children if child.poll() is None]


def is_emulator(url: str) -> bool:
    """Whether a Kaggle emulator answers at this loopback URL (it knows its seeded account)."""
    request = urllib.request.Request(  # noqa: S310 - a loopback URL that we wrote ourselves
        f"{url}/api/v1/security.OAuthService/IntrospectToken",
        data=json.dumps({"token": EMULATOR_TOKEN}).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {EMULATOR_TOKEN}"},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=PROBE_TIMEOUT_S) as answer:
            return bool(json.load(answer).get("active"))
    except (OSError, ValueError, AttributeError):
        return False


def _environment() -> dict[str, str]:
    """Ours without credentials, and with this package importable."""
    environ = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_IT}
    home = str(Path(__file__).resolve().parent.parent)
    paths = [home, *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))]
    environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    return environ


def _write_json(path: Path, value: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value), encoding="utf-8")
    part.replace(path)


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Be the only process between here and there. Raises EmulatorTrouble after LOCK_TIMEOUT_S."""
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    with path.open("ab") as file:
        while not _try_lock(file):
            if time.monotonic() > deadline:
                raise EmulatorTrouble(f"Another process has been starting the emulator for too long ({path})")
            time.sleep(LOOK_AGAIN_S)
        yield


def _try_lock(file: IO[bytes]) -> bool:
    """Lock a whole file for as long as it stays open, unless another one has. The lock dies with us."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


_controls: dict[Path, EmulatorControl] = {}


async def ensure_emulator(config: Config) -> str:
    """Start or join the emulator of this data folder. Returns its URL. Raises EmulatorTrouble."""
    return await _controls.setdefault(config.data_path, EmulatorControl(config)).ensure()


async def release_emulator(config: Config) -> None:
    """Let go of the emulator of this data folder; the last process to do so stops it."""
    control = _controls.pop(config.data_path, None)
    if control is not None:
        await control.release()
