"""The fixtures that come along, as somebody else's tests use them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CONFTEST = 'pytest_plugins = ["kaggle_lab.emulator.pytest_plugin"]\n'
TESTS = """\
import subprocess, os

def test_the_command(kaggle_emulator, kaggle_environment):
    kaggle_emulator.fault("ListKernels", status=429)
    failed = subprocess.run(["kaggle", "kernels", "list", "-m"], env=kaggle_environment, capture_output=True)
    assert failed.returncode != 0
    subprocess.run(["kaggle", "kernels", "list", "-m"], env=kaggle_environment, check=True)
    assert [row["status"] for row in kaggle_emulator.requests("ListKernels")] == [429, 200]
    kaggle_emulator.scenario("bad-day")
    kaggle_emulator.advance(60)
    kaggle_emulator.stop()

def test_the_library(kaggle_signed_in):
    from kagglesdk.kaggle_client import KaggleClient
    from kagglesdk.kernels.types.kernels_api_service import ApiListKernelsRequest
    assert kaggle_signed_in.requests("ListKernels") == []
    assert kaggle_signed_in.control("scenario")["scenario"] is None
    with KaggleClient() as client:
        assert client.http_client()._endpoint == kaggle_signed_in.url
        client.kernels.kernels_api_client.list_kernels(ApiListKernelsRequest())
    assert len(kaggle_signed_in.requests("ListKernels")) == 1

def test_nothing_is_left_behind():
    assert "KAGGLE_API_TOKEN" not in os.environ
"""


def test_the_fixtures_serve_other_peoples_tests(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_theirs.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr
