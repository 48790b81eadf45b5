"""Kaggle's own library, kept on a lead: typed requests out, plain JSON back.

``kagglesdk`` builds the requests, addresses and envelopes; the answers are read as JSON, because its parser
raises KeyError on any enum word that is newer than the package and drops unknown fields such as
``kernelSessionId``. Authentication is set by us on every call: left alone, the library prefers a token from
the environment over what it is given. ``kaggle`` itself is never imported: it signs in, prints and exits
while being imported.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import KaggleError
from ..models import CredentialMethod, Endpoint
from . import translate

if TYPE_CHECKING:
    import requests

    from ..credentials import Credentials

KERNELS = "kernels.KernelsApiService"
_SDK_REMEDY = "The installed `kagglesdk` does not fit: run `pip install --upgrade kaggle-lab kaggle`."


def is_loopback(url: str) -> bool:
    """Whether an address stays on this machine; no proxy may ever see it."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def user_agent() -> str:
    """``kaggle-lab/<version>``."""
    from importlib import metadata

    try:
        return f"kaggle-lab/{metadata.version('kaggle-lab')}"
    except metadata.PackageNotFoundError:
        return "kaggle-lab/0"


class Sdk:
    """Blocking calls to one endpoint. One library client per thread; every call has time-outs."""

    def __init__(self, endpoint: Endpoint, timeouts_s: tuple[float, float]) -> None:
        self.endpoint = endpoint
        self._timeouts_s = timeouts_s
        self._local = threading.local()
        self._lock = threading.Lock()
        self._sessions: list[requests.Session] = []

    @property
    def base_url(self) -> str:
        """Where ``/v1/…`` hangs."""
        return f"{self.endpoint.url}/api" if self.endpoint.url else "https://api.kaggle.com"

    def call(self, service: str, method: str, request: Any, who: Credentials | None) -> translate.Answer:
        """One RPC. Returns the answer, also one with an error; raises requests' exceptions as they come."""
        from requests import HTTPError

        http = self._http()
        http._session.auth = _auth(who)
        self._local.answer = None
        try:
            http.call(service, method, request, None)
        except HTTPError as error:
            return _answer_of(error.response, who)
        except (TypeError, KeyError, AttributeError) as error:  # JSON, but no object
            raise ValueError("an answer of an unknown shape") from error
        except SystemExit as error:
            raise KaggleError("Kaggle's library gave up.", remedy=_SDK_REMEDY) from error
        answer: translate.Answer = self._local.answer
        return answer

    def location_of(
        self, service: str, method: str, request: Any, who: Credentials | None
    ) -> tuple[int, str]:
        """Where an RPC redirects to, without going there: HTTP status and ``Location``."""
        http = self._http()
        http._session.auth = _auth(who)
        url = http._get_request_url(service, method)
        response = http._session.post(url, json=request.to_dict(), allow_redirects=False, stream=True)
        with response:
            return response.status_code, response.headers.get("Location", "")

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for session in self._sessions:
                session.close()
            self._sessions.clear()

    def _http(self) -> Any:
        if getattr(self._local, "http", None) is None:
            self._local.http = self._build()
        return self._local.http

    def _build(self) -> Any:
        from kagglesdk import KaggleClient, KaggleEnv  # type: ignore[import-untyped]

        env = KaggleEnv.LOCAL if self.endpoint.url else KaggleEnv.PROD
        try:
            client = KaggleClient(env, api_token="", user_agent=user_agent(), response_processor=self._keep)
            http = client.http_client()
            if self.endpoint.url:
                http._endpoint = self.endpoint.url
            http._init_session()
            self._prepare(http._session)
            built = http._get_request_url(KERNELS, "SaveKernel")
        except (AttributeError, TypeError) as error:
            raise KaggleError(
                "Kaggle's library has changed in a way we do not know.", remedy=_SDK_REMEDY
            ) from error
        if built != f"{self.base_url}/v1/{KERNELS}/SaveKernel":
            raise KaggleError("Kaggle's library would talk to another address.", remedy=_SDK_REMEDY)
        return http

    def _prepare(self, session: requests.Session) -> None:
        prepare_session(session, self.base_url, self._timeouts_s)
        with self._lock:
            self._sessions.append(session)

    def _keep(self, response: requests.Response) -> None:
        self._local.answer = _answer_of(response)


def clean_logs() -> None:
    """Keep what follows ``?`` in addresses, a signature perhaps, out of the libraries' own log lines."""
    for name in ("httpx", "httpcore.http11", "httpcore.connection", "urllib3.connectionpool"):
        logging.getLogger(name).addFilter(_without_queries)


def _without_queries(record: logging.LogRecord) -> bool:
    record.msg, record.args = re.sub(r"\?[^\s\"']*", "?…", record.getMessage()), ()
    return True


def prepare_session(
    session: requests.Session, url: str, timeouts_s: tuple[float, float], pool: int = 10
) -> None:
    """Give every request of a session time-outs, and keep the environment's proxies from this machine."""
    from requests.adapters import HTTPAdapter

    class Timeouts(HTTPAdapter):
        def send(self, *args: Any, **kwargs: Any) -> requests.Response:
            kwargs["timeout"] = kwargs.get("timeout") or timeouts_s
            return super().send(*args, **kwargs)

    clean_logs()
    session.trust_env = not is_loopback(url)
    for scheme in ("https://", "http://"):
        session.mount(scheme, Timeouts(pool_maxsize=pool))


def _answer_of(response: requests.Response, who: Credentials | None = None) -> translate.Answer:
    body = response.content.decode("utf-8", errors="replace")
    if who is not None and who.secret:
        body = body.replace(who.secret, "…")  # an error that quotes what it was given
    return translate.read_answer(response.status_code, response.headers, body)


def _auth(who: Credentials | None) -> Any:
    if who is None:
        return None
    if who.method is CredentialMethod.API_KEY:
        return who.username, who.secret
    from kagglesdk.kaggle_http_client import KaggleHttpClient  # type: ignore[import-untyped]

    return KaggleHttpClient.BearerAuth(who.secret)


def auth_header(who: Credentials) -> str:
    """The Authorization header for requests that do not go through the library."""
    if who.method is CredentialMethod.API_KEY:
        from requests.auth import _basic_auth_str

        return str(_basic_auth_str(who.username, who.secret))
    return f"Bearer {who.secret}"
