"""SaveKernel: what is created, changed in silence, refused, and in which words."""

from __future__ import annotations

import pytest
from emulator_clients import FOREVER, Api, Sdk, message, notebook

from kaggle_lab.emulator.testing import EmulatorProcess

QUICK = {"kernelExecutionType": "QUICK_SAVE"}


def metadata(api: Api, slug: str, label: str = "") -> dict[str, object]:
    response = api.rpc("GetKernel", {"userName": "learner", "kernelSlug": slug, "versionLabel": label})
    assert response.status_code == 200, response.text
    found: dict[str, object] = response.json()["metadata"]
    return found


def test_first_push_answers_as_kaggle_does(api: Api, kaggle: EmulatorProcess) -> None:
    body = api.push("my-note", notebook("1"), kernelType="notebook", **QUICK).json()
    assert isinstance(body.pop("kernelId"), int)
    assert body == {
        "ref": "/code/learner/my-note",
        "url": f"{kaggle.url}/code/learner/my-note",
        "versionNumber": 1,
        "error": "",
        "invalidTags": [],
        "invalidDatasetSources": [],
        "invalidCompetitionSources": [],
        "invalidKernelSources": [],
        "invalidModelSources": [],
    }


def test_session_id_appears_in_the_reply_when_switched_on(api: Api, kaggle: EmulatorProcess) -> None:
    assert "kernelSessionId" not in api.push("one-run").json()
    kaggle.settings(session_id_in_save=True)
    session_id = api.push("one-run").json()["kernelSessionId"]
    assert api.session_id("one-run", 2) == session_id
    assert "kernelSessionId" not in api.push("one-run", **QUICK).json()


def test_a_new_kernel_appears_where_its_title_says(api: Api) -> None:
    body = api.push("some-id", newTitle="Über  my_Ünique (2) notebook", **QUICK).json()
    assert body["ref"] == "/code/learner/uber-my-unique-2-notebook"


def test_underscores_in_the_id_clash_on_the_second_push(api: Api) -> None:
    assert api.push("my_note", newTitle="My note", **QUICK).json()["ref"] == "/code/learner/my-note"
    response = api.push("my_note", newTitle="My note", **QUICK)
    assert response.status_code == 409
    assert response.json() == {
        "error": {
            "code": 409,
            "message": "The requested title is already in use by a notebook. Please choose another title.",
            "status": "ALREADY_EXISTS",
        }
    }


def test_a_rename_moves_the_slug_and_the_old_one_dies(api: Api) -> None:
    first = api.push("old-name", **QUICK).json()
    renamed = api.push("old-name", newTitle="New Name", **QUICK).json()
    assert (renamed["ref"], renamed["versionNumber"]) == ("/code/learner/new-name", 2)
    assert renamed["kernelId"] == first["kernelId"]
    assert api.status("old-name").status_code == 403


