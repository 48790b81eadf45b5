"""A loopback server that answers byte for byte what a test says: for what no proper server would do."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

CUT = object()
"""A step of an answer: reset the connection."""
STALL = object()
"""A step of an answer: say nothing until the server closes."""
Answer = Iterable[Any]


@dataclass(frozen=True)
class Seen:
    """One request. ``method`` is the HTTP verb, ``call`` the last part of the path."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def call(self) -> str:
        return self.path.split("?")[0].rsplit("/", 1)[-1]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def http(status: int, body: bytes | str | dict | list = b"", **headers: str) -> bytes:
    """A whole answer. Keyword ``Retry_After`` becomes the header ``Retry-After``; None leaves one out."""
    kind = "text/html; charset=utf-8" if isinstance(body, str) else "application/json; charset=utf-8"
    data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    fields = {"Content-Type": kind, "Content-Length": str(len(data)), "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{k}: {v}" for k, v in fields.items() if v is not None)]
    return "\r\n".join([*lines, "", ""]).encode() + data


class ScriptedServer(socketserver.ThreadingTCPServer):
    """``answer`` gets each request and returns the steps of its answer: bytes, CUT or STALL."""

    allow_reuse_address = True
    daemon_threads = False
    block_on_close = True

    def __init__(self, answer: Callable[[Seen], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.requests: list[Seen] = []
        self.released = threading.Event()
        self.problems: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def calls(self, call: str) -> list[Seen]:
        """The requests of one kind, oldest first."""
        return [seen for seen in self.requests if seen.call == call]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the game."""


class _Handler(socketserver.StreamRequestHandler):
    server: ScriptedServer

    def handle(self) -> None:
        seen = self._read()
        if seen is None:
            return
        self.server.requests.append(seen)
        for step in self.server.answer(seen):
            if step is CUT:
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            if step is STALL:
                self.server.released.wait(60)
                return
            self.wfile.write(step)
            self.wfile.flush()

    def _read(self) -> Seen | None:
        words = self.rfile.readline().decode().split()
        if len(words) < 2:
            return None
        headers: dict[str, str] = {}
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name.title()] = value.strip()
        body = self.rfile.read(int(headers.get("Content-Length", 0)))
        return Seen(words[0], words[1], headers, body)


@contextlib.contextmanager
def scripted(answer: Callable[[Seen], Answer]) -> Iterator[ScriptedServer]:
    """A running server, closed afterwards with all its connections."""
    server = ScriptedServer(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def unused_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
