"""Reading what is on screen and making the source that is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import papermill
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaggle_lab import notebook as nb
from kaggle_lab.errors import BadTitle, NoCode, NotANotebook, SourceTooLarge, UnsupportedLanguage
from kaggle_lab.models import Sources
from kaggle_lab.prologue import MARKER

from .support import make_notebook


def read(*sources: str, **metadata: Any) -> nb.Notebook:
    return nb.read_notebook(json.dumps(make_notebook(*sources, **metadata)))


def test_the_sent_source_has_no_outputs_and_kaggles_kernel() -> None:
    content = make_notebook("print(1)", kernelspec={"name": "conda-env-x", "display_name": "X"})
    content["cells"][0].update(
        outputs=[{"output_type": "stream", "name": "stdout", "text": "SECRET"}], execution_count=7
    )
    content["metadata"]["widgets"] = {"state": "large"}
    sent = json.loads(nb.build_source(nb.read_notebook(json.dumps(content)), "JOB"))
    assert sent["metadata"]["kernelspec"] == {
        "name": "python3", "display_name": "Python 3", "language": "python",
    }  # fmt: skip
    assert "SECRET" not in json.dumps(sent)
    assert "widgets" not in sent["metadata"]
    first, second = sent["cells"]
    assert "_kaggle_lab_prologue('JOB', 1)" in first["source"]
    assert (second["source"], second["outputs"], second["execution_count"]) == ("print(1)", [], None)


def test_a_source_in_lines_becomes_one_text() -> None:
    content = make_notebook("x")
    content["cells"][0]["source"] = ["a = 1\n", "print(a)"]
    sent = json.loads(nb.build_source(nb.read_notebook(json.dumps(content)), "JOB"))
    assert sent["cells"][1]["source"] == "a = 1\nprint(a)"


@pytest.mark.parametrize(
    "line",
    [
        "%kaggle_submit --wait",
        "%kaggle_jobs",
        "%%kaggle_submit",
        "%load_ext kaggle_lab",
        "%reload_ext kaggle_lab",
    ],
)
def test_our_own_magics_do_not_run_on_kaggle(line: str) -> None:
    sent = json.loads(nb.build_source(read(f"{line}\nprint(1)"), "JOB"))
    first, second = sent["cells"][1]["source"].split("\n")
    assert first.startswith(f"# {line.strip()}")
    assert second == "print(1)"


def test_what_our_magic_was_assigned_to_stands_for_the_run_itself(tmp_path: Path) -> None:
    """The README's example goes on with `job.wait()`; run here as Kaggle would run it."""
    cell = "if True:\n    %kaggle_jobs\njob = %kaggle_submit --accelerator t4x2\n"
    cell += "job.wait(); print(job, job.outputs())\n"
    cell += "runs = {}\nruns[0] = %kaggle_submit \\\n    --accelerator t4x2\n"
    cell += (
        "assert job.status != 'running'\nfor file in runs[0].wait(timeout=5).outputs()[:2]: print(file.name)"
    )
    path = tmp_path / "sent.ipynb"
    path.write_text(nb.build_source(read(cell), "JOB"), encoding="utf-8")
    ran = papermill.execute_notebook(path, tmp_path / "ran.ipynb", progress_bar=False)
    shown = "".join(output["text"] for output in ran.cells[-1].outputs)
    assert shown.count("This is the run itself") == 2


def test_code_that_a_cell_runs_itself_is_not_counted_as_a_cell(tmp_path: Path) -> None:
    path = tmp_path / "sent.ipynb"
    cells = ("a = 1", "get_ipython().run_cell('b = 2'); print('still at it')")
    path.write_text(nb.build_source(read(*cells), "JOB"), encoding="utf-8")
    ran = papermill.execute_notebook(path, tmp_path / "ran.ipynb", progress_bar=False)
    printed = "".join(output["text"] for cell in ran.cells[1:] for output in cell.outputs if "text" in output)
    told = [line.removeprefix(MARKER) for line in printed.splitlines()]
    assert [word if word[0] != "{" else json.loads(word)["event"] for word in told] == [
        "cell", "cell", "still at it", "done",
    ]  # fmt: skip


def test_a_notebook_that_came_back_from_kaggle_gets_one_prologue() -> None:
    once = nb.build_source(read("print(1)"), "FIRST")
    again = nb.read_notebook(once)
    sent = json.loads(nb.build_source(again, "SECOND"))
    assert [cell["source"] for cell in sent["cells"][1:]] == ["print(1)"]
    assert "FIRST" not in json.dumps(sent)
    assert len(again.code_cells) == 1


def test_an_old_notebook_with_a_heading_is_read() -> None:
    cells = [
        {"cell_type": "heading", "level": 1, "metadata": {}, "source": ["Digits"]},
        {"cell_type": "code", "input": ["a = 1\n", "print(a)"], "outputs": [], "language": "python"},
    ]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}
    assert nb.read_notebook(json.dumps(old)).code_cells[0]["source"] == "a = 1\nprint(a)"


def test_other_magics_stay() -> None:
    source = "%load_ext autoreload\n!pip list\n%%time\nkaggle_submit = 1"
    sent = json.loads(nb.build_source(read(source), "JOB"))
    assert sent["cells"][1]["source"] == source


