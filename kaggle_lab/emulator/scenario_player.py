"""Plays a scenario on a world: each step at its time, or after its number of calls."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
from typing import Any

from .control import ControlHandler, add_fault, advance_clock, change_account
from .journal import Entry
from .scenarios import Scenario, Step, load_scenario, parse_scenario, ready_made
from .wire import ApiError, parse_json_object
from .world import World

LOGGER = logging.getLogger("kaggle_emulator")
_COUNTED = ("/api/", "/v1/", "/kaggle-")


class Player:
    """At most one scenario at a time. Settings it makes last as long as it is played, and are not stored."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scenario: Scenario | None = None
        self._done = 0
        self._said = ""
        self._calls_left = 0
        self._timer: asyncio.TimerHandle | None = None
        world.journal.listener = self._heard
        world.after_reset.append(self.restart)

    def play(self, scenario: Scenario) -> None:
        """Begin a scenario, in place of one that is being played."""
        self.stop()
        self._scenario, self._done, self._said = scenario, 0, ""
        self._go_on()

    def stop(self) -> None:
        """End it: its settings are taken back and all fault rules dropped; accounts and clock stay."""
        self._rest()
        if self._scenario is not None:
            self._scenario = None
            self._world.recall_settings()
            self._world.faults.clear()

    def restart(self) -> None:
        """Go back to the beginning of what the server was started with, if anything."""
        self.stop()
        if self._world.options.scenario is not None:
            self.play(self._world.options.scenario)

    def state(self) -> dict[str, Any]:
        """What is being played, how many steps of it have happened, and what there is to play."""
        playing = None
        if self._scenario is not None:
            playing = {
                "name": self._scenario.name,
                "description": self._scenario.description,
                "steps": len(self._scenario.steps),
                "steps_done": self._done,
                "said": self._said,
                "is_over": self._done >= len(self._scenario.steps),
            }
        return {"scenario": playing, "ready_made": ready_made()}

    def _rest(self) -> None:
        self._calls_left = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_on(self) -> None:
        """Take steps until one has to be waited for."""
        while (step := self._next()) is not None:
            if step.after_calls:
                self._calls_left = step.after_calls
                return
            if step.after_s:
                self._timer = asyncio.get_running_loop().call_later(step.after_s, self._take_next)
                return
            self._take(step)

    def _next(self) -> Step | None:
        scenario = self._scenario
        if scenario is None:
            return None
        if self._done >= len(scenario.steps):
            if not scenario.repeat:
                return None
            self._done = 0
        return scenario.steps[self._done]

    def _take_next(self) -> None:
        self._rest()
        step = self._next()
        if step is not None:
            self._take(step)
            self._go_on()

    def _take(self, step: Step) -> None:
        self._done += 1
        self._said = step.say or self._said
        LOGGER.info("scenario, step %s: %s", self._done, step.say)
        world = self._world
        try:
            world.try_settings(step.settings)
            if step.clear_faults:
                world.faults.clear()
            if step.clock_s:
                advance_clock(world, {"seconds": step.clock_s})
            for account in step.accounts:
                change_account(world, account)
            for rule in step.faults:
                add_fault(world, rule)
        except (ApiError, LookupError, ValueError) as error:
            LOGGER.error("scenario, step %s: %s", self._done, error)
            self._said = f"step {self._done} failed: {error}"

    def _heard(self, entry: Entry) -> None:
        """A call has been answered; the step that waited for it happens before the next one is read."""
        step = self._next() if self._calls_left else None
        if step is None or not entry.path.startswith(_COUNTED) or step.call not in ("", entry.call):
            return
        self._calls_left -= 1
        if self._calls_left == 0:
            self._take_next()


class ScenarioHandler(ControlHandler):
    """`/_emu/scenario`: GET what is played, POST `{"name"}` or a whole scenario to play, DELETE to stop."""

    def initialize(self, world: World, player: Player | None = None) -> None:
        super().initialize(world)
        assert player is not None
        self._player = player

    def _act(self, verb: str, _what: str) -> None:
        try:
            if verb == "POST":
                self._player.play(_asked(parse_json_object(self.request.body)))
            elif verb == "DELETE":
                self._player.stop()
        except ApiError as error:
            self._refuse(400, error.message)
        except ValueError as error:
            self._refuse(400, str(error))
        else:
            self.finish(json.dumps(self._player.state()))


def _asked(body: dict[str, Any]) -> Scenario:
    """Only ready-made ones go by name here: a request names no files of this machine."""
    if "steps" in body:
        return parse_scenario("unnamed", body)
    name = body.get("name")
    if name not in ready_made():
        raise ValueError(f"name must be one of {', '.join(ready_made())}, or give steps")
    return dataclasses.replace(load_scenario(str(name)))
