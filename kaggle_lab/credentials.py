"""Credentials: found where the official client finds them, stored where it looks. No network, no output.

The official library prints help and raises SystemExit when it finds nothing, and reads the environment
again behind its caller's back; this module answers with a value instead, and the Kaggle door passes that
value on explicitly.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .errors import BadCredentials, FileTrouble
from .models import CredentialMethod, EndpointKind, utc_now

EMULATOR_USERNAME = "learner"
EMULATOR_TOKEN = "KGAT_emulator_learner"  # noqa: S105 - opens nothing but the local emulator
_TOKEN_FILES = ("access_token", "access_token.txt")
_MARK = "access_token.kaggle-lab"
"""Beside the token: the hash of the token that Kaggle Lab wrote, so that it forgets only its own."""


@dataclass(frozen=True)
class Credentials:
    """How to sign in. ``secret`` is the token, or the key of a legacy pair; it is never shown."""

    method: CredentialMethod
    source: str
    """Where they were found, for people: ``KAGGLE_API_TOKEN``, ``~/.kaggle/kaggle.json``."""
    username: str = ""
    secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    """OAuth only: what a new access token is asked with."""
    expires_at: datetime | None = None
    """OAuth only: when ``secret`` ends to be valid."""
    path: Path | None = None
    """The file that a refreshed token is written back to."""
    audience: EndpointKind = EndpointKind.KAGGLE
    """The only kind of endpoint these may be sent to."""


def find_credentials(
    environ: Mapping[str, str] | None = None, home: Path | None = None
) -> Credentials | None:
    """The credentials the official client would try first; None when there are none."""
    return next(iter(credentials_in_order(environ, home)), None)


def credentials_in_order(
    environ: Mapping[str, str] | None = None, home: Path | None = None
) -> list[Credentials]:
    """All credentials there are, in the official client's order: it passes over a token that is not valid."""
    environ = os.environ if environ is None else environ
    home = _home(home)
    candidates = (_access_token(environ, home), _api_key(environ, home), _oauth(home))
    return [found for found in candidates if found is not None]


def overruling(token: str, environ: Mapping[str, str] | None = None, home: Path | None = None) -> str:
    """Where the token stands that is used instead of this stored one; empty when it is this one."""
    environ = os.environ if environ is None else environ
    used = _access_token(environ, _home(home))
    return used.source if used is not None and used.secret != token.strip() else ""


def emulator_credentials(environ: Mapping[str, str] | None = None) -> Credentials:
    """The emulator's own account; ``KAGGLE_LAB_EMULATOR_TOKEN`` chooses another. Never a real account's."""
    environ = os.environ if environ is None else environ
    token = environ.get("KAGGLE_LAB_EMULATOR_TOKEN", "").strip()
    return Credentials(
        CredentialMethod.ACCESS_TOKEN,
        "KAGGLE_LAB_EMULATOR_TOKEN" if token else "emulator",
        username="" if token else EMULATOR_USERNAME,
        secret=token or EMULATOR_TOKEN,
        audience=EndpointKind.EMULATOR,
    )


# --- finding -------------------------------------------------------------------------------------


def _home(home: Path | None) -> Path:
    return Path("~").expanduser() if home is None else home


def _access_token(environ: Mapping[str, str], home: Path) -> Credentials | None:
    for source, token in _tokens(environ, home):
        if token:
            return Credentials(CredentialMethod.ACCESS_TOKEN, source, secret=token)
    return None


def _tokens(environ: Mapping[str, str], home: Path) -> Iterator[tuple[str, str]]:
    if "KAGGLE_KERNEL_RUN_TYPE" in environ and "KAGGLE_DATA_PROXY_URL" in environ:
        yield "KAGGLE_API_V1_TOKEN", _read_text(environ.get("KAGGLE_API_V1_TOKEN", ""))
    value = environ.get("KAGGLE_API_TOKEN", "").strip()
    if value:
        yield "KAGGLE_API_TOKEN", _read_text(value) if _is_file(value) else value
        return  # the official client looks at no token file once the variable is set
    for name in _TOKEN_FILES:
        yield f"~/.kaggle/{name}", _read_text(home / ".kaggle" / name)


