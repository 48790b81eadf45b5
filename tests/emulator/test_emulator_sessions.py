"""Sessions: states, versions side by side, cancel, delete, quota and the clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from emulator_clients import FOREVER, Api, Sdk, message

from kaggle_lab.emulator.testing import EmulatorProcess, wait_until

QUICK = {"kernelExecutionType": "QUICK_SAVE"}


def quota(api: Api, resource: str = "gpu") -> dict[str, Any]:
    response = api.rpc("GetAcceleratorQuotaStatistics")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()[f"{resource}Quota"]
    return found


def seconds(text: str) -> float:
    assert text.endswith("s")
    return float(text[:-1])


def test_a_run_goes_through_its_states(sdk: Sdk, kaggle: EmulatorProcess) -> None:
    kaggle.settings(queue_delay_s=0.5)
    sdk.push("a-script", "print('hello')")
    assert sdk.status("a-script").status.name == "QUEUED"
    sdk.wait_for("a-script", "RUNNING", "COMPLETE")
    assert sdk.wait_for("a-script").status.name == "COMPLETE"


def test_a_failing_script_is_an_error_without_a_message(api: Api) -> None:
    api.push("a-script", "raise SystemExit(3)")
    assert api.wait_for("a-script") == {"status": "ERROR", "failureMessage": ""}


def test_a_timed_out_run_is_cancelled_with_kaggles_words(api: Api) -> None:
    api.push("a-script", FOREVER, sessionTimeoutSeconds=1)
    assert api.wait_for("a-script") == {
        "status": "CANCEL_ACKNOWLEDGED",
        "failureMessage": "Your notebook was stopped because it exceeded the max allowed execution duration.",
    }


def test_twelve_hours_pass_at_once_when_the_clock_is_moved(api: Api, kaggle: EmulatorProcess) -> None:
    api.push("on-gpu", FOREVER, enableGpu=True)
    api.wait_for("on-gpu", "RUNNING")
    kaggle.control("clock", {"seconds": 12 * 3600 + 5})
    ended = api.wait_for("on-gpu")
    assert ended["status"] == "CANCEL_ACKNOWLEDGED"
    assert ended["failureMessage"].startswith("Your notebook was stopped because it exceeded")


def test_memory_and_disk_limits_end_a_run_with_kaggles_words(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.settings(cpu_memory_limit_bytes=200_000_000, disk_limit_bytes=3_000_000)
    api.push("memory-eater", "x = bytearray(10**9)\nfor i in range(0, 10**9, 4096): x[i] = 1\n" + FOREVER)
    api.push("disk-eater", "open('big.bin', 'wb').write(bytes(5_000_000))\n" + FOREVER)
    memory, disk = api.wait_for("memory-eater"), api.wait_for("disk-eater")
    assert memory == {
        "status": "ERROR",
        "failureMessage": "Your notebook tried to allocate more memory than is available.",
    }
    assert disk == {
        "status": "ERROR",
        "failureMessage": "Your notebook tried to use more disk space than is available.",
    }


def test_quick_saved_versions_read_as_errors_or_as_missing(api: Api, kaggle: EmulatorProcess) -> None:
    api.push("only-saved", **QUICK)
    assert api.status("only-saved").json() == {"status": "ERROR", "failureMessage": ""}
    assert api.outputs("only-saved") == {"files": [], "log": "", "nextPageToken": ""}
    kaggle.settings(quick_save_status="missing")
    assert api.status("only-saved").status_code == 404


def test_only_the_v_form_of_a_label_names_a_version(api: Api) -> None:
    api.push("two-versions", "print('one')")
    api.wait_for("two-versions")
    api.push("two-versions", "raise SystemExit(1)")
    assert api.wait_for("two-versions", label="v2")["status"] == "ERROR"
    assert api.status("two-versions", "v1").json() == {"status": "COMPLETE"}
    for label in ("1", "v3", "v0", "V1", "latest"):
        assert api.status("two-versions", label).status_code == 404, label
    assert api.status("two-versions/1").status_code == 403
    first = api.rpc("GetKernel", {"userName": "learner", "kernelSlug": "two-versions", "versionLabel": "v1"})
    assert first.json()["blob"]["source"] == "print('one')"
    assert "one" in api.outputs("two-versions", versionLabel="v1")["log"]


def test_two_versions_run_side_by_side_and_status_shows_the_newest(api: Api, kaggle: EmulatorProcess) -> None:
    api.push("side-by-side", FOREVER, enableGpu=True)
    api.push("side-by-side", "print(2)", enableGpu=True)
    assert api.wait_for("side-by-side")["status"] == "COMPLETE"
    assert api.status("side-by-side", "v1").json()["status"] == "RUNNING"
    assert {row["version"] for row in kaggle.sessions()} == {1, 2}


@pytest.mark.parametrize(("mode", "expected"), [("missing", 404), ("stale", 200)])
def test_right_after_a_push_the_status_may_be_missing_or_stale(
    api: Api, kaggle: EmulatorProcess, mode: str, expected: int
) -> None:
    api.push("my-script", "print(1)")
    assert api.wait_for("my-script")["status"] == "COMPLETE"
    kaggle.settings(post_push_window_s=60, post_push_mode=mode)
    api.push("my-script", FOREVER)
    response = api.status("my-script")
    assert response.status_code == expected
    if mode == "stale":
        assert response.json()["status"] == "COMPLETE"
    assert api.status("my-script", "v2").json()["status"] in ("QUEUED", "RUNNING")


def test_missing_and_foreign_kernels_look_alike(api: Api, guest: Api) -> None:
    api.push("my-secret", **QUICK)
    for client, slug in ((api, "no-such-kernel"), (guest, "my-secret")):
        response = client.status(slug)
        assert response.status_code == 403
        assert response.json() == {
            "error": {
                "code": 403,
                "message": "Permission 'kernels.get' was denied",
                "status": "PERMISSION_DENIED",
            }
        }
    api.push("my-secret", isPrivate=False, **QUICK)
    assert guest.status("my-secret").status_code == 200


def test_the_redirect_tells_the_session_id_and_cancel_obeys_it(api: Api) -> None:
    api.push("endless-one", FOREVER)
    with api.http.stream("GET", "/api/v1/kernels/logs/stream/learner/endless-one") as response:
        assert "begun" in next(response.iter_lines())
    session_id = api.session_id("endless-one", 1)
    assert api.cancel(session_id).json() == {"errorMessage": ""}
    assert api.status("endless-one").json()["status"] in ("CANCEL_REQUESTED", "CANCEL_ACKNOWLEDGED")
    assert api.wait_for("endless-one") == {"status": "CANCEL_ACKNOWLEDGED", "failureMessage": ""}
    assert "begun" in api.outputs("endless-one")["log"]


def test_a_queued_session_can_be_cancelled_and_costs_nothing(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.settings(queue_delay_s=600)
    api.push("still-queued", FOREVER, enableGpu=True)
    api.cancel(api.session_id("still-queued"))
    assert api.wait_for("still-queued")["status"] == "CANCEL_ACKNOWLEDGED"
    assert seconds(quota(api)["timeUsed"]) == 0
    assert seconds(quota(api)["timeReserved"]) == 0


def test_cancel_refuses_strangers_and_the_dead(api: Api, guest: Api) -> None:
    api.push("endless-one", FOREVER)
    session_id = api.session_id("endless-one")
    for client, wrong in ((api, 1), (guest, session_id)):
        response = client.cancel(wrong)
        assert (response.status_code, message(response)) == (
            403,
            "Permission 'kernelSessions.cancel' was denied",
        )
    api.cancel(session_id)
    api.wait_for("endless-one")
    response = api.cancel(session_id)
    assert response.status_code == 200
    assert response.json()["errorMessage"]


def test_typed_cancel_through_the_official_client(sdk: Sdk, api: Api) -> None:
    from kagglesdk.kernels.types.kernels_api_service import ApiCancelKernelSessionRequest

    sdk.push("endless-one", FOREVER)
    request = ApiCancelKernelSessionRequest()
    request.kernel_session_id = api.session_id("endless-one")
    assert not sdk.kernels.cancel_kernel_session(request).error_message
    assert sdk.wait_for("endless-one").status.name == "CANCEL_ACKNOWLEDGED"


def test_outputs_of_cancelled_and_timed_out_runs_are_kept_or_not(api: Api, kaggle: EmulatorProcess) -> None:
    text = "open('half.txt', 'w').write('half')\n" + FOREVER
    api.push("cancelled-one", text)
    api.push("timed-out-one", text, sessionTimeoutSeconds=1)
    api.wait_for("timed-out-one")
    api.cancel(api.session_id("cancelled-one"))
    api.wait_for("cancelled-one")
    for slug, switch in (
        ("cancelled-one", "keep_outputs_on_cancel"),
        ("timed-out-one", "keep_outputs_on_timeout"),
    ):
        assert [file["fileName"] for file in api.outputs(slug)["files"]] == ["half.txt"]
        kaggle.settings(**{switch: False})
        assert api.outputs(slug)["files"] == []


def test_delete_stops_a_running_kernel_and_frees_its_slug(api: Api, kaggle: EmulatorProcess) -> None:
    api.push("endless-one", FOREVER, enableGpu=True)
    api.wait_for("endless-one", "RUNNING")
    assert api.rpc("DeleteKernel", {"userName": "learner", "kernelSlug": "endless-one"}).status_code == 200
    assert api.status("endless-one").status_code == 403
    assert api.rpc("DeleteKernel", {"userName": "learner", "kernelSlug": "endless-one"}).status_code == 403
    session = kaggle.wait_for_sessions()[0]
    assert session["status"] == "CANCEL_ACKNOWLEDGED"
    folder = kaggle.data / "sessions" / str(session["id"])
    assert wait_until(lambda: not folder.exists())
    assert api.push("endless-one", "print(1)").json()["versionNumber"] == 1
    assert seconds(quota(api)["timeUsed"]) > 0, "what a deleted kernel used stays used"


def test_quota_is_charged_by_the_clock_and_reserved_by_the_cap(api: Api, kaggle: EmulatorProcess) -> None:
    assert not quota(api)["hasEverRun"]
    api.push("on-gpu", FOREVER, enableGpu=True)
    api.wait_for("on-gpu", "RUNNING")
    kaggle.control("clock", {"seconds": 3600})
    running = quota(api)
    assert 3600 <= seconds(running["timeUsed"]) < 3660
    assert seconds(running["timeUsed"]) + seconds(running["timeReserved"]) == pytest.approx(43_200, abs=1)
    assert (running["totalTimeAllowed"], running["hasEverRun"]) == ("108000s", True)
    api.cancel(api.session_id("on-gpu"))
    api.wait_for("on-gpu")
    ended = quota(api)
    assert 3600 <= seconds(ended["timeUsed"]) < 3660
    assert ended["timeReserved"] == "0s"
    assert quota(api, "tpu")["timeUsed"] == "0s"


def test_quota_is_new_on_saturday_midnight(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.control("accounts", {"username": "learner", "gpu_used_hours": 30})
    refresh = api.rpc("GetAcceleratorQuotaStatistics").json()["quotaRefreshTime"]
    at = datetime.fromisoformat(refresh.replace("Z", "+00:00"))
    assert (at.weekday(), at.hour, at.minute, at.second) == (5, 0, 0, 0)
    now = datetime.fromisoformat(kaggle.control("clock")["clock"]["now"].replace("Z", "+00:00"))
    assert 0 < (at - now).total_seconds() <= 7 * 86_400
    kaggle.control("clock", {"seconds": (at - now).total_seconds() - 60})
    assert seconds(quota(api)["timeUsed"]) == 30 * 3600
    kaggle.control("clock", {"seconds": 120})
    assert seconds(quota(api)["timeUsed"]) == 0
    assert api.rpc("GetAcceleratorQuotaStatistics").json()["quotaRefreshTime"] > refresh


def test_a_lagging_counter_still_holds_the_slot(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.settings(max_gpu_sessions=1, counter_lag_s=300)
    api.push("first-one", "print(1)", enableGpu=True)
    assert api.wait_for("first-one")["status"] == "COMPLETE"
    assert "session count of 1" in api.rejection("second-one", enableGpu=True)
    kaggle.settings(counter_lag_s=0)
    assert api.push("second-one", "print(1)", enableGpu=True).json()["error"] == ""
