"""Whether a session may start: verification, weekly quota, session caps, in Kaggle's order and words."""

from __future__ import annotations

from .accelerators import NONE, Machine
from .accounts import Account
from .sessions import BATCH, Kind
from .wire import ApiError, denied
from .world import World


def admit(world: World, caller: Account, kind: Kind, machine: Machine, *, internet: bool) -> Machine:
    """The machine that a new session gets.

    Raises `ApiError`: 403 for what the account may not use, 429 for what is used up.
    """
    machine = _allowed(world, caller, machine, internet=internet)
    resource, settings = machine.resource, world.settings
    if refusal := world.quota.refusal(caller, resource, settings):
        raise ApiError(429, refusal)
    cap = _cap(world, kind, machine)
    world.supervisor.tick()
    ended_after = world.clock.real() - settings.counter_lag_s
    if world.sessions.occupying(caller.id, resource, ended_after, kind) >= cap:
        raise ApiError(429, f"Maximum {kind} {resource} session count of {cap} reached.")
    return machine


def _allowed(world: World, caller: Account, machine: Machine, *, internet: bool) -> Machine:
    """The machine for this account: without phone verification there is neither internet nor a GPU."""
    if internet and not caller.verified:
        raise denied("kernelSessions.enableInternet")
    if machine.resource == "GPU" and not caller.verified:
        if world.settings.unverified_gpu == "error":
            raise denied("kernelSessions.enableGpu")
        return Machine(machine.stored_shape, NONE, "CPU")
    return machine


def _cap(world: World, kind: Kind, machine: Machine) -> int:
    prefix = "max" if kind == BATCH else f"max_{kind}"
    return int(getattr(world.settings, f"{prefix}_{machine.resource.lower()}_sessions"))
