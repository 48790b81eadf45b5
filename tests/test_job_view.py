"""The live view: what it shows of a run, and that nothing a run says becomes markup."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import ipywidgets
import pytest

from kaggle_lab import job_view
from kaggle_lab.job_view import JobView, files_html, head_html, log_html
from kaggle_lab.models import (
    Endpoint,
    EndpointKind,
    FileState,
    Job,
    JobStatus,
    LogLine,
    OutputFile,
    Progress,
    Reason,
    Retrieval,
)

BEGIN = datetime(2026, 11, 1, 12, tzinfo=UTC)
ATTACK = "<img src=x onerror=alert(1)>"


def job(**changes: Any) -> Job:
    base = Job(
        id="a" * 32,
        client_token="click",
        notebook_path="a.ipynb",
        title="A notebook",
        status=JobStatus.COMPLETE,
        endpoint=Endpoint(EndpointKind.KAGGLE),
        account="ada",
        created_at=BEGIN,
        submitted_at=BEGIN,
        ended_at=BEGIN + timedelta(seconds=125),
        accelerator="t4x2",
        version=3,
        url="https://www.kaggle.com/code/ada/a-notebook",
    )
    return replace(base, **changes)


class Handle:
    """What the view needs of a KaggleJob."""

    def __init__(self, details: Job) -> None:
        self.details = details
        self.id = details.id
        self.asked: list[Any] = []
        self._background = self

    def start(self, work: Any) -> None:
        self.asked.append(work)


def test_head_says_where_it_stands() -> None:
    html = head_html(job(hardware="Tesla T4 x2"))
    assert "✓ complete" in html
    assert "2 min 05 s" in html
    assert "Tesla T4 x2" in html
    assert 'href="https://www.kaggle.com/code/ada/a-notebook"' in html
    assert "EMULATOR" not in html


def test_an_emulator_s_run_is_marked() -> None:
    html = head_html(
        job(endpoint=Endpoint(EndpointKind.EMULATOR, "http://127.0.0.1:1"), url="http://127.0.0.1:1/x")
    )
    assert "EMULATOR" in html
    assert "Open on the emulator" in html


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"status": JobStatus.RUNNING, "progress": Progress(2, 7), "ended_at": None},
            "running (cell 2 of 7)",
        ),
        ({"status": JobStatus.RUNNING, "stop_requested_at": BEGIN, "ended_at": None}, "stopping"),
        ({"status": JobStatus.ERROR, "message": "Code cell 2 failed", "remedy": "Mend it."}, "Mend it."),
        ({"status": JobStatus.ERROR, "reason": Reason.TIME_LIMIT}, "time limit"),
        ({"status": JobStatus.RUNNING, "trouble": "no network", "ended_at": None}, "no network"),
        ({"retrieval": Retrieval.PARTIAL, "retrieval_message": "2 of 3"}, "2 of 3"),
    ],
)
def test_head_tells_what_matters(changes: dict[str, Any], words: str) -> None:
    assert words in head_html(job(**changes))


def test_nothing_said_by_a_run_becomes_markup() -> None:
    hostile = job(title=ATTACK, message=ATTACK, hardware=ATTACK, url="javascript:alert(1)", trouble=ATTACK)
    texts = [
        head_html(hostile, ATTACK),
        log_html([LogLine(0, "stdout", 0.0, ATTACK)]),
        files_html([OutputFile(ATTACK, 1, FileState.FAILED, message=ATTACK)]),
        files_html([OutputFile(f'"{ATTACK}', 10, FileState.RECEIVING, received=1)]),
    ]
    for text in texts:
        assert "<img" not in text
        assert "javascript:" not in text
        assert "&lt;img" in text


def test_log_shows_lines_as_they_end_up() -> None:
    lines = [LogLine(0, "stdout", 0.0, "\x1b[31mred\x1b[0m\n"), LogLine(1, "stderr", 0.0, " 10%\r 90%\n")]
    assert "red\n 90%</pre>" in log_html(lines)
    assert log_html([]) == ""


def test_files_show_progress_and_stay_few() -> None:
    files = [OutputFile("a", 100, FileState.RECEIVING, received=40), OutputFile("b", 5, FileState.DONE)]
    html = files_html(files)
    assert '<progress max="100" value="40"' in html
    assert "✓ here" in html
    many = files_html([OutputFile(f"f{n}", 1, FileState.DONE) for n in range(60)])
    assert many.count("<tr>") == job_view.MOST_FILES
    assert "and 10 more" in many


def test_the_buttons_offer_what_can_be_done() -> None:
    running = Handle(job(status=JobStatus.RUNNING, ended_at=None))
    view = JobView(running, ipywidgets)  # type: ignore[arg-type]
    assert (view._stop.disabled, view._stop.layout.display, view._fetch.layout.display) == (False, "", "none")
    view.draw(job(retrieval=Retrieval.FAILED), [], [])
    assert (view._stop.layout.display, view._fetch.layout.display) == ("none", "")
    view.draw(job(retrieval=Retrieval.COMPLETE), [], [])
    assert view._fetch.layout.display == "none"


def test_a_click_asks_the_manager() -> None:
    handle = Handle(job(status=JobStatus.RUNNING, ended_at=None))
    view = JobView(handle, ipywidgets)  # type: ignore[arg-type]
    view._stop.click()
    assert len(handle.asked) == 1


class ShellOfAKernel:
    """What IPython gives in a Jupyter kernel."""

    kernel = object()


def test_without_widgets_there_is_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("IPython.core.getipython.get_ipython", ShellOfAKernel)
    assert job_view._widgets() is ipywidgets
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    job_view.show(Handle(job()))  # type: ignore[arg-type]
    assert "Handle" in capsys.readouterr().out
