"""Right answers that arrive spoiled: cut short, of a wrong length, slow, or behind a dead link."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from emulator_clients import Api, Sdk

from kaggle_lab.emulator.testing import EmulatorError, EmulatorProcess

SIZE = 100_000


@pytest.fixture
def link(api: Api) -> str:
    """A link to an output file of `SIZE` bytes."""
    api.push("with-file", f"open('f.bin', 'wb').write(bytes({SIZE}))")
    api.wait_for("with-file")
    return api.link("with-file", "f.bin")


def test_json_cut_short_breaks_the_official_client(sdk: Sdk, api: Api, kaggle: EmulatorProcess) -> None:
    api.push("my-note", kernelExecutionType="QUICK_SAVE")
    kaggle.fault("GetKernelSessionStatus", drop_after_bytes=10)
    with pytest.raises(requests.exceptions.RequestException):
        sdk.status("my-note")
    assert sdk.status("my-note").status.name == "ERROR"
    assert [row["fault"] for row in kaggle.requests("GetKernelSessionStatus")] == [True, False]


def test_a_length_announced_too_long(api: Api, kaggle: EmulatorProcess, link: str) -> None:
    kaggle.fault("OutputFile", content_length_off=50)
    kaggle.fault("ListKernels", content_length_off=50)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(link)
    with pytest.raises(httpx.RemoteProtocolError):
        api.rpc("ListKernels")
    assert len(httpx.get(link).content) == SIZE
    assert api.rpc("ListKernels").status_code == 200


def test_a_length_announced_too_short(kaggle: EmulatorProcess, link: str) -> None:
    kaggle.fault("OutputFile", content_length_off=-50)
    connection = http.client.HTTPConnection(urlsplit(link).netloc)
    connection.request("GET", link)
    response = connection.getresponse()
    assert response.headers["Content-Length"] == str(SIZE - 50)
    assert len(response.read()) == SIZE - 50
    connection.close()


def test_a_slow_body_is_whole(api: Api, kaggle: EmulatorProcess, link: str) -> None:
    kaggle.fault("OutputFile", rate_bytes_s=400_000)
    assert len(httpx.get(link).content) == SIZE
    slow = kaggle.requests("OutputFile")[-1]
    assert slow["duration_ms"] > 200
    kaggle.fault("ListKernels", rate_bytes_s=5000)
    assert api.rpc("ListKernels", {"group": "PROFILE"}).json()["kernels"]


def test_a_link_ends_on_demand(kaggle: EmulatorProcess, link: str) -> None:
    kaggle.fault("OutputFile", expired=True)
    ended = httpx.get(link)
    assert (ended.status_code, "ExpiredToken" in ended.text) == (403, True)
    assert httpx.get(link).status_code == 200


def test_a_zip_breaks_off(api: Api, kaggle: EmulatorProcess, link: str) -> None:
    url = f"/api/v1/kernels/output/download_zip/{api.session_id('with-file')}"
    kaggle.fault("DownloadKernelOutputZip", drop_after_bytes=30)
    with pytest.raises(httpx.RemoteProtocolError):
        api.http.get(url)
    assert api.http.get(url).content.startswith(b"PK")


@pytest.mark.parametrize(
    "rule",
    [
        {"rate_bytes_s": -1},
        {"drop_after_bytes": -1},
        {"content_length_off": "x"},
        {"expired": 1},
        {"method": 3},
    ],
)
def test_rules_without_sense_are_refused(kaggle: EmulatorProcess, rule: dict[str, object]) -> None:
    with pytest.raises(EmulatorError, match=r"^400: "):
        kaggle.control("faults", {"method": "OutputFile", **rule})
