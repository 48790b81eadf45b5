"""What ``%kaggle_submit`` returns: one run, to look at and to talk to from Python."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .background import LOOK_S
from .models import FileState
from .watching import LEFT_FILES, follow, follow_files, show_log
from .wording import job_text, outcome_text, plain_line, size_text

if TYPE_CHECKING:
    from .background import Background
    from .manager import Manager
    from .models import Job, LogLine, OutputFile

MARKS = {FileState.DONE: "✓", FileState.UNCHANGED: "✓", FileState.REFUSED: "✗", FileState.FAILED: "✗"}


class KaggleJob:
    """A run on Kaggle. Shown in a notebook it is a live view; printed it is a line of text.

    Attributes are as of the last :meth:`refresh`; the view refreshes them while it is shown.
    """

    def __init__(self, background: Background, job: Job) -> None:
        self._background = background
        self._job = job

    @property
    def id(self) -> str:
        """Id of the run in Kaggle Lab."""
        return self._job.id

    @property
    def status(self) -> str:
        """``queued``, ``running``, ``complete``, ``error``, …"""
        return str(self._job.status)

    @property
    def url(self) -> str:
        """The notebook's page on Kaggle."""
        return self._job.url

    @property
    def message(self) -> str:
        """Why the run ended as it did, and what to do; empty when all is well."""
        return outcome_text(self._job)

    @property
    def output_dir(self) -> Path | None:
        """Folder with the files that came back; None before."""
        return self._background.root / self._job.output_dir if self._job.output_dir else None

    @property
    def details(self) -> Job:
        """Everything that is known of the run."""
        return self._job

    def refresh(self) -> KaggleJob:
        """Look again at the run. Returns itself."""
        self._job = self._background.call(lambda manager: manager.job(self.id))
        return self

    def wait(self, timeout: float | None = None) -> KaggleJob:
        """Until the run has ended and its files are here. Raises TimeoutError; Ctrl-C only ends the wait."""
        self._job = self._background.call(
            lambda manager: manager.wait(self.id, until_retrieved=True), timeout
        )
        return self

    def log(self, tail: int | None = None) -> str:
        """The log so far, or its last lines, as text without colours."""
        collected = _Collected()
        after = -1 if tail is None else max(-1, self.refresh()._job.log_count - tail - 1)
        self._background.call(lambda manager: show_log(manager, self._job, collected, after))
        return "\n".join(plain_line(line.text) for line in collected.lines)

    def outputs(self) -> OutputList:
        """The output files and how far they have come. Kaggle lists them when the run has ended."""
        page = self._background.call(lambda manager: manager.outputs(self.id))
        return OutputList(page.files, page.folder, page.message)

    def retrieve(
        self, names: Sequence[str] | None = None, folder: str | None = None, wait: bool = True
    ) -> OutputList:
        """Bring output files here: all or those named, into the usual folder or another one."""
        place = None if folder is None else str(Path(folder).absolute())
        self._job = self._background.call(lambda manager: manager.retrieve(self.id, names, place))
        if wait:
            self.wait()
        return self.outputs()

    def stop(self) -> KaggleJob:
        """Ask Kaggle to stop the run."""
        self._job = self._background.call(lambda manager: manager.stop(self.id))
        return self

    def watch(self, say: Callable[[str], None]) -> KaggleJob:
        """Tell the log as it comes, until the run has ended and its files are here.

        ``say`` is called in the caller's own thread. Ctrl-C ends only the watching.
        """
        told = _Told()
        future = self._background.start(lambda manager: _to_the_end(manager, self._job, told))
        try:
            while not future.done():
                told.pass_on(say, wait_s=LOOK_S)
            told.pass_on(say)
        except KeyboardInterrupt:
            future.cancel()
            say("No longer watching. The run goes on; %kaggle_stop stops it.")
            return self
        self._job = future.result()
        return self

    def __repr__(self) -> str:
        return "\n".join(filter(None, (f"<KaggleJob {job_text(self._job)}>", self.message)))

    def _ipython_display_(self) -> None:
        from .job_view import show

        show(self)


class KaggleJobs(Sequence[KaggleJob]):
    """Runs, newest first."""

    def __init__(self, jobs: Sequence[KaggleJob]) -> None:
        self._jobs = jobs

    def __len__(self) -> int:
        return len(self._jobs)

    def __getitem__(self, index: Any) -> Any:
        return self._jobs[index]

    def __repr__(self) -> str:
        return "\n".join(job_text(job.details) for job in self._jobs) or "There are no runs."


class OutputList(Sequence["OutputFile"]):
    """Output files of a run."""

    def __init__(self, files: Sequence[OutputFile], folder: str, message: str) -> None:
        self._files = files
        self.folder = folder
        self.message = message

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: Any) -> Any:
        return self._files[index]

    def __repr__(self) -> str:
        lines = [f"{MARKS.get(file.state, '·')} {file.name}  {size_text(file.size)}" for file in self._files]
        lines += [self.message, f"in {self.folder}" if self.folder else ""]
        return "\n".join(filter(None, lines)) or "There are no output files."


async def _to_the_end(manager: Manager, job: Job, told: _Told) -> Job:
    job = await follow(manager, job, told)
    return await follow_files(manager, job, told) if job.status in LEFT_FILES else job


class _Collected:
    """A watcher that keeps the lines."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []

    def line(self, line: LogLine) -> None:
        self.lines.append(line)

    def state(self, text: str) -> None:
        """Left out."""

    def files(self, files: Sequence[OutputFile]) -> None:
        """Left out."""


class _Told(_Collected):
    """A watcher that hands lines from the manager's thread to another one.

    What is printed in a thread lands under the cell that started the thread, so the caller must print.
    """

    def __init__(self) -> None:
        super().__init__()
        self.queue: queue.Queue[str] = queue.Queue()

    def line(self, line: LogLine) -> None:
        self.queue.put(plain_line(line.text))

    def pass_on(self, say: Callable[[str], None], wait_s: float = 0.0) -> None:
        """Say what has come, after waiting for something to come."""
        with contextlib.suppress(queue.Empty):
            say(self.queue.get(timeout=wait_s) if wait_s else self.queue.get_nowait())
            while True:
                say(self.queue.get_nowait())
