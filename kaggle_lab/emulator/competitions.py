"""Competitions, who has accepted their rules, and submissions, as stored."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .accounts import Account
from .archives import link_or_copy
from .clock import Clock
from .db import Database
from .folders import Folders, read_json
from .scoring import Scorer
from .settings import Settings
from .wire import ApiError

DAY_S = 86_400.0
_TRACKED = "PENDING"


@dataclass(frozen=True)
class Rules:
    """What a competition is about and how it is judged. `deadline` is an emulated epoch moment."""

    deadline: float
    subtitle: str = ""
    description: str = ""
    category: str = "Playground"
    reward: str = "Kudos"
    host: str = ""
    metric: str = ""
    id_column: str = "id"
    higher_is_better: bool = False
    notebooks_only: bool = False
    allows_internet: bool = True
    daily_submissions: int = 5


@dataclass(frozen=True)
class Competition:
    """Data for everybody who accepts the rules; the judge's bundle holds solution and metric."""

    id: int
    slug: str
    title: str
    rules: Rules
    bundle_id: int
    judge_bundle_id: int
    created_at: float


@dataclass(frozen=True)
class Submission:
    """One attempt; `created_at` is a real moment, the scores are None until it is COMPLETE."""

    id: int
    competition_id: int
    account_id: int
    file_name: str
    description: str
    size: int
    status: str
    public_score: float | None
    private_score: float | None
    error: str
    created_at: float


