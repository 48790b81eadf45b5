"""The module `kaggle_secrets` of a session, copied to /kaggle/lib: a notebook's way to its user's secrets."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any

_TIMEOUT_S = 40


class CredentialError(Exception):
    """The session has no token of its own."""


class BackendError(Exception):
    """The service answered, but not with what was asked for."""


class ValidationError(Exception):
    """The question makes no sense."""


class NotFoundError(Exception):
    """There is no such thing."""


class UserSecretsClient:
    """Reads the secrets that are attached to this notebook.

    Like Kaggle's it needs the internet switched on: a session without it has no way out, not even to here.
    """

    def __init__(self) -> None:
        """Raises `CredentialError` outside a session."""
        self._base = os.environ.get("KAGGLE_URL_BASE", "https://www.kaggle.com")
        token = os.environ.get("KAGGLE_USER_SECRETS_TOKEN")
        if token is None:
            raise CredentialError(
                "A JWT Token is required to use the UserSecretsClient, but none found in environment variable"
                " KAGGLE_USER_SECRETS_TOKEN"
            )
        self._headers = {"Content-Type": "application/json", "X-Kaggle-Authorization": f"Bearer {token}"}

    def get_secret(self, label: str) -> str:
        """The value; `ValidationError` for an empty label, `BackendError` for an unknown one.

        `ConnectionError` when the session has no internet.
        """
        if not label:
            raise ValidationError("Label must be non-empty.")
        answer = self._ask("GetUserSecretByLabelRequest", {"Label": label})
        if "secret" not in answer:
            raise BackendError(f"Unexpected response from the service. Response: {answer}")
        return str(answer["secret"])

    def get_bigquery_access_token(self) -> tuple[str, int | None]:
        """Not emulated: `BackendError`."""
        raise BackendError("Google Cloud accounts are not emulated.")

    def get_gcloud_credential(self) -> str:
        """The secret `__gcloud_sdk_auth__`; `NotFoundError` when it is not attached."""
        try:
            return self.get_secret("__gcloud_sdk_auth__")
        except BackendError as error:
            raise NotFoundError("Google Cloud SDK credential not found.") from error

    def _ask(self, name: str, question: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310
            f"{self._base}/requests/{name}", data=json.dumps(question).encode(), headers=self._headers
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise BackendError(f"Unexpected response from the service: {error.code}") from error
        except TimeoutError as error:
            raise ConnectionError(
                "Timeout error trying to communicate with service. Please ensure internet is on."
            ) from error
        except urllib.error.URLError as error:
            raise ConnectionError("Connection error trying to communicate with service.") from error
        if not answer.get("wasSuccessful") or "result" not in answer:
            raise BackendError(f"Unexpected response from the service. Response: {answer}.")
        result: dict[str, Any] = answer["result"]
        return result
