"""How Kaggle writes and reads JSON: fields, times, durations and the two shapes of an error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}


class ApiError(Exception):
    """An HTTP error in Kaggle's form.

    `status` is the HTTP status, `status_name` the gRPC-like word of the nested envelope.
    """

    def __init__(self, status: int, message: str, status_name: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.status_name = status_name or STATUS_NAMES.get(status, "UNKNOWN")

    def envelope(self, form: str) -> dict[str, Any]:
        """The JSON body, `form` being "nested" (as RPC calls answer) or "flat" (as REST answers)."""
        if form == "flat":
            return {"code": self.status, "message": self.message}
        return {"error": {"code": self.status, "message": self.message, "status": self.status_name}}


def denied(permission: str) -> ApiError:
    """The 403 Kaggle gives for what is missing and for what belongs to somebody else."""
    return ApiError(403, f"Permission '{permission}' was denied")


class Fields:
    """Typed, tolerant reading of a request: unknown keys are ignored, null is the same as absent.

    Query strings and JSON bodies are read alike. A value of the wrong kind raises `ApiError` 400.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def has(self, name: str) -> bool:
        return self._values.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        value = self._values.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise _wrong(name, "a string")
        return str(value)

    def integer(self, name: str, default: int = 0) -> int:
        value = self._values.get(name)
        if value is None or value == "":
            return default
        try:
            number = int(value)
        except (TypeError, ValueError, OverflowError):
            raise _wrong(name, "an integer") from None
        if isinstance(value, (bool, float)) or abs(number) >= 2**63:
            raise _wrong(name, "an integer")
        return number

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._values.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise _wrong(name, "a boolean")
        return value

    def texts(self, name: str) -> list[str]:
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _wrong(name, "a list of strings")
        return list(value)

    def object(self, name: str) -> Fields:
        """A nested object; an absent one has no fields."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, dict):
            raise _wrong(name, "an object")
        return Fields(value or {})

    def objects(self, name: str) -> list[Fields]:
        """A list of nested objects."""
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise _wrong(name, "a list of objects")
        return [Fields(item) for item in value]

    def anything(self, name: str) -> list[Any]:
        """A list of whatever."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, list):
            raise _wrong(name, "a list")
        return list(value or ())

    def only(self, names: Iterable[str], defaults: Mapping[str, Any]) -> Fields:
        """These fields alone, those left out having their defaults."""
        return Fields({name: self._values.get(name, defaults.get(name)) for name in names})

    def suffix(self, name: str, prefix: str, members: Iterable[str], default: str) -> str:
        """Like `member`, of a type whose names all begin with `prefix`, which may be left out."""
        value = self._values.get(name)
        if isinstance(value, str) and value.upper().startswith(prefix):
            return Fields({name: value[len(prefix) :]}).member(name, members, default)
        return self.member(name, members, default)

    def member(self, name: str, members: Iterable[str], default: str) -> str:
        """An enum member: exact name, its number, or the name without its type's prefix, in any case."""
        value = self._values.get(name)
        if value is None or value == "":
            return default
        choices = list(members)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(choices):
            return choices[value]
        wanted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(value)).upper()
        for choice in choices:
            if choice in (str(value).upper(), wanted) or choice.replace("_", "") == wanted.replace("_", ""):
                return choice
        raise _wrong(name, f"one of {', '.join(choices)}")


def _wrong(name: str, kind: str) -> ApiError:
    return ApiError(400, f"Invalid value for field '{name}': expected {kind}")


def isoformat(epoch_s: float) -> str:
    """Epoch seconds as Kaggle writes a time: `2026-10-10T00:00:00.000Z`."""
    moment = datetime.fromtimestamp(epoch_s, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def human_date(epoch_s: float) -> str:
    """The text form of `ListKernelFiles`: `3:38 pm, Saturday 6 June 2026 UTC`."""
    moment = datetime.fromtimestamp(epoch_s, UTC)
    hour = moment.hour % 12 or 12
    half = "am" if moment.hour < 12 else "pm"
    return f"{hour}:{moment.minute:02d} {half}, {moment:%A} {moment.day} {moment:%B} {moment.year} UTC"


def duration(seconds: float) -> str:
    """A length of time as Kaggle writes it: `108000s`, `71094.4s`; never days, at most nine decimals."""
    text = f"{max(0.0, seconds):.3f}".rstrip("0").rstrip(".")
    return f"{text}s"


_GO_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_GO_SPECIAL = re.compile("[<>&\u2028\u2029]")


def go_json(value: Any) -> str:
    """One line of JSON as Go's encoder writes it (angle brackets and ampersands escaped)."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _GO_SPECIAL.sub(lambda found: _GO_ESCAPES[found.group()], text)


def parse_json_object(body: bytes) -> dict[str, Any]:
    """The request body as an object; empty means `{}`. Raises `ApiError` 400 for anything else."""
    if not body.strip():
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(400, "Invalid JSON payload received") from None
    if not isinstance(value, dict):
        raise ApiError(400, "Invalid JSON payload received: expected an object")
    if b"\\ud" in body.lower():
        _refuse_half_characters(value)
    return value


def _refuse_half_characters(value: dict[str, Any]) -> None:
    """JSON can spell half of a surrogate pair, which is no text and cannot be stored."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ApiError(400, "Invalid JSON payload received: invalid Unicode") from None