class Competitions:
    """The tables of competitions, entries and submissions."""

    def __init__(self, database: Database, folders: Folders, clock: Clock) -> None:
        self._database = database
        self._folders = folders
        self._clock = clock
        self._scorer = Scorer(folders)

    def all(self) -> list[Competition]:
        return [_competition(row) for row in self._database.rows("SELECT * FROM competitions ORDER BY id")]

    def find(self, slug: str) -> Competition | None:
        """By slug, or by the URL that ends in it."""
        name = slug.rstrip("/").rpartition("/")[2].lower()
        row = self._database.first("SELECT * FROM competitions WHERE slug = ?", name)
        return _competition(row) if row else None

    def named(self, slug: str) -> Competition:
        """The competition, else a 404."""
        competition = self.find(slug)
        if competition is None:
            raise ApiError(404, "Competition not found")
        return competition

    def by_id(self, competition_id: int) -> Competition:
        return _competition(self._database.one("SELECT * FROM competitions WHERE id = ?", competition_id))

    def create(
        self, slug: str, title: str, rules: Rules, bundle_id: int, judge_bundle_id: int, now: float
    ) -> Competition:
        """Raises ValueError when the slug is taken."""
        if self.find(slug) is not None:
            raise ValueError(f"there is a competition {slug!r} already")
        self._database.run(
            "INSERT INTO competitions (slug, title, details, bundle_id, judge_bundle_id, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            slug,
            title,
            json.dumps(rules.__dict__),
            bundle_id,
            judge_bundle_id,
            now,
        )
        return self.named(slug)

    def has_entered(self, competition: Competition, account: Account) -> bool:
        """Whether this account has accepted the rules."""
        sql = "SELECT 1 FROM competition_entries WHERE competition_id = ? AND account_id = ?"
        return self._database.first(sql, competition.id, account.id) is not None

    def enter(self, competition: Competition, account: Account, accepted: bool = True) -> None:
        """Accept the rules, or take the acceptance back; on Kaggle only the web site can."""
        if accepted:
            self._database.run(
                "INSERT OR IGNORE INTO competition_entries VALUES (?, ?, ?)",
                competition.id,
                account.id,
                self._clock.real(),
            )
            return
        self._database.run(
            "DELETE FROM competition_entries WHERE competition_id = ? AND account_id = ?",
            competition.id,
            account.id,
        )

    def teams(self, competition: Competition) -> int:
        sql = "SELECT count(*) FROM competition_entries WHERE competition_id = ?"
        return int(self._database.one(sql, competition.id)[0])

    def submit(
        self,
        competition: Competition,
        account: Account,
        source: Path,
        name: str,
        description: str,
        judge: Path,
        limit_s: float,
    ) -> Submission:
        """Keep a copy of the file and begin to score it. Raises OSError when the file is gone."""
        with self._database.transaction():
            cursor = self._database.run(
                "INSERT INTO submissions"
                " (competition_id, account_id, file_name, description, size, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                competition.id,
                account.id,
                name,
                description,
                source.stat().st_size,
                self._clock.real(),
            )
            number = int(cursor.lastrowid or 0)
            link_or_copy(source, self.file(number, name))
        self._scorer.order(number, judge, self.file(number, name), competition.rules.id_column, limit_s)
        return self._submission(number)

    def file(self, submission_id: int, name: str) -> Path:
        """Where the file of a submission is kept."""
        return self._folders.submissions / str(submission_id) / "file" / name

    def submission(self, submission_id: int, settings: Settings) -> Submission | None:
        """A submission as it stands now."""
        row = self._database.first("SELECT * FROM submissions WHERE id = ?", submission_id)
        return self._settled(_submission(row), settings) if row else None

    def submissions(
        self, competition: Competition, settings: Settings, account: Account | None = None
    ) -> list[Submission]:
        """Those of an account, or of all; the newest first."""
        rows = self._database.rows(
            "SELECT * FROM submissions WHERE competition_id = ? ORDER BY id DESC", competition.id
        )
        return [
            self._settled(_submission(row), settings)
            for row in rows
            if account is None or row["account_id"] == account.id
        ]

    def submitted_today(self, competition: Competition, account: Account, settings: Settings) -> int:
        """How many attempts of this UTC day count against the daily limit: those that did not fail."""
        midnight = self._clock.now() // DAY_S * DAY_S
        return sum(
            submission.status != "ERROR" and self._clock.at(submission.created_at) >= midnight
            for submission in self.submissions(competition, settings, account)
        )

    def purge(self) -> None:
        """Remove the files of submissions that are no more."""
        known = {str(row["id"]) for row in self._database.rows("SELECT id FROM submissions")}
        for folder in self._folders.submissions.iterdir():
            if folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)

    def adopt(self, judge_of: Callable[[Competition], Path], limit_s: float) -> None:
        """At start-up: score what an earlier server had accepted and not yet scored."""
        for row in self._database.rows("SELECT * FROM submissions WHERE status = ?", _TRACKED):
            competition = self.by_id(row["competition_id"])
            self._scorer.order(
                row["id"],
                judge_of(competition),
                self.file(row["id"], row["file_name"]),
                competition.rules.id_column,
                limit_s,
            )

    def _submission(self, number: int) -> Submission:
        return _submission(self._database.one("SELECT * FROM submissions WHERE id = ?", number))

    def _settled(self, submission: Submission, settings: Settings) -> Submission:
        result = read_json(self._folders.submissions / str(submission.id) / "result.json")
        age = self._clock.now() - self._clock.at(submission.created_at)
        if submission.status != _TRACKED or result is None or age < settings.scoring_delay_s:
            return submission
        self._database.run(
            "UPDATE submissions SET status = ?, public_score = ?, private_score = ?, error = ? WHERE id = ?",
            "ERROR" if result.get("error") else "COMPLETE",
            result.get("public"),
            result.get("private"),
            result.get("error") or "",
            submission.id,
        )
        return self._submission(submission.id)


def _competition(row: Any) -> Competition:
    return Competition(
        id=row["id"],
        slug=row["slug"],
        title=row["title"],
        rules=Rules(**json.loads(row["details"])),
        bundle_id=row["bundle_id"],
        judge_bundle_id=row["judge_bundle_id"],
        created_at=row["created_at"],
    )


def _submission(row: Any) -> Submission:
    return Submission(**{name: row[name] for name in Submission.__dataclass_fields__})
