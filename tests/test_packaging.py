"""What reaches a user: the wheel's contents, one version number, and a README that tells the truth."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import kaggle_lab
from kaggle_lab.cli.codes import ExitCode
from kaggle_lab.config import Config

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PACKAGE = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names in a wheel made from this tree, with the front end that is built."""
    built = ROOT / "kaggle_lab" / "labextension" / "package.json"
    assert built.is_file(), "build the front end first: make setup"
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    env = {**os.environ, "SKIP_JUPYTER_BUILDER": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return zipfile.ZipFile(next(folder.glob("*.whl"))).namelist()


def test_wheel_holds_every_module_and_data_file(wheel: list[str]) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "kaggle_lab"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(tracked) > 50
    assert [name for name in tracked if name not in wheel] == []


def test_wheel_holds_both_halves_of_the_extension(wheel: list[str]) -> None:
    data = f"kaggle_lab-{PACKAGE['version']}.data/data"
    lab = f"{data}/share/jupyter/labextensions/kaggle-lab"
    assert f"{lab}/package.json" in wheel
    assert f"{lab}/install.json" in wheel
    assert f"{lab}/schemas/kaggle-lab/plugin.json" in wheel
    assert any(name.startswith(f"{lab}/static/remoteEntry.") for name in wheel)
    assert f"{data}/etc/jupyter/jupyter_server_config.d/kaggle_lab.json" in wheel


def test_wheel_holds_nothing_else(wheel: list[str]) -> None:
    roots = {name.split("/")[0] for name in wheel}
    prefix = f"kaggle_lab-{PACKAGE['version']}"
    assert roots == {"kaggle_lab", f"{prefix}.data", f"{prefix}.dist-info"}
    assert [name for name in wheel if "/labextension/" in name] == []


def test_one_version_number() -> None:
    assert kaggle_lab.__version__ == PACKAGE["version"]


def test_both_halves_have_the_names_jupyter_looks_for() -> None:
    assert kaggle_lab._jupyter_labextension_paths() == [{"src": "labextension", "dest": PACKAGE["name"]}]
    enabled = json.loads((ROOT / "jupyter-config/server-config/kaggle_lab.json").read_text(encoding="utf-8"))
    assert enabled == {"ServerApp": {"jpserver_extensions": {"kaggle_lab": True}}}
    install = json.loads((ROOT / "install.json").read_text(encoding="utf-8"))
    assert install["packageName"] == PROJECT["name"] == PACKAGE["name"]


def test_readme_lists_every_setting_once_with_its_default() -> None:
    rows = re.findall(r"^\| `(KAGGLE_LAB_\w+)` \| `(\w+)` \| (.*?) \|", README, re.MULTILINE)
    listed = {trait: default.strip("`") for _, trait, default in rows}
    assert [variable for variable, _, _ in rows] == [f"KAGGLE_LAB_{trait.upper()}" for trait in listed]
    assert list(listed) == [spec.name for spec in dataclasses.fields(Config)]
    said = {spec.name: spec.default for spec in dataclasses.fields(Config) if spec.default}
    assert {name: type(default)(listed[name]) for name, default in said.items()} == said


def test_readme_lists_every_exit_code() -> None:
    listed = re.findall(r"^\| (\d+) \| ", README, re.MULTILINE)
    assert [int(code) for code in listed] == [code.value for code in ExitCode]


def test_readme_names_the_commands_that_are_installed() -> None:
    assert set(PROJECT["scripts"]) == {"jupyter-kaggle", "kaggle-emulator"}
    assert "jupyter kaggle submit" in README
    assert "kaggle-emulator --port" in README
