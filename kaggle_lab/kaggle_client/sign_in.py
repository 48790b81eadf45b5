"""Which credentials a call carries: checked against the endpoint, and OAuth tokens renewed ahead of time."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

from ..credentials import Credentials, check_secret, read_oauth_file, write_oauth_file
from ..errors import BadCredentials, FileTrouble, KaggleUnreachable
from ..models import CredentialMethod, Endpoint, utc_now
from . import parse, translate
from .sdk import Sdk

RENEW_AHEAD = timedelta(minutes=15)
"""kagglesdk 0.1.37 renews half an hour after expiry, and until then every call is denied."""
TOKEN_LIFE = timedelta(hours=12)
_SIGN_IN_AGAIN = "Run `kaggle auth login` again, or paste an access token in the Kaggle sidebar."


def check_audience(credentials: Credentials, endpoint: Endpoint) -> None:
    """Raises BadCredentials rather than let a real account's secret reach an emulator, or the reverse."""
    if credentials.audience is not endpoint.kind:
        raise BadCredentials(
            f"Credentials for {credentials.audience.value} ({credentials.source}) are not sent to "
            f"{endpoint.kind.value}.",
            remedy="Sign in again from the Kaggle sidebar.",
        )
    check_secret(credentials.secret or credentials.refresh_token)


class SignIn:
    """The current credentials of one client. Its methods block: call them in a worker thread."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = self._stored = credentials
        self._lock = threading.Lock()

    @property
    def credentials(self) -> Credentials:
        """As they are stored where they were found: equal to what is found there again."""
        return self._stored

    def current(self, sdk: Sdk) -> Credentials:
        """Credentials that are good for a while. Raises BadCredentials when an OAuth sign-in has ended."""
        if not _expires_soon(self._credentials):
            return self._credentials
        with self._lock:
            if _expires_soon(self._credentials):
                self._credentials = self._renewed(sdk, self._credentials)
            return self._credentials

    def distrust(self, refused: Credentials) -> bool:
        """Have an OAuth token renewed at the next call, as Kaggle refused it; False if that cannot help."""
        if refused.method is not CredentialMethod.OAUTH:
            return False
        with self._lock:
            if self._credentials.secret == refused.secret:
                self._credentials = dataclasses.replace(refused, expires_at=None)
        return True

    def _renewed(self, sdk: Sdk, old: Credentials) -> Credentials:
        if (stored := self._from_file(old)) is not None:
            self._stored = stored
            return stored
        try:
            fresh = renew(sdk, old)
        except KaggleUnreachable:
            if old.expires_at is not None and old.expires_at > utc_now():
                return old
            raise
        with contextlib.suppress(FileTrouble):  # a read-only home: this process has the token all the same
            write_oauth_file(fresh)
            self._stored = fresh
        return fresh

    def _from_file(self, old: Credentials) -> Credentials | None:
        """What another process has renewed meanwhile."""
        stored = read_oauth_file(old.path) if old.path else None
        if stored is None or stored.secret == old.secret or _expires_soon(stored):
            return None
        return dataclasses.replace(stored, source=old.source, audience=old.audience)


def renew(sdk: Sdk, old: Credentials) -> Credentials:
    """Ask for a new access token. Raises BadCredentials, KaggleUnreachable."""
    doing = "renewing the sign-in"
    try:
        answer = sdk.call("users.AccountService", "GenerateAccessToken", _renewal_of(old), None)
    except (OSError, ValueError) as error:
        raise translate.transport_error(error, doing) from error
    if answer.status in (400, 401, 403, 404):
        raise BadCredentials(f"The sign-in in {old.source} has ended{answer.quoted}", remedy=_SIGN_IN_AGAIN)
    if answer.status >= 400 or not parse.text(parse.fields(answer.json).get("token")):
        raise translate.error_of(answer, doing)
    reply = parse.fields(answer.json)
    life_s = parse.whole(reply.get("expiresIn")) or int(TOKEN_LIFE.total_seconds())
    return dataclasses.replace(
        old,
        secret=parse.text(reply.get("token")),
        expires_at=datetime.now(UTC) + timedelta(seconds=life_s),
        username=parse.text(reply.get("userName")) or old.username,
    )


def _renewal_of(old: Credentials) -> Any:
    from kagglesdk.users.types.account_service import (  # type: ignore[import-untyped]
        ApiVersion,
        GenerateAccessTokenRequest,
    )

    request = GenerateAccessTokenRequest()
    request.refresh_token = old.refresh_token
    request.api_version = ApiVersion.API_VERSION_V1
    request.expiration_duration = TOKEN_LIFE
    return request


def _expires_soon(credentials: Credentials) -> bool:
    if credentials.method is not CredentialMethod.OAUTH:
        return False
    return credentials.expires_at is None or credentials.expires_at - utc_now() < RENEW_AHEAD
