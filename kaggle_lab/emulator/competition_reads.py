"""Competitions service, the reading half: lists, data files, submissions, leaderboard."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

from . import file_lists
from .accounts import Account
from .competitions import Competition, Submission
from .dataset_reads import says
from .outputs import DEFAULT_PAGE, page, page_token
from .replies import Content, Redirect
from .storage import archive_link, file_link, submission_link
from .wire import ApiError, Fields, denied, isoformat
from .world import World

MAX_PAGE = 200
RULES_TEXT = "You must accept this competition's rules before you'll be able to download files."
_TABS = ("GENERAL", "ENTERED", "COMMUNITY", "HOSTED", "UNLAUNCHED", "UNLAUNCHED_COMMUNITY", "EVERYTHING")
_SORTS = (
    "GROUPED", "BEST", "PRIZE", "EARLIEST_DEADLINE", "LATEST_DEADLINE", "NUMBER_OF_TEAMS", "RELEVANCE",
    "RECENTLY_CREATED",
)  # fmt: skip
_SEGMENTS = (
    "UNSPECIFIED", "FEATURED", "GETTING_STARTED", "MASTERS", "PLAYGROUND", "RECRUITMENT", "RESEARCH",
    "COMMUNITY", "ANALYTICS",
)  # fmt: skip
_SUBMISSION_SORTS = ("DATE", "NAME", "PRIVATE_SCORE", "PUBLIC_SCORE")
_SUBMISSION_GROUPS = ("ALL", "SUCCESSFUL", "SELECTED")


def entered(world: World, caller: Account, request: Fields) -> Competition:
    """The competition a request names; a 403 while the caller has not accepted its rules."""
    competition = world.competitions.named(request.text("competitionName"))
    if not world.competitions.has_entered(competition, caller):
        raise ApiError(403, RULES_TEXT)
    return competition


def list_competitions(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListCompetitions with its filters; pages by number or by token."""
    tab = request.suffix("group", "COMPETITION_LIST_TAB_", _TABS, "GENERAL")
    segment = request.suffix("category", "HOST_SEGMENT_", _SEGMENTS, "UNSPECIFIED")
    sort = request.suffix("sortBy", "COMPETITION_SORT_BY_", _SORTS, "GROUPED")
    found = [
        competition
        for competition in world.competitions.all()
        if _is_in_tab(world, competition, caller, tab)
        and segment in ("UNSPECIFIED", competition.rules.category.upper().replace(" ", "_"))
        and says(request.text("search"), competition.title, competition.slug, competition.rules.subtitle)
    ]
    keys = {
        "EARLIEST_DEADLINE": lambda item: item.rules.deadline,
        "LATEST_DEADLINE": lambda item: -item.rules.deadline,
        "NUMBER_OF_TEAMS": lambda item: -world.competitions.teams(item),
    }
    found.sort(key=keys.get(sort, lambda item: -item.created_at))
    size = request.integer("pageSize") or DEFAULT_PAGE
    number = max(1, request.integer("page", 1))
    token = request.text("pageToken") or (page_token((number - 1) * size) if number > 1 else "")
    rows, following = page(found, size, token, MAX_PAGE)
    shown = [competition_row(world, caller, competition) for competition in rows]
    return {"competitions": shown, "nextPageToken": following}


def _is_in_tab(world: World, competition: Competition, caller: Account, tab: str) -> bool:
    if tab == "ENTERED":
        return world.competitions.has_entered(competition, caller)
    if tab == "COMMUNITY":
        return competition.rules.category == "Community"
    return tab in ("GENERAL", "EVERYTHING")


