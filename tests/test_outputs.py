"""Output files come whole or not at all: many, big, cut, expired, unsafe, in the way, on a full disk."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kaggle_lab import errors
from kaggle_lab.config import Config
from kaggle_lab.emulator.testing import EmulatorProcess
from kaggle_lab.kaggle_client import KaggleClient
from kaggle_lab.models import FileState, Job, KernelRef, OutputFile, PushResult
from kaggle_lab.outputs import RetrievalResult, retrieve
from kaggle_lab.workspace import MANIFEST, Workspace

from .kaggle_runs import client_of, ended, job_of, submission
from .scripted import CUT, Answer, ScriptedServer, Seen, http, scripted
from .support import until
from .test_kaggle_client_logs import client_at

QUICK = Config(stream_retry_s=0.01)
FILES = """
import os, pathlib
os.makedirs("sub/deeper", exist_ok=True)
for n in range(300): pathlib.Path(f"many/file {n:03}.txt").parent.mkdir(exist_ok=True); \
    pathlib.Path(f"many/file {n:03}.txt").write_text(str(n) * (n % 7))
pathlib.Path("empty.bin").touch()
pathlib.Path("größe 大 🚀.csv").write_text("a,b\\n")
for place in (".", "sub", "sub/deeper"): pathlib.Path(place, "same.txt").write_text(place)
pathlib.Path("report.html").write_text("<html>real</html>")
pathlib.Path("kaggle-lab-manifest.json").write_text("the notebook's own")
pathlib.Path("#odd%20?&name+.txt").write_text("odd")
pathlib.Path("middle.bin").write_bytes(os.urandom(3_000_000))
"""
NAMES = 300 + 1 + 1 + 3 + 1 + 1 + 1 + 1


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with EmulatorProcess(tmp_path_factory.mktemp("emulator"), queue_delay_s=0) as emulator:
        yield emulator


@pytest.fixture
def kaggle(process: EmulatorProcess) -> EmulatorProcess:
    process.control("faults", method="DELETE")
    process.control("requests", method="DELETE")
    process.settings(output_link_expiry_s=3600, download_latency_s=0, download_rate_bytes_s=0)
    return process


@pytest.fixture
def client(kaggle: EmulatorProcess, jp_asyncio_loop: asyncio.AbstractEventLoop) -> Iterator[KaggleClient]:
    client = client_of(kaggle, config=QUICK)
    yield client
    jp_asyncio_loop.run_until_complete(client.close())


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "work").mkdir()
    return Workspace(tmp_path / "work")


_runs: dict[str, PushResult] = {}


async def run_of(client: KaggleClient, name: str, code: str) -> Job:
    """A job whose run left these files; run once for all tests of this module."""
    if name not in _runs:
        _runs[name] = await client.push(submission(code))
        await ended(client, _runs[name])
    return job_of(_runs[name])


class Told:
    """What ``on_file`` was told."""

    def __init__(self) -> None:
        self.events: list[OutputFile] = []

    def __call__(self, file: OutputFile) -> None:
        self.events.append(file)

    def states(self, name: str) -> list[FileState]:
        return [file.state for file in self.events if file.name == name]


async def bring(
    client: KaggleClient, workspace: Workspace, job: Job, told: Told | None = None, **options: Any
) -> RetrievalResult:
    options = {"config": QUICK, "on_file": told or Told(), **options}
    return await retrieve(client, workspace, job, **options)


def by_name(result: RetrievalResult) -> dict[str, OutputFile]:
    return {file.name: file for file in result.files}


def listed(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


# --- against the emulator ------------------------------------------------------------------------


async def test_many_files_of_all_kinds(client: KaggleClient, workspace: Workspace) -> None:
    job, told = await run_of(client, "many", FILES), Told()
    result = await bring(client, workspace, job, told)
    files = by_name(result)
    assert (len(files), result.complete) == (NAMES, True)
    assert result.folder == "kaggle-output/nets/mnist/v1"
    folder = workspace.root / result.folder
    assert {file.state for file in result.files} == {FileState.DONE}
    for file in result.files:
        content = (workspace.root / file.path).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)
    assert (folder / "größe 大 🚀.csv").read_text() == "a,b\n"
    assert (folder / "empty.bin").read_bytes() == b""
    assert (folder / "report.html").read_text() == "<html>real</html>"
    assert (folder / "#odd%20?&name+.txt").read_text() == "odd"
    assert [(folder / place / "same.txt").read_text() for place in (".", "sub", "sub/deeper")] == [
        ".",
        "sub",
        "sub/deeper",
    ]
    assert (folder / "kaggle-lab-manifest (2).json").read_text() == "the notebook's own"
    assert len(listed(folder)) == NAMES + 1, "no part, no note, no journal is left"
    assert told.states("empty.bin")[0] is FileState.LISTED
    assert told.states("empty.bin")[-1] is FileState.DONE


async def test_manifest_tells_everything(client: KaggleClient, workspace: Workspace) -> None:
    job = await run_of(client, "many", FILES)
    result = await bring(client, workspace, job, folder="here")
    manifest = json.loads((workspace.root / "here" / MANIFEST).read_text())
    assert (manifest["job"], manifest["ref"], manifest["version"]) == (job.id, str(job.ref), 1)
    assert (manifest["complete"], manifest["missing"]) == (True, [])
    assert {entry["name"] for entry in manifest["files"]} == set(by_name(result))
    for entry in manifest["files"]:
        content = (workspace.root / "here" / entry["path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (entry["size"], entry["sha256"])


async def test_second_time_nothing_is_transferred(
    kaggle: EmulatorProcess, client: KaggleClient, workspace: Workspace
) -> None:
    job = await run_of(client, "many", FILES)
    first = await bring(client, workspace, job)
    before = listed(workspace.root)
    kaggle.control("requests", method="DELETE")
    again = await bring(client, workspace, job)
    assert kaggle.requests("OutputFile") == []
    assert {file.state for file in again.files} == {FileState.UNCHANGED}
    assert (again.complete, again.folder, listed(workspace.root)) == (True, first.folder, before)
    assert {f.name: f.path for f in again.files} == {f.name: f.path for f in first.files}


async def test_deleted_and_edited_files_are_brought_back_without_harm(
    client: KaggleClient, workspace: Workspace
) -> None:
    job = await run_of(client, "many", FILES)
    result = await bring(client, workspace, job)
    folder = workspace.root / result.folder
    (folder / "sub/same.txt").unlink()
    (folder / "same.txt").write_text("my own words")
    again = by_name(await bring(client, workspace, job))
    assert (folder / "sub/same.txt").read_text() == "sub"
    assert again["sub/same.txt"].state is FileState.DONE
    assert (folder / "same.txt").read_text() == "my own words"
    assert (folder / "same (2).txt").read_text() == "."
    assert again["same.txt"].path.endswith("/same (2).txt")
    assert "left alone" in again["same.txt"].message
    third = by_name(await bring(client, workspace, job))
    assert third["same.txt"].state is FileState.UNCHANGED
    assert third["same.txt"].path.endswith("/same (2).txt")


async def test_only_some_files(client: KaggleClient, workspace: Workspace) -> None:
    job = await run_of(client, "many", FILES)
    result = await bring(client, workspace, job, names=["empty.bin", "sub/same.txt", "no such file"])
    files = by_name(result)
    assert [files[name].state for name in files] == [FileState.DONE, FileState.DONE, FileState.FAILED]
    assert "does not list" in files["no such file"].message
    assert not result.complete
    assert listed(workspace.root / result.folder) == {"empty.bin", "sub/same.txt", MANIFEST}
    rest = await bring(client, workspace, job)
    assert (rest.complete, len(rest.files)) == (True, NAMES)


async def test_folder_of_another_run_is_not_mixed_up(client: KaggleClient, workspace: Workspace) -> None:
    job = await run_of(client, "many", FILES)
    other = await run_of(client, "other", "open('same.txt', 'w').write('other')")
    assert other.version == job.version
    first = await bring(client, workspace, job, names=["same.txt"])
    second = await bring(client, workspace, other)
    assert second.folder.startswith(first.folder + "-")
    assert (workspace.root / second.folder / "same.txt").read_text() == "other"
    third = await bring(client, workspace, other, folder=first.folder)
    assert by_name(third)["same.txt"].path == f"{first.folder}/same (2).txt"
    assert json.loads((workspace.root / first.folder / MANIFEST).read_text())["job"] == job.id


async def test_run_without_files(client: KaggleClient, workspace: Workspace) -> None:
    job = await run_of(client, "nothing", "print('no files')")
    result = await bring(client, workspace, job)
    assert (result.files, result.complete, result.folder) == ((), True, "")
    assert "no output files" in result.message
    assert listed(workspace.root) == set()


async def test_expired_links_are_asked_for_again(
    kaggle: EmulatorProcess, client: KaggleClient, workspace: Workspace
) -> None:
    job = await run_of(client, "many", FILES)
    kaggle.settings(output_link_expiry_s=2, download_latency_s=0.2)
    names = [f"many/file {n:03}.txt" for n in range(60)]
    result = await bring(client, workspace, job, names=names)
    assert {file.state for file in result.files} == {FileState.DONE}
    statuses = {row["status"] for row in kaggle.requests("OutputFile")}
    assert len(statuses) > 1, "some links did expire"
    assert len(kaggle.requests("ListKernelSessionOutput")) > 2


async def test_cut_transfers_go_on_where_they_stopped(
    kaggle: EmulatorProcess, client: KaggleClient, workspace: Workspace
) -> None:
    job, told = await run_of(client, "many", FILES), Told()
    kaggle.fault("OutputFile", drop_after_bytes=700_000, count=4)
    result = await bring(client, workspace, job, told, names=["middle.bin"])
    (file,) = result.files
    assert (file.state, file.size) == (FileState.DONE, 3_000_000)
    assert kaggle.control("faults")["faults"] == [], "it was cut four times"
    received = [event.received for event in told.events]
    assert received == sorted(received), "nothing was received twice"


async def test_interrupted_retrieval_goes_on_in_another_process(
    kaggle: EmulatorProcess, workspace: Workspace, client: KaggleClient
) -> None:
    job, told = await run_of(client, "many", FILES), Told()
    kaggle.settings(download_rate_bytes_s=1_500_000)
    names = ["same.txt", "middle.bin"]
    task = asyncio.create_task(bring(client, workspace, job, told, names=names))

    async def is_half_way() -> bool:
        return told.events[-1:] != [] and told.events[-1].received > 1_000_000

    await until(is_half_way, 30, "half of the file")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    folder = workspace.root / "kaggle-output/nets/mnist/v1"
    (part,) = folder.glob("middle.bin.*.part")
    kept = part.stat().st_size
    assert kept > 1_000_000
    assert not (folder / MANIFEST).exists()
    kaggle.settings(download_rate_bytes_s=0)
    kaggle.control("requests", method="DELETE")
    fresh = client_of(kaggle, config=QUICK)
    told = Told()
    result = await bring(fresh, workspace, job, told, names=names)
    await fresh.close()
    files = by_name(result)
    assert [files[name].state for name in names] == [FileState.UNCHANGED, FileState.DONE]
    assert min(event.received for event in told.events if event.state is FileState.RECEIVING) >= kept
    asked = [row["path"] for row in kaggle.requests("OutputFile")]
    assert asked
    assert not any("same.txt" in path for path in asked), "what had arrived is not asked for again"
    assert listed(folder) == {*names, MANIFEST}


async def test_kaggle_gone_in_the_middle(kaggle: EmulatorProcess, workspace: Workspace) -> None:
    client = client_of(kaggle, config=QUICK)
    job = await run_of(client, "many", FILES)
    kaggle.fault("OutputFile", status=503, envelope="html", count=500)
    result = await bring(client, workspace, job, names=["empty.bin", "same.txt"])
    assert {file.state for file in result.files} == {FileState.FAILED}
    assert not result.complete
    assert "HTTP 503" in result.message
    kaggle.fault("ListKernelSessionOutput", status=503, count=500)
    with pytest.raises(errors.KaggleUnreachable):
        await bring(client, workspace, job)
    await client.close()


async def test_job_without_a_version_has_no_files(client: KaggleClient, workspace: Workspace) -> None:
    job = job_of(PushResult(KernelRef("learner", "x"), 1, ""), version=None)
    with pytest.raises(errors.NotFinished):
        await bring(client, workspace, job)


# --- memory --------------------------------------------------------------------------------------

BIG = """
block = bytes(range(256)) * 4096
with open("big.bin", "wb") as file:
    for n in range({megabytes}): file.write(block)
