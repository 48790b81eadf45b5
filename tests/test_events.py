"""Changes on Jupyter's event bus: the first at once, the last always, few in between."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import jsonschema
import pytest
import yaml
from jupyter_events import EventLogger

from kaggle_lab.events import SCHEMA_FILE, SCHEMA_ID, ChangeEvents
from kaggle_lab.models import Change

from .support import until

INTERVAL_S = 0.05


def told(**changes: Any) -> Change:
    return Change(
        **{"kind": "job", "job_id": "a", "seq": 1, "status": "running", "retrieval": "none"} | changes
    )


def rested(teller: ChangeEvents) -> Callable[[], Awaitable[bool]]:
    async def no_timer() -> bool:
        return not teller._timers

    return no_timer


class Listener:
    def __init__(self, bus: EventLogger) -> None:
        self.heard: list[dict[str, Any]] = []
        self.news = asyncio.Event()
        bus.add_listener(schema_id=SCHEMA_ID, listener=self._hear)

    async def _hear(self, logger: EventLogger, schema_id: str, data: dict[str, Any]) -> None:
        self.heard.append(data)
        self.news.set()

    async def until(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(10):
            while len(self.heard) < count:
                self.news.clear()
                await self.news.wait()
        return self.heard


@pytest.fixture
def bus() -> EventLogger:
    return EventLogger()


def events(bus: EventLogger, interval_s: float = INTERVAL_S) -> ChangeEvents:
    return ChangeEvents(bus, logging.getLogger("test"), interval_s)


async def test_the_first_change_goes_out_at_once(bus: EventLogger) -> None:
    teller = events(bus, interval_s=3600)
    listener = Listener(bus)
    teller.tell(told(seq=7, log_count=3))
    (event,) = await listener.until(1)
    wanted = {
        "kind": "job",
        "job_id": "a",
        "seq": 7,
        "status": "running",
        "log_count": 3,
        "retrieval": "none",
    }
    assert wanted.items() <= event.items()
    teller.close()


async def test_a_burst_becomes_the_first_and_the_last(bus: EventLogger) -> None:
    teller = events(bus)
    listener = Listener(bus)
    for seq in range(1, 101):
        teller.tell(told(seq=seq))
    assert [event["seq"] for event in await listener.until(2)] == [1, 100]
    teller.close()


async def test_runs_do_not_hold_up_one_another(bus: EventLogger) -> None:
    teller = events(bus, interval_s=3600)
    listener = Listener(bus)
    for job_id in "abc":
        teller.tell(told(job_id=job_id))
    teller.tell(told(kind="quota", job_id="", seq=9))
    assert [event["job_id"] for event in await listener.until(4)] == ["a", "b", "c", ""]
    teller.close()


async def test_what_is_held_goes_out_at_the_end(bus: EventLogger) -> None:
    teller = events(bus, interval_s=3600)
    listener = Listener(bus)
    teller.tell(told(seq=1))
    teller.tell(told(seq=2, status="complete"))
    teller.close()
    assert [event["seq"] for event in await listener.until(2)] == [1, 2]


async def test_a_subject_that_rested_is_told_at_once_again(bus: EventLogger) -> None:
    teller = events(bus)
    listener = Listener(bus)
    teller.tell(told(seq=1))
    await until(rested(teller), what="the end of the interval")
    teller.tell(told(seq=2))
    assert not teller._held
    assert [event["seq"] for event in await listener.until(2)] == [1, 2]
    teller.close()


async def test_a_faulty_bus_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def register_event_schema(self, schema: Any) -> None:
            pass

        def emit(self, *, schema_id: str, data: dict[str, Any]) -> None:
            raise ValueError("no")

    teller = ChangeEvents(Broken(), logging.getLogger("test"), INTERVAL_S)
    teller.tell(told())
    assert "could not emit" in caplog.text
    teller.close()


@pytest.mark.parametrize("change", [{"kind": "secret"}, {"seq": -1}, {"status": None}, {"extra": 1}])
def test_the_schema_refuses_what_is_not_a_change(change: dict[str, Any]) -> None:
    schema = yaml.safe_load(SCHEMA_FILE.read_text())
    assert schema["$id"] == SCHEMA_ID
    good = {"kind": "job", "job_id": "a", "seq": 1, "status": "running", "log_count": 0, "retrieval": "none"}
    jsonschema.validate(good, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**good, **change}, schema)


async def test_a_browser_hears_it_on_the_server_s_own_websocket(
    jp_serverapp: Any, jp_ws_fetch: Any, jp_fetch: Any
) -> None:
    # As a page does it: listening begins long before anything of ours is asked for.
    socket = await jp_ws_fetch("api", "events", "subscribe")
    await jp_fetch("kaggle-lab", "api", "jobs")
    manager = await jp_serverapp.web_app.settings["kaggle_lab_desk"].manager()
    for listener in manager.on_change:
        listener(told(job_id="abc", seq=5))
    async with asyncio.timeout(20):
        message = json.loads(await socket.read_message())
    assert message["schema_id"] == SCHEMA_ID
    assert (message["job_id"], message["seq"]) == ("abc", 5)
    socket.close()