def get_competition(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """GetCompetition."""
    return competition_row(world, caller, world.competitions.named(request.text("competitionName")))


def competition_row(world: World, caller: Account, competition: Competition) -> dict[str, Any]:
    """`ApiCompetition`; its `ref` is a URL whose last part is the slug."""
    rules = competition.rules
    url = f"{world.base_url}/competitions/{competition.slug}"
    created = isoformat(world.clock.at(competition.created_at))
    return {
        "id": competition.id,
        "ref": url,
        "title": competition.title,
        "url": url,
        "description": rules.subtitle,
        "organizationName": rules.host,
        "organizationRef": "",
        "category": rules.category,
        "reward": rules.reward,
        "tags": [],
        "deadline": isoformat(rules.deadline),
        "kernelCount": 0,
        "teamCount": world.competitions.teams(competition),
        "userHasEntered": world.competitions.has_entered(competition, caller),
        "mergerDeadline": isoformat(rules.deadline),
        "newEntrantDeadline": isoformat(rules.deadline),
        "enabledDate": created,
        "dateCreated": created,
        "maxDailySubmissions": rules.daily_submissions,
        "maxTeamSize": 1,
        "evaluationMetric": rules.metric,
        "awardsPoints": False,
        "isKernelsSubmissionsOnly": rules.notebooks_only,
        "submissionsDisabled": False,
        "thumbnailImageUrl": "",
        "hostName": rules.host,
    }


def data_files(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListDataFiles: a 403 before the rules are accepted."""
    competition = entered(world, caller, request)
    files = file_lists.files_of(world, competition.bundle_id)
    rows, following = page(files, request.integer("pageSize"), request.text("pageToken"), MAX_PAGE)
    date = file_lists.creation_date(world, competition.bundle_id)
    base = f"{world.base_url}/api/v1/competitions/data/download/{competition.slug}"
    found = [
        {
            "ref": file.name,
            "name": file.name,
            "description": "",
            "totalBytes": file.size,
            "url": f"{base}/{file.name}",
            "creationDate": date,
        }
        for file in rows
    ]
    return {"files": found, "nextPageToken": following, "childrenFetchTimeMs": 0}


def data_tree(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListDataTreeFiles."""
    return file_lists.tree_page(world, entered(world, caller, request).bundle_id, request)


def data_summary(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """GetCompetitionDataFilesSummary."""
    return file_lists.summary(world, entered(world, caller, request).bundle_id)


def download_file(world: World, caller: Account, request: Fields) -> Redirect:
    """DownloadDataFile: a link to one file."""
    competition = entered(world, caller, request)
    file = file_lists.file_of(world, competition.bundle_id, request.text("fileName"))
    return Redirect(file_link(world, competition.bundle_id, file.name))


def download_files(world: World, caller: Account, request: Fields) -> Redirect:
    """DownloadDataFiles: a link to a zip of all."""
    competition = entered(world, caller, request)
    return Redirect(archive_link(world, competition.bundle_id, f"{competition.slug}.zip"))


def list_submissions(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListSubmissions: the caller's own."""
    competition = entered(world, caller, request)
    sort = request.suffix("sortBy", "SUBMISSION_SORT_BY_", _SUBMISSION_SORTS, "DATE")
    group = request.suffix("group", "SUBMISSION_GROUP_", _SUBMISSION_GROUPS, "ALL")
    found = [
        submission
        for submission in world.competitions.submissions(competition, world.settings, caller)
        if group == "ALL" or (group == "SUCCESSFUL" and submission.status == "COMPLETE")
    ]
    if sort == "NAME":
        found.sort(key=lambda submission: submission.file_name)
    elif sort == "PUBLIC_SCORE":
        found = ranked(competition, found)
    size = request.integer("pageSize") or DEFAULT_PAGE
    number = max(1, request.integer("page", 1))
    token = request.text("pageToken") or (page_token((number - 1) * size) if number > 1 else "")
    rows, following = page(found, size, token, MAX_PAGE)
    shown = [submission_row(world, competition, submission) for submission in rows]
    return {"submissions": shown, "nextPageToken": following}


def get_submission(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """GetSubmission, one of the caller's own."""
    submission = _own_submission(world, caller, request.integer("ref"))
    competition = world.competitions.by_id(submission.competition_id)
    return submission_row(world, competition, submission)


def _own_submission(world: World, caller: Account, number: int) -> Submission:
    submission = world.competitions.submission(number, world.settings)
    if submission is None or submission.account_id != caller.id:
        raise denied("submissions.get")
    return submission


def download_submission(world: World, caller: Account, request: Fields) -> Redirect:
    """DownloadSubmission: a link to the submitted file."""
    submission = _own_submission(world, caller, request.integer("submissionId"))
    return Redirect(submission_link(world, submission.id, submission.file_name))


def submission_row(world: World, competition: Competition, submission: Submission) -> dict[str, Any]:
    """`ApiSubmission`; the private score shows once the competition is over."""
    owner = world.accounts.by_id(submission.account_id)
    is_over = world.clock.now() > competition.rules.deadline
    return {
        "ref": submission.id,
        "totalBytes": submission.size,
        "date": isoformat(world.clock.at(submission.created_at)),
        "description": submission.description,
        "errorDescription": submission.error,
        "fileName": submission.file_name,
        "publicScore": score_text(submission.public_score),
        "privateScore": score_text(submission.private_score) if is_over else "",
        "status": submission.status,
        "submittedBy": owner.username,
        "submittedByRef": owner.username,
        "teamName": owner.username,
        "url": f"{world.base_url}/competitions/{competition.slug}/submissions#{submission.id}",
    }


def score_text(score: float | None) -> str:
    """A score as leaderboards show it: five decimals, "" for none."""
    return "" if score is None else f"{score:.5f}"


def submission_limits(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """GetSubmissionLimits; all zero for who has not entered."""
    competition = world.competitions.named(request.text("competitionName"))
    if not world.competitions.has_entered(competition, caller):
        return {"numToday": 0, "numTotal": 0, "numAllowedNow": 0, "limitedByTotal": False}
    today = world.competitions.submitted_today(competition, caller, world.settings)
    return {
        "numToday": today,
        "numTotal": len(world.competitions.submissions(competition, world.settings, caller)),
        "numAllowedNow": max(0, competition.rules.daily_submissions - today),
        "limitedByTotal": False,
    }


def ranked(competition: Competition, submissions: list[Submission]) -> list[Submission]:
    """Those with a score, the best first; of equals the earlier one."""
    sign = -1.0 if competition.rules.higher_is_better else 1.0
    scored = [submission for submission in submissions if submission.public_score is not None]
    return sorted(scored, key=lambda submission: (sign * (submission.public_score or 0.0), submission.id))


def _board(world: World, competition: Competition) -> list[Submission]:
    """Everybody's best submission, in order."""
    best: dict[int, Submission] = {}
    for submission in ranked(competition, world.competitions.submissions(competition, world.settings)):
        best.setdefault(submission.account_id, submission)
    return list(best.values())


def leaderboard(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """GetLeaderboard, of public scores."""
    competition = world.competitions.named(request.text("competitionName"))
    rows, following = page(
        _board(world, competition), request.integer("pageSize"), request.text("pageToken"), MAX_PAGE
    )
    shown = [
        {
            "teamId": submission.account_id,
            "teamName": world.accounts.by_id(submission.account_id).username,
            "submissionDate": isoformat(world.clock.at(submission.created_at)),
            "score": score_text(submission.public_score),
        }
        for submission in rows
    ]
    return {"submissions": shown, "nextPageToken": following}


def download_leaderboard(world: World, caller: Account, request: Fields) -> Content:
    """DownloadLeaderboard: a zip with a CSV file."""
    competition = world.competitions.named(request.text("competitionName"))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Rank", "TeamId", "TeamName", "LastSubmissionDate", "Score"])
    for rank, submission in enumerate(_board(world, competition), start=1):
        name = world.accounts.by_id(submission.account_id).username
        date = isoformat(world.clock.at(submission.created_at))
        writer.writerow([rank, submission.account_id, name, date, score_text(submission.public_score)])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{competition.slug}-publicleaderboard.csv", text.getvalue())
    return Content(f"{competition.slug}.zip", "application/zip", packed.getvalue())


def pages(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListCompetitionPages."""
    competition = world.competitions.named(request.text("competitionName"))
    rules = competition.rules
    texts = {
        "description": rules.description or rules.subtitle,
        "evaluation": f"Submissions are scored by {rules.metric}.",
        "rules": f"At most {rules.daily_submissions} submissions a day.",
    }
    wanted = request.text("pageName").lower()
    shown = [
        {"name": name, "content": text, "isPublished": True, "mimeType": "text/markdown"}
        for name, text in texts.items()
        if wanted in ("", name)
    ]
    return {"pages": shown}
