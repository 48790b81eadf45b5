"""Foreign errors become our own here: Kaggle's answers, requests' exceptions, and what is not Kaggle at all.

Kaggle puts its words in two envelopes, ``{"code", "message"}`` and ``{"error": {"code", "message"}}``, and
answers HTML when something in front of the API is unwell (seen in kaggle 2.2.4 / kagglesdk 0.1.37).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from ..errors import (
    AccessDenied,
    BadCredentials,
    KaggleConfused,
    KaggleError,
    KaggleLabError,
    KaggleUnreachable,
    NotFoundOnKaggle,
    PhoneNotVerified,
    PushRefused,
    PushUncertain,
    QuotaUsedUp,
    SessionCapReached,
    SourceTooLarge,
    Throttled,
    TitleTaken,
)
from ..models import utc_now

LARGE_SOURCE_BYTES = 900_000
"""From here on a bare 400 means the size: 933,761 bytes have passed, 1,141,256 have not (reports, 2026)."""
_SHOWN_CHARS = 600


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, whichever envelope its error came in. ``json`` is None when it is not JSON."""

    status: int
    message: str = ""
    retry_after_s: float | None = None
    json: Any = None
    is_html: bool = False

    @property
    def quoted(self) -> str:
        """Kaggle's own words as the end of a sentence."""
        return f": “{self.message}”" if self.message else f" (HTTP {self.status})."


def read_answer(status: int, headers: Mapping[str, str], body: str) -> Answer:
    """Parse an answer. An error inside a 200 is given its own status."""
    retry_after_s = parse_retry_after(headers.get("Retry-After", ""))
    try:
        value = json.loads(body)
    except ValueError:
        is_html = "html" in headers.get("Content-Type", "") or body.lstrip()[:1] == "<"
        message = "" if is_html else clean(body)
        return Answer(status, message, retry_after_s, None, is_html)
    code, message = _envelope(value)
    return Answer(code if code >= 400 else status, message, retry_after_s, value)


def _envelope(value: Any) -> tuple[int, str]:
    if not isinstance(value, dict):
        return 0, ""
    inner = value.get("error")
    holder = inner if isinstance(inner, dict) else value
    text = holder.get("message") or (inner if isinstance(inner, str) else "")
    code = holder.get("code")
    return (code if isinstance(code, int) else 0), clean(str(text or ""))


def clean(text: str) -> str:
    """Kaggle's text, fit to be shown: one line, no control characters, no signed links, not endless."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    text = re.sub(r"(https?://[^\s?\"']+)\?[^\s\"']*", r"\1", text)
    text = re.sub(r"KGAT_\w+", "KGAT_…", text)
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + " …"


def parse_retry_after(text: str) -> float | None:
    """Seconds to wait by a Retry-After header: a number or a date. None when it says nothing usable."""
    text = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - utc_now()).total_seconds())


def backoff_s(attempt: int, base_s: float, cap_s: float) -> float:
    """How long to wait before attempt ``attempt + 1``: 1.7 times longer each time, with jitter."""
    return min(cap_s, base_s * 1.7**attempt) * random.uniform(0.7, 1.3)  # noqa: S311 - jitter


# --- answers to reads ----------------------------------------------------------------------------


def error_of(answer: Answer, doing: str) -> KaggleLabError:
    """The error an answer stands for. ``doing`` is what was tried: ``reading the quota``."""
    status = answer.status
    if status == 401:
        return BadCredentials(f"Kaggle does not accept these credentials while {doing}{answer.quoted}")
    if status == 429:
        return throttled(answer, doing)
    if answer.is_html or status < 400:
        return KaggleConfused(
            f"The answer while {doing} was not Kaggle's API but something else (HTTP {status})."
        )
    if status == 403:
        return AccessDenied(f"Kaggle denied access while {doing}{answer.quoted}")
    if status in (404, 410):
        return NotFoundOnKaggle(f"Kaggle has nothing there while {doing}{answer.quoted}")
    if status == 501 or status < 500:
        return KaggleError(
            f"Kaggle answered with an error while {doing}{answer.quoted}", kaggle_status=status
        )
    return KaggleUnreachable(f"Kaggle had a fault of its own while {doing}{answer.quoted}")


def throttled(answer: Answer, doing: str) -> Throttled:
    """Kaggle asks to wait, and perhaps says for how long."""
    wait = f" It asks to wait {answer.retry_after_s:.0f} s." if answer.retry_after_s else ""
    cause = f"Kaggle asks for fewer requests while {doing}{answer.quoted}{wait}"
    return Throttled(cause, retry_after_s=answer.retry_after_s)


# --- answers to a push ---------------------------------------------------------------------------

_TITLE_REMEDY = (
    "Usually the title and the notebook's address disagree: use plain letters, digits and single spaces, "
    "starting with a letter, or open the notebook once on kaggle.com."
)


def refusal_of(text: str) -> KaggleLabError:
    """What Kaggle's refusal of a push means. Only stable fragments are compared: numbers differ."""
    said = f"Kaggle refused the run: “{clean(text)}”"
    low = text.lower()
    if cap := re.search(r"maximum (?:batch |interactive )?(\w+) session count(?: of (\d+))?", low):
        return SessionCapReached(said, kind=cap[1], cap=int(cap[2]) if cap[2] else None)
    if "quota" in low:
        return QuotaUsedUp(said)
    if "enableinternet" in low or "enablegpu" in low or "phone" in low:
        return PhoneNotVerified(said)
    if "already in use" in low and "title" in low:
        return TitleTaken(said)
    if low.strip().rstrip(".") in ("notebook not found", "kernel not found"):
        return PushRefused(said, remedy=_TITLE_REMEDY)
    if "too large" in low or "exceeds the maximum" in low:
        return SourceTooLarge(said)
    return PushRefused(said)


