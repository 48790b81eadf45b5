"""Interactive sessions: a real Jupyter server with a kernel's sources, reached as on Kaggle."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from emulator_clients import Api, Sdk, notebook
from kagglesdk.kernels.types.kernels_api_service import ApiCreateKernelSessionRequest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from kaggle_lab.emulator.testing import EmulatorProcess, wait_until

OPERATIONS = "common.OperationsService"
REF = "learner/open-me"


@pytest.fixture
def saved(kaggle: EmulatorProcess, api: Api) -> Api:
    """A kernel that was saved and never run, with a dataset attached."""
    save(api)
    return api


def save(api: Api, **fields: Any) -> None:
    dataset = api.rpc("ListDatasets", {}, "datasets.DatasetApiService").json()["datasets"][0]["ref"]
    answer = api.rpc(
        "SaveKernel",
        {
            "slug": REF,
            "newTitle": "Open me",
            "text": notebook("print('saved')"),
            "language": "python",
            "kernelType": "notebook",
            "kernelExecutionType": "QUICK_SAVE",
            "datasetDataSources": [dataset],
            **fields,
        },
    ).json()
    assert answer["error"] == "", answer


def create(api: Api, **fields: Any) -> httpx.Response:
    return api.rpc("CreateKernelSession", {"slug": REF, **fields})


def until_done(api: Api, name: str) -> dict[str, Any]:
    def done() -> Any:
        operation = api.rpc("GetOperation", {"name": name}, OPERATIONS).json()
        return operation if operation["done"] else None

    found: dict[str, Any] = wait_until(done, what="the Jupyter server")
    return found


def opened(api: Api, **fields: Any) -> tuple[int, str]:
    """The id of a new session and the address of its Jupyter server."""
    response = until_done(api, create(api, **fields).json()["name"])["response"]
    return response["kernelSessionId"], response["jupyterUrl"]


def is_gone(url: str) -> bool:
    return httpx.get(f"{url}/api").status_code == 404


def run_code(url: str, code: str) -> str:
    """What code prints in a new Jupyter kernel, over the websocket of its channels."""
    kernel = httpx.post(f"{url}/api/kernels", json={"name": "python3"}, timeout=30).json()["id"]
    return asyncio.run(asyncio.wait_for(_printed(url, kernel, code), 60))


async def _printed(url: str, kernel: str, code: str) -> str:
    address = f"{url.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
    connection = await websocket_connect(HTTPRequest(address, request_timeout=30))
    header = {"msg_id": uuid4().hex, "msg_type": "execute_request", "username": "", "session": uuid4().hex}
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    await connection.write_message(json.dumps(message))
    printed = ""
    while True:
        text = await connection.read_message()
        assert isinstance(text, str), "the connection was closed"
        said = json.loads(text)
        if said["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        if said["msg_type"] == "stream":
            printed += said["content"]["text"]
        if said["msg_type"] == "status" and said["content"]["execution_state"] == "idle":
            connection.close()
            return printed


LOOK = """
import os, pathlib
print(os.environ["KAGGLE_KERNEL_RUN_TYPE"], os.getcwd())
files = [path for path in pathlib.Path("/kaggle/input").rglob("*") if path.is_file()]
print(len(files) > 0)
try:
    files[0].write_text("mine")
except OSError as error:
    print("read-only")
