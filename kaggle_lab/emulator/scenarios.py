"""Scenarios: what happens to the emulated Kaggle, step by step, as a TOML or JSON file tells it.

    description = "what a person should know"
    repeat = false                        # begin again after the last step

    [[steps]]
    say = "Kaggle answers slowly"         # shown in the log and on the page
    after_s = 30                          # wait this many seconds after the step before, or
    after_calls = 5                       # for this many more calls
    call = "SaveKernel"                   # of this method; without it, of any path of Kaggle's
    settings = { rpc_latency_s = 2.0 }    # any settings, as `--set` and POST /_emu/settings take them
    clear_faults = true                   # drop all fault rules first
    clock_s = 3600                        # advance the clock by so much
    accounts = [{ username = "ada", key = "lovelace" }]     # as POST /_emu/accounts takes them
    faults = [{ method = "SaveKernel", status = 503 }]      # as POST /_emu/faults takes them

All keys are optional. A step without `after_s` and `after_calls` happens at once. Within a step the order is:
settings, faults cleared, clock, accounts, faults.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .faults import fault_from
from .settings import Settings

READY_MADE = Path(__file__).parent / "scenarios"
_ACCOUNT_KEYS = {"username", "key", "token", "verified", "gpu_used_hours", "tpu_used_hours"}
_MAX_BYTES = 1 << 20


class ScenarioError(ValueError):
    """A scenario that cannot be played, with the place in it."""


@dataclass(frozen=True)
class Step:
    """One step; see the module's text."""

    say: str = ""
    after_s: float = 0.0
    after_calls: int = 0
    call: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    clear_faults: bool = False
    clock_s: float = 0.0
    accounts: list[dict[str, Any]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        return self.after_s > 0 or self.after_calls > 0


@dataclass(frozen=True)
class Scenario:
    """A named list of steps."""

    name: str
    description: str
    repeat: bool
    steps: tuple[Step, ...]


def ready_made() -> list[str]:
    """Names of the scenarios that come along."""
    return sorted(path.stem for path in READY_MADE.glob("*.toml"))


def load_scenario(name: str) -> Scenario:
    """A ready-made scenario by its name, or one from a file. Raises `ScenarioError`."""
    if name in ready_made():
        return _read(READY_MADE / f"{name}.toml")
    path = Path(name)
    if not path.is_file():
        known = ", ".join(ready_made())
        raise ScenarioError(f"no scenario {name!r}: neither a file nor one of {known}")
    return _read(path)


def _read(path: Path) -> Scenario:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ScenarioError(f"{path}: larger than 1 MiB")
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ScenarioError(f"{path}: {error}") from None
    try:
        return parse_scenario(path.stem, values)
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from None


def parse_scenario(name: str, values: Any) -> Scenario:
    """A scenario from what JSON or TOML says. Raises `ScenarioError` naming the step and the key."""
    if not isinstance(values, dict):
        raise ScenarioError("a scenario is an object with steps")
    _only(values, {"name", "description", "repeat", "steps"}, "scenario")
    rows = values.get("steps")
    if not isinstance(rows, list) or not rows:
        raise ScenarioError("steps must be a list of at least one step")
    steps = tuple(_step(f"step {number}", row) for number, row in enumerate(rows, 1))
    repeat = _typed("scenario", "repeat", values.get("repeat", False), bool)
    if repeat and not any(step.waits for step in steps):
        raise ScenarioError("a scenario that repeats needs a step with after_s or after_calls")
    description = _typed("scenario", "description", values.get("description", ""), str)
    return Scenario(_typed("scenario", "name", values.get("name", name), str), description, repeat, steps)


def _step(place: str, row: Any) -> Step:
    if not isinstance(row, dict):
        raise ScenarioError(f"{place}: must be an object")
    defaults = Step()
    _only(row, {item.name for item in fields(Step)}, place)
    values = {name: _typed(place, name, value, type(getattr(defaults, name))) for name, value in row.items()}
    step = Step(**values)
    if step.after_s < 0 or step.after_calls < 0 or step.clock_s < 0:
        raise ScenarioError(f"{place}: after_s, after_calls and clock_s must not be negative")
    if step.after_s and step.after_calls:
        raise ScenarioError(f"{place}: choose after_s or after_calls, not both")
    if step.call and not step.after_calls:
        raise ScenarioError(f"{place}: call goes with after_calls")
    _check_contents(place, step)
    return step


def _check_contents(place: str, step: Step) -> None:
    try:
        Settings().merged(step.settings)
        for rule in step.faults:
            fault_from(_typed(place, "faults", rule, dict))
    except ValueError as error:
        raise ScenarioError(f"{place}: {error}") from None
    for account in step.accounts:
        _only(_typed(place, "accounts", account, dict), _ACCOUNT_KEYS, f"{place}, accounts")
        if not account.get("username") or not isinstance(account["username"], str):
            raise ScenarioError(f"{place}, accounts: username must be given")


def _only(values: dict[str, Any], known: set[str], place: str) -> None:
    if unknown := sorted(set(values) - known):
        raise ScenarioError(f"{place}: unknown {', '.join(unknown)}; known: {', '.join(sorted(known))}")


def _typed(place: str, name: str, value: Any, kind: type) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if (isinstance(value, bool) and kind is not bool) or not isinstance(value, kind):
        words = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
        raise ScenarioError(f"{place}: {name} must be {words.get(kind, 'a number')}")
    return value