def push_error(answer: Answer, source_bytes: int) -> KaggleLabError:
    """What an unsuccessful answer to a push means, and whether the push may have been taken all the same."""
    status, doing = answer.status, "sending the notebook"
    if status < 400 or status == 408 or status >= 500:
        return PushUncertain(f"Kaggle's answer to the push cannot be read{answer.quoted}")
    if status == 413 or (status == 400 and source_bytes > LARGE_SOURCE_BYTES):
        return SourceTooLarge(
            f"Kaggle refused the notebook's source of {source_bytes:,} bytes{answer.quoted}",
            bytes=source_bytes,
        )
    if answer.message and not answer.is_html and status != 401:
        meant = refusal_of(answer.message)
        if not isinstance(meant, PushRefused) or status in (400, 404, 409, 412, 422):
            return meant
    return error_of(answer, doing)


def push_transport_error(error: Exception) -> KaggleUnreachable:
    """A push that got no answer: certain to be unsent, or uncertain."""
    if surely_unsent(error):
        return transport_error(error, "sending the notebook")
    return PushUncertain(f"The connection broke while the notebook was being sent ({_why(error)}).")


# --- no answer -----------------------------------------------------------------------------------


def surely_unsent(error: BaseException) -> bool:
    """Whether no byte of the request can have reached Kaggle: no name, no connection, no TLS, no proxy."""
    from requests import exceptions as rex
    from urllib3.exceptions import LocationValueError

    if isinstance(error, (rex.ConnectTimeout, rex.InvalidURL, rex.InvalidHeader, rex.InvalidProxyURL)):
        return True
    if isinstance(error, rex.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return True
    if not isinstance(error, (rex.ConnectionError, LocationValueError)):
        return False
    return any(_is_no_connection(link) for link in _chain(error))


def _is_no_connection(error: BaseException) -> bool:
    from urllib3 import exceptions as uex

    if isinstance(error, uex.ProxyError):  # the tunnel was not opened
        return "tunnel" in str(error).lower() or isinstance(error.original_error, uex.NewConnectionError)
    return isinstance(error, (uex.NewConnectionError, uex.ConnectTimeoutError, uex.LocationValueError))


def _chain(error: BaseException) -> list[BaseException]:
    """The error and all it carries: arguments, ``reason``, cause and context."""
    found: list[BaseException] = []
    todo: list[Any] = [error]
    while todo:
        link = todo.pop()
        if isinstance(link, BaseException) and link not in found:
            found.append(link)
            todo += [*link.args, getattr(link, "reason", None), link.__cause__, link.__context__]
    return found


def transport_error(error: Exception, doing: str) -> KaggleUnreachable:
    """requests' exception as ours; its text is not shown, since it can hold addresses and proxy passwords."""
    from requests import exceptions as rex

    if surely_unsent(error):
        return KaggleUnreachable(f"Kaggle cannot be reached while {doing} ({_why(error)}).")
    odd = (rex.JSONDecodeError, rex.ChunkedEncodingError, rex.ContentDecodingError)
    if isinstance(error, odd) or not isinstance(error, OSError):
        return KaggleConfused(f"Kaggle's answer was cut off or garbled while {doing}.")
    return KaggleUnreachable(f"Kaggle cannot be reached while {doing} ({_why(error)}).")


def _why(error: BaseException) -> str:
    from requests import exceptions as rex

    names = {type(link).__name__ for link in _chain(error)}
    if isinstance(error, rex.ConnectTimeout) or "ConnectTimeoutError" in names:
        return "no connection in time"
    if isinstance(error, rex.Timeout) or "ReadTimeoutError" in names:
        return "no answer in time"
    if isinstance(error, rex.ProxyError):
        return "the proxy does not let it through"
    if isinstance(error, rex.SSLError):
        return "the secure connection failed"
    if names & {"NameResolutionError", "gaierror", "LocationParseError", "InvalidURL"}:
        return "its name cannot be found"
    if "ConnectionRefusedError" in names:
        return "the connection was refused"
    return "the connection was cut"