"""
RETRIEVE = """
import asyncio, json, resource, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.test_outputs import *
from kaggle_lab.emulator.testing import EmulatorProcess
async def main():
    kaggle = EmulatorProcess(Path("unused"))
    kaggle.url = {url!r}
    client = client_of(kaggle, config=QUICK)
    job = job_of(PushResult(KernelRef.parse({ref!r}), {version}, ""))
    result = await bring(client, Workspace(Path({place!r})), job)
    await client.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([peak, [[f.size, f.sha256] for f in result.files]]))
asyncio.run(main())
"""


async def test_memory_does_not_depend_on_the_size(
    kaggle: EmulatorProcess, client: KaggleClient, tmp_path: Path
) -> None:
    peaks = {}
    for megabytes in (1, 96):
        job = await run_of(client, f"big {megabytes}", BIG.format(megabytes=megabytes))
        place = tmp_path / str(megabytes)
        place.mkdir()
        code = RETRIEVE.format(
            root=str(Path(__file__).parent.parent),
            url=kaggle.url,
            ref=str(job.ref),
            version=job.version,
            place=str(place),
        )
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        peaks[megabytes], files = json.loads(done.stdout)
        expected = hashlib.sha256(bytes(range(256)) * 4096 * megabytes).hexdigest()
        assert files == [[megabytes << 20, expected]]
    assert peaks[96] < peaks[1] * 1.25, f"peak memory in KiB: {peaks}"


# --- what no proper server does ------------------------------------------------------------------

REF = KernelRef("ada", "my-note")
JOB = job_of(PushResult(REF, 1, ""))


class Storage:
    """A scripted Kaggle with these files; ``on_file`` may answer instead of the proper answer."""

    def __init__(self, files: dict[str, bytes], on_file: Callable[[str, Seen], Answer | None]) -> None:
        self.files, self.on_file = files, on_file
        self.etag = '"v1"'
        self.listings = 0
        self.server: ScriptedServer | None = None

    def __call__(self, seen: Seen) -> Answer:
        if seen.method == "POST":
            self.listings += 1
            url = self.server.url if self.server else ""
            rows = [
                {"fileName": name, "url": f"{url}/{n}?sig={self.listings}"}
                for n, name in enumerate(self.files)
            ]
            return [http(200, {"files": rows, "log": ""})]
        name = list(self.files)[int(seen.call)]
        answer = self.on_file(name, seen)
        return self.proper(name, seen) if answer is None else answer

    def proper(self, name: str, seen: Seen) -> Answer:
        data, start = self.files[name], 0
        if seen.headers.get("If-Range") == self.etag:
            start = int(seen.headers["Range"].removeprefix("bytes=").rstrip("-"))
        if start >= len(data) and start:
            return [http(416, b"", Content_Range=f"bytes */{len(data)}")]
        span = f"bytes {start}-{len(data) - 1}/{len(data)}"
        headers = {"ETag": self.etag, "Content_Type": "application/octet-stream"}
        return [http(206 if start else 200, data[start:], Content_Range=span, **headers)]


async def bring_from(
    storage: Storage, workspace: Workspace, told: Told | None = None, **options: Any
) -> RetrievalResult:
    with scripted(storage) as server:
        storage.server = server
        client = client_at(server.url, read_timeout_s=2)
        try:
            return await bring(client, workspace, JOB, told, **options)
        finally:
            await client.close()


async def test_names_that_would_escape_are_refused_and_the_rest_comes(
    workspace: Workspace, tmp_path: Path
) -> None:
    bad = ["../../x", "/etc/cron.d/x", "C:\\x", "a/../../../x", "a\nb", "..", "", "sub\\x"]
    storage = Storage({**dict.fromkeys(bad, b"evil"), "good.txt": b"good"}, lambda name, seen: None)
    result = await bring_from(storage, workspace)
    files = by_name(result)
    assert {name: files[name].state for name in bad if name} == dict.fromkeys(
        filter(None, bad), FileState.REFUSED
    )
    assert files["good.txt"].state is FileState.DONE
    assert not result.complete
    assert "../../x" in result.message
    assert listed(tmp_path) == {f"work/{result.folder}/good.txt", f"work/{result.folder}/{MANIFEST}"}
    manifest = json.loads((workspace.root / result.folder / MANIFEST).read_text())
    assert manifest["complete"] is False
    assert len(manifest["missing"]) == len(bad) - 1


async def test_link_that_leads_out_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    folder = workspace.root / "out"
    folder.mkdir()
    (folder / "sub").symlink_to(tmp_path / "outside")
    result = await bring_from(Storage({"sub/x": b"x"}, lambda name, seen: None), workspace, folder="out")
    assert result.files[0].state is FileState.REFUSED
    assert listed(tmp_path / "outside") == set()


async def test_folder_outside_is_refused_before_anything(workspace: Workspace) -> None:
    with pytest.raises(errors.UnsafeName):
        await bring_from(Storage({"x": b"x"}, lambda name, seen: None), workspace, folder="../elsewhere")


async def test_error_page_is_never_saved_as_a_file(workspace: Workspace) -> None:
    pages = [
        [http(200, "<html>Please sign in</html>")],
        [http(403, "<Error>ExpiredToken</Error>")],
        [http(404, "<html>gone</html>")],
        [http(500, "<html>oops</html>")],
        [http(200, "<html>again</html>", ETag='"page"')],
    ]
    storage = Storage({"model.bin": b"weights"}, lambda name, seen: pages.pop(0) if pages else None)
    result = await bring_from(storage, workspace, config=Config(stream_retry_s=0.01, download_attempts=9))
    assert result.complete
    assert (workspace.root / result.files[0].path).read_bytes() == b"weights"
    assert storage.listings == 5, "every link that had died was asked for again"


async def test_link_that_stays_dead_fails_that_file_only(workspace: Workspace) -> None:
    storage = Storage(
        {"dead": b"x", "alive": b"y"}, lambda name, seen: [http(403, b"")] if name == "dead" else None
    )
    result = await bring_from(storage, workspace)
    states = {file.name: file.state for file in result.files}
    assert states == {"dead": FileState.FAILED, "alive": FileState.DONE}
    assert "no longer valid" in by_name(result)["dead"].message
    assert "sig=" not in result.message


DATA = os.urandom(3_000_000)


async def test_file_that_changed_between_two_attempts_starts_again(workspace: Workspace) -> None:
    new = os.urandom(2_500_000)

    def on_file(name: str, seen: Seen) -> Answer | None:
        if storage.etag == '"v1"':
            storage.etag, storage.files["a"] = '"v2"', new
            return [http(200, DATA, ETag='"v1"')[:-1_000_000]]
        return None

    storage = Storage({"a": DATA}, on_file)
    result = await bring_from(storage, workspace)
    assert (workspace.root / result.files[0].path).read_bytes() == new


async def test_without_a_validator_every_attempt_starts_at_the_beginning(workspace: Workspace) -> None:
    seen_ranges = []

    def on_file(name: str, seen: Seen) -> Answer | None:
        seen_ranges.append(seen.headers.get("Range"))
        whole = http(200, DATA)
        return [whole[:-500]] if len(seen_ranges) < 3 else [whole]

    result = await bring_from(Storage({"a": DATA}, on_file), workspace)
    assert seen_ranges == [None, None, None]
    assert (workspace.root / result.files[0].path).read_bytes() == DATA


async def test_server_that_forgets_its_range_is_not_believed(workspace: Workspace) -> None:
    answers = [
        [http(200, DATA, ETag='"v1"')[:-1_000_000]],
        [http(206, DATA[5:], Content_Range=f"bytes 5-{len(DATA) - 1}/{len(DATA)}", ETag='"v1"')],
        [http(206, b"x", Content_Range=f"bytes {len(DATA) - 1_000_000}-9/10", ETag='"v1"')],
        [http(416, b"", Content_Range="bytes */7")],
    ]
    storage = Storage({"a": DATA}, lambda name, seen: answers.pop(0) if answers else None)
    result = await bring_from(storage, workspace)
    assert (workspace.root / result.files[0].path).read_bytes() == DATA


async def test_all_bytes_were_there_already(workspace: Workspace) -> None:
    folder = workspace.output_folder(QUICK.output_dir, JOB)
    part = workspace.part(folder, "a", JOB.id)
    part.open()
    part.restart('"v1"', len(DATA))
    part.write(DATA)
    part.close()
    result = await bring_from(Storage({"a": DATA}, lambda name, seen: None), workspace)
    assert result.files[0].sha256 == hashlib.sha256(DATA).hexdigest()
    assert (workspace.root / result.files[0].path).read_bytes() == DATA


async def test_throttling_is_waited_for(workspace: Workspace) -> None:
    answers = [[http(429, b"", Retry_After="0")], [http(429, "<html>slow</html>")], [CUT]]
    storage = Storage({"a": b"x"}, lambda name, seen: answers.pop(0) if answers else None)
    assert (await bring_from(storage, workspace)).complete


async def test_connection_that_gives_little_but_something_is_not_given_up(workspace: Workspace) -> None:
    def on_file(name: str, seen: Seen) -> Answer | None:
        (proper,) = storage.proper(name, seen)
        head, _, body = proper.partition(b"\r\n\r\n")
        return [head + b"\r\n\r\n" + body[:250_000]] if len(body) > 250_000 else [proper]

    storage = Storage({"a": DATA}, on_file)
    result = await bring_from(storage, workspace, config=Config(stream_retry_s=0.01, download_attempts=2))
    assert (workspace.root / result.files[0].path).read_bytes() == DATA


async def test_file_where_a_folder_is_needed_fails_alone(workspace: Workspace) -> None:
    (workspace.root / "out").mkdir()
    (workspace.root / "out" / "a").write_text("mine")
    storage = Storage({"a/b": b"x", "c": b"y"}, lambda name, seen: None)
    files = by_name(await bring_from(storage, workspace, folder="out"))
    assert (files["a/b"].state, files["c"].state) == (FileState.FAILED, FileState.DONE)
    assert (workspace.root / "out" / "a").read_text() == "mine"


# --- full disk -----------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this machine lets us mount nothing; the quota test below covers the path")
    yield place
    subprocess.run(["umount", str(place)], check=True)


async def test_disk_too_small_is_noticed_before_the_transfer(small_disk: Path) -> None:
    told = Told()
    big = Storage({"big.bin": bytes(6_000_000), "small": b"x"}, lambda name, seen: None)
    with pytest.raises(errors.DiskFull) as caught:
        await bring_from(big, Workspace(small_disk), told)
    assert caught.value.data["needed"] == 6_000_000
    assert told.states("big.bin")[-1] is FileState.FAILED
    assert not (small_disk / "kaggle-output/nets/mnist/v1" / MANIFEST).exists()


async def test_disk_that_fills_up_keeps_what_arrived(small_disk: Path) -> None:
    workspace, told = Workspace(small_disk), Told()
    hog = small_disk / "hog"
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(DATA), DATA)

    def on_file(name: str, seen: Seen) -> Answer | None:
        hog.write_bytes(bytes(2_000_000))
        if "Range" in seen.headers:
            return None
        return [http(200, b"", ETag='"v1"', Transfer_Encoding="chunked", Content_Length=None) + chunked]  # type: ignore[arg-type]

    storage = Storage({"a": DATA}, on_file)
    with pytest.raises(errors.DiskFull):
        await bring_from(storage, workspace, told)
    (part,) = (small_disk / "kaggle-output/nets/mnist/v1").glob("a.*.part")
    kept = part.stat().st_size
    assert 1_000_000 < kept < len(DATA)
    assert told.states("a")[-1] is FileState.FAILED
    hog.unlink()
    storage.on_file = lambda name, seen: None
    told = Told()
    result = await bring_from(storage, workspace, told)
    assert result.complete
    assert (workspace.root / result.files[0].path).read_bytes() == DATA
    received = [event.received for event in told.events if event.state is FileState.RECEIVING]
    assert min(received) >= kept, "the transfer went on where the disk was full"


async def test_quota_of_the_user_is_a_full_disk_too(workspace: Workspace) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    storage = Storage({"a": DATA, "b": b"small"}, lambda name, seen: None)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
    try:
        with pytest.raises(errors.DiskFull):
            await bring_from(storage, workspace)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (await bring_from(storage, workspace)).complete
