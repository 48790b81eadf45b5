"""Kaggle's JSON becomes our frozen values, leniently: absent, null and unknown things do no harm."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from ..models import (
    Endpoint,
    KaggleStatus,
    KernelInfo,
    KernelRef,
    PushResult,
    Quota,
    QuotaShare,
    RemoteFile,
    SessionStatus,
    Sources,
    Submission,
    utc_now,
)

_STATUS_BY_NUMBER = (
    KaggleStatus.QUEUED,
    KaggleStatus.RUNNING,
    KaggleStatus.COMPLETE,
    KaggleStatus.ERROR,
    KaggleStatus.CANCEL_REQUESTED,
    KaggleStatus.CANCEL_ACKNOWLEDGED,
    KaggleStatus.NEW_SCRIPT,
)


def fields(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str:
    """A string; empty for anything that is none. Half a character, which nothing can store, becomes ``?``."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def whole(value: Any) -> int | None:
    """A whole number, also when it comes as a string, as 64-bit numbers do in JSON. None beyond 64 bits."""
    if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,19}", str(value)):
        return None
    number = int(value)
    return number if abs(number) < 2**63 else None


def texts(value: Any) -> tuple[str, ...]:
    """A list of non-empty strings."""
    return tuple(found for item in value if (found := text(item))) if isinstance(value, list) else ()


def ref_of(value: Any, default: KernelRef) -> KernelRef:
    """``/code/owner/slug`` or ``owner/slug``."""
    try:
        return KernelRef.parse(text(value))
    except ValueError:
        return default


def push_result(reply: dict[str, Any], submission: Submission, endpoint: Endpoint) -> PushResult | None:
    """The result of an accepted push; None when the reply names no version."""
    version = whole(reply.get("versionNumber"))
    if version is None or version < 1:
        return None
    ref = ref_of(reply.get("ref"), submission.ref)
    url = text(reply.get("url")) or f"/code/{ref}"
    return PushResult(
        ref=ref,
        version=version,
        url=url if "://" in url else f"{endpoint.web_url}/{url.lstrip('/')}",
        kernel_session_id=whole(reply.get("kernelSessionId")) or None,
        dropped=Sources(
            datasets=texts(reply.get("invalidDatasetSources")),
            competitions=texts(reply.get("invalidCompetitionSources")),
            kernels=texts(reply.get("invalidKernelSources")),
            models=texts(reply.get("invalidModelSources")),
        ),
    )


def session_status(reply: dict[str, Any]) -> SessionStatus:
    """The status, UNKNOWN for a new word. An absent one is the zero member, QUEUED."""
    raw = reply.get("status", 0)
    failure = text(reply.get("failureMessage"))
    if isinstance(raw, int) and not isinstance(raw, bool):
        known = raw in range(len(_STATUS_BY_NUMBER))
        return SessionStatus(_STATUS_BY_NUMBER[raw] if known else KaggleStatus.UNKNOWN, str(raw), failure)
    word = text(str(raw))
    return SessionStatus(_status_of(word), word, failure)


def _status_of(word: str) -> KaggleStatus:
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word.rsplit(".", 1)[-1]).upper()
    try:
        return KaggleStatus(plain.removeprefix("KERNEL_WORKER_STATUS_"))
    except ValueError:
        return KaggleStatus.UNKNOWN


def kernel_info(reply: dict[str, Any], ref: KernelRef) -> KernelInfo:
    """A kernel as GetKernel gives it."""
    meta, blob = fields(reply.get("metadata")), fields(reply.get("blob"))
    return KernelInfo(
        ref=ref_of(meta.get("ref"), ref),
        title=text(meta.get("title")),
        current_version=whole(meta.get("currentVersionNumber")),
        source=text(blob.get("source")),
        language=text(meta.get("language")) or text(blob.get("language")),
        kernel_type=text(meta.get("kernelType")) or text(blob.get("kernelType")),
        machine_shape=text(meta.get("machineShape")) or "None",
        is_private=bool(meta.get("isPrivate")),
        sources=Sources(
            datasets=texts(meta.get("datasetDataSources")),
            competitions=texts(meta.get("competitionDataSources")),
            kernels=texts(meta.get("kernelDataSources")),
            models=texts(meta.get("modelDataSources")),
        ),
    )


def output_page(reply: dict[str, Any]) -> tuple[list[RemoteFile], str]:
    """One page of output files, and the token of the next page or an empty string."""
    listed = reply.get("files")
    rows = [fields(row) for row in listed] if isinstance(listed, list) else []
    files = [
        RemoteFile(text(row.get("fileName")), text(row.get("url"))) for row in rows if row.get("fileName")
    ]
    return files, text(reply.get("nextPageToken"))


def quota(reply: dict[str, Any]) -> Quota:
    """The weekly quota; a kind of machine that Kaggle does not report is None."""
    return Quota(
        gpu=_share(reply.get("gpuQuota")),
        tpu=_share(reply.get("tpuQuota")),
        refreshes_at=moment(reply.get("quotaRefreshTime")),
        fetched_at=utc_now(),
    )


def _share(value: Any) -> QuotaShare | None:
    if not isinstance(value, dict) or not value:
        return None
    parts = (value.get(name) for name in ("timeUsed", "timeReserved", "totalTimeAllowed"))
    used, reserved, allowed = (seconds(part) for part in parts)
    return QuotaShare(used_s=used, reserved_s=reserved, allowed_s=allowed)


def seconds(value: Any) -> float:
    """A duration such as ``"71094.4s"``; absent or unreadable is 0."""
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)s?", str(value).strip())
    return float(match[1]) if match else 0.0


def moment(value: Any) -> datetime | None:
    """An ISO time; without an offset it is UTC."""
    try:
        found = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
