"""The command: `kaggle-emulator --port P --data DIR`, also `python -m kaggle_lab.emulator`."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import logging
import os
import sqlite3
import sys
from pathlib import Path
from typing import IO, Any

from . import command_exec
from .accounts import Seed
from .db import NewerDataError
from .folders import default_data
from .scenarios import Scenario, load_scenario, ready_made
from .server import bind, serve
from .settings import Settings
from .world import Options, World

_EPILOG = """\
Accounts that always exist:
  learner  key local_api_token   token KGAT_emulator_learner   phone-verified
  guest    key guest_api_token   token KGAT_emulator_guest     not verified: no GPU, no internet

Run a program that takes it for Kaggle, with its account instead of yours (more: kaggle-emulator exec --help):
  kaggle-emulator exec -- kaggle kernels list --mine
  kaggle-emulator exec -- kaggle kernels push -p my-folder

Or point the official `kaggle` command at it by hand (P is the port):
  KAGGLE_API_ENVIRONMENT=LOCALHOST HTTP_PROXY=http://127.0.0.1:P NO_PROXY= \\
  KAGGLE_USERNAME=learner KAGGLE_KEY=local_api_token kaggle kernels list --mine

See how a program copes when Kaggle does not (--scenario NAME or FILE):
  calm      nothing fails, nobody waits
  bad-day   slow answers, throttling, maintenance pages, downloads that break off
  train     a laptop on a train: a narrow line and tunnels
  A file is TOML or JSON, for example:
    [[steps]]
    settings = { queue_delay_s = 30 }
    [[steps]]
    after_s = 60                  # or after_calls = 5, with call = "SaveKernel" for one method only
    faults = [{ method = "SaveKernel", status = 503, count = 2 }]
  Keys of a step: say, after_s, after_calls, call, settings, clear_faults, clock_s, accounts, faults.
  Keys of a fault: method, count, status, envelope (nested, flat, html, empty), message, retry_after, delay_s,
  drop (before, after), after_work, drop_after_events, drop_after_bytes, content_length_off, rate_bytes_s,
  expired.

Notebooks really run, on this machine; no GPU is emulated. A page to look at: http://127.0.0.1:P/
Switches while it runs (settings, faults, clock, accounts, requests seen): http://127.0.0.1:P/_emu/state
"""


class StartError(Exception):
    """Why the emulator cannot start, in words for the terminal."""


def main(arguments: list[str] | None = None) -> int:
    """Run the emulator; 0 after an orderly end, 2 when it could not start."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["exec"]:
        return command_exec.main(given[1:])
    chosen = _parser().parse_args(given)
    try:
        options = _options(chosen)
        sockets = _bound(chosen.port)
        lock = _locked(chosen.data)
        world = _opened(chosen.data, options)
    except StartError as error:
        print(f"kaggle-emulator: {error}", file=sys.stderr)  # noqa: T201
        return 2
    _log_to(chosen.data / "emulator.log")
    try:
        asyncio.run(serve(world, sockets))
    finally:
        world.close()
        lock.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kaggle-emulator",
        description="A local emulator of Kaggle's API. It really runs what is pushed. On 127.0.0.1 only.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--port", type=int, default=8765, help="port on 127.0.0.1; 0 takes any free one (default 8765)"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=default_data(),
        metavar="DIR",
        help="where its state lives; made if missing (default %(default)s)",
    )
    parser.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="USER:KEY",
        help="another verified account; its access token is KGAT_KEY; may be given more than once",
    )
    parser.add_argument(
        "--queue-delay", type=float, metavar="SECONDS", help="how long sessions stay queued (default 2)"
    )
    parser.add_argument(
        "--post-push-window",
        type=float,
        metavar="SECONDS",
        help="how long after a push the status is still missing (default 0)",
    )
    parser.add_argument(
        "--scenario",
        metavar="NAME|FILE",
        help=f"what is to happen, step by step: {', '.join(ready_made())}, or a TOML or JSON file",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other setting, for example max_gpu_sessions=4, gpu_quota_hours=1, disk_limit_bytes=1000000;"
        f" names: {', '.join(Settings.__dataclass_fields__)}",
    )
    return parser


def _options(chosen: argparse.Namespace) -> Options:
    changes: dict[str, Any] = {}
    if chosen.queue_delay is not None:
        changes["queue_delay_s"] = chosen.queue_delay
    if chosen.post_push_window is not None:
        changes["post_push_window_s"] = chosen.post_push_window
    for text in chosen.set:
        name, _, value = text.partition("=")
        changes[name] = _value(value)
    try:
        seeds = tuple(_seed(text) for text in chosen.account)
        return Options(Settings().merged(changes), seeds, _scenario(chosen.scenario))
    except ValueError as error:
        raise StartError(str(error)) from None


def _scenario(name: str | None) -> Scenario | None:
    return None if name is None else load_scenario(name)


def _value(text: str) -> Any:
    words: dict[str, Any] = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        return text


def _seed(text: str) -> Seed:
    username, _, key = text.partition(":")
    if not username or not key:
        raise ValueError("--account wants USER:KEY")
    return Seed(username, key, f"KGAT_{key}", f"KGRT_{key}")


def _bound(port: int) -> list[Any]:
    if not 0 <= port <= 65535:
        raise StartError(f"port {port} is not between 0 and 65535")
    try:
        return bind(port)
    except OSError as error:
        raise StartError(
            f"cannot listen on 127.0.0.1:{port}: {error.strerror or error}."
            " Choose another --port, or 0 for a free one."
        ) from None


def _locked(root: Path) -> IO[str]:
    """Hold the data directory for this process, as long as the returned file is open."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        file = (root / "lock").open("w")
    except OSError as error:
        raise StartError(
            f"cannot write to {root}: {error.strerror}. Choose another --data directory."
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise StartError(
            f"{root} is in use by another emulator. Stop it, or choose another --data directory."
        ) from None
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _opened(root: Path, options: Options) -> World:
    try:
        return World(root.resolve(), options)
    except NewerDataError as error:
        raise StartError(
            f"{root} belongs to a newer version: {error}. Update kaggle-lab or choose another."
        ) from None
    except sqlite3.Error as error:
        raise StartError(
            f"{root / 'state.db'} cannot be read: {error}. Move it away to start afresh."
        ) from None
    except OSError as error:
        raise StartError(
            f"cannot write to {root}: {error.strerror}. Choose another --data directory."
        ) from None


def _log_to(path: Path) -> None:
    logging.basicConfig(
        filename=path, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )


if __name__ == "__main__":
    sys.exit(main())
