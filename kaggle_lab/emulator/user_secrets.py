"""Secrets that an account keeps for its notebooks, and the tokens by which a session asks for them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from .db import Database


class UserSecrets:
    """The table of secrets. Values leave it for a session only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, account_id: int, label: str, value: str, kernels: list[str] | None) -> None:
        """Set a secret; `kernels` are the refs of those it is attached to, None meaning all.

        Raises ValueError for an empty label.
        """
        if not label:
            raise ValueError("label must be given")
        self._database.run(
            "INSERT OR REPLACE INTO user_secrets VALUES (?, ?, ?, ?)",
            account_id,
            label,
            value,
            None if kernels is None else json.dumps([ref.lower() for ref in kernels]),
        )

    def drop(self, account_id: int, label: str) -> bool:
        """Forget a secret; says whether there was one."""
        sql = "DELETE FROM user_secrets WHERE account_id = ? AND label = ?"
        return self._database.run(sql, account_id, label).rowcount > 0

    def labels(self, account_id: int) -> list[dict[str, Any]]:
        """Names and attachments, never values."""
        rows = self._database.rows(
            "SELECT label, kernels FROM user_secrets WHERE account_id = ? ORDER BY label", account_id
        )
        return [
            {"label": row["label"], "kernels": json.loads(row["kernels"]) if row["kernels"] else None}
            for row in rows
        ]

    def value(self, account_id: int, label: str, kernel_ref: str) -> str | None:
        """The secret as a kernel may read it; None when there is none attached to it."""
        row = self._database.first(
            "SELECT value, kernels FROM user_secrets WHERE account_id = ? AND label = ?", account_id, label
        )
        if row is None or (row["kernels"] and kernel_ref.lower() not in json.loads(row["kernels"])):
            return None
        return str(row["value"])

    def forget(self) -> None:
        self._database.run("DELETE FROM user_secrets")


def session_token(session_id: int, purpose: str, secret: str) -> str:
    """A signed token (JWT, HS256) that says which session its bearer is."""
    body = ".".join(
        _encoded(json.dumps(part).encode())
        for part in ({"alg": "HS256", "typ": "JWT"}, {"kernelSessionId": session_id, "aud": purpose})
    )
    return f"{body}.{_signature(body, secret)}"


def session_of_token(token: str, purpose: str, secret: str) -> int | None:
    """The session a token was made for; None for any other text."""
    body, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_signature(body, secret).encode(), signature.encode()):
        return None
    try:
        claims = json.loads(_decoded(body.partition(".")[2]))
    except (ValueError, binascii.Error):
        return None
    return int(claims["kernelSessionId"]) if claims.get("aud") == purpose else None


def _signature(body: str, secret: str) -> str:
    return _encoded(hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
