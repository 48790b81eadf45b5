"""More ways to talk to the emulator in tests: the official command, and uploads over bare HTTP."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
from emulator_clients import Api

KAGGLE = Path(sys.executable).with_name("kaggle")
DATASETS = "datasets.DatasetApiService"
BLOBS = "blobs.BlobApiService"
MODELS = "models.ModelApiService"
COMPETITIONS = "competitions.CompetitionApiService"
SEARCH = "search.SearchApiService"


class Command:
    """Runs the unmodified `kaggle`."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self.env = {**env, "TMPDIR": str(folder)}

    def __call__(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [str(KAGGLE), *words], env=self.env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


def start(api: Api, name: str, size: int, kind: str = "DATASET") -> tuple[str, str]:
    """StartBlobUpload: token and URL."""
    body = {"type": kind, "name": name, "contentLength": size, "lastModifiedEpochSeconds": 1_700_000_000}
    answer = api.rpc("StartBlobUpload", body, BLOBS).json()
    return answer["token"], answer["createUrl"]


def upload(api: Api, name: str, content: bytes, kind: str = "DATASET") -> str:
    """Upload a file in one go and return its token."""
    token, url = start(api, name, len(content), kind)
    assert httpx.put(url, content=content).status_code == 200
    return token
