"""The magics in a real Jupyter kernel: the live view as a front end receives it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from kaggle_lab.emulator.testing import EmulatorProcess

from .conftest import QUICK
from .support import wait_until, write_notebook

DEADLINE_S = 90
VIEW = "application/vnd.jupyter.widget-view+json"


class Kernel:
    """A kernel and what it says."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client
        self.comms: dict[str, dict[str, Any]] = {}
        """State of each widget, as a front end would have it."""

    def run(self, code: str) -> list[dict[str, Any]]:
        """Run a cell; its messages on iopub."""
        said: list[dict[str, Any]] = []
        reply = self._client.execute_interactive(code, timeout=DEADLINE_S, output_hook=said.append)
        assert reply["content"]["status"] == "ok", reply["content"]
        for message in said:
            self._take(message)
        return said

    def listen(self) -> None:
        """Take what has come since."""
        while self._client.iopub_channel.msg_ready():
            self._take(self._client.get_iopub_msg(timeout=1))

    def click(self, comm_id: str) -> None:
        """Press a button, as the front end does."""
        content = {"comm_id": comm_id, "data": {"method": "custom", "content": {"event": "click"}}}
        self._client.shell_channel.send(self._client.session.msg("comm_msg", content))

    def _take(self, message: dict[str, Any]) -> None:
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "comm_open":
            self.comms[content["comm_id"]] = dict(content["data"]["state"])
        elif kind == "comm_msg" and content["data"].get("method") == "update":
            self.comms[content["comm_id"]].update(content["data"]["state"])

    def html(self) -> str:
        """All that the widgets show."""
        self.listen()
        return "\n".join(str(state.get("value", "")) for state in self.comms.values())


@pytest.fixture
def folder(tmp_path: Path, emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "work"
    root.mkdir()
    monkeypatch.setenv("KAGGLE_LAB_ROOT", str(root))
    monkeypatch.setenv("KAGGLE_LAB_DATA_DIR", str(tmp_path / "lab"))
    monkeypatch.setenv("KAGGLE_LAB_ENDPOINT", emulator.url)
    monkeypatch.setenv("JPY_SESSION_NAME", str(root / "train.ipynb"))
    for name, value in QUICK.items():
        monkeypatch.setenv(f"KAGGLE_LAB_{name.upper()}", str(value))
    return root


@pytest.fixture
def kernel(folder: Path) -> Iterator[Kernel]:
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder))
    try:
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
        manager.cleanup_resources()


def test_the_view_lives(kernel: Kernel, folder: Path) -> None:
    write_notebook(folder / "train.ipynb", "print('epoch 1')", "open('model.bin', 'wb').write(b'x' * 3000)")
    kernel.run("%load_ext kaggle_lab")
    said = kernel.run("%kaggle_submit")
    shown = [m["content"]["data"] for m in said if m["header"]["msg_type"] == "display_data"]
    assert VIEW in shown[-1]
    assert shown[-1]["text/plain"].startswith("<KaggleJob "), "who cannot show widgets has text"
    wait_until(lambda: "✓ complete" in kernel.html() and "✓ here" in kernel.html(), DEADLINE_S)
    html = kernel.html()
    assert "EMULATOR" in html
    assert "model.bin" in html
    assert "kaggle-output/train/v1" in html
    assert (folder / "kaggle-output/train/v1/model.bin").exists()


def test_the_stop_button_stops(kernel: Kernel, folder: Path) -> None:
    write_notebook(folder / "train.ipynb", "print('go', flush=True)\nimport time; time.sleep(600)")
    kernel.run("%load_ext kaggle_lab")
    kernel.run("job = %kaggle_submit\njob")
    wait_until(lambda: "go" in kernel.html(), DEADLINE_S, "the log's tail in the view")
    stop = next(comm for comm, state in kernel.comms.items() if state.get("description") == "Stop")
    kernel.click(stop)
    wait_until(lambda: "■ stopped" in kernel.html(), DEADLINE_S)
    assert kernel.comms[stop]["disabled"] is True
    said = kernel.run("print(job.status)")
    assert any(message["content"].get("text") == "cancelled\n" for message in said)


def test_waiting_writes_under_the_cell_that_waits(kernel: Kernel, folder: Path) -> None:
    write_notebook(folder / "train.ipynb", "print('epoch 1')")
    kernel.run("%load_ext kaggle_lab\n%kaggle_jobs")
    said = kernel.run("job = %kaggle_submit --wait")
    text = "".join(m["content"]["text"] for m in said if m["header"]["msg_type"] == "stream")
    assert "epoch 1" in text.splitlines()
    assert "Traceback" not in text


def test_the_kernel_ends_while_a_view_lives(kernel: Kernel, folder: Path, emulator: EmulatorProcess) -> None:
    """The run goes on; another process finds it."""
    write_notebook(folder / "train.ipynb", "import time; time.sleep(600)")
    kernel.run("%load_ext kaggle_lab")
    kernel.run("%kaggle_submit")
    kernel._client.shutdown()
    wait_until(lambda: not kernel._client.is_alive(), DEADLINE_S, "the kernel's end")
    assert [row["ended_at"] for row in emulator.sessions()] == [None]
