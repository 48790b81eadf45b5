"""The log: how output becomes records, in parts and through a real session."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from runner_sessions import order, order_notebook, wait_until

from kaggle_lab.emulator.runner_log import LineSplitter, Log

LIMIT = 64 * 1024


def split(*chunks: bytes) -> list[bytes]:
    splitter = LineSplitter()
    return [record for chunk in chunks for record in splitter.feed(chunk)] + splitter.finish()


def test_lines_are_records_and_carriage_returns_stay_inside() -> None:
    assert split(b"one\ntw", b"o\n 1%\r 50", b"%\r 100%\nrest") == [
        b"one\n",
        b"two\n",
        b" 1%\r 50%\r 100%\n",
        b"rest",
    ]


def test_endless_line_is_cut_after_a_carriage_return() -> None:
    bar = b"progress\r" * 20_000
    records = split(bar)
    assert b"".join(records) == bar
    assert all(len(record) <= LIMIT and record.endswith(b"\r") for record in records)


@given(st.lists(st.text(alphabet="aé€😀\r\n", max_size=40)), st.data())
def test_nothing_is_lost_whatever_the_chunks(parts: list[str], data: st.DataObject) -> None:
    whole = "".join(parts).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    chunks = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    records = split(*chunks)
    assert b"".join(records) == whole
    assert all(record.count(b"\n") == 1 and record.endswith(b"\n") for record in records[:-1])
    assert all(record.decode() for record in records)


@given(st.integers(0, 3), st.sampled_from(["é", "€", "😀"]))
def test_endless_line_is_never_cut_inside_a_character(offset: int, character: str) -> None:
    whole = "a" * offset + character * 40_000
    records = split(whole.encode())
    assert len(records) > 1
    assert "".join(record.decode() for record in records) == whole


def test_bytes_that_are_no_text_become_replacement_characters(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.ndjson")
    log.feed("stdout", b"\xff\xfe\x00ok\n")
    log.close()
    record = json.loads((tmp_path / "log.ndjson").read_text(encoding="utf-8"))
    assert record["data"] == "\ufffd\ufffd\x00ok\n"


def test_session_logs_unicode_progress_and_both_streams(tmp_path: Path) -> None:
    session = order_notebook(
        tmp_path,
        "print('Grüße 世界 😀 <b>&</b>')",
        "import sys, time\n"
        "for n in range(5):\n    print(f'\\r{n * 25}%', end='', file=sys.stderr, flush=True)\n"
        "print(' done', file=sys.stderr)",
        "print('two\\nlines')\nprint('\\x1b[31mred\\x1b[0m')",
        "print('no line feed', end='')",
    )
    session.run()
    data = [record["data"] for record in session.log() if record["stream_name"] == "stdout"]
    assert data == ["Grüße 世界 😀 <b>&</b>\n", "two\n", "lines\n", "\x1b[31mred\x1b[0m\n", "no line feed"]
    assert "\r0%\r25%\r50%\r75%\r100% done\n" in [record["data"] for record in session.log()]


def test_records_appear_while_the_session_runs(tmp_path: Path) -> None:
    source = (
        "import os, time\nprint('alive')\nwhile not os.path.exists('go-on'): time.sleep(0.02)\nprint('end')"
    )
    session = order(tmp_path, source).start()
    wait_until(
        lambda: (tmp_path / "log.ndjson").exists() and session.text("stdout") == "alive\n", "a live record"
    )
    assert not (tmp_path / "result.json").exists()
    (session.working / "go-on").touch()
    session.finish()
    assert session.text("stdout") == "alive\nend\n"


def test_a_flood_of_output_arrives_whole_and_limits_still_hold(tmp_path: Path) -> None:
    source = "import sys, time\nfor n in range(300_000): sys.stdout.write(f'line {n}\\n')\nsys.stdout.flush()"
    session = order(tmp_path, source)
    assert session.run()["outcome"] == "complete"
    records = session.log()
    assert len(records) == 300_000
    assert records[-1]["data"] == "line 299999\n"


def test_output_without_end_is_stopped_in_time(tmp_path: Path) -> None:
    session = order(tmp_path, "while True: print('again')", timeout_s=1.0)
    assert session.run()["outcome"] == "timeout"
    assert set(session.text("stdout").splitlines()) <= {"again", "agai", "aga", "ag", "a", ""}
