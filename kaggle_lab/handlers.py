"""REST under ``/kaggle-lab/api/``: read the arguments, call one manager method, encode the answer."""

from __future__ import annotations

import asyncio
import json
import re
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from .bodies import contents_path, profile_request, retrieve_request, submit_request
from .errors import BadRequest, KaggleLabError

if TYPE_CHECKING:
    from types import TracebackType

    from .manager import Manager

AUTH_RESOURCE = "kaggle_lab"
PREFIX = "/kaggle-lab/api/"
NOTEBOOK_LIMIT_BYTES = 128 * 2**20
"""Largest request with a notebook (its outputs come along and are dropped before Kaggle's limit counts)."""
BODY_LIMIT_BYTES = 64 * 2**10
PARSE_IN_THREAD_BYTES = 2**20
TOKEN_PLACE = "~/.kaggle/access_token"  # noqa: S105 - a place, not a secret
SECRETS = re.compile(r"KGAT_\w+|[0-9a-f]{32}|(?i:bearer\s+\S+)")

Verb = Callable[..., Awaitable[None]]


class BodyTooLarge(BadRequest):
    """The request is larger than this server takes."""

    code, status = "body_too_large", 413
    remedy = "Clear large outputs from the notebook and try again."


def verb(method: Verb) -> Verb:
    """An HTTP verb that only an authenticated and authorised user reaches."""
    return cast(Verb, web.authenticated(authorized(resource=AUTH_RESOURCE)(method)))


class LabHandler(APIHandler):
    """Base of all: the way to the manager, JSON in, JSON out, and errors encoded in one place."""

    auth_resource = AUTH_RESOURCE
    body_limit = BODY_LIMIT_BYTES

    async def manager(self) -> Manager:
        """The server's manager. Raises StoreTrouble when its store cannot be opened."""
        return cast("Manager", await self.settings["kaggle_lab_desk"].manager())

    async def body(self) -> dict[str, Any]:
        """The request's JSON object. Raises BadRequest, BodyTooLarge."""
        raw = self.request.body
        if len(raw) > self.body_limit:
            raise BodyTooLarge(f"The request has {len(raw):,} bytes, over the limit of {self.body_limit:,}")
        if len(raw) > PARSE_IN_THREAD_BYTES:
            return await asyncio.to_thread(_parse_object, raw)
        return _parse_object(raw)

    def reply(self, value: Any, status: int = 200) -> None:
        """Answer with a model value, or plain data, as JSON."""
        from .models import to_wire

        self.set_status(status)
        self.finish(json.dumps(to_wire(value), ensure_ascii=False, separators=(",", ":")))

    def flag(self, name: str) -> bool:
        """Whether ``?name=1`` was given."""
        return self.get_query_argument(name, "0") not in ("", "0", "false")

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number of the query, held within bounds. Raises BadRequest."""
        text = self.get_query_argument(name, str(default))
        try:
            return max(least, min(most, int(text)))
        except ValueError:
            raise BadRequest(f"{name}={text!r} is not a whole number", field=name) from None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Encode any failure as ``{code, cause, remedy, data, message}``; no traceback leaves the server."""
        status, wire = _describe(status_code, kwargs.get("exc_info", (None, None, None))[1])
        self.set_status(status)
        self.finish(json.dumps({**wire, "message": wire["cause"]}))

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Log our own faults with a traceback, everybody else's in a line; never a credential."""
        where = f"{self.request.method} {self.request.path}"
        if isinstance(value, (KaggleLabError, web.HTTPError)):
            self.log.info("Kaggle Lab: %s: %s", where, SECRETS.sub("…", str(value)))
        else:
            text = "".join(traceback.format_exception(typ, value, tb))
            self.log.error("Kaggle Lab: %s failed\n%s", where, SECRETS.sub("…", text))


class AccountAnswer(LabHandler):
    """Shared by what answers with the account."""

    def answer(self, account: Any) -> None:
        """The account, and where a token pasted by the user is kept."""
        from .models import to_wire

        self.reply({**to_wire(account), "emulator_available": True, "home": TOKEN_PLACE})


class AccountHandler(AccountAnswer):
    """Who is signed in."""

    @verb
    async def get(self) -> None:
        manager = await self.manager()
        self.answer(await manager.account(refresh=self.flag("refresh")))

    @verb
    async def post(self) -> None:
        token = _text_field(await self.body(), "token")
        manager = await self.manager()
        self.answer(await manager.sign_in(token))

    @verb
    async def delete(self) -> None:
        manager = await self.manager()
        self.answer(await manager.sign_out())


class EmulatorHandler(AccountAnswer):
    """Change over to the emulator, and back."""

    @verb
    async def post(self) -> None:
        manager = await self.manager()
        self.answer(await manager.use_emulator())

    @verb
    async def delete(self) -> None:
        manager = await self.manager()
        self.answer(await manager.use_kaggle())


class QuotaHandler(LabHandler):
    """Hours of the week."""

    @verb
    async def get(self) -> None:
        manager = await self.manager()
        self.reply(await manager.quota(refresh=self.flag("refresh")))


class AcceleratorsHandler(LabHandler):
    """The dated table of machines."""

    @verb
    async def get(self) -> None:
        table = (await self.manager()).accelerators()
        self.reply({"as_of": table.as_of, "items": table.items})


class PreviewHandler(LabHandler):
    """What a submission would send, without sending it."""

    body_limit = NOTEBOOK_LIMIT_BYTES

    @verb
    async def post(self) -> None:
        from .models import to_wire

        request = await asyncio.to_thread(submit_request, await self.body())
        preview = await (await self.manager()).preview(request)
        self.reply({**to_wire(preview), "can_submit": preview.can_submit})


