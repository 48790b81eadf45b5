"""The sample notebook: really run once, in an empty folder, and everything it leaves looked at."""

from __future__ import annotations

import csv
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOK = Path(__file__).parent.parent / "examples" / "digits.ipynb"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which papermill has run the notebook, as Kaggle runs it."""
    folder = tmp_path_factory.mktemp("digits")
    command = [sys.executable, "-m", "papermill", str(NOTEBOOK), "ran.ipynb", "--no-progress-bar"]
    # The Jupyter kernel named python3 of this very environment, whatever the developer has installed.
    command += ["--kernel", "python3"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def code_cells(path: Path) -> list[Any]:
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_notebook_is_clean_and_portable() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert all(not cell.outputs and cell.execution_count is None for cell in code_cells(NOTEBOOK))
    assert "/kaggle/" not in "".join(cell.source for cell in code_cells(NOTEBOOK))


def test_prints_a_line_per_epoch_and_no_warning(ran: Path) -> None:
    outputs = [output for cell in code_cells(ran / "ran.ipynb") for output in cell.outputs]
    epochs = [line for output in outputs for line in output.get("text", "").splitlines() if "epoch" in line]
    assert len(epochs) == 50
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


def test_model_can_be_loaded_and_reads_digits(ran: Path) -> None:
    digits = importlib.import_module("sklearn.datasets").load_digits()
    model = importlib.import_module("joblib").load(ran / "model.joblib")
    right = (model.predict(digits.data) == digits.target).mean()
    assert right > 0.97


def test_predictions_agree_with_the_metrics(ran: Path) -> None:
    rows = list(csv.DictReader((ran / "predictions.csv").read_text(encoding="utf-8").splitlines()))
    metrics = json.loads((ran / "metrics.json").read_text(encoding="utf-8"))
    assert len(rows) == 450
    right = sum(row["digit"] == row["predicted"] for row in rows) / len(rows)
    assert metrics["accuracy"] == pytest.approx(right)
    assert right > 0.95
    assert [point["epoch"] for point in metrics["history"]] == list(range(1, 51))


def test_plot_is_a_picture(ran: Path) -> None:
    picture = (ran / "confusion.png").read_bytes()
    assert picture.startswith(PNG)
    assert len(picture) > 10_000
