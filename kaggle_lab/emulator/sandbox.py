"""Starts the program of one session so that it is shut in and nothing of it can survive.

Two kinds of isolation:

* ``mount-namespace``: own mounts, process ids, shared memory and, without internet, own network.
  Linux only, as root or through a user namespace. The process started here leaves the namespaces of
  the host and waits; its child is process 1 inside, and the program is the child of that. When
  process 1 ends, the kernel ends everything inside.
* ``fallback``: an ordinary process in a guarded tree. Its guardian kills every descendant when the
  program ends, and also when the runner dies.

It keeps a notebook's changes off the machine; it is no defence against a hostile one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from . import sandbox_linux as linux
from .runner_processes import children_of
from .runner_spec import Input, SessionDir
from .sandbox_tree import PrivateTree

# What a container's root may do: no mounting, no devices, no touching the host's clock or modules.
_CAPABILITIES = frozenset({0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 31})
_READY = b"ready"


class IsolationRefused(Exception):
    """This machine does not allow the namespaces; the message says which step failed."""


@dataclass(frozen=True)
class Program:
    """What to run: argument list, whole environment and folder, as they are inside the sandbox."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str


@dataclass(frozen=True)
class Started:
    """A running program: the process to wait for, and the reading ends of its output."""

    pid: int
    stdout: int
    stderr: int


def start_isolated(
    program: Program, session: SessionDir, inputs: tuple[Input, ...], *, internet: bool
) -> Started:
    """Start ``program`` in namespaces of its own; raises ``IsolationRefused`` where they are forbidden."""
    ready, report = os.pipe()

    def inside() -> NoReturn:
        os.close(ready)
        try:
            _leave_host_namespaces(internet)
            first = os.fork()
        except OSError as refusal:
            os.write(report, str(refusal).encode())
            os._exit(1)
        if first == 0:
            _be_process_one(program, PrivateTree(session, inputs), report)
        os.close(report)
        _wait_and_exit(first)

    started = _start(inside)
    os.close(report)
    _expect_ready(ready, started)
    return started


def start_guarded(program: Program) -> Started:
    """Start ``program`` as an ordinary process under a guardian."""
    return _start(lambda: _be_guardian(program))


def _start(inside: Callable[[], NoReturn]) -> Started:
    out, child_out = os.pipe()
    err, child_err = os.pipe()
    runner = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _become_child(runner, child_out, child_err)
            inside()
        finally:
            os._exit(70)
    os.close(child_out)
    os.close(child_err)
    return Started(pid, out, err)


def _become_child(runner: int, out: int, err: int) -> None:
    """In the forked process: plain signals, no input, output into the pipes, and no life after the runner."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(source, target)
    _follow(runner, signal.SIGKILL)


def _follow(parent: int, number: int) -> None:
    """End with ``parent``; where the system cannot promise that, carry on without."""
    with contextlib.suppress(OSError):
        linux.die_with_parent(number)
    if os.getppid() not in (parent, 0):
        os._exit(1)


def _expect_ready(ready: int, started: Started) -> None:
    with os.fdopen(ready, "rb") as reader:
        answer = reader.read()
    if answer == _READY:
        return
    os.waitpid(started.pid, 0)
    os.close(started.stdout)
    os.close(started.stderr)
    raise IsolationRefused(answer.decode(errors="replace") or "the sandbox ended at once")


# -- in namespaces --------------------------------------------------------------------------------------


def _leave_host_namespaces(internet: bool) -> None:
    flags = (
        linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWIPC | (0 if internet else linux.CLONE_NEWNET)
    )
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        linux.unshare(flags)
    else:
        linux.unshare(flags | linux.CLONE_NEWUSER)
        linux.become_mapped_root(uid, gid)
        linux.die_with_parent(signal.SIGKILL)  # forgotten by the kernel when credentials change
    if not internet:
        linux.raise_loopback()


def _be_process_one(program: Program, tree: PrivateTree, report: int) -> NoReturn:
    try:
        linux.die_with_parent(signal.SIGKILL)
        tree.enter()
        linux.keep_capabilities(_CAPABILITIES)
        os.write(report, _READY)
    except Exception as refusal:
        os.write(report, str(refusal).encode())
        os._exit(1)
    os.close(report)
    _wait_and_exit(_spawn(program))


def _wait_and_exit(main: int) -> NoReturn:
    """Reap every child until ``main`` ends, then end as it did."""
    while True:
        pid, status = os.wait()
        if pid == main:
            os._exit(_exit_code(status))


def _spawn(program: Program) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            _execute(program)
        except OSError as problem:
            os.write(2, f"{program.argv[0]}: {problem.strerror}\n".encode())
        finally:
            os._exit(127)
    return pid


def _execute(program: Program) -> None:
    os.setsid()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(
            "800"
        )  # the machine's emergency should hit the session first
    os.umask(0o022)
    os.chdir(program.cwd)
    os.execvpe(program.argv[0], list(program.argv), dict(program.env))  # noqa: S606


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


# -- without namespaces ---------------------------------------------------------------------------------


def _be_guardian(program: Program) -> NoReturn:
    signal.signal(signal.SIGTERM, lambda *_: _end_tree(143))
    _follow(os.getppid(), signal.SIGTERM)
    with contextlib.suppress(OSError):
        linux.adopt_orphans()
    main = _spawn(program)
    while True:
        pid, status = os.wait()
        if pid == main:
            _end_tree(_exit_code(status))


def _end_tree(code: int) -> NoReturn:
    kill_descendants()
    os._exit(code)


def kill_descendants(patience_s: float = 10.0) -> None:
    """Kill every process below this one and reap it, those that are started meanwhile included."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        for pid in children_of(os.getpid()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.01)
