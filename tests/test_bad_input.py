"""What people give us that cannot work: each is told with its cause and its remedy, and nothing is lost.

Through REST of a real Jupyter server, or the command line, against the emulator.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kaggle_lab.cli import main
from kaggle_lab.emulator.testing import EmulatorProcess

from .api import Api
from .conftest import QUICK
from .support import make_notebook, until, write_notebook

ENDED = ("complete", "error", "cancelled", "rejected", "saved")


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with EmulatorProcess(tmp_path_factory.mktemp("kaggle")) as running:
        yield running


@pytest.fixture
def emulator(process: EmulatorProcess) -> Iterator[EmulatorProcess]:
    """One emulator for all tests here, as new for each."""
    yield process
    if not process.is_running:
        process.start()
    process.control("reset", {})


class Lab:
    """A workspace with a notebook and an earlier run that no bad input may harm."""

    def __init__(self, api: Api, emulator: EmulatorProcess, root: Path, data: Path) -> None:
        self.api, self.emulator, self.root, self.data = api, emulator, root, data
        self.notebook = write_notebook(root / "work" / "precious.ipynb", "print('precious')")
        self.bytes = self.notebook.read_bytes()
        self.earlier: dict[str, Any] = {}

    async def begin(self) -> None:
        body = {"notebook_path": "work/precious.ipynb", "client_token": "earlier", "save_only": True}
        job = await self.api.post("jobs", {**body, "internet": False})
        self.earlier = await self.api.job(job["id"])
        self.emulator.control("requests", method="DELETE")

    async def refused(self, body: dict[str, Any], status: int, code: str, *said: str, pushes: int = 0) -> Any:
        """The error; it has the code, says these words, and did no harm."""
        got, answer = await self.api.call("POST", "jobs", {"client_token": "click", **body})
        assert (got, answer["code"]) == (status, code), answer
        assert len(answer["remedy"]) > 10
        assert answer["message"] == answer["cause"]
        for words in said:
            assert words in answer["cause"]
        await self.unharmed(pushes=pushes, left=answer["data"].get("job_id"))
        return answer

    async def rejected(self, body: dict[str, Any], status: int, code: str, *said: str) -> Any:
        """The error of a push that Kaggle refused: it left a rejected run, whose click sends nothing more."""
        answer = await self.refused(body, status, code, *said, pushes=1)
        job = await self.api.job(answer["data"]["job_id"])
        assert (job["status"], job["message"], job["remedy"]) == (
            "rejected",
            answer["cause"],
            answer["remedy"],
        )
        assert job["ended_at"]
        snapshot = await self.api.get(f"jobs/{job['id']}/snapshot")
        assert snapshot == body.get("content", json.loads(self.bytes))
        got, same = await self.api.call("POST", "jobs", {"client_token": "click", **body})
        assert (got, same["id"]) == (200, job["id"])
        await self.unharmed(pushes=1, left=job["id"])
        return answer

    async def unharmed(self, *, pushes: int, left: str | None = None, sessions: int = 0) -> None:
        """The file, the earlier run and the store are as before; Kaggle heard of nothing else."""
        assert self.notebook.read_bytes() == self.bytes
        page = await self.api.get("jobs")
        assert [job["id"] for job in page["jobs"]] == [*filter(None, [left]), self.earlier["id"]]
        assert await self.api.job(self.earlier["id"]) == self.earlier
        kept = {path.name for path in (self.data / "snapshots").iterdir()}
        assert kept == {job["id"] for job in page["jobs"]}, "a snapshot for each run and no other"
        assert len(self.emulator.requests("SaveKernel")) == pushes
        assert len(self.emulator.sessions()) == sessions

    async def reached(self, job_id: str, *wanted: str) -> dict[str, Any]:
        async def look() -> dict[str, Any] | None:
            job = await self.api.job(job_id)
            if job["status"] in wanted and job["retrieval"] not in ("pending", "running"):
                return job
            assert job["status"] not in ENDED or job["status"] in wanted, job
            return None

        found: dict[str, Any] = await until(look, what=f"{wanted}")
        return found


@pytest.fixture
def jp_server_config(jp_server_config: Any) -> Any:
    """Tests need no pause between two pushes."""
    jp_server_config.KaggleLab.push_gap_s = 0.0
    return jp_server_config


@pytest.fixture
def fresh_lab(emulator: EmulatorProcess, jp_fetch: Any, jp_root_dir: Path, tmp_path: Path) -> Lab:
    return Lab(Api(jp_fetch), emulator, jp_root_dir, tmp_path / "lab")


@pytest.fixture
def lab(fresh_lab: Lab, jp_asyncio_loop: asyncio.AbstractEventLoop) -> Lab:
    jp_asyncio_loop.run_until_complete(fresh_lab.begin())
    return fresh_lab


def on_screen(*sources: str, **fields: Any) -> dict[str, Any]:
    content = fields.pop("content", None) or make_notebook(*(sources or ("print(1)",)))
    return {"notebook_path": "work/precious.ipynb", "content": content, **fields}


# --- the notebook --------------------------------------------------------------------------------

NO_NOTEBOOKS = {
    "text.ipynb": (b"import numpy as np\n", "not valid JSON"),
    "cut.ipynb": (json.dumps(make_notebook("x = 1")).encode()[:-40], "not valid JSON"),
    "empty.ipynb": (b"", "not valid JSON"),
    "list.ipynb": (b"[1, 2]", "no 'nbformat'"),
    "object.ipynb": (b'{"cells": []}', "no 'nbformat'"),
    "cells.ipynb": (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 7}', "not a valid"),
    "future.ipynb": (b'{"nbformat": 99, "nbformat_minor": 0, "metadata": {}, "cells": []}', "not a valid"),
    "picture.ipynb": (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "picture.ipynb"),
    "deep.ipynb": (b'{"nbformat": 4, "x": ' + b"[" * 90_000 + b"]" * 90_000 + b"}", "nested too deeply"),
}


@pytest.mark.parametrize("name", NO_NOTEBOOKS)
async def test_not_a_notebook(lab: Lab, name: str) -> None:
    data, said = NO_NOTEBOOKS[name]
    path = lab.root / "work" / name
    path.write_bytes(data)
    answer = await lab.refused({"notebook_path": f"work/{name}"}, 422, "not_a_notebook", said, name)
    assert ".ipynb" in answer["remedy"]
    assert path.read_bytes() == data


@pytest.mark.parametrize("path", ["work/absent.ipynb", "work", "work/precious.ipynb/x.ipynb"])
async def test_no_file_there(lab: Lab, path: str) -> None:
    await lab.refused({"notebook_path": path}, 422, "not_a_notebook", path)


@pytest.mark.parametrize(
    "path", ["../outside.ipynb", "work/../../outside.ipynb", "a\nb.ipynb", "\ud800.ipynb"]
)
async def test_a_path_that_is_no_place_in_the_workspace(lab: Lab, path: str) -> None:
    write_notebook(lab.root.parent / "outside.ipynb", "print('not for Kaggle')")
    answer = await lab.refused(on_screen(notebook_path=path), 400, "bad_request")
    assert answer["data"]["field"] == "notebook_path"


async def test_invalid_json_names_the_place(lab: Lab) -> None:
    (lab.root / "bad.ipynb").write_text('{"cells": [\n  {"cell_type": "code" "source": ""}]}')
    await lab.refused({"notebook_path": "bad.ipynb"}, 422, "not_a_notebook", "line 2 column 24")


@pytest.mark.parametrize("cells", [[], ["", "  \n"]], ids=["none", "blank"])
async def test_no_code_cells(lab: Lab, cells: list[str]) -> None:
    content = make_notebook(*cells)
    content["cells"].append({"cell_type": "markdown", "id": "m", "metadata": {}, "source": "# only words"})
    answer = await lab.refused(on_screen(content=content), 422, "no_code", "work/precious.ipynb")
    assert "code cell" in answer["remedy"]


async def test_over_the_source_size(lab: Lab) -> None:
    """The cells to look at are named; outputs on screen do not count."""
    big = f"table = '{'x' * 1_200_000}'"
    answer = await lab.refused(on_screen("1", big, "2"), 422, "source_too_large", "cell 2 (1200 kB)")
    assert answer["data"]["largest"][0] == {"cell": 2, "bytes": pytest.approx(1_200_000, rel=0.01)}
    content = make_notebook("print(1)")
    shown = {"output_type": "stream", "name": "stdout", "text": "x" * 1_200_000}
    content["cells"][0]["outputs"] = [shown]
    preview = await lab.api.post("preview", on_screen(content=content))
    assert preview["can_submit"]
    assert preview["source_bytes"] < 20_000


async def test_over_kaggles_own_source_size(lab: Lab) -> None:
    """Kaggle's limit is not known to the byte: it may refuse, with a bare 400, what passes ours."""
    lab.emulator.settings(source_limit_bytes=930_000)
    body = on_screen(f"table = '{'x' * 950_000}'")
    answer = await lab.rejected(body, 422, "source_too_large")
    assert "bytes" in answer["cause"]


