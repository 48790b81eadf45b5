"""Interactive sessions: a real Jupyter server with a kernel's sources, reached as on Kaggle."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from emulator_clients import Api, Sdk, message
from jupyter_clients import (
    DATASET,
    OPERATIONS,
    PATIENCE_S,
    REF,
    Room,
    create,
    is_gone,
    open_room,
    operation,
    save,
    until_done,
)
from kagglesdk.kernels.types.kernels_api_service import ApiCreateKernelSessionRequest
from test_runner_isolation import needs_namespaces

from kaggle_lab.emulator.testing import EmulatorProcess, wait_until

GPU = {"machineShape": "NvidiaTeslaT4"}
BATCH_RUN = "open('kept.txt', 'w').write('of the batch run')"
NAME = {"userName": "learner", "kernelSlug": "open-me"}

# -- one session that all of these look at ----------------------------------------------------------------


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with EmulatorProcess(tmp_path_factory.mktemp("house")) as process:
        yield process


@pytest.fixture(scope="module")
def owner(house: EmulatorProcess) -> Iterator[Api]:
    """Bare HTTP to that emulator, where the script learner/open-me has run as a batch session."""
    with Api(house.url, (house.username, house.key)) as api:
        save(api, BATCH_RUN, kernelType="script", kernelExecutionType="SAVE_AND_RUN_ALL", isPrivate=False)
        assert api.wait_for("open-me")["status"] == "COMPLETE"
        yield api


@pytest.fixture(scope="module")
def room(house: EmulatorProcess, owner: Api) -> Room:
    """A session without internet, opened and waited for by Kaggle's own client."""
    request = ApiCreateKernelSessionRequest()
    request.slug = REF
    with Sdk(house.url, house.username, house.key) as sdk:
        begun = sdk.kernels.create_kernel_session(request)
        assert not begun.done
        session_id = begun.metadata["kernelSessionId"]
        assert begun.name == f"operations/create-kernel-session/{session_id}"
        ask = sdk.client.common.operations_client.get_operation
        wait_until(lambda: ask(name=begun.name).done, PATIENCE_S, "the operation")
        done = ask(name=begun.name)
    assert done.error is None
    assert done.response["kernelSessionId"] == session_id
    assert done.response["tokenizedJupyterUrl"].startswith(f"{done.response['jupyterUrl']}/?token=")
    return Room(house, session_id, done.response["jupyterUrl"])


@pytest.fixture(scope="module")
def jupyter_kernel(room: Room) -> str:
    return room.new_kernel()


LOOK = f"""
import os
print(os.environ["KAGGLE_KERNEL_RUN_TYPE"], os.getcwd())
for folder in ("datasets/{DATASET}", "{DATASET.partition("/")[2]}"):
    path = f"/kaggle/input/{{folder}}/{{sorted(os.listdir('/kaggle/input/' + folder))[0]}}"
    print(len(open(path, "rb").read()) > 0)
    try:
        open(path, "a")
    except OSError as error:
        print(error.strerror)
"""


@needs_namespaces
def test_code_finds_itself_in_an_interactive_session_with_its_sources(
    room: Room, jupyter_kernel: str
) -> None:
    read_only = ["True", "Read-only file system"]
    assert room.run(LOOK, jupyter_kernel).splitlines() == ["Interactive /kaggle/working", *read_only * 2]


OUTSIDE = """
import socket
try:
    socket.create_connection(("127.0.0.1", PORT), 5)
except OSError as error:
    print(type(error).__name__)
try:
    socket.getaddrinfo("service.invalid", 80)
except OSError as error:
    print(type(error).__name__)
print([name for _, name in socket.if_nameindex()])
"""


@needs_namespaces
def test_without_internet_nothing_is_reached_but_jupyter_is(room: Room, jupyter_kernel: str) -> None:
    code = OUTSIDE.replace("PORT", str(room.emulator.port))
    assert room.run(code, jupyter_kernel).splitlines() == ["ConnectionRefusedError", "gaierror", "['lo']"]


