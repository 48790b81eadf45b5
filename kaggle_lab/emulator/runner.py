"""Runs one Kaggle session: ``python -m kaggle_lab.emulator.runner SESSION_DIR``.

A process of its own, so that a session outlives the emulator's server. It reads ``spec.json`` and
leaves, in this order, ``runner.json``, ``started.json``, a growing ``log.ndjson`` beside
``working/``, and last ``result.json``. SIGTERM cancels.

``KAGGLE_EMULATOR_ISOLATION`` is ``auto`` (namespaces where the machine allows them),
``mount-namespace`` (or fail) or ``fallback`` (never).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import socket
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from . import sandbox
from . import sandbox_linux as linux
from .runner_env import ISOLATED, places_without_namespaces, prepare_files, program_for
from .runner_limits import MESSAGES, Limits, Outcome
from .runner_log import Log
from .runner_processes import start_time
from .runner_spec import SessionDir, Spec, read_spec
from .sandbox_fallback import LinkedKaggle

_LOOK_EVERY_S = 0.2
_CHUNK = 1 << 20


class Signals:
    """Turns SIGTERM into a flag and every signal into something a selector can wait for."""

    def __init__(self) -> None:
        self.cancelled = False
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)
        signal.signal(signal.SIGTERM, self._cancel)
        signal.signal(signal.SIGINT, self._cancel)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)

    def _cancel(self, *_: object) -> None:
        self.cancelled = True

    def clear(self) -> None:
        """Forget that a signal came; the flag stays."""
        with contextlib.suppress(BlockingIOError):
            while self.reader.recv(4096):
                pass

    def wait(self, seconds: float) -> None:
        """Return after ``seconds``, or sooner when the session is cancelled."""
        ends = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.reader, selectors.EVENT_READ)
            while not self.cancelled and (left := ends - time.monotonic()) > 0:
                selector.select(left)
                self.clear()


@dataclass(frozen=True)
class Ending:
    """How the program ended: the outcome and, if it ended by itself, its exit code."""

    outcome: Outcome
    exit_code: int | None = None


class Runner:
    """One session in ``session``, from its order to its result."""

    def __init__(self, session: SessionDir, signals: Signals) -> None:
        self._session = session
        self._signals = signals
        self._log = Log(session.log)
        self._links: LinkedKaggle | None = None
        self._started_at: float | None = None

    def run(self) -> None:
        """Run the session to its end, whatever that is, and write the result."""
        try:
            ending = self._run()
        except Exception as problem:  # the server must get an answer
            traceback.print_exc()
            ending = Ending(Outcome.ERROR)
            self._note(f"The session could not be run: {problem}")
        sandbox.kill_descendants()
        ended_at = time.time()
        self._clean_up()
        self._write_result(ending, ended_at)

    def _run(self) -> Ending:
        with contextlib.suppress(OSError):
            linux.adopt_orphans()
        spec = read_spec(self._session.path)
        prepare_files(spec, self._session)
        self._signals.wait(spec.queue_delay_s)
        if self._signals.cancelled:
            return Ending(Outcome.CANCELLED)
        self._started_at = time.time()
        self._log.start_clock()
        self._session.write_json("started.json", {"started_at": self._started_at})
        started = self._start(spec)
        return self._follow(started, Limits(spec, os.getpid(), self._session.working))

    # -- starting ---------------------------------------------------------------------------------------

    def _start(self, spec: Spec) -> sandbox.Started:
        wish = os.environ.get("KAGGLE_EMULATOR_ISOLATION", "auto")
        if wish == "fallback":
            return self._start_in_fallback(spec, "as ordered")
        try:
            program = program_for(spec, self._session, ISOLATED)
            return sandbox.start_isolated(program, self._session, spec.inputs, internet=spec.internet)
        except sandbox.IsolationRefused as refusal:
            if wish == "mount-namespace":
                raise
            return self._start_in_fallback(spec, str(refusal))

    def _start_in_fallback(self, spec: Spec, reason: str) -> sandbox.Started:
        self._links = LinkedKaggle(self._session, spec.inputs)
        self._links.make()
        self._announce_fallback(spec, reason)
        places = places_without_namespaces(self._session, self._links.root)
        return sandbox.start_guarded(program_for(spec, self._session, places))

    def _announce_fallback(self, spec: Spec, reason: str) -> None:
        assert self._links is not None
        self._note(f"This session runs without isolation from the machine ({reason}).")
        if self._links.is_global:
            self._note(
                "/kaggle is a link to this session's folder. The inputs in it are not protected from writing."
            )
        else:
            self._note(f"The path /kaggle is not available. The session's folders are in {self._links.root},")
            self._note("the working folder is the current one. Inputs are not protected from writing.")
        if not spec.internet:
            self._note("Internet was to be off, but cannot be cut off here.")

    # -- following --------------------------------------------------------------------------------------

    def _follow(self, started: sandbox.Started, limits: Limits) -> Ending:
        output = Output(started, self._log)
        try:
            return self._watch(started, limits, output)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(started.pid, signal.SIGKILL)
            sandbox.kill_descendants()
            output.drain()

    def _watch(self, started: sandbox.Started, limits: Limits, output: Output) -> Ending:
        output.selector.register(self._signals.reader, selectors.EVENT_READ, None)
        next_look = 0.0
        while not self._signals.cancelled:
            output.pump(_LOOK_EVERY_S)
            self._signals.clear()
            pid, status = os.waitpid(started.pid, os.WNOHANG)
            if pid:
                return self._ended_by_itself(status, limits)
            if time.monotonic() >= next_look:
                if exceeded := limits.exceeded():
                    return Ending(exceeded)
                next_look = time.monotonic() + _LOOK_EVERY_S
        return Ending(Outcome.CANCELLED)

    @staticmethod
    def _ended_by_itself(status: int, limits: Limits) -> Ending:
        if exceeded := limits.exceeded_at_end():
            return Ending(exceeded)
        code = os.waitstatus_to_exitcode(status)
        return Ending(Outcome.ERROR if code else Outcome.COMPLETE, code)

    # -- ending -----------------------------------------------------------------------------------------

    def _clean_up(self) -> None:
        if self._links is not None:
            self._links.remove()
        remove_tree(self._session.scratch)
        with contextlib.suppress(OSError):
            self._log.close()

    def _write_result(self, ending: Ending, ended_at: float) -> None:
        result = {
            "outcome": ending.outcome.value,
            "failure_message": MESSAGES.get(ending.outcome, ""),
            "started_at": ended_at if self._started_at is None else self._started_at,
            "ended_at": ended_at,
            "exit_code": ending.exit_code,
            "isolation": "mount-namespace" if self._links is None else "fallback",
        }
        self._session.write_json("result.json", result)

    def _note(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._log.note(text)


class Output:
    """The two output pipes of a program, read into ``log`` without ever blocking."""

    def __init__(self, started: sandbox.Started, log: Log) -> None:
        self._log = log
        self.selector = selectors.DefaultSelector()
        for stream, pipe in (("stdout", started.stdout), ("stderr", started.stderr)):
            os.set_blocking(pipe, False)
            self.selector.register(pipe, selectors.EVENT_READ, stream)

    def pump(self, timeout_s: float) -> bool:
        """Wait for output and log it; False when nothing came."""
        came = False
        for key, _ in self.selector.select(timeout_s):
            if key.data is not None:
                came = self._read(key.fd, key.data) or came
        return came

    def _read(self, pipe: int, stream: str) -> bool:
        try:
            chunk = os.read(pipe, _CHUNK)
        except BlockingIOError:
            return False
        if chunk:
            self._log.feed(stream, chunk)
        else:
            self.selector.unregister(pipe)
            os.close(pipe)
        return True

    def drain(self) -> None:
        """Log what is still in the pipes."""
        while self.pump(0):
            pass
        self.selector.close()


def remove_tree(folder: Path) -> None:
    """Remove ``folder`` as far as possible, folders without permissions included."""
    for path, names, _ in os.walk(folder):
        for name in names:
            inner = Path(path, name)
            if not inner.is_symlink():
                with contextlib.suppress(OSError):
                    inner.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run the session whose folder is the only argument; the exit code is 0 once there is a result."""
    signals = Signals()
    session = SessionDir(Path(sys.argv[1]).resolve())
    session.write_json("runner.json", {"pid": os.getpid(), "pid_start_time": start_time(os.getpid())})
    Runner(session, signals).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
