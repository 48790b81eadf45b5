"""Notebooks: what papermill and nbconvert leave, and the ways a notebook fails."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from runner_sessions import Session, code_cell, notebook, order, order_notebook, wait_until

PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d494844520000000100000001080600000"
        "01f15c4890000000a49444154789c63000100000500010d0a2db40000000049454e44ae426082"
    )
).decode()


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """A notebook that succeeds, with a picture, an expected exception and a module of its own."""
    session = order_notebook(
        tmp_path_factory.mktemp("complete"),
        "print('started')\nimport os, sys\nprint(sys.executable, os.getcwd(), os.environ['PWD'])",
        "import base64\nfrom IPython.display import Image, display\n"
        f"display(Image(base64.b64decode({PIXEL!r}), format='png'))",
        code_cell("raise LookupError('expected')", "raises-exception"),
        "open('mine.py', 'w').write('answer = 42')\nimport mine\nprint('answer', mine.answer)",
        "os.system('echo from a child')\nprint('late', file=sys.stderr)",
        "import faulthandler\n6 * 7",
    )
    assert session.run()["outcome"] == "complete"
    return session


def test_success_is_reported_with_times_and_exit_code(complete: Session) -> None:
    result = complete.read("result.json")
    assert (result["exit_code"], result["failure_message"]) == (0, "")
    assert result["started_at"] == complete.read("started.json")["started_at"]
    assert result["started_at"] < result["ended_at"]


def test_working_folder_holds_kaggles_files_and_the_notebooks_own(complete: Session) -> None:
    names = {path.name for path in complete.working.iterdir()}
    assert {"__notebook__.ipynb", "__results__.html", "__results___files", "mine.py"} <= names
    pictures = list((complete.working / "__results___files").iterdir())
    assert [picture.suffix for picture in pictures] == [".png"]
    assert pictures[0].name in (complete.working / "__results__.html").read_text(encoding="utf-8")


def test_executed_notebook_holds_outputs_of_every_cell(complete: Session) -> None:
    cells = complete.executed()["cells"]
    assert [cell["execution_count"] for cell in cells] == [1, 2, 3, 4, 5, 6]
    assert cells[2]["outputs"][0]["ename"] == "LookupError"
    assert cells[5]["outputs"][0]["data"]["text/plain"] in ("42", ["42"])
    assert complete.executed()["metadata"]["papermill"]["input_path"] == "__notebook__.ipynb"


def test_kernel_is_this_interpreter_in_the_working_folder(complete: Session) -> None:
    assert f"{sys.executable} /kaggle/working /kaggle/working\n" in complete.text("stdout")


def test_log_has_each_line_once_and_in_its_stream(complete: Session) -> None:
    lines = complete.text("stdout").splitlines()
    assert [lines[0], *lines[2:]] == ["started", "answer 42", "from a child"]
    assert "late\n" in complete.text("stderr")


def test_log_ends_with_nbconvert(complete: Session) -> None:
    tail = [line for line in complete.text("stderr").splitlines() if line.startswith("[NbConvertApp]")]
    assert tail[0] == "[NbConvertApp] Converting notebook __notebook__.ipynb to notebook"
    assert tail[1].endswith(" bytes to __notebook__.ipynb")
    assert "[NbConvertApp] Converting notebook __notebook__.ipynb to html" in tail
    assert "[NbConvertApp] Support files will be in __results___files/" in tail
    assert tail[-1].endswith(" bytes to __results__.html")


def test_times_in_the_log_never_go_back(complete: Session) -> None:
    times = [record["time"] for record in complete.log()]
    assert times == sorted(times)
    assert times[0] > 0


def test_scratch_is_gone_afterwards(complete: Session) -> None:
    from_server = {"spec.json", "source.ipynb", "runner.out"}
    from_runner = {"runner.json", "started.json", "log.ndjson", "working", "result.json"}
    assert {path.name for path in complete.path.iterdir()} == from_server | from_runner


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """A notebook whose second cell fails."""
    session = order_notebook(
        tmp_path_factory.mktemp("failed"),
        "open('kept.txt', 'w').write('kept')\nprint('before')",
        "{}['missing']",
        "print('never')",
    )
    session.run()
    return session


def test_failing_cell_is_an_error_without_message(failed: Session) -> None:
    result = failed.read("result.json")
    assert (result["outcome"], result["failure_message"], result["exit_code"]) == ("error", "", 1)


def test_failing_cell_stops_the_notebook_and_keeps_what_there_is(failed: Session) -> None:
    assert failed.text("stdout") == "before\n"
    assert (failed.working / "kept.txt").read_text() == "kept"
    assert (failed.working / "__results__.html").stat().st_size > 10_000
    outputs = [output for cell in failed.executed()["cells"] for output in cell.get("outputs", ())]
    assert [output.get("ename") for output in outputs] == [None, "KeyError"]


def test_failing_cell_ends_the_log_as_on_kaggle(failed: Session) -> None:
    lines = [line.rstrip("\n") for line in failed.text("stderr").splitlines()]
    start = lines.index("Traceback (most recent call last):")
    assert lines[start + 1] == '  File "<string>", line 1, in <module>'
    error = lines.index("papermill.exceptions.PapermillExecutionError: ")
    assert lines[error + 2] == 'Exception encountered at "In [2]":'
    assert lines.index("KeyError: 'missing'") > error
    assert lines.index("[NbConvertApp] Converting notebook __notebook__.ipynb to notebook") > error
    assert not any("runner_job" in line or "job.py" in line for line in lines)


def test_missing_kernelspec_fails_with_kaggles_words(tmp_path: Path) -> None:
    session = order(tmp_path, notebook("print(1)", kernelspec=None), kernel_type="notebook")
    assert session.run()["outcome"] == "error"
    assert "\nValueError: No kernel name found in notebook and no override provided" in session.text("stderr")
    assert session.text("stdout") == ""


def test_unknown_kernel_is_named(tmp_path: Path) -> None:
    spec = {"name": "my-venv", "display_name": "Mine", "language": "python"}
    session = order(tmp_path, notebook("print(1)", kernelspec=spec), kernel_type="notebook")
    assert session.run()["outcome"] == "error"
    assert "jupyter_client.kernelspec.NoSuchKernel: No such kernel named my-venv\n" in session.text("stderr")


def test_source_that_is_no_notebook_fails(tmp_path: Path) -> None:
    session = order(tmp_path, "{ this is not JSON", kernel_type="notebook")
    assert session.run()["outcome"] == "error"
    assert "JSON" in session.text("stderr")


def test_dead_kernel_is_an_error(tmp_path: Path) -> None:
    session = order_notebook(
        tmp_path, "print('alive')", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    result = session.run()
    assert (result["outcome"], result["failure_message"]) == ("error", "")
    assert "DeadKernelError" in session.text("stderr")
    assert session.text("stdout") == "alive\n"


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Session]:
    """A notebook whose second cell waits for ever."""
    session = order_notebook(
        tmp_path, "print('first done')", "import time\nprint('waiting')\ntime.sleep(1e6)"
    )
    session.start()
    yield session
    assert session.process is not None
    session.process.kill()
    session.process.wait()


def test_outputs_so_far_are_in_the_working_folder_and_survive_a_cancel(waiting: Session) -> None:
    wait_until(
        lambda: "waiting\n" in waiting.text("stdout") if (waiting.path / "log.ndjson").exists() else "",
        "output",
    )
    wait_until(lambda: waiting.executed()["cells"][0]["outputs"], "outputs of the first cell")
    assert waiting.process is not None
    waiting.process.terminate()
    assert waiting.finish()["outcome"] == "cancelled"
    assert waiting.executed()["cells"][0]["outputs"][0]["text"] in ("first done\n", ["first done\n"])
