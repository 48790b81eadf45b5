"""Kaggle's own paths: RPC, the REST binding of the same methods, and signed output files."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from .accounts import ANYBODY, Account
from .faults import HTML_BODY
from .http_base import BaseHandler
from .http_streams import send_file
from .hub_methods import ANONYMOUS_METHODS
from .interactive import OPERATIONS
from .methods import KERNELS, METHODS, OPEN_METHODS
from .outputs import LinkError
from .replies import Reply
from .wire import ApiError, Fields, parse_json_object

HUGE_BODY_BYTES = 10 << 20


class ApiHandler(BaseHandler):
    """Common to RPC and REST: who calls, and what they sent."""

    def caller(self) -> Account:
        return self.world.accounts.authenticate(self.request.headers.get("Authorization"))

    def _may_be_anybody(self, name: str) -> bool:
        return name in ANONYMOUS_METHODS and not self.request.headers.get("Authorization")

    def work(self, name: str, request: Callable[[], dict[str, Any]]) -> Callable[[], Reply]:
        """The work of a method, still to be done."""

        def do() -> Reply:
            if name in OPEN_METHODS:
                return OPEN_METHODS[name](self.world, Fields(request()))
            caller = ANYBODY if self._may_be_anybody(name) else self.caller()
            if name not in METHODS:
                raise ApiError(501, f"{name} is not emulated")
            return METHODS[name](self.world, caller, Fields(request()))

        return do


class RpcHandler(ApiHandler):
    """`POST /api/v1/{service}/{Method}` with a JSON object."""

    @property
    def error_form(self) -> str:
        return self.world.settings.rpc_envelope

    async def post(self, service: str, method: str) -> None:
        if len(self.request.body) > HUGE_BODY_BYTES:
            self.call = method
            self.set_status(400)
            self.set_header("Content-Type", "text/html; charset=utf-8")
            self.finish(HTML_BODY.format(status=400))
            return
        await self.answer(
            method, self.work(f"{service}/{method}", lambda: parse_json_object(self.request.body))
        )


_DOWNLOAD = "DownloadKernelOutput"
_CALL_NAMES = {"GetKernelSessionLogsStream": "LogsStream"}


class RestHandler(ApiHandler):
    """The REST binding: `(verb, pattern)` to a method, path parts and query being the request's fields."""

    SERVICE = KERNELS
    BODIES: Mapping[str, str] = {}  # methods whose REST body is one field of the RPC request
    ROUTES: tuple[tuple[str, str, str], ...] = (
        ("GET", r"list", "ListKernels"),
        ("GET", r"status", "GetKernelSessionStatus"),
        ("GET", r"files", "ListKernelFiles"),
        ("GET", r"output", "ListKernelSessionOutput"),
        ("GET", r"pull", "GetKernel"),
        ("POST", r"push", "SaveKernel"),
        ("GET", r"quota", "GetAcceleratorQuotaStatistics"),
        ("GET", r"logs/stream/(?P<userName>[^/]+)/(?P<kernelSlug>[^/]+)", "GetKernelSessionLogsStream"),
        ("GET", r"sessions/(?P<kernelSessionId>\d+)/logs/stream", "GetKernelSessionLogsStream"),
        ("GET", r"output/download_zip/(?P<kernelSessionId>\d+)", "DownloadKernelOutputZip"),
        ("GET", r"output/download/(?P<ownerSlug>[^/]+)/(?P<kernelSlug>[^/]+)(/(?P<filePath>.+))?", _DOWNLOAD),
        ("POST", r"delete/(?P<userName>[^/]+)/(?P<kernelSlug>[^/]+)", "DeleteKernel"),
        ("POST", r"create-session/(?P<slug>[^/]+(?:/[^/]+)?)", "CreateKernelSession"),
        ("POST", r"cancel-session/(?P<kernelSessionId>\d+)", "CancelKernelSession"),
    )  # fmt: skip

    async def get(self, path: str) -> None:
        await self._route("GET", path)

    async def post(self, path: str) -> None:
        await self._route("POST", path)

    async def _route(self, verb: str, path: str) -> None:
        for wanted, pattern, method in self.ROUTES:
            found = re.fullmatch(pattern, path)
            if found and wanted == verb:
                parts = {name: value for name, value in found.groupdict().items() if value is not None}
                work = self.work(f"{self.SERVICE}/{method}", functools.partial(self._request, parts, method))
                await self.answer(_CALL_NAMES.get(method, method), work)
                return
        self.send_api_error(ApiError(404, f"{verb} {self.request.path} is not emulated"))

    def _request(self, parts: dict[str, str], method: str) -> dict[str, Any]:
        body = parse_json_object(self.request.body) if self.request.method == "POST" else {}
        field = self.BODIES.get(method)
        if field and field not in body:
            body = {field: body}
        query = {name: self.get_query_argument(name) for name in self.request.query_arguments}
        return {**body, **query, **parts}

    def send_json(self, value: dict[str, Any], status: int = 200) -> None:
        super().send_json(_with_twins(value), status)


class OperationsRest(RestHandler):
    """`/v1/operations/…`"""

    SERVICE = OPERATIONS
    ROUTES = (("POST", r"get", "GetOperation"),)


_TWIN_FIELDS = ("failureMessage", "log", "nextPageToken", "url", "fileName", "versionNumber")


def _with_twins(value: Any) -> Any:
    """REST answers repeat optional fields as `hasX` and `xNullable`."""
    if isinstance(value, list):
        return [_with_twins(item) for item in value]
    if not isinstance(value, dict):
        return value
    full = {name: _with_twins(item) for name, item in value.items()}
    for name in _TWIN_FIELDS:
        if name in value:
            full[f"has{name[0].upper()}{name[1:]}"] = value[name] is not None
            full[f"{name}Nullable"] = value[name]
    return full


class UnknownHandler(ApiHandler):
    """Any other path of Kaggle's."""

    async def prepare(self) -> None:
        self.send_api_error(ApiError(404, f"{self.request.method} {self.request.path} is not emulated"))


class OutputFileHandler(BaseHandler):
    """`/kaggle-outputs/{session}/{file}`: works without credentials as long as its signature does."""

    async def head(self, session_id: str, name: str) -> None:
        await self.get(session_id, name)

    async def get(self, session_id: str, name: str) -> None:
        self.call = "OutputFile"
        fault = await self.take_fault()
        if fault is not None and self.spoil(fault, work_is_done=False):
            return
        try:
            await self._send_output(int(session_id), name)
        except LinkError as error:
            self.refuse_link(error)

    async def _send_output(self, session_id: int, name: str) -> None:
        self.expire_link()
        self.world.links.check(
            session_id, name, self.get_query_argument("expires", ""), self.get_query_argument("signature", "")
        )
        if self.world.settings.download_latency_s:
            await asyncio.sleep(self.world.settings.download_latency_s)
        found = self.world.listings.find(self.world.folders.working(session_id), name)
        if found is None:
            raise LinkError(404, "NoSuchKey", "The specified key does not exist.")
        try:
            await send_file(self, found.path, self.world.settings.download_rate_bytes_s, self.fault)
        except FileNotFoundError:
            raise LinkError(404, "NoSuchKey", "The specified key does not exist.") from None
