"""What the web site answers to code inside a session: its secrets, and data attached while it runs."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .accounts import Account
from .archives import link_or_copy
from .folders import read_json
from .http_base import BaseHandler
from .kernels import Kernel
from .sessions import Session
from .sources import Mount
from .user_secrets import session_of_token
from .wire import ApiError, Fields, parse_json_object
from .world import SECRETS_PURPOSE, World

LOGGER = logging.getLogger("kaggle_emulator")
Answer = dict[str, Any]


class Unsuccessful(Exception):
    """A request that was understood and cannot be met: 200 with `wasSuccessful` false."""


def user_secret(world: World, session: Session, kernel: Kernel, request: Fields) -> Answer:
    """GetUserSecretByLabel: one of those attached to this kernel."""
    label = request.text("Label")
    value = world.user_secrets.value(session.account_id, label, kernel.ref)
    if value is None:
        raise Unsuccessful(f"No user secrets exist for kernel id {kernel.id} and label {label}.")
    return {"secret": value}


def attach_source(world: World, session: Session, kernel: Kernel, request: Fields) -> Answer:
    """AttachDatasourceUsingJwt: make a source appear under /kaggle/input of the running session."""
    caller = world.accounts.by_id(session.account_id)
    mount = _wanted(world, caller, request)
    if mount is None:
        raise Unsuccessful("The data source does not exist, or you may not use it.")
    place = _show(world.folders.session(session.id), mount)
    answer: Answer = {"mountSlug": place}
    return {**answer, "versionNumber": mount.version} if mount.version else answer


def _wanted(world: World, caller: Account, request: Fields) -> Mount | None:
    for field, (kind, names) in _REFERENCES.items():
        if request.has(field):
            reference = request.object(field)
            parts = [reference.text(name) for name in names]
            number = reference.text("VersionNumber")
            source = "/".join([*parts, number] if number else parts)
            return world.sources.resolve(kind, source, caller, pins=True)
    raise Unsuccessful("The request names no data source.")


_REFERENCES: dict[str, tuple[str, tuple[str, ...]]] = {
    "datasetRef": ("dataset", ("OwnerSlug", "DatasetSlug")),
    "modelRef": ("model", ("OwnerSlug", "ModelSlug", "Framework", "InstanceSlug")),
    "competitionRef": ("competition", ("CompetitionSlug",)),
    "kernelRef": ("kernel", ("OwnerSlug", "KernelSlug")),
}


def _show(folder: Path, mount: Mount) -> str:
    """Lay the files of a source into what the session sees as its inputs, unless they are there already."""
    shown = {item["mount"] for item in (read_json(folder / "spec.json") or {}).get("inputs", ())}
    if mount.mount in shown:
        return mount.mount
    without_namespaces = folder / "kaggle" / "input"
    inputs = without_namespaces if without_namespaces.is_dir() else folder / "scratch" / "input"
    target = inputs / mount.mount
    if target.is_dir() and any(target.iterdir()):
        return mount.mount
    target.mkdir(parents=True, exist_ok=True)
    if inputs is without_namespaces:
        target.rmdir()
        target.symlink_to(mount.path)
        return mount.mount
    shutil.copytree(mount.path, target, dirs_exist_ok=True, copy_function=_link)
    return mount.mount


def _link(source: str, target: str) -> None:
    link_or_copy(Path(source), Path(target))


_ACTIONS: dict[str, Callable[[World, Session, Kernel, Fields], Answer]] = {
    "GetUserSecretByLabelRequest": user_secret,
    "AttachDatasourceUsingJwtRequest": attach_source,
}


class SessionHandler(BaseHandler):
    """`POST /requests/{name}` and `/kaggle-jwt-handler/{name}` with the session's own token."""

    async def post(self, name: str) -> None:
        self.call = name.removesuffix("Request")
        fault = await self.take_fault()
        if fault is not None and self.spoil(fault, work_is_done=False):
            return
        try:
            self.send_json(self._answer(name))
        except ApiError as error:
            self.send_api_error(error)
        except OSError:
            LOGGER.exception("a source could not be attached")
            self.send_api_error(ApiError(500, "The data source could not be attached"))

    def _answer(self, name: str) -> Answer:
        session, kernel = self._asking()
        action = _ACTIONS.get(name)
        if action is None:
            raise ApiError(501, f"{name} is not emulated")
        try:
            result = action(self.world, session, kernel, Fields(parse_json_object(self.request.body)))
        except Unsuccessful as failure:
            return {"wasSuccessful": False, "errors": [str(failure)]}
        return {"wasSuccessful": True, "result": result}

    def _asking(self) -> tuple[Session, Kernel]:
        """The living session whose token came with the request; else a 401."""
        scheme, _, token = self.request.headers.get("X-Kaggle-Authorization", "").partition(" ")
        number = session_of_token(token.strip(), SECRETS_PURPOSE, self.world.session_secret)
        session = self.world.sessions.find(number) if number and scheme.lower() == "bearer" else None
        kernel = self.world.kernels.by_id(session.kernel_id) if session else None
        if session is None or kernel is None or self.world.supervisor.refresh(session.id).is_finished:
            raise ApiError(401, "Unauthenticated")
        return session, kernel
