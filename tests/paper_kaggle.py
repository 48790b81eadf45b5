"""A Kaggle on paper: right answers out of a book, so that a test can put any other answer in their place.

For what the emulator would never do: whole families of odd answers, tried within milliseconds because no
notebook runs.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from .scripted import Answer, ScriptedServer, Seen, http, scripted

OWNER = "learner"
EVENTS = b'data: {"stream_name":"stdout","time":1.0,"data":"hello\\n"}\n\ndata: END_OF_LOG\n\n'


class PaperKaggle:
    """One account; every version is complete as soon as it is pushed.

    ``odd[call]`` are answers to give first, each once; a call in ``late`` is carried out all the same.
    ``files`` are a run's output files by name.
    """

    def __init__(self, **files: bytes) -> None:
        self.files: dict[str, bytes] = files or {"model.bin": b"weights" * 1000}
        self.odd: dict[str, list[Answer]] = {}
        self.late: set[str] = set()
        self.status: dict[str, Any] = {"status": "COMPLETE"}
        self.events = EVENTS
        self.pushes: list[dict[str, Any]] = []
        self.server: ScriptedServer
        self._book: dict[str, Callable[[Seen], Any]] = {
            "IntrospectToken": lambda seen: {"active": True, "username": OWNER},
            "SaveKernel": self._push,
            "GetKernel": self._kernel,
            "GetKernelSessionStatus": lambda seen: self.status,
            "ListKernelSessionOutput": self._outputs,
            "GetAcceleratorQuotaStatistics": lambda seen: {"gpuQuota": {"totalTimeAllowed": "108000s"}},
        }

    @property
    def url(self) -> str:
        return self.server.url

    def calls(self, name: str) -> int:
        """How often a call was made."""
        return sum(call_of(seen) == name for seen in self.server.requests)

    def answer(self, seen: Seen) -> Answer:
        """The answer to a request: the next odd one for this call, else the right one."""
        call = call_of(seen)
        if self.odd.get(call):
            if call in self.late:
                self._book[call](seen)
            return self.odd[call].pop(0)
        if call == "LogsStream":
            return [http(200, self.events, Content_Type="text/event-stream")]
        if call == "OutputFile":
            data = list(self.files.values())[int(seen.call)]
            return [http(200, data, Content_Type="application/octet-stream")]
        value = self._book[call](seen)
        return [value if isinstance(value, bytes) else http(200, value)]

    def _push(self, seen: Seen) -> dict[str, Any]:
        self.pushes.append(seen.json)
        slug = seen.json["slug"].rpartition("/")[2]
        address = f"/code/{OWNER}/{slug}"
        return {"ref": address, "url": address, "versionNumber": len(self._of(slug))}

    def _of(self, slug: str) -> list[dict[str, Any]]:
        """The versions of one notebook, oldest first."""
        return [push for push in self.pushes if push["slug"].rpartition("/")[2] == slug]

    def _kernel(self, seen: Seen) -> Any:
        slug = seen.json["kernelSlug"]
        versions = self._of(slug)
        if not versions:
            return http(403, {"code": 403, "message": "Permission 'kernels.get' was denied"})
        metadata = {"ref": f"{OWNER}/{slug}", "currentVersionNumber": len(versions)}
        return {"metadata": metadata, "blob": {"source": versions[-1]["text"]}}

    def _outputs(self, seen: Seen) -> dict[str, Any]:
        link = f"{self.server.url}/kaggle-outputs/1/"
        return {"files": [{"fileName": name, "url": f"{link}{n}"} for n, name in enumerate(self.files)]}


def call_of(seen: Seen) -> str:
    """The name of a call, as the emulator's journal has it."""
    path = urlsplit(seen.path).path
    if "/logs/stream/" in path:
        return "LogsStream"
    return "OutputFile" if path.startswith("/kaggle-outputs/") else seen.call


def html(status: int) -> bytes:
    """A page where JSON was expected."""
    return http(status, f"<!DOCTYPE html><html><body><h1>{status}</h1></body></html>")


def error(status: int, **headers: str) -> bytes:
    """An error in Kaggle's own form."""
    return http(status, json.dumps({"code": status, "message": f"Odd answer {status}"}).encode(), **headers)


@contextlib.contextmanager
def paper_kaggle(**files: bytes) -> Iterator[PaperKaggle]:
    """A running one."""
    kaggle = PaperKaggle(**files)
    with scripted(kaggle.answer) as server:
        kaggle.server = server
        yield kaggle
