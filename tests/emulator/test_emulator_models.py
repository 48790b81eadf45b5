"""Models through the official client: made, listed, fetched, mounted, deleted."""

from __future__ import annotations

import io
import json
import struct
import tarfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from emulator_clients import Api, Sdk
from hub_clients import MODELS, Command, upload
from kagglesdk.models.types.model_api_service import ApiListModelInstanceVersionsRequest
from kagglesdk.models.types.model_enums import ModelFramework

from kaggle_lab.emulator.testing import EmulatorProcess, wait_until

STARTER = {"ownerSlug": "kaggle-emulator", "modelSlug": "digit-reader"}
CENTROIDS = {**STARTER, "framework": "MODEL_FRAMEWORK_OTHER", "instanceSlug": "centroids"}
MINE = {"ownerSlug": "learner", "modelSlug": "my-model"}
BASE = {**MINE, "framework": "MODEL_FRAMEWORK_PY_TORCH", "instanceSlug": "base"}


@pytest.fixture
def quick(kaggle: EmulatorProcess) -> EmulatorProcess:
    """No waiting for READY beyond what the work itself takes."""
    kaggle.settings(dataset_hidden_s=0, dataset_processing_s=0)
    return kaggle


def rpc(api: Api, method: str, body: dict[str, Any]) -> httpx.Response:
    return api.rpc(method, body, MODELS)


def make(api: Api, *files: tuple[str, bytes], is_private: bool = True) -> None:
    """learner/my-model with an instance `base` of these files, usable."""
    model = {"ownerSlug": "learner", "slug": "my-model", "title": "My Model", "isPrivate": is_private}
    assert rpc(api, "CreateModel", model).json()["error"] == ""
    tokens = [{"token": upload(api, name, content, "MODEL")} for name, content in files]
    body = {"instanceSlug": "base", "framework": "MODEL_FRAMEWORK_PY_TORCH", "files": tokens}
    assert rpc(api, "CreateModelInstance", {**MINE, "body": body}).json()["error"] == ""
    wait_until(lambda: newest(api) == 1, 30, "version 1")


def newest(api: Api) -> int:
    return int(rpc(api, "GetModelInstance", BASE).json()["versionNumber"])


