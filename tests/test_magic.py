"""The magics in an IPython shell, against the emulator."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import kaggle_lab
from kaggle_lab.emulator.testing import EmulatorProcess
from kaggle_lab.kaggle_job import KaggleJob

from .conftest import QUICK
from .support import wait_until, write_notebook

TRAIN = "print('epoch 1')\nopen('model.bin', 'wb').write(b'x' * 3000)"
SLEEP = "print('go', flush=True)\nimport time; time.sleep(600)"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace; the kernel's current folder is one below it, as beside a notebook."""
    root = tmp_path / "work"
    (root / "deep").mkdir(parents=True)
    monkeypatch.setenv("KAGGLE_LAB_ROOT", str(root))
    monkeypatch.setenv("KAGGLE_LAB_DATA_DIR", str(tmp_path / "lab"))
    for name, value in QUICK.items():
        monkeypatch.setenv(f"KAGGLE_LAB_{name.upper()}", str(value))
    monkeypatch.chdir(root / "deep")
    return root


@pytest.fixture
def shell(folder: Path) -> Iterator[InteractiveShell]:
    shell = InteractiveShell(history_manager=None)
    kaggle_lab.load_ipython_extension(shell)
    yield shell
    kaggle_lab.unload_ipython_extension(shell)
    assert not [thread for thread in threading.enumerate() if thread.name == "kaggle-lab"]


