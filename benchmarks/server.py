"""A Jupyter server with Kaggle Lab in it, as the browser's button finds it."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from .processes import Cost
from .world import BIN

START_TIMEOUT_S = 60.0
LOOK_AGAIN_S = 0.05


@dataclass(frozen=True)
class Server:
    """A running server: its address with a slash at the end, and its token."""

    url: str
    token: str

    def submit(self, notebook: Path, title: str) -> Cost:
        """Press the button: from the request until the job is accepted by Kaggle."""
        body = {
            "notebook_path": notebook.name,
            "content": json.loads(notebook.read_text(encoding="utf-8")),
            "title": title,
            "client_token": uuid4().hex,
        }
        started = time.perf_counter()
        job = self._post("kaggle-lab/api/jobs", body)
        wall = time.perf_counter() - started
        if job["status"] != "queued":
            raise RuntimeError(f"the job is {job['status']}: {job['message']}")
        return Cost(wall, 0.0, "")

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), method="POST")
        request.add_header("Authorization", f"token {self.token}")
        request.add_header("Content-Type", "application/json")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=START_TIMEOUT_S) as reply:
            answer: dict[str, Any] = json.load(reply)
        return answer


@contextmanager
def server(root: Path, env: Mapping[str, str]) -> Iterator[Server]:
    """Start a server on ``root`` and wait until it says where it is. Raises TimeoutError."""
    folders = {f"JUPYTER_{kind}_DIR": str(root / "jupyter" / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    command = [str(BIN / "jupyter-server"), "--allow-root", "--ip=127.0.0.1", "--port=0"]
    command.append(f"--ServerApp.root_dir={root}")
    log = root / "jupyter-server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=root, env={**env, **folders}, stdout=out, stderr=out)
    try:
        yield _running(Path(folders["JUPYTER_RUNTIME_DIR"]), process)
    finally:
        process.terminate()
        process.wait(START_TIMEOUT_S)


def _running(runtime: Path, process: subprocess.Popen[bytes]) -> Server:
    deadline = time.monotonic() + START_TIMEOUT_S
    about = runtime / f"jpserver-{process.pid}.json"
    while time.monotonic() < deadline and process.poll() is None:
        if about.exists() and (text := about.read_text(encoding="utf-8")).strip():
            told = json.loads(text)
            return Server(told["url"], told["token"])
        time.sleep(LOOK_AGAIN_S)
    raise TimeoutError("the Jupyter server did not start")
