"""Outputs and lists: pages, signed links, ranges, the zip, and finding kernels again."""

from __future__ import annotations

import io
import re
import zipfile

import httpx
import pytest
from emulator_clients import FOREVER, Api, Sdk, message, notebook

from kaggle_lab.emulator.testing import EmulatorProcess

QUICK = {"kernelExecutionType": "QUICK_SAVE"}
MANY = (
    "import os\nos.makedirs('deep/er')\nfor n in range(45): open(f'deep/er/{n:03d}.txt', 'w').write(str(n))\n"
)
DIGITS = "open('digits.txt', 'w').write('0123456789')"


def names(page: dict[str, object]) -> list[str]:
    files = page["files"]
    assert isinstance(files, list)
    return [file["fileName"] for file in files]


@pytest.fixture
def digits(api: Api) -> str:
    """The link to a file holding 0123456789."""
    api.push("with-digits", DIGITS)
    assert api.wait_for("with-digits")["status"] == "COMPLETE"
    return api.link("with-digits", "digits.txt")


def test_pages_follow_each_other_and_cover_everything_once(api: Api) -> None:
    api.push("many-files", MANY)
    api.wait_for("many-files")
    page = api.outputs("many-files")
    assert len(page["files"]) == 20
    assert page["log"] == ""
    seen = names(page)
    while page["nextPageToken"]:
        page = api.outputs("many-files", pageToken=page["nextPageToken"])
        seen += names(page)
    assert seen == [f"deep/er/{n:03d}.txt" for n in range(45)]


def test_the_log_comes_with_the_first_page_only(api: Api) -> None:
    api.push("many-files", "print('logged')\n" + MANY)
    api.wait_for("many-files")
    page = api.outputs("many-files", pageSize=40)
    assert "logged" in page["log"]
    assert api.outputs("many-files", pageSize=40, pageToken=page["nextPageToken"])["log"] == ""


@pytest.mark.parametrize("fields", [{"pageSize": 501}, {"pageSize": -1}, {"pageToken": "never issued"}])
def test_pages_that_do_not_exist_are_bad_requests(api: Api, fields: dict[str, object]) -> None:
    api.push("no-files", **QUICK)
    body = {"userName": "learner", "kernelSlug": "no-files", **fields}
    assert api.rpc("ListKernelSessionOutput", body).status_code == 400


def test_nothing_is_listed_while_it_runs(api: Api, kaggle: EmulatorProcess) -> None:
    api.push("endless-one", "open('early.txt', 'w').write('x')\n" + FOREVER)
    api.wait_for("endless-one", "RUNNING")
    assert api.outputs("endless-one") == {"files": [], "log": "", "nextPageToken": ""}
    assert (
        api.rpc("ListKernelFiles", {"userName": "learner", "kernelSlug": "endless-one"}).json()["files"] == []
    )
    kaggle.settings(output_while_running="missing")
    body = {"userName": "learner", "kernelSlug": "endless-one"}
    assert api.rpc("ListKernelSessionOutput", body).status_code == 404


def test_a_notebooks_own_products_are_listed_or_not(api: Api, kaggle: EmulatorProcess) -> None:
    api.push("a-notebook", notebook("open('made.txt', 'w').write('x')"), kernelType="notebook")
    assert api.wait_for("a-notebook")["status"] == "COMPLETE"
    assert names(api.outputs("a-notebook")) == ["made.txt"]
    kaggle.settings(list_notebook_file=True)
    assert set(names(api.outputs("a-notebook"))) >= {"__notebook__.ipynb", "__results__.html", "made.txt"}


def test_file_lists_tell_size_and_date_as_text(api: Api) -> None:
    api.push("with-digits", DIGITS)
    api.wait_for("with-digits")
    (row,) = api.rpc("ListKernelFiles", {"userName": "learner", "kernelSlug": "with-digits"}).json()["files"]
    assert (row["name"], row["size"]) == ("digits.txt", 10)
    date = r"\d{1,2}:\d\d [ap]m, (Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day \d{1,2} [A-Z][a-z]+ \d{4} UTC"
    assert re.fullmatch(date, row["creationDate"])