def test_the_job_is_found_again_in_its_source() -> None:
    source = nb.build_source(read("print(1)"), "0123abcd", origin=nb.origin_of("/a.ipynb"))
    assert nb.is_source_of(source, "0123abcd")
    assert nb.is_from(source, nb.origin_of("/a.ipynb"))
    assert not nb.is_from(source, nb.origin_of("/b.ipynb"))
    assert not nb.is_source_of(source, "ffff")
    assert not nb.is_source_of(source, "")
    for other in (json.dumps(make_notebook("print(1)")), "print(1)", "[]", nb.build_source(read("x"), "J")):
        assert not nb.is_from(other, nb.origin_of("/a.ipynb"))
        assert not nb.is_from(other, "")


def test_cells_can_be_chosen() -> None:
    sent = json.loads(nb.build_source(read("a = 1", "b = 2", "c = 3"), "JOB", [0, 2]))
    assert [cell["source"] for cell in sent["cells"][1:]] == ["a = 1", "c = 3"]
    with pytest.raises(NoCode):
        nb.build_source(read("a = 1", ""), "JOB", [1])


def test_r_runs_as_r_without_our_cell() -> None:
    notebook = read("print(1)", kernelspec={"name": "ir", "display_name": "R"}, language_info={"name": "R"})
    sent = json.loads(nb.build_source(notebook, "JOB"))
    assert notebook.language == "r"
    assert sent["metadata"]["kernelspec"]["name"] == "ir"
    assert [cell["source"] for cell in sent["cells"]] == ["print(1)"]


def test_older_formats_are_read() -> None:
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {},
        "worksheets": [
            {"cells": [{"cell_type": "code", "input": "print(1)", "outputs": [], "language": "python"}]}
        ],
    }
    assert nb.read_notebook(json.dumps(old)).code_cells[0]["source"] == "print(1)"
    without_ids = make_notebook("print(1)")
    without_ids["nbformat_minor"] = 2
    del without_ids["cells"][0]["id"]
    sent = json.loads(nb.build_source(nb.read_notebook(json.dumps(without_ids)), "JOB"))
    assert sent["nbformat_minor"] >= 5
    assert all(cell["id"] for cell in sent["cells"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[]", "no 'nbformat'"),
        ('"text"', "no 'nbformat'"),
        ('{"nbformat": 4}', "not a valid Jupyter notebook"),
        (
            '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": "x"}',
            "not a valid Jupyter notebook",
        ),
        (
            '{"nbformat": 99, "nbformat_minor": 0, "metadata": {}, "cells": []}',
            "not a valid Jupyter notebook",
        ),
    ],
)
def test_what_is_no_notebook_is_said(text: str, said: str) -> None:
    with pytest.raises(NotANotebook, match=said) as caught:
        nb.read_notebook(text, "work.ipynb")
    assert "work.ipynb" in caught.value.cause
    assert caught.value.remedy


def test_no_code_and_other_languages_are_refused() -> None:
    with pytest.raises(NoCode):
        read("", "  \n")
    with pytest.raises(UnsupportedLanguage, match="julia"):
        read("1", kernelspec={"name": "julia-1.10", "display_name": "J"}, language_info={"name": "julia"})


def test_a_source_too_large_names_the_largest_cells() -> None:
    with pytest.raises(SourceTooLarge) as caught:
        nb.build_source(read("print(1)", "x = '" + "é" * 600_000 + "'"), "JOB")
    assert caught.value.data["largest"][0]["cell"] == 2
    assert "cell 2" in caught.value.cause


@given(st.text(max_size=80))
def test_every_file_name_makes_a_valid_title(stem: str) -> None:
    """Whatever the notebook is called, its proposed title is one Kaggle takes, and always the same one."""
    path = f"folder/{stem.replace('/', '')}.ipynb"
    title = nb.propose_title(path)
    slug = nb.check_title(title)
    assert slug == nb.slugify(title)
    assert nb.propose_title(path) == title
    nb.check_title(nb.distinct_title(title, path))


def test_names_in_other_scripts_do_not_collide() -> None:
    names = ("数字.ipynb", "字数.ipynb", "训练.ipynb", "训练model.ipynb", "model.ipynb", "🎉.ipynb")
    assert len({nb.propose_title(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    "title", ["abcd", "x" * 51, "1st model", "数字识别模型", "a - - -", "emoji 🎉 model", "     "]
)
def test_titles_that_make_no_address(title: str) -> None:
    with pytest.raises(BadTitle) as caught:
        nb.check_title(title)
    assert caught.value.data["field"] == "title"


def test_underscores_become_hyphens() -> None:
    assert nb.check_title("My_Model__v2 (final)") == "my-model-v2-final"


def test_own_settings_of_kaggles_editor() -> None:
    kaggle = {
        "accelerator": "nvidiaTeslaT4",
        "isInternetEnabled": False,
        "dataSources": [
            {"sourceType": "datasetVersion", "sourceId": "ada/iris"},
            {"sourceType": "competition", "sourceId": 3136, "slug": "titanic"},
            {"sourceType": "datasetVersion", "sourceId": 12, "datasetId": 3},
            {"sourceType": "somethingNew", "slug": "x"},
            "nonsense",
        ],
    }
    own = nb.own_settings(read("print(1)", kaggle=kaggle))
    assert (own.accelerator, own.internet) == ("nvidiaTeslaT4", False)
    assert own.sources == Sources(datasets=("ada/iris",), competitions=("titanic",))
    assert own.unreadable_sources == 3


@pytest.mark.parametrize(
    "kaggle", [None, 3, [], {"accelerator": 1, "isInternetEnabled": "yes", "dataSources": {}}]
)
def test_malformed_settings_say_nothing(kaggle: Any) -> None:
    own = nb.own_settings(read("print(1)", kaggle=kaggle))
    assert own == nb.OwnSettings(None, None, Sources(), 0)
