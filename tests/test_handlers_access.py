"""Every verb of every route: authenticated, authorised, protected from forged requests, and described."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any, ClassVar

import pytest
from jupyter_server.auth import Authorizer
from openapi_spec_validator import validate
from tornado.httpclient import HTTPClientError

from kaggle_lab.handlers import PREFIX, ROUTES, LabHandler, UnknownHandler

DOCUMENT = json.loads(Path(inspect.getfile(LabHandler)).with_name("openapi.json").read_text())
VERBS = ("get", "post", "put", "delete", "patch")
JOB_ID = "0123456789abcdef"


def described() -> list[tuple[str, str]]:
    return [(verb, path) for path, item in DOCUMENT["paths"].items() for verb in item if verb in VERBS]


def implemented() -> set[tuple[str, str]]:
    found = set()
    for pattern, handler in ROUTES:
        path = "/" + pattern.replace(r"([A-Za-z0-9_-]{1,64})", "{job_id}").replace("\\", "")
        for verb in VERBS:
            own = getattr(handler, verb) is not getattr(LabHandler, verb)
            if own and handler is not UnknownHandler:
                found.add((verb, path))
    return found


async def call(jp_fetch: Any, verb: str, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
    body = options.pop("body", "{}" if verb in ("post", "put", "patch") else None)
    try:
        answer = await jp_fetch(
            *PREFIX.strip("/").split("/"),
            *path.strip("/").split("/"),
            method=verb.upper(),
            body=body,
            **options,
        )
    except HTTPClientError as error:
        assert error.response is not None
        return error.code, json.loads(error.response.body)
    return answer.code, json.loads(answer.body or b"{}")


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")


def test_the_document_and_the_routes_are_the_same() -> None:
    assert set(described()) == implemented()


@pytest.mark.parametrize(("verb", "path"), [*described(), ("get", "/nonsense"), ("post", "/nonsense")])
async def test_without_a_login_nothing_is_answered(verb: str, path: str, jp_fetch: Any) -> None:
    status, answer = await call(
        jp_fetch, verb, path.replace("{job_id}", JOB_ID), headers={"Authorization": "token wrong"}
    )
    assert status == 403
    assert answer["code"] == "forbidden"


class OnlyOthers(Authorizer):
    """Lets a signed-in user do everything but use Kaggle Lab; keeps what was asked."""

    asked: ClassVar[list[tuple[str, str]]] = []

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        self.asked.append((action, resource))
        return resource != "kaggle_lab"


@pytest.fixture
def denied(jp_server_config: Any) -> list[tuple[str, str]]:
    OnlyOthers.asked.clear()
    jp_server_config["ServerApp"]["authorizer_class"] = OnlyOthers
    return OnlyOthers.asked


@pytest.mark.parametrize(("verb", "path"), described())
async def test_a_user_without_the_right_is_refused(
    verb: str, path: str, denied: list[tuple[str, str]], jp_fetch: Any
) -> None:
    status, answer = await call(jp_fetch, verb, path.replace("{job_id}", JOB_ID))
    assert status == 403
    assert answer["code"] == "forbidden"
    assert denied[-1] == ("read" if verb == "get" else "write", "kaggle_lab")


WRITES = [(verb, path) for verb, path in described() if verb != "get"]


@pytest.mark.parametrize(("verb", "path"), WRITES)
async def test_a_forged_request_with_only_the_cookie_is_refused(
    verb: str, path: str, jp_serverapp: Any, http_server_client: Any, jp_base_url: str
) -> None:
    cookie = await login_cookie(http_server_client, jp_base_url, jp_serverapp.identity_provider.token)
    url = jp_base_url.rstrip("/") + PREFIX + path.replace("{job_id}", JOB_ID).lstrip("/")
    body = "{}" if verb in ("post", "put") else None
    with pytest.raises(HTTPClientError) as refused:
        await http_server_client.fetch(url, method=verb.upper(), body=body, headers={"Cookie": cookie})
    assert refused.value.code == 403


async def test_the_cookie_alone_does_read(
    jp_serverapp: Any, http_server_client: Any, jp_base_url: str
) -> None:
    cookie = await login_cookie(http_server_client, jp_base_url, jp_serverapp.identity_provider.token)
    url = jp_base_url.rstrip("/") + PREFIX + "openapi.json"
    answer = await http_server_client.fetch(url, headers={"Cookie": cookie})
    assert json.loads(answer.body) == DOCUMENT


async def login_cookie(client: Any, base_url: str, token: str) -> str:
    answer = await client.fetch(f"{base_url}login?token={token}", follow_redirects=False, raise_error=False)
    cookies = [re.split(";", value)[0] for value in answer.headers.get_list("Set-Cookie")]
    session = [cookie for cookie in cookies if cookie.startswith("username-")]
    assert session, "the server gave no login cookie"
    return "; ".join(session)


@pytest.mark.parametrize("path", ["nonsense", "jobs/a/b/c"])
async def test_an_unknown_address_is_told_as_json(path: str, jp_fetch: Any) -> None:
    status, answer = await call(jp_fetch, "get", path)
    assert (status, answer["code"]) == (404, "not_found")


async def test_a_verb_that_a_route_lacks_is_told_as_json(jp_fetch: Any) -> None:
    status, answer = await call(jp_fetch, "delete", "quota")
    assert (status, answer["code"]) == (405, "method_not_allowed")
    assert answer["message"] == answer["cause"]
