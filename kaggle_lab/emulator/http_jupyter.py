"""`/k/{session}/{secret}/proxy/…`: the way to a session's Jupyter server, for requests and websockets alike.

The request is passed on as it is, and then bytes go both ways until one side has had enough. The server
knows the path it is reached under, so nothing has to be rewritten.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac

from tornado.iostream import IOStream, StreamClosedError
from tornado.web import RequestHandler

from .jupyter_place import SocketPath, secret_of
from .sessions import INTERACTIVE
from .world import World

_CHUNK = 1 << 16
_HOP_BY_HOP = ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "content-length")


class JupyterProxy(RequestHandler):
    """Anything for a Jupyter server; 404 once the session has ended, as Kaggle has it."""

    SUPPORTED_METHODS = ("GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS")

    def initialize(self, world: World) -> None:
        self.world = world

    async def pass_on(self, session_id: str, secret: str) -> None:
        number = int(session_id)
        right = secret_of(number, self.world.session_secret)
        if not hmac.compare_digest(secret, right) or not self._lives(number):
            self.send_error(404)
            return
        try:
            with SocketPath(self.world.folders.session(number)) as path:
                reader, writer = await asyncio.open_unix_connection(path)
        except OSError:
            self.send_error(404)
            return
        try:
            await self._pass_on(reader, writer)
        finally:
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._request())
        first = await _first_of(reader)
        if not first:  # it is just ending
            self.send_error(404)
            return
        stream: IOStream = self.detach()
        try:
            await _splice(stream, reader, writer, first)
        finally:
            stream.close()

    get = head = post = delete = patch = put = options = pass_on

    def _lives(self, session_id: int) -> bool:
        session = self.world.sessions.find(session_id)
        if session is None or session.kind != INTERACTIVE:
            return False
        return not self.world.supervisor.refresh(session_id).is_finished

    def _request(self) -> bytes:
        """The request again, to be answered by one response and the end, or by an upgrade."""
        request = self.request
        is_upgrade = "upgrade" in request.headers.get("Connection", "").lower()
        lines = [f"{request.method} {request.uri} HTTP/1.1"]
        lines += [
            f"{name}: {value}" for name, value in request.headers.get_all() if name.lower() not in _HOP_BY_HOP
        ]
        lines += [f"Connection: {'Upgrade' if is_upgrade else 'close'}"]
        if request.body or request.method in ("POST", "PUT", "PATCH"):
            lines += [f"Content-Length: {len(request.body)}"]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


async def _first_of(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(OSError):
        return await reader.read(_CHUNK)
    return b""


async def _splice(
    stream: IOStream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes
) -> None:
    """Copy both ways until one side ends, beginning with what the server has said already."""
    with contextlib.suppress(StreamClosedError):
        await stream.write(first)
    ways = {asyncio.create_task(_down(reader, stream)), asyncio.create_task(_up(stream, writer))}
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _down(reader: asyncio.StreamReader, stream: IOStream) -> None:
    with contextlib.suppress(StreamClosedError, OSError):
        while data := await reader.read(_CHUNK):
            await stream.write(data)


async def _up(stream: IOStream, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(StreamClosedError, OSError):
        while data := await stream.read_bytes(_CHUNK, partial=True):
            writer.write(data)
            await writer.drain()
