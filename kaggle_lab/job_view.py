"""The live view of a run in a notebook: state, clock, log tail, outputs with progress, and Stop.

Made of ipywidgets. Without them, or without a front end that shows widgets, the run is shown as text.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from .models import FileState, JobStatus, Retrieval
from .watching import UNDERWAY, news_of, wait_for_news
from .wording import (
    badge,
    duration_text,
    elapsed_s,
    outcome_text,
    plain_line,
    retrieval_text,
    size_text,
    status_text,
)

if TYPE_CHECKING:
    from .kaggle_job import KaggleJob
    from .manager import Manager
    from .models import Job, LogLine, OutputFile

TAIL_LINES = 12
MOST_FILES = 50
REDRAW_S = 0.25
ICONS = {
    JobStatus.COMPLETE: "✓",
    JobStatus.SAVED: "✓",
    JobStatus.ERROR: "✗",
    JobStatus.REJECTED: "✗",
    JobStatus.CANCELLED: "■",
}
_BADGE = "background:var(--jp-warn-color1,#b26b00);color:#fff;border-radius:3px;padding:0 5px;font-size:85%"
_QUIET = "color:var(--jp-ui-font-color2,#666)"
_LOG = (
    "margin:4px 0;padding:4px 8px;max-height:16em;overflow:auto;font-size:var(--jp-code-font-size,13px);"
    "background:var(--jp-layout-color2,#eee);color:var(--jp-ui-font-color1,#111)"
)


def show(job: KaggleJob) -> None:
    """Display a run where we are: live in a notebook, else as text."""
    widgets = _widgets()
    if widgets is None:
        print(repr(job))  # noqa: T201 - this is what a terminal shows of a value
        return
    view = JobView(job, widgets)
    _display(view.box, repr(job))
    view.follow()


def _widgets() -> Any:
    """ipywidgets, when it is installed and we are in a Jupyter kernel that can talk to a front end."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is None or getattr(shell, "kernel", None) is None:
        return None
    try:
        import ipywidgets  # type: ignore[import-untyped]
    except ImportError:
        return None
    return ipywidgets


def _display(box: Any, text: str) -> None:
    """The widget, with the text for whoever cannot show it."""
    from IPython import display as ipython_display

    display: Any = ipython_display.display
    bundle = box._repr_mimebundle_()
    display({**bundle, "text/plain": text}, raw=True)


class JobView:
    """One view. Drawing happens in the manager's thread, clicks come in the kernel's."""

    def __init__(self, job: KaggleJob, widgets: Any) -> None:
        self._job = job
        self._head = widgets.HTML()
        self._log = widgets.HTML()
        self._files = widgets.HTML()
        self._stop = widgets.Button(description="Stop", icon="stop", tooltip="Stop this run on Kaggle")
        self._fetch = widgets.Button(description="Fetch outputs", icon="download")
        self._stop.on_click(lambda _: self._do(lambda manager: manager.stop(job.id)))
        self._fetch.on_click(lambda _: self._do(lambda manager: manager.retrieve(job.id)))
        self._trouble = ""
        buttons = widgets.HBox([self._stop, self._fetch])
        self.box = widgets.VBox([self._head, self._log, self._files, buttons])
        self.draw(job.details, [], [])

    def follow(self) -> None:
        """Keep the view true until nothing more can happen."""
        self._job._background.start(self._follow)

    def _do(self, work: Any) -> None:
        """Do what a button says, tell what goes wrong, and go on drawing."""

        async def act(manager: Manager) -> None:
            from .errors import KaggleLabError

            self._trouble = ""
            try:
                await work(manager)
            except KaggleLabError as error:
                self._trouble = f"{error.cause} {error.remedy}"
            await self._follow(manager)

        self._job._background.start(act)

    async def _follow(self, manager: Manager) -> None:
        with news_of(manager, self._job.id) as news:
            while True:
                news.clear()
                job = await manager.job(self._job.id)
                page = await manager.log(job.id, after=max(-1, job.log_count - TAIL_LINES - 1))
                self.draw(job, page.lines, await self._outputs_of(manager, job))
                self._job._job = job
                if job.status.is_finished and job.retrieval not in UNDERWAY:
                    return
                await wait_for_news(news)
                await asyncio.sleep(REDRAW_S)

    async def _outputs_of(self, manager: Manager, job: Job) -> Sequence[OutputFile]:
        from .errors import KaggleLabError

        with contextlib.suppress(KaggleLabError):  # a list that cannot be had is no fault of the run
            return (await manager.outputs(job.id)).files if job.status.is_finished else ()
        return ()

    def draw(self, job: Job, lines: Sequence[LogLine], files: Sequence[OutputFile]) -> None:
        """Show this state of the run."""
        self._head.value = head_html(job, self._trouble)
        self._log.value = log_html(lines)
        self._files.value = files_html(files)
        self._stop.disabled = job.status.is_finished or job.stop_requested_at is not None
        self._stop.layout.display = "none" if job.status.is_finished else ""
        self._fetch.layout.display = "" if _may_fetch(job) else "none"


