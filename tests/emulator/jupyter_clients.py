"""What a program does with an interactive session: open it, wait for its Jupyter server, run code there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from emulator_clients import Api, notebook
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from kaggle_lab.emulator.testing import EmulatorProcess, wait_until

OPERATIONS = "common.OperationsService"
REF = "learner/open-me"
DATASET = "kaggle-emulator/bellflowers"
PATIENCE_S = 60.0


def save(api: Api, text: str = "", **fields: Any) -> None:
    """Save learner/open-me as a notebook with a dataset, by default without running it."""
    values = {
        "kernelType": "notebook",
        "kernelExecutionType": "QUICK_SAVE",
        "datasetDataSources": [DATASET],
        **fields,
    }
    answer = api.push("open-me", text or notebook("print('saved')"), **values).json()
    assert answer["error"] == "", answer


def create(api: Api, **fields: Any) -> httpx.Response:
    return api.rpc("CreateKernelSession", {"slug": REF, **fields})


def operation(api: Api, session_id: int) -> httpx.Response:
    return api.rpc("GetOperation", {"name": f"operations/create-kernel-session/{session_id}"}, OPERATIONS)


def until_done(api: Api, session_id: int) -> dict[str, Any]:
    def done() -> Any:
        found = operation(api, session_id).json()
        return found if found["done"] else None

    found: dict[str, Any] = wait_until(done, PATIENCE_S, "the Jupyter server")
    return found


def is_gone(url: str) -> bool:
    """Whether a Jupyter server is answered for with 404; not yet, while a connection merely breaks."""
    try:
        return httpx.get(f"{url}/api").status_code == 404
    except httpx.TransportError:
        return False


@dataclass(frozen=True)
class Room:
    """An interactive session whose Jupyter server answers at `url`."""

    emulator: EmulatorProcess
    session_id: int
    url: str

    @property
    def row(self) -> dict[str, Any]:
        """The session as the control API shows it."""
        return next(row for row in self.emulator.sessions() if row["id"] == self.session_id)

    def wait_for_end(self) -> dict[str, Any]:
        wait_until(lambda: self.row["ended_at"], PATIENCE_S, "the end of the session")
        return self.row

    def new_kernel(self) -> str:
        """The id of a new Jupyter kernel."""
        answer = httpx.post(f"{self.url}/api/kernels", json={"name": "python3"}, timeout=PATIENCE_S)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def run(self, code: str, kernel: str = "") -> str:
        """What code prints, over the websocket of a Jupyter kernel's channels."""
        return _within(self._run(code, kernel or self.new_kernel()))

    def begin(self, code: str, kernel: str) -> None:
        """Start code and leave it alone once it has printed something."""
        _within(self._run(code, kernel, is_enough=bool))

    async def _run(self, code: str, kernel: str, is_enough: Any = lambda printed: False) -> str:
        address = f"{self.url.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
        connection = await websocket_connect(HTTPRequest(address, request_timeout=PATIENCE_S))
        try:
            return await _execute(connection, code, is_enough)
        finally:
            connection.close()
            while await connection.read_message() is not None:
                pass


def open_room(emulator: EmulatorProcess, api: Api, **fields: Any) -> Room:
    """A new session on learner/open-me, once its server answers."""
    response = create(api, **fields)
    assert response.status_code == 200, response.text
    done = until_done(api, response.json()["metadata"]["kernelSessionId"])["response"]
    return Room(emulator, done["kernelSessionId"], done["jupyterUrl"])


def _within(work: Coroutine[Any, Any, str]) -> str:
    return asyncio.run(asyncio.wait_for(work, PATIENCE_S))


async def _execute(connection: WebSocketClientConnection, code: str, is_enough: Any) -> str:
    header = {"msg_id": uuid4().hex, "msg_type": "execute_request", "username": "", "session": uuid4().hex}
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    await connection.write_message(json.dumps(message))
    printed = ""
    while True:
        text = await connection.read_message()
        assert isinstance(text, str), "the connection was closed"
        said = json.loads(text)
        if said["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        assert said["msg_type"] != "error", said["content"]
        if said["msg_type"] == "stream":
            printed += said["content"]["text"]
        is_over = said["msg_type"] == "status" and said["content"]["execution_state"] == "idle"
        if is_over or is_enough(printed):
            return printed
