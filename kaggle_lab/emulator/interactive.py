"""Interactive sessions: a Jupyter server with a saved kernel's notebook and sources, while it is used."""

from __future__ import annotations

import re
from typing import Any

from .accelerators import NONE, Machine, choose_machine
from .accounts import Account
from .jupyter_place import last_activity, path_of, secret_of
from .kernels import VersionMetadata
from .sessions import INTERACTIVE, Session
from .wire import ApiError, Fields, denied
from .world import World

_OPERATION = re.compile(r"operations/create-kernel-session/([0-9]{1,15})")


def create_session(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """CreateKernelSession: an operation that is done once the server answers.

    Raises `ApiError`: 403 for a kernel that is missing or foreign and for what the account may not use, 429
    for a spent quota and for a full house.
    """
    owner, _, slug = request.text("slug").rpartition("/")
    kernel = world.kernels.owned(owner or caller.username, slug, caller, "kernelSessions.create")
    metadata = world.kernels.version(kernel, kernel.current_version).metadata
    internet = request.flag("enableInternet", metadata.enable_internet)
    machine = _checked(world, caller, _machine(request, metadata), internet=internet)
    session = world.sessions.create(
        kernel.id,
        kernel.current_version,
        caller.id,
        machine.resource,
        machine.stored_shape,
        world.session_limit_s(machine.resource),
        world.clock.real(),
        kind=INTERACTIVE,
        internet=internet,
    )
    world.supervisor.launch(session)
    return _operation(world, session)


def _machine(request: Fields, metadata: VersionMetadata) -> Machine:
    return choose_machine(request.text("machineShape") or metadata.machine_shape, False, False)


def _checked(world: World, caller: Account, machine: Machine, *, internet: bool) -> Machine:
    settings, resource = world.settings, machine.resource
    if internet and not caller.verified:
        raise denied("kernelSessions.enableInternet")
    if resource == "GPU" and not caller.verified:
        if settings.unverified_gpu == "error":
            raise denied("kernelSessions.enableGpu")
        machine = Machine(machine.stored_shape, NONE, "CPU")
    if refusal := world.quota.refusal(caller, machine.resource, settings):
        raise ApiError(429, refusal)
    world.supervisor.tick()
    cap = getattr(settings, f"max_interactive_{machine.resource.lower()}_sessions")
    ended_after = world.clock.real() - settings.counter_lag_s
    if world.sessions.occupying(caller.id, machine.resource, ended_after, INTERACTIVE) >= cap:
        raise ApiError(429, f"Maximum interactive {machine.resource} session count of {cap} reached.")
    return machine


def get_operation(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """GetOperation. Raises `ApiError` 404 for an operation that is not the caller's."""
    found = _OPERATION.fullmatch(request.text("name"))
    session = world.sessions.find(int(found[1])) if found else None
    if session is None or session.kind != INTERACTIVE or session.account_id != caller.id:
        raise ApiError(404, "Operation not found")
    return _operation(world, world.supervisor.refresh(session.id))


def _operation(world: World, session: Session) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "name": f"operations/create-kernel-session/{session.id}",
        "metadata": {"kernelSessionId": session.id},
        "done": False,
    }
    if session.status == "ERROR":
        failed = {"code": 13, "message": "The kernel session could not be started."}
        return {**operation, "done": True, "error": failed}
    if not session.is_finished and not is_ready(world, session):
        return operation
    url = f"{world.base_url}{path_of(session.id, world.session_secret)}"
    response = {
        "kernelSessionId": session.id,
        "jupyterUrl": url,
        "tokenizedJupyterUrl": f"{url}?token={secret_of(session.id, world.session_secret)}",
    }
    return {**operation, "done": True, "response": response}


def is_ready(world: World, session: Session) -> bool:
    """Whether the server listens."""
    return last_activity(world.folders.session(session.id)) is not None