LANGUAGES = {
    "julia": {
        "kernelspec": {"name": "julia-1.10", "display_name": "Julia"},
        "language_info": {"name": "julia"},
    },
    "julia by its kernel": {"kernelspec": {"name": "julia-1.10", "display_name": "Julia 1.10"}},
    "bash": {"kernelspec": {"name": "bash", "display_name": "Bash", "language": "bash"}},
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_other_languages_are_refused_with_the_reason(lab: Lab, language: str) -> None:
    content = make_notebook("println(1)")
    del content["metadata"]["language_info"]
    content["metadata"] |= LANGUAGES[language]
    words = (language.split()[0], "Kaggle runs Python and R")
    answer = await lab.refused(on_screen(content=content), 422, "unsupported_language", *words)
    assert "kernel" in answer["remedy"]


async def test_r_runs_as_r(lab: Lab) -> None:
    """Sent as R with Kaggle's R kernel and without our Python cell; what this machine lacks is told."""
    r = {"kernelspec": {"name": "my-r", "display_name": "R 4"}, "language_info": {"name": "R"}}
    content = make_notebook("cat('from R')") | {"metadata": r}
    job = await lab.api.post("jobs", on_screen(content=content, internet=False, client_token="r"))
    assert job["language"] == "r"
    source = await source_of(lab.emulator, job["ref"])
    assert source["metadata"]["kernelspec"] == {"name": "ir", "display_name": "R", "language": "R"}
    assert [cell["source"] for cell in source["cells"]] == ["cat('from R')"]
    done = await lab.reached(job["id"], "complete", "error")
    if done["status"] == "error":
        log = await lab.api.get(f"jobs/{job['id']}/log")
        assert "No such kernel named ir" in "\n".join(line["text"] for line in log["lines"])
        assert done["message"]
    await lab.unharmed(pushes=1, left=job["id"], sessions=1)


async def source_of(emulator: EmulatorProcess, ref: str) -> dict[str, Any]:
    """The source Kaggle has."""
    owner, slug = ref.split("/")
    url = f"{emulator.url}/api/v1/kernels.KernelsApiService/GetKernel"
    async with httpx.AsyncClient(trust_env=False) as client:
        body = {"userName": owner, "kernelSlug": slug}
        answer = await client.post(url, json=body, auth=(emulator.username, emulator.key))
    source: dict[str, Any] = json.loads(answer.json()["blob"]["source"])
    return source


MENDABLE: dict[str, dict[str, Any]] = {
    "no metadata": {"metadata": {}},
    "kernelspec without a name": {"metadata": {"kernelspec": {}}},
    "kernelspec without a label": {"metadata": {"kernelspec": {"name": "python3"}}},
    "kernelspec null": {"metadata": {"kernelspec": None, "language_info": None}},
    "a local kernel": {"metadata": {"kernelspec": {"name": "conda-env-x", "display_name": "mine"}}},
    "half a character in an output": {
        "output": {"output_type": "stream", "name": "stdout", "text": "\ud83d"}
    },
    "an output of no known type": {"output": {"output_type": "hologram"}},
}


@pytest.mark.parametrize("kind", MENDABLE)
async def test_what_only_the_sent_copy_needs_is_mended_there(lab: Lab, kind: str) -> None:
    """Kaggle stops a notebook without a kernel's name within seconds; no reason to refuse it here."""
    content = make_notebook("print('ok')")
    content["metadata"] = MENDABLE[kind].get("metadata", content["metadata"])
    content["cells"][0]["outputs"] = [MENDABLE[kind]["output"]] if "output" in MENDABLE[kind] else []
    job = await lab.api.post("jobs", on_screen(content=content, client_token="m", save_only=True))
    source = await source_of(lab.emulator, job["ref"])
    assert source["metadata"]["kernelspec"]["name"] == "python3"
    assert all(cell["outputs"] == [] for cell in source["cells"])
    assert await lab.api.get(f"jobs/{job['id']}/snapshot") == content
    await lab.unharmed(pushes=1, left=job["id"])


async def test_half_a_character_in_the_source_arrives_as_it_is(lab: Lab) -> None:
    job = await lab.api.post("jobs", on_screen("x = '\ud83d'", client_token="m", save_only=True))
    source = await source_of(lab.emulator, job["ref"])
    assert source["cells"][1]["source"] == "x = '\ud83d'"


# --- titles --------------------------------------------------------------------------------------

TITLES = {
    "!!!!!!": "too short an address",
    "a-": "2 characters",
    "x" * 51: "51 characters",
    "пример": "п",
    "🚀🚀🚀🚀🚀": "🚀",
    "2026 results": "begins with a digit",
    "two\nlines": "\\n",
    "      ": "0 characters",
}


@pytest.mark.parametrize("title", TITLES, ids=ascii)
async def test_a_title_that_makes_no_slug(lab: Lab, title: str) -> None:
    answer = await lab.refused(on_screen(title=title), 422, "bad_title", TITLES[title])
    assert answer["data"]["field"] == "title"
    assert "5 to 50 characters" in answer["remedy"]
    profile = {"notebook_path": "work/precious.ipynb", "title": title}
    if title.strip():
        status, refused = await lab.api.call("PUT", "profile", profile)
        assert (status, refused["code"]) == (422, "bad_title")


async def test_title_taken(lab: Lab) -> None:
    """By a notebook of the account that was not sent from this one: left alone until the user says so."""
    other = {"notebook_path": "other.ipynb", "content": make_notebook("1"), "client_token": "other"}
    first = await lab.api.post("jobs", {**other, "title": "Taken title", "save_only": True})
    lab.emulator.control("requests", method="DELETE")
    got, answer = await lab.api.call("POST", "jobs", on_screen(title="Taken title", client_token="x"))
    assert (got, answer["code"]) == (409, "title_taken")
    assert "learner/taken-title" in answer["cause"]
    assert "version" in answer["remedy"]
    assert answer["data"]["field"] == "title"
    assert answer["data"]["url"].endswith("/code/learner/taken-title")
    assert not lab.emulator.requests("SaveKernel")
    added = on_screen(title="Taken title", client_token="y", add_version=True, save_only=True)
    assert ((await lab.api.post("jobs", added))["version"]) == 2
    assert (await lab.api.job(first["id"]))["version"] == 1
    assert lab.notebook.read_bytes() == lab.bytes


async def test_title_taken_in_kaggles_own_words(lab: Lab) -> None:
    """The address is free, the title is not: Kaggle says so with 409."""
    words = "The requested title “precious” is already in use by another of your notebooks"
    lab.emulator.fault("SaveKernel", status=409, message=words)
    answer = await lab.rejected(on_screen(title="A new title"), 409, "title_taken", "already in use")
    assert "another title" in answer["remedy"]


# --- the account ---------------------------------------------------------------------------------


@pytest.fixture
def as_kaggle(jp_server_config: Any) -> None:
    """The endpoint counts as Kaggle itself, so that the user's own credentials are used."""
    jp_server_config.KaggleLab.endpoint_kind = "kaggle"


@pytest.fixture
def stored_token(as_kaggle: None, scratch_home: Path) -> Path:
    """Somebody is signed in."""
    path = scratch_home / ".kaggle" / "access_token"
    path.parent.mkdir()
    path.write_text(EmulatorProcess.token + "\n")
    return path


def kept_files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


async def test_a_wrong_token_on_the_sign_in_card(stored_token: Path, lab: Lab) -> None:
    """Checked before it is kept; whoever was signed in before still is."""
    status, answer = await lab.api.call("POST", "account", {"token": "KGAT_nobody_knows_me"})
    assert (status, answer["code"]) == (422, "bad_credentials")
    assert "kaggle.com" in answer["remedy"]
    assert "nobody_knows_me" not in json.dumps(answer)
    assert kept_files(stored_token.parent) == {"access_token": lab.emulator.token + "\n"}
    assert (await lab.api.get("account", refresh=1))["username"] == "learner"
    await lab.unharmed(pushes=0)


async def test_a_wrong_token_in_the_environment(
    stored_token: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_from_last_year")
    account = await lab.api.get("account", refresh=1)
    assert account["state"] == "signed_out"
    assert "does not know this access token" in account["message"]
    assert "kaggle.com > Settings > API" in account["message"]
    answer = await lab.refused(on_screen(), 409, "signed_out", "access token")
    assert "last_year" not in json.dumps([answer, account])
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    assert (await lab.api.get("account", refresh=1))["state"] == "signed_in"


async def test_no_credentials_at_all(as_kaggle: None, fresh_lab: Lab) -> None:
    status, answer = await fresh_lab.api.call("POST", "jobs", on_screen(client_token="x"))
    assert (status, answer["code"]) == (409, "signed_out")
    assert "sidebar" in answer["remedy"]
    assert (await fresh_lab.api.get("jobs"))["jobs"] == []
    assert not fresh_lab.emulator.requests("SaveKernel")


@pytest.fixture
def guest(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account whose phone is not verified."""
    monkeypatch.setenv("KAGGLE_LAB_EMULATOR_TOKEN", EmulatorProcess.guest_token)


@pytest.mark.parametrize(
    ("fields", "said"),
    [({"internet": True}, "enableInternet"), ({"internet": False, "accelerator": "t4x2"}, "enableGpu")],
    ids=["internet", "gpu"],
)
async def test_no_phone_verification(guest: None, lab: Lab, fields: dict[str, Any], said: str) -> None:
    answer = await lab.rejected(on_screen(**fields), 422, "phone_verification", said)
    assert "Verify your phone" in answer["remedy"]
    assert "internet off" in answer["remedy"]
    again = on_screen(client_token="as advised", internet=False, accelerator="none", save_only=True)
    assert (await lab.api.post("jobs", again))["status"] == "saved"


async def test_no_phone_verification_and_the_gpu_is_just_missing(guest: None, lab: Lab) -> None:
    """Kaggle may take the run and leave the GPU out: what the session really got is told."""
    lab.emulator.settings(unverified_gpu="cpu")
    body = on_screen("print('ran')", internet=False, accelerator="t4x2", client_token="x")
    job = await lab.api.post("jobs", body)
    done = await lab.reached(job["id"], "complete")
    assert done["machine_shape"] == "NvidiaTeslaT4"
    assert done["hardware"].startswith("no GPU")
    assert (await lab.api.get("quota", refresh=1))["gpu"]["used_s"] == 0
    await lab.unharmed(pushes=1, left=job["id"], sessions=1)


async def test_quota_used_up(lab: Lab) -> None:
    lab.emulator.control("accounts", {"username": "learner", "gpu_used_hours": 30})
    words = "Maximum weekly GPU quota of 30.00 hours reached."
    answer = await lab.rejected(on_screen(accelerator="t4x2"), 409, "quota", words)
    assert "None (CPU)" in answer["remedy"]
    job = await lab.api.job(answer["data"]["job_id"])
    assert job["reason"] == "quota"


async def test_quota_that_running_sessions_will_use_up(lab: Lab) -> None:
    """What the remedy says works: once the other run is stopped, this one is taken."""
    lab.emulator.settings(queue_delay_s=60)
    lab.emulator.control("accounts", {"username": "learner", "gpu_used_hours": 29.5})
    first = await lab.api.post("jobs", on_screen(accelerator="t4x2", client_token="a"))
    assert first["status"] == "queued"
    body = on_screen(accelerator="t4x2", client_token="b")
    status, answer = await lab.api.call("POST", "jobs", body)
    assert (status, answer["code"]) == (409, "quota")
    assert "projected to exceed" in answer["cause"]
    assert "stop another run" in answer["remedy"]
    await lab.api.post(f"jobs/{first['id']}/stop")
    await lab.reached(first["id"], "cancelled")
    assert (await lab.api.post("jobs", {**body, "client_token": "c"}))["status"] == "queued"


# --- what is asked of Kaggle ---------------------------------------------------------------------


async def test_session_cap_waits_also_while_kaggle_is_away(lab: Lab) -> None:
    """A full house makes the run wait; neither that nor a Kaggle that cannot be reached makes it fail."""
    lab.emulator.settings(max_cpu_sessions=0)
    status, job = await lab.api.call("POST", "jobs", on_screen(internet=False, client_token="x"))
    assert (status, job["status"], job["reason"]) == (201, "waiting", "session_cap")
    assert "Maximum batch CPU session count of 0 reached" in job["message"]
    assert "sent when another one ends" in job["remedy"]
    lab.emulator.kill()

    async def is_troubled() -> bool:
        return bool((await lab.api.job(job["id"]))["trouble"])

    await until(is_troubled)
    assert (await lab.api.job(job["id"]))["status"] in ("waiting", "submitting")
    lab.emulator.start()
    lab.emulator.settings(max_cpu_sessions=1)
    done = await lab.reached(job["id"], "complete")
    assert (done["version"], done["trouble"], done["message"]) == (2, "", "")
    assert len(lab.emulator.sessions()) == 1
    assert lab.notebook.read_bytes() == lab.bytes


async def test_unknown_accelerator(lab: Lab) -> None:
    answer = await lab.refused(on_screen(accelerator="t4x3"), 422, "unknown_accelerator", "'t4x3'")
    assert "t4x2" in answer["data"]["suggestions"]
    assert "accelerators" in answer["remedy"]
    profile = {"notebook_path": "work/precious.ipynb", "accelerator": "t4x3"}
    status, refused = await lab.api.call("PUT", "profile", profile)
    assert (status, refused["code"]) == (422, "unknown_accelerator")


WARNED = {
    "GPU A100": "not open to everyone",
    "tpu-v3-8": "is retired: Kaggle runs TPU v5e-8 instead",
    "NvidiaTeslaP100": "is retired: Kaggle runs GPU T4 x2 instead",
    "NvidiaB300": "not in Kaggle Lab's table",
}


@pytest.mark.parametrize("accelerator", WARNED)
async def test_gated_retired_and_new_accelerators_are_sent_with_a_warning(lab: Lab, accelerator: str) -> None:
    body = on_screen(accelerator=accelerator, save_only=True, client_token="x")
    preview = await lab.api.post("preview", body)
    job = await lab.api.post("jobs", body)
    assert preview["can_submit"]
    assert WARNED[accelerator] in job["warnings"][0]
    assert preview["warnings"] == job["warnings"]
    assert (await source_of(lab.emulator, job["ref"]))["cells"]
    await lab.unharmed(pushes=1, left=job["id"])


async def test_sources_that_do_not_exist_are_each_named(lab: Lab) -> None:
    """Kaggle leaves them out without a word of its own and runs; models too."""
    sources = {
        "datasets": ["nobody/nothing", "learner/not-ready"],
        "competitions": ["no-such-competition"],
        "kernels": ["learner/absent-notebook"],
        "models": ["nobody/model/pyTorch/base/1"],
    }
    body = on_screen(sources=sources, save_only=True, client_token="x")
    job = await lab.api.post("jobs", body)
    for kind, names in sources.items():
        for name in names:
            (said,) = [text for text in job["warnings"] if name in text]
            assert f"the {kind[:-1]} {name}" in said
            assert "does not exist" in said
    assert len(job["warnings"]) == 5
    assert (await lab.api.job(job["id"]))["warnings"] == job["warnings"]
    await lab.unharmed(pushes=1, left=job["id"])


async def test_time_caps(lab: Lab) -> None:
    """A negative one is no time; one over the machine's own is the machine's."""
    answer = await lab.refused(on_screen(time_cap_s=-5), 400, "bad_request", "-5 seconds")
    assert answer["data"]["field"] == "time_cap_s"
    body = on_screen(time_cap_s=2**70, accelerator="tpu", save_only=True, client_token="x")
    assert (await lab.api.post("jobs", body))["time_cap_s"] == 9 * 3600
    profile = await lab.api.get("profile", path="work/precious.ipynb")
    assert profile["time_cap_s"] == 9 * 3600
    status, refused = await lab.api.call("PUT", "profile", {**profile, "time_cap_s": -1})
    assert (status, refused["code"]) == (400, "bad_request")
    status, kept = await lab.api.call("PUT", "profile", {**profile, "time_cap_s": 2**70})
    assert (status, kept["time_cap_s"]) == (200, 9 * 3600)


# --- the emulator, killed ------------------------------------------------------------------------


async def test_killed_in_mid_run_and_started_again(lab: Lab) -> None:
    slow = "import time\nfor i in range(25):\n    print('line', i, flush=True)\n    time.sleep(0.1)"
    job = await lab.api.post("jobs", on_screen(slow, "open('m', 'w').write('1')", client_token="x"))

    async def has_lines() -> bool:
        return bool((await lab.api.job(job["id"]))["log_count"])

    await until(has_lines)
    lab.emulator.kill()

    async def is_troubled() -> bool:
        return bool((await lab.api.job(job["id"]))["trouble"])

    await until(is_troubled)
    troubled = await lab.api.job(job["id"])
    assert troubled["status"] == "running", "not reaching Kaggle says nothing about the run"
    assert troubled["last_heard_at"]
    status, answer = await lab.api.call("POST", "jobs", on_screen(client_token="meanwhile"))
    assert (status, answer["code"]) == (503, "unreachable")
    assert "nothing is lost" in answer["remedy"]
    lab.emulator.start()
    done = await lab.reached(job["id"], "complete")
    assert (done["trouble"], done["retrieval"]) == ("", "complete")
    log = await lab.api.get(f"jobs/{job['id']}/log")
    lines = [line["text"] for line in log["lines"] if line["text"].startswith("line")]
    assert lines == [f"line {n}" for n in range(25)]
    assert (lab.root / done["output_dir"] / "m").read_text() == "1"
    assert len(lab.emulator.sessions()) == 1
    assert lab.notebook.read_bytes() == lab.bytes


# --- the command line ----------------------------------------------------------------------------


@pytest.fixture
def shell(
    emulator: EmulatorProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Any:
    """Runs `jupyter kaggle …` in a folder; gives the exit code, the JSON answer, and what was said."""
    settings = {**QUICK, "endpoint": emulator.url, "data_dir": tmp_path / "lab", "settle_s": 1.0}
    for name, value in settings.items():
        monkeypatch.setenv(f"KAGGLE_LAB_{name.upper()}", str(value))
    monkeypatch.chdir(tmp_path)

    async def run(*arguments: str) -> tuple[int, Any, str]:
        capfd.readouterr()
        code = await asyncio.to_thread(main, arguments)
        said = capfd.readouterr()
        assert "Traceback" not in said.err
        return code, json.loads(said.out) if said.out.strip() else None, said.err

    return run


async def test_the_command_line_tells_them_apart(
    shell: Any, emulator: EmulatorProcess, tmp_path: Path
) -> None:
    """Exit codes by what the user can do about it, cause and remedy on the screen."""
    write_notebook(tmp_path / "good.ipynb", "print(1)")
    (tmp_path / "bad.ipynb").write_text("{")
    before = (tmp_path / "good.ipynb").read_bytes()

    code, answer, _ = await shell("submit", "bad.ipynb", "--json")
    assert (code, answer["error"]["code"]) == (2, "not_a_notebook")
    code, answer, _ = await shell("submit", "absent.ipynb", "--json")
    assert (code, answer["error"]["code"]) == (2, "not_a_notebook")
    code, answer, _ = await shell("submit", "good.ipynb", "--accelerator", "t5", "--json")
    assert (code, answer["error"]["code"]) == (2, "unknown_accelerator")
    emulator.control("accounts", {"username": "learner", "gpu_used_hours": 30})
    code, answer, _ = await shell("submit", "good.ipynb", "--accelerator", "t4x2", "--json")
    assert (code, answer["error"]["code"]) == (4, "quota")
    assert answer["error"]["cause"]
    assert answer["error"]["remedy"]
    emulator.kill()
    code, answer, _ = await shell("submit", "good.ipynb", "--json")
    assert (code, answer["error"]["code"]) == (5, "unreachable")
    emulator.start()
    assert emulator.sessions() == []
    assert (tmp_path / "good.ipynb").read_bytes() == before
    _, page, _ = await shell("jobs", "--json")
    assert [job["status"] for job in page["jobs"]] == ["rejected"]
