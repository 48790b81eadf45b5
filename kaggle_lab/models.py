"""Kaggle Lab's words: frozen values that every storey shares. No IO, no asyncio.

Times are aware UTC datetimes, durations are seconds, sizes are bytes. :func:`to_wire` is the one
encoding of these values for REST, ``--json`` and events.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


class JobStatus(StrEnum):
    """Where a job stands. Only :meth:`kaggle_lab.store.Store.move` writes one."""

    WAITING = "waiting"
    SUBMITTING = "submitting"
    QUEUED = "queued"
    RUNNING = "running"
    CANCEL_REQUESTED = "cancel_requested"
    COMPLETE = "complete"
    ERROR = "error"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    SAVED = "saved"

    @property
    def is_finished(self) -> bool:
        """Whether nothing more can happen to the job."""
        return self in FINISHED


FINISHED = frozenset(
    {JobStatus.COMPLETE, JobStatus.ERROR, JobStatus.CANCELLED, JobStatus.REJECTED, JobStatus.SAVED}
)
_ENDED = frozenset({JobStatus.COMPLETE, JobStatus.ERROR, JobStatus.CANCELLED})

TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.WAITING: frozenset({JobStatus.SUBMITTING, JobStatus.CANCELLED, JobStatus.REJECTED}),
    JobStatus.SUBMITTING: frozenset(
        {JobStatus.WAITING, JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.REJECTED, JobStatus.SAVED}
    )
    | _ENDED,
    JobStatus.QUEUED: frozenset({JobStatus.RUNNING, JobStatus.CANCEL_REQUESTED}) | _ENDED,
    JobStatus.RUNNING: frozenset({JobStatus.CANCEL_REQUESTED}) | _ENDED,
    JobStatus.CANCEL_REQUESTED: _ENDED,
    JobStatus.COMPLETE: frozenset(),
    JobStatus.ERROR: frozenset(),
    JobStatus.CANCELLED: frozenset(),
    JobStatus.REJECTED: frozenset(),
    JobStatus.SAVED: frozenset(),
}
"""Which status may follow which. Forward jumps are legal, backward ones are not."""


class Reason(StrEnum):
    """Why a job ended or waits, in one stable word; the sentence stands in ``Job.message``."""

    NONE = ""
    CELL_ERROR = "cell_error"
    OUT_OF_MEMORY = "out_of_memory"
    OUT_OF_DISK = "out_of_disk"
    TIME_LIMIT = "time_limit"
    STOPPED = "stopped"
    SESSION_CAP = "session_cap"
    QUOTA = "quota"
    PHONE = "phone_verification"
    TITLE_TAKEN = "title_taken"
    NOT_RECEIVED = "not_received"
    GONE = "gone"
    REFUSED = "refused"
    OTHER = "other"


class Retrieval(StrEnum):
    """How far the output files of a job have come into the workspace."""

    NONE = "none"
    PENDING = "pending"
    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


class Fetching(StrEnum):
    """Whether a run's output files come by themselves when it has ended."""

    AS_SET = ""
    AUTO = "auto"
    NEVER = "never"


class AcceleratorKind(StrEnum):
    """What class of machine a shape is; session caps and quota count per kind."""

    CPU = "cpu"
    GPU = "gpu"
    TPU = "tpu"


class Availability(StrEnum):
    """Who may use a machine shape."""

    EVERYONE = "everyone"
    PHONE = "phone"
    GATED = "gated"
    RETIRED = "retired"


@dataclass(frozen=True)
class Accelerator:
    """One row of the dated machine table. ``kaggle_id`` is what Kaggle calls the shape."""

    id: str
    label: str
    kaggle_id: str
    kind: AcceleratorKind
    availability: Availability
    hardware: str
    memory_gib: float
    """Memory of the accelerator (of the machine for CPU); 0 when not known."""
    time_cap_s: int
    note: str = ""
    replaced_by: str = ""
    aliases: tuple[str, ...] = ()


class EndpointKind(StrEnum):
    """Whether a run is on Kaggle or on the local emulator. Every screen shows the latter."""

    KAGGLE = "kaggle"
    EMULATOR = "emulator"


@dataclass(frozen=True)
class Endpoint:
    """Where the API is. ``url`` has no trailing slash and no ``/api``; empty for Kaggle itself."""

    kind: EndpointKind
    url: str = ""

    @property
    def web_url(self) -> str:
        """Root of the pages a person can open; empty for an emulator that is not running."""
        return self.url or ("https://www.kaggle.com" if self.kind is EndpointKind.KAGGLE else "")


