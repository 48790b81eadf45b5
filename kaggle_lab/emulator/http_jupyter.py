"""`/k/{session}/{secret}/proxy/…`: the way to a session's Jupyter server, for requests and websockets alike.

The head of a request is written anew and then bytes go both ways until one side has had enough, so that
uploads, streams and websockets need nothing of their own. The server knows the path it is reached under, so
nothing has to be rewritten. Fault rules are not for these requests: on Kaggle another service has them.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import re
from types import TracebackType

from tornado.iostream import IOStream, StreamClosedError
from tornado.web import stream_request_body

from .http_base import LOGGER, BaseHandler
from .jupyter_place import connect, secret_of
from .sessions import INTERACTIVE
from .wire import ApiError

_ROOT = re.compile(r"/k/([0-9]{1,15})/([A-Za-z0-9_-]+)/proxy")
_ADDRESS = re.compile(rf"{_ROOT.pattern}(?:/.*)?")
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})")
_CHUNK = 1 << 16
# What holds for one connection only, and the credentials that a browser or a client of Kaggle's sends along:
# the path is the key to the server, and they are not for what runs in a session.
_KEPT_BACK = (
    "connection", "keep-alive", "proxy-connection", "proxy-authorization", "authorization", "cookie",
)  # fmt: skip
_ENDED = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@stream_request_body
class JupyterProxy(BaseHandler):
    """Anything for a Jupyter server; 404 once the session has ended, as Kaggle has it."""

    call = "Jupyter"

    async def prepare(self) -> None:
        server = self._server()
        if server is None:
            self.send_api_error(ApiError(404, "Not Found"))
            return
        client: IOStream = self.detach()
        client.set_nodelay(True)
        await self._splice(client, server)

    def data_received(self, chunk: bytes) -> None:
        """The body of a request that leads nowhere."""

    def _server(self) -> IOStream | None:
        """A connection to the server that the path leads to; None for a wrong path and when it has ended."""
        found = _ADDRESS.fullmatch(self.request.path)
        if found is None or not self._is_open(int(found[1]), found[2]):
            return None
        try:
            return IOStream(connect(self.world.folders.session(int(found[1]))))
        except OSError:
            return None

    def _is_open(self, session_id: int, secret: str) -> bool:
        if not hmac.compare_digest(secret, secret_of(session_id, self.world.session_secret)):
            return False
        session = self.world.sessions.find(session_id)
        if session is None or session.kind != INTERACTIVE:
            return False
        session = self.world.supervisor.refresh(session_id)
        return not session.is_finished and session.stop_reason is None

    def _head(self) -> bytes:
        """The head again, to be answered by one response and the end, or by an upgrade."""
        request = self.request
        is_upgrade = "upgrade" in request.headers.get("Connection", "").lower()
        path, mark, query = str(request.uri).partition("?")
        if _ROOT.fullmatch(path):
            path += "/"  # Jupyter knows its own root with the slash only
        lines = [f"{request.method} {path}{mark}{query} {request.version}"]
        lines += [
            f"{name}: {value}" for name, value in request.headers.get_all() if name.lower() not in _KEPT_BACK
        ]
        lines += [f"Connection: {'Upgrade' if is_upgrade else 'close'}", "", ""]
        return "\r\n".join(lines).encode("latin-1")

    async def _splice(self, client: IOStream, server: IOStream) -> None:
        """Copy both ways until one side ends, which ends the other."""
        client.set_close_callback(server.close)
        asking = asyncio.create_task(self._ask(client, server), name="to a Jupyter server")
        try:
            await self._answer(server, client)
        finally:
            server.close()
            client.close()
            await asking

    async def _ask(self, client: IOStream, server: IOStream) -> None:
        with contextlib.suppress(StreamClosedError):
            await server.write(self._head())
            await _copy(client, server)

    async def _answer(self, server: IOStream, client: IOStream) -> None:
        with contextlib.suppress(StreamClosedError):
            first = await self._first_of(server)
            status = _STATUS.match(first)
            self.set_status(499 if client.closed() else int(status[1]) if status else 502)
            self.note()
            await client.write(first)
            await _copy(server, client)

    @staticmethod
    async def _first_of(server: IOStream) -> bytes:
        """The status line and what came with it; a 404 from a server that is just ending."""
        with contextlib.suppress(StreamClosedError):
            return await server.read_bytes(_CHUNK, partial=True)
        return _ENDED

    @property
    def shown_path(self) -> str:
        """Without the secret."""
        return re.sub(r"^/k/([^/]*)/[^/]+", r"/k/\1/***", self.request.path)

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Without the request, whose path is a secret."""
        LOGGER.error("%s %s failed", self.request.method, self.shown_path, exc_info=value)


async def _copy(source: IOStream, target: IOStream) -> None:
    """Bytes as they come; `StreamClosedError` when either end is closed."""
    while True:
        await target.write(await source.read_bytes(_CHUNK, partial=True))