def test_the_life_of_a_model(command: Command, quick: EmulatorProcess, api: Api, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    about = {
        "ownerSlug": "learner",
        "slug": "my-model",
        "title": "My Model",
        "subtitle": "",
        "isPrivate": True,
        "description": "Weights",
        "publishTime": "",
        "provenanceSources": "",
    }
    (folder / "model-metadata.json").write_text(json.dumps(about))
    assert "Your model was created" in command("models", "create", "-p", str(folder))
    assert "already exists" in command("models", "create", "-p", str(folder))

    (folder / "weights.bin").write_bytes(b"\1\2\3")
    (folder / "layers").mkdir()
    (folder / "layers" / "one.txt").write_text("1")
    instance = {
        "ownerSlug": "learner",
        "modelSlug": "my-model",
        "instanceSlug": "base",
        "framework": "pytorch",
        "overview": "first",
        "usage": "",
        "licenseName": "Apache 2.0",
        "fineTunable": True,
        "trainingData": [],
    }
    (folder / "model-instance-metadata.json").write_text(json.dumps(instance))
    command("models", "variations", "create", "-p", str(folder), "--dir-mode", "zip")
    wait_until(lambda: newest(api) == 1, 30, "version 1")
    listed = command("models", "variations", "files", "learner/my-model/pytorch/base")
    assert "weights.bin" in listed
    assert "layers/one.txt" in listed

    (folder / "weights.bin").write_bytes(b"\4\5\6")
    command("models", "variations", "versions", "create", "learner/my-model/pytorch/base", "-p", str(folder))
    wait_until(lambda: newest(api) == 2, 30, "version 2")
    command("models", "variations", "versions", "download", "learner/my-model/pytorch/base/1",
            "-p", str(tmp_path / "v1"), "--untar")  # fmt: skip
    assert (tmp_path / "v1" / "weights.bin").read_bytes() == b"\1\2\3"

    about |= {"id": 0, "title": "My Better Model"}
    (folder / "model-metadata.json").write_text(json.dumps(about))
    command("models", "update", "-p", str(folder))
    assert "My Better Model" in command("models", "get", "learner/my-model")
    command("models", "variations", "versions", "delete", "-y", "learner/my-model/pytorch/base/2")
    assert newest(api) == 1
    command("models", "delete", "-y", "learner/my-model")
    assert rpc(api, "GetModel", MINE).status_code == 403


def test_lists_are_searched(command: Command, quick: EmulatorProcess, api: Api, guest: Api) -> None:
    make(api, ("w.bin", b"w"))
    assert "kaggle-emulator/digit-reader" in command("models", "list", "-s", "digit")
    assert "No models found" in command("models", "list", "-s", "elephants")
    assert "learner/my-model" in command("models", "list", "--owner", "learner")
    mine = rpc(guest, "ListModels", {"owner": "learner"}).json()
    assert (mine["models"], mine["totalResults"]) == ([], 0)


def test_instances_and_versions(kaggle: EmulatorProcess, sdk: Sdk, api: Api) -> None:
    instances = rpc(api, "ListModelInstances", STARTER).json()["instances"]
    assert [(row["framework"], row["slug"], row["versionNumber"]) for row in instances] == [
        ("MODEL_FRAMEWORK_OTHER", "centroids", 2),
        ("MODEL_FRAMEWORK_PY_TORCH", "linear-8x8", 1),
    ]
    request = ApiListModelInstanceVersionsRequest()
    request.owner_slug, request.model_slug = "kaggle-emulator", "digit-reader"
    request.instance_slug, request.framework = "centroids", ModelFramework.MODEL_FRAMEWORK_OTHER
    found = sdk.client.models.model_api_client.list_model_instance_versions(request)
    assert [version.version_number for version in found.version_list.versions] == [2, 1]


def test_a_file_and_all_files_are_fetched(kaggle: EmulatorProcess, api: Api) -> None:
    def fetch(**fields: Any) -> httpx.Response:
        link = rpc(api, "DownloadModelInstanceVersion", {**CENTROIDS, "versionNumber": 1, **fields})
        assert link.status_code == 302
        return httpx.get(link.headers["Location"])

    assert len(json.loads(fetch(path="centroids.json").text)) == 10
    with tarfile.open(fileobj=io.BytesIO(fetch().content)) as bag:
        assert sorted(bag.getnames()) == ["centroids.json", "predict.py"]
    missing = rpc(api, "DownloadModelInstanceVersion", {**CENTROIDS, "versionNumber": 1, "path": "no"})
    assert missing.status_code == 404
    assert rpc(api, "DownloadModelInstanceVersion", {**CENTROIDS, "versionNumber": 9}).status_code == 404
    rest = "/api/v1/models/kaggle-emulator/digit-reader/other/centroids/2/download/predict.py"
    assert "def predict" in api.http.get(rest, follow_redirects=True).text


READ_DIGITS = """\
import csv, sys
sys.path.insert(0, "/kaggle/input/digit-reader/other/centroids/2")
import predict
rows = list(csv.DictReader(open("/kaggle/input/tiny-digits/digits.csv")))
right = sum(
    predict.predict([int(row[f"pixel{n}"]) for n in range(64)]) == int(row["label"]) for row in rows
)
print("right", right, "of", len(rows))
assert right > 400
import os
print(sorted(os.listdir("/kaggle/input/models/kaggle-emulator/digit-reader/pytorch/linear-8x8/1")))
"""


def test_models_are_mounted_and_work(kaggle: EmulatorProcess, api: Api) -> None:
    sources = [
        "kaggle-emulator/digit-reader/other/centroids",
        "kaggle-emulator/digit-reader/pyTorch/linear-8x8/1",
        "kaggle-emulator/digit-reader/other/centroids/9",
        "kaggle-emulator/digit-reader/keras/centroids/1",
        "kaggle-emulator/no-such/other/centroids/1",
        "nonsense",
    ]
    data = ["kaggle-emulator/tiny-digits"]
    pushed = api.push("reads-digits", READ_DIGITS, modelDataSources=sources, datasetDataSources=data).json()
    assert pushed["invalidModelSources"] == sources[2:]
    assert api.wait_for("reads-digits")["status"] == "COMPLETE", api.outputs("reads-digits")["log"]
    assert "['config.json', 'model.safetensors']" in api.outputs("reads-digits")["log"]


def test_the_safetensors_file_is_one(kaggle: EmulatorProcess, api: Api) -> None:
    body = {**STARTER, "framework": "pyTorch", "instanceSlug": "linear-8x8", "versionNumber": 1}
    link = rpc(api, "DownloadModelInstanceVersion", {**body, "path": "model.safetensors"})
    data = httpx.get(link.headers["Location"]).content
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    assert header["linear.weight"]["shape"] == [10, 64]
    assert header["linear.bias"]["data_offsets"][1] == len(data) - 8 - size


def test_refusals(quick: EmulatorProcess, api: Api, guest: Api) -> None:
    make(api, ("w.bin", b"w"), is_private=False)
    again = rpc(api, "CreateModel", {"ownerSlug": "learner", "slug": "my-model", "title": "x"}).json()
    assert (again["errorCode"], "already exists" in again["error"]) == (409, True)
    twice = {"instanceSlug": "base", "framework": "MODEL_FRAMEWORK_PY_TORCH"}
    assert rpc(api, "CreateModelInstance", {**MINE, "body": twice}).json()["errorCode"] == 409
    bare = {"instanceSlug": "other", "framework": "MODEL_FRAMEWORK_JAX"}
    assert (
        rpc(api, "CreateModelInstance", {**MINE, "body": bare}).json()["error"]
        == "At least one file is required"
    )
    assert rpc(api, "CreateModel", {"slug": "Bad Slug", "title": "x"}).json()["errorCode"] == 400
    assert rpc(api, "GetModelInstance", {**BASE, "instanceSlug": "no"}).status_code == 404
    assert rpc(api, "GetModelInstance", {**BASE, "framework": "SPARK"}).status_code == 400
    for method, body in (
        ("DeleteModel", MINE),
        ("CreateModelInstance", {**MINE, "body": bare}),
        ("CreateModelInstanceVersion", {**BASE, "body": {}}),
        ("UpdateModel", {**MINE, "title": "Mine"}),
    ):
        assert rpc(guest, method, body).status_code == 403
        assert rpc(guest, method, {**body, "modelSlug": "no-such"}).status_code == 404


def test_a_field_mask_says_what_changes(quick: EmulatorProcess, api: Api) -> None:
    make(api, ("w.bin", b"w"))
    body = {**MINE, "title": "New title", "subtitle": "New subtitle", "updateMask": "title,isPrivate"}
    assert rpc(api, "UpdateModel", body).json()["error"] == ""
    model = rpc(api, "GetModel", MINE).json()
    assert (model["title"], model["subtitle"], model["isPrivate"]) == ("New title", "", False)


def test_what_is_private_looks_missing_to_others(quick: EmulatorProcess, api: Api, guest: Api) -> None:
    make(api, ("w.bin", b"w"))
    for method, body in (("GetModel", MINE), ("ListModelInstances", MINE), ("GetModelInstance", BASE)):
        foreign, missing = rpc(guest, method, body), rpc(guest, method, {**body, "modelSlug": "no"})
        assert (foreign.status_code, foreign.json()) == (403, missing.json())
    source = "learner/my-model/pyTorch/base/1"
    assert api.push("uses-it", modelDataSources=[source]).json()["invalidModelSources"] == []
    stranger = guest.push("guest/uses-it", modelDataSources=[source]).json()
    assert stranger["invalidModelSources"] == [source]
