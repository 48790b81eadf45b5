"""Where the workspace is, and what a server tells the processes it starts."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from jupyter_events import EventLogger

from kaggle_lab.config import Config
from kaggle_lab.desk import ManagerDesk
from kaggle_lab.opening import ROOT_VARIABLE, in_workspace, tell_children, workspace_root


def test_the_workspace_is_the_variable_s_else_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert workspace_root({}) == tmp_path.resolve()
    assert workspace_root({ROOT_VARIABLE: str(tmp_path / "x")}) == (tmp_path / "x").resolve()


def test_a_file_is_named_from_its_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert in_workspace(Path("a.ipynb"), tmp_path) == (tmp_path, "deep/a.ipynb")
    assert in_workspace(Path("../b.ipynb"), tmp_path) == (tmp_path, "b.ipynb")


def test_a_file_elsewhere_has_its_own_folder_as_workspace(tmp_path: Path) -> None:
    elsewhere = tmp_path / "other" / "a.ipynb"
    assert in_workspace(elsewhere, tmp_path / "work") == (tmp_path / "other", "a.ipynb")


def test_a_linked_workspace_is_the_same_workspace(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert in_workspace(tmp_path / "real/a.ipynb", tmp_path / "link") == (tmp_path / "real", "a.ipynb")
    assert in_workspace(tmp_path / "link/a.ipynb", tmp_path / "real") == (tmp_path / "real", "a.ipynb")
    assert in_workspace(tmp_path / "link/a.ipynb", tmp_path / "work") == (tmp_path / "real", "a.ipynb")


async def test_the_server_s_workspace_is_that_of_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    config = Config(endpoint="http://127.0.0.1:9", data_dir=str(tmp_path / "lab"))
    desk = ManagerDesk(lambda: config, str(tmp_path / "link"), EventLogger(), logging.getLogger("desk"))
    try:
        manager = await desk.manager()
        assert manager._root == workspace_root({ROOT_VARIABLE: str(tmp_path / "link")})
    finally:
        await desk.close()


def test_children_are_told_what_was_set_and_nothing_else() -> None:
    environ = {"HOME": "/home/ada"}
    tell_children("/work", {"endpoint": "emulator", "poll_max_s": 3.0, "retrieve": None}, environ)
    assert environ == {
        "HOME": "/home/ada",
        "KAGGLE_LAB_ROOT": "/work",
        "KAGGLE_LAB_ENDPOINT": "emulator",
        "KAGGLE_LAB_POLL_MAX_S": "3.0",
    }