class JobsHandler(LabHandler):
    """The list of runs, and a new one."""

    body_limit = NOTEBOOK_LIMIT_BYTES

    @verb
    async def get(self) -> None:
        manager = await self.manager()
        page = await manager.jobs(
            since=self.number("since", 0, 0, 2**53),
            limit=self.number("limit", 100, 1, 1000),
            before=self.get_query_argument("before", ""),
            notebook=contents_path(self.get_query_argument("notebook", "")),
            active=self.flag("active"),
        )
        self.reply(page)

    @verb
    async def post(self) -> None:
        request = await asyncio.to_thread(submit_request, await self.body())
        if not request.client_token:
            raise BadRequest("client_token is missing", field="client_token")
        job, created = await (await self.manager()).submit(request)
        self.reply(job, 201 if created else 200)


class JobHandler(LabHandler):
    """One run."""

    @verb
    async def get(self, job_id: str) -> None:
        manager = await self.manager()
        job = await manager.job(job_id)
        self.reply({"job": job, "history": await manager.history(job_id)})

    @verb
    async def delete(self, job_id: str) -> None:
        await (await self.manager()).remove(job_id)
        self.set_status(204)
        self.finish()


class LogHandler(LabHandler):
    """Lines of a run's log."""

    @verb
    async def get(self, job_id: str) -> None:
        manager = await self.manager()
        limit = self.number("limit", 5000, 1, 20_000)
        after = self.number("after", -1, -1, 2**53)
        tail = self.number("tail", 0, 0, 20_000)
        if tail:
            job = await manager.job(job_id)
            after, limit = max(-1, job.log_count - tail - 1), tail
        self.reply(await manager.log(job_id, after=after, limit=limit))


class StopHandler(LabHandler):
    """Stop a run."""

    @verb
    async def post(self, job_id: str) -> None:
        self.reply(await (await self.manager()).stop(job_id), 202)


class OutputsHandler(LabHandler):
    """Output files of a run: the list, and bringing them here."""

    @verb
    async def get(self, job_id: str) -> None:
        manager = await self.manager()
        self.reply(await manager.outputs(job_id, refresh=self.flag("refresh")))

    @verb
    async def post(self, job_id: str) -> None:
        names, folder = retrieve_request(await self.body())
        job = await (await self.manager()).retrieve(job_id, names=names, folder=folder)
        self.reply(job, 202)


class SnapshotHandler(LabHandler):
    """The notebook exactly as it was submitted."""

    @verb
    async def get(self, job_id: str) -> None:
        self.finish(await (await self.manager()).snapshot(job_id))


class ProfileHandler(LabHandler):
    """How one notebook is run."""

    @verb
    async def get(self) -> None:
        path = contents_path(self.get_query_argument("path", ""))
        if not path:
            raise BadRequest("path is missing", field="path")
        self.reply(await (await self.manager()).profile(path))

    @verb
    async def put(self) -> None:
        profile = profile_request(await self.body())
        self.reply(await (await self.manager()).save_profile(profile))


class OpenApiHandler(LabHandler):
    """The description of this interface."""

    @verb
    async def get(self) -> None:
        text = await asyncio.to_thread((Path(__file__).parent / "openapi.json").read_text, encoding="utf-8")
        self.finish(text)


class UnknownHandler(LabHandler):
    """Anything else under our prefix: told in our own words."""

    @verb
    async def get(self, path: str) -> None:
        raise web.HTTPError(404)

    post = put = patch = delete = get


_JOB = r"jobs/([A-Za-z0-9_-]{1,64})"
ROUTES: tuple[tuple[str, type[LabHandler]], ...] = (
    (r"account", AccountHandler),
    (r"account/emulator", EmulatorHandler),
    (r"quota", QuotaHandler),
    (r"accelerators", AcceleratorsHandler),
    (r"preview", PreviewHandler),
    (r"jobs", JobsHandler),
    (_JOB, JobHandler),
    (_JOB + r"/log", LogHandler),
    (_JOB + r"/stop", StopHandler),
    (_JOB + r"/outputs", OutputsHandler),
    (_JOB + r"/snapshot", SnapshotHandler),
    (r"profile", ProfileHandler),
    (r"openapi\.json", OpenApiHandler),
    (r"(.*)", UnknownHandler),
)


def routes() -> list[tuple[str, type[LabHandler]]]:
    """All routes, without the server's base URL."""
    return [(PREFIX + path, handler) for path, handler in ROUTES]


def _parse_object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw or b"{}")
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The request is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadRequest("The request must be a JSON object")
    return value


def _text_field(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"{name} is missing", field=name)
    return value.strip()


_HTTP_ERRORS = {
    400: ("bad_request", "The request was not understood", BadRequest.remedy),
    403: (
        "forbidden",
        "You are not signed in to this Jupyter server, or not allowed to do this",
        "Reload the page and sign in to Jupyter.",
    ),
    404: (
        "not_found",
        "There is nothing at this address",
        "Reload the page; Kaggle Lab may have been updated.",
    ),
    405: ("method_not_allowed", "This address does not take this request", "See openapi.json."),
}


def _describe(status: int, error: BaseException | None) -> tuple[int, dict[str, Any]]:
    if isinstance(error, KaggleLabError):
        return error.status, error.to_wire()
    if status in _HTTP_ERRORS:
        code, cause, remedy = _HTTP_ERRORS[status]
        return status, {"code": code, "cause": cause, "remedy": remedy, "data": {}}
    cause = "Something went wrong inside Kaggle Lab"
    return status, {"code": "internal", "cause": cause, "remedy": KaggleLabError.remedy, "data": {}}
