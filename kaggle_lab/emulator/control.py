"""The control API under `/_emu/`: switches, faults, clock, accounts, and what the server has seen.

Loopback only, JSON in and out. Every POST wants `Content-Type: application/json`, so that no web page can
send one without the browser asking first.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tornado.web import RequestHandler

from .accelerators import Resource
from .accounts import SEEDS, Seed
from .competitions import Competition
from .hosting import host_competition
from .http_base import is_loopback_host
from .wire import ApiError, Fields, isoformat, parse_json_object
from .world import World

Body = dict[str, Any]
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}")
_MOST_HOURS = 168.0  # a week has no more
RESOURCES: tuple[Resource, ...] = ("GPU", "TPU")


def state(world: World, _body: Body) -> Body:
    """Settings, clock and faults in one look."""
    return {
        "settings": dataclasses.asdict(world.settings),
        "clock": _clock(world),
        "faults": world.faults.all(),
    }


def change_settings(world: World, body: Body) -> Body:
    return {"settings": dataclasses.asdict(world.change_settings(body))}


def list_faults(world: World, _body: Body) -> Body:
    return {"faults": world.faults.all()}


def add_fault(world: World, body: Body) -> Body:
    return {"fault": dataclasses.asdict(world.faults.add(body))}


def clear_faults(world: World, _body: Body) -> Body:
    world.faults.clear()
    return {"faults": []}


def advance_clock(world: World, body: Body) -> Body:
    """`{"seconds": 3600}` or `{"now": "2026-11-28T00:00:00Z"}`; forward only.

    Sessions that pass their cap are stopped as if the time had gone by.
    """
    seconds = _moment(body["now"]) - world.clock.now() if "now" in body else _number(body, "seconds")
    if "now" in body and seconds < 0:
        raise ValueError(f"the clock only goes forward; it is {isoformat(world.clock.now())}")
    world.clock.advance(seconds)
    world.supervisor.tick()
    return {"clock": _clock(world)}


def _moment(text: Any) -> float:
    """Epoch seconds of an ISO time; one without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError("now must be a time like 2026-11-28T00:00:00Z") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _number(body: Body, name: str, most: float = math.inf) -> float:
    value: Any = body.get(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or value > most:
        bound = f" up to {most:g}" if math.isfinite(most) else ""
        raise ValueError(f"{name} must be a number{bound}")
    return float(value)


def _clock(world: World) -> Body:
    return {"now": isoformat(world.clock.now()), "offset_s": world.clock.offset_s}


def list_accounts(world: World, _body: Body) -> Body:
    return {"accounts": [_account(world, account.username) for account in world.accounts.all()]}


def change_account(world: World, body: Body) -> Body:
    """Create or change an account.

    `{"username", "key"?, "token"?, "verified"?, "gpu_used_hours"?, "tpu_used_hours"?}`
    """
    fields = Fields(body)
    username = fields.text("username")
    if not _USERNAME.fullmatch(username):
        raise ValueError("username must be given: letters, digits, hyphens and underscores, 50 at most")
    used = {
        resource: _number(body, f"{resource.lower()}_used_hours", _MOST_HOURS)
        for resource in RESOURCES
        if body.get(f"{resource.lower()}_used_hours") is not None
    }
    if fields.has("key") or fields.has("token"):
        key = fields.text("key")
        if not key:
            raise ValueError("key must be given with a new account")
        world.accounts.create(Seed(username, key, fields.text("token"), "", fields.flag("verified", True)))
    elif fields.has("verified"):
        world.accounts.verify(username, fields.flag("verified"))
    account = world.accounts.named(username)
    for resource, hours in used.items():
        world.quota.set_used(account, resource, hours * 3600, world.settings)
    return {"account": _account(world, username)}


def _account(world: World, username: str) -> Body:
    account = world.accounts.named(username)
    balances = {resource: world.quota.balance(account, resource, world.settings) for resource in RESOURCES}
    return {
        "username": account.username,
        "verified": account.verified,
        "quota": {resource: dataclasses.asdict(balance) for resource, balance in balances.items()},
    }


def list_sessions(world: World, _body: Body) -> Body:
    """The latest thousand, newest first; times in emulated ISO form."""
    world.supervisor.tick()
    return {"sessions": [_session(world, session.id) for session in world.sessions.recent(1000)]}


def _session(world: World, session_id: int) -> Body:
    session = world.sessions.get(session_id)
    kernel = world.kernels.by_id(session.kernel_id)
    shown = dataclasses.asdict(session)
    for name in ("created_at", "started_at", "ended_at"):
        shown[name] = isoformat(world.clock.at(shown[name])) if shown[name] is not None else None
    return {**shown, "ref": kernel.ref if kernel else None}


def clear_requests(world: World, _body: Body) -> Body:
    world.journal.clear()
    return {"requests": []}


def list_secrets(world: World, body: Body) -> Body:
    """Labels and attachments by account; values are not shown."""
    accounts = world.accounts.all()
    return {"secrets": {account.username: world.user_secrets.labels(account.id) for account in accounts}}


def change_secret(world: World, body: Body) -> Body:
    """Set or drop a secret of an account.

    `{"username", "label", "value", "kernels"?}`; without `kernels` every kernel of the account may read it,
    without `value` it is dropped.
    """
    fields = Fields(body)
    account = world.accounts.named(fields.text("username"))
    label = fields.text("label")
    if fields.has("value"):
        kernels = fields.texts("kernels") if fields.has("kernels") else None
        world.user_secrets.keep(account.id, label, fields.text("value"), kernels)
    elif not world.user_secrets.drop(account.id, label):
        raise LookupError(f"{account.username} has no secret {label!r}")
    return {"secrets": {account.username: world.user_secrets.labels(account.id)}}


def list_competitions(world: World, _body: Body) -> Body:
    """All competitions and who has accepted their rules."""
    return {"competitions": [_competition(world, item) for item in world.competitions.all()]}


def change_competition(world: World, body: Body) -> Body:
    """Make a competition, or have somebody accept its rules.

    `{"slug", "username", "accepted"?}`, or to make one `{"slug", "title", "files", "solution", "metric"}` and
    any of the fields of `Rules`. `files` is a folder of this machine or an object of names and texts;
    `solution` (CSV) and `metric` (Python) are texts.
    """
    fields = Fields(body)
    if fields.has("username"):
        competition = world.competitions.find(fields.text("slug"))
        if competition is None:
            raise LookupError(f"no competition {fields.text('slug')!r}")
        account = world.accounts.named(fields.text("username"))
        world.competitions.enter(competition, account, fields.flag("accepted", True))
    else:
        competition = host_competition(world, body)
    return {"competition": _competition(world, competition)}


def _competition(world: World, competition: Competition) -> Body:
    entered = [
        account.username
        for account in world.accounts.all()
        if world.competitions.has_entered(competition, account)
    ]
    return {"slug": competition.slug, "title": competition.title, "entered": entered}


def reset(world: World, _body: Body) -> Body:
    """Stop and forget everything except the accounts the server starts with."""
    for session in world.sessions.unfinished():
        world.supervisor.stop(session, "delete")
    now = world.clock.real()
    for kernel in world.kernels.all():
        world.kernels.delete(kernel, now)
        for session in world.sessions.of_kernel(kernel.id):
            if session.is_finished:
                world.folders.forget_session(session.id)
    world.database.run("DELETE FROM quota_adjustments")
    world.database.run("DELETE FROM sessions WHERE ended_at IS NOT NULL")
    world.database.run("UPDATE sessions SET account_id = 0")  # those still stopping count for nobody
    for seed in SEEDS + world.options.accounts:
        world.accounts.create(seed)
    world.forget_settings()
    world.clock.forget()
    world.faults.clear()
    world.journal.clear()
    world.listings.forget()
    world.empty_hub()
    for what in world.after_reset:
        what()
    return state(world, {})


ACTIONS: dict[tuple[str, str], Callable[[World, Body], Body]] = {
    ("GET", "state"): state,
    ("GET", "settings"): state,
    ("POST", "settings"): change_settings,
    ("GET", "faults"): list_faults,
    ("POST", "faults"): add_fault,
    ("DELETE", "faults"): clear_faults,
    ("GET", "clock"): lambda world, _body: {"clock": _clock(world)},
    ("POST", "clock"): advance_clock,
    ("GET", "accounts"): list_accounts,
    ("POST", "accounts"): change_account,
    ("GET", "sessions"): list_sessions,
    ("DELETE", "requests"): clear_requests,
    ("GET", "secrets"): list_secrets,
    ("POST", "secrets"): change_secret,
    ("GET", "competitions"): list_competitions,
    ("POST", "competitions"): change_competition,
    ("POST", "reset"): reset,
}


class ControlHandler(RequestHandler):
    """`/_emu/{what}`."""

    def initialize(self, world: World) -> None:
        self.world = world

    def prepare(self) -> None:
        if not is_loopback_host(self.request.host):
            self._refuse(403, "the control API answers to this machine only")
        elif self.request.method == "POST" and "application/json" not in self.request.headers.get(
            "Content-Type", ""
        ):
            self._refuse(415, "send Content-Type: application/json")

    def get(self, what: str) -> None:
        if what == "requests":
            text = self.get_query_argument("since", "0")
            since = int(text) if text.isdecimal() else 0
            self.finish({"requests": self.world.journal.since(since, self.get_query_argument("call", ""))})
            return
        self._act("GET", what)

    def post(self, what: str) -> None:
        self._act("POST", what)

    def delete(self, what: str) -> None:
        self._act("DELETE", what)

    def _act(self, verb: str, what: str) -> None:
        action = ACTIONS.get((verb, what))
        if action is None:
            known = ", ".join(f"{verb} {name}" for verb, name in sorted(ACTIONS))
            self._refuse(404, f"no {verb} {what}; there are: {known}, GET requests")
            return
        try:
            self.finish(json.dumps(action(self.world, parse_json_object(self.request.body))))
        except (ValueError, LookupError) as error:
            self._refuse(400, str(error))
        except ApiError as error:
            self._refuse(400, error.message)

    def _refuse(self, status: int, why: str) -> None:
        self.set_status(status)
        self.finish({"error": why})
