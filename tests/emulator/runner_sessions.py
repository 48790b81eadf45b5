"""Orders sessions from the emulator's runner and looks at what they leave: real processes, real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

ROOT = Path(__file__).parent.parent.parent
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}
PATIENCE_S = 60.0


def wait_until(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Look until ``condition`` gives something true, and return it."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"never happened: {what}")


def code_cell(source: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": uuid4().hex[:8],
        "metadata": {"tags": list(tags)} if tags else {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def notebook(*cells: str | dict[str, Any], kernelspec: dict[str, str] | None = KERNELSPEC) -> str:
    """The text of a notebook with these cells."""
    document = {
        "cells": [code_cell(cell) if isinstance(cell, str) else cell for cell in cells],
        "metadata": {"kernelspec": kernelspec} if kernelspec else {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document)


@dataclass
class Session:
    """A session directory as the server prepares it, and the runner's process once it is started."""

    path: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def working(self) -> Path:
        return self.path / "working"

    def start(
        self,
        *,
        isolation: str = "auto",
        extra_env: dict[str, str] | None = None,
        python: str = sys.executable,
        **options: Any,
    ) -> Session:
        """Start the runner as the server does; ``options`` go to the new process."""
        env = (
            os.environ | {"PYTHONPATH": str(ROOT), "KAGGLE_EMULATOR_ISOLATION": isolation} | (extra_env or {})
        )
        with (self.path / "runner.out").open("wb") as out:
            self.process = subprocess.Popen(
                [python, "-m", "kaggle_lab.emulator.runner", str(self.path)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=env,
                start_new_session=True,
                **options,
            )
        return self

    def finish(self) -> dict[str, Any]:
        """Wait for the end and return the result."""
        assert self.process is not None
        self.process.wait(PATIENCE_S)
        assert self.process.returncode == 0, (self.path / "runner.out").read_text()
        return self.read("result.json")

    def run(self, **options: Any) -> dict[str, Any]:
        return self.start(**options).finish()

    def read(self, name: str) -> Any:
        return json.loads((self.path / name).read_text(encoding="utf-8"))

    def log(self) -> list[dict[str, Any]]:
        lines = (self.path / "log.ndjson").read_bytes().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith(b"\n")]

    def text(self, stream: str) -> str:
        return "".join(record["data"] for record in self.log() if record["stream_name"] == stream)

    def executed(self) -> Any:
        return json.loads((self.working / "__notebook__.ipynb").read_text(encoding="utf-8"))


def order(path: Path, source: str, **wishes: Any) -> Session:
    """Write a session directory for ``source``; ``wishes`` replace parts of the specification."""
    path.mkdir(parents=True, exist_ok=True)
    kernel_type = wishes.get("kernel_type", "script")
    spec = {
        "session_id": 4711,
        "kernel_type": kernel_type,
        "language": "python",
        "source": "source.ipynb" if kernel_type == "notebook" else "source.py",
        "machine_shape": "None",
        "internet": True,
        "timeout_s": PATIENCE_S,
        "memory_limit_bytes": None,
        "disk_limit_bytes": None,
        "inputs": [],
        "env": {},
        "queue_delay_s": 0,
    }
    spec |= wishes
    (path / spec["source"]).write_text(source, encoding="utf-8")
    (path / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    return Session(path)


def order_notebook(path: Path, *cells: str | dict[str, Any], **wishes: Any) -> Session:
    return order(path, notebook(*cells), kernel_type="notebook", **wishes)


def processes_with(token: str) -> list[int]:
    """The ids of the processes that have ``token`` on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if token.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
