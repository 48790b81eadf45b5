"""Fixtures that all tests share: a scratch home, a fence to the outside, the emulator, a Jupyter server."""

from __future__ import annotations

import os
import runpy
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest_plugins = ["pytest_jupyter.jupyter_server"]

ROOT = Path(__file__).parent.parent
GUARD = Path(__file__).parent / "guard"
VIOLATIONS = Path(tempfile.gettempdir()) / f"kaggle-lab-test-violations-{os.getpid()}"


def pytest_configure() -> None:
    """Put the fence around this process and around every Python process started from it."""
    VIOLATIONS.write_text("")
    os.environ["KAGGLE_LAB_TEST_VIOLATIONS"] = str(VIOLATIONS)
    paths = [str(GUARD), str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    runpy.run_path(str(GUARD / "sitecustomize.py"))


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    VIOLATIONS.unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def no_outside() -> Iterator[None]:
    """Fail the test that tried to reach anything but this machine, itself or in a child process."""
    VIOLATIONS.write_text("")
    yield
    seen = VIOLATIONS.read_text()
    assert not seen, f"connections to the outside:\n{seen}"


@pytest.fixture(autouse=True)
def scratch_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without credentials; no test ever sees the real one."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith(("KAGGLE_", "JPY_", "JUPYTER_"))]:
        if name not in ("KAGGLE_LAB_TEST_VIOLATIONS", "JUPYTER_PLATFORM_DIRS"):
            monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("IPYTHONDIR", str(home / "ipython"))
    for kind in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{kind}_DIR", str(home / "jupyter" / kind.lower()))
    return home


@pytest.fixture
def jp_home_dir(scratch_home: Path) -> Path:
    """The Jupyter server's home is that same one."""
    return scratch_home


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Any]:
    """A Kaggle emulator of this test's own: a real process, quick to start sessions."""
    from kaggle_lab.emulator.testing import EmulatorProcess

    with EmulatorProcess(tmp_path / "emulator") as process:
        yield process


QUICK = {
    "poll_queued_s": 0.2,
    "poll_running_s": 0.3,
    "poll_max_s": 2.0,
    "push_window_s": 5.0,
    "watch_interval_s": 0.1,
    "lease_s": 5.0,
    "waiting_retry_s": 0.5,
    "stream_retry_s": 0.1,
}
"""Intervals for tests: what takes minutes against Kaggle takes parts of a second here."""


@pytest.fixture
def lab_settings() -> dict[str, Any]:
    """Settings of the extension that a test file wants otherwise; override it there."""
    return {}


@pytest.fixture
def jp_server_config(
    tmp_path: Path, request: pytest.FixtureRequest, lab_settings: dict[str, Any]
) -> dict[str, Any]:
    """The Jupyter server with only our extension, its store in a scratch folder.

    When the test also asks for ``emulator`` the endpoint is that one.
    """
    from traitlets.config import Config

    lab = {**QUICK, "data_dir": str(tmp_path / "lab")}
    if "emulator" in request.fixturenames:
        lab["endpoint"] = request.getfixturevalue("emulator").url
    extensions = {"kaggle_lab": True, "jupyter_server_terminals": False}
    return Config({"ServerApp": {"jpserver_extensions": extensions}, "KaggleLab": lab | lab_settings})