def test_the_address_opens_the_script(room: Room) -> None:
    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(room.url, timeout=PATIENCE_S)
    assert page.status_code == 200
    assert page.url.path == f"{room.url.removeprefix(room.emulator.url)}/lab/tree/script.py"
    assert "JupyterLab" in page.text
    assert httpx.get(f"{room.url}/api/contents/script.py").json()["content"] == BATCH_RUN


def test_uploads_of_any_size_and_kind_pass(room: Room) -> None:
    body = json.dumps({"type": "file", "format": "text", "content": "x" * 3_000_000}).encode()
    pieces = (body[start : start + 65_536] for start in range(0, len(body), 65_536))
    sent = httpx.put(f"{room.url}/api/contents/large.txt", content=pieces, timeout=PATIENCE_S)
    assert sent.status_code == 201
    got = httpx.get(f"{room.url}/files/large.txt", timeout=PATIENCE_S)
    assert len(got.content) == 3_000_000


def test_without_the_secret_there_is_nothing(room: Room) -> None:
    secret = room.url.split("/")[-2]
    assert is_gone(room.url.replace(secret, "0" * len(secret)))
    assert is_gone(room.url.replace(str(room.session_id), str(room.session_id - 1)))
    assert is_gone(room.url.removesuffix("/proxy"))
    assert not is_gone(room.url)


def test_the_secret_is_in_no_log(room: Room) -> None:
    secret = room.url.split("/")[-2]
    for path in ("api", "no-such-page", f"?token={secret}", "../elsewhere"):
        httpx.get(f"{room.url}/{path}")
    requests = room.emulator.requests("Jupyter")
    assert f"/k/{room.session_id}/***/proxy/api" in [row["path"] for row in requests]
    assert {200, 404} <= {row["status"] for row in requests}
    log = (room.emulator.data / "sessions" / str(room.session_id) / "log.ndjson").read_text()
    assert "no-such-page" in log
    everything = json.dumps(room.emulator.requests()) + log
    assert secret not in everything + (room.emulator.data / "stderr.log").read_text()


SPY = """
import os, socket, threading
os.rename("/run/kaggle/server/jupyter.sock", "/run/kaggle/server/real.sock")
spy = socket.socket(socket.AF_UNIX)
spy.bind("/run/kaggle/server/jupyter.sock")
spy.listen()
def once():
    connection, _ = spy.accept()
    head = connection.recv(65536)
    os.rename("/run/kaggle/server/real.sock", "/run/kaggle/server/jupyter.sock")
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(head) + head)
    connection.close()
threading.Thread(target=once).start()
"""


@needs_namespaces
def test_credentials_do_not_reach_the_session(room: Room, jupyter_kernel: str) -> None:
    """A request is answered by whatever listens on the socket, so by a notebook if it wants to."""
    room.run(SPY, jupyter_kernel)
    headers = {"Authorization": "Bearer KGAT_secret", "Cookie": "session=mine", "X-Other": "passes"}
    seen = httpx.get(f"{room.url}/api", headers=headers).text.lower()
    assert "x-other: passes" in seen
    assert "kgat_secret" not in seen
    assert "cookie" not in seen
    assert not is_gone(room.url), "the server is back"


def test_the_batch_version_is_what_the_kernel_calls_describe(room: Room, owner: Api) -> None:
    httpx.put(f"{room.url}/api/contents/mine.txt", json={"type": "file", "format": "text", "content": "x"})
    assert owner.status("open-me").json() == {"status": "COMPLETE"}
    assert [file["fileName"] for file in owner.outputs("open-me")["files"]] == ["kept.txt"]
    assert owner.session_id("open-me") != room.session_id
    assert "LabApp" not in owner.outputs("open-me")["log"]


