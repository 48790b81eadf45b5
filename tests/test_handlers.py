"""REST end to end: a real Jupyter server, a real emulator, and what the browser does in between."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from kaggle_lab.emulator.testing import EmulatorProcess
from kaggle_lab.events import SCHEMA_ID

from .api import Api, check
from .support import make_notebook, until

TRAIN = "open('model.bin', 'wb').write(b'x' * 5000)\nopen('scores.csv', 'w').write('a,b\\n1,2\\n')"


@pytest.fixture
def api(emulator: EmulatorProcess, jp_fetch: Any) -> Api:
    return Api(jp_fetch)


def submission(*sources: str, token: str = "click-1", **fields: Any) -> dict[str, Any]:
    notebook = make_notebook(*(sources or ("print('hello')", TRAIN)))
    return {"notebook_path": "work/train.ipynb", "content": notebook, "client_token": token, **fields}


async def ended(api: Api, job_id: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        job = await api.job(job_id)
        over = job["ended_at"] and job["retrieval"] not in ("pending", "running")
        return job if over else None

    job: dict[str, Any] = await until(look, what="the end of the run")
    return job


async def test_from_the_click_to_the_files(api: Api, jp_root_dir: Path) -> None:
    """The notebook is only on screen: no file of it exists."""
    job = await api.post("jobs", submission(accelerator="t4x2"))
    assert job["status"] in ("queued", "running")
    assert job["endpoint"]["kind"] == "emulator"
    done = await ended(api, job["id"])
    assert (done["status"], done["retrieval"]) == ("complete", "complete")
    outputs = await api.get(f"jobs/{job['id']}/outputs")
    assert {file["name"]: file["size"] for file in outputs["files"]}["model.bin"] == 5000
    folder = jp_root_dir / outputs["folder"]
    assert (folder / "model.bin").read_bytes() == b"x" * 5000
    assert outputs["folder"] == "kaggle-output/work/train/v1"
    assert "url" not in json.dumps(outputs), "signed links stay in the server"
    log = await api.get(f"jobs/{job['id']}/log")
    assert "hello" in "\n".join(line["text"] for line in log["lines"])
    assert not (jp_root_dir / "work").exists()


async def test_history_snapshot_and_list(api: Api) -> None:
    body = submission("1 + 1")
    job = await api.post("jobs", body)
    await ended(api, job["id"])
    detail = await api.get(f"jobs/{job['id']}")
    statuses = [entry["status"] for entry in detail["history"]]
    assert statuses[0] == "submitting"
    assert statuses[-1] == "complete"
    assert await api.get(f"jobs/{job['id']}/snapshot") == body["content"]
    page = await api.get("jobs")
    assert [item["id"] for item in page["jobs"]] == [job["id"]]
    assert (page["total"], page["more"]) == (1, False)
    again = await api.get("jobs", since=page["seq"])
    assert again["jobs"] == []
    assert (await api.get("jobs", active=1))["jobs"] == []
    assert (await api.get("jobs", notebook="RTC:work/train.ipynb"))["jobs"]
    assert not (await api.get("jobs", notebook="other.ipynb"))["jobs"]


async def test_the_same_click_twice_is_one_run(api: Api, emulator: EmulatorProcess) -> None:
    body = submission("print(1)")
    answers = await asyncio.gather(api.call("POST", "jobs", body), api.call("POST", "jobs", body))
    assert sorted(status for status, _ in answers) == [200, 201]
    assert len({job["id"] for _, job in answers}) == 1
    assert len(emulator.requests("SaveKernel")) == 1


async def test_log_by_cursor_and_tail(api: Api) -> None:
    job = await api.post("jobs", submission("for i in range(50): print('line', i)"))
    await ended(api, job["id"])
    path = f"jobs/{job['id']}/log"
    whole = await api.get(path)
    assert [line["n"] for line in whole["lines"]] == list(range(whole["count"]))
    first = await api.get(path, limit=10)
    rest = await api.get(path, after=first["next"])
    assert first["lines"] + rest["lines"] == whole["lines"]
    assert (await api.get(path, after=rest["next"]))["lines"] == []
    assert (await api.get(path, tail=5))["lines"] == whole["lines"][-5:]
    assert (await api.get(path, tail=20_000))["lines"] == whole["lines"]


async def test_stop(api: Api) -> None:
    job = await api.post("jobs", submission("import time; print('go', flush=True); time.sleep(600)"))

    async def runs() -> bool:
        return (await api.job(job["id"]))["status"] == "running"

    await until(runs)
    status, answer = await api.call("DELETE", f"jobs/{job['id']}")
    assert (status, answer["code"]) == (409, "job_busy")
    status, stopping = await api.call("POST", f"jobs/{job['id']}/stop")
    assert status == 202
    assert stopping["stop_requested_at"]
    assert (await ended(api, job["id"]))["status"] == "cancelled"
    status, answer = await api.call("POST", f"jobs/{job['id']}/stop")
    assert (status, answer["code"]) == (409, "job_finished")


async def test_remove_takes_it_off_the_list_and_keeps_the_files(api: Api, jp_root_dir: Path) -> None:
    job = await api.post("jobs", submission())
    done = await ended(api, job["id"])
    seq = (await api.get("jobs"))["seq"]
    status, _ = await api.call("DELETE", f"jobs/{job['id']}")
    assert status == 204
    page = await api.get("jobs", since=seq)
    assert page["removed"] == [job["id"]]
    status, answer = await api.call("GET", f"jobs/{job['id']}")
    assert (status, answer["code"]) == (404, "no_such_job")
    assert (jp_root_dir / done["output_dir"] / "model.bin").exists()


async def test_outputs_are_brought_again_into_a_folder(api: Api, jp_root_dir: Path) -> None:
    job = await api.post("jobs", submission())
    await ended(api, job["id"])
    body = {"names": ["scores.csv"], "folder": "picked"}
    status, _ = await api.call("POST", f"jobs/{job['id']}/outputs", body)
    assert status == 202
    await until(lambda: _there(jp_root_dir / "picked" / "scores.csv"))
    await ended(api, job["id"])
    assert not (jp_root_dir / "picked" / "model.bin").exists()


async def _there(path: Path) -> bool:
    return await asyncio.to_thread(path.exists)


OUTSIDE = ["/tmp/x", "~/x", "C:/x", "\\\\host\\x", "../x", "a/../../x"]


async def test_a_folder_outside_the_workspace_is_refused(api: Api, jp_root_dir: Path) -> None:
    job = await api.post("jobs", submission())
    await ended(api, job["id"])
    before = sorted(jp_root_dir.parent.rglob("model*.bin"))
    for folder in OUTSIDE:
        status, answer = await api.call("POST", f"jobs/{job['id']}/outputs", {"folder": folder})
        if status == 202:
            assert (await ended(api, job["id"]))["retrieval"] == "failed"
        else:
            assert (status, answer["code"]) == (422, "unsafe_name")
    assert sorted(jp_root_dir.parent.rglob("model*.bin")) == before


async def test_preview_tells_what_would_be_sent_and_sends_nothing(
    api: Api, emulator: EmulatorProcess
) -> None:
    preview = await api.post("preview", submission("print(1)", "x = 2", accelerator="gpu"))
    assert preview["can_submit"] is True
    assert (preview["accelerator"], preview["machine_shape"]) == ("t4x2", "NvidiaTeslaT4")
    assert preview["code_cells"] == 2
    assert 0 < preview["source_bytes"] < 20_000
    assert preview["slug"] == "train-notebook" or preview["slug"].startswith("train")
    assert not emulator.requests("SaveKernel")
    refused = await api.post("preview", submission("print(1)", title="x"))
    assert refused["can_submit"] is False
    assert refused["problems"][0]["code"] == "bad_title"


async def test_account_quota_and_machines(api: Api) -> None:
    account = await api.get("account")
    assert (account["state"], account["username"]) == ("signed_in", "learner")
    assert account["home"].startswith("~")
    quota = await api.get("quota", refresh=1)
    gpu = quota["gpu"]
    assert gpu["left_s"] == gpu["allowed_s"] - gpu["used_s"] - gpu["reserved_s"] > 0
    machines = await api.get("accelerators")
    assert "t4x2" in [item["id"] for item in machines["items"]]


async def test_profile_is_remembered(api: Api) -> None:
    fresh = await api.get("profile", path="RTC:work/train.ipynb")
    assert (fresh["accelerator"], fresh["confirmed"]) == ("none", False)
    changed = {**fresh, "accelerator": "t4x2", "internet": False, "title": "My own title"}
    status, _ = await api.call("PUT", "profile", changed)
    assert status == 200
    kept = await api.get("profile", path="work/train.ipynb")
    assert (kept["accelerator"], kept["internet"], kept["title"]) == ("t4x2", False, "My own title")


async def test_a_wrong_token_is_told_and_not_kept(jp_fetch: Any, jp_home_dir: Path) -> None:
    status, answer = await Api(jp_fetch).call("POST", "account", {"token": "two words"})
    assert 400 <= status < 500
    assert "two words" not in json.dumps(answer)
    assert not (jp_home_dir / ".kaggle").exists()


BAD_BODIES = [
    ("POST", "jobs", {"notebook_path": "a.ipynb"}, "client_token"),
    ("POST", "jobs", {"client_token": "a"}, "notebook_path"),
    ("POST", "jobs", {"notebook_path": 1, "client_token": "a"}, "notebook_path"),
    ("POST", "jobs", {"notebook_path": "a.ipynb", "client_token": "a", "content": "text"}, "content"),
    ("POST", "jobs", {"notebook_path": "a.ipynb", "client_token": "a", "internet": 1}, "internet"),
    ("POST", "jobs", {"notebook_path": "a.ipynb", "client_token": "a", "time_cap_s": True}, "time_cap_s"),
    ("POST", "jobs", {"notebook_path": "a.ipynb", "client_token": "a", "cells": ["1"]}, "cells"),
    ("POST", "jobs", {"notebook_path": "a.ipynb", "client_token": "a", "sources": {"x": []}}, "sources"),
    ("POST", "jobs", {"notebook_path": "a.ipynb", "client_token": "a", "gpu": "yes"}, "gpu"),
    ("POST", "preview", {}, "notebook_path"),
    ("POST", "account", {}, "token"),
    ("POST", "account", {"token": 7}, "token"),
    ("PUT", "profile", {"accelerator": "none"}, "notebook_path"),
    ("PUT", "profile", {"notebook_path": "a", "confirmed": "yes"}, "confirmed"),
    ("POST", "jobs/0123/outputs", {"names": "all"}, "names"),
]


@pytest.mark.parametrize(("verb", "path", "body", "field"), BAD_BODIES)
async def test_a_wrong_body_names_its_field(
    verb: str, path: str, body: dict[str, Any], field: str, jp_fetch: Any
) -> None:
    status, answer = await Api(jp_fetch).call(verb, path, body)
    assert (status, answer["code"]) == (400, "bad_request")
    assert answer["data"]["field"] == field


@pytest.mark.parametrize("text", ["", "[]", "{", "nonsense", "\x00", "[" * 5000, '"text"', '{"a": NaN'])
async def test_what_is_not_a_json_object_is_a_bad_request(text: str, jp_fetch: Any) -> None:
    answer = await jp_fetch("kaggle-lab", "api", "jobs", method="POST", body=text, raise_error=False)
    assert answer.code == 400
    check("/components/schemas/Error", json.loads(answer.body))


async def test_a_request_that_is_too_large_is_refused(jp_fetch: Any) -> None:
    body = json.dumps({"token": "x" * 100_000})
    answer = await jp_fetch("kaggle-lab", "api", "account", method="POST", body=body, raise_error=False)
    assert answer.code == 413
    assert json.loads(answer.body)["code"] == "body_too_large"


@pytest.mark.parametrize("path", ["jobs?limit=many", "jobs?since=x", "profile", "jobs/0123/log?after=x"])
async def test_a_wrong_query_is_a_bad_request(path: str, jp_fetch: Any) -> None:
    path, _, query = path.partition("?")
    name, _, value = query.partition("=")
    status, answer = await Api(jp_fetch).call("GET", path, **({name: value} if name else {}))
    assert (status, answer["code"]) == (400, "bad_request")


JULIA = {"kernelspec": {"name": "julia", "display_name": "J"}, "language_info": {"name": "julia"}}
REFUSED_NOTEBOOKS = [
    ({"cells": 3}, "not_a_notebook"),
    ({"content": None, "notebook_path": "missing.ipynb"}, "not_a_notebook"),
    ({"content": make_notebook("")}, "no_code"),
    ({"content": make_notebook("x = 1", **JULIA)}, "unsupported_language"),
    ({"content": make_notebook("x = '" + "y" * 1_200_000 + "'")}, "source_too_large"),
    ({"title": "!!!"}, "bad_title"),
    ({"accelerator": "quantum"}, "unknown_accelerator"),
]


@pytest.mark.parametrize(("change", "code"), REFUSED_NOTEBOOKS, ids=[code for _, code in REFUSED_NOTEBOOKS])
async def test_what_cannot_be_sent_is_refused_with_words(
    api: Api, change: dict[str, Any], code: str, emulator: EmulatorProcess
) -> None:
    body = submission("print(1)")
    if change == {"cells": 3}:
        body["content"] = {"cells": 3}
    else:
        body |= change
    status, answer = await api.call("POST", "jobs", body)
    assert (status, answer["code"]) == (422, code)
    assert answer["cause"]
    assert answer["remedy"]
    assert not emulator.requests("SaveKernel")


async def test_a_refusal_by_kaggle_names_the_run_it_left(api: Api, emulator: EmulatorProcess) -> None:
    emulator.control("accounts", {"username": "learner", "verified": False})
    status, answer = await api.call("POST", "jobs", submission("print(1)", accelerator="t4x2"))
    assert (status, answer["code"]) == (422, "phone_verification")
    job = await api.job(answer["data"]["job_id"])
    assert (job["status"], job["reason"]) == ("rejected", "phone_verification")


async def test_our_own_fault_is_500_without_a_traceback(
    api: Api, jp_serverapp: Any, caplog: pytest.LogCaptureFixture
) -> None:
    desk = jp_serverapp.web_app.settings["kaggle_lab_desk"]
    manager = await desk.manager()

    async def broken() -> None:
        raise RuntimeError("Bearer KGAT_very_secret went wrong")

    manager.use_kaggle = broken
    status, answer = await api.call("DELETE", "account/emulator")
    assert (status, answer["code"]) == (500, "internal")
    assert "secret" not in json.dumps(answer)
    assert "Traceback" not in json.dumps(answer)
    assert "RuntimeError" in caplog.text
    assert "KGAT_very_secret" not in caplog.text


async def test_news_comes_over_the_event_bus(api: Api, jp_ws_fetch: Any) -> None:
    socket = await jp_ws_fetch("api", "events", "subscribe")
    job = await api.post("jobs", submission("for i in range(300): print('line', i)", TRAIN))
    news: list[dict[str, Any]] = []
    async with asyncio.timeout(90):
        while not news or (news[-1]["status"], news[-1]["retrieval"]) != ("complete", "complete"):
            message = json.loads(await socket.read_message())
            if message["schema_id"] == SCHEMA_ID and message["kind"] == "job":
                news.append(message)
    socket.close()
    assert {item["job_id"] for item in news} == {job["id"]}
    assert [item["seq"] for item in news] == sorted({item["seq"] for item in news})
    done = await api.job(job["id"])
    assert news[-1]["log_count"] == done["log_count"] >= 300
    assert len(news) < done["log_count"] / 5, "lines are not told one by one"
