"""Every setting, limit and interval in one place, from the environment or given by the server's traits.

Each field can be set as ``KAGGLE_LAB_<NAME>`` in the environment (``KAGGLE_LAB_ENDPOINT``, …) and as a
trait ``KaggleLab.<name>`` of the server extension.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .models import Endpoint, EndpointKind

SOURCE_LIMIT_BYTES = 1_000_000
"""Kaggle's limit lies between 933,761 and 1,141,256 bytes of source (reports, 2026); 1 MiB is assumed."""
TITLE_MIN, TITLE_MAX = 5, 50


def _default_data_dir() -> str:
    from jupyter_core.paths import jupyter_data_dir

    return str(Path(jupyter_data_dir()) / "kaggle_lab")


@dataclass(frozen=True)
class Config:
    """The settings of one process. Intervals and time-outs are in seconds."""

    endpoint: str = ""
    """Where Kaggle's API is: empty for Kaggle, ``emulator`` for the emulator started by us, or a URL."""
    endpoint_kind: str = ""
    """``kaggle`` when the URL is a way to Kaggle itself (a mirror, a proxy), so that the account's own
    credentials are sent there; empty: every host but Kaggle's own is an emulator."""
    data_dir: str = ""
    """Folder of the store and the snapshots; default ``<jupyter data dir>/kaggle_lab``."""
    output_dir: str = "kaggle-output/{notebook}/v{version}"
    """Where outputs land, relative to the workspace; ``{notebook}``, ``{version}``, ``{job}``, ``{slug}``."""
    retrieve: str = "auto"
    """Whether outputs come by themselves when a run ends: ``auto``, ``ask`` or ``never``."""
    settle_s: float = 20.0
    """How long Kaggle is given to show a push whose answer was lost, before it counts as not received."""
    push_gap_s: float = 1.0
    """Least time between two pushes."""
    poll_first_s: float = 3.0
    poll_queued_s: float = 10.0
    poll_running_s: float = 25.0
    poll_max_s: float = 300.0
    push_window_s: float = 60.0
    """For this long after a push Kaggle may show no state, or the previous version's."""
    quota_ttl_s: float = 60.0
    watch_interval_s: float = 0.5
    """How often the local store (never Kaggle) is looked at for changes made by another process."""
    lease_s: float = 30.0
    """How long one process is the one that follows a job, unless it renews."""
    waiting_retry_s: float = 60.0
    """How often a run that waits for a free session slot is tried again."""
    connect_timeout_s: float = 15.0
    read_timeout_s: float = 90.0
    stream_timeout_s: float = 200.0
    """Kaggle cuts idle log streams after about 180 s."""
    stream_retry_s: float = 1.0
    downloads_at_once: int = 4
    download_attempts: int = 6
    log_lines_kept: int = 1_000_000
    emulator_port: int = 0
    """Port of the emulator started by us; 0 takes a free one."""
    emulator_args: str = ""
    """More arguments for that emulator, as on a command line."""

    def __post_init__(self) -> None:
        """Raises ValueError naming the setting that cannot be."""
        if self.retrieve not in RETRIEVE:
            raise ValueError(f"{_named('retrieve')} is {self.retrieve!r}; it can be {', '.join(RETRIEVE)}")
        for name in _POSITIVE:
            value = getattr(self, name)
            if not value > 0 or value == float("inf"):
                raise ValueError(f"{_named(name)} is {value}; it must be more than 0")
        try:
            shlex.split(self.emulator_args)
        except ValueError as error:
            raise ValueError(f"{_named('emulator_args')} cannot be read: {error}") from error
        for name in _NOT_NEGATIVE:
            if not getattr(self, name) >= 0:
                raise ValueError(f"{_named(name)} is {getattr(self, name)}; it must not be negative")

    @property
    def data_path(self) -> Path:
        """The data folder, with its default filled in."""
        return Path(self.data_dir or _default_data_dir())

    @property
    def store_path(self) -> Path:
        """The file with the list of runs."""
        return self.data_path / "kaggle-lab.sqlite"


RETRIEVE = ("auto", "ask", "never")
_POSITIVE = (
    "poll_first_s", "poll_queued_s", "poll_running_s", "poll_max_s", "watch_interval_s", "lease_s",
    "waiting_retry_s", "connect_timeout_s", "read_timeout_s", "stream_timeout_s", "stream_retry_s",
    "downloads_at_once", "download_attempts",
)  # fmt: skip
_NOT_NEGATIVE = ("settle_s", "push_gap_s", "push_window_s", "quota_ttl_s", "log_lines_kept", "emulator_port")


def _named(field: str) -> str:
    return f"the setting {field} (KAGGLE_LAB_{field.upper()})"


def config_from_env(environ: Mapping[str, str] | None = None, **overrides: Any) -> Config:
    """Read ``KAGGLE_LAB_*``; ``overrides`` win. Raises ValueError naming the variable that is wrong."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for spec in dataclasses.fields(Config):
        name = f"KAGGLE_LAB_{spec.name.upper()}"
        if name in environ:
            values[spec.name] = _parse(name, environ[name], type(spec.default))
    values.update({key: value for key, value in overrides.items() if value is not None})
    return Config(**values)


def _parse(name: str, text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError as error:
        raise ValueError(f"{name}={text!r} is not a {kind.__name__}") from error


def endpoint_from_url(url: str, kind: str = "") -> Endpoint:
    """The endpoint a URL stands for: Kaggle's own hosts are Kaggle, anything else is an emulator.

    ``kind`` says otherwise. Raises ValueError when the text is not an http(s) URL.
    """
    if not url:
        return Endpoint(EndpointKind.KAGGLE)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an http(s) address: {url!r}")
    if parts.hostname == "kaggle.com" or parts.hostname.endswith(".kaggle.com"):
        return Endpoint(EndpointKind.KAGGLE)
    return Endpoint(EndpointKind(kind or "emulator"), f"{parts.scheme}://{parts.netloc}")
