"""One error class per situation a user can act on.

Each carries a stable ``code``, the HTTP ``status`` our REST interface answers with, the ``cause`` (what
happened) and the ``remedy`` (what to do). Storeys raise the leaf; handlers, magic and command line only
encode it.
"""

from __future__ import annotations

from typing import Any, ClassVar


class KaggleLabError(Exception):
    """Root of all errors meant for the user."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    remedy: str = "Look at the Jupyter server's log, and report this if it happens again."

    def __init__(self, cause: str = "", *, remedy: str | None = None, **data: Any) -> None:
        super().__init__(cause or self.__class__.__name__)
        self.cause = cause or (self.__doc__ or "").split("\n")[0]
        if remedy is not None:
            self.remedy = remedy
        self.data = data
        """Fields a dialog can use, e.g. ``{"field": "title"}``. Never a secret."""

    def to_wire(self) -> dict[str, Any]:
        """``{"code", "cause", "remedy", "data"}`` for REST, ``--json`` and the magic."""
        return {"code": self.code, "cause": self.cause, "remedy": self.remedy, "data": self.data}


# --- what the user gave us -----------------------------------------------------------------------


class BadRequest(KaggleLabError):
    """The request was not understood."""

    code, status = "bad_request", 400
    remedy = "Check the fields named in the message."


class NotANotebook(KaggleLabError):
    """The file is not a Jupyter notebook."""

    code, status = "not_a_notebook", 422
    remedy = "Open a .ipynb file. If it was edited by hand, repair its JSON at the place named."


class NoCode(KaggleLabError):
    """The notebook has no code cell with anything in it."""

    code, status = "no_code", 422
    remedy = "Add a code cell; a run of nothing would only use quota."


class SourceTooLarge(KaggleLabError):
    """The notebook's source is over Kaggle's limit of 1 MiB."""

    code, status = "source_too_large", 422
    remedy = "Move large literals out of the cells named, into a dataset or a file."


class UnsupportedLanguage(KaggleLabError):
    """Kaggle runs Python and R notebooks only."""

    code, status = "unsupported_language", 422
    remedy = "Change the notebook's kernel to Python or R."


class BadTitle(KaggleLabError):
    """The title cannot become a Kaggle address."""

    code, status = "bad_title", 422
    remedy = "Use 5 to 50 characters, ASCII letters, digits and single spaces, starting with a letter."


class TitleTaken(KaggleLabError):
    """A notebook with this title exists in the account already."""

    code, status = "title_taken", 409
    remedy = "Choose another title, or choose to add a version to the existing notebook."


class UnknownAccelerator(KaggleLabError):
    """The accelerator's name is not known."""

    code, status = "unknown_accelerator", 422
    remedy = "Choose one of the table (kaggle-lab/api/accelerators, or `jupyter kaggle submit --help`)."


class UnknownSource(KaggleLabError):
    """A data source does not exist or cannot be used by this account."""

    code, status = "unknown_source", 422
    remedy = "Correct or remove the sources named; for a competition, join it on kaggle.com first."


class NoSuchJob(KaggleLabError):
    """There is no such run in this store."""

    code, status = "no_such_job", 404
    remedy = "Refresh the list of runs."


class JobBusy(KaggleLabError):
    """The run is still going on."""

    code, status = "job_busy", 409
    remedy = "Stop it first, or wait until it has ended."


class JobFinished(KaggleLabError):
    """The run has ended already."""

    code, status = "job_finished", 409
    remedy = "Nothing needs stopping."


class NotFinished(KaggleLabError):
    """Kaggle lists output files only after a run has ended."""

    code, status = "not_finished", 409
    remedy = "Wait for the run to end, or stop it."


# --- the account ---------------------------------------------------------------------------------


class SignedOut(KaggleLabError):
    """Nobody is signed in to Kaggle."""

    code, status = "signed_out", 409
    remedy = "Sign in from the Kaggle sidebar with an access token, or try the emulator."


