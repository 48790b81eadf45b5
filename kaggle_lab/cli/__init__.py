"""``jupyter kaggle``: Kaggle Lab on the command line. Same manager and same list of runs as JupyterLab."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from ..errors import KaggleLabError
from .codes import ExitCode, code_of_error
from .interrupt import interruptible
from .login import read_token
from .parser import build_parser

CLOSE_S = 10.0
"""A command ends within this time, whatever is still open: nothing that is closed then can be lost."""

if TYPE_CHECKING:
    from ..config import Config
    from .screen import Screen


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code (see :class:`~kaggle_lab.cli.codes.ExitCode`)."""
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.version:
        from .. import __version__

        sys.stdout.write(f"{__version__}\n")
        return ExitCode.OK
    if args.command is None:
        parser.print_help(sys.stderr)
        return ExitCode.USAGE
    return _run(args)


def _run(args: Namespace) -> ExitCode:
    from .screen import screen_for

    screen = screen_for(args.json)
    _skip_iri_grammar()
    try:
        if args.command == "login":
            args.token = read_token()  # on this thread, where Ctrl-C ends the question
        return asyncio.run(interruptible(_command(args, screen)))
    except KeyboardInterrupt:
        screen.close()
        screen.note(_interrupted(args))
        return ExitCode.DETACHED
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except KaggleLabError as error:
        screen.close()
        screen.fail(error)
        return code_of_error(error)
    finally:
        screen.close()


def _interrupted(args: Namespace) -> str:
    if args.command == "login":
        return "\nNothing was changed."
    return "\nNo longer watching. A run that was sent goes on; `jupyter kaggle stop` stops it."


def _skip_iri_grammar() -> None:
    """Keep jsonschema, which nbformat imports, from compiling a grammar for IRIs that no notebook needs.

    It takes 1.6 s of the 1.9 s (jsonschema 4.26 with rfc3987-syntax, November 2026). This process is ours
    alone; a server or a kernel, where others may want the check, is left as it is.
    """
    sys.modules.setdefault("rfc3987_syntax", cast("ModuleType", None))


async def _command(args: Namespace, screen: Screen) -> ExitCode:
    from ..opening import open_manager
    from .commands import COMMANDS, FOLLOWING

    root = _place(args)
    # Sending or stopping alone needs nobody who follows the other runs.
    watch = args.command in FOLLOWING and getattr(args, "wait", True)
    manager = await open_manager(_config(args), root, watch=watch)
    try:
        return await COMMANDS[args.command](manager, args, screen)
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await manager.close()


def _place(args: Namespace) -> Path:
    """The workspace. Paths given are relative to the current folder; they become what the manager takes."""
    from ..opening import in_workspace, require_utf8, workspace_root

    root = Path(args.root).resolve() if args.root else workspace_root()
    if getattr(args, "output", None):
        args.output = str(Path(args.output).absolute())
        require_utf8(args.output)
        args.wait = True
    if hasattr(args, "notebook"):
        require_utf8(args.notebook)
        root, args.notebook_path = in_workspace(Path(args.notebook), root)
    return root


def _config(args: Namespace) -> Config:
    from ..config import config_from_env
    from ..errors import BadRequest

    try:
        return config_from_env(endpoint="emulator" if args.emulator else None)
    except ValueError as error:
        raise BadRequest(str(error), remedy="Correct this variable.") from error


__all__ = ["ExitCode", "main"]
