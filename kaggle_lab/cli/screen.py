"""Where the command line writes: plain lines for a file or a pipe, live progress on a terminal, or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from ..errors import KaggleLabError
from ..models import ARRIVED, to_wire
from ..watching import Watcher
from ..wording import plain_line, size_text

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ..models import LogLine, OutputFile


class Screen(Watcher, Protocol):
    """What a command shows. ``say`` and ``line`` are the answer; ``note`` and ``files`` tell how it goes."""

    def say(self, text: str) -> None:
        """Part of the answer, for people."""

    def answer(self, value: Any) -> None:
        """The answer, for programs."""

    def note(self, text: str) -> None:
        """Something on the way that stays readable."""

    def fail(self, error: KaggleLabError) -> None:
        """The error that ends the command."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class PlainScreen:
    """Answers on standard output, everything else on standard error. Nothing is drawn over."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._state = ""

    def say(self, text: str) -> None:
        _write(self._out, text)

    def answer(self, value: Any) -> None:
        """Left out: people have been told."""

    def note(self, text: str) -> None:
        _write(self._err, text)

    def state(self, text: str) -> None:
        words = text.split(" · ")[0]
        if words != self._state:
            self._state = words
            self.note(words)

    def line(self, line: LogLine) -> None:
        _write(self._out, plain_line(line.text))

    def files(self, files: Sequence[OutputFile]) -> None:
        """Left out: the end is told by ``note``."""

    def fail(self, error: KaggleLabError) -> None:
        self.note(f"{error.cause}\n{error.remedy}")

    def close(self) -> None:
        self._out.flush()


class JsonScreen(PlainScreen):
    """One JSON document on standard output."""

    def say(self, text: str) -> None:
        """Left out: programs do not read it."""

    def line(self, line: LogLine) -> None:
        """Left out."""

    def note(self, text: str) -> None:
        """Left out."""

    def answer(self, value: Any) -> None:
        _write(self._out, json.dumps(to_wire(value), ensure_ascii=False, indent=2))

    def fail(self, error: KaggleLabError) -> None:
        self.answer({"error": error.to_wire()})


class LiveScreen(PlainScreen):
    """A terminal: a spinner with the state, and bars for the files."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console

        self._console = Console(highlight=False)
        self._status = self._console.status("", spinner="dots")
        self._progress: Progress | None = None
        self._bars: dict[str, TaskID] = {}

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)

    note = say

    def state(self, text: str) -> None:
        if self._progress is not None:
            return
        from rich.markup import escape

        self._status.update(escape(text))
        self._status.start()

    def line(self, line: LogLine) -> None:
        self._console.print(plain_line(line.text), markup=False, soft_wrap=True, emoji=False)

    def files(self, files: Sequence[OutputFile]) -> None:
        progress = self._bars_shown()
        for file in files:
            if file.name not in self._bars:
                self._bars[file.name] = progress.add_task(file.name, total=file.size)
            done = file.size or file.received if file.state in ARRIVED else file.received
            progress.update(self._bars[file.name], completed=done, total=file.size)

    def fail(self, error: KaggleLabError) -> None:
        from rich.text import Text

        self._console.print(Text(error.cause, style="bold red"), soft_wrap=True)
        self._console.print(Text(error.remedy), soft_wrap=True)

    def close(self) -> None:
        self._status.stop()
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _bars_shown(self) -> Progress:
        if self._progress is None:
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

            self._status.stop()
            name = TextColumn("{task.description}", markup=False)
            self._progress = Progress(name, BarColumn(), DownloadColumn(), console=self._console)
            self._progress.start()
        return self._progress


def screen_for(as_json: bool) -> Screen:
    """The screen that suits the arguments and the terminal."""
    if as_json:
        return JsonScreen()
    return LiveScreen() if sys.stdout.isatty() else PlainScreen()


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns of text; the first row is the head."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def files_table(files: Sequence[OutputFile]) -> str:
    """Output files as a table."""
    rows = [("SIZE", "STATE", "NAME", "")]
    rows += [(size_text(file.size), file.state.value, file.name, file.message or file.path) for file in files]
    return table(rows)


def _write(stream: TextIO, text: str) -> None:
    stream.write(f"{text}\n")
    stream.flush()
