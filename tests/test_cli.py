"""The command line's arguments, help and exit codes: what needs no Kaggle."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kaggle_lab import errors
from kaggle_lab.accelerators import choose
from kaggle_lab.cli import main
from kaggle_lab.cli.codes import MEANINGS, ExitCode, code_of_error, code_of_job
from kaggle_lab.cli.interrupt import interruptible
from kaggle_lab.cli.parser import build_parser
from kaggle_lab.cli.screen import JsonScreen, PlainScreen, table
from kaggle_lab.models import Endpoint, EndpointKind, Job, JobStatus, LogLine, Reason, Retrieval
from kaggle_lab.wording import duration

COMMANDS = ["submit", "jobs", "log", "outputs", "stop", "quota", "accelerators", "login", "logout", "doctor"]


def job(status: JobStatus, reason: Reason = Reason.NONE, retrieval: Retrieval = Retrieval.NONE) -> Job:
    return Job(
        id="a" * 32,
        client_token="click",
        notebook_path="a.ipynb",
        title="A notebook",
        status=status,
        endpoint=Endpoint(EndpointKind.EMULATOR, "http://127.0.0.1:1"),
        account="learner",
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
        accelerator="none",
        reason=reason,
        retrieval=retrieval,
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90m", 5400), ("2h", 7200), ("1h30m", 5400), ("3600", 3600), ("45s", 45), ("5min", 300)],
)
def test_times(text: str, seconds: int) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "h", "1d", "-5", "1.5h"])
def test_what_is_not_a_time_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        duration(text)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_the_exit_codes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert MEANINGS in said
    assert "--json" in said


def test_the_meanings_name_every_exit_code() -> None:
    for code in ExitCode:
        assert f"\n  {int(code):<4}" in MEANINGS


def test_help_and_version_load_nothing_heavy() -> None:
    script = (
        "import sys\nfrom kaggle_lab.cli import main\n"
        "try:\n    main(['submit', '--help'])\nexcept SystemExit:\n    pass\n"
        "assert main(['--version']) == 0\n"
        "heavy = {'kaggle', 'kagglesdk', 'httpx', 'rich', 'nbformat', 'sqlite3', 'kaggle_lab.manager'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((Path(__file__).parent.parent / "package.json").read_text())
    assert done.stdout.strip().endswith(manifest["version"])


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nonsense"],
        ["submit"],
        ["submit", "a.ipynb", "--time-cap", "soon"],
        ["jobs", "--limit", "x"],
        ["quota", "more"],
    ],
)
def test_wrong_arguments_end_with_2(argv: list[str]) -> None:
    try:
        code = main(argv)
    except SystemExit as ended:
        code = int(str(ended.code))
    assert code == ExitCode.USAGE


def test_choices_that_are_not_made_are_left_to_the_notebook() -> None:
    args = build_parser().parse_args(["submit", "a.ipynb"])
    assert (args.accelerator, args.title, args.internet, args.private, args.time_cap) == (None,) * 5
    args = build_parser().parse_args(["submit", "a.ipynb", "--no-internet", "--no-private"])
    assert (args.internet, args.private) == (False, False)


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (job(JobStatus.COMPLETE, retrieval=Retrieval.COMPLETE), ExitCode.OK),
        (job(JobStatus.RUNNING), ExitCode.OK),
        (job(JobStatus.SAVED), ExitCode.OK),
        (job(JobStatus.COMPLETE, retrieval=Retrieval.PARTIAL), ExitCode.INCOMPLETE),
        (job(JobStatus.COMPLETE, retrieval=Retrieval.FAILED), ExitCode.INCOMPLETE),
        (job(JobStatus.ERROR, Reason.CELL_ERROR, Retrieval.PARTIAL), ExitCode.RUN_FAILED),
        (job(JobStatus.CANCELLED, Reason.STOPPED), ExitCode.STOPPED),
        (job(JobStatus.CANCELLED, Reason.TIME_LIMIT), ExitCode.RUN_FAILED),
        (job(JobStatus.REJECTED, Reason.QUOTA), ExitCode.REJECTED),
    ],
)
def test_exit_code_of_a_run(ended: Job, code: ExitCode) -> None:
    assert code_of_job(ended) is code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NotANotebook(), ExitCode.USAGE),
        (errors.NoCode(), ExitCode.USAGE),
        (errors.UnknownAccelerator(), ExitCode.USAGE),
        (errors.NoSuchJob(), ExitCode.USAGE),
        (errors.TitleTaken(), ExitCode.REJECTED),
        (errors.QuotaUsedUp(job_id="a"), ExitCode.REJECTED),
        (errors.PushRefused(job_id="a"), ExitCode.REJECTED),
        (errors.KaggleUnreachable(), ExitCode.UNREACHABLE),
        (errors.Throttled(), ExitCode.UNREACHABLE),
        (errors.SignedOut(), ExitCode.SIGNED_OUT),
        (errors.BadCredentials(), ExitCode.SIGNED_OUT),
        (errors.DiskFull(), ExitCode.INCOMPLETE),
        (errors.StoreTrouble(), ExitCode.INTERNAL),
    ],
)
def test_exit_code_of_an_error(error: errors.KaggleLabError, code: ExitCode) -> None:
    assert code_of_error(error) is code


def line(text: str) -> LogLine:
    return LogLine(0, "stdout", 0.0, text)


def test_a_pipe_gets_answers_on_one_stream_and_the_way_on_the_other() -> None:
    out, err = io.StringIO(), io.StringIO()
    screen = PlainScreen(out, err)
    screen.state("running · 1 s")
    screen.state("running · 2 s")
    screen.state("stopping · 3 s")
    screen.line(line("\x1b[31mred\x1b[0m 10%\r20%\n"))
    screen.fail(errors.NoCode("nothing in it"))
    assert out.getvalue() == "20%\n"
    assert err.getvalue().splitlines() == ["running", "stopping", "nothing in it", errors.NoCode.remedy]


def test_json_is_the_only_thing_on_standard_output() -> None:
    out, err = io.StringIO(), io.StringIO()
    screen = JsonScreen(out, err)
    for say in (screen.say, screen.note, screen.state):
        say("words")
    screen.line(line("words"))
    screen.answer({"job": job(JobStatus.COMPLETE)})
    assert json.loads(out.getvalue())["job"]["status"] == "complete"
    assert "words" not in err.getvalue()


def test_table_aligns_columns() -> None:
    assert table([("A", "BB"), ("long", "x")]) == "A     BB\nlong  x"


def test_jupyter_finds_the_command() -> None:
    """`jupyter kaggle` runs `jupyter-kaggle`, which is this function."""
    import tomllib

    project: dict[str, Any] = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
    assert project["project"]["scripts"]["jupyter-kaggle"] == "kaggle_lab.cli:main"


def test_ctrl_c_never_breaks_into_a_step_of_the_event_loop() -> None:
    """It may come between asyncio's look at a future and its setting the result."""
    troubles: list[object] = []

    async def work() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: troubles.append(context.get("exception")))
        answer = loop.create_future()

        def hand_over() -> None:
            assert not answer.done()
            signal.raise_signal(signal.SIGINT)
            answer.set_result("done")

        loop.call_soon(hand_over)
        await answer
        await asyncio.Event().wait()

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(interruptible(work()))
    assert troubles == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_answer_that_was_lost_is_not_called_done() -> None:
    assert code_of_job(replace(job(JobStatus.SUBMITTING), trouble="no answer")) is ExitCode.UNREACHABLE
    assert code_of_job(job(JobStatus.SUBMITTING)) is ExitCode.OK


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("tpu-v5e8", "tpu-v5e-8"),
        ("TPU v5e-8", "tpu-v5e-8"),
        ("T4 x2", "t4x2"),
        ("GPU T4 \u00d72", "t4x2"),
        ("NvidiaTeslaT4", "t4x2"),
        ("CPU", "none"),
    ],
)
def test_an_accelerator_by_any_of_its_names(word: str, wanted: str) -> None:
    assert choose(word).id == wanted