def test_links_need_no_credentials_and_carry_what_clients_look_at(
    digits: str, kaggle: EmulatorProcess
) -> None:
    response = httpx.get(digits)
    assert digits.startswith(kaggle.url)
    assert response.text == "0123456789"
    assert response.headers["Content-Length"] == "10"
    assert response.headers["Last-Modified"].endswith("GMT")
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["ETag"]
    assert httpx.head(digits).headers["Content-Length"] == "10"


@pytest.mark.parametrize(
    ("asked", "status", "text", "content_range"),
    [
        ("bytes=0-3", 206, "0123", "bytes 0-3/10"),
        ("bytes=4-", 206, "456789", "bytes 4-9/10"),
        ("bytes=-2", 206, "89", "bytes 8-9/10"),
        ("bytes=0-", 206, "0123456789", "bytes 0-9/10"),
        ("bytes=8-99", 206, "89", "bytes 8-9/10"),
        ("bytes=10-", 416, "", "bytes */10"),
        ("lines=1-2", 200, "0123456789", None),
    ],
)
def test_ranges(digits: str, asked: str, status: int, text: str, content_range: str | None) -> None:
    response = httpx.get(digits, headers={"Range": asked})
    assert (response.status_code, response.text) == (status, text)
    assert response.headers.get("Content-Range") == content_range


def test_a_range_is_honoured_only_of_the_same_file(digits: str) -> None:
    whole = httpx.get(digits)
    for name in ("ETag", "Last-Modified"):
        same = httpx.get(digits, headers={"Range": "bytes=5-", "If-Range": whole.headers[name]})
        assert (same.status_code, same.text) == (206, "56789")
    other = httpx.get(digits, headers={"Range": "bytes=5-", "If-Range": '"another"'})
    assert (other.status_code, other.text) == (200, "0123456789")


def test_links_end_and_cannot_be_forged(digits: str, kaggle: EmulatorProcess) -> None:
    forged = digits.replace("digits.txt", "other.txt")
    assert httpx.get(forged).status_code == 403
    assert httpx.get(re.sub(r"expires=\d+", "expires=99999999999", digits)).status_code == 403
    kaggle.control("clock", {"seconds": 3601})
    expired = httpx.get(digits)
    assert expired.status_code == 403
    assert expired.headers["Content-Type"].startswith("application/xml")
    assert "<Code>ExpiredToken</Code>" in expired.text


