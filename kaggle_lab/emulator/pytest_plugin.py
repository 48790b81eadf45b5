"""Fixtures for tests of programs that talk to Kaggle: a Kaggle of the test's own.

In your `conftest.py`:

    pytest_plugins = ["kaggle_lab.emulator.pytest_plugin"]

and in a test:

    def test_my_tool_waits_when_kaggle_is_busy(kaggle_emulator, kaggle_environment):
        kaggle_emulator.fault("SaveKernel", status=429, retry_after="1")
        subprocess.run(["kaggle", "kernels", "push", "-p", "my-folder"], env=kaggle_environment, check=True)
        kaggle_emulator.wait_for_sessions()
        assert [row["status"] for row in kaggle_emulator.requests("SaveKernel")] == [429, 200]

`kaggle_emulator` is an `EmulatorProcess` (see `kaggle_lab.emulator.testing`), put back to its beginnings
before each test. One process serves the whole run; notebooks pushed to it really run. `kaggle_environment` is
for processes; for code in the test's own process `kaggle_signed_in` sets those variables there, and needs
kagglesdk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .testing import EmulatorProcess


@pytest.fixture(scope="session")
def kaggle_emulator_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """The emulator of this test run, in whatever state the last test left it."""
    with EmulatorProcess(tmp_path_factory.mktemp("kaggle-emulator")) as process:
        yield process


@pytest.fixture
def kaggle_emulator(kaggle_emulator_process: EmulatorProcess) -> EmulatorProcess:
    """An emulator as if new, except that ids go on; started again if a test has killed it."""
    if not kaggle_emulator_process.is_running:
        kaggle_emulator_process.restart()
    kaggle_emulator_process.control("reset", {})
    return kaggle_emulator_process


@pytest.fixture
def kaggle_environment(kaggle_emulator: EmulatorProcess, tmp_path: Path) -> dict[str, str]:
    """Environment in which Kaggle's unmodified command and libraries talk to the emulator, as `learner`."""
    return kaggle_emulator.client_environment(tmp_path / "kaggle-home", token=True)


@pytest.fixture
def kaggle_signed_in(
    kaggle_emulator: EmulatorProcess, kaggle_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> EmulatorProcess:
    """The same for this process: `KaggleClient()` made in the test leads to the emulator."""
    kaggle_env: Any = pytest.importorskip("kagglesdk.kaggle_env")
    for name in [name for name in os.environ if name.startswith(("KAGGLE_", "KAGGLEHUB_"))]:
        if name not in kaggle_environment:
            monkeypatch.delenv(name)
    for name, value in kaggle_environment.items():
        if name == "HOME" or name.startswith("KAGGLE_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.LOCAL, kaggle_emulator.url)
    return kaggle_emulator
