"""One emulator for the tests of a module, put back to its beginnings before each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from emulator_clients import Api, Sdk
from hub_clients import Command

from kaggle_lab.emulator.testing import EmulatorProcess


@pytest.fixture(scope="module")
def module_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with EmulatorProcess(tmp_path_factory.mktemp("emulator")) as process:
        yield process


@pytest.fixture
def kaggle(module_emulator: EmulatorProcess) -> EmulatorProcess:
    """The module's emulator as if new, except that ids go on."""
    module_emulator.control("reset", {})
    return module_emulator


@pytest.fixture
def sdk(kaggle: EmulatorProcess) -> Iterator[Sdk]:
    """The official typed client, signed in as learner."""
    with Sdk(kaggle.url, kaggle.username, kaggle.key) as client:
        yield client


@pytest.fixture
def api(kaggle: EmulatorProcess) -> Iterator[Api]:
    """Bare HTTP, signed in as learner."""
    with Api(kaggle.url, (kaggle.username, kaggle.key)) as client:
        yield client


@pytest.fixture
def guest(kaggle: EmulatorProcess) -> Iterator[Api]:
    """Bare HTTP, signed in as the account without phone verification."""
    with Api(kaggle.url, (kaggle.guest_username, kaggle.guest_key)) as client:
        yield client


@pytest.fixture
def client_env(kaggle: EmulatorProcess, tmp_path: Path) -> dict[str, str]:
    """Environment for the unmodified `kaggle` command."""
    return {**kaggle.client_environment(tmp_path), "COLUMNS": os.environ.get("COLUMNS", "200")}


@pytest.fixture
def command(client_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The unmodified `kaggle` command, with a folder of its own for unfinished uploads."""
    return Command(client_env, tmp_path_factory.mktemp("uploads"))
