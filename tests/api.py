"""Kaggle Lab's REST in tests: every answer is checked against the OpenAPI document."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from tornado.httpclient import HTTPClientError

import kaggle_lab

DOCUMENT = json.loads((Path(kaggle_lab.__file__).parent / "openapi.json").read_text())
_URI = "urn:openapi"
_REGISTRY = Registry().with_resource(
    _URI, Resource.from_contents(DOCUMENT, default_specification=DRAFT202012)
)


def check(pointer: str, value: Any) -> None:
    """Fail unless a value fits the schema at this place of the document."""
    schema = {"$ref": f"{_URI}#{pointer}"}
    Draft202012Validator(schema, registry=_REGISTRY).validate(value)


def _template(path: str) -> str:
    known = [template for template in DOCUMENT["paths"] if "{" not in template]
    if f"/{path}" in known:
        return f"/{path}"
    for template in DOCUMENT["paths"]:
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), f"/{path}"):
            return template
    raise AssertionError(f"{path} is not in the document")


class Api:
    """Calls routes of a test server."""

    def __init__(self, jp_fetch: Any) -> None:
        self._fetch = jp_fetch

    async def call(self, verb: str, path: str, body: Any = None, /, **params: Any) -> tuple[int, Any]:
        """Status and JSON answer; both fit the document."""
        text = json.dumps(body or {}) if verb in ("POST", "PUT") else None
        parts = ["kaggle-lab", "api", *path.split("/")]
        try:
            answer = await self._fetch(*parts, method=verb, body=text, params=params, request_timeout=60)
        except HTTPClientError as error:
            assert error.response is not None
            answer = error.response
        value = json.loads(answer.body) if answer.body else None
        self._check(verb, path, answer.code, value)
        return answer.code, value

    def _check(self, verb: str, path: str, status: int, value: Any) -> None:
        if status >= 400:
            check("/components/schemas/Error", value)
            return
        template = _template(path).replace("/", "~1")
        place = f"/paths/{template}/{verb.lower()}/responses/{status}"
        operation = DOCUMENT["paths"][_template(path)][verb.lower()]
        assert str(status) in operation["responses"], f"{status} is not described for {verb} {path}"
        if value is None:
            assert "content" not in operation["responses"][str(status)]
        else:
            check(f"{place}/content/application~1json/schema", value)

    async def get(self, path: str, /, **params: Any) -> Any:
        """The answer of a GET that must succeed."""
        status, value = await self.call("GET", path, **params)
        assert status == 200, value
        return value

    async def post(self, path: str, body: Any = None) -> Any:
        """The answer of a POST that must succeed."""
        status, value = await self.call("POST", path, body)
        assert status in (200, 201, 202), value
        return value

    async def job(self, job_id: str) -> dict[str, Any]:
        """A run."""
        job: dict[str, Any] = (await self.get(f"jobs/{job_id}"))["job"]
        return job
