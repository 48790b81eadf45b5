"""Token services: introspection, refresh, expiry."""

from __future__ import annotations

import re
from typing import Any

from .accounts import DEFAULT_TOKEN_LIFE_S, Account
from .wire import ApiError, Fields
from .world import World

_SCOPE = "resources.admin:*"


def introspect_token(world: World, request: Fields) -> dict[str, Any]:
    """IntrospectToken, without credentials of its own. An unknown token is a 403, an expired one inactive."""
    token = request.text("token")
    expires_at = world.accounts.expiry(token)
    if expires_at is not None and expires_at <= world.clock.now():
        return {"active": False}
    account = world.accounts.holder(token)
    if account is None:
        raise ApiError(403, "Invalid token")
    reply: dict[str, Any] = {
        "active": True,
        "clientId": "kagglesdk",
        "username": account.username,
        "userId": account.id,
        "scope": _SCOPE,
    }
    return reply if expires_at is None else {**reply, "exp": int(expires_at)}


def generate_access_token(world: World, request: Fields) -> dict[str, Any]:
    """GenerateAccessToken from a refresh token; a bad one is a 401."""
    account = world.accounts.holder(request.text("refreshToken"), "refresh")
    if account is None:
        raise ApiError(401, "Invalid refresh token")
    life_s = _seconds(request.text("expirationDuration")) or DEFAULT_TOKEN_LIFE_S
    return {
        "token": world.accounts.issue_token(account, life_s),
        "expiresIn": int(life_s),
        "userName": account.username,
        "userId": account.id,
    }


def expire_token(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ExpireApiToken: one of the caller's own, by value or number."""
    if not world.accounts.revoke(request.text("token"), request.integer("tokenId"), caller):
        raise ApiError(404, "Token not found")
    return {}


def _seconds(text: str) -> float:
    """`43200s` as a number; 0.0 when absent. Raises `ApiError` 400 for anything else."""
    if not text:
        return 0.0
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?s", text):
        raise ApiError(400, "Invalid value for field 'expirationDuration': expected a duration")
    return float(text[:-1])
