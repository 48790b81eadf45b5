"""``%load_ext kaggle_lab``: run the notebook one is in on Kaggle, from a cell.

Which notebook that is, the Jupyter server or VS Code tells the kernel; elsewhere it is named. A magic cannot
see what is on screen: it sends the file as it was last saved, and says when that was.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from IPython.core import magic as ipython_magic
from IPython.core import magic_arguments as ipython_arguments
from IPython.core.error import UsageError
from IPython.core.magic import Magics, magics_class

from .background import Background
from .config import config_from_env
from .errors import KaggleLabError
from .kaggle_job import KaggleJob, KaggleJobs, OutputList
from .opening import in_workspace, request_of, workspace_root
from .wording import INPUT_FORMS, age_text, duration, job_text, quota_text

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .manager import Manager
    from .models import Quota

F = TypeVar("F", bound="Callable[..., Any]")
T = TypeVar("T")
Decorator = Callable[[F], F]

_untyped: Any = ipython_arguments  # IPython annotates none of these
takes: Callable[[], Decorator[Any]] = _untyped.magic_arguments
argument: Callable[..., Decorator[Any]] = _untyped.argument
parse: Callable[[Any, str], Namespace] = _untyped.parse_argstring
line_magic: Decorator[Any] = ipython_magic.line_magic
cell_magic: Callable[[str], Decorator[Any]] = ipython_magic.cell_magic

SESSION_VARIABLE = "JPY_SESSION_NAME"
VSCODE_NAME = "__vsc_ipynb_file__"
_ATTRIBUTE = "_kaggle_lab_magics"


class QuotaView:
    """Hours of the week, as text."""

    def __init__(self, quota: Quota) -> None:
        self.quota = quota

    def __repr__(self) -> str:
        return quota_text(self.quota)


def _submit_arguments(function: Callable[..., Any]) -> Callable[..., Any]:
    """What both forms of ``kaggle_submit`` take."""
    for decorate in reversed(
        (
            argument("-a", "--accelerator", help="the machine: none, t4x2, tpu-v5e-8, or Kaggle's own id"),
            argument("-t", "--title", help="title on Kaggle, 5 to 50 characters"),
            argument("--internet", dest="internet", action="store_true", default=None, help="with internet"),
            argument("--no-internet", dest="internet", action="store_false", help="without internet"),
            argument("--private", dest="private", action="store_true", default=None, help="only for you"),
            argument("--public", dest="private", action="store_false", help="for everybody"),
            argument("--time-cap", type=duration, help="stop after this long: 90m, 2h"),
            *(
                argument(f"--{kind}", action="append", metavar=form, help=f"attach a {kind}")
                for kind, form in INPUT_FORMS.items()
            ),
            argument("--save-only", action="store_true", help="save a version without running it"),
            argument("--add-version", action="store_true", help="add to a notebook of this title"),
            argument("--emulator", action="store_true", help="run on the Kaggle emulator of this machine"),
            argument("-w", "--wait", action="store_true", help="show the log here and wait for the files"),
        )
    ):
        function = decorate(function)
    return function


@magics_class
class KaggleMagics(Magics):
    """The magics. Each starts or looks at runs in the same list as JupyterLab's sidebar."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._backgrounds: dict[tuple[str, Path], Background] = {}
        self._last: KaggleJob | None = None

    def close(self) -> None:
        """Stop following runs; they go on at Kaggle."""
        for background in self._backgrounds.values():
            background.close()
        self._backgrounds.clear()

    # --- submit ----------------------------------------------------------------------------------

    @takes()
    @argument("notebook", nargs="?", default="", help="the .ipynb file; default: the one this cell is in")
    @_submit_arguments
    @line_magic
    def kaggle_submit(self, line: str) -> KaggleJob:
        """Run a notebook on Kaggle. Returns the run; as the last line of a cell it is shown live."""
        args = parse(self.kaggle_submit, line)
        file = Path(args.notebook) if args.notebook else self.current_notebook()
        if file is None or not file.is_file():
            raise UsageError(_no_notebook(file))
        saved = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        _say(f"Sending {file.name} as it was saved {age_text(saved)}. Edits since then are not in it.")
        root, path = in_workspace(file, workspace_root())
        return self._submit(args, root, path, content=None)

    @takes()
    @_submit_arguments
    @cell_magic("kaggle_submit")
    def kaggle_submit_cell(self, line: str, cell: str) -> KaggleJob:
        """Run just this cell on Kaggle, as a notebook of its own."""
        args = parse(self.kaggle_submit_cell, line)
        file = self.current_notebook() or Path("notebook.ipynb")
        root, path = in_workspace(file, workspace_root())
        args.title = args.title or f"{_ascii_stem(path)} cell"
        return self._submit(args, root, path, content=_notebook_of(cell), remember=False)

    def _submit(
        self, args: Namespace, root: Path, path: str, content: str | None, remember: bool = True
    ) -> KaggleJob:
        background = self._background(args.emulator, root)
        request = request_of(args, path, content=content, remember=remember)
        job, _ = self._call(background, lambda manager: manager.submit(request))
        self._last = KaggleJob(background, job)
        for warning in job.warnings:
            _say(warning)
        if args.wait:
            _say(job_text(job))
            return self._watched(self._last)
        return self._last

    # --- runs ------------------------------------------------------------------------------------

    @takes()
    @argument("--active", action="store_true", help="only unfinished ones")
    @argument("-n", "--limit", type=int, default=20, help="how many (default 20)")
    @line_magic
    def kaggle_jobs(self, line: str) -> KaggleJobs:
        """The runs, newest first."""
        args = parse(self.kaggle_jobs, line)
        background = self._background()
        page = self._call(background, lambda manager: manager.jobs(limit=args.limit, active=args.active))
        return KaggleJobs([KaggleJob(background, job) for job in page.jobs])

    @takes()
    @argument("run", nargs="?", default="", help="beginning of its id; default: the last one sent from here")
    @argument("-n", "--tail", type=int, default=None, help="only the last lines")
    @argument("-f", "--follow", action="store_true", help="go on until the run has ended")
    @line_magic
    def kaggle_log(self, line: str) -> None:
        """Print the log of a run."""
        args = parse(self.kaggle_log, line)
        job = self._find(args.run)
        if args.follow:
            self._watched(job)
        else:
            _say(self._guarded(lambda: job.log(args.tail)))

    @takes()
    @argument("run", nargs="?", default="", help="beginning of its id; default: the last one sent from here")
    @argument("names", nargs="*", help="only these files")
    @argument("-r", "--retrieve", action="store_true", help="bring them here")
    @argument("-o", "--output", help="folder to put them in; implies --retrieve")
    @line_magic
    def kaggle_outputs(self, line: str) -> OutputList:
        """The output files of a run; with --retrieve they are brought here."""
        args = parse(self.kaggle_outputs, line)
        job = self._find(args.run)
        if args.retrieve or args.output or args.names:
            return self._guarded(lambda: job.retrieve(args.names or None, args.output))
        return self._guarded(job.outputs)

    @line_magic
    def kaggle_quota(self, line: str) -> QuotaView:
        """The accelerator hours of this week."""
        return QuotaView(self._call(self._background(), lambda manager: manager.quota(refresh=True)))

    @takes()
    @argument("run", nargs="?", default="", help="beginning of its id; default: the last one sent from here")
    @line_magic
    def kaggle_stop(self, line: str) -> KaggleJob:
        """Stop a run on Kaggle."""
        job = self._find(parse(self.kaggle_stop, line).run)
        return self._guarded(job.stop)

    # --- where we are ----------------------------------------------------------------------------

    def current_notebook(self) -> Path | None:
        """The notebook this kernel belongs to, as far as anybody told; it may have been renamed since."""
        told = os.environ.get(SESSION_VARIABLE) or (
            self.shell.user_ns.get(VSCODE_NAME) if self.shell else None
        )
        return Path(str(told).removeprefix("RTC:")) if told else None

    def _background(self, emulator: bool = False, root: Path | None = None) -> Background:
        try:
            config = config_from_env(endpoint="emulator" if emulator else None)
        except ValueError as error:
            raise UsageError(str(error)) from None
        key = (config.endpoint, root or workspace_root())
        if key not in self._backgrounds:
            self._backgrounds[key] = Background(config, key[1])
        return self._backgrounds[key]

    def _find(self, text: str) -> KaggleJob:
        if not text and self._last is not None:
            return self._last
        background = self._background()
        if text:
            return KaggleJob(background, self._call(background, lambda manager: manager.find_job(text)))
        newest = self._call(background, lambda manager: manager.jobs(limit=1)).jobs
        if not newest:
            raise UsageError("There are no runs. %kaggle_submit makes one.")
        return KaggleJob(background, newest[0])

    def _watched(self, job: KaggleJob) -> KaggleJob:
        return self._guarded(lambda: job.watch(_say))

    def _call(self, background: Background, work: Callable[[Manager], Awaitable[T]]) -> T:
        return self._guarded(lambda: background.call(work))

    def _guarded(self, work: Callable[[], T]) -> T:
        """Do it; an error meant for people is shown as words, without a traceback."""
        try:
            return work()
        except KaggleLabError as error:
            raise UsageError(f"{error.cause}\n{error.remedy}") from None


def register(shell: InteractiveShell) -> None:
    """Add the magics to a shell, once."""
    if getattr(shell, _ATTRIBUTE, None) is None:
        magics = KaggleMagics(shell)
        shell.register_magics(magics)
        setattr(shell, _ATTRIBUTE, magics)


def unregister(shell: InteractiveShell) -> None:
    """Stop what the magics started."""
    magics = getattr(shell, _ATTRIBUTE, None)
    if magics is not None:
        magics.close()
        setattr(shell, _ATTRIBUTE, None)


def _notebook_of(cell: str) -> str:
    """A notebook with one cell, as JSON text."""
    code: dict[str, Any] = {"cell_type": "code", "id": "cell", "metadata": {}, "source": cell}
    code |= {"outputs": [], "execution_count": None}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return json.dumps({"cells": [code], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _ascii_stem(path: str) -> str:
    from .notebook import propose_title

    return propose_title(path)[:44]


def _no_notebook(file: Path | None) -> str:
    said = f"There is no file {file}." if file else "It is not known which notebook this cell is in."
    return f"{said} Name the notebook: %kaggle_submit my-notebook.ipynb"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