class BadCredentials(KaggleLabError):
    """Kaggle does not accept these credentials."""

    code, status = "bad_credentials", 422
    remedy = "Create a new token at kaggle.com > Settings > API and paste it in the Kaggle sidebar."


class PhoneNotVerified(KaggleLabError):
    """Kaggle allows GPUs, TPUs and internet only after phone verification."""

    code, status = "phone_verification", 422
    remedy = "Verify your phone at kaggle.com > Settings, or run with None (CPU) and internet off."


class QuotaUsedUp(KaggleLabError):
    """The weekly quota does not allow this run."""

    code, status = "quota", 409
    remedy = "Wait for the weekly refresh, set a shorter time cap, stop another run, or choose None (CPU)."


class SessionCapReached(KaggleLabError):
    """Kaggle runs only so many sessions at once."""

    code, status = "session_cap", 409
    remedy = "The run waits and is sent when another one ends."


# --- Kaggle --------------------------------------------------------------------------------------


class KaggleError(KaggleLabError):
    """Kaggle answered with an error."""

    code, status = "kaggle_error", 502
    remedy = "Try again in a moment; if it stays, look at the notebook on kaggle.com."


class PushRefused(KaggleError):
    """Kaggle refused the notebook."""

    code, status = "refused", 422
    remedy = "Kaggle's own words are above; change what they name and run again."


class AccessDenied(KaggleError):
    """Kaggle denies access: the notebook is missing, belongs to someone else, or the token is too weak."""

    code, status = "access_denied", 502
    remedy = "Check the notebook's address and who is signed in."


class NotFoundOnKaggle(KaggleError):
    """Kaggle does not have this."""

    code, status = "not_on_kaggle", 502
    remedy = "It may have been deleted on kaggle.com."


class KaggleUnreachable(KaggleError):
    """Kaggle cannot be reached."""

    code, status = "unreachable", 503
    remedy = "Check the connection (proxy, VPN). Runs go on at Kaggle meanwhile; nothing is lost."


class Throttled(KaggleUnreachable):
    """Kaggle asks for fewer requests."""

    code, status = "throttled", 503
    remedy = "Try again in a minute. Runs that were sent are followed on as soon as Kaggle allows."

    def __init__(self, cause: str = "", *, retry_after_s: float | None = None, **data: Any) -> None:
        super().__init__(cause, **data)
        self.retry_after_s = retry_after_s


class KaggleConfused(KaggleUnreachable):
    """Kaggle answered something that is not its API (HTML, cut-off JSON)."""

    code, status = "confused", 503
    remedy = "Usually a passing fault or a captive network page; it is tried again."


class PushUncertain(KaggleUnreachable):
    """The notebook may have reached Kaggle, but the answer was lost."""

    code, status = "push_uncertain", 503
    remedy = "Nothing to do: Kaggle Lab reads the notebook back to see whether it arrived."


class LinkExpired(KaggleError):
    """A download link of Kaggle is no longer valid."""

    code, status = "link_expired", 502
    remedy = "Retrieve again; Kaggle gives new links."


# --- files ---------------------------------------------------------------------------------------


class UnsafeName(KaggleLabError):
    """An output file's name would leave its folder."""

    code, status = "unsafe_name", 422
    remedy = "The file was not saved. Rename it in the notebook; it can be seen on kaggle.com."


class DiskFull(KaggleLabError):
    """The disk is full."""

    code, status = "disk_full", 507
    remedy = "Free some space and retrieve again; what arrived is kept and continued."


class FileTrouble(KaggleLabError):
    """A file in the workspace cannot be read or written."""

    code, status = "file_trouble", 500
    remedy = "Check the folder's permissions and free space, then retrieve again."


class StoreTrouble(KaggleLabError):
    """The list of runs cannot be opened."""

    code, status = "store_trouble", 500
    remedy = "Check the folder named; a newer Kaggle Lab may have written it."
