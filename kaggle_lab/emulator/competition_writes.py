"""Competitions service, the writing half: submissions of files and of notebook versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .accounts import Account
from .competition_reads import entered
from .competitions import Competition
from .kernels import Kernel
from .wire import ApiError, Fields, denied
from .world import World

DEFAULT_FILE = "submission.csv"


def create_submission(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """CreateSubmission of an uploaded file."""
    competition = _open(world, caller, request)
    if competition.rules.notebooks_only:
        raise ApiError(400, "This competition only accepts Submissions from Notebooks")
    blob = world.blobs.usable(request.text("blobFileTokens").split(",")[0].strip(), caller)
    if blob is None:
        raise ApiError(400, "Submission not allowed: the file was not uploaded")
    description = request.text("submissionDescription")
    return _submitted(world, caller, competition, world.blobs.path(blob), blob.name, description)


def create_code_submission(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """CreateCodeSubmission: an output file of a complete version; without a version number a 403."""
    competition = _open(world, caller, request)
    owner, slug = request.text("kernelOwner"), request.text("kernelSlug")
    kernel = world.kernels.owned(owner, slug, caller, "kernels.get")
    number = request.integer("kernelVersion")
    if not number:
        raise denied("kernelSessions.get")
    path = _output(world, competition, kernel, number, request.text("fileName") or DEFAULT_FILE)
    return _submitted(world, caller, competition, path, path.name, request.text("submissionDescription"))


def _open(world: World, caller: Account, request: Fields) -> Competition:
    """The competition, if it takes a submission of this account now."""
    competition = entered(world, caller, request)
    if world.clock.now() > competition.rules.deadline:
        raise ApiError(400, "Submission not allowed: the competition deadline has passed")
    if not world.bundles.is_ready(competition.judge_bundle_id, world.settings):
        raise ApiError(400, "Submission not allowed: this competition cannot be scored")
    allowed = competition.rules.daily_submissions
    if world.competitions.submitted_today(competition, caller, world.settings) >= allowed:
        raise ApiError(
            400, f"Submission not allowed: Your team has used its daily Submission allowance ({allowed})"
        )
    return competition


def _output(world: World, competition: Competition, kernel: Kernel, number: int, name: str) -> Path:
    version = world.kernels.version(kernel, number)
    if version.metadata.enable_internet and not competition.rules.allows_internet:
        text = "Your Notebook cannot use internet access in this competition"
        raise ApiError(400, text, "FAILED_PRECONDITION")
    session = world.supervisor.refresh(version.session_id) if version.session_id is not None else None
    if session is None or session.status != "COMPLETE":
        raise ApiError(400, f"Version {number} of the notebook has not been completed", "FAILED_PRECONDITION")
    found = world.listings.find(world.folders.working(session.id), name)
    if found is None:
        raise ApiError(400, f"The notebook's output has no file {name!r}")
    return found.path


def _submitted(
    world: World, caller: Account, competition: Competition, path: Path, name: str, description: str
) -> dict[str, Any]:
    judge = world.bundles.files(competition.judge_bundle_id)
    submission = world.competitions.submit(
        competition, caller, path, name, description, judge, world.settings.scoring_limit_s
    )
    return {"message": f"Successfully submitted to {competition.title}", "ref": submission.id}
