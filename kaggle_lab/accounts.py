"""Who is signed in and where: the endpoint chosen, its client, the account and the quota, each asked once.

One request for the account and one for the quota at a time, whoever asks; both are kept for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from .config import Config, endpoint_from_url
from .errors import BadCredentials, BadRequest, KaggleLabError, KaggleUnreachable, SignedOut
from .models import (
    Account,
    AccountState,
    CredentialMethod,
    Endpoint,
    EndpointKind,
    Job,
    Quota,
    utc_now,
)
from .store import Store

if TYPE_CHECKING:
    from .credentials import Credentials
    from .kaggle_client import KaggleClient

EMBEDDED = Endpoint(EndpointKind.EMULATOR)
"""The emulator we start ourselves: stored without its address, which may change at every start."""
_ACCOUNT_TTL = timedelta(minutes=10)
_TROUBLE_TTL = timedelta(seconds=20)
_EMBEDDED_TTL_S = 5.0
_QUOTA_PAUSE_S = 5.0
_CHOICE = "endpoint"

V = TypeVar("V")


class EmulatorControl(Protocol):
    """What starts and lets go of the emulator that Kaggle Lab runs for itself."""

    async def ensure(self) -> str:
        """Start or join it; its URL."""

    async def release(self) -> None:
        """Let go of it."""


class Accounts:
    """Hands out clients. Raises SignedOut when there are no credentials for the endpoint."""

    def __init__(self, config: Config, store: Store, emulator: EmulatorControl) -> None:
        self._config = config
        self._store = store
        self._emulator = emulator
        self._clients: dict[Endpoint, KaggleClient] = {}
        self._embedded = EMBEDDED
        self._embedded_until = 0.0
        self._account: Account | None = None
        self._account_until = utc_now()
        self._quota: Quota | None = None
        self._quota_moved = False
        self._outdated: list[KaggleClient] = []
        """Clients with former credentials; calls may still be under way on them."""
        self._asking: dict[str, asyncio.Task[Any]] = {}
        self._order = asyncio.Lock()
        self._refused: dict[Credentials, BadCredentials] = {}
        """What Kaggle did not accept: the next kind of credentials is tried, as the official client does."""
        self.on_change: Callable[[str], None] = lambda kind: None
        """Called with ``account`` or ``quota`` when the value changed."""

    async def close(self) -> None:
        """Close all clients and let go of the emulator."""
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)
        await self._close_clients()
        await self._emulator.release()

    async def _close_clients(self) -> None:
        for client in (*self._clients.values(), *self._outdated):
            await client.close()
        self._clients.clear()
        self._outdated.clear()

    # --- where ----------------------------------------------------------------------------------

    async def chosen(self) -> Endpoint:
        """The endpoint new jobs go to, in its stored form. Raises BadRequest for a wrong setting."""
        said = self._config.endpoint or await self._store.choice(_CHOICE)
        if said == "emulator":
            return EMBEDDED
        try:
            return endpoint_from_url(said, self._config.endpoint_kind)
        except ValueError as error:
            raise BadRequest(
                f"KAGGLE_LAB_ENDPOINT is {error}.", remedy="Correct it and start again."
            ) from error

    async def choose(self, endpoint: str) -> None:
        """Remember where new jobs go: ``emulator`` or empty for Kaggle."""
        if self._config.endpoint and self._config.endpoint != endpoint:
            raise BadRequest(
                f"The endpoint is set to {self._config.endpoint!r} by KAGGLE_LAB_ENDPOINT.",
                remedy="Unset it to choose here.",
            )
        await self._store.remember(_CHOICE, endpoint)
        self._forget()

    async def address(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with its present address; starts our own emulator when it is that one."""
        if endpoint != EMBEDDED:
            return endpoint
        now = asyncio.get_running_loop().time()
        if not self._embedded.url or now > self._embedded_until:
            self._embedded = Endpoint(EndpointKind.EMULATOR, await self._emulator.ensure())
            self._embedded_until = now + _EMBEDDED_TTL_S
        return self._embedded

    def known_address(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with its address as last known; starts nothing."""
        return self._embedded if endpoint == EMBEDDED else endpoint

    # --- clients --------------------------------------------------------------------------------

    async def client(self) -> KaggleClient:
        """The client of the chosen endpoint. Raises SignedOut."""
        return await self._client_at(await self.chosen())

    async def client_of(self, job: Job) -> KaggleClient:
        """The client of a job's endpoint. Raises SignedOut, also when somebody else is signed in."""
        client = await self._client_at(job.endpoint)
        if job.endpoint == await self.chosen() and self._account is not None:
            now = self._account.username
            if now and job.account and now != job.account:
                raise SignedOut(
                    f"This run belongs to {job.account}, but {now} is signed in.",
                    remedy=f"Sign in as {job.account} to follow it. It goes on meanwhile.",
                )
        return client

    async def _client_at(self, endpoint: Endpoint) -> KaggleClient:
        from .kaggle_client import KaggleClient

        async with self._order:
            address = await self.address(endpoint)
            credentials = await asyncio.to_thread(_find, address, self._refused)
            client = self._clients.get(address)
            if client is None or client.credentials != credentials:
                if client is not None:
                    self._outdated.append(client)
                client = KaggleClient(address, credentials, self._config)
                self._clients[address] = client
            return client

    # --- who ------------------------------------------------------------------------------------

    async def account(self, refresh: bool = False) -> Account:
        """Who is signed in at the chosen endpoint. Never raises for want of credentials or of Kaggle."""
        if self._account is not None and not refresh and utc_now() < self._account_until:
            return self._account
        return await self._once("account", self._ask_account)

    async def _ask_account(self) -> Account:
        endpoint = await self.chosen()
        self._refused.clear()
        try:
            account = await self._whoami(endpoint)
        except SignedOut as error:
            account = Account(AccountState.SIGNED_OUT, endpoint, message=error.cause)
        except BadCredentials as error:
            account = Account(AccountState.SIGNED_OUT, endpoint, message=f"{error.cause} {error.remedy}")
        except KaggleLabError as error:
            account = self._unreachable(endpoint, error)
        trouble = account.state is AccountState.UNREACHABLE
        self._account_until = utc_now() + (_TROUBLE_TTL if trouble else _ACCOUNT_TTL)
        if account != self._account:
            self._account = account
            self.on_change("account")
        return account

    async def _whoami(self, endpoint: Endpoint) -> Account:
        while True:
            client = await self._client_at(endpoint)
            try:
                return await client.whoami()
            except BadCredentials as error:
                self._refused[client.credentials] = error

    def _unreachable(self, endpoint: Endpoint, error: KaggleLabError) -> Account:
        known = self._account if self._account and self._account.endpoint.kind is endpoint.kind else None
        base = known or Account(AccountState.UNREACHABLE, endpoint)
        return replace(base, state=AccountState.UNREACHABLE, message=f"{error.cause} {error.remedy}")

    async def require_account(self) -> Account:
        """The account, for a submission. Raises SignedOut or KaggleUnreachable."""
        account = await self.account()
        if account.state is AccountState.SIGNED_OUT:
            account = await self.account(refresh=True)
        if account.state is AccountState.SIGNED_OUT:
            raise SignedOut(account.message or "Nobody is signed in to Kaggle.")
        if account.state is AccountState.UNREACHABLE and not account.username:
            raise KaggleUnreachable(account.message)
        return account

    async def sign_in(self, token: str) -> Account:
        """Check an access token with Kaggle, then store it where the official client looks.

        Raises BadCredentials when Kaggle does not know it, KaggleUnreachable; nothing is stored then.
        """
        from .credentials import Credentials, check_secret, overruling, store_access_token
        from .kaggle_client import KaggleClient

        endpoint = await self.chosen()
        if endpoint.kind is EndpointKind.EMULATOR:
            raise BadRequest("The emulator needs no sign-in.", remedy="Switch to Kaggle first.")
        secret = check_secret(token)
        candidate = Credentials(CredentialMethod.ACCESS_TOKEN, "the sign-in card", secret=secret)
        client = KaggleClient(endpoint, candidate, self._config)
        try:
            await client.whoami()
        finally:
            await client.close()
        await asyncio.to_thread(store_access_token, secret)
        self._forget()
        account = await self.account(refresh=True)
        if other := await asyncio.to_thread(overruling, secret):
            self._account = account = replace(account, message=_not_used(other, account))
            self.on_change("account")
        return account

    async def sign_out(self) -> Account:
        """Forget the token that Kaggle Lab stored; leave the emulator. Other credentials stay."""
        from .credentials import forget_access_token

        endpoint = await self.chosen()
        if endpoint.kind is EndpointKind.EMULATOR:
            await self.choose("")
        else:
            await asyncio.to_thread(forget_access_token)
        self._forget()
        return await self.account(refresh=True)

    def _forget(self) -> None:
        self._account = None
        self._quota = None

    # --- quota ----------------------------------------------------------------------------------

    async def quota(self, refresh: bool = False) -> Quota:
        """The weekly quota, at most ``config.quota_ttl_s`` old. Raises SignedOut, KaggleError."""
        known = self._quota
        age = (utc_now() - known.fetched_at).total_seconds() if known else None
        limit = min(_QUOTA_PAUSE_S, self._config.quota_ttl_s) if refresh else self._config.quota_ttl_s
        if self._quota_moved:
            limit = 0.0
        if known is not None and age is not None and age < limit:
            return known
        return await self._once("quota", self._ask_quota)

    def note_quota_moved(self) -> None:
        """A run that uses quota has begun or ended: the value known is not the present one any more."""
        self._quota_moved = True
        self.on_change("quota")

    async def _ask_quota(self) -> Quota:
        self._quota_moved = False
        quota = await (await self.client()).quota()
        known, self._quota = self._quota, quota
        if known is None or replace(known, fetched_at=quota.fetched_at) != quota:
            self.on_change("quota")
        return quota

    async def _once(self, name: str, ask: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """Ask, or wait for who asks already. The question goes on when the one who asked goes away."""
        task = self._asking.get(name)
        if task is None or task.done():
            task = asyncio.create_task(ask(), name=f"kaggle-lab {name}")
            self._asking[name] = task
        return cast("V", await asyncio.shield(task))


def _not_used(other: str, account: Account) -> str:
    told = f"The token is stored, but not used: {other} comes before it. Unset {other} to use the token."
    return f"{account.message} {told}".strip()


def _find(endpoint: Endpoint, refused: Mapping[Credentials, BadCredentials]) -> Credentials:
    """The first credentials that may be sent to an endpoint. Raises SignedOut, or why they were refused."""
    from .credentials import credentials_in_order, emulator_credentials

    found = [emulator_credentials()] if endpoint.kind is EndpointKind.EMULATOR else credentials_in_order()
    if not found:
        raise SignedOut("There are no Kaggle credentials on this machine.")
    usable = [credentials for credentials in found if credentials not in refused]
    if not usable:
        raise refused[found[0]]
    return usable[0]
