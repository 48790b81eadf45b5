"""Arguments of ``jupyter kaggle``, with a help that teaches."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypeAlias

from ..wording import INPUT_FORMS, duration
from .codes import MEANINGS

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]

DESCRIPTION = "Run notebooks on Kaggle's machines, watch them and get their files."
EXAMPLES = """\
examples:
  jupyter kaggle submit train.ipynb --accelerator t4x2 --wait
  jupyter kaggle submit train.ipynb --emulator --wait     without an account, on this machine
  jupyter kaggle jobs --active
  jupyter kaggle log 3f2a --follow                        the beginning of a run's id is enough
  jupyter kaggle outputs 3f2a --retrieve

Runs are kept in one list with JupyterLab's sidebar and the %kaggle_submit magic.
Settings are taken from KAGGLE_LAB_* in the environment. Every command takes --json.
"""
SUBMIT_NOTES = """\
The notebook's file is read, not changed. Without --wait the command ends when Kaggle has accepted the run;
fetch the files later with `jupyter kaggle outputs`. With --wait the log is shown as it comes, and the
files are fetched at the end. Ctrl-C stops watching, not the run: `jupyter kaggle stop` does that.

accelerators: none (CPU), t4x2 (GPU T4 x2), tpu-v5e-8 (TPU v5e-8), or Kaggle's own id such as NvidiaTeslaT4.
All of them: `jupyter kaggle accelerators`.
"""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="jupyter kaggle",
        description=DESCRIPTION,
        epilog=f"{EXAMPLES}\n{MEANINGS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="show the version and end")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for add in (_submit, _jobs, _log, _outputs, _stop, _quota, _accelerators, _login, _logout, _doctor):
        add(commands)
    return parser


def _command(commands: Commands, name: str, help: str, notes: str = "") -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=help,
        description=f"{help[0].upper()}{help[1:]}.",
        epilog=f"{notes}\n{MEANINGS}" if notes else MEANINGS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = parser.add_argument_group("where")
    where.add_argument("--emulator", action="store_true", help="use the Kaggle emulator on this machine")
    where.add_argument(
        "--root", metavar="DIR", help="the workspace; default KAGGLE_LAB_ROOT, else this folder"
    )
    parser.add_argument("--json", action="store_true", help="print the answer as JSON, and nothing else")
    return parser


def _submit(commands: Commands) -> None:
    parser = _command(commands, "submit", "send a notebook to Kaggle and run it there", SUBMIT_NOTES)
    parser.add_argument("notebook", metavar="NOTEBOOK", help="the .ipynb file")
    parser.add_argument(
        "-a", "--accelerator", metavar="NAME", help="the machine; default: as last time, else none"
    )
    parser.add_argument("-t", "--title", metavar="TEXT", help="title on Kaggle, 5 to 50 characters")
    _switch(parser, "internet", "whether the run may use the internet")
    _switch(parser, "private", "whether the notebook on Kaggle is only yours")
    parser.add_argument(
        "--time-cap", type=duration, metavar="TIME", help="stop after this long: 90m, 2h, 3600s"
    )
    _inputs(parser)
    parser.add_argument(
        "--save-only", action="store_true", help="save a version on Kaggle without running it"
    )
    parser.add_argument(
        "--add-version", action="store_true", help="add to a notebook of this title that is there"
    )
    parser.add_argument(
        "--no-remember", action="store_true", help="do not keep these choices for the next time"
    )
    parser.add_argument("-w", "--wait", action="store_true", help="show the log, then fetch the output files")
    parser.add_argument("-o", "--output", metavar="DIR", help="folder for the output files; implies --wait")
    parser.add_argument("--no-retrieve", action="store_true", help="with --wait: leave the files on Kaggle")


def _inputs(parser: argparse.ArgumentParser) -> None:
    inputs = parser.add_argument_group(
        "inputs", "default: as the notebook says, else as its last version has"
    )
    for kind, form in INPUT_FORMS.items():
        inputs.add_argument(
            f"--{kind}", action="append", metavar=form, help=f"attach a {kind}; may be repeated"
        )


def _jobs(commands: Commands) -> None:
    parser = _command(commands, "jobs", "list the runs, newest first")
    parser.add_argument("--active", action="store_true", help="only unfinished ones")
    parser.add_argument("-n", "--limit", type=int, default=20, metavar="N", help="how many (default 20)")


def _log(commands: Commands) -> None:
    parser = _command(commands, "log", "show the log of a run")
    _job(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the run ends")
    parser.add_argument("-n", "--tail", type=int, metavar="N", help="only the last N lines")


def _outputs(commands: Commands) -> None:
    parser = _command(commands, "outputs", "list or fetch the output files of a run")
    _job(parser)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these files")
    parser.add_argument(
        "-r", "--retrieve", action="store_true", help="fetch them; interrupted ones are continued"
    )
    parser.add_argument("-o", "--output", metavar="DIR", help="folder to put them in; implies --retrieve")


def _stop(commands: Commands) -> None:
    parser = _command(commands, "stop", "stop a run")
    _job(parser)
    parser.add_argument("-w", "--wait", action="store_true", help="wait until Kaggle confirms")


def _quota(commands: Commands) -> None:
    _command(commands, "quota", "show the accelerator hours of this week")


def _accelerators(commands: Commands) -> None:
    _command(commands, "accelerators", "list the machines one may ask for")


def _login(commands: Commands) -> None:
    notes = "The token is asked for, or read from standard input; never give it as an argument."
    _command(commands, "login", "sign in with an access token made at kaggle.com > Settings > API", notes)


def _logout(commands: Commands) -> None:
    _command(commands, "logout", "forget the token that `login` or the sidebar stored")


def _doctor(commands: Commands) -> None:
    _command(commands, "doctor", "check credentials, endpoint and versions, and say what to do")


def _job(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "job", metavar="RUN", nargs="?", default="", help="beginning of its id; default the newest"
    )


def _switch(parser: argparse.ArgumentParser, name: str, help: str) -> None:
    parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=None, help=help)