class AccountState(StrEnum):
    """What is known about who is signed in."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    UNREACHABLE = "unreachable"


class CredentialMethod(StrEnum):
    """How the account signs in."""

    ACCESS_TOKEN = "access_token"  # noqa: S105 - a method's name, not a secret
    API_KEY = "api_key"
    OAUTH = "oauth"
    NONE = "none"


@dataclass(frozen=True)
class Account:
    """Who is signed in. Carries no secret."""

    state: AccountState
    endpoint: Endpoint
    username: str = ""
    method: CredentialMethod = CredentialMethod.NONE
    source: str = ""
    """Where the credentials were found, e.g. ``~/.kaggle/kaggle.json`` or ``KAGGLE_API_TOKEN``."""
    message: str = ""


@dataclass(frozen=True)
class QuotaShare:
    """Weekly hours of one kind of machine, all in seconds, as Kaggle reports them."""

    used_s: float
    reserved_s: float
    allowed_s: float

    @property
    def left_s(self) -> float:
        """What a new session can still count on."""
        return max(0.0, self.allowed_s - self.used_s - self.reserved_s)


@dataclass(frozen=True)
class Quota:
    """Weekly quota of the account. ``tpu``/``gpu`` are None when Kaggle does not report them."""

    gpu: QuotaShare | None
    tpu: QuotaShare | None
    refreshes_at: datetime | None
    fetched_at: datetime


@dataclass(frozen=True)
class KernelRef:
    """A notebook on Kaggle: ``owner/slug``."""

    owner: str
    slug: str

    @classmethod
    def parse(cls, text: str) -> KernelRef:
        """Read ``owner/slug``, ``/code/owner/slug`` or a Kaggle URL. Raises ValueError."""
        path = text.split("?", 1)[0].rstrip("/")
        parts = [part for part in path.split("/code/")[-1].split("/") if part]
        if len(parts) != 2:
            raise ValueError(f"not a kernel reference: {text!r}")
        return cls(parts[0], parts[1])

    def __str__(self) -> str:
        return f"{self.owner}/{self.slug}"


@dataclass(frozen=True)
class Sources:
    """What is attached to a version, each list in Kaggle's own notation."""

    datasets: tuple[str, ...] = ()
    competitions: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class Submission:
    """One push, complete: every push replaces all of a kernel's settings."""

    ref: KernelRef
    title: str
    source: str
    language: str = "python"
    kernel_type: str = "notebook"
    machine_shape: str = "None"
    internet: bool = True
    private: bool = True
    time_cap_s: int | None = None
    save_only: bool = False
    sources: Sources = Sources()
    docker_image: str = ""


@dataclass(frozen=True)
class PushResult:
    """Kaggle's answer to an accepted push."""

    ref: KernelRef
    version: int
    url: str
    kernel_session_id: int | None = None
    dropped: Sources = Sources()
    """Sources Kaggle did not attach; the run goes on without them."""


@dataclass(frozen=True)
class KernelInfo:
    """A kernel as Kaggle has it. ``source`` has no outputs."""

    ref: KernelRef
    title: str
    current_version: int | None
    source: str
    language: str
    kernel_type: str
    machine_shape: str
    is_private: bool
    sources: Sources = Sources()


class KaggleStatus(StrEnum):
    """Kaggle's own status words, plus UNKNOWN for a word newer than this package."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    ERROR = "ERROR"
    CANCEL_REQUESTED = "CANCEL_REQUESTED"
    CANCEL_ACKNOWLEDGED = "CANCEL_ACKNOWLEDGED"
    NEW_SCRIPT = "NEW_SCRIPT"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class SessionStatus:
    """What Kaggle says of one version's session. ``word`` is the text as received."""

    status: KaggleStatus
    word: str
    failure_message: str = ""


@dataclass(frozen=True)
class LogRecord:
    """One record as it comes from Kaggle. ``n`` counts from 0 within the session's log."""

    n: int
    stream: str
    time_s: float
    text: str


@dataclass(frozen=True)
class LogLine:
    """One stored line of a job's log. ``n`` is a cursor: ask for what is after it."""

    n: int
    stream: str
    time_s: float
    text: str


@dataclass(frozen=True)
class RemoteFile:
    """One output file as Kaggle lists it. ``url`` is signed, short-lived and never leaves the server."""

    name: str
    url: str = field(repr=False)
    size: int | None = None


