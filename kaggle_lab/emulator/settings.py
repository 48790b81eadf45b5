"""Everything about the emulated Kaggle that can be switched, with Kaggle's own values as defaults.

Where reports about Kaggle conflict, both behaviours are here under a name.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass
from typing import Any, Literal

GIB = 1024**3
MOST = 1e15
"""More than any second, byte or count that makes sense; infinity is none."""


@dataclass(frozen=True)
class Settings:
    """Switches of the emulated service. Seconds, bytes, hours as the name's ending says."""

    queue_delay_s: float = 2.0  # how long a session stays QUEUED
    post_push_window_s: float = 0.0  # how long after a push the unlabelled status is not yet right
    post_push_mode: Literal["missing", "stale"] = "missing"  # 404, or the previous version's state
    session_id_in_save: bool = False  # kernelSessionId in the SaveKernel reply
    list_notebook_file: bool = False  # __notebook__.ipynb and friends in output listings of notebooks
    keep_outputs_on_cancel: bool = True
    keep_outputs_on_timeout: bool = True
    output_while_running: Literal["empty", "missing"] = "empty"
    quick_save_status: Literal["error", "missing"] = "error"
    rename_moves_slug: bool = True
    strict_new_slug: bool = False  # refuse a new kernel whose id disagrees with its title
    unverified_gpu: Literal["error", "cpu"] = "error"
    rpc_envelope: Literal["nested", "flat"] = "nested"
    counter_lag_s: float = 0.0  # how long an ended session still counts against the caps

    max_gpu_sessions: int = 2
    max_tpu_sessions: int = 1
    max_cpu_sessions: int = 5
    max_interactive_gpu_sessions: int = 1
    max_interactive_tpu_sessions: int = 1
    max_interactive_cpu_sessions: int = 5
    interactive_idle_timeout_s: float = 1200.0  # reports say 20 and 60 minutes
    gpu_quota_hours: float = 30.0
    tpu_quota_hours: float = 20.0
    cpu_session_limit_s: float = 43_200.0
    gpu_session_limit_s: float = 43_200.0
    tpu_session_limit_s: float = 32_400.0
    cpu_memory_limit_bytes: int | None = 30 * GIB
    gpu_memory_limit_bytes: int | None = 29 * GIB
    tpu_memory_limit_bytes: int | None = 406 * GIB
    disk_limit_bytes: int | None = 20_900_000_000
    source_limit_bytes: int = 1_048_576
    title_max_chars: int = 50
    title_min_chars: int = 5

    dataset_hidden_s: float = 1.0  # how long the status of a new dataset is still a 403
    dataset_processing_s: float = 5.0  # from the creation of a version until it is READY
    dataset_title_min_chars: int = 6  # of slugs too
    dataset_title_max_chars: int = 50
    dataset_limit_bytes: int = 200 * 10**9  # of one version, unpacked
    dataset_version_pin: Literal["dropped", "honoured", "invalid"] = "dropped"  # `owner/slug/3` as a source
    lone_archive: Literal["root", "folder"] = "root"  # where the content of an only file archive.zip goes
    unentered_competition: Literal["invalid", "unmounted"] = "invalid"  # as a source, rules not accepted
    upload_expiry_s: float = 604_800.0  # how long an upload that was begun can be gone on with
    scoring_delay_s: float = 0.0  # how long a submission stays PENDING at least
    scoring_limit_s: float = 60.0  # how long a metric may compute

    output_link_expiry_s: float = 3600.0
    download_latency_s: float = 0.0  # wait before the first byte of an output file
    download_rate_bytes_s: float = 0.0  # 0 = as fast as possible
    rpc_latency_s: float = 0.0  # wait before any API call is answered
    log_idle_cut_s: float = 180.0  # a silent log stream is cut after this long
    request_log_size: int = 20_000

    def merged(self, changes: dict[str, Any]) -> Settings:
        """A copy with `changes`; raises ValueError for an unknown name or a value of the wrong kind."""
        kinds = typing.get_type_hints(Settings)
        checked = {}
        for name, value in changes.items():
            if name not in kinds:
                raise ValueError(f"unknown setting {name!r}; known: {', '.join(sorted(kinds))}")
            checked[name] = _checked(name, value, kinds[name])
        return dataclasses.replace(self, **checked)


def _checked(name: str, value: Any, kind: Any) -> Any:
    if typing.get_origin(kind) is Literal:
        if value in typing.get_args(kind):
            return value
        raise ValueError(f"{name} must be one of {typing.get_args(kind)}, not {value!r}")
    if isinstance(kind, types.UnionType):
        return None if value is None else _checked(name, value, typing.get_args(kind)[0])
    if kind is bool and isinstance(value, bool):
        return value
    if (
        kind in (int, float)
        and isinstance(value, (int, float))
        and not isinstance(value, bool)
        and 0 <= value <= MOST
    ):
        return kind(value)
    raise ValueError(f"{name} must be a non-negative {kind.__name__}, not {value!r}")
