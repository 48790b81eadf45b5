"""What every handler does: latency, faults, errors in Kaggle's form, and a line in the journal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable
from typing import Any

from tornado.httputil import HTTPHeaders, RequestStartLine, ResponseStartLine
from tornado.httputil import HTTPMessageDelegate as MessageDelegate
from tornado.iostream import StreamClosedError
from tornado.web import Application, HTTPError

from .faults import HTML_BODY, Fault
from .http_streams import StreamingHandler, send_bytes, send_log, send_zip
from .outputs import LinkError
from .replies import Content, LogStream, Redirect, Reply
from .wire import ApiError
from .world import World

LOGGER = logging.getLogger("kaggle_emulator")
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1", "[::1]")


class EmulatorApplication(Application):
    """Takes absolute-form request lines too, so that the emulator can stand in as an HTTP proxy."""

    def start_request(self, server_conn: object, request_conn: Any) -> MessageDelegate:
        return _OriginForm(super().start_request(server_conn, request_conn))


class _OriginForm(MessageDelegate):
    """Cuts `http://host` from the request line before anybody looks at it."""

    def __init__(self, inner: MessageDelegate) -> None:
        self._inner = inner

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> Any:
        if isinstance(start_line, RequestStartLine) and start_line.path.lower().startswith("http://"):
            path = start_line.path[len("http://") :]
            slash = path.find("/")
            start_line = start_line._replace(path=path[slash:] if slash >= 0 else "/")
        return self._inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Any:
        return self._inner.data_received(chunk)

    def finish(self) -> None:
        self._inner.finish()

    def on_connection_close(self) -> None:
        self._inner.on_connection_close()


class BaseHandler(StreamingHandler):
    """Common ground. `call` is the name under which faults and the journal know the request."""

    call = ""

    def initialize(self, world: World) -> None:
        self.world = world
        self.fault: Fault | None = None
        self._began = time.time()

    @property
    def error_form(self) -> str:
        """How errors are wrapped: "nested" or "flat"."""
        return "flat"

    def set_default_headers(self) -> None:
        self.set_header("Server", "kaggle-emulator")

    def compute_etag(self) -> None:
        return None

    async def answer(self, call: str, work: Callable[[], Reply]) -> None:
        """Do the work and send its reply, or what the fault rules and the errors make of it."""
        self.call = call
        fault = await self.take_fault()
        if fault is not None and self.spoil(fault, work_is_done=False):
            return
        try:
            reply = work()
            if fault is None or not self.spoil(fault, work_is_done=True):
                await self._send(reply)
        except ApiError as error:
            self.send_api_error(error)

    async def take_fault(self) -> Fault | None:
        """The rule for this call, its delay and the general latency already served."""
        self.fault = fault = self.world.faults.take(self.call)
        delay = self.world.settings.rpc_latency_s + (fault.delay_s if fault else 0.0)
        if delay:
            await asyncio.sleep(delay)
        return fault

    def spoil(self, fault: Fault, work_is_done: bool) -> bool:
        """Cut or answer as the rule says for this moment; False if the real answer is to be sent."""
        if fault.drop and work_is_done == (fault.drop == "after"):
            self.cut()
            return True
        if fault.status and not fault.drop and work_is_done == fault.after_work:
            self.send_fault(fault)
            return True
        return False

    async def _send(self, reply: Reply) -> None:
        spoiler = self.fault if self.fault is not None and self.fault.spoils_body else None
        if isinstance(reply, dict) and spoiler is not None:
            self.set_header("Content-Type", "application/json; charset=utf-8")
            await send_bytes(self, json.dumps(reply).encode(), spoiler)
        elif isinstance(reply, dict):
            self.send_json(reply)
        elif isinstance(reply, Redirect):
            self.redirect(reply.url)
        elif isinstance(reply, LogStream):
            await send_log(self, self.world, reply, self.fault)
        elif isinstance(reply, Content):
            self.set_header("Content-Type", reply.content_type)
            self.set_header("Content-Disposition", f'attachment; filename="{reply.name}"')
            if spoiler is not None:
                await send_bytes(self, reply.body, spoiler)
            else:
                self.finish(reply.body)
        else:
            await send_zip(self, self.world, reply, spoiler)

    def send_json(self, value: dict[str, Any], status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps(value))

    def send_api_error(self, error: ApiError) -> None:
        if error.status == 401:
            self.set_header("WWW-Authenticate", 'Bearer realm="kaggle", Basic realm="kaggle"')
        self.send_json(error.envelope(self.error_form), error.status)

    def send_fault(self, fault: Fault) -> None:
        """The answer a fault rule asks for."""
        self.clear()
        if fault.retry_after:
            self.set_header("Retry-After", fault.retry_after)
        if fault.envelope in ("html", "empty"):
            self.set_status(fault.status)
            self.set_header("Content-Type", "text/html; charset=utf-8")
            self.finish(HTML_BODY.format(status=fault.status) if fault.envelope == "html" else "")
            return
        error = ApiError(fault.status, fault.message or f"Injected fault {fault.status}")
        self.send_json(error.envelope(fault.envelope), fault.status)

    def expire_link(self) -> None:
        """Raises `LinkError` when a rule says that the link of this request has ended."""
        if self.fault is not None and self.fault.expired:
            raise LinkError(403, "ExpiredToken", "The provided token has expired.")

    def refuse_link(self, error: LinkError) -> None:
        """The answer of the storage behind signed links."""
        self.set_status(error.status)
        self.set_header("Content-Type", "application/xml; charset=UTF-8")
        self.finish(
            f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{error.code}</Code>"
            f"<Message>{error.message}</Message></Error>"
        )

    def cut(self) -> None:
        """Close the connection without an answer."""
        self.set_status(499, "Connection cut")
        self._journal()
        with contextlib.suppress(StreamClosedError):
            self.detach().close()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        text = error.log_message if isinstance(error, HTTPError) and error.log_message else self._reason
        self.send_json(ApiError(status_code, str(text)).envelope(self.error_form), status_code)

    def note(self) -> None:
        self._journal()

    @property
    def shown_path(self) -> str:
        """The path as the journal may keep it."""
        return str(self.request.path)

    def on_finish(self) -> None:
        self._journal()

    def _journal(self) -> None:
        if not self.request.path.startswith("/_emu"):
            took_ms = (time.time() - self._began) * 1000
            self.world.journal.add(
                self._began,
                str(self.request.method),
                self.shown_path,
                self.call or type(self).__name__.removesuffix("Handler"),
                self.get_status(),
                took_ms,
                self.fault is not None,
            )


def is_loopback_host(host: str) -> bool:
    """Whether a Host header names this machine, which keeps a hostile web page's own names out."""
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    return name.lower() in LOOPBACK_NAMES
