"""The emulator that Kaggle Lab starts for itself, shared between processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kaggle_lab.config import Config
from kaggle_lab.emulator_process import EmulatorControl, EmulatorTrouble, is_emulator
from kaggle_lab.emulator_process import ensure_emulator as ensure_for_process
from kaggle_lab.emulator_process import release_emulator as release_for_process

from .support import until, wait_until

OTHER = """
import asyncio, sys
from kaggle_lab.config import Config
from kaggle_lab.emulator_process import EmulatorControl
async def main():
    control = EmulatorControl(Config(data_dir=sys.argv[1]))
    print(await control.ensure(), flush=True)
    sys.stdin.readline()
    await control.release()
asyncio.run(main())
"""


class OtherProcess:
    """Another program that uses the same data folder."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OTHER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def url(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if self.process.poll() is None:
            self.process.stdin.write("\n")
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)
        self.leave()


@asynccontextmanager
async def control_of(folder: Path, **settings: object) -> AsyncIterator[EmulatorControl]:
    control = EmulatorControl(Config(data_dir=str(folder), **settings))  # type: ignore[arg-type]
    try:
        yield control
    finally:
        await control.release()


def pid_of(folder: Path) -> int:
    return int(json.loads((folder / "emulator" / "emulator.json").read_text())["pid"])


async def gone(url: str) -> bool:
    return not await asyncio.to_thread(is_emulator, url)


async def test_it_starts_answers_and_stops(tmp_path: Path) -> None:
    async with control_of(tmp_path) as control:
        url = await control.ensure()
        assert url.startswith("http://127.0.0.1:")
        assert is_emulator(url)
        assert await control.ensure() == url
    assert not is_emulator(url)
    assert not (tmp_path / "emulator" / "emulator.json").exists()


async def test_two_at_once_start_one(tmp_path: Path) -> None:
    async with control_of(tmp_path) as one, control_of(tmp_path) as two:
        urls = await asyncio.gather(one.ensure(), two.ensure())
        assert len(set(urls)) == 1


async def test_processes_share_it_and_the_last_one_stops_it(tmp_path: Path) -> None:
    async with control_of(tmp_path) as ours:
        url = await ours.ensure()
        other = OtherProcess(tmp_path)
        assert await asyncio.to_thread(other.url) == url
        await ours.release()
        assert is_emulator(url)
        assert await asyncio.to_thread(other.leave) == 0
        assert not is_emulator(url)


async def test_the_starter_may_leave_first_without_a_word(tmp_path: Path) -> None:
    other = OtherProcess(tmp_path)
    url = await asyncio.to_thread(other.url)
    other.kill()
    assert is_emulator(url)
    async with control_of(tmp_path) as ours:
        assert await ours.ensure() == url
    await until(lambda: gone(url))


async def test_after_a_crash_of_the_emulator_a_new_one_starts(tmp_path: Path) -> None:
    async with control_of(tmp_path) as control:
        url, pid = await control.ensure(), pid_of(tmp_path)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: gone(url))
        again = await control.ensure()
        assert is_emulator(again)
        assert pid_of(tmp_path) != pid


async def test_a_stranger_at_the_recorded_address_is_not_taken_for_it(tmp_path: Path) -> None:
    server = await asyncio.start_server(_say_hello, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    (tmp_path / "emulator").mkdir()
    record = {"url": f"http://127.0.0.1:{port}", "pid": os.getpid()}
    (tmp_path / "emulator" / "emulator.json").write_text(json.dumps(record))
    async with control_of(tmp_path) as control:
        assert await control.ensure() != record["url"]
    server.close()
    await server.wait_closed()


async def _say_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
    await writer.drain()
    writer.close()


async def test_credentials_do_not_reach_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_of_a_real_account")
    monkeypatch.setenv("KAGGLE_KEY", "0123456789abcdef0123456789abcdef")
    async with control_of(tmp_path) as control:
        await control.ensure()
        environ = await asyncio.to_thread(Path(f"/proc/{pid_of(tmp_path)}/environ").read_bytes)
    assert b"KGAT_of_a_real_account" not in environ
    assert b"KAGGLE_KEY" not in environ


async def test_wrong_arguments_are_told_with_its_own_words(tmp_path: Path) -> None:
    async with control_of(tmp_path, emulator_args="--nonsense") as control:
        with pytest.raises(EmulatorTrouble, match="--nonsense"):
            await control.ensure()


async def test_an_unusable_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "emulator").write_text("a file where a folder should be")
    async with control_of(tmp_path) as control:
        with pytest.raises(EmulatorTrouble, match="cannot be used"):
            await control.ensure()


async def test_the_functions_hold_one_emulator_per_folder(tmp_path: Path) -> None:
    config = Config(data_dir=str(tmp_path))
    url = await ensure_for_process(config)
    assert await ensure_for_process(config) == url
    await release_for_process(config)
    assert not is_emulator(url)
    await release_for_process(config)


def test_ctrl_c_in_the_terminal_is_not_for_the_emulator(tmp_path: Path) -> None:
    other = OtherProcess(tmp_path)
    other.url()
    try:
        assert os.getsid(pid_of(tmp_path)) != os.getsid(other.process.pid)
    finally:
        pid = pid_of(tmp_path)
        other.leave()
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