@pytest.fixture
def online(
    shell: InteractiveShell, emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> InteractiveShell:
    monkeypatch.setenv("KAGGLE_LAB_ENDPOINT", emulator.url)
    return shell


def magic(shell: InteractiveShell, line: str) -> Any:
    name, _, rest = line.partition(" ")
    return shell.run_line_magic(name, rest)


def here(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Tell the kernel its notebook as the Jupyter server does."""
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))


def test_the_notebook_it_stands_in(
    online: InteractiveShell,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    here(monkeypatch, write_notebook(folder / "deep/train me.ipynb", TRAIN))
    job = magic(online, "kaggle_submit --accelerator t4x2 --no-internet --time-cap 30m")
    said = capsys.readouterr().out
    assert re.search(r"Sending train me.ipynb as it was saved \d+ s ago", said)
    assert isinstance(job, KaggleJob)
    assert job.status in ("queued", "running")
    job.wait(timeout=90)
    assert job.status == "complete"
    assert job.details.notebook_path == "deep/train me.ipynb"
    assert (job.details.accelerator, job.details.internet, job.details.time_cap_s) == ("t4x2", False, 1800)
    assert "EMULATOR" in repr(job)
    assert job.output_dir == folder / "kaggle-output/deep/train me/v1"
    assert (job.output_dir / "model.bin").read_bytes() == b"x" * 3000
    assert "epoch 1" in job.log().splitlines()
    assert len(job.log(tail=1).splitlines()) == 1
    assert "model.bin" in repr(job.outputs())
    assert [file.name for file in job.outputs()] == ["model.bin"]


def test_the_run_is_in_the_list_that_all_share(online: InteractiveShell, folder: Path) -> None:
    write_notebook(folder / "deep/a.ipynb", TRAIN)
    job = magic(online, "kaggle_submit a.ipynb")
    job.wait(timeout=90)
    command = [sys.executable, "-m", "kaggle_lab.cli", "jobs", "--json"]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert [(row["id"], row["status"]) for row in listed["jobs"]] == [(job.id, "complete")]


def test_vs_code_tells_the_notebook_otherwise(online: InteractiveShell, folder: Path) -> None:
    online.user_ns["__vsc_ipynb_file__"] = str(write_notebook(folder / "code.ipynb", "1"))
    assert magic(online, "kaggle_submit --save-only").details.notebook_path == "code.ipynb"


def test_without_a_notebook_it_asks_for_a_name(
    shell: InteractiveShell, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="Name the notebook"):
        magic(shell, "kaggle_submit")
    here(monkeypatch, folder / "renamed.ipynb")
    with pytest.raises(UsageError, match=r"renamed\.ipynb"):
        magic(shell, "kaggle_submit")
    with pytest.raises(UsageError, match=r"nope\.ipynb"):
        magic(shell, "kaggle_submit nope.ipynb")


def test_a_notebook_that_submits_itself_runs_once(
    online: InteractiveShell, folder: Path, emulator: EmulatorProcess
) -> None:
    own = ["%load_ext kaggle_lab", "job = 3\n%kaggle_submit --wait\nprint('after')", "%kaggle_jobs"]
    write_notebook(folder / "deep/self.ipynb", *own)
    job = magic(online, "kaggle_submit self.ipynb").wait(timeout=90)
    assert job.status == "complete", job
    assert "after" in job.log().splitlines()
    assert len(emulator.requests("SaveKernel")) == 1


def test_just_this_cell(online: InteractiveShell, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here(monkeypatch, write_notebook(folder / "deep/big.ipynb", "1 / 0"))
    job = online.run_cell_magic("kaggle_submit", "", "print('only this')\nopen('o.txt', 'w').write('1')")
    job.wait(timeout=90)
    assert job.status == "complete", job
    assert "only this" in job.log().splitlines()
    assert "cell" in job.details.title
    whole = magic(online, "kaggle_submit --save-only")
    assert whole.details.ref != job.details.ref, "the cell's notebook on Kaggle is not the notebook's own"


def test_waiting_prints_the_log_here(
    online: InteractiveShell, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(folder / "deep/a.ipynb", "for i in range(5): print('line', i)", TRAIN)
    job = magic(online, "kaggle_submit a.ipynb --wait")
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("line ")] == [f"line {i}" for i in range(5)]
    assert job.status == "complete"
    assert job.output_dir is not None


def test_stop_and_the_other_magics(
    online: InteractiveShell, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(folder / "deep/a.ipynb", SLEEP)
    job = magic(online, "kaggle_submit a.ipynb")
    wait_until(lambda: "go" in job.log())
    assert magic(online, "kaggle_stop").id == job.id
    assert job.wait(timeout=60).status == "cancelled"
    with pytest.raises(UsageError, match="over"):
        magic(online, f"kaggle_stop {job.id[:8]}")
    jobs = magic(online, "kaggle_jobs")
    assert [listed.id for listed in jobs] == [job.id]
    assert job.id[:8] in repr(jobs)
    assert "GPU" in repr(magic(online, "kaggle_quota"))
    capsys.readouterr()
    magic(online, "kaggle_log --tail 5")
    assert "go" in capsys.readouterr().out
    assert len(magic(online, "kaggle_outputs")) == len(job.outputs())


def test_outputs_into_a_folder(online: InteractiveShell, folder: Path) -> None:
    write_notebook(folder / "deep/a.ipynb", TRAIN)
    magic(online, "kaggle_submit a.ipynb").wait(timeout=90)
    magic(online, "kaggle_outputs --output picked")
    assert (folder / "deep/picked/model.bin").exists()


def test_nobody_signed_in_is_told_in_words(shell: InteractiveShell, folder: Path) -> None:
    write_notebook(folder / "deep/a.ipynb", TRAIN)
    with pytest.raises(UsageError, match="credentials"):
        magic(shell, "kaggle_submit a.ipynb")
    with pytest.raises(UsageError, match="credentials"):
        magic(shell, "kaggle_quota")
    assert repr(magic(shell, "kaggle_jobs")) == "There are no runs."
    with pytest.raises(UsageError, match="no runs"):
        magic(shell, "kaggle_log")


@pytest.mark.parametrize(
    "line", ["kaggle_submit a.ipynb --time-cap soon", "kaggle_jobs --limit x", "kaggle_log -x"]
)
def test_wrong_arguments_are_told_in_words(shell: InteractiveShell, line: str) -> None:
    with pytest.raises(UsageError):
        magic(shell, line)


def test_a_wrong_setting_is_told_in_words(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_LAB_POLL_MAX_S", "soon")
    with pytest.raises(UsageError, match="KAGGLE_LAB_POLL_MAX_S"):
        magic(shell, "kaggle_jobs")


def test_loading_twice_keeps_the_runs(shell: InteractiveShell) -> None:
    before = shell.magics_manager.magics["line"]["kaggle_jobs"]
    kaggle_lab.load_ipython_extension(shell)
    assert shell.magics_manager.magics["line"]["kaggle_jobs"] == before


def test_a_wait_that_takes_too_long_says_so(online: InteractiveShell, folder: Path) -> None:
    write_notebook(folder / "deep/a.ipynb", SLEEP)
    job = magic(online, "kaggle_submit a.ipynb")
    with pytest.raises(TimeoutError):
        job.wait(timeout=0.3)
    assert job.refresh().status in ("queued", "running")
    job.stop()


def test_the_emulator_without_an_account(shell: InteractiveShell, folder: Path, tmp_path: Path) -> None:
    write_notebook(folder / "deep/a.ipynb", TRAIN)
    job = magic(shell, "kaggle_submit a.ipynb --emulator").wait(timeout=90)
    assert job.status == "complete"
    assert list((tmp_path / "lab/emulator/users").iterdir()), "held while the kernel lives"


def test_a_terminal_shows_text(
    online: InteractiveShell, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(folder / "deep/a.ipynb", "1")
    job = magic(online, "kaggle_submit a.ipynb --save-only")
    capsys.readouterr()
    job._ipython_display_()
    assert capsys.readouterr().out.startswith("<KaggleJob ")
