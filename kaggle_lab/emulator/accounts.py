"""Accounts, their keys and tokens. Only hashes of credentials are stored."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass

from .clock import Clock
from .db import Database
from .wire import ApiError, denied

DEFAULT_TOKEN_LIFE_S = 43_200.0


@dataclass(frozen=True)
class Account:
    """Somebody who may call the API."""

    id: int
    username: str
    verified: bool


# Who calls without credentials, where that is allowed.
ANYBODY = Account(0, "", False)


@dataclass(frozen=True)
class Seed:
    """An account to create at start-up, with its credentials."""

    username: str
    key: str
    token: str
    refresh_token: str
    verified: bool = True


SEEDS = (
    Seed("learner", "local_api_token", "KGAT_emulator_learner", "KGRT_emulator_learner"),
    Seed("guest", "guest_api_token", "KGAT_emulator_guest", "KGRT_emulator_guest", verified=False),
)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class Accounts:
    """Who exists, and who is calling."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def seed(self, seeds: tuple[Seed, ...]) -> None:
        """Create the accounts that do not exist yet."""
        for seed in seeds:
            if self.by_name(seed.username) is None:
                self.create(seed)

    def create(self, seed: Seed) -> Account:
        """Create an account or replace its credentials and verification."""
        with self._database.transaction():
            self._database.run(
                "INSERT INTO accounts (username, key_hash, verified, created_at) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (username) DO UPDATE"
                " SET key_hash = excluded.key_hash, verified = excluded.verified",
                seed.username,
                _hash(seed.key),
                seed.verified,
                self._clock.real(),
            )
            account = self.named(seed.username)
            if seed.token:
                self._add_token(account, seed.token, "access", None)
            if seed.refresh_token:
                self._add_token(account, seed.refresh_token, "refresh", None)
        return account

    def verify(self, username: str, verified: bool) -> Account:
        account = self.named(username)
        self._database.run("UPDATE accounts SET verified = ? WHERE id = ?", verified, account.id)
        return self.named(username)

    def create_silent(self, username: str) -> Account:
        """An account that only owns things: nobody can sign in with it."""
        self._database.run(
            "INSERT OR IGNORE INTO accounts (username, key_hash, verified, created_at) VALUES (?, '', 1, ?)",
            username,
            self._clock.real(),
        )
        return self.named(username)

    def all(self) -> list[Account]:
        """Those that somebody can sign in with."""
        rows = self._database.rows("SELECT * FROM accounts WHERE key_hash != '' ORDER BY id")
        return [_account(row) for row in rows]

    def by_name(self, username: str) -> Account | None:
        row = self._database.first("SELECT * FROM accounts WHERE username = ?", username)
        return _account(row) if row else None

    def named(self, username: str) -> Account:
        """Raises LookupError when there is none."""
        account = self.by_name(username)
        if account is None:
            raise LookupError(f"no account {username!r}")
        return account

    def by_id(self, account_id: int) -> Account:
        return _account(self._database.one("SELECT * FROM accounts WHERE id = ?", account_id))

    def authenticate(self, header: str | None) -> Account:
        """The caller, from an Authorization header. Raises `ApiError` 401, or 403 for an expired token."""
        scheme, _, value = (header or "").partition(" ")
        account = None
        if scheme.lower() == "bearer":
            account = self.holder(value.strip())
        elif scheme.lower() == "basic":
            account = self._by_key(value.strip())
        if account is None:
            raise ApiError(401, "Unauthenticated")
        return account

    def holder(self, token: str, kind: str = "access") -> Account | None:
        """Whose token this is, None if nobody's. Raises 403 when it has expired."""
        row = self._database.first("SELECT * FROM tokens WHERE hash = ? AND kind = ?", _hash(token), kind)
        if row is None:
            return None
        if row["expires_at"] is not None and row["expires_at"] <= self._clock.now():
            raise denied("kernels.get")
        return self.by_id(row["account_id"])

    def expiry(self, token: str) -> float | None:
        """When a token ends, emulated epoch seconds; None for never."""
        row = self._database.first("SELECT expires_at FROM tokens WHERE hash = ?", _hash(token))
        return row["expires_at"] if row else None

    def _by_key(self, encoded: str) -> Account | None:
        try:
            username, _, key = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        row = self._database.first("SELECT * FROM accounts WHERE username = ?", username)
        if row is None or not secrets.compare_digest(row["key_hash"], _hash(key)):
            return None
        return _account(row)

    def issue_token(self, account: Account, life_s: float) -> str:
        """A new access token that ends after `life_s` emulated seconds."""
        token = f"KGAT_{secrets.token_hex(16)}"
        self._add_token(account, token, "access", self._clock.now() + life_s)
        return token

    def revoke(self, token: str, token_id: int, owner: Account) -> bool:
        """Forget one of the owner's tokens, by value or by number; says whether there was one."""
        cursor = self._database.run(
            "DELETE FROM tokens WHERE account_id = ? AND (hash = ? OR id = ?)",
            owner.id,
            _hash(token),
            token_id,
        )
        return cursor.rowcount > 0

    def _add_token(self, account: Account, token: str, kind: str, expires_at: float | None) -> None:
        self._database.run(
            "INSERT OR REPLACE INTO tokens (hash, id, account_id, kind, expires_at) "
            "VALUES (?, (SELECT coalesce(max(id), 0) + 1 FROM tokens), ?, ?, ?)",
            _hash(token),
            account.id,
            kind,
            expires_at,
        )


def _account(row: object) -> Account:
    return Account(row["id"], row["username"], bool(row["verified"]))  # type: ignore[index]