def test_a_stranger_sees_nothing_of_it_though_the_kernel_is_public(room: Room) -> None:
    emulator = room.emulator
    with Api(emulator.url, (emulator.guest_username, emulator.guest_key)) as stranger:
        assert stranger.rpc("GetKernel", NAME).status_code == 200
        for method in ("GetKernelSessionLogsStream", "DownloadKernelOutputZip", "CancelKernelSession"):
            assert stranger.rpc(method, {"kernelSessionId": room.session_id}).status_code == 403, method
        assert operation(stranger, room.session_id).status_code == 403
        assert create(stranger).status_code == 403


def test_the_overview_leads_to_jupyter(room: Room) -> None:
    overview = httpx.get(room.emulator.url)
    assert "Interactive" in overview.text
    assert f'href="{room.url.removeprefix(room.emulator.url)}/"' in overview.text
    assert "unsafe" not in overview.headers["Content-Security-Policy"]
    assert [row["kind"] for row in room.emulator.sessions()] == ["interactive", "batch"]


# -- what is asked for, without waiting for a server ------------------------------------------------------


@pytest.fixture
def saved(kaggle: EmulatorProcess, api: Api) -> Api:
    """A kernel that was saved and never run; sessions stay queued."""
    kaggle.settings(queue_delay_s=600)
    save(api)
    return api


