"""Interactive sessions: a Jupyter server with a saved kernel's notebook and sources, while it is used."""

from __future__ import annotations

import re
from typing import Any

from .accelerators import choose_machine
from .accounts import Account
from .admission import admit
from .jupyter_place import last_note, path_of, secret_of
from .kernels import Kernel
from .push import KERNEL_TYPES, LANGUAGES
from .sessions import INTERACTIVE, Order, Session
from .wire import ApiError, Fields, denied
from .world import World

OPERATIONS = "common.OperationsService"
_NAME = re.compile(r"operations/create-kernel-session/([0-9]{1,15})")
_CANCELLED, _FAILED = 499, 500


def create_session(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """CreateKernelSession: an operation that is done once the server answers.

    Raises `ApiError`: 403 for a kernel that is missing or foreign and for what the account may not use, 429
    for a spent quota and for too many sessions.
    """
    owner, _, slug = request.text("slug").rpartition("/")
    kernel = world.kernels.owned(owner or caller.username, slug, caller, "kernels.get")
    for name, words in (("language", LANGUAGES), ("kernelType", KERNEL_TYPES)):
        if request.text(name).lower() not in ("", *words):
            raise ApiError(400, f"Invalid value for field '{name}': expected one of {', '.join(words)}")
    with world.database.transaction():
        session = world.sessions.create(_order(world, caller, kernel, request), world.clock.real())
    world.supervisor.launch(session)
    return _pending(session)


def _order(world: World, caller: Account, kernel: Kernel, request: Fields) -> Order:
    """What is asked for, on the kernel's present version; what is not said is as it was saved."""
    metadata = world.kernels.version(kernel, kernel.current_version).metadata
    internet = request.flag("enableInternet", metadata.enable_internet)
    asked = choose_machine(request.text("machineShape") or metadata.machine_shape, False, False)
    machine = admit(world, caller, INTERACTIVE, asked, internet=internet)
    return Order(
        kernel.id,
        kernel.current_version,
        caller.id,
        machine.resource,
        machine.stored_shape,
        world.session_limit_s(machine.resource),
        INTERACTIVE,
        internet,
        request.text("dockerImage"),
    )


def get_operation(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """GetOperation. Raises `ApiError` 403 for an operation that is missing or somebody else's."""
    found = _NAME.fullmatch(request.text("name"))
    session = world.sessions.find(int(found[1])) if found else None
    if session is None or session.kind != INTERACTIVE or session.account_id != caller.id:
        raise denied("kernelSessions.get")
    session = world.supervisor.refresh(session.id)
    if has_answered(world, session):
        return {**_pending(session), "done": True, "response": _addresses(world, session)}
    if session.is_finished:
        return {**_pending(session), "done": True, "error": _error(session)}
    return _pending(session)


def has_answered(world: World, session: Session) -> bool:
    """Whether the server of a session is ready, or once was."""
    return last_note(world.folders.session(session.id)) is not None


def _pending(session: Session) -> dict[str, Any]:
    return {
        "name": f"operations/create-kernel-session/{session.id}",
        "metadata": {"kernelSessionId": session.id},
        "done": False,
    }


def _addresses(world: World, session: Session) -> dict[str, Any]:
    """Both forms that clients of Kaggle use: the secret in the path alone, and as a token besides."""
    url = f"{world.base_url}{path_of(session.id, world.session_secret)}"
    token = secret_of(session.id, world.session_secret)
    return {"kernelSessionId": session.id, "jupyterUrl": url, "tokenizedJupyterUrl": f"{url}/?token={token}"}


def _error(session: Session) -> dict[str, Any]:
    if session.stop_reason:
        return {"code": _CANCELLED, "message": "The kernel session was stopped before it was ready."}
    return {"code": _FAILED, "message": "The kernel session could not be started."}
