"""The Kaggle door against the emulator: real HTTP, real runs, Kaggle's own refusals."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kaggle_lab import errors
from kaggle_lab.credentials import Credentials, find_credentials
from kaggle_lab.emulator.testing import EmulatorProcess
from kaggle_lab.kaggle_client import KaggleClient, LogEnd
from kaggle_lab.models import (
    AccountState,
    CredentialMethod,
    Endpoint,
    EndpointKind,
    KaggleStatus,
    KernelRef,
    LogRecord,
    Sources,
)

from .kaggle_runs import client_of, credentials_for, ended, running, submission
from .support import until


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with EmulatorProcess(tmp_path_factory.mktemp("emulator")) as emulator:
        yield emulator


@pytest.fixture
def kaggle(process: EmulatorProcess) -> EmulatorProcess:
    process.control("reset", {})
    process.settings(queue_delay_s=0)
    return process


@pytest.fixture
def client(kaggle: EmulatorProcess, jp_asyncio_loop: asyncio.AbstractEventLoop) -> Iterator[KaggleClient]:
    client = client_of(kaggle)
    yield client
    jp_asyncio_loop.run_until_complete(client.close())


@pytest.fixture
def guest(kaggle: EmulatorProcess, jp_asyncio_loop: asyncio.AbstractEventLoop) -> Iterator[KaggleClient]:
    client = client_of(kaggle, credentials_for(kaggle, kaggle.guest_token))
    yield client
    jp_asyncio_loop.run_until_complete(client.close())


def api_key(kaggle: EmulatorProcess, key: str) -> Credentials:
    audience = EndpointKind.EMULATOR
    return Credentials(CredentialMethod.API_KEY, "test", kaggle.username, key, audience=audience)


# --- who -----------------------------------------------------------------------------------------


async def test_both_ways_of_signing_in(kaggle: EmulatorProcess) -> None:
    for credentials in (credentials_for(kaggle), api_key(kaggle, kaggle.key)):
        client = client_of(kaggle, credentials)
        account = await client.whoami()
        await client.close()
        assert account.state is AccountState.SIGNED_IN
        assert (account.username, account.method) == ("learner", credentials.method)
        assert account.endpoint == Endpoint(EndpointKind.EMULATOR, kaggle.url)


async def test_wrong_secrets_are_told_as_such(kaggle: EmulatorProcess) -> None:
    for credentials in (credentials_for(kaggle, "KGAT_wrong"), api_key(kaggle, "wrong")):
        client = client_of(kaggle, credentials)
        with pytest.raises(errors.BadCredentials) as caught:
            await client.whoami()
        await client.close()
        assert "wrong" not in caught.value.cause


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_introspection_that_knows_no_token(
    kaggle: EmulatorProcess, client: KaggleClient, status: int
) -> None:
    kaggle.fault("IntrospectToken", status=status)
    with pytest.raises(errors.BadCredentials):
        await client.whoami()
    assert (await client.whoami()).username == "learner"


async def test_quota_counts_what_is_reserved(client: KaggleClient) -> None:
    before = await client.quota()
    push = await client.push(submission("import time; time.sleep(60)", machine_shape="NvidiaTeslaT4"))
    await running(client, push)
    after = await client.quota()
    assert before.gpu is not None
    assert after.gpu is not None
    assert before.gpu.left_s == before.gpu.allowed_s == 30 * 3600
    assert after.gpu.reserved_s > 500
    assert after.gpu.left_s < before.gpu.left_s
    assert after.refreshes_at is not None
    assert after.refreshes_at.strftime("%A %H:%M") == "Saturday 00:00"


# --- runs ----------------------------------------------------------------------------------------


async def test_a_whole_run(kaggle: EmulatorProcess, client: KaggleClient) -> None:
    sent = submission(
        "import time\nfor n in range(4): print('zeile é', n, flush=True)\ntime.sleep(1.5)",
        "open('model.bin', 'wb').write(b'x' * 70000)",
        sources=Sources(
            datasets=("no/such-data",),
            competitions=("no-such-competition",),
            kernels=("no/such-kernel",),
            models=("no/such/pytorch/model",),
        ),
    )
    assert await client.kernel(sent.ref) is None
    push = await client.push(sent)
    assert (push.ref, push.version) == (sent.ref, 1)
    assert push.url == f"{kaggle.url}/code/{sent.ref}"
    assert push.dropped == sent.sources
    info = await client.kernel(sent.ref, 1)
    assert info is not None
    assert (info.title, info.current_version, info.machine_shape) == (sent.title, 1, "None")
    assert [cell["source"] for cell in json.loads(info.source)["cells"]] == [
        cell["source"] for cell in json.loads(sent.source)["cells"]
    ]
    await running(client, push)
    live = [record async for record in client.log_records(push.ref, 1)]
    assert isinstance(live[-1], LogEnd)
    records = [record for record in live if isinstance(record, LogRecord)]
    assert [record.n for record in records] == list(range(live[-1].count))
    assert [r.text for r in records if r.stream == "stdout"] == [f"zeile é {n}\n" for n in range(4)]
    assert (await ended(client, push)).status is KaggleStatus.COMPLETE
    stored = [record async for record in client.log_records(push.ref, 1, skip=2)]
    assert stored[:-1] == records[2:]
    assert stored[-1] == LogEnd(len(records))
    (file,) = await client.output_files(push.ref, 1)
    assert file.name == "model.bin"
    async with client.download(file.url, name=file.name) as stream:
        assert (stream.status, stream.total) == (200, 70000)
        assert b"".join([chunk async for chunk in stream.chunks()]) == b"x" * 70000
    assert file.url not in repr(file)


async def test_reads_stay_with_their_version(client: KaggleClient) -> None:
    good = await client.push(submission("print('first version')"))
    assert (await ended(client, good)).status is KaggleStatus.COMPLETE
    bad = await client.push(submission("raise ValueError('second')", title="Test run of two versions"))
    worse = await client.push(submission("import time; time.sleep(60)", title="Test run of two versions"))
    assert (bad.version, worse.version) == (1, 2)
    status = await ended(client, bad)
    assert (status.status, status.failure_message) == (KaggleStatus.ERROR, "")
    newer = await client.session_status(worse.ref, 2)
    assert newer is not None
    assert newer.status in (KaggleStatus.QUEUED, KaggleStatus.RUNNING)
    texts = [r.text async for r in client.log_records(bad.ref, 1) if isinstance(r, LogRecord)]
    assert any("ValueError: second" in text for text in texts)
    assert await client.session_status(bad.ref, 9) is None
    with pytest.raises(errors.NotFoundOnKaggle):
        _ = [r async for r in client.log_records(bad.ref, 9)]


async def test_save_without_running(kaggle: EmulatorProcess, client: KaggleClient) -> None:
    push = await client.push(submission("print(1)", save_only=True))
    assert push.version == 1
    assert not [row for row in kaggle.sessions() if row["ref"] == str(push.ref)]
    status = await client.session_status(push.ref, 1)
    assert status is None or status.status is KaggleStatus.ERROR
    assert await client.find_session_id(push.ref, 1) is None


async def test_session_id_from_reply_and_from_redirect(kaggle: EmulatorProcess, client: KaggleClient) -> None:
    kaggle.settings(session_id_in_save=True)
    push = await client.push(submission("import time; time.sleep(60)"))
    assert push.kernel_session_id == kaggle.sessions()[0]["id"]
    assert await client.find_session_id(push.ref, push.version) == push.kernel_session_id


async def test_stop(client: KaggleClient) -> None:
    push = await client.push(submission("import time; time.sleep(300)"))
    await running(client, push)
    session_id = await client.find_session_id(push.ref, push.version)
    assert session_id is not None
    await client.cancel_session(session_id)
    assert (await ended(client, push)).status is KaggleStatus.CANCEL_ACKNOWLEDGED
    with pytest.raises(errors.KaggleError) as finished:
        await client.cancel_session(session_id)
    assert finished.value.cause
    with pytest.raises(errors.AccessDenied):
        await client.cancel_session(12345)


async def test_foreign_and_missing_kernels(client: KaggleClient, guest: KaggleClient) -> None:
    push = await client.push(submission("print(1)", save_only=True))
    assert await guest.kernel(push.ref) is None
    for ref in (push.ref, KernelRef("guest", "no-such-note")):
        with pytest.raises(errors.AccessDenied):
            await guest.session_status(ref, 1)
        with pytest.raises(errors.AccessDenied):
            await guest.output_files(ref, 1)
        with pytest.raises(errors.AccessDenied):
            _ = [record async for record in guest.log_records(ref, 1)]
        assert await guest.find_session_id(ref, 1) is None


async def test_more_files_than_one_page(kaggle: EmulatorProcess, client: KaggleClient) -> None:
    push = await client.push(submission("for n in range(450): open(f'file {n:03} ü.txt', 'w').write(str(n))"))
    await ended(client, push)
    files = await client.output_files(push.ref, 1)
    assert [file.name for file in files] == [f"file {n:03} ü.txt" for n in range(450)]
    assert len({file.url for file in files}) == 450
    assert len(kaggle.requests("ListKernelSessionOutput")) == 3


# --- refusals ------------------------------------------------------------------------------------


async def test_session_cap(client: KaggleClient) -> None:
    for _ in range(2):
        await client.push(submission("import time; time.sleep(300)", machine_shape="NvidiaTeslaT4"))
    with pytest.raises(errors.SessionCapReached) as caught:
        await client.push(submission("print(1)", machine_shape="NvidiaTeslaT4"))
    assert caught.value.data == {"kind": "gpu", "cap": 2}
    assert "Maximum batch GPU session count of 2 reached." in caught.value.cause


async def test_quota_used_up(kaggle: EmulatorProcess, client: KaggleClient) -> None:
    kaggle.control("accounts", {"username": "learner", "gpu_used_hours": 30})
    with pytest.raises(errors.QuotaUsedUp, match="weekly GPU quota"):
        await client.push(submission("print(1)", machine_shape="NvidiaTeslaT4"))


async def test_phone_not_verified(guest: KaggleClient) -> None:
    with pytest.raises(errors.PhoneNotVerified):
        await guest.push(submission("print(1)", owner="guest", internet=True))


async def test_title_taken(client: KaggleClient) -> None:
    await client.push(submission("print(1)", title="A title of mine", save_only=True))
    clash = submission("print(1)", title="A title of mine", save_only=True)
    with pytest.raises(errors.TitleTaken, match="already in use"):
        await client.push(_at(clash, KernelRef("learner", "another-address")))


async def test_source_too_large(client: KaggleClient) -> None:
    large = submission("x = '" + "a" * 1_100_000 + "'", save_only=True)
    with pytest.raises(errors.SourceTooLarge):
        await client.push(large)
    assert await client.kernel(large.ref) is None


async def test_editor_type(client: KaggleClient) -> None:
    await client.push(submission("print(1)", title="Editor type", save_only=True))
    with pytest.raises(errors.PushRefused, match="editor type"):
        await client.push(submission("print(1)", title="Editor type", save_only=True, kernel_type="script"))


def _at(sent: Any, ref: KernelRef) -> Any:
    import dataclasses

    return dataclasses.replace(sent, ref=ref)


# --- faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "arrived"),
    [
        ({"drop": "before"}, False),
        ({"drop": "after"}, True),
        ({"status": 500, "after_work": True}, True),
        ({"status": 503, "envelope": "html"}, False),
        ({"status": 200, "envelope": "html", "after_work": True}, True),
        ({"status": 200, "envelope": "empty", "after_work": True}, True),
    ],
)
async def test_lost_answer_is_settled_by_reading_back(
    kaggle: EmulatorProcess, client: KaggleClient, fault: dict, arrived: bool
) -> None:
    kaggle.fault("SaveKernel", **fault)
    sent = submission("print(1)", save_only=True)
    with pytest.raises(errors.PushUncertain):
        await client.push(sent)
    assert len(kaggle.requests("SaveKernel")) == 1
    info = await client.kernel(sent.ref)
    assert (info is not None) is arrived


@pytest.mark.parametrize("envelope", ["nested", "flat"])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.BadCredentials),
        (403, errors.AccessDenied),
        (404, errors.PushRefused),
        (429, errors.Throttled),
    ],
)
async def test_refused_push_in_both_envelopes(
    kaggle: EmulatorProcess, client: KaggleClient, envelope: str, status: int, kind: type
) -> None:
    kaggle.fault("SaveKernel", status=status, envelope=envelope, message="Some words of Kaggle")
    sent = submission("print(1)", save_only=True)
    with pytest.raises(errors.KaggleLabError) as caught:
        await client.push(sent)
    assert type(caught.value) is kind
    assert "Some words of Kaggle" in caught.value.cause
    assert await client.kernel(sent.ref) is None


async def test_read_outlives_a_bad_moment(kaggle: EmulatorProcess, client: KaggleClient) -> None:
    push = await client.push(submission("print(1)", save_only=True))
    kaggle.fault("GetKernel", status=503, envelope="html")
    kaggle.fault("GetKernel", status=429, retry_after="0")
    kaggle.fault("GetKernel", drop="after")
    info = await client.kernel(push.ref)
    assert info is not None
    assert len(kaggle.requests("GetKernel")) == 4


async def test_emulator_that_is_gone_and_comes_back(tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path / "emulator") as emulator:
        client = client_of(emulator)
        push = await client.push(submission("print(1)", save_only=True))
        emulator.kill()
        with pytest.raises(errors.KaggleUnreachable, match="refused"):
            await client.kernel(push.ref)
        with pytest.raises(errors.KaggleUnreachable) as unsent:
            await client.push(submission("print(2)"))
        assert not isinstance(unsent.value, errors.PushUncertain)
        with pytest.raises(errors.KaggleUnreachable):
            _ = [record async for record in client.log_records(push.ref, 1)]
        emulator.start()
        assert (await client.kernel(push.ref)) is not None
        await client.close()


# --- logs ----------------------------------------------------------------------------------------


async def test_log_that_is_cut_and_replayed(kaggle: EmulatorProcess, client: KaggleClient) -> None:
    push = await client.push(
        submission("import time\nfor n in range(6): print(n, flush=True); time.sleep(.3)")
    )
    await running(client, push)
    kaggle.fault("LogsStream", drop_after_events=3)
    first = [record async for record in client.log_records(push.ref, 1)]
    assert [record.text for record in first if isinstance(record, LogRecord)] == ["0\n", "1\n", "2\n"]
    assert not any(isinstance(record, LogEnd) for record in first), "a cut is no end"
    second = [record async for record in client.log_records(push.ref, 1, skip=3)]
    numbers = [record.n for record in second if isinstance(record, LogRecord)]
    assert numbers == list(range(3, 3 + len(numbers)))
    assert [r.text for r in second if isinstance(r, LogRecord) and r.stream == "stdout"] == [
        "3\n",
        "4\n",
        "5\n",
    ]
    assert isinstance(second[-1], LogEnd)


async def test_idle_log_that_is_cut_just_stops(kaggle: EmulatorProcess, client: KaggleClient) -> None:
    kaggle.settings(log_idle_cut_s=0.5)
    push = await client.push(submission("print('only', flush=True); import time; time.sleep(300)"))
    await running(client, push)

    async def heard() -> list[Any]:
        return [record async for record in client.log_records(push.ref, 1)]

    records = await until(heard, 30, "the first line")
    assert [(record.n, record.text) for record in records] == [(0, "only\n")]


# --- OAuth ---------------------------------------------------------------------------------------


def oauth_file(home: Path, **changes: Any) -> Path:
    path = home / ".kaggle" / "credentials.json"
    path.parent.mkdir(exist_ok=True)
    later = datetime.now(UTC) + timedelta(hours=5)
    content = {
        "refresh_token": "KGRT_emulator_learner",
        "access_token": "KGAT_emulator_learner",
        "access_token_expiration": later.isoformat(),
        "username": "learner",
        "scopes": ["resources.admin:*"],
    }
    path.write_text(json.dumps(content | changes))
    return path


def oauth_client(kaggle: EmulatorProcess) -> KaggleClient:
    """A client with real OAuth credentials of Kaggle, at an emulator that stands for Kaggle itself."""
    found = find_credentials()
    assert found is not None
    assert found.method is CredentialMethod.OAUTH
    from kaggle_lab.config import Config

    return KaggleClient(Endpoint(EndpointKind.KAGGLE, kaggle.url), found, Config(stream_retry_s=0.01))


def soon(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


async def test_oauth_token_is_left_alone_while_it_is_good(
    kaggle: EmulatorProcess, scratch_home: Path
) -> None:
    path = oauth_file(scratch_home)
    before = path.read_bytes()
    client = oauth_client(kaggle)
    assert (await client.whoami()).username == "learner"
    await client.close()
    assert kaggle.requests("GenerateAccessToken") == []
    assert path.read_bytes() == before


@pytest.mark.parametrize("expiration", [soon(10), soon(-600), "", "2001-01-01T00:00:00"])
async def test_oauth_token_is_renewed_ahead_and_written_back(
    kaggle: EmulatorProcess, scratch_home: Path, expiration: str
) -> None:
    path = oauth_file(scratch_home, access_token="old", access_token_expiration=expiration)
    client = oauth_client(kaggle)
    account = await client.whoami()
    await client.quota()
    assert (account.username, account.method) == ("learner", CredentialMethod.OAUTH)
    assert len(kaggle.requests("GenerateAccessToken")) == 1, "renewed once, not at every call"
    stored = json.loads(path.read_text())
    assert stored["access_token"] not in ("", "old")
    assert datetime.fromisoformat(stored["access_token_expiration"]) > datetime.now(UTC) + timedelta(hours=1)
    assert stored["refresh_token"] == "KGRT_emulator_learner"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert client.credentials == find_credentials(), "what is found again is what the client has"
    await client.close()


async def test_oauth_token_that_kaggle_refuses_is_renewed_once(
    kaggle: EmulatorProcess, scratch_home: Path
) -> None:
    oauth_file(scratch_home, access_token="KGAT_revoked")
    client = oauth_client(kaggle)
    assert (await client.quota()).gpu is not None
    kaggle.fault("GetAcceleratorQuotaStatistics", status=401, count=9)
    with pytest.raises(errors.BadCredentials):
        await client.quota()
    await client.close()
    assert len(kaggle.requests("GenerateAccessToken")) == 2


async def test_oauth_token_renewed_by_another_process_is_taken(
    kaggle: EmulatorProcess, scratch_home: Path
) -> None:
    oauth_file(scratch_home, access_token="old", access_token_expiration=soon(5))
    client = oauth_client(kaggle)
    oauth_file(scratch_home)
    assert (await client.quota()).gpu is not None
    await client.close()
    assert kaggle.requests("GenerateAccessToken") == []


async def test_oauth_sign_in_that_has_ended(kaggle: EmulatorProcess, scratch_home: Path) -> None:
    path = oauth_file(scratch_home, refresh_token="KGRT_revoked", access_token_expiration="")
    client = oauth_client(kaggle)
    with pytest.raises(errors.BadCredentials) as caught:
        await client.whoami()
    await client.close()
    assert "~/.kaggle/credentials.json has ended" in caught.value.cause
    assert "kaggle auth login" in caught.value.remedy
    assert path.exists(), "the user's file is not ours to delete"


async def test_oauth_token_still_good_is_used_when_renewal_fails(
    kaggle: EmulatorProcess, scratch_home: Path
) -> None:
    oauth_file(scratch_home, access_token_expiration=soon(5))
    kaggle.fault("GenerateAccessToken", status=503, count=99)
    client = oauth_client(kaggle)
    assert (await client.quota()).gpu is not None
    await client.close()


# --- the library underneath ----------------------------------------------------------------------


def test_no_noise_no_exit_and_the_command_line_package_is_not_loaded(kaggle: EmulatorProcess) -> None:
    code = f"""
import asyncio, sys
from kaggle_lab.config import Config
from kaggle_lab.credentials import emulator_credentials
from kaggle_lab.kaggle_client import KaggleClient
from kaggle_lab.models import Endpoint, EndpointKind
async def main():
    client = KaggleClient(Endpoint(EndpointKind.EMULATOR, {kaggle.url!r}), emulator_credentials(), Config())
    assert (await client.whoami()).username == "learner"
    await client.close()
asyncio.run(main())
assert "kaggle" not in sys.modules and "kagglesdk" in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