def test_a_rename_may_keep_the_slug(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.settings(rename_moves_slug=False)
    api.push("old-name", **QUICK)
    assert api.push("old-name", newTitle="New Name", **QUICK).json()["ref"] == "/code/learner/old-name"
    assert metadata(api, "old-name")["title"] == "New Name"


def test_a_rename_onto_another_kernel_is_a_clash(api: Api) -> None:
    api.push("first-one", **QUICK)
    api.push("second-one", **QUICK)
    assert api.push("second-one", newTitle="First One", **QUICK).status_code == 409
    assert metadata(api, "second-one")["currentVersionNumber"] == 1


def test_id_beats_slug(api: Api) -> None:
    kernel_id = api.push("first-one", **QUICK).json()["kernelId"]
    body = api.push("whatever", newTitle="First One", id=kernel_id, **QUICK).json()
    assert (body["ref"], body["versionNumber"]) == ("/code/learner/first-one", 2)


@pytest.mark.parametrize(
    ("slug", "title"),
    [("2fast", "2 Fast Too"), ("ab-cd", "🚀🚀🚀🚀🚀"), ("übung", "Übung macht"), ("ab-cde", "42 is it")],
)
def test_slugs_kaggle_cannot_find(api: Api, slug: str, title: str) -> None:
    assert api.rejection(f"learner/{slug}", newTitle=title) == "Notebook not found"


def test_an_unknown_id_is_not_found(api: Api) -> None:
    assert api.rejection("my-note", id=12345) == "Notebook not found"


def test_the_title_has_a_length(api: Api) -> None:
    assert api.rejection("abcd", newTitle="abcd") == "Title must be at least five characters"
    assert "at most 50" in api.rejection("a" * 51, newTitle="a" * 51)
    assert api.push("a" * 50, newTitle="a" * 50, **QUICK).json()["versionNumber"] == 1


def test_the_kernel_type_is_fixed(api: Api) -> None:
    api.push("my-script", **QUICK)
    assert api.rejection("my-script", kernelType="notebook") == "You cannot change the editor type"


def test_another_owners_slug_is_denied(api: Api, guest: Api) -> None:
    api.push("my-note", **QUICK)
    response = guest.push("learner/my-note", newTitle="My Note", **QUICK)
    assert response.status_code == 403
    assert metadata(api, "my-note")["currentVersionNumber"] == 1


def test_the_source_may_not_exceed_a_mebibyte(api: Api) -> None:
    assert api.push("big-one", "#" * 1_048_576, **QUICK).json()["versionNumber"] == 1
    response = api.push("big-one", "é" * 524_289, **QUICK)
    assert (response.status_code, message(response)) == (400, "Bad Request")
    huge = api.push("big-one", "#" * 11_000_000, **QUICK)
    assert huge.status_code == 400
    assert huge.headers["Content-Type"].startswith("text/html")
    assert metadata(api, "big-one")["currentVersionNumber"] == 1


def test_invalid_sources_are_dropped_and_named(api: Api) -> None:
    body = api.push(
        "with-inputs",
        **QUICK,
        datasetDataSources=["nobody/nothing"],
        competitionDataSources=["titanic"],
        kernelDataSources=["learner/none"],
        modelDataSources=["google/gemma/keras/2b/1"],
        categoryIds=["gpu", "no such tag"],
    ).json()
    assert body["versionNumber"] == 1
    assert body["invalidDatasetSources"] == ["nobody/nothing"]
    assert body["invalidCompetitionSources"] == ["titanic"]
    assert body["invalidKernelSources"] == ["learner/none"]
    assert body["invalidModelSources"] == ["google/gemma/keras/2b/1"]
    assert body["invalidTags"] == ["no such tag"]
    stored = metadata(api, "with-inputs")
    assert (stored["datasetDataSources"], stored["categoryIds"]) == ([], ["gpu"])


def test_a_complete_kernels_output_is_mounted_in_both_places(api: Api) -> None:
    api.push("the-source", "open('made.txt', 'w').write('seven')")
    assert api.wait_for("the-source")["status"] == "COMPLETE"
    reader = (
        "for path in ('/kaggle/input/notebooks/learner/the-source', '/kaggle/input/the-source'):\n"
        "    print(open(path + '/made.txt').read())\n"
    )
    body = api.push("the-reader", reader, kernelDataSources=["learner/the-source/7"]).json()
    assert body["invalidKernelSources"] == []
    ended = api.wait_for("the-reader")
    log = api.outputs("the-reader")["log"]
    assert (ended["status"], log.count("seven")) == ("COMPLETE", 2), log


@pytest.mark.parametrize(
    ("asked", "stored", "gpu", "tpu"),
    [
        ({}, "None", False, False),
        ({"enableGpu": True}, "Gpu", True, False),
        ({"enableTpu": True}, "TpuV5E8", False, True),
        ({"machineShape": "None", "enableGpu": True}, "None", False, False),
        ({"machineShape": "NvidiaTeslaT4"}, "NvidiaTeslaT4", True, False),
        ({"machineShape": "nvidiaTeslaT4"}, "Gpu", True, False),
        ({"machineShape": "T4x2"}, "Gpu", True, False),
        ({"machineShape": "NvidiaTeslaP100"}, "NvidiaTeslaT4", True, False),
        ({"machineShape": "TpuV38"}, "TpuV5E8", False, True),
        ({"machineShape": "TpuV2256"}, "None", False, False),
        ({"machineShape": "NvidiaH100"}, "NvidiaH100", True, False),
    ],
)
def test_machine_shapes_change_in_silence(
    api: Api, asked: dict[str, object], stored: str, gpu: bool, tpu: bool
) -> None:
    assert api.push("shape-test", **QUICK, **asked).json()["error"] == ""
    found = metadata(api, "shape-test")
    assert (found["machineShape"], found["enableGpu"], found["enableTpu"]) == (stored, gpu, tpu)


def test_a_gpu_session_says_that_it_has_none(api: Api) -> None:
    api.push("on-gpu", "print('hello')", machineShape="NvidiaTeslaT4")
    api.wait_for("on-gpu")
    first = api.outputs("on-gpu")["log"].splitlines()[0]
    assert "No GPU is emulated: asked for NvidiaTeslaT4" in first


def test_caps_reject_and_name_the_number(api: Api, kaggle: EmulatorProcess) -> None:
    for n in range(5):
        assert api.push(f"cpu-number-{n}", FOREVER).json()["error"] == ""
    assert api.rejection("cpu-number-5") == "Maximum batch CPU session count of 5 reached."
    for n in range(2):
        assert api.push(f"gpu-number-{n}", FOREVER, enableGpu=True).json()["error"] == ""
    refusal = api.rejection("gpu-number-2", enableGpu=True)
    assert refusal == "Maximum batch GPU session count of 2 reached."
    assert api.push("tpu-number-0", FOREVER, enableTpu=True).json()["error"] == ""
    assert api.rejection("tpu-number-1", enableTpu=True) == "Maximum batch TPU session count of 1 reached."
    assert api.status("gpu-number-2").status_code == 403, "a rejected push leaves no kernel"
    assert api.push("gpu-number-2", **QUICK, enableGpu=True).json()["error"] == "", "saving needs no slot"


def test_used_up_quota_rejects(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.control("accounts", {"username": "learner", "gpu_used_hours": 30})
    assert api.rejection("on-gpu", enableGpu=True) == "Maximum weekly GPU quota of 30.00 hours reached."
    assert api.push("on-cpu", "print(1)").json()["error"] == ""


def test_reserved_quota_rejects(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.control("accounts", {"username": "learner", "gpu_used_hours": 20})
    assert api.push("on-gpu", FOREVER, enableGpu=True).json()["error"] == ""
    assert api.rejection("on-gpu-too", enableGpu=True) == (
        "Session cannot start because currently running sessions are projected to exceed maximum weekly"
        " GPU quota of 30. Cancelling running sessions may allow starting new sessions."
    )


def test_a_short_time_cap_reserves_less(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.control("accounts", {"username": "learner", "gpu_used_hours": 20})
    api.push("on-gpu", FOREVER, enableGpu=True, sessionTimeoutSeconds=600)
    assert api.push("on-gpu-too", FOREVER, enableGpu=True).json()["error"] == ""


def test_an_unverified_account_gets_no_internet_and_no_gpu(guest: Api, kaggle: EmulatorProcess) -> None:
    internet = guest.rejection("guest/my-note", enableInternet=True)
    assert internet == "Permission 'kernelSessions.enableInternet' was denied"
    gpu = guest.rejection("guest/my-note", enableGpu=True)
    assert gpu == "Permission 'kernelSessions.enableGpu' was denied"
    assert guest.push("guest/my-note", "print(1)").json()["error"] == ""


def test_an_unverified_gpu_push_may_run_on_cpu_instead(guest: Api, kaggle: EmulatorProcess) -> None:
    kaggle.settings(unverified_gpu="cpu")
    assert guest.push("guest/my-note", "print(1)", enableGpu=True).json()["error"] == ""
    assert kaggle.sessions()[0]["resource"] == "CPU"


@pytest.mark.parametrize(
    "fields",
    [
        {"kernelType": "novel"},
        {"language": "cobol"},
        {"kernelExecutionType": "FAST"},
        {"isPrivate": "perhaps"},
        {"datasetDataSources": "a/b"},
        {"sessionTimeoutSeconds": "soon"},
        {"text": None},
    ],
)
def test_bad_fields_are_bad_requests(api: Api, fields: dict[str, object]) -> None:
    response = api.push("bad-one", **{**QUICK, **fields})
    assert response.status_code == 400
    assert message(response)


def test_enums_are_read_in_every_spelling(sdk: Sdk, api: Api) -> None:
    for spelling in ("QUICK_SAVE", "quick_save", "quickSave", 3):
        body = api.push("spelled-out", kernelExecutionType=spelling).json()
        assert body["error"] == ""
        assert api.status("spelled-out").json() == {"status": "ERROR", "failureMessage": ""}


def test_every_push_replaces_the_text_unless_it_brings_none(api: Api) -> None:
    api.push("my-note", "print('one')", **QUICK)
    body = {"slug": "learner/my-note", "kernelType": "script", "enableInternet": False, **QUICK}
    assert api.rpc("SaveKernel", body).json()["versionNumber"] == 2
    blob = api.rpc("GetKernel", {"userName": "learner", "kernelSlug": "my-note"}).json()["blob"]
    assert blob == {"source": "print('one')", "language": "python", "kernelType": "script", "slug": "my-note"}


def test_strict_ids_must_agree_with_their_title(api: Api, kaggle: EmulatorProcess) -> None:
    kaggle.settings(strict_new_slug=True)
    assert api.rejection("some-id", newTitle="Another Title") == "Notebook not found"