"""


def test_a_kernel_runs_code_with_the_sources_mounted(saved: Api) -> None:
    _, url = opened(saved)
    assert run_code(url, LOOK).splitlines() == ["Interactive /kaggle/working", "True", "read-only"]
    listed = httpx.get(f"{url}/api/contents").json()["content"]
    assert [entry["name"] for entry in listed] == ["__notebook__.ipynb"]


def test_the_official_client_reads_the_operation(saved: Api, sdk: Sdk) -> None:
    request = ApiCreateKernelSessionRequest()
    request.slug = REF
    operation = sdk.client.kernels.kernels_api_client.create_kernel_session(request)
    assert operation.metadata["kernelSessionId"]
    until_done(saved, operation.name)
    done = sdk.client.common.operations_client.get_operation(name=operation.name)
    assert done.done
    assert httpx.get(f"{done.response['jupyterUrl']}/api").json()["version"]


def test_without_internet_it_is_reached_all_the_same(saved: Api) -> None:
    _, url = opened(saved, enableInternet=False)
    code = "import socket\nprint([name for _, name in socket.if_nameindex()])"
    assert run_code(url, code) == "['lo']\n", "the loopback device alone"


def test_without_the_secret_there_is_nothing(saved: Api, kaggle: EmulatorProcess) -> None:
    session, url = opened(saved)
    secret = url.split("/")[-2]
    assert is_gone(url.replace(secret, "0" * len(secret)))
    assert is_gone(url.replace(str(session), str(session + 1)))
    httpx.get(f"{url}/api")
    assert secret not in json.dumps(httpx.get(f"{kaggle.url}/_emu/requests").json())


def test_cancelling_ends_it(saved: Api) -> None:
    session, url = opened(saved)
    assert not saved.cancel(session).json().get("errorMessage")
    wait_until(lambda: is_gone(url), what="the end of the session")


def test_it_ends_when_nobody_uses_it(saved: Api, kaggle: EmulatorProcess) -> None:
    _, url = opened(saved)
    kaggle.control("clock", {"seconds": 600})
    assert not is_gone(url)
    kaggle.control("clock", {"seconds": 1300})
    wait_until(lambda: is_gone(url), what="the idle time-out")


def test_it_is_no_run_of_the_version(saved: Api, kaggle: EmulatorProcess) -> None:
    before = saved.rpc("GetKernelSessionStatus", {"userName": "learner", "kernelSlug": "open-me"}).json()
    opened(saved)
    after = saved.rpc("GetKernelSessionStatus", {"userName": "learner", "kernelSlug": "open-me"}).json()
    assert after == before
    (session,) = [row for row in kaggle.sessions() if not row["ended_at"]]
    assert session["kind"] == "interactive"
    assert "open Jupyter" in httpx.get(kaggle.url).text


def test_caps_and_quota_are_told_as_on_kaggle(saved: Api, kaggle: EmulatorProcess) -> None:
    assert create(saved, machineShape="NvidiaTeslaT4").status_code == 200
    full = create(saved, machineShape="NvidiaTeslaT4")
    assert full.status_code == 429
    assert "Maximum interactive GPU session count of 1" in full.text
    assert saved.rpc("SaveKernel", {"slug": REF, "newTitle": "Open me", "text": notebook("1"),
        "kernelType": "notebook", "machineShape": "NvidiaTeslaT4"}).json()["error"] == ""  # fmt: skip
    kaggle.control("accounts", {"username": "learner", "tpu_used_hours": 20})
    spent = create(saved, machineShape="TpuV5E8")
    assert spent.status_code == 429
    assert "weekly TPU quota" in spent.text


def test_who_may_not_is_denied(saved: Api, guest: Api) -> None:
    assert guest.rpc("CreateKernelSession", {"slug": REF}).status_code == 403
    assert saved.rpc("CreateKernelSession", {"slug": "learner/not-there"}).status_code == 403
    name = create(saved).json()["name"]
    assert guest.rpc("GetOperation", {"name": name}, OPERATIONS).status_code == 404
    assert saved.rpc("GetOperation", {"name": "operations/else"}, OPERATIONS).status_code == 404


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with EmulatorProcess(tmp_path_factory.mktemp("mortal")) as process:
        yield process


def test_it_outlives_the_emulator(mortal: EmulatorProcess) -> None:
    with Api(mortal.url, (mortal.username, mortal.key)) as api:
        save(api)
        _, url = opened(api)
    path = url.removeprefix(mortal.url)
    mortal.kill()
    mortal.start()
    assert httpx.get(f"{mortal.url}{path}/api").json()["version"]
