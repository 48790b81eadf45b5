"""Files are read as they are, and nothing that arrives leaves its folder or hides another file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaggle_lab.errors import DiskFull, FileTrouble, NotANotebook, UnsafeName
from kaggle_lab.models import Endpoint, EndpointKind, Job, JobStatus, KernelRef, utc_now
from kaggle_lab.workspace import MANIFEST, PartFile, Workspace, safe_parts


def make_job(**changes: object) -> Job:
    values: dict = {
        "id": "job-1",
        "client_token": "t",
        "notebook_path": "deep/nets/mnist.ipynb",
        "title": "Mnist",
        "status": JobStatus.COMPLETE,
        "endpoint": Endpoint(EndpointKind.EMULATOR, "http://127.0.0.1:1"),
        "account": "ada",
        "accelerator": "none",
        "created_at": utc_now(),
        "ref": KernelRef("ada", "mnist"),
        "version": 3,
    }
    return Job(**(values | changes))


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "work"
    root.mkdir()
    return Workspace(root)


# --- notebooks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["a.ipynb", "ein Ordner/größe 大.ipynb", "x/../a.ipynb"])
def test_notebooks_are_found(workspace: Workspace, path: str) -> None:
    file = Path(os.path.normpath(workspace.root / path))
    file.parent.mkdir(exist_ok=True)
    file.write_text('{"ä": 1}', encoding="utf-8")
    assert workspace.read_notebook_text(path) == '{"ä": 1}'
    assert workspace.read_notebook_text(f"RTC:{path}") == '{"ä": 1}', "a collaboration drive is no folder"
    assert workspace.read_notebook_text(str(file)) == '{"ä": 1}', "as the command line names it"


def test_a_name_with_a_colon_is_not_mistaken_for_a_drive(workspace: Workspace) -> None:
    (workspace.root / "ab:c.ipynb").write_text("with colon")
    (workspace.root / "c.ipynb").write_text("without")
    assert workspace.read_notebook_text("ab:c.ipynb") == "with colon"


def test_byte_order_mark_is_no_content(workspace: Workspace) -> None:
    (workspace.root / "a.ipynb").write_bytes(b"\xef\xbb\xbf{}")
    assert workspace.read_notebook_text("a.ipynb") == "{}"


@pytest.mark.parametrize("path", ["missing.ipynb", "folder", "a.ipynb/b.ipynb", "x" * 300, "a\0.ipynbx", ""])
def test_what_is_no_file_is_not_a_notebook(workspace: Workspace, path: str) -> None:
    (workspace.root / "folder").mkdir()
    (workspace.root / "a.ipynb").write_text("{}")
    with pytest.raises((NotANotebook, FileTrouble)):
        workspace.read_notebook_text(path)


def test_binary_content_is_not_a_notebook(workspace: Workspace) -> None:
    (workspace.root / "a.ipynb").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(NotANotebook, match="not text"):
        workspace.read_notebook_text("a.ipynb")


@pytest.mark.parametrize("path", ["../secret.ipynb", "RTC:../secret.ipynb", "a/../../secret.ipynb"])
def test_nothing_outside_is_read(workspace: Workspace, path: str) -> None:
    (workspace.root.parent / "secret.ipynb").write_text("secret")
    with pytest.raises(NotANotebook, match="outside"):
        workspace.read_notebook_text(path)
    with pytest.raises(NotANotebook, match="outside"):
        workspace.read_notebook_text(str(workspace.root.parent / "secret.ipynb"))


# --- folders -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "folder"),
    [
        ("kaggle-output/{notebook}/v{version}", "kaggle-output/deep/nets/mnist/v3"),
        ("{slug}-{job}", "mnist-job-1"),
        ("./out//{version}/", "out/3"),
        (".", ""),
    ],
)
def test_pattern_is_filled(workspace: Workspace, pattern: str, folder: str) -> None:
    assert workspace.output_folder(pattern, make_job()) == folder


def test_equal_names_in_different_folders_do_not_meet(workspace: Workspace) -> None:
    paths = ["a/n.ipynb", "b/n.ipynb", "n.ipynb", "RTC:c/n.ipynb"]
    folders = {workspace.output_folder("o/{notebook}", make_job(notebook_path=path)) for path in paths}
    assert folders == {"o/a/n", "o/b/n", "o/n", "o/c/n"}


def test_notebook_given_by_an_absolute_path(workspace: Workspace) -> None:
    inside = make_job(notebook_path=str(workspace.root / "a" / "n.ipynb"))
    assert workspace.output_folder("{notebook}", inside) == "a/n"
    assert workspace.output_folder("{notebook}", make_job(notebook_path="/elsewhere/n.ipynb")) == "n"


@pytest.mark.parametrize(
    "pattern",
    ["/abs/{notebook}", "../{notebook}", "a/../../b", "~/out", "{home}", "{job.__class__}", "a\\b", "a\0b"],
)
def test_pattern_that_leaves_the_workspace_is_refused(workspace: Workspace, pattern: str) -> None:
    with pytest.raises(UnsafeName):
        workspace.output_folder(pattern, make_job())


def test_folder_that_is_a_link_to_elsewhere_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (workspace.root / "out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeName, match="leads out"):
        workspace.inside("out/v1")


# --- names ---------------------------------------------------------------------------------------

UNSAFE = [
    "",
    "/etc/passwd",
    "//host/share",
    "../../x",
    "a/../../x",
    "..",
    ".",
    "a/./b",
    "a//b",
    "a/",
    "C:/x",
    "c:x",
    "a\\b",
    "..\\x",
    "\\\\host\\share",
    "a\0b",
    "a\nb",
    "a\x1b[2Jb",
    "a\x7fb",
    "\ud800",
    "x" * 256,
    "ü" * 128,
]


@pytest.mark.parametrize("name", UNSAFE, ids=ascii)
def test_unsafe_names_are_refused(workspace: Workspace, name: str) -> None:
    with pytest.raises(UnsafeName) as caught:
        workspace.target("out", name)
    caught.value.cause.encode()
    assert caught.value.cause.isprintable()


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "sub/dir/model.bin",
        ".hidden",
        "größe 大 🚀.csv",
        "a..b",
        "...",
        "12:30.log",
        "x" * 255,
        "con.txt",
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows reserves some of these")
def test_ordinary_names_are_kept(workspace: Workspace, name: str) -> None:
    assert workspace.target("out", name) == workspace.root / "out" / name


@given(st.text(max_size=40))
def test_no_accepted_name_leaves_its_folder(name: str) -> None:
    base = Path("/base/out")
    try:
        parts = safe_parts(name)
    except UnsafeName:
        return
    path = Path(os.path.normpath(base.joinpath(*parts)))
    assert path.is_relative_to(base)
    assert path != base
    assert path.as_posix() == f"{base}/{name}"


def test_link_inside_the_folder_does_not_lead_out(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.root / "src").mkdir()
    (workspace.root / "out").mkdir()
    (workspace.root / "out" / "sub").symlink_to(workspace.root / "src")
    with pytest.raises(UnsafeName, match="link"):
        workspace.target("out", "sub/x")


# --- parts ---------------------------------------------------------------------------------------


def filled(
    workspace: Workspace, name: str, data: bytes, job_id: str = "job-1", validator: str = '"v"'
) -> PartFile:
    part = workspace.part("out", name, job_id)
    part.open()
    part.restart(validator, None)
    part.write(data)
    return part


def test_file_takes_its_name_when_it_is_whole(workspace: Workspace) -> None:
    part = filled(workspace, "sub/a.bin", b"whole")
    assert [file.suffix for file in (workspace.root / "out/sub").iterdir() if file.is_file()] != [".bin"]
    placed = workspace.place(part)
    assert (placed.is_new, placed.is_beside) == (True, False)
    assert placed.path.read_bytes() == b"whole"
    assert listed(placed.path.parent) == ["a.bin"]


def test_different_file_is_never_overwritten(workspace: Workspace) -> None:
    names = []
    for data in (b"one", b"two", b"three", b"two"):
        names.append(workspace.place(filled(workspace, "a.tar.gz", data)).path.name)
    assert names == ["a.tar.gz", "a (2).tar.gz", "a (3).tar.gz", "a (2).tar.gz"]
    assert (workspace.root / "out/a.tar.gz").read_bytes() == b"one"


def test_same_content_is_recognised(workspace: Workspace) -> None:
    workspace.place(filled(workspace, "a", b"same"))
    placed = workspace.place(filled(workspace, "a", b"same"))
    assert (placed.is_new, placed.is_beside) == (False, False)
    assert listed(workspace.root / "out") == ["a"]


def test_folder_or_link_in_the_way_is_left_alone(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.root / "out" / "a").mkdir(parents=True)
    (workspace.root / "out" / "b").symlink_to(tmp_path / "victim")
    assert workspace.place(filled(workspace, "a", b"x")).path.name == "a (2)"
    assert workspace.place(filled(workspace, "b", b"x")).path.name == "b (2)"
    assert not (tmp_path / "victim").exists()


def test_file_called_like_the_manifest_does_not_become_it(workspace: Workspace) -> None:
    placed = workspace.place(filled(workspace, MANIFEST, b"{}"))
    assert placed.path.name == "kaggle-lab-manifest (2).json"


def test_part_continues_after_a_crash(workspace: Workspace) -> None:
    filled(workspace, "a", b"first half, ").close()
    again = workspace.part("out", "a", "job-1")
    again.open()
    assert (again.received, again.validator) == (12, '"v"')
    again.write(b"second half")
    placed = workspace.place(again)
    assert placed.path.read_bytes() == b"first half, second half"
    assert workspace.matches(placed.path, again.received, again.sha256)


def test_part_of_another_job_is_not_continued(workspace: Workspace) -> None:
    filled(workspace, "a", b"of job 1").close()
    other = workspace.part("out", "a", "job-2")
    other.open()
    assert other.received == 0
    other.close()


def test_part_without_a_note_starts_again(workspace: Workspace) -> None:
    filled(workspace, "a", b"unknown origin", validator="").close()
    again = workspace.part("out", "a", "job-1")
    again.open()
    assert (again.received, again.path.stat().st_size) == (0, 0)
    again.close()


def test_closed_part_takes_no_more(workspace: Workspace) -> None:
    part = filled(workspace, "a", b"x")
    part.close()
    with pytest.raises(FileTrouble):
        part.write(b"late")
    part.open()
    with pytest.raises(FileTrouble):
        part.write(b"later")


def test_longest_name_has_room_for_its_part(workspace: Workspace) -> None:
    name = "ü" * 127 + "x"
    assert workspace.place(filled(workspace, name, b"x")).path.name == name


def test_file_where_a_folder_is_needed(workspace: Workspace) -> None:
    (workspace.root / "out").mkdir()
    (workspace.root / "out" / "a").write_text("file")
    with pytest.raises(FileTrouble, match="a/b"):
        workspace.part("out", "a/b", "job-1")


@pytest.mark.skipif(not hasattr(os, "mkfifo") or sys.platform == "darwin", reason="needs /dev/full")
def test_full_disk_is_told_as_such(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    part = filled(workspace, "a", b"x")
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, part._opened())
    os.close(full)
    with pytest.raises(DiskFull, match="a does not fit"):
        part.write(b"y")
    assert part.received == 1
    part.close()


# --- manifest ------------------------------------------------------------------------------------


def test_manifest_is_read_back_for_its_job_only(workspace: Workspace) -> None:
    path = workspace.write_manifest("out", "job-1", {"job": "job-1", "files": [{"name": "a"}]})
    assert path == workspace.root / "out" / MANIFEST
    assert workspace.read_manifest("out", "job-1")["files"] == [{"name": "a"}]
    assert workspace.read_manifest("out", "job-2") == {"files": []}
    assert workspace.is_taken("out", "job-2")
    assert not workspace.is_taken("out", "job-1")


def test_another_jobs_manifest_is_left_alone(workspace: Workspace) -> None:
    first = workspace.write_manifest("out", "job-1", {"job": "job-1", "files": []})
    second = workspace.write_manifest("out", "job-2", {"job": "job-2", "files": [{"name": "b"}]})
    assert json.loads(first.read_text())["job"] == "job-1"
    assert second != first
    assert workspace.read_manifest("out", "job-2")["files"] == [{"name": "b"}]


def test_arrivals_are_remembered_until_the_manifest_is_written(workspace: Workspace) -> None:
    (workspace.root / "out").mkdir()
    workspace.note_arrival("out", "job-1", {"name": "größe", "path": "größe"})
    assert workspace.read_manifest("out", "job-1")["files"] == [{"name": "größe", "path": "größe"}]
    assert workspace.read_manifest("out", "job-2")["files"] == []
    workspace.write_manifest("out", "job-1", {"job": "job-1", "files": []})
    assert listed(workspace.root / "out") == [MANIFEST]


@pytest.mark.parametrize("content", ["", "[]", "not json", '{"job": 5}', '{"files": 3, "job": "job-1"}'])
def test_broken_manifest_is_no_obstacle(workspace: Workspace, content: str) -> None:
    (workspace.root / "out").mkdir()
    (workspace.root / "out" / MANIFEST).write_text(content)
    assert workspace.read_manifest("out", "job-1")["files"] == []