def _may_fetch(job: Job) -> bool:
    ended = job.status in (JobStatus.COMPLETE, JobStatus.ERROR, JobStatus.CANCELLED)
    return ended and job.retrieval in (Retrieval.NONE, Retrieval.PARTIAL, Retrieval.FAILED)


def head_html(job: Job, trouble: str = "") -> str:
    """State, clock, machine, link, and what there is to say."""
    mark = f'<span style="{_BADGE}">{escape(badge(job))}</span> ' if badge(job) else ""
    words = f"<b>{ICONS.get(job.status, '●')} {escape(status_text(job))}</b>"
    facts = [duration_text(elapsed_s(job)), job.hardware or job.accelerator, retrieval_text(job)]
    if job.version:
        facts.insert(0, f"{job.title} v{job.version}")
    text = f"{mark}{words} · {escape(' · '.join(filter(None, facts)))}{_link(job)}"
    notes = [*outcome_text(job).splitlines(), trouble]
    said = "".join(f'<div style="{_QUIET}">{escape(note)}</div>' for note in notes if note)
    return f'<div role="status">{text}</div>{said}'


def _link(job: Job) -> str:
    if not job.url.startswith(("https://", "http://")):
        return ""
    where = "the emulator" if badge(job) else "Kaggle"
    return f' · <a href="{escape(job.url)}" target="_blank" rel="noopener noreferrer">Open on {where}</a>'


def log_html(lines: Sequence[LogLine]) -> str:
    """The last lines of the log."""
    text = "\n".join(plain_line(line.text) for line in lines)
    return f'<pre style="{_LOG}">{escape(text)}</pre>' if text else ""


def files_html(files: Sequence[OutputFile]) -> str:
    """Output files with their progress."""
    rows = "".join(_file_row(file) for file in files[:MOST_FILES])
    more = len(files) - MOST_FILES
    rest = f'<div style="{_QUIET}">and {more} more</div>' if more > 0 else ""
    return f"<table>{rows}</table>{rest}" if rows else ""


def _file_row(file: OutputFile) -> str:
    name = escape(file.name)
    state = escape(file.message) if file.state in (FileState.FAILED, FileState.REFUSED) else _bar(file)
    return f"<tr><td>{name}</td><td>{escape(size_text(file.size))}</td><td>{state}</td></tr>"


def _bar(file: OutputFile) -> str:
    if file.state in (FileState.DONE, FileState.UNCHANGED):
        return "✓ here"
    if file.state is FileState.LISTED or not file.size:
        return "on Kaggle" if file.state is FileState.LISTED else "arriving"
    label = escape(f"{file.name}: {size_text(file.received)} of {size_text(file.size)}")
    return f'<progress max="{file.size}" value="{file.received}" aria-label="{label}"></progress>'