def test_the_life_of_a_link_is_a_setting(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.settings(output_link_expiry_s=0)
    api.push("with-digits", DIGITS)
    api.wait_for("with-digits")
    assert httpx.get(api.link("with-digits", "digits.txt")).status_code == 403


def test_the_link_to_a_deleted_kernels_file_is_dead(digits: str, api: Api) -> None:
    api.rpc("DeleteKernel", {"userName": "learner", "kernelSlug": "with-digits"})
    response = httpx.get(digits)
    assert response.status_code == 404
    assert "<Code>NoSuchKey</Code>" in response.text


def test_odd_names_survive_the_way_and_links_out_of_the_folder_do_not(api: Api) -> None:
    text = (
        "import os\n"
        "open('ünï çødé #1?&%41.txt', 'w').write('odd')\n"
        "os.symlink('/etc/passwd', 'passwd')\n"
        "os.symlink('/etc', 'etc')\n"
    )
    api.push("odd-names", text)
    assert api.wait_for("odd-names")["status"] == "COMPLETE"
    assert names(api.outputs("odd-names")) == ["ünï çødé #1?&%41.txt"]
    assert httpx.get(api.link("odd-names", "ünï çødé #1?&%41.txt")).text == "odd"


def test_downloads_can_be_slow(digits: str, kaggle: EmulatorProcess) -> None:
    kaggle.settings(download_rate_bytes_s=20, download_latency_s=0.1)
    with httpx.stream("GET", digits) as response:
        chunks = list(response.iter_raw())
    assert b"".join(chunks) == b"0123456789"
    assert len(chunks) > 1, "a slow file comes in pieces"


def test_the_whole_output_comes_as_a_zip_through_the_official_client(sdk: Sdk, api: Api) -> None:
    from kagglesdk.kernels.types.kernels_api_service import ApiDownloadKernelOutputRequest

    api.push("many-files", MANY)
    api.wait_for("many-files")
    request = ApiDownloadKernelOutputRequest()
    request.owner_slug, request.kernel_slug = "learner", "many-files"
    response = sdk.kernels.download_kernel_output(request)
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert len(archive.namelist()) == 45
        assert archive.read("deep/er/044.txt") == b"44"
    assert re.search(r"/download_zip/\d+$", response.history[0].headers["Location"])


def test_one_file_comes_by_redirect(api: Api) -> None:
    api.push("with-digits", DIGITS)
    api.wait_for("with-digits")
    body = {"ownerSlug": "learner", "kernelSlug": "with-digits", "filePath": "digits.txt"}
    assert httpx.get(api.rpc("DownloadKernelOutput", body).headers["Location"]).text == "0123456789"
    missing = api.rpc("DownloadKernelOutput", {**body, "filePath": "../spec.json"})
    assert missing.status_code == 404


def test_the_zip_is_not_there_while_it_runs_or_for_strangers(api: Api, guest: Api) -> None:
    api.push("endless-one", FOREVER)
    session_id = api.session_id("endless-one")
    assert api.rpc("DownloadKernelOutputZip", {"kernelSessionId": session_id}).status_code == 404
    assert guest.rpc("DownloadKernelOutputZip", {"kernelSessionId": session_id}).status_code == 403


def test_kernels_are_found_by_owner_words_type_and_language(api: Api, guest: Api) -> None:
    api.push("alpha-script", **QUICK)
    api.push("beta-notebook", notebook("1"), kernelType="notebook", **QUICK)
    api.push("gamma-script", language="r", isPrivate=False, **QUICK)

    def refs(client: Api, **fields: object) -> list[str]:
        body = {"group": "PROFILE", "pageSize": 20, "pageToken": "", **fields}
        return [row["ref"] for row in client.rpc("ListKernels", body).json()["kernels"]]

    assert refs(api) == ["learner/gamma-script", "learner/beta-notebook", "learner/alpha-script"]
    assert refs(api, search="ALPHA") == ["learner/alpha-script"]
    assert refs(api, kernelType="notebook") == ["learner/beta-notebook"]
    assert refs(api, kernelType="all", language="r") == ["learner/gamma-script"]
    assert refs(api, sortBy="DATE_CREATED", pageSize=1) == ["learner/gamma-script"]
    assert refs(guest) == []
    assert refs(guest, group="EVERYONE") == ["learner/gamma-script"]
    assert refs(guest, group="EVERYONE", user="nobody") == []
    assert refs(api, group="BOOKMARKED") == []


def test_kernel_lists_come_in_pages_by_number_and_by_token(api: Api) -> None:
    for n in range(5):
        api.push(f"kernel-number-{n}", **QUICK)
    first = api.rpc("ListKernels", {"group": "PROFILE", "pageSize": 2}).json()
    second = api.rpc(
        "ListKernels", {"group": "PROFILE", "pageSize": 2, "pageToken": first["nextPageToken"]}
    ).json()
    assert [row["slug"] for row in second["kernels"]] == ["kernel-number-2", "kernel-number-1"]
    third = api.rpc("ListKernels", {"group": "PROFILE", "pageSize": 2, "page": 3}).json()
    assert ([row["slug"] for row in third["kernels"]], third["nextPageToken"]) == (["kernel-number-0"], "")
    too_many = api.rpc("ListKernels", {"pageSize": 101})
    assert (too_many.status_code, "100" in message(too_many)) == (400, True)