def _api_key(environ: Mapping[str, str], home: Path) -> Credentials | None:
    path = _config_dir(environ, home) / "kaggle.json"
    stored = _read_json(path)
    username = str(environ.get("KAGGLE_USERNAME") or stored.get("username") or "")
    key = str(environ.get("KAGGLE_KEY") or stored.get("key") or "")
    if not username or not key:
        return None
    source = "KAGGLE_USERNAME and KAGGLE_KEY" if environ.get("KAGGLE_KEY") else _shown(path, home)
    return Credentials(CredentialMethod.API_KEY, source, username=username, secret=key)


def _config_dir(environ: Mapping[str, str], home: Path) -> Path:
    if environ.get("KAGGLE_CONFIG_DIR"):
        return Path(environ["KAGGLE_CONFIG_DIR"])
    if sys.platform.startswith("linux") and not (home / ".kaggle").exists():
        return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "kaggle"
    return home / ".kaggle"


def _oauth(home: Path) -> Credentials | None:
    return read_oauth_file(home / ".kaggle" / "credentials.json", home)


def read_oauth_file(path: Path, home: Path | None = None) -> Credentials | None:
    """The OAuth credentials of the official client; None when the file has no refresh token."""
    stored = _read_json(path)
    if not stored.get("refresh_token"):
        return None
    return Credentials(
        CredentialMethod.OAUTH,
        _shown(path, _home(home)),
        username=str(stored.get("username") or ""),
        secret=str(stored.get("access_token") or ""),
        refresh_token=str(stored["refresh_token"]),
        expires_at=_moment(stored.get("access_token_expiration")),
        path=path,
    )


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # a long token is no file name
        return False


def _read_text(path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip() if path else ""
    except (OSError, ValueError):
        return ""


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_read_text(path))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _shown(path: Path, home: Path) -> str:
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


# --- storing -------------------------------------------------------------------------------------


def check_secret(secret: str) -> str:
    """The secret without surrounding blanks. Raises BadCredentials for text that no token can be."""
    secret = secret.strip()
    if not secret:
        raise BadCredentials("The access token is empty.")
    if not re.fullmatch(r"[\x21-\x7e]{1,8192}", secret):
        raise BadCredentials("This is not an access token: a token is one line without blanks.")
    return secret


def store_access_token(token: str, home: Path | None = None) -> Path:
    """Write ``~/.kaggle/access_token``, readable by the user only. A different one is kept as a backup.

    Raises BadCredentials for text that no token can be, FileTrouble when the file cannot be written.
    """
    token = check_secret(token)
    path = _home(home) / ".kaggle" / _TOKEN_FILES[0]
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (present := _read_text(path)) and present != token:
            _keep_backup(path)
        write_private(path, token + "\n")
        write_private(path.with_name(_MARK), _fingerprint(token) + "\n")
    except OSError as error:
        raise FileTrouble(f"The token cannot be stored in {path}: {error.strerror}.") from error
    return path


def forget_access_token(home: Path | None = None) -> bool:
    """Delete the token that :func:`store_access_token` wrote; False when there is none or it was replaced."""
    path = _home(home) / ".kaggle" / _TOKEN_FILES[0]
    mark = path.with_name(_MARK)
    present, ours = _read_text(path), _read_text(mark)
    is_ours = bool(present) and _fingerprint(present) == ours
    try:
        mark.unlink(missing_ok=True)
        if is_ours:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise FileTrouble(f"The token cannot be removed from {path}: {error.strerror}.") from error
    with contextlib.suppress(OSError):
        path.parent.rmdir()  # an empty ~/.kaggle would hide ~/.config/kaggle from the official client
    return is_ours


def write_oauth_file(credentials: Credentials) -> None:
    """Write a refreshed OAuth token back, atomically, keeping the file's other fields. Raises FileTrouble."""
    if credentials.path is None:
        return
    stored = _read_json(credentials.path) | {
        "refresh_token": credentials.refresh_token,
        "access_token": credentials.secret,
        "access_token_expiration": credentials.expires_at.isoformat() if credentials.expires_at else "",
        "username": credentials.username,
    }
    stored.setdefault("scopes", [])
    try:
        write_private(credentials.path, json.dumps(stored, indent=2))
    except OSError as error:
        raise FileTrouble(f"{credentials.source} cannot be written: {error.strerror}.") from error


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step by one that only the user can read (mode 0600)."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _keep_backup(path: Path) -> None:
    stamp = utc_now().strftime("%Y%m%dT%H%M%S%fZ")
    path.replace(path.with_name(f"{path.name}.bak-{stamp}"))


def _fingerprint(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
