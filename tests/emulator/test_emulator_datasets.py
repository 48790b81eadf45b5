"""Datasets through the official client: made, processed, listed, changed, fetched, mounted, deleted."""

from __future__ import annotations

import io
import json
import sqlite3
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from emulator_clients import FOREVER, Api, message
from hub_clients import BLOBS, DATASETS, Command, upload

from kaggle_lab.emulator import db
from kaggle_lab.emulator.testing import EmulatorProcess, wait_until

REF = "learner/my-numbers"
PATH = {"ownerSlug": "learner", "datasetSlug": "my-numbers"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to make a dataset of: two files, one of them empty."""
    folder = tmp_path / "numbers"
    folder.mkdir()
    (folder / "one.csv").write_text("a,b\n1,2\n")
    (folder / "empty.txt").write_text("")
    values = {"id": REF, "title": "My Numbers", "licenses": [{"name": "CC0-1.0"}], "keywords": ["tabular"]}
    (folder / "dataset-metadata.json").write_text(json.dumps(values))
    return folder


@pytest.fixture
def quick(kaggle: EmulatorProcess) -> EmulatorProcess:
    """No waiting for READY beyond what the work itself takes."""
    kaggle.settings(dataset_hidden_s=0, dataset_processing_s=0)
    return kaggle


def create(api: Api, *files: tuple[str, bytes], **fields: Any) -> httpx.Response:
    """CreateDataset learner/my-numbers of these files."""
    tokens = [{"token": upload(api, name, content)} for name, content in files]
    values = {
        "ownerSlug": "learner",
        "slug": "my-numbers",
        "title": "My Numbers",
        "isPrivate": True,
        "files": tokens,
    }
    return api.rpc("CreateDataset", {**values, **fields}, DATASETS)


def status(api: Api, **path: str) -> httpx.Response:
    return api.rpc("GetDatasetStatus", {**PATH, **path}, DATASETS)


def wait_until_ready(api: Api, **path: str) -> None:
    wait_until(lambda: status(api, **path).json().get("status") == "READY", 30, "READY")


def names(api: Api, **fields: Any) -> list[str]:
    response = api.rpc("ListDatasetFiles", {**PATH, "pageSize": 200, **fields}, DATASETS)
    assert response.status_code == 200, response.text
    return [file["name"] for file in response.json()["datasetFiles"]]


def archive(**files: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as bag:
        for name, text in files.items():
            bag.writestr(name.replace("__", "/"), text)
    return data.getvalue()


# -- the official command -------------------------------------------------------------------------------


def test_create_look_change_fetch_and_delete(
    command: Command, folder: Path, tmp_path: Path, quick: EmulatorProcess, api: Api
) -> None:
    created = command("datasets", "create", "-p", str(folder))
    assert "Your private Dataset is being created" in created
    wait_until_ready(api)
    assert command("datasets", "status", REF).strip() == "ready"
    assert '"current_version_number": 1' in command("datasets", "status", REF, "--format", "json")
    listed = command("datasets", "files", REF)
    assert "one.csv" in listed
    assert "empty.txt" in listed
    assert REF in command("datasets", "list", "--mine")

    command("datasets", "metadata", REF, "-p", str(tmp_path / "meta"))
    metadata = json.loads((tmp_path / "meta" / "dataset-metadata.json").read_text())
    info = metadata.get("info", metadata)
    assert (info["title"], info["licenses"], info["keywords"]) == (
        "My Numbers",
        [{"name": "CC0-1.0"}],
        ["tabular"],
    )
    info |= {"title": "My Better Numbers", "isPrivate": True}
    (tmp_path / "meta" / "dataset-metadata.json").write_text(json.dumps(metadata))
    command("datasets", "metadata", REF, "--update", "-p", str(tmp_path / "meta"))
    assert "My Better Numbers" in command("datasets", "list", "--mine")

    command("datasets", "download", REF, "-p", str(tmp_path / "all"), "--unzip")
    assert (tmp_path / "all" / "one.csv").read_text() == "a,b\n1,2\n"
    assert (tmp_path / "all" / "empty.txt").read_bytes() == b""
    command("datasets", "download", REF, "-f", "one.csv", "-p", str(tmp_path / "one"))
    assert (tmp_path / "one" / "one.csv").read_text() == "a,b\n1,2\n"

    command("datasets", "delete", "-y", REF)
    assert status(api).status_code == 403


def test_a_new_version_replaces_what_is_read(
    command: Command, folder: Path, quick: EmulatorProcess, api: Api
) -> None:
    command("datasets", "create", "-p", str(folder))
    wait_until_ready(api)
    (folder / "two.csv").write_text("c\n3\n")
    command("datasets", "version", "-p", str(folder), "-m", "with two")
    wait_until(lambda: names(api) == ["empty.txt", "one.csv", "two.csv"], 30, "version 2")
    assert names(api, datasetVersionNumber=1) == ["empty.txt", "one.csv"]
    view = api.rpc("GetDataset", PATH, DATASETS).json()
    assert view["currentVersionNumber"] == 2
    assert [(row["versionNumber"], row["versionNotes"]) for row in view["versions"]] == [
        (2, "with two"),
        (1, ""),
    ]


def test_old_versions_go_when_told_to(
    command: Command, folder: Path, quick: EmulatorProcess, api: Api
) -> None:
    command("datasets", "create", "-p", str(folder))
    wait_until_ready(api)
    command("datasets", "version", "-p", str(folder), "-m", "alone", "--delete-old-versions")

    def numbers() -> list[int]:
        view = api.rpc("GetDataset", PATH, DATASETS).json()
        return [row["versionNumber"] for row in view["versions"]]

    wait_until(lambda: numbers() == [2], 30, "only version 2")
    assert api.rpc("ListDatasetFiles", {**PATH, "datasetVersionNumber": 1}, DATASETS).status_code == 404


@pytest.mark.parametrize("mode", ["zip", "tar"])
def test_folders_survive_as_archives(
    command: Command, folder: Path, quick: EmulatorProcess, api: Api, mode: str
) -> None:
    (folder / "images" / "deep").mkdir(parents=True)
    (folder / "images" / "a.txt").write_text("A")
    (folder / "images" / "deep" / "b.txt").write_text("B")
    command("datasets", "create", "-p", str(folder), "--dir-mode", mode)
    wait_until_ready(api)
    assert names(api) == ["empty.txt", "images/a.txt", "images/deep/b.txt", "one.csv"]
    tree = api.rpc("ListTreeDatasetFiles", PATH, DATASETS).json()
    assert [(row["name"], row["totalChildren"]) for row in tree["directories"]] == [("images", 2)]
    inner = api.rpc("ListTreeDatasetFiles", {**PATH, "path": "images"}, DATASETS).json()
    assert ([row["name"] for row in inner["directories"]], [row["name"] for row in inner["files"]]) == (
        ["deep"],
        ["a.txt"],
    )


def test_a_name_that_is_taken(command: Command, folder: Path, quick: EmulatorProcess, api: Api) -> None:
    command("datasets", "create", "-p", str(folder))
    # The client asks first and has words of its own: of the title up to 2.2.4, of the slug from 2.2.5 on.
    assert "is already in use by a dataset. Please choose another" in command(
        "datasets", "create", "-p", str(folder)
    )
    text = 'The requested title "My Numbers" is already in use by a dataset. Please choose another title.'
    body = create(api, ("x.txt", b"x")).json()
    assert (body["status"], body["error"]) == ("Error", text)


# -- processing -----------------------------------------------------------------------------------------


def test_the_status_goes_through_its_stages(kaggle: EmulatorProcess, api: Api) -> None:
    kaggle.settings(dataset_hidden_s=10, dataset_processing_s=100)
    assert create(api, ("x.txt", b"x")).json()["status"] == "Ok"
    assert (status(api).status_code, message(status(api))) == (403, "Permission 'datasets.get' was denied")
    seen = []
    for _ in range(5):
        kaggle.control("clock", {"seconds": 20})
        seen.append(status(api).json()["status"])
    assert seen == [
        "BLOBS_RECEIVED",
        "BLOBS_DECOMPRESSED",
        "BLOBS_COPIED_TO_SDS",
        "INDIVIDUAL_BLOBS_COMPRESSED",
        "READY",
    ]


def test_nothing_can_be_read_before_the_first_version_is_ready(kaggle: EmulatorProcess, api: Api) -> None:
    kaggle.settings(dataset_hidden_s=0, dataset_processing_s=100)
    create(api, ("x.txt", b"x"))
    for method in ("GetDataset", "ListDatasetFiles", "DownloadDataset", "GetDatasetMetadata"):
        assert api.rpc(method, PATH, DATASETS).status_code == 403
    rejected = api.push("uses-it", datasetDataSources=[REF], kernelExecutionType="QUICK_SAVE").json()
    assert rejected["invalidDatasetSources"] == [REF]
    kaggle.control("clock", {"seconds": 100})
    wait_until_ready(api)
    accepted = api.push("uses-it", datasetDataSources=[REF], kernelExecutionType="QUICK_SAVE").json()
    assert accepted["invalidDatasetSources"] == []


def test_the_version_before_stays_current_while_the_next_is_processed(
    kaggle: EmulatorProcess, api: Api
) -> None:
    kaggle.settings(dataset_hidden_s=0, dataset_processing_s=100)
    create(api, ("old.txt", b"x"))
    kaggle.control("clock", {"seconds": 100})
    wait_until_ready(api)
    body = {"files": [{"token": upload(api, "new.txt", b"y")}], "versionNotes": "n"}
    api.rpc("CreateDatasetVersion", {**PATH, "body": body}, DATASETS)
    assert status(api).json()["status"] == "BLOBS_RECEIVED"
    assert names(api) == ["old.txt"]
    kaggle.control("clock", {"seconds": 100})
    wait_until(lambda: names(api) == ["new.txt"], 30, "the new version")


def test_a_promised_version_is_built_after_a_crash(kaggle: EmulatorProcess, tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path / "other", arguments=("--set", "dataset_processing_s=0")) as other:
        with Api(other.url, (other.username, other.key)) as api:
            create(api, ("big.zip", archive(**{f"n{n}.txt": "x" * 1000 for n in range(500)})))
        other.kill()
        other.start()
        with Api(other.url, (other.username, other.key)) as api:
            wait_until_ready(api)
            assert len(names(api)) == 200
            view = api.rpc("GetDataset", PATH, DATASETS).json()
            assert view["totalBytes"] == 500_000


# -- archives that somebody sends -----------------------------------------------------------------------


def _zip_with(name: str) -> bytes:
    return archive(**{name: "gotcha", "good.txt": "fine"})


def _tar_with(member: tarfile.TarInfo) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as bag:
        bag.addfile(member, io.BytesIO(b"x" * member.size))
    return data.getvalue()


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bad.zip", _zip_with("../escaped.txt")),
        ("bad.zip", _zip_with("/etc/escaped.txt")),
        ("bad.zip", _zip_with("..\\escaped.txt")),
        ("bad.zip", _zip_with("C:\\escaped.txt")),
        ("bad.zip", _zip_with("deep/../../../escaped.txt")),
        ("bad.tar", _tar_with(_member("../escaped.txt"))),
        ("bad.tar", _tar_with(_member("link", tarfile.SYMTYPE, "/etc/passwd"))),
        ("bad.tar", _tar_with(_member("device", tarfile.CHRTYPE))),
        ("bad.zip", _zip_with("x" * 300)),
        ("bad.zip", archive(**{"a": "file", "a__b": "folder"})),
    ],
)
def test_archives_that_reach_out_are_refused(
    quick: EmulatorProcess, api: Api, name: str, content: bytes
) -> None:
    create(api, (name, content))
    wait_until(lambda: status(api).json().get("status") == "FAILED", 30, "FAILED")
    assert not list(quick.data.rglob("*escaped*"))
    assert not Path("/etc/escaped.txt").exists()
    assert not list(quick.data.glob("bundles/*/files/*good*"))
    assert api.rpc("ListDatasetFiles", PATH, DATASETS).status_code == 403


def test_a_bomb_is_refused(quick: EmulatorProcess, api: Api) -> None:
    quick.settings(dataset_limit_bytes=1_000_000)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as bag:
        bag.writestr("zeros", bytes(2_000_000))
    create(api, ("bomb.zip", data.getvalue()))
    wait_until(lambda: status(api).json().get("status") == "FAILED", 30, "FAILED")
    used = sum(path.stat().st_size for path in quick.data.glob("bundles/*/files/zeros"))
    assert used == 0


def test_what_only_looks_like_an_archive_stays_a_file(quick: EmulatorProcess, api: Api) -> None:
    create(api, ("odd.zip", b"not a zip at all"))
    wait_until_ready(api)
    assert names(api) == ["odd.zip"]


@pytest.mark.parametrize(("setting", "expected"), [("root", "a.txt"), ("folder", "archive/a.txt")])
def test_an_only_archive_goes_where_the_setting_says(
    quick: EmulatorProcess, api: Api, setting: str, expected: str
) -> None:
    quick.settings(lone_archive=setting)
    create(api, ("archive.zip", archive(**{"a.txt": "A"})))
    wait_until_ready(api)
    assert names(api) == [expected]


def test_folders_may_come_as_such(quick: EmulatorProcess, api: Api) -> None:
    inner = {"name": "inner", "files": [{"token": upload(api, "b.txt", b"B")}]}
    outer = {"name": "outer", "directories": [inner], "files": [{"token": upload(api, "a.txt", b"A")}]}
    create(api, directories=[outer])
    wait_until_ready(api)
    assert names(api) == ["outer/a.txt", "outer/inner/b.txt"]
    evil = {"name": "../up", "files": [{"token": upload(api, "c.txt", b"C")}]}
    refused = create(api, slug="my-evil-one", title="My evil one", directories=[evil]).json()
    assert refused["status"] == "Error"
    assert "not a usable file name" in refused["error"]


# -- rules ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"title": "Tiny", "slug": "my-tiny-one"}, "The dataset title must be between 6 and 50 characters"),
        ({"slug": "tiny"}, "The dataset slug must be between 6 and 50 characters"),
        ({"slug": "My Numbers!"}, "The dataset slug may have lower-case letters, digits and hyphens only"),
        ({"subtitle": "short"}, "Subtitle length must be between 20 and 80 characters"),
        ({"files": []}, "At least one file is required"),
        ({"files": [{"token": "made-up"}]}, "A file token is unknown, or its upload is not complete"),
    ],
)
def test_refusals_come_as_an_error_in_the_answer(
    kaggle: EmulatorProcess, api: Api, fields: dict[str, Any], text: str
) -> None:
    response = create(api, ("x.txt", b"x"), **fields)
    assert (response.status_code, response.json()["status"], response.json()["error"]) == (200, "Error", text)


def test_size_rules_are_settings(kaggle: EmulatorProcess, api: Api) -> None:
    kaggle.settings(dataset_title_min_chars=3)
    assert create(api, ("x.txt", b"x"), slug="abc", title="Abc").json()["status"] == "Ok"


def test_the_same_file_twice_is_refused(kaggle: EmulatorProcess, api: Api) -> None:
    assert "two files" in create(api, ("x.txt", b"1"), ("x.txt", b"2")).json()["error"]


def test_unknown_tags_are_named(kaggle: EmulatorProcess, api: Api) -> None:
    body = create(api, ("x.txt", b"x"), categoryIds=["tabular", "no such tag"]).json()
    assert body["invalidTags"] == ["no such tag"]


def test_tokens_are_good_for_their_owner_only(quick: EmulatorProcess, api: Api, guest: Api) -> None:
    stolen = {"files": [{"token": upload(guest, "x.txt", b"x")}]}
    assert create(api, **stolen).json()["status"] == "Error"


@pytest.mark.parametrize("method", ["GetDatasetStatus", "GetDataset", "ListDatasetFiles", "DownloadDataset"])
def test_what_is_private_looks_missing_to_others(
    quick: EmulatorProcess, api: Api, guest: Api, method: str
) -> None:
    create(api, ("x.txt", b"x"))
    wait_until_ready(api)
    foreign, missing = (
        guest.rpc(method, PATH, DATASETS),
        guest.rpc(method, {**PATH, "datasetSlug": "no"}, DATASETS),
    )
    assert (foreign.status_code, foreign.json()) == (403, missing.json())
    with Api(quick.url) as nobody:
        assert nobody.rpc(method, PATH, DATASETS).status_code == 403


def test_only_the_owner_writes(quick: EmulatorProcess, api: Api, guest: Api) -> None:
    create(api, ("x.txt", b"x"), isPrivate=False)
    wait_until_ready(api)
    body = {"files": [{"token": upload(guest, "y.txt", b"y")}]}
    assert guest.rpc("CreateDatasetVersion", {**PATH, "body": body}, DATASETS).status_code == 403
    assert (
        guest.rpc("UpdateDatasetMetadata", {**PATH, "settings": {"title": "Mine now"}}, DATASETS).status_code
        == 403
    )
    assert guest.rpc("DeleteDataset", PATH, DATASETS).status_code == 403
    assert create(guest, ("x.txt", b"x")).status_code == 403
    assert names(guest) == ["x.txt"]


def test_collaborators_may_read(quick: EmulatorProcess, api: Api, guest: Api) -> None:
    create(api, ("x.txt", b"x"))
    wait_until_ready(api)
    people = [{"username": "guest", "role": "READER"}]
    settings = {"isPrivate": True, "collaborators": people}
    assert api.rpc("UpdateDatasetMetadata", {**PATH, "settings": settings}, DATASETS).json() == {"errors": []}
    assert names(guest) == ["x.txt"]


def test_what_is_public_needs_no_account(kaggle: EmulatorProcess) -> None:
    path = {"ownerSlug": "kaggle-emulator", "datasetSlug": "bellflowers"}
    with Api(kaggle.url) as nobody:
        response = nobody.rpc("ListDatasetFiles", path, DATASETS)
        assert [file["name"] for file in response.json()["datasetFiles"]] == ["flowers.csv"]
        assert nobody.rpc("CreateDataset", {}, DATASETS).status_code == 401


# -- lists ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--search", "digits"), ["kaggle-emulator/tiny-digits"]),
        (("--search", "no such thing"), []),
        (("--file-type", "sqlite"), ["kaggle-emulator/corner-shop"]),
        (("--tags", "nlp"), ["kaggle-emulator/short-reviews"]),
        (("--license", "gpl"), []),
        (("--max-size", "10000"), ["kaggle-emulator/bellflowers"]),
        (("--user", "learner"), []),
    ],
)
def test_lists_are_filtered(
    command: Command, kaggle: EmulatorProcess, words: tuple[str, ...], found: list[str]
) -> None:
    rows = command("datasets", "list", "--csv", *words).splitlines()
    assert [row.split(",")[0] for row in rows if row.startswith("kaggle-emulator/")] == found


def test_lists_come_in_pages(kaggle: EmulatorProcess, api: Api) -> None:
    seen: list[str] = []
    body: dict[str, Any] = {"pageSize": 2}
    while True:
        page = api.rpc("ListDatasets", body, DATASETS).json()
        seen += [row["ref"] for row in page["datasets"]]
        if not page["nextPageToken"]:
            break
        body["pageToken"] = page["nextPageToken"]
    assert len(seen) == len(set(seen)) == 5
    second = api.rpc("ListDatasets", {"pageSize": 2, "page": 2}, DATASETS).json()["datasets"]
    assert [row["ref"] for row in second] == seen[2:4]


def test_files_come_in_pages_of_twenty(quick: EmulatorProcess, api: Api) -> None:
    create(api, ("many.zip", archive(**{f"{n:02d}.txt": "x" for n in range(45)})))
    wait_until_ready(api)
    page = api.rpc("ListDatasetFiles", PATH, DATASETS).json()
    assert len(page["datasetFiles"]) == 20
    again = api.rpc("ListDatasetFiles", {**PATH, "pageToken": page["nextPageToken"]}, DATASETS).json()
    assert again["datasetFiles"][0]["name"] == "many/20.txt"


# -- downloads ------------------------------------------------------------------------------------------


@pytest.fixture
def link(quick: EmulatorProcess, api: Api) -> str:
    """The signed link to a file of ten digits."""
    create(api, ("digits.txt", b"0123456789"))
    wait_until_ready(api)
    response = api.rpc("DownloadDataset", {**PATH, "fileName": "digits.txt"}, DATASETS)
    assert response.status_code == 302
    return str(response.headers["Location"])


def test_links_need_no_credentials_and_take_ranges(link: str) -> None:
    whole = httpx.get(link)
    assert (whole.text, whole.headers["Content-Length"], whole.headers["Accept-Ranges"]) == (
        "0123456789",
        "10",
        "bytes",
    )
    condition = {"Range": "bytes=4-", "If-Range": whole.headers["ETag"]}
    part = httpx.get(link, headers=condition)
    assert (part.status_code, part.text, part.headers["Content-Range"]) == (206, "456789", "bytes 4-9/10")
    assert httpx.get(link, headers={"Range": "bytes=10-"}).status_code == 416
    changed = httpx.get(link, headers={**condition, "If-Range": '"another"'})
    assert (changed.status_code, changed.text) == (200, "0123456789")


def test_links_end_and_cannot_be_forged(link: str, kaggle: EmulatorProcess) -> None:
    assert httpx.get(link.replace("digits.txt", "../1/files/flowers.csv")).status_code == 403
    assert httpx.get(link.replace("/files/", "/archives/")).status_code == 403
    kaggle.control("clock", {"seconds": 3601})
    assert "<Code>ExpiredToken</Code>" in httpx.get(link).text


def test_links_outlive_no_dataset(link: str, api: Api) -> None:
    assert api.rpc("DeleteDataset", PATH, DATASETS).status_code == 200
    gone = httpx.get(link)
    assert (gone.status_code, "<Code>NoSuchKey</Code>" in gone.text) == (404, True)


def test_a_cut_download_is_gone_on_with(
    link: str, command: Command, kaggle: EmulatorProcess, tmp_path: Path
) -> None:
    kaggle.fault("StorageFile", drop_after_bytes=4)
    command("datasets", "download", REF, "-f", "digits.txt", "-p", str(tmp_path))
    assert (tmp_path / "digits.txt").read_text() == "0123456789"
    assert [row["status"] for row in kaggle.requests("StorageFile")][-1] == 206


def test_rest_has_the_same_downloads(link: str, api: Api) -> None:
    one = api.http.get(f"/api/v1/datasets/download/{REF}/digits.txt", follow_redirects=True)
    assert one.text == "0123456789"
    everything = api.http.get(f"/api/v1/datasets/download/{REF}", follow_redirects=True)
    with zipfile.ZipFile(io.BytesIO(everything.content)) as bag:
        assert bag.namelist() == ["digits.txt"]
    assert api.http.get(f"/api/v1/datasets/download/{REF}/missing.txt").status_code == 404
    assert api.http.get(f"/api/v1/datasets/status/{REF}").json()["status"] == "READY"


# -- in a session ---------------------------------------------------------------------------------------

READ = """\
import os
for top in ("/kaggle/input/datasets/learner/my-numbers", "/kaggle/input/my-numbers"):
    for folder, _, names in os.walk(top):
        for name in names:
            print("found", os.path.join(folder, name), open(os.path.join(folder, name)).read())
try:
    open("/kaggle/input/my-numbers/new.txt", "w")
except OSError as error:
    print("refused", error.errno)
"""


def log_of(api: Api, slug: str) -> str:
    return str(api.outputs(slug)["log"])


def test_a_dataset_is_mounted_in_both_styles(quick: EmulatorProcess, api: Api) -> None:
    create(api, ("a.txt", b"A"), ("more.zip", archive(**{"b.txt": "B"})))
    wait_until_ready(api)
    api.push("reads-it", READ, datasetDataSources=[REF])
    assert api.wait_for("reads-it")["status"] == "COMPLETE"
    log = log_of(api, "reads-it")
    for place in ("datasets/learner/my-numbers", "my-numbers"):
        assert f"found /kaggle/input/{place}/a.txt A" in log
        assert f"found /kaggle/input/{place}/more/b.txt B" in log
    assert "refused 30" in log


PINS: list[tuple[str, list[str], str]] = [
    ("dropped", [], "two"),
    ("honoured", [], "one"),
    ("invalid", [f"{REF}/1"], ""),
]


@pytest.mark.parametrize(("setting", "invalid", "content"), PINS)
def test_what_a_pinned_version_means_is_a_setting(
    quick: EmulatorProcess, api: Api, setting: str, invalid: list[str], content: str
) -> None:
    quick.settings(dataset_version_pin=setting)
    create(api, ("a.txt", b"one"))
    wait_until_ready(api)
    body = {"files": [{"token": upload(api, "a.txt", b"two")}]}
    api.rpc("CreateDatasetVersion", {**PATH, "body": body}, DATASETS)
    wait_until(lambda: api.rpc("GetDataset", PATH, DATASETS).json()["currentVersionNumber"] == 2, 30, "2")
    pushed = api.push("reads-it", READ, datasetDataSources=[f"{REF}/1"]).json()
    assert pushed["invalidDatasetSources"] == invalid
    api.wait_for("reads-it")
    assert (f"my-numbers/a.txt {content}" in log_of(api, "reads-it")) == bool(content)


def test_deleting_a_mounted_dataset_leaves_the_session_its_files(quick: EmulatorProcess, api: Api) -> None:
    create(api, ("a.txt", b"A"))
    wait_until_ready(api)
    text = "import os\nprint('has', os.listdir('/kaggle/input/my-numbers'), flush=True)\n" + FOREVER
    api.push("holds-it", text, datasetDataSources=[REF])
    api.wait_for("holds-it", "RUNNING")
    bundles = len(list(quick.data.glob("bundles/*/files")))
    assert api.rpc("DeleteDataset", PATH, DATASETS).json() == {"error": ""}
    assert len(list(quick.data.glob("bundles/*/files"))) == bundles
    assert api.push("uses-it", datasetDataSources=[REF]).json()["invalidDatasetSources"] == [REF]
    api.cancel(api.session_id("holds-it"))


def test_deleting_frees_the_name_and_the_space(quick: EmulatorProcess, api: Api) -> None:
    before = set(quick.data.glob("bundles/*"))
    create(api, ("a.txt", b"A"))
    wait_until_ready(api)
    assert set(quick.data.glob("bundles/*")) > before
    assert api.rpc("DeleteDataset", PATH, DATASETS).json() == {"error": ""}
    assert set(quick.data.glob("bundles/*")) <= before
    assert api.rpc("DeleteDataset", PATH, DATASETS).status_code == 404
    assert create(api, ("a.txt", b"A")).json()["status"] == "Ok"


def test_rest_takes_the_inner_body(quick: EmulatorProcess, api: Api) -> None:
    create(api, ("a.txt", b"A"))
    wait_until_ready(api)
    body = {"files": [{"token": upload(api, "b.txt", b"B")}], "versionNotes": "by REST"}
    assert api.http.post(f"/api/v1/datasets/create/version/{REF}", json=body).json()["error"] == ""
    wait_until(lambda: names(api) == ["b.txt"], 30, "version 2")
    assert api.http.post(f"/api/v1/dataset/{REF}/delete").json() == {"error": ""}


def test_a_data_directory_of_the_first_format_is_brought_up_to_date(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "state.db")
    database.executescript(db._STEPS[0])
    database.execute("INSERT INTO meta VALUES ('link_secret', 'old')")
    database.execute("PRAGMA user_version = 1")
    database.commit()
    database.close()
    with EmulatorProcess(tmp_path) as old, Api(old.url, (old.username, old.key)) as api:
        found = api.rpc("ListDatasets", {}, DATASETS).json()["datasets"]
        assert "kaggle-emulator/bellflowers" in [row["ref"] for row in found]


def test_bad_requests(kaggle: EmulatorProcess, api: Api) -> None:
    checks: list[tuple[str, dict[str, Any], str]] = [
        ("ListDatasets", {"group": "NO_SUCH_GROUP"}, DATASETS),
        ("ListDatasets", {"pageSize": 100_000}, DATASETS),
        ("ListDatasetFiles", {**PATH, "ownerSlug": 7.5}, DATASETS),
        ("CreateDataset", {"slug": "my-numbers", "title": "My Numbers", "files": "x"}, DATASETS),
        ("CreateDataset", {"slug": "my-numbers", "title": "My Numbers", "files": ["x"]}, DATASETS),
        ("StartBlobUpload", {"name": "../x", "contentLength": 1}, BLOBS),
        ("StartBlobUpload", {"name": "x", "contentLength": -1}, BLOBS),
        ("StartBlobUpload", {"contentLength": 1}, BLOBS),
    ]
    for method, body, service in checks:
        assert api.rpc(method, body, service).status_code == 400, (method, body)
