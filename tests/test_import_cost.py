"""What the server extension costs every Jupyter server at start: modules, not milliseconds.

The time itself is measured by ``make bench``; here the cause is kept out.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = [
    "kaggle",
    "kagglesdk",
    "httpx",
    "requests",
    "nbformat",
    "papermill",
    "ipywidgets",
    "pydantic",
    "rich",
    "sqlite3",
    "IPython",
    "kaggle_lab.manager",
    "kaggle_lab.store",
    "kaggle_lab.models",
    "kaggle_lab.emulator",
    "kaggle_lab.kaggle_client",
    "kaggle_lab.notebook",
    "kaggle_lab.magic",
    "kaggle_lab.cli",
]
SCRIPT = """
import json, sys
import jupyter_server.serverapp, jupyter_server.extension.application, jupyter_server.base.handlers
before = set(sys.modules)
{imports}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
AS_THE_SERVER_DOES = "import kaggle_lab; kaggle_lab._jupyter_server_extension_points()"


def modules_added_by(imports: str) -> list[str]:
    command = [sys.executable, "-c", SCRIPT.format(imports=imports)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def added() -> list[str]:
    return modules_added_by(AS_THE_SERVER_DOES)


def test_loading_the_extension_imports_only_light_modules_of_ours(added: list[str]) -> None:
    assert set(added) == {
        "kaggle_lab",
        "kaggle_lab.bodies",
        "kaggle_lab.desk",
        "kaggle_lab.errors",
        "kaggle_lab.events",
        "kaggle_lab.extension",
        "kaggle_lab.handlers",
        "kaggle_lab.opening",
    }


@pytest.mark.parametrize("name", HEAVY)
def test_nothing_heavy_comes_along(name: str, added: list[str]) -> None:
    assert not [module for module in added if module == name or module.startswith(f"{name}.")]


def test_the_probe_notices_a_heavy_import() -> None:
    assert "papermill" in modules_added_by("import papermill")
