"""kagglehub against the emulator, outside a session and inside one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from emulator_clients import Api

from kaggle_lab.emulator.testing import EmulatorProcess, wait_until

pytest.importorskip("kagglehub")

PREFIX = """\
import json, os, warnings
warnings.simplefilter("ignore")
import kagglehub
def show(path):
    found = []
    for folder, _, names in os.walk(path):
        found += [os.path.relpath(os.path.join(folder, name), path) for name in names]
    print("FILES", sorted(found) if os.path.isdir(path) else open(path).read(40))
"""


class Hub:
    """Runs Python with kagglehub, which talks to the emulator by the start-up hook alone."""

    def __init__(self, env: dict[str, str], cache: Path) -> None:
        self.env = {**env, "KAGGLEHUB_CACHE": str(cache)}

    def __call__(self, text: str, *, signed_in: bool = True) -> str:
        env = dict(self.env)
        if not signed_in:
            del env["KAGGLE_USERNAME"], env["KAGGLE_KEY"]
        done = subprocess.run(
            [sys.executable, "-c", PREFIX + text],
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def hub(client_env: dict[str, str], kaggle: EmulatorProcess, tmp_path: Path) -> Hub:
    kaggle.settings(dataset_hidden_s=0, dataset_processing_s=0)
    where = "import kagglesdk.kaggle_env as e; print(e.get_endpoint(e.get_env()))"
    told = subprocess.run(
        [sys.executable, "-c", where], env=client_env, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == kaggle.url, "kagglehub must talk to the emulator and to nothing else"
    return Hub(client_env, tmp_path / "cache")


def test_dataset_download(hub: Hub, kaggle: EmulatorProcess) -> None:
    told = hub('show(kagglehub.dataset_download("kaggle-emulator/bellflowers"))')
    assert "FILES ['flowers.csv']" in told
    one = hub('show(kagglehub.dataset_download("kaggle-emulator/hill-weather", path="station.json"))')
    assert '"name": "Hill Station"' in one
    pinned = hub('print(kagglehub.dataset_download("kaggle-emulator/bellflowers/versions/1"))')
    assert "versions/1" in pinned


def test_public_data_needs_no_account(hub: Hub) -> None:
    told = hub('show(kagglehub.dataset_download("kaggle-emulator/bellflowers"))', signed_in=False)
    assert "FILES ['flowers.csv']" in told


def test_model_download(hub: Hub) -> None:
    told = hub('show(kagglehub.model_download("kaggle-emulator/digit-reader/other/centroids"))')
    assert "FILES ['centroids.json', 'predict.py']" in told
    handle = "kaggle-emulator/digit-reader/pyTorch/linear-8x8/1"
    one = hub(f'show(kagglehub.model_download({handle!r}, path="config.json"))')
    assert "FILES {" in one


def test_competition_download(hub: Hub) -> None:
    told = hub('show(kagglehub.competition_download("bicycle-rentals"))')
    assert "FILES ['sample_submission.csv', 'test.csv', 'train.csv']" in told
    refused = hub(
        'try: kagglehub.competition_download("harbour-tides")\nexcept Exception as e: print("REFUSED", e)'
    )
    assert "have accepted the competition rules" in refused


def test_notebook_output_download(hub: Hub, api: Api) -> None:
    text = "import os\nos.makedirs('deep')\nopen('deep/a.txt', 'w').write('A')\nopen('b.txt', 'w').write('B')"
    api.push("leaves-files", text)
    assert api.wait_for("leaves-files")["status"] == "COMPLETE"
    told = hub('show(kagglehub.notebook_output_download("learner/leaves-files"))')
    assert "FILES ['b.txt', 'deep/a.txt']" in told
    one = hub('show(kagglehub.notebook_output_download("learner/leaves-files", path="deep/a.txt"))')
    assert "FILES A" in one


def test_dataset_upload_makes_versions(hub: Hub, api: Api, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "inner"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("A")
    (folder.parent / "b.txt").write_text("B")
    upload = f'kagglehub.dataset_upload("learner/my-numbers", {str(folder.parent)!r}, version_notes="n")'
    path = {"ownerSlug": "learner", "datasetSlug": "my-numbers"}

    def version() -> int:
        return int(
            api.rpc("GetDataset", path, "datasets.DatasetApiService").json().get("currentVersionNumber", 0)
        )

    hub(upload)
    wait_until(lambda: version() == 1, 30, "version 1")
    hub(upload)
    wait_until(lambda: version() == 2, 30, "version 2")
    assert "FILES ['b.txt', 'inner/a.txt']" in hub('show(kagglehub.dataset_download("learner/my-numbers"))')


def test_more_than_fifty_files_go_as_one_archive(hub: Hub, tmp_path: Path, api: Api) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02d}.txt").write_text(str(number))
    hub(f'kagglehub.dataset_upload("learner/my-numbers", {str(folder)!r})')
    body = {"ownerSlug": "learner", "datasetSlug": "my-numbers"}
    wait_until(lambda: api.rpc("GetDataset", body, "datasets.DatasetApiService").status_code == 200, 30, "it")
    told = hub('show(kagglehub.dataset_download("learner/my-numbers"))')
    assert "FILES ['00.txt', '01.txt'" in told


def test_model_upload(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "w.bin").write_bytes(b"w" * 100)
    handle = "learner/my-model/pyTorch/base"
    hub(f'kagglehub.model_upload({handle!r}, {str(folder)!r}, "Apache 2.0")')
    hub(f'kagglehub.model_upload({handle!r}, {str(folder)!r}, "Apache 2.0", version_notes="again")')

    def newest() -> bool:
        told = hub(f"try: print(kagglehub.model_download({handle!r}))\nexcept Exception as e: print(e)")
        return told.strip().endswith("base/2")

    assert wait_until(newest, 60, "version 2")


INSIDE = """\
import warnings
warnings.simplefilter("ignore")
import os, kagglehub
for path in (
    kagglehub.dataset_download("kaggle-emulator/bellflowers"),
    kagglehub.model_download("kaggle-emulator/digit-reader/other/centroids/1"),
    kagglehub.competition_download("bicycle-rentals"),
    kagglehub.notebook_output_download("learner/leaves-files"),
):
    print("HAS", path, sorted(os.listdir(path))[:2])
"""


def test_inside_a_session_it_attaches(kaggle: EmulatorProcess, api: Api) -> None:
    api.push("leaves-files", "open('b.txt', 'w').write('B')")
    assert api.wait_for("leaves-files")["status"] == "COMPLETE"
    api.push("uses-hub", INSIDE, enableInternet=True)
    assert api.wait_for("uses-hub")["status"] == "COMPLETE", api.outputs("uses-hub")["log"]
    log = api.outputs("uses-hub")["log"]
    model = "models/kaggle-emulator/digit-reader/other/centroids/1"
    for line in (
        "datasets/kaggle-emulator/bellflowers ['flowers.csv']",
        f"{model} ['centroids.json', 'predict.py']",
        "competitions/bicycle-rentals ['sample_submission.csv', 'test.csv']",
        "notebooks/learner/leaves-files ['b.txt']",
    ):
        assert f"HAS /kaggle/input/{line}" in log
