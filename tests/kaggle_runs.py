"""Runs on the emulator for tests: a client, a push, and waiting for its end."""

from __future__ import annotations

import itertools
import json
from typing import Any

from kaggle_lab.config import Config
from kaggle_lab.credentials import Credentials
from kaggle_lab.emulator.testing import EmulatorProcess
from kaggle_lab.kaggle_client import KaggleClient
from kaggle_lab.models import (
    CredentialMethod,
    Endpoint,
    EndpointKind,
    Job,
    JobStatus,
    KaggleStatus,
    KernelRef,
    PushResult,
    SessionStatus,
    Submission,
    utc_now,
)

from .support import make_notebook, until

QUICK = Config(stream_retry_s=0.05)
ENDED = (KaggleStatus.COMPLETE, KaggleStatus.ERROR, KaggleStatus.CANCEL_ACKNOWLEDGED)
_numbers = itertools.count(1)


def credentials_for(emulator: EmulatorProcess, secret: str = "") -> Credentials:
    """An access token of the emulator's own account, or another one."""
    token = secret or emulator.token
    return Credentials(CredentialMethod.ACCESS_TOKEN, "test", secret=token, audience=EndpointKind.EMULATOR)


def client_of(
    emulator: EmulatorProcess, credentials: Credentials | None = None, config: Config = QUICK
) -> KaggleClient:
    """A client of the emulator. Close it."""
    endpoint = Endpoint(EndpointKind.EMULATOR, emulator.url)
    return KaggleClient(endpoint, credentials or credentials_for(emulator), config)


def submission(*sources: str, owner: str = "learner", title: str = "", **changes: Any) -> Submission:
    """A notebook of these cells under a title of its own."""
    title = title or f"Test run {next(_numbers)}"
    slug = title.lower().replace(" ", "-")
    values = {"time_cap_s": 600, **changes}
    return Submission(KernelRef(owner, slug), title, json.dumps(make_notebook(*sources)), **values)


async def ended(client: KaggleClient, push: PushResult, deadline_s: float = 90) -> SessionStatus:
    """The status at the end of a run."""

    async def look() -> SessionStatus | None:
        status = await client.session_status(push.ref, push.version)
        return status if status is not None and status.status in ENDED else None

    found: SessionStatus = await until(look, deadline_s, f"the end of {push.ref}")
    return found


async def running(client: KaggleClient, push: PushResult) -> None:
    """Wait until a run is under way."""

    async def look() -> bool:
        status = await client.session_status(push.ref, push.version)
        return status is not None and status.status is KaggleStatus.RUNNING

    await until(look, 60, f"{push.ref} is running")


def job_of(push: PushResult, **changes: Any) -> Job:
    """The job of a run that has ended."""
    values: dict[str, Any] = {
        "id": f"job-{push.ref}-{push.version}",
        "client_token": "t",
        "notebook_path": "nets/mnist.ipynb",
        "title": "Test",
        "status": JobStatus.COMPLETE,
        "endpoint": Endpoint(EndpointKind.EMULATOR, "http://127.0.0.1:1"),
        "account": push.ref.owner,
        "accelerator": "none",
        "created_at": utc_now(),
        "ref": push.ref,
        "version": push.version,
    }
    return Job(**(values | changes))
