"""Faults on demand, the control API, unknown methods, bad bodies, the REST binding."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from emulator_clients import SERVICE, Api, Sdk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaggle_lab.emulator.testing import EmulatorError, EmulatorProcess, wait_until

QUICK = {"kernelExecutionType": "QUICK_SAVE"}


def test_a_fault_applies_to_the_next_calls_of_its_method_only(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.fault("ListKernels", count=2, status=429, retry_after="7", message="Too many requests")
    assert api.rpc("GetAcceleratorQuotaStatistics").status_code == 200
    for _ in range(2):
        response = api.rpc("ListKernels")
        assert response.headers["Retry-After"] == "7"
        assert response.json() == {
            "error": {"code": 429, "message": "Too many requests", "status": "RESOURCE_EXHAUSTED"}
        }
    assert api.rpc("ListKernels").status_code == 200
    assert [row["fault"] for row in kaggle.requests("ListKernels")] == [True, True, False]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500, 503])
def test_every_status_comes_nested_flat_and_as_html(api: Api, kaggle: EmulatorProcess, status: int) -> None:
    for envelope in ("nested", "flat", "html"):
        kaggle.fault("ListKernels", status=status, envelope=envelope, message="on purpose")
    assert api.rpc("ListKernels").json()["error"]["message"] == "on purpose"
    assert api.rpc("ListKernels").json() == {"code": status, "message": "on purpose"}
    page = api.rpc("ListKernels")
    assert (page.status_code, page.headers["Content-Type"]) == (status, "text/html; charset=utf-8")


def test_html_with_status_200_is_possible(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.fault("ListKernels", status=200, envelope="html")
    response = api.rpc("ListKernels")
    assert response.status_code == 200
    assert response.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(("drop", "versions"), [("before", 0), ("after", 1)])
def test_a_connection_is_cut_before_or_after_the_work(
    api: Api, kaggle: EmulatorProcess, drop: str, versions: int
) -> None:
    kaggle.fault("SaveKernel", drop=drop)
    with pytest.raises(httpx.RemoteProtocolError):
        api.push("lost-answer", **QUICK)
    found = api.rpc("GetKernel", {"userName": "learner", "kernelSlug": "lost-answer"})
    assert (found.json()["metadata"]["currentVersionNumber"] if found.status_code == 200 else 0) == versions
    assert kaggle.requests("SaveKernel")[0]["status"] == 499


def test_an_error_may_hide_that_the_work_was_done(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.fault("SaveKernel", status=500, after_work=True)
    assert api.push("half-done", **QUICK).status_code == 500
    assert api.status("half-done").status_code == 200


def test_output_files_can_break_off(api: Api, kaggle: EmulatorProcess) -> None:
    api.push("with-file", "open('f.bin', 'wb').write(bytes(100_000))")
    api.wait_for("with-file")
    link = api.link("with-file", "f.bin")
    kaggle.fault("OutputFile", drop_after_bytes=60_000)
    got = b""
    with pytest.raises(httpx.RemoteProtocolError), httpx.stream("GET", link) as response:
        for chunk in response.iter_raw():
            got += chunk
    assert len(got) == 60_000
    rest = httpx.get(link, headers={"Range": "bytes=60000-"})
    assert len(got + rest.content) == 100_000


def test_delays_are_served(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.fault("ListKernels", delay_s=0.3)
    api.rpc("ListKernels")
    api.rpc("ListKernels")
    slow, quick = kaggle.requests("ListKernels")
    assert (slow["fault"], quick["fault"]) == (True, False)
    assert slow["duration_ms"] >= 300


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", {"method": "X", "status": 42}),
        ("faults", {"method": "X", "count": 0}),
        ("faults", {"methods": "X"}),
        ("faults", {"drop": "sometimes"}),
        ("settings", {"no_such_setting": 1}),
        ("settings", {"queue_delay_s": "long"}),
        ("settings", {"post_push_mode": "odd"}),
        ("settings", {"max_gpu_sessions": -1}),
        ("clock", {"seconds": -1}),
        ("clock", {}),
        ("accounts", {"username": "stranger", "verified": True}),
        ("accounts", {"username": "stranger", "token": "KGAT_x"}),
        ("nothing", {}),
    ],
)
def test_the_control_api_refuses_nonsense(kaggle: EmulatorProcess, path: str, body: dict[str, Any]) -> None:
    before = kaggle.control("state")["settings"]
    with pytest.raises(EmulatorError, match=r"^40[04]: "):
        kaggle.control(path, body)
    assert kaggle.control("state")["settings"] == before


def test_the_control_api_is_for_this_machines_programs_only(kaggle: EmulatorProcess) -> None:
    other = httpx.post(f"{kaggle.url}/_emu/reset", json={}, headers={"Host": "evil.example"})
    assert other.status_code == 403
    form = httpx.post(f"{kaggle.url}/_emu/reset", content="{}", headers={"Content-Type": "text/plain"})
    assert form.status_code == 415
    assert httpx.get(f"{kaggle.url}/", headers={"Host": "evil.example:80"}).status_code == 403


def test_reset_forgets_everything_but_the_seeds(api: Api, kaggle: EmulatorProcess) -> None:
    api.push("endless-one", "import time\ntime.sleep(3600)")
    session = kaggle.sessions()[0]
    kaggle.settings(gpu_quota_hours=1)
    kaggle.control("clock", {"seconds": 1000})
    kaggle.fault("*", status=500, count=100)
    kaggle.control("reset", {})
    state = kaggle.control("state")
    assert (state["settings"]["gpu_quota_hours"], state["clock"]["offset_s"], state["faults"]) == (30, 0, [])
    assert api.rpc("ListKernels", {"group": "PROFILE"}).json()["kernels"] == []
    assert kaggle.sessions() == []
    folder = kaggle.data / "sessions" / str(session["id"])
    assert wait_until(lambda: not folder.exists()), "the run has ended and left nothing"


def test_unknown_methods_say_their_name(api: Api) -> None:
    for service, method in ((SERVICE, "PaintKernel"), ("datasets.DatasetApiService", "PaintDataset")):
        response = api.rpc(method, {}, service)
        assert response.status_code == 501
        assert f"{service}/{method}" in response.json()["error"]["message"]
        assert response.json()["error"]["status"] == "UNIMPLEMENTED"
    assert api.http.get("/api/v1/nothing/here").status_code == 404


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff\xfe", b'{"text": "\\ud800"}', b"null", b"[" * 100_000])
def test_bad_json_is_a_bad_request(api: Api, body: bytes) -> None:
    response = api.http.post(f"/api/v1/{SERVICE}/SaveKernel", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["status"] == "INVALID_ARGUMENT"


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())
NAMES = st.sampled_from(
    [
        "slug",
        "newTitle",
        "text",
        "kernelType",
        "language",
        "id",
        "machineShape",
        "categoryIds",
        "isPrivate",
        "kernelSlug",
        "userName",
        "versionLabel",
        "pageSize",
        "pageToken",
        "kernelSessionId",
        "kernelDataSources",
        "group",
        "sortBy",
        "kernelExecutionType",
        "sessionTimeoutSeconds",
        "versionNumber",
        "filePath",
        "unknown",
    ]
)
METHODS = [
    "SaveKernel",
    "GetKernel",
    "ListKernels",
    "ListKernelSessionOutput",
    "CancelKernelSession",
    "DeleteKernel",
]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=st.sampled_from([*METHODS, "DownloadKernelOutput"]), body=st.dictionaries(NAMES, VALUES))
def test_no_request_is_an_internal_error(api: Api, method: str, body: dict[str, Any]) -> None:
    content = json.dumps({"kernelExecutionType": "QUICK_SAVE", **body}).encode()
    response = api.http.post(f"/api/v1/{SERVICE}/{method}", content=content)
    assert response.status_code in (200, 302, 400, 403, 404, 409), response.text


def test_errors_are_flat_on_rest_and_switchable_on_rpc(api: Api, kaggle: EmulatorProcess) -> None:
    flat = {"code": 403, "message": "Permission 'kernels.get' was denied"}
    rest = api.http.get("/api/v1/kernels/status", params={"userName": "learner", "kernelSlug": "none-such"})
    assert rest.json() == flat
    kaggle.settings(rpc_envelope="flat")
    assert api.status("none-such").json() == flat


def test_the_rest_binding_serves_the_same_data(api: Api) -> None:
    pushed = api.http.post(
        "/api/v1/kernels/push",
        json={"slug": "learner/by-rest", "newTitle": "By Rest", "text": "open('a.txt','w').write('x')"}
        | {"kernelType": "script", "language": "python", "enableInternet": False},
    )
    assert pushed.json()["versionNumber"] == 1
    api.wait_for("by-rest")
    who = {"userName": "learner", "kernelSlug": "by-rest"}
    status = api.http.get("/api/v1/kernels/status", params=who).json()
    assert status["status"] == "COMPLETE"
    output = api.http.get("/api/v1/kernels/output", params={**who, "pageSize": "5"}).json()
    assert output["files"][0]["urlNullable"] == output["files"][0]["url"]
    assert output["hasLog"] is True
    assert api.http.get("/api/v1/kernels/pull", params=who).json()["blob"]["slug"] == "by-rest"
    assert len(api.http.get("/api/v1/kernels/files", params=who).json()["files"]) == 1
    assert len(api.http.get("/api/v1/kernels/list", params={"group": "profile"}).json()["kernels"]) == 1
    assert "gpuQuota" in api.http.get("/api/v1/kernels/quota").json()
    file = api.http.get("/api/v1/kernels/output/download/learner/by-rest/a.txt", follow_redirects=True)
    assert file.text == "x"
    session_id = api.session_id("by-rest")
    assert api.http.get(f"/api/v1/kernels/output/download_zip/{session_id}").content.startswith(b"PK")
    assert api.http.post(f"/api/v1/kernels/cancel-session/{session_id}").json()["errorMessage"]
    assert api.http.post("/api/v1/kernels/delete/learner/by-rest").status_code == 200
    assert api.http.get("/api/v1/kernels/status", params=who).status_code == 403


def test_the_journal_knows_calls_but_no_secrets(api: Api, kaggle: EmulatorProcess) -> None:
    api.push("with-file", "open('f.txt', 'w').write('x')")
    api.wait_for("with-file")
    httpx.get(api.link("with-file", "f.txt"))
    rows = kaggle.requests()
    assert {"SaveKernel", "GetKernelSessionStatus", "OutputFile"} <= {row["call"] for row in rows}
    assert [row["n"] for row in rows] == sorted(row["n"] for row in rows)
    assert "signature" not in str(rows)
    assert kaggle.key not in str(rows)
    kaggle.control("requests", method="DELETE")
    assert kaggle.requests() == []


def test_one_connection_serves_many_calls(sdk: Sdk, api: Api) -> None:
    api.push("my-note", **QUICK)
    for _ in range(20):
        assert sdk.status("my-note").status.name == "ERROR"