class FileState(StrEnum):
    """How far one output file has come."""

    LISTED = "listed"
    RECEIVING = "receiving"
    DONE = "done"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"


ARRIVED = frozenset({FileState.DONE, FileState.UNCHANGED})
"""The states of a file that is here."""


@dataclass(frozen=True)
class OutputFile:
    """One output file of a job. ``path`` is where it lies, relative to the workspace, once done."""

    name: str
    size: int | None
    state: FileState
    received: int = 0
    path: str = ""
    sha256: str = ""
    message: str = ""


@dataclass(frozen=True)
class Progress:
    """Which cell of the notebook runs, as told by the prologue. Cells count from 1."""

    cell: int
    cells: int
    done: bool = False
    """Whether the last cell has ended well: the session's own word that the run is complete."""


@dataclass(frozen=True)
class Job:
    """One submission and what is known of its session."""

    id: str
    client_token: str
    notebook_path: str
    """The notebook, relative to ``root``."""
    title: str
    status: JobStatus
    endpoint: Endpoint
    account: str
    created_at: datetime
    accelerator: str
    """The accelerator asked for: our id of the table, or Kaggle's own id as typed."""
    machine_shape: str = "None"
    hardware: str = ""
    """What the session itself reported; empty until it has."""
    internet: bool = True
    private: bool = True
    time_cap_s: int | None = None
    save_only: bool = False
    language: str = "python"
    root: str = ""
    """The workspace the job was submitted from, as an absolute path; empty when shown in that very one."""
    sources: Sources = Sources()
    ref: KernelRef | None = None
    version: int | None = None
    base_version: int | None = None
    """The kernel's current version before the push; None for a kernel that did not exist."""
    url: str = ""
    kernel_session_id: int | None = None
    kaggle_word: str = ""
    reason: Reason = Reason.NONE
    message: str = ""
    remedy: str = ""
    warnings: tuple[str, ...] = ()
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    last_heard_at: datetime | None = None
    trouble: str = ""
    """Why Kaggle cannot be heard at present; empty when all is well. Never a failure of the run."""
    stop_requested_at: datetime | None = None
    retrieval: Retrieval = Retrieval.NONE
    retrieval_message: str = ""
    retrieve: Fetching = Fetching.AS_SET
    files_wanted: tuple[str, ...] = ()
    """The names that were asked for; empty: all."""
    folder_wanted: str = ""
    """Where they are to go, when it is not where the others are."""
    output_dir: str = ""
    log_count: int = 0
    log_next: int = 0
    """How many records of Kaggle's log are handled; the next one to take. Not the number of lines."""
    log_complete: bool = False
    last_line: str = ""
    progress: Progress | None = None
    partial: bool = False
    """Whether only some cells of the notebook were sent."""
    seq: int = 0
    """Change number: grows with every change of any job in the store."""


@dataclass(frozen=True)
class HistoryEntry:
    """One step of a job's way; ``word`` is Kaggle's own status text where there was one."""

    at: datetime
    status: JobStatus
    word: str = ""
    note: str = ""


@dataclass(frozen=True)
class Change:
    """Small news of something that changed, for events: ask for the rest by ``seq``."""

    kind: str
    job_id: str = ""
    seq: int = 0
    status: str = ""
    log_count: int = 0
    retrieval: str = ""


@dataclass(frozen=True)
class Profile:
    """How one notebook is run, remembered on the server."""

    notebook_path: str
    accelerator: str = "none"
    title: str = ""
    ref: str = ""
    internet: bool = True
    private: bool = True
    time_cap_s: int | None = None
    confirmed: bool = False
    """Whether the user has confirmed a run of this notebook before (later clicks need no sheet)."""


def to_wire(value: Any) -> Any:
    """Encode a model value as JSON-ready data: snake_case keys, ISO times with ``Z``, enums as words."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, KernelRef):
        return str(value)
    if isinstance(value, QuotaShare):
        return {**_fields(value), "left_s": value.left_s}
    if isinstance(value, Endpoint):
        return {**_fields(value), "web_url": value.web_url}
    if isinstance(value, RemoteFile):
        raise TypeError("a signed URL must not leave the server")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, dict):
        return {str(key): to_wire(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, frozenset, set)):
        return [to_wire(item) for item in value]
    return value


def _fields(value: Any) -> dict[str, Any]:
    return {spec.name: to_wire(getattr(value, spec.name)) for spec in dataclasses.fields(value)}
