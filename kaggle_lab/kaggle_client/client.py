"""The Kaggle door: every question that Kaggle Lab asks Kaggle, answered in our own words."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from ..config import Config
from ..credentials import Credentials
from ..errors import (
    AccessDenied,
    BadCredentials,
    KaggleConfused,
    KaggleError,
    KaggleUnreachable,
    NotFoundOnKaggle,
    Throttled,
)
from ..models import (
    Account,
    AccountState,
    CredentialMethod,
    Endpoint,
    KernelInfo,
    KernelRef,
    LogRecord,
    PushResult,
    Quota,
    RemoteFile,
    SessionStatus,
    Submission,
)
from . import parse, translate
from .downloads import Downloads, DownloadStream
from .logs import LogEnd, read_records
from .requests_of import body_of, save_kernel
from .sdk import KERNELS, Sdk, auth_header, clean_logs, is_loopback, user_agent
from .sign_in import SignIn, check_audience
from .workers import Workers

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
READ_ATTEMPTS = 4
READ_BUDGET_S = 10.0
"""Reads are tried again within this time only; longer patience is the monitor's."""
PAGE_SIZE = 200
_MAX_PAGES = 500
_API_THREADS = 4


class KaggleClient:
    """One account at one endpoint. Use it in one event loop and :meth:`close` it.

    All methods raise leaves of :class:`~kaggle_lab.errors.KaggleLabError`: BadCredentials (401),
    AccessDenied (403: missing or foreign), NotFoundOnKaggle (404), Throttled (429), KaggleConfused (not
    Kaggle's API), KaggleUnreachable (no answer, or 5xx), KaggleError (anything else).
    """

    def __init__(self, endpoint: Endpoint, credentials: Credentials, config: Config) -> None:
        check_audience(credentials, endpoint)
        timeouts_s = (config.connect_timeout_s, config.read_timeout_s)
        self.endpoint = endpoint
        self._config = config
        self._sign_in = SignIn(credentials)
        self._sdk = Sdk(endpoint, timeouts_s)
        self._workers = Workers(_API_THREADS, "kaggle-lab-api")
        self._downloads = Downloads(config.downloads_at_once, timeouts_s)
        self._streams: httpx.AsyncClient | None = None

    @property
    def credentials(self) -> Credentials:
        """Who this client signs in as."""
        return self._sign_in.credentials

    # --- the account -----------------------------------------------------------------------------

    async def whoami(self) -> Account:
        """Who is signed in, asked of Kaggle. Raises BadCredentials when nobody is."""
        who = self.credentials
        if who.method is CredentialMethod.API_KEY:
            await self._check_key(who.secret)
            username = who.username
        else:
            username = await self._introspect()
        return Account(AccountState.SIGNED_IN, self.endpoint, username, who.method, who.source)

    async def quota(self) -> Quota:
        """The weekly quota of the account."""
        reply = await self._read("ApiGetAcceleratorQuotaStatisticsRequest", "reading the quota")
        return parse.quota(reply)

    async def _check_key(self, key: str) -> None:
        try:
            await self.quota()  # keys cannot be introspected; this is the cheapest call that needs one
        except BadCredentials as error:
            if key.startswith("KGAT_"):
                error.remedy = "This key is an access token: paste it in the Kaggle sidebar instead."
            raise

    async def _introspect(self) -> str:
        doing = "checking the access token"
        try:
            reply = await self._read("IntrospectTokenRequest", doing)
        except (AccessDenied, NotFoundOnKaggle) as error:
            raise BadCredentials(f"Kaggle does not know this access token: {error.cause}") from error
        except KaggleError as error:
            if error.data.get("kaggle_status") == 400:
                raise BadCredentials(f"Kaggle does not know this access token: {error.cause}") from error
            raise
        username = parse.text(reply.get("username"))
        if not reply.get("active") or not username:
            raise BadCredentials("This access token has expired or was revoked.")
        return username

    # --- runs ------------------------------------------------------------------------------------

    async def push(self, submission: Submission) -> PushResult:
        """Send a notebook, exactly once.

        Raises SessionCapReached, QuotaUsedUp, PhoneNotVerified, TitleTaken, SourceTooLarge, PushRefused,
        AccessDenied, BadCredentials, Throttled: it was not taken. KaggleUnreachable: it surely did not
        leave. PushUncertain: it may have been taken although the answer was lost; read the kernel back.
        """
        source_bytes = len(submission.source.encode("utf-8", errors="surrogatepass"))
        try:
            answer = await self._workers.run(lambda: self._send(submission))
        except (OSError, ValueError) as error:
            raise translate.push_transport_error(error) from error
        reply = parse.fields(answer.json)
        if answer.status < 400 and reply.get("error") and answer.message:
            raise translate.refusal_of(answer.message)
        result = parse.push_result(reply, submission, self.endpoint) if answer.status < 400 else None
        if result is None:
            raise translate.push_error(answer, source_bytes)
        return result

    def _send(self, submission: Submission) -> translate.Answer:
        who = self._sign_in.current(self._sdk)
        answer = self._sdk.call(KERNELS, "SaveKernel", save_kernel(submission), who)
        if answer.status == 401 and self._sign_in.distrust(who):  # turned away at the door: nothing was taken
            who = self._sign_in.current(self._sdk)
            answer = self._sdk.call(KERNELS, "SaveKernel", save_kernel(submission), who)
        return answer

    async def kernel(self, ref: KernelRef, version: int | None = None) -> KernelInfo | None:
        """A kernel, or None when it does not exist or is somebody else's (Kaggle tells no difference)."""
        try:
            reply = await self._read("ApiGetKernelRequest", f"reading {ref}", **_of_version(ref, version))
        except (AccessDenied, NotFoundOnKaggle):
            return None
        return parse.kernel_info(reply, ref)

    async def session_status(self, ref: KernelRef, version: int) -> SessionStatus | None:
        """The status of one version's session, or None when there is no session yet."""
        doing = f"reading the status of {ref} v{version}"
        try:
            reply = await self._read("ApiGetKernelSessionStatusRequest", doing, **_of_version(ref, version))
        except NotFoundOnKaggle:
            return None
        return parse.session_status(reply)

    async def find_session_id(self, ref: KernelRef, version: int) -> int | None:
        """The number of a version's session, from where Kaggle redirects a download of its output."""
        doing = f"looking for the session of {ref} v{version}"
        status, location = await self._redirect(ref, version, doing)
        if status in (401, 429) or status >= 500:
            raise translate.error_of(translate.Answer(status), doing)
        match = re.search(r"/download_zip/(\d+)", location)
        return int(match[1]) if match else None

    async def cancel_session(self, session_id: int) -> None:
        """Ask Kaggle to stop a session. Raises KaggleError with Kaggle's words when it declines."""
        try:
            reply = await self._cancel(session_id)
        except _Renewed:
            reply = await self._cancel(session_id)
        if said := parse.text(reply.get("errorMessage")):
            raise KaggleError(f"Kaggle did not stop the run: “{translate.clean(said)}”")

    async def _cancel(self, session_id: int) -> dict[str, Any]:
        doing, values = "stopping the run", {"kernel_session_id": session_id}
        return await self._once("ApiCancelKernelSessionRequest", doing, values)

    async def output_files(self, ref: KernelRef, version: int) -> list[RemoteFile]:
        """All output files of one version, every page. Each link is signed and lives shortly."""
        doing = f"listing the files of {ref} v{version}"
        found: dict[str, RemoteFile] = {}
        token, seen = "", set[str]()
        while token not in seen and len(seen) < _MAX_PAGES:
            seen.add(token)
            reply = await self._read(
                "ApiListKernelSessionOutputRequest",
                doing,
                **_of_version(ref, version),
                page_size=PAGE_SIZE,
                page_token=token,
            )
            files, token = parse.output_page(reply)
            found.update((file.name, file) for file in files)
            if not token:
                return list(found.values())
        raise KaggleConfused(f"Kaggle's list of files does not end while {doing}.")

    # --- streams ---------------------------------------------------------------------------------

    async def log_records(
        self, ref: KernelRef, version: int, skip: int = 0
    ) -> AsyncGenerator[LogRecord | LogEnd, None]:
        """The records ``n >= skip`` of one version's log, over one connection.

        Ends with LogEnd when the log is complete; a stream that was cut just stops. Raises NotFoundOnKaggle
        while there is no log, and the other errors of a read, before the first record only.
        """
        response = await self._open_log(ref, version, f"reading the log of {ref} v{version}")
        end: LogEnd | None = None
        try:
            content_type = response.headers.get("Content-Type", "")
            async for record in read_records(response.aiter_bytes(), content_type, skip):
                if isinstance(record, LogEnd):
                    end = record
                else:
                    yield record
        except _httpx_error():
            return  # cut off: the caller connects again
        finally:
            await response.aclose()
        if end is not None:
            yield end

    async def _open_log(self, ref: KernelRef, version: int, doing: str) -> httpx.Response:
        streams = await self._stream_client()
        who = await self._workers.run(lambda: self._sign_in.current(self._sdk))
        path = f"/v1/kernels/logs/stream/{quote(ref.owner)}/{quote(ref.slug)}"
        headers = {"Authorization": auth_header(who), "Accept": "text/event-stream, */*"}
        request = streams.build_request(
            "GET", self._sdk.base_url + path, params={"versionLabel": f"v{version}"}, headers=headers
        )
        try:
            response = await streams.send(request, stream=True)
            if response.status_code < 400 and "html" not in response.headers.get("Content-Type", ""):
                return response
            body = (await response.aread()).decode("utf-8", errors="replace")
            await response.aclose()
            if response.status_code == 401:
                self._sign_in.distrust(who)  # the next connection carries a new one
        except (_httpx_error(), OSError) as error:
            raise KaggleUnreachable(f"Kaggle cannot be reached while {doing}.") from error
        raise translate.error_of(translate.read_answer(response.status_code, response.headers, body), doing)

    async def _stream_client(self) -> httpx.AsyncClient:
        if self._streams is None:
            built = await self._workers.run(self._build_streams)
            if self._streams is None:
                self._streams = built
        return self._streams

    def _build_streams(self) -> httpx.AsyncClient:
        import httpx

        clean_logs()
        config = self._config
        timeout = httpx.Timeout(
            config.read_timeout_s, connect=config.connect_timeout_s, read=config.stream_timeout_s
        )
        return httpx.AsyncClient(
            timeout=timeout,
            headers={"User-Agent": user_agent()},
            trust_env=not is_loopback(self._sdk.base_url),
            follow_redirects=True,
            limits=httpx.Limits(max_connections=50),
        )

    def download(
        self, url: str, *, name: str = "", start: int = 0, validator: str = ""
    ) -> AbstractAsyncContextManager[DownloadStream]:
        """Open a signed link, from byte ``start`` on if the file still has this ``validator``.

        ``name`` tells whether HTML can be the file itself. Raises LinkExpired (list again), Throttled,
        KaggleUnreachable, KaggleConfused.
        """
        return self._downloads.open(url, name, start, validator)

    async def close(self) -> None:
        """Close all connections. Calls that hang are left to end by themselves."""
        self._workers.close()
        self._downloads.close()
        self._sdk.close()
        if self._streams is not None:
            await self._streams.aclose()

    # --- one call --------------------------------------------------------------------------------

    async def _read(self, request: str, doing: str, **values: Any) -> dict[str, Any]:
        return await self._patiently(lambda: self._once(request, doing, values))

    async def _redirect(self, ref: KernelRef, version: int, doing: str) -> tuple[int, str]:
        values = {"owner_slug": ref.owner, "kernel_slug": ref.slug, "version_number": version}

        def ask() -> tuple[Credentials, int, str]:
            who = self._sign_in.current(self._sdk)
            _, method, request = body_of("ApiDownloadKernelOutputRequest", values)
            return who, *self._sdk.location_of(KERNELS, method, request, who)

        async def once() -> tuple[int, str]:
            try:
                who, status, location = await self._workers.run(ask)
            except (OSError, ValueError) as error:
                raise translate.transport_error(error, doing) from error
            if status == 401 and self._sign_in.distrust(who):
                raise _Renewed(f"The OAuth token was refused while {doing}.")
            return status, location

        return await self._patiently(once)

    async def _once(self, request: str, doing: str, values: dict[str, Any]) -> dict[str, Any]:
        try:
            who, answer = await self._workers.run(lambda: self._call(request, values))
        except (OSError, ValueError) as error:
            raise translate.transport_error(error, doing) from error
        if answer.status == 401 and self._sign_in.distrust(who):
            raise _Renewed(f"The OAuth token was refused while {doing}{answer.quoted}")
        if answer.status >= 400 or not isinstance(answer.json, dict):
            raise translate.error_of(answer, doing)
        return answer.json

    def _call(self, request: str, values: dict[str, Any]) -> tuple[Credentials, translate.Answer]:
        who = self._sign_in.current(self._sdk)
        if request == "IntrospectTokenRequest":
            values = {"token": who.secret}
        service, method, message = body_of(request, values)
        return who, self._sdk.call(service, method, message, who)

    async def _patiently(self, once: Callable[[], Awaitable[T]]) -> T:
        """Repeat a read while Kaggle cannot be heard, for a few seconds."""
        until = time.monotonic() + READ_BUDGET_S
        for attempt in range(READ_ATTEMPTS):
            try:
                return await once()
            except _Renewed as error:
                if attempt:
                    raise BadCredentials(error.cause) from error
            except KaggleUnreachable as error:
                wait_s = _wait_s(error, attempt, self._config.stream_retry_s)
                if attempt + 1 == READ_ATTEMPTS or time.monotonic() + wait_s > until:
                    raise
                await asyncio.sleep(wait_s)
        raise AssertionError("unreachable")


class _Renewed(BadCredentials):
    """Kaggle refused an OAuth token; the next call carries a new one."""


def _wait_s(error: KaggleUnreachable, attempt: int, base_s: float) -> float:
    asked_s = error.retry_after_s if isinstance(error, Throttled) else None
    return translate.backoff_s(attempt, base_s / 2, READ_BUDGET_S / 2) if asked_s is None else asked_s


def _of_version(ref: KernelRef, version: int | None) -> dict[str, Any]:
    label = {} if version is None else {"version_label": f"v{version}"}  # a bare number answers 404
    return {"user_name": ref.owner, "kernel_slug": ref.slug, **label}


def _httpx_error() -> type[Exception]:
    import httpx

    return httpx.HTTPError
