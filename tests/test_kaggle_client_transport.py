"""Every way in which an answer of Kaggle can be lost or odd: refused, surely unsent, or uncertain."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from kaggle_lab import errors
from kaggle_lab.config import Config
from kaggle_lab.credentials import Credentials, find_credentials
from kaggle_lab.kaggle_client import KaggleClient, LogEnd
from kaggle_lab.kaggle_client.sdk import Sdk, auth_header, is_loopback
from kaggle_lab.models import (
    CredentialMethod,
    Endpoint,
    EndpointKind,
    KaggleStatus,
    KernelRef,
    Sources,
    Submission,
)

from .scripted import CUT, STALL, Answer, ScriptedServer, Seen, http, scripted, unused_port
from .support import until

REF = KernelRef("ada", "my-note")
PUSH = Submission(REF, "My note", "{}")
PUSHED = {"ref": "/code/ada/my-note", "url": "https://www.kaggle.com/code/ada/my-note", "versionNumber": 4}
TOKEN = "KGAT_of_the_test"
QUICK = Config(stream_retry_s=0.01, connect_timeout_s=5, read_timeout_s=5, stream_timeout_s=5)
PAGE = "<!DOCTYPE html><html><body>We will be right back</body></html>"


def token(secret: str = TOKEN, audience: EndpointKind = EndpointKind.EMULATOR) -> Credentials:
    return Credentials(CredentialMethod.ACCESS_TOKEN, "test", secret=secret, audience=audience)


@asynccontextmanager
async def client_at(
    url: str, credentials: Credentials | None = None, config: Config = QUICK
) -> AsyncIterator[KaggleClient]:
    client = KaggleClient(Endpoint(EndpointKind.EMULATOR, url), credentials or token(), config)
    try:
        yield client
    finally:
        await client.close()


async def push_to(answer: Callable[[Seen], Answer], submission: Submission = PUSH, **config: float) -> Any:
    """Push once to a server that answers so. Returns result or error; exactly one request was sent."""
    with scripted(answer) as server:
        async with client_at(server.url, config=Config(stream_retry_s=0.01, **config)) as client:
            try:
                outcome: Any = await client.push(submission)
            except errors.KaggleLabError as error:
                outcome = error
        assert len(server.calls("SaveKernel")) == 1, "a push is never repeated"
    assert TOKEN not in f"{outcome!r} {getattr(outcome, 'cause', '')}"
    return outcome


# --- a push that was taken -----------------------------------------------------------------------


async def test_push_is_complete_and_its_reply_fully_read() -> None:
    reply = PUSHED | {
        "kernelSessionId": "271000001",
        "invalidTags": ["no-such-tag"],
        "invalidDatasetSources": ["a/d"],
        "invalidCompetitionSources": ["c"],
        "invalidKernelSources": None,
        "invalidModelSources": ["a/m/pytorch/v"],
        "somethingNew": {"x": 1},
    }
    submission = Submission(
        REF,
        "My note",
        "{…}",
        machine_shape="NvidiaTeslaT4",
        internet=False,
        time_cap_s=600,
        sources=Sources(datasets=("a/d",), models=("a/m/pytorch/v",)),
        docker_image="gcr.io/x",
    )
    with scripted(lambda seen: [http(200, reply)]) as server:
        async with client_at(server.url) as client:
            result = await client.push(submission)
        (seen,) = server.requests
    assert (result.ref, result.version, result.kernel_session_id) == (REF, 4, 271000001)
    assert result.dropped == Sources(datasets=("a/d",), competitions=("c",), models=("a/m/pytorch/v",))
    assert seen.path == "/api/v1/kernels.KernelsApiService/SaveKernel"
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["User-Agent"].startswith("kaggle-lab/")
    assert seen.json == {
        "slug": "ada/my-note",
        "newTitle": "My note",
        "text": "{…}",
        "language": "python",
        "kernelType": "notebook",
        "datasetDataSources": ["a/d"],
        "modelDataSources": ["a/m/pytorch/v"],
        "isPrivate": True,
        "enableGpu": True,
        "enableInternet": False,
        "enableTpu": False,
        "sessionTimeoutSeconds": 600,
        "dockerImage": "gcr.io/x",
        "machineShape": "NvidiaTeslaT4",
    }


@pytest.mark.parametrize(
    ("shape", "save_only", "expected"),
    [
        ("None", False, (False, False, "None", None)),
        ("", False, (False, False, "None", None)),
        ("TpuV5E8", False, (False, True, "TpuV5E8", None)),
        ("NvidiaL4", True, (True, False, "NvidiaL4", "QUICK_SAVE")),
    ],
)
async def test_machine_and_quick_save(shape: str, save_only: bool, expected: tuple) -> None:
    seen: list[Seen] = []

    def answer(request: Seen) -> Answer:
        seen.append(request)
        return [http(200, PUSHED)]

    result = await push_to(answer, Submission(REF, "My note", "{}", machine_shape=shape, save_only=save_only))
    sent = seen[0].json
    assert result.version == 4
    names = ("enableGpu", "enableTpu", "machineShape", "kernelExecutionType")
    assert tuple(sent.get(name) for name in names) == expected


async def test_relative_url_and_odd_ref_are_made_whole() -> None:
    result = await push_to(lambda seen: [http(200, {"versionNumber": "2", "url": "/code/x/y", "ref": ""})])
    assert (result.ref, result.version) == (REF, 2)
    assert result.url.startswith("http://127.0.0.1:")
    assert result.url.endswith("/code/x/y")


# --- a push that was refused ---------------------------------------------------------------------

REFUSALS = [
    ("Maximum batch GPU session count of 2 reached.", errors.SessionCapReached),
    ("Maximum batch TPU session count of 1 reached.", errors.SessionCapReached),
    ("Maximum batch CPU session count of 50 reached.", errors.SessionCapReached),
    ("Maximum weekly GPU quota of 30.00 hours reached.", errors.QuotaUsedUp),
    (
        "Session cannot start because currently running sessions are projected to exceed maximum weekly GPU "
        "quota of 30. Cancelling running sessions may allow starting new sessions.",
        errors.QuotaUsedUp,
    ),
    ("Permission 'kernelSessions.enableInternet' was denied", errors.PhoneNotVerified),
    ("Notebook not found", errors.PushRefused),
    ("Kernel not found", errors.PushRefused),
    ("You cannot change the editor type", errors.PushRefused),
    ("Something nobody has seen before", errors.PushRefused),
    (
        'The requested title "x" is already in use by a kernel. Please choose another title.',
        errors.TitleTaken,
    ),
]


@pytest.mark.parametrize(("text", "kind"), REFUSALS)
async def test_refusal_in_a_200(text: str, kind: type) -> None:
    reply = {"ref": None, "url": None, "versionNumber": None, "error": text}
    error = await push_to(lambda seen: [http(200, reply)])
    assert type(error) is kind
    assert text in error.cause
    assert error.remedy


async def test_session_cap_tells_kind_and_number() -> None:
    error = await push_to(lambda seen: [http(200, {"error": REFUSALS[0][0]})])
    assert error.data == {"kind": "gpu", "cap": 2}


TITLE = "The requested title is already in use by a notebook. Please choose another title."
NESTED = {"error": {"code": 409, "message": TITLE, "status": "ALREADY_EXISTS"}}
FLAT = {"code": 409, "message": TITLE}
STATUSES = [
    (http(409, NESTED), errors.TitleTaken),
    (http(409, FLAT), errors.TitleTaken),
    (http(200, FLAT), errors.TitleTaken),
    (http(200, NESTED), errors.TitleTaken),
    (http(400, {"code": 400, "message": "Your Notebook cannot use internet access"}), errors.PushRefused),
    (http(401, {"code": 401, "message": "Unauthenticated"}), errors.BadCredentials),
    (http(401, PAGE), errors.BadCredentials),
    (http(403, {"code": 403, "message": "Permission 'kernels.update' was denied"}), errors.AccessDenied),
    (http(403, {"error": {"code": 403, "message": REFUSALS[5][0]}}), errors.PhoneNotVerified),
    (http(403, PAGE), errors.KaggleConfused),
    (http(404, {"code": 404, "message": "Not found"}), errors.PushRefused),
    (http(413, PAGE), errors.SourceTooLarge),
    (http(429, {"code": 429, "message": "Too many requests"}, Retry_After="7"), errors.Throttled),
    (http(429, PAGE), errors.Throttled),
    (http(429, {"error": {"code": 429, "message": REFUSALS[3][0]}}), errors.QuotaUsedUp),
    (http(501, {"code": 501, "message": "?"}), errors.PushUncertain),
]


@pytest.mark.parametrize(("raw", "kind"), STATUSES, ids=lambda value: str(value)[:60])
async def test_refusal_by_status(raw: bytes, kind: type) -> None:
    assert type(await push_to(lambda seen: [raw])) is kind


async def test_kaggles_words_are_shown_and_html_is_not() -> None:
    taken = await push_to(lambda seen: [http(409, NESTED)])
    assert TITLE in taken.cause
    page = await push_to(lambda seen: [http(502, PAGE)])
    assert "<" not in page.cause
    assert "right back" not in page.cause


@pytest.mark.parametrize("raw", [http(400, b"", Content_Type="text/plain"), http(400, PAGE), http(400, {})])
async def test_bare_400_to_a_large_source_means_its_size(raw: bytes) -> None:
    large = Submission(REF, "My note", "x" * 1_100_000)
    error = await push_to(lambda seen: [raw], large)
    assert type(error) is errors.SourceTooLarge
    assert "1,100,000" in error.cause
    assert not isinstance(await push_to(lambda seen: [raw]), errors.SourceTooLarge)


async def test_retry_after_is_read_as_number_and_date() -> None:
    said = await push_to(lambda seen: [http(429, {"code": 429, "message": "slow"}, Retry_After="7")])
    assert said.retry_after_s == 7
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    dated = await push_to(lambda seen: [http(429, {"code": 429, "message": "slow"}, Retry_After=when)])
    assert 30 < dated.retry_after_s <= 90
    nothing = await push_to(lambda seen: [http(429, {"code": 429, "message": "slow"}, Retry_After="soon")])
    assert nothing.retry_after_s is None


# --- a push whose answer was lost ----------------------------------------------------------------

LOST = {
    "no answer": [CUT],
    "closed without a word": [],
    "half a header": [b"HTTP/1.1 200 OK\r\nContent-Ty", CUT],
    "half a body": [http(200, PUSHED)[:-20], CUT],
    "body shorter than promised": [http(200, b'{"versionNumber": 4}', Content_Length="500")],
    "cut JSON": [http(200, b'{"versionNumber": 4, "ref":')],
    "no JSON at all": [http(200, b"")],
    "HTML with 200": [http(200, PAGE)],
    "HTML called JSON": [http(200, PAGE.encode())],
    "JSON null": [http(200, b"null")],
    "a JSON list": [http(200, b"[1, 2]")],
    "a reply without a version": [http(200, {"ref": "/code/ada/my-note"})],
    "version zero": [http(200, PUSHED | {"versionNumber": 0})],
    "code that is no number": [http(200, b'{"code": "x", "message": "y"}')],
    "500": [http(500, {"code": 500, "message": "Internal"})],
    "502 page": [http(502, PAGE)],
    "503": [http(503, {"error": {"code": 503, "message": "Unavailable"}}, Retry_After="3")],
    "504": [http(504, b"")],
    "408": [http(408, b"")],
    "not HTTP": [b"220 smtp ready\r\n"],
    "a redirect to nowhere": [http(302, b"")],
    "gzip that is none": [http(200, b"{}", Content_Encoding="gzip")],
}


@pytest.mark.parametrize("steps", LOST.values(), ids=LOST.keys())
async def test_lost_answer_is_uncertain(steps: list) -> None:
    error = await push_to(lambda seen: steps)
    assert type(error) is errors.PushUncertain
    assert isinstance(error, errors.KaggleUnreachable)
    assert error.to_wire()["code"] == "push_uncertain"


async def test_silent_server_is_uncertain() -> None:
    error = await push_to(lambda seen: [STALL], read_timeout_s=0.3)
    assert type(error) is errors.PushUncertain


async def test_redirect_that_ends_in_a_page_is_uncertain() -> None:
    def answer(seen: Seen) -> Answer:
        if seen.call == "SaveKernel":
            return [http(302, b"", Location="/login")]
        return [http(200, PAGE)]

    assert type(await push_to(answer)) is errors.PushUncertain


async def test_refused_connection_is_certain() -> None:
    async with client_at(f"http://127.0.0.1:{unused_port()}") as client:
        with pytest.raises(errors.KaggleUnreachable) as caught:
            await client.push(PUSH)
    assert type(caught.value) is errors.KaggleUnreachable
    assert "refused" in caught.value.cause


async def test_unknown_name_is_certain() -> None:
    """The resolver is never asked: such a label is too long for any name."""
    async with client_at(f"http://{'x' * 70}.localhost:9") as client:
        with pytest.raises(errors.KaggleUnreachable) as caught:
            await client.push(PUSH)
    assert type(caught.value) is not errors.PushUncertain


def test_what_is_surely_unsent() -> None:
    from requests import exceptions as rex
    from urllib3 import exceptions as uex

    from kaggle_lab.kaggle_client.translate import push_transport_error, surely_unsent

    pool: Any = None
    lookup = uex.NameResolutionError("api.example", pool, OSError("no such name"))  # type: ignore[arg-type]
    refused = uex.NewConnectionError(pool, "refused")
    aborted = uex.ProtocolError("Connection aborted.", ConnectionResetError(104, "reset"))
    sure = [
        rex.ConnectTimeout(uex.MaxRetryError(pool, "/", uex.ConnectTimeoutError(pool, "late"))),
        rex.ConnectionError(uex.MaxRetryError(pool, "/", lookup)),
        rex.ConnectionError(uex.MaxRetryError(pool, "/", refused)),
        rex.ProxyError(uex.MaxRetryError(pool, "/", uex.ProxyError("Unable to connect to proxy", refused))),
        rex.ProxyError(uex.ProxyError("Tunnel connection failed: 407", OSError())),
        rex.SSLError("certificate verify failed: CERTIFICATE_VERIFY_FAILED"),
    ]
    unsure = [
        rex.ConnectionError(aborted),
        rex.ReadTimeout(uex.ReadTimeoutError(pool, "/", "late")),
        rex.ChunkedEncodingError(aborted),
        rex.ProxyError(uex.ProxyError("Your proxy said nothing", ConnectionResetError())),
        rex.SSLError("EOF occurred in violation of protocol"),
        rex.JSONDecodeError("Expecting value", "", 0),
        ValueError("Expecting value: line 1 column 1 (char 0)"),
    ]
    assert [surely_unsent(error) for error in sure] == [True] * len(sure)
    assert [surely_unsent(error) for error in unsure] == [False] * len(unsure)
    assert {type(push_transport_error(error)) for error in unsure} == {errors.PushUncertain}
    assert errors.PushUncertain not in {type(push_transport_error(error)) for error in sure}


# --- reads ---------------------------------------------------------------------------------------


def in_turn(*answers: bytes | Answer) -> Callable[[Seen], Answer]:
    """Each request gets the next answer; the last one for ever."""
    left = list(answers)

    def answer(seen: Seen) -> Answer:
        step = left.pop(0) if len(left) > 1 else left[0]
        return [step] if isinstance(step, bytes) else step

    return answer


BUSY = http(429, {"code": 429, "message": "slow down"}, Retry_After="0")


@pytest.mark.parametrize(
    "fault", [http(503, b""), http(500, PAGE), http(200, PAGE), BUSY, [CUT], [http(200, b"{")]]
)
async def test_read_is_tried_again(fault: bytes | list) -> None:
    with scripted(in_turn(fault, fault, http(200, {"status": "RUNNING"}))) as server:
        async with client_at(server.url) as client:
            status = await client.session_status(REF, 3)
        assert status is not None
        assert status.status is KaggleStatus.RUNNING
        assert [seen.json for seen in server.requests] == [
            {"userName": "ada", "kernelSlug": "my-note", "versionLabel": "v3"}
        ] * 3


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (http(503, b""), errors.KaggleUnreachable),
        (http(200, PAGE), errors.KaggleConfused),
        (http(200, b""), errors.KaggleConfused),
        (http(200, b"[]"), errors.KaggleConfused),
        (BUSY, errors.Throttled),
        ([CUT], errors.KaggleUnreachable),
    ],
)
async def test_read_gives_up_soon(fault: bytes | list, kind: type) -> None:
    with scripted(in_turn(fault)) as server:
        async with client_at(server.url) as client:
            with pytest.raises(kind):
                await client.quota()
        assert len(server.requests) == 4


async def test_long_retry_after_is_left_to_the_monitor() -> None:
    with scripted(in_turn(http(429, PAGE, Retry_After="600"))) as server:
        async with client_at(server.url) as client:
            with pytest.raises(errors.Throttled) as caught:
                await client.quota()
        assert len(server.requests) == 1
    assert caught.value.retry_after_s == 600


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (http(401, {"code": 401, "message": "Unauthenticated"}), errors.BadCredentials),
        (http(403, {"code": 403, "message": "Permission 'kernels.get' was denied"}), errors.AccessDenied),
        (http(400, {"error": {"code": 400, "message": "bad page size"}}), errors.KaggleError),
        (http(501, {"error": {"code": 501, "message": "no such method"}}), errors.KaggleError),
    ],
)
async def test_refused_read_is_not_repeated(raw: bytes, kind: type) -> None:
    with scripted(in_turn(raw)) as server:
        async with client_at(server.url) as client:
            with pytest.raises(errors.KaggleLabError) as caught:
                await client.session_status(REF, 1)
        assert len(server.requests) == 1
    assert type(caught.value) is kind
    assert json.loads(raw.split(b"\r\n\r\n")[1]) != {}
    words = ("Unauthenticated", "kernels.get", "bad page size", "no such method")
    assert any(word in caught.value.cause for word in words)


async def test_status_404_is_no_session_yet_and_kernel_404_or_403_is_none() -> None:
    with scripted(in_turn(http(404, {"code": 404, "message": "nothing"}))) as server:
        async with client_at(server.url) as client:
            assert await client.session_status(REF, 1) is None
            assert await client.kernel(REF) is None
    with scripted(in_turn(http(403, {"error": {"code": 403, "message": "denied"}}))) as server:
        async with client_at(server.url) as client:
            assert await client.kernel(REF) is None


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ({"status": "CANCEL_ACKNOWLEDGED"}, KaggleStatus.CANCEL_ACKNOWLEDGED),
        ({"status": "cancelAcknowledged"}, KaggleStatus.CANCEL_ACKNOWLEDGED),
        ({"status": "KernelWorkerStatus.COMPLETE"}, KaggleStatus.COMPLETE),
        ({"status": "KERNEL_WORKER_STATUS_ERROR"}, KaggleStatus.ERROR),
        ({"status": 1}, KaggleStatus.RUNNING),
        ({"status": 99}, KaggleStatus.UNKNOWN),
        ({}, KaggleStatus.QUEUED),
        ({"status": "PREEMPTED_BY_THE_FUTURE"}, KaggleStatus.UNKNOWN),
        ({"status": None}, KaggleStatus.UNKNOWN),
    ],
)
async def test_status_words_newer_than_the_package_do_no_harm(raw: dict, status: KaggleStatus) -> None:
    with scripted(in_turn(http(200, raw | {"failureMessage": "why", "hasFailureMessage": True}))) as server:
        async with client_at(server.url) as client:
            found = await client.session_status(REF, 1)
    assert found is not None
    assert (found.status, found.failure_message) == (status, "why")
    assert found.word == str(raw.get("status", 0))


async def test_quota_in_all_its_forms() -> None:
    reply = {
        "quotaRefreshTime": "2026-11-28T00:00:00Z",
        "gpuQuota": {"timeUsed": "71094.4s", "timeReserved": "1800s", "totalTimeAllowed": "108000s"},
        "tpuQuota": {"totalTimeAllowed": "72000s"},
    }
    with scripted(in_turn(http(200, reply), http(200, {}))) as server:
        async with client_at(server.url) as client:
            quota = await client.quota()
            nothing = await client.quota()
    assert quota.gpu is not None
    assert quota.tpu is not None
    assert (quota.gpu.used_s, quota.gpu.reserved_s, quota.gpu.allowed_s) == (71094.4, 1800, 108000)
    assert quota.tpu.left_s == 72000
    assert quota.refreshes_at == datetime(2026, 11, 28, tzinfo=UTC)
    assert (nothing.gpu, nothing.tpu, nothing.refreshes_at) == (None, None, None)


async def test_output_list_that_never_ends_is_noticed() -> None:
    page = {"files": [{"fileName": "a", "url": "http://x/a"}], "nextPageToken": "same"}
    with scripted(in_turn(http(200, page))) as server:
        async with client_at(server.url) as client:
            with pytest.raises(errors.KaggleConfused):
                await client.output_files(REF, 1)
        assert len(server.requests) == 2


async def test_cancel_is_sent_once_and_its_error_message_raised() -> None:
    with scripted(in_turn(http(200, {"errorMessage": "Session is not active"}), http(503, b""))) as server:
        async with client_at(server.url) as client:
            with pytest.raises(errors.KaggleError, match="not active"):
                await client.cancel_session(7)
            with pytest.raises(errors.KaggleUnreachable):
                await client.cancel_session(7)
        assert [seen.json for seen in server.requests] == [{"kernelSessionId": 7}] * 2


@pytest.mark.parametrize(
    ("raw", "session_id"),
    [
        (
            http(302, b"", Location="https://api.kaggle.com/v1/kernels/output/download_zip/271000009"),
            271000009,
        ),
        (http(302, b"", Location="/api/v1/kernels/output/download_zip/5?x=1"), 5),
        (http(302, b"", Location="https://storage.example/file"), None),
        (http(404, {"code": 404, "message": "no output"}), None),
        (http(403, {"code": 403, "message": "denied"}), None),
        (http(200, {}), None),
    ],
)
async def test_session_id_from_the_redirect(raw: bytes, session_id: int | None) -> None:
    with scripted(in_turn(raw)) as server:
        async with client_at(server.url) as client:
            assert await client.find_session_id(REF, 3) == session_id
        (seen,) = server.requests
    assert seen.json == {"ownerSlug": "ada", "kernelSlug": "my-note", "versionNumber": 3}


async def test_hanging_call_does_not_keep_the_client_open() -> None:
    with scripted(lambda seen: [STALL]) as server:
        client = KaggleClient(Endpoint(EndpointKind.EMULATOR, server.url), token(), QUICK)
        call = asyncio.create_task(client.quota())
        await until(lambda: asyncio.sleep(0, server.requests), what="the call is under way")
        call.cancel()
        await asyncio.wait_for(client.close(), 2)
        with pytest.raises(asyncio.CancelledError):
            await call
        with pytest.raises(RuntimeError, match="closed"):
            await client.quota()


# --- whose credentials, and where to -------------------------------------------------------------


async def test_environment_never_beats_what_was_passed(
    monkeypatch: pytest.MonkeyPatch, scratch_home: Path
) -> None:
    folder = scratch_home / ".kaggle"
    folder.mkdir()
    (folder / "access_token").write_text("KGAT_real_from_file")
    (folder / "kaggle.json").write_text('{"username": "real", "key": "real"}')
    (scratch_home / ".netrc").write_text("machine 127.0.0.1 login netrc password netrc\n")
    (scratch_home / ".netrc").chmod(0o600)
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_real_from_environment")
    monkeypatch.setenv("KAGGLE_USERNAME", "real")
    monkeypatch.setenv("KAGGLE_KEY", "real")
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "NO_SUCH_PLACE")
    key = Credentials(
        CredentialMethod.API_KEY, "test", username="ada", secret="k3y", audience=EndpointKind.EMULATOR
    )
    with scripted(in_turn(http(200, {}))) as server:
        for credentials in (token(), key):
            async with client_at(server.url, credentials) as client:
                await client.quota()
                await client.find_session_id(REF, 1)
                assert [record async for record in client.log_records(REF, 1)] != []
        sent = [seen.headers["Authorization"] for seen in server.requests]
        async with client_at(server.url) as client, client.download(f"{server.url}/signed") as stream:
            assert [chunk async for chunk in stream.chunks()] == [b"{}"]
        assert "Authorization" not in server.requests[-1].headers
    basic = "Basic " + base64.b64encode(b"ada:k3y").decode()
    assert sent == [f"Bearer {TOKEN}"] * 3 + [basic] * 3


def test_built_client_talks_to_the_endpoint_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    timeouts_s = (1.0, 2.0)
    for environment in ("LOCALHOST", "TEST", "NO_SUCH_PLACE"):
        monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", environment)
        kaggle = Sdk(Endpoint(EndpointKind.KAGGLE), timeouts_s)
        url = kaggle._http()._get_request_url("kernels.KernelsApiService", "SaveKernel")
        assert url == "https://api.kaggle.com/v1/kernels.KernelsApiService/SaveKernel"
        emulator = Sdk(Endpoint(EndpointKind.EMULATOR, "http://127.0.0.1:8765"), timeouts_s)
        url = emulator._http()._get_request_url("kernels.KernelsApiService", "SaveKernel")
        assert url == "http://127.0.0.1:8765/api/v1/kernels.KernelsApiService/SaveKernel"
        kaggle.close()
        emulator.close()


def test_real_credentials_are_never_for_the_emulator_nor_the_reverse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_real")
    real = find_credentials()
    assert real is not None
    with pytest.raises(errors.BadCredentials, match="not sent to emulator"):
        KaggleClient(Endpoint(EndpointKind.EMULATOR, "http://127.0.0.1:1"), real, QUICK)
    with pytest.raises(errors.BadCredentials, match="not sent to kaggle"):
        KaggleClient(Endpoint(EndpointKind.KAGGLE), token(), QUICK)


@pytest.mark.parametrize("secret", ["", "two words", "line\r\nX-Injected: 1", "schlüssel"])
def test_secret_that_is_no_header_is_refused_at_once(secret: str) -> None:
    with pytest.raises(errors.BadCredentials) as caught:
        KaggleClient(Endpoint(EndpointKind.EMULATOR, "http://127.0.0.1:1"), token(secret), QUICK)
    assert not secret or secret not in caught.value.cause


async def test_proxy_of_the_environment_never_sees_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(seen: Seen) -> Answer:
        return [http(200, {})]

    with scripted(answer) as proxy, scripted(answer) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with client_at(server.url) as client:
            await client.quota()
            await client.find_session_id(REF, 1)
            assert [record async for record in client.log_records(REF, 1)] != []
            async with client.download(f"{server.url}/signed") as stream:
                assert stream.status == 200
        assert len(server.requests) == 4
        assert proxy.requests == []


async def test_proxy_of_the_environment_is_used_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(in_turn(http(200, {"status": "QUEUED"}))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        async with client_at("http://kaggle.invalid") as client:
            assert await client.session_status(REF, 1) is not None
            async with client.download("http://storage.invalid/signed?sig=1") as stream:
                assert stream.status == 200
        assert [seen.path for seen in proxy.requests] == [
            "http://kaggle.invalid/api/v1/kernels.KernelsApiService/GetKernelSessionStatus",
            "http://storage.invalid/signed?sig=1",
        ]
        assert "Authorization" not in proxy.requests[1].headers


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:1", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8", True),
        ("http://localhost:80/x", True),
        ("https://api.kaggle.com", False),
        ("http://localhost.evil.example", False),
        ("http://10.0.0.1", False),
    ],
)
def test_what_is_this_machine(url: str, local: bool) -> None:
    assert is_loopback(url) is local


async def test_redirect_elsewhere_does_not_take_the_token_along() -> None:
    with scripted(in_turn(http(200, {}))) as other:

        def answer(seen: Seen) -> Answer:
            return [http(302, b"", Location=other.url.replace("127.0.0.1", "localhost") + "/caught")]

        with scripted(answer) as server:
            async with client_at(server.url) as client:
                await client.quota()
        assert other.calls("caught")
        assert all("Authorization" not in seen.headers for seen in other.requests)


def test_header_of_a_key() -> None:
    key = Credentials(CredentialMethod.API_KEY, "test", username="ada", secret="ümlaut".replace("ü", "u"))
    assert auth_header(key) == "Basic " + base64.b64encode(b"ada:umlaut").decode()


async def test_error_that_quotes_the_token_is_cleaned() -> None:
    raw = http(400, {"code": 400, "message": "no: plain-secret-1234, KGAT_foreign1"})
    with scripted(in_turn(raw)) as server:
        async with client_at(server.url, token("plain-secret-1234")) as client:
            with pytest.raises(errors.KaggleError) as caught:
                await client.quota()
    assert "no: …, KGAT_…" in caught.value.cause


async def test_token_given_as_a_key_is_explained() -> None:
    key = Credentials(CredentialMethod.API_KEY, "test", "ada", "KGAT_x", audience=EndpointKind.EMULATOR)
    with scripted(in_turn(http(401, {"code": 401, "message": "Unauthenticated"}))) as server:
        async with client_at(server.url, key) as client:
            with pytest.raises(errors.BadCredentials) as caught:
                await client.whoami()
    assert "access token" in caught.value.remedy


async def test_nothing_secret_in_log_records(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    signed = "X-Goog-Signature=deadbeef"

    def answer(seen: Seen) -> Answer:
        if "stream" in seen.path:
            return [http(302, b"", Location=f"/log?{signed}")]
        return [http(200, b"[]")]

    with scripted(answer) as server:
        async with client_at(server.url) as client:
            assert [record async for record in client.log_records(REF, 1)] == [LogEnd(0)]
            with pytest.raises(errors.LinkExpired) as caught:
                await expired(client, server, signed)
    told = "\n".join(record.getMessage() for record in caplog.records)
    names = {record.name.split(".")[0] for record in caplog.records}
    assert {"httpx", "httpcore", "urllib3"} <= names, "the libraries do log; their lines are cleaned"
    assert "deadbeef" not in told + str(caught.value) + caught.value.cause + repr(caught.value.__cause__)
    assert not any(TOKEN in record.getMessage() for record in caplog.records)


async def expired(client: KaggleClient, server: ScriptedServer, signed: str) -> None:
    server.answer = lambda seen: [http(403, b"<Error>ExpiredToken</Error>", Content_Type="application/xml")]
    async with client.download(f"{server.url}/f?{signed}"):
        pass