def spec_of(kaggle: EmulatorProcess, row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((kaggle.data / "sessions" / str(row["id"]) / "spec.json").read_text())
    return found


def test_what_is_not_said_is_as_it_was_saved(saved: Api, kaggle: EmulatorProcess) -> None:
    save(saved, machineShape="NvidiaTeslaT4", enableInternet=True)
    assert create(saved).status_code == 200
    (row,) = kaggle.sessions()
    assert (row["shape"], row["resource"], row["internet"]) == ("NvidiaTeslaT4", "GPU", True)
    spec = spec_of(kaggle, row)
    assert (spec["machine_shape"], spec["internet"], spec["timeout_s"]) == ("NvidiaTeslaT4", True, 43_200)


def test_what_is_said_counts(saved: Api, kaggle: EmulatorProcess) -> None:
    image = "gcr.io/kaggle-images/python@sha256:1"
    create(saved, machineShape="T4x2", enableInternet=True, dockerImage=image)
    (row,) = kaggle.sessions()
    assert (row["shape"], row["resource"]) == ("Gpu", "GPU"), "an unknown shape is the default GPU"
    spec = spec_of(kaggle, row)
    assert (spec["machine_shape"], spec["internet"]) == ("Gpu", True)
    assert spec["env"]["KAGGLE_DOCKER_IMAGE"] == image


def test_the_rest_binding(saved: Api) -> None:
    begun = saved.http.post(f"/api/v1/kernels/create-session/{REF}", json={"enableInternet": False}).json()
    assert begun["done"] is False
    asked = saved.http.post("/api/v1/operations/get", json={"name": begun["name"]})
    assert asked.json() == begun


def test_interactive_and_batch_sessions_have_caps_of_their_own(saved: Api, kaggle: EmulatorProcess) -> None:
    assert create(saved, **GPU).status_code == 200
    full = create(saved, **GPU)
    assert (full.status_code, message(full)) == (429, "Maximum interactive GPU session count of 1 reached.")
    kaggle.settings(max_interactive_cpu_sessions=2, max_cpu_sessions=1)
    assert [create(saved).status_code for _ in range(3)] == [200, 200, 429]
    assert saved.push("in-batch", enableGpu=True).json()["error"] == ""
    assert saved.push("in-batch-too").json()["error"] == ""


def test_quota_is_reserved_and_refused(saved: Api, kaggle: EmulatorProcess) -> None:
    create(saved, **GPU)
    assert saved.rpc("GetAcceleratorQuotaStatistics").json()["gpuQuota"]["timeReserved"] == "43200s"
    kaggle.settings(max_interactive_gpu_sessions=9)
    kaggle.control("accounts", {"username": "learner", "gpu_used_hours": 30})
    spent = create(saved, **GPU)
    assert (spent.status_code, message(spent)) == (429, "Maximum weekly GPU quota of 30.00 hours reached.")


def test_what_does_not_exist_or_belongs_to_others_is_denied(saved: Api, guest: Api) -> None:
    for client, slug in ((guest, REF), (saved, "learner/not-there"), (saved, "")):
        answer = client.rpc("CreateKernelSession", {"slug": slug})
        assert (answer.status_code, message(answer)) == (403, "Permission 'kernels.get' was denied")
    session_id = create(saved).json()["metadata"]["kernelSessionId"]
    for client, number in ((guest, session_id), (saved, session_id + 1), (saved, 0)):
        answer = operation(client, number)
        assert (answer.status_code, message(answer)) == (403, "Permission 'kernelSessions.get' was denied")
    assert saved.rpc("GetOperation", {"name": "operations/else"}, OPERATIONS).status_code == 403
    assert create(saved, language="cobol").status_code == 400


def test_an_account_without_verification_gets_neither_internet_nor_gpu(
    saved: Api, guest: Api, kaggle: EmulatorProcess
) -> None:
    guest.push("guest/my-own", kernelExecutionType="QUICK_SAVE")
    own = {"slug": "guest/my-own"}
    for wish, permission in (({"enableInternet": True}, "enableInternet"), (GPU, "enableGpu")):
        answer = create(guest, **own, **wish)
        assert answer.status_code == 403
        assert message(answer) == f"Permission 'kernelSessions.{permission}' was denied"
    kaggle.settings(unverified_gpu="cpu")
    assert create(guest, **own, **GPU).status_code == 200
    assert kaggle.sessions()[0]["resource"] == "CPU"


@pytest.mark.parametrize(("method", "fields"), [("CancelKernelSession", {}), ("DeleteKernel", NAME)])
def test_stopped_before_it_was_ready_the_operation_fails(
    saved: Api, method: str, fields: dict[str, str]
) -> None:
    session_id = create(saved).json()["metadata"]["kernelSessionId"]
    saved.rpc(method, {"kernelSessionId": session_id, **fields})
    done = until_done(saved, session_id)
    assert done["error"] == {"code": 499, "message": "The kernel session was stopped before it was ready."}
    assert "response" not in done


def test_when_it_cannot_start_the_operation_fails(saved: Api, kaggle: EmulatorProcess) -> None:
    session_id = create(saved).json()["metadata"]["kernelSessionId"]
    os.kill(kaggle.sessions()[0]["pid"], signal.SIGKILL)
    done = until_done(saved, session_id)
    assert done["error"] == {"code": 500, "message": "The kernel session could not be started."}


# -- how it ends ------------------------------------------------------------------------------------------


@pytest.fixture
def living(kaggle: EmulatorProcess, api: Api) -> Room:
    """A session on a GPU, of a notebook."""
    save(api)
    return open_room(kaggle, api, **GPU)


def test_cancelling_ends_it(living: Room, api: Api) -> None:
    assert api.cancel(living.session_id).json() == {"errorMessage": ""}
    assert is_gone(living.url), "at once"
    assert living.wait_for_end()["status"] == "CANCEL_ACKNOWLEDGED"
    assert api.rpc("GetAcceleratorQuotaStatistics").json()["gpuQuota"]["timeReserved"] == "0s"
    assert api.cancel(living.session_id).json()["errorMessage"]
    assert "response" in operation(api, living.session_id).json(), "it was ready"


def test_shut_down_from_within_it_is_complete_and_no_output_of_the_kernel(living: Room, api: Api) -> None:
    listed = httpx.get(f"{living.url}/api/contents").json()["content"]
    assert [entry["name"] for entry in listed] == ["__notebook__.ipynb"]
    assert httpx.post(f"{living.url}/api/shutdown").status_code == 200
    assert living.wait_for_end()["status"] == "COMPLETE"
    assert is_gone(living.url)
    assert api.status("open-me").json() == {"status": "ERROR", "failureMessage": ""}, "saved, not run"
    assert api.rpc("DownloadKernelOutputZip", {"kernelSessionId": living.session_id}).status_code == 404
    reader = api.push("reads-it", kernelDataSources=[REF]).json()
    assert reader["invalidKernelSources"] == [REF]


RUNNING_CELL = """
import pathlib, time
print("begun", flush=True)
while not pathlib.Path("/kaggle/working/go-on").exists():
    time.sleep(0.05)
"""


def wait_for_notes(room: Room) -> None:
    """Wait until the server has told twice more how it is used."""
    path = room.emulator.data / "sessions" / str(room.session_id) / "server" / "activity.json"
    for _ in range(2):
        before = path.read_text()
        wait_until(lambda before=before: path.read_text() != before, PATIENCE_S, "another note")


@needs_namespaces
def test_it_ends_when_nobody_uses_it_and_not_while_a_cell_runs(living: Room) -> None:
    kernel = living.new_kernel()
    living.begin(RUNNING_CELL, kernel)
    living.emulator.advance(3600)
    wait_for_notes(living)
    assert living.row["stop_reason"] is None, "an hour with a running cell"
    (living.emulator.data / "sessions" / str(living.session_id) / "working" / "go-on").touch()
    living.run("pass", kernel)
    living.emulator.advance(1100)
    wait_for_notes(living)
    assert living.row["stop_reason"] is None, "less than twenty minutes"
    living.emulator.advance(200)
    ended = living.wait_for_end()
    assert (ended["status"], ended["stop_reason"]) == ("CANCEL_ACKNOWLEDGED", "idle")
    assert is_gone(living.url)


def test_it_ends_with_its_time(kaggle: EmulatorProcess, api: Api) -> None:
    save(api)
    create(api)
    wait_until(lambda: kaggle.sessions()[0]["status"] == "RUNNING", PATIENCE_S)
    kaggle.advance(12 * 3600 + 5)
    (ended,) = kaggle.wait_for_sessions()
    assert (ended["status"], ended["stop_reason"]) == ("CANCEL_ACKNOWLEDGED", "timeout")


# -- emulators of their own -------------------------------------------------------------------------------


def test_it_outlives_the_emulator_at_the_same_path(tmp_path: Path) -> None:
    """Also in a folder whose name is longer than a socket's may be."""
    data = tmp_path / "a-long-name" / ("x" * 100)
    with EmulatorProcess(data) as own, Api(own.url, (own.username, own.key)) as api:
        save(api)
        room = open_room(own, api)
        path = room.url.removeprefix(own.url)
        own.stop()
        own.port = 0
        own.start()
        assert httpx.get(f"{own.url}{path}/api").json()["version"]
        own.kill()
        own.start()
        assert httpx.get(f"{own.url}{path}/api").json()["version"]
        with Api(own.url, (own.username, own.key)) as again:
            addresses = operation(again, room.session_id).json()["response"]
            assert addresses["jupyterUrl"] == f"{own.url}{path}"
            again.cancel(room.session_id)
            wait_until(lambda: is_gone(f"{own.url}{path}"), PATIENCE_S, "the end")


def test_without_namespaces_it_works_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_EMULATOR_ISOLATION", "fallback")
    with EmulatorProcess(tmp_path) as own, Api(own.url, (own.username, own.key)) as api:
        save(api)
        room = open_room(own, api)
        assert httpx.get(f"{room.url}/api/contents/__notebook__.ipynb").json()["type"] == "notebook"
        printed = room.run("import os\nprint(os.environ['KAGGLE_KERNEL_RUN_TYPE'], os.listdir())")
        assert printed == "Interactive ['__notebook__.ipynb']\n"
