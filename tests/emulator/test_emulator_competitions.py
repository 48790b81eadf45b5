"""Competitions: lists, data, rules, submissions of files and of notebooks, scores, the leaderboard."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from emulator_clients import Api, message
from hub_clients import COMPETITIONS, Command, upload

from kaggle_lab.emulator.testing import EmulatorError, EmulatorProcess, wait_until

NAME = {"competitionName": "bicycle-rentals"}
TIDES = {"competitionName": "harbour-tides"}
SOLUTION = "id,value,Usage\n1,10,Public\n2,20,Private\n"


def submit(api: Api, content: str, **fields: Any) -> int:
    """Upload and submit a file; its number."""
    body = {
        **NAME,
        "blobFileTokens": upload(api, "submission.csv", content.encode(), "INBOX"),
        "submissionDescription": "a try",
        **fields,
    }
    response = api.rpc("CreateSubmission", body, COMPETITIONS)
    assert response.status_code == 200, response.text
    return int(response.json()["ref"])


def scored(api: Api, number: int) -> dict[str, Any]:
    """A submission once it is no longer PENDING."""

    def seen() -> dict[str, Any] | None:
        body: dict[str, Any] = api.rpc("GetSubmission", {"ref": number}, COMPETITIONS).json()
        return body if body["status"] != "PENDING" else None

    found: dict[str, Any] = wait_until(seen, 60, "a score")
    return found


def sample(api: Api, slug: str = "bicycle-rentals") -> str:
    """The sample submission, as everybody downloads it."""
    path = f"/api/v1/competitions/data/download/{slug}/sample_submission.csv"
    return str(api.http.get(path, follow_redirects=True).text)


def host(kaggle: EmulatorProcess, metric: str, **fields: Any) -> None:
    """A competition of the test's own, which learner has entered."""
    values = {
        "slug": "my-contest",
        "title": "My contest",
        "files": {"train.csv": "id,value\n3,30\n"},
        "solution": SOLUTION,
        "metric": metric,
    }
    kaggle.control("competitions", {**values, **fields})
    kaggle.control("competitions", {"slug": "my-contest", "username": "learner"})


# -- lists and data -------------------------------------------------------------------------------------


def test_lists_tell_who_has_entered(command: Command, api: Api) -> None:
    listed = command("competitions", "list")
    assert "/competitions/bicycle-rentals" in listed
    assert "/competitions/harbour-tides" in listed
    entered = command("competitions", "list", "--group", "entered")
    assert "bicycle-rentals" in entered
    assert "harbour-tides" not in entered
    rows = api.rpc("ListCompetitions", {}, COMPETITIONS).json()["competitions"]
    facts = {row["ref"].rpartition("/")[2]: row for row in rows}
    assert facts["bicycle-rentals"]["userHasEntered"] is True
    assert facts["harbour-tides"]["userHasEntered"] is False
    assert facts["harbour-tides"]["isKernelsSubmissionsOnly"] is True


@pytest.mark.parametrize(("words", "found"), [("tides", 1), ("BICYCLE rentals", 1), ("cars", 0), ("", 2)])
def test_lists_are_searched(kaggle: EmulatorProcess, api: Api, words: str, found: int) -> None:
    body = api.rpc("ListCompetitions", {"search": words}, COMPETITIONS).json()
    assert len(body["competitions"]) == found


def test_data_is_listed_and_fetched(command: Command, tmp_path: Path) -> None:
    listed = command("competitions", "files", "bicycle-rentals")
    for name in ("train.csv", "test.csv", "sample_submission.csv"):
        assert name in listed
    command("competitions", "download", "bicycle-rentals", "-f", "train.csv", "-p", str(tmp_path))
    with (tmp_path / "train.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 600
    assert "rentals" in rows[0]
    command("competitions", "download", "bicycle-rentals", "-p", str(tmp_path))
    with zipfile.ZipFile(tmp_path / "bicycle-rentals.zip") as bag:
        assert sorted(bag.namelist()) == ["sample_submission.csv", "test.csv", "train.csv"]
    assert not list(tmp_path.rglob("solution*"))


def test_rules_come_first(kaggle: EmulatorProcess, api: Api) -> None:
    for method in ("ListDataFiles", "DownloadDataFiles", "ListSubmissions"):
        response = api.rpc(method, TIDES, COMPETITIONS)
        assert response.status_code == 403
        assert "accept this competition's rules" in message(response)
    source = {"competitionDataSources": ["harbour-tides"], "kernelExecutionType": "QUICK_SAVE"}
    assert api.push("uses-tides", **source).json()["invalidCompetitionSources"] == ["harbour-tides"]
    kaggle.control("competitions", {"slug": "harbour-tides", "username": "learner"})
    assert api.rpc("ListDataFiles", TIDES, COMPETITIONS).status_code == 200
    assert api.push("uses-tides", **source).json()["invalidCompetitionSources"] == []
    kaggle.control("competitions", {"slug": "harbour-tides", "username": "learner", "accepted": False})
    assert api.rpc("ListDataFiles", TIDES, COMPETITIONS).status_code == 403


def test_an_unentered_competition_may_be_taken_and_not_mounted(kaggle: EmulatorProcess, api: Api) -> None:
    kaggle.settings(unentered_competition="unmounted")
    text = "import os\nprint('inputs', os.listdir('/kaggle/input'))"
    pushed = api.push("uses-tides", text, competitionDataSources=["harbour-tides", "no-such"]).json()
    assert pushed["invalidCompetitionSources"] == ["no-such"]
    api.wait_for("uses-tides")
    assert "inputs []" in api.outputs("uses-tides")["log"]


def test_a_competition_is_mounted_in_both_styles(kaggle: EmulatorProcess, api: Api) -> None:
    text = (
        "import os\nfor top in ('competitions/bicycle-rentals', 'bicycle-rentals'):\n"
        "    print(top, sorted(os.listdir('/kaggle/input/' + top)))"
    )
    api.push("uses-data", text, competitionDataSources=["bicycle-rentals"])
    assert api.wait_for("uses-data")["status"] == "COMPLETE"
    log = api.outputs("uses-data")["log"]
    files = "['sample_submission.csv', 'test.csv', 'train.csv']"
    assert f"competitions/bicycle-rentals {files}" in log
    assert f'"bicycle-rentals {files}' in log


def test_what_does_not_exist(api: Api) -> None:
    assert api.rpc("GetCompetition", {"competitionName": "no-such"}, COMPETITIONS).status_code == 404
    assert api.rpc("GetSubmission", {"ref": 424242}, COMPETITIONS).status_code == 403


# -- submissions ----------------------------------------------------------------------------------------


def test_a_file_is_submitted_and_scored(
    command: Command, kaggle: EmulatorProcess, api: Api, tmp_path: Path
) -> None:
    (tmp_path / "submission.csv").write_text(sample(api))
    told = command(
        "competitions", "submit", "bicycle-rentals", "-f", str(tmp_path / "submission.csv"), "-m", "all alike"
    )
    assert "Successfully submitted to Bicycle Rentals" in told
    assert "4 submissions remaining today." in told
    (row,) = api.rpc("ListSubmissions", NAME, COMPETITIONS).json()["submissions"]
    found = scored(api, row["ref"])
    assert (found["status"], found["description"], found["privateScore"]) == ("COMPLETE", "all alike", "")
    assert 50 < float(found["publicScore"]) < 500
    assert found["publicScore"] in command("competitions", "submissions", "bicycle-rentals")
    assert found["publicScore"] in command("competitions", "leaderboard", "bicycle-rentals", "--show")
    link = f"/api/v1/competitions/submissions/download/{row['ref']}"
    assert api.http.get(link, follow_redirects=True).text == sample(api)


def test_the_true_values_score_best_and_lead(kaggle: EmulatorProcess, api: Api, guest: Api) -> None:
    kaggle.control("competitions", {"slug": "bicycle-rentals", "username": "guest"})
    (solution,) = _solutions(kaggle, "rentals")
    truth = io.StringIO()
    writer = csv.writer(truth)
    writer.writerow(["id", "rentals"])
    writer.writerows((row["id"], row["rentals"]) for row in solution)
    scored(api, submit(api, sample(api)))
    best = scored(guest, submit(guest, truth.getvalue()))
    assert float(best["publicScore"]) == 0
    board = api.rpc("GetLeaderboard", NAME, COMPETITIONS).json()["submissions"]
    assert [row["teamName"] for row in board] == ["guest", "learner"]
    packed = api.rpc("DownloadLeaderboard", NAME, COMPETITIONS).content
    with zipfile.ZipFile(io.BytesIO(packed)) as bag:
        assert bag.read(bag.namelist()[0]).decode().splitlines()[1].startswith("1,")


def _solutions(kaggle: EmulatorProcess, column: str) -> list[list[dict[str, str]]]:
    """The rows of the solutions with this column."""
    found = []
    for path in kaggle.data.glob("bundles/*/files/solution.csv"):
        with path.open() as file:
            rows = list(csv.DictReader(file))
        if column in rows[0]:
            found.append(rows)
    return found


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("id,other\n600,1\n", "Submission must have columns: rentals"),
        ("id,rentals\n600,1\n", "Submission must have 130 rows, one for each id"),
        ("", "Submission must have columns: id, rentals"),
        ("{sample but 600,}", "The rentals of 600 is not a number"),
        ("{sample but 9999,300}", "Submission lacks the id 600"),
    ],
)
def test_files_that_do_not_fit_are_errors(api: Api, content: str, text: str) -> None:
    if content.startswith("{sample but "):
        content = sample(api).replace("600,300", content.removeprefix("{sample but ").rstrip("}"))
    found = scored(api, submit(api, content))
    assert (found["status"], found["errorDescription"], found["publicScore"]) == ("ERROR", text, "")


def test_the_day_has_a_limit(kaggle: EmulatorProcess, api: Api) -> None:
    for _ in range(5):
        submit(api, sample(api))
    body = {**NAME, "blobFileTokens": upload(api, "submission.csv", b"x", "INBOX")}
    refused = api.rpc("CreateSubmission", body, COMPETITIONS)
    assert refused.status_code == 400
    assert "daily Submission allowance (5)" in message(refused)
    limits = api.rpc("GetSubmissionLimits", NAME, COMPETITIONS).json()
    assert (limits["numToday"], limits["numTotal"], limits["numAllowedNow"]) == (5, 5, 0)
    kaggle.control("clock", {"seconds": 86_400})
    limits = api.rpc("GetSubmissionLimits", NAME, COMPETITIONS).json()
    assert (limits["numToday"], limits["numTotal"], limits["numAllowedNow"]) == (0, 5, 5)


def test_scoring_takes_as_long_as_the_setting_says(kaggle: EmulatorProcess, api: Api) -> None:
    kaggle.settings(scoring_delay_s=1000)
    number = submit(api, sample(api))
    wait_until(lambda: list(kaggle.data.glob(f"submissions/{number}/result.json")), 30, "the result")
    assert api.rpc("GetSubmission", {"ref": number}, COMPETITIONS).json()["status"] == "PENDING"
    kaggle.control("clock", {"seconds": 1000})
    assert scored(api, number)["status"] == "COMPLETE"


def test_private_scores_show_after_the_end(kaggle: EmulatorProcess, api: Api) -> None:
    metric = "def score_rows(solution, submission, row_id_column_name):\n    return len(solution)\n"
    host(kaggle, metric, deadline=32_503_680_000.0)
    number = submit(api, "id,value\n1,1\n2,2\n", competitionName="my-contest")
    assert scored(api, number)["privateScore"] == ""
    kaggle.control("clock", {"seconds": 32_503_680_000})
    assert scored(api, number)["privateScore"] == "1.00000"
    body = {"competitionName": "my-contest", "blobFileTokens": "x"}
    late = api.rpc("CreateSubmission", body, COMPETITIONS)
    assert (late.status_code, "deadline" in message(late)) == (400, True)


def test_submissions_are_scored_after_a_crash(tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path / "other") as other:
        with Api(other.url, (other.username, other.key)) as api:
            slow = "import time\ntime.sleep(0.5)\ndef score_rows(*_):\n    return 7\n"
            host(other, slow)
            number = submit(api, "id,value\n1,1\n2,2\n", competitionName="my-contest")
        other.kill()
        other.start()
        with Api(other.url, (other.username, other.key)) as api:
            assert scored(api, number)["publicScore"] == "7.00000"


# -- notebooks as submissions ---------------------------------------------------------------------------

COPY = "import shutil\nshutil.copy('/kaggle/input/bicycle-rentals/sample_submission.csv', 'submission.csv')\n"


def test_a_notebook_version_is_submitted(command: Command, kaggle: EmulatorProcess, api: Api) -> None:
    api.push("my-entry", COPY, competitionDataSources=["bicycle-rentals"])
    assert api.wait_for("my-entry")["status"] == "COMPLETE"
    words = ("-k", "learner/my-entry", "-v", "1", "-f", "submission.csv", "-m", "by notebook")
    told = command("competitions", "submit", "bicycle-rentals", *words)
    assert "Successfully submitted to Bicycle Rentals" in told
    (row,) = api.rpc("ListSubmissions", NAME, COMPETITIONS).json()["submissions"]
    assert scored(api, row["ref"])["status"] == "COMPLETE"


def test_what_cannot_be_submitted(kaggle: EmulatorProcess, api: Api) -> None:
    api.push("my-entry", "open('submission.csv', 'w').write('hour,height_m')", enableInternet=True)
    api.push("my-draft", "1", kernelExecutionType="QUICK_SAVE")
    api.wait_for("my-entry")
    body = {**NAME, "kernelOwner": "learner", "kernelSlug": "my-entry"}
    unnumbered = api.rpc("CreateCodeSubmission", body, COMPETITIONS)
    assert message(unnumbered) == "Permission 'kernelSessions.get' was denied"
    checks = [
        ({**body, "kernelVersion": 1, "fileName": "other.csv"}, 400, "no file 'other.csv'"),
        ({**body, "kernelVersion": 9}, 404, "Version not found"),
        ({**body, "kernelVersion": 1, "kernelSlug": "my-draft"}, 400, "has not been completed"),
        ({**body, "kernelVersion": 1, "kernelOwner": "guest"}, 403, "Permission 'kernels.get' was denied"),
        ({**body, **TIDES, "kernelVersion": 1}, 403, "accept this competition's rules"),
    ]
    for fields, status, text in checks:
        response = api.rpc("CreateCodeSubmission", fields, COMPETITIONS)
        assert (response.status_code, text in message(response)) == (status, True), response.text
    kaggle.control("competitions", {"slug": "harbour-tides", "username": "learner"})
    online = api.rpc("CreateCodeSubmission", {**body, **TIDES, "kernelVersion": 1}, COMPETITIONS)
    assert online.json()["error"]["status"] == "FAILED_PRECONDITION"
    token = upload(api, "submission.csv", b"x", "INBOX")
    by_file = api.rpc("CreateSubmission", {**TIDES, "blobFileTokens": token}, COMPETITIONS)
    assert "only accepts Submissions from Notebooks" in message(by_file)


# -- metrics of one's own -------------------------------------------------------------------------------

FRAMES = """\
import pandas as pd

class ParticipantVisibleError(Exception):
    pass

def score(solution: pd.DataFrame, submission: pd.DataFrame, row_id_column_name: str) -> float:
    if (submission["value"] < 0).any():
        raise ParticipantVisibleError("Values must not be negative")
    return float((solution["value"] - submission["value"]).abs().max())
"""


def test_a_metric_over_data_frames(kaggle: EmulatorProcess, api: Api) -> None:
    pytest.importorskip("pandas")
    host(kaggle, FRAMES)
    fine = scored(api, submit(api, "id,value\n2,20\n1,12.5\n", competitionName="my-contest"))
    assert (fine["status"], fine["publicScore"]) == ("COMPLETE", "2.50000")
    wrong = scored(api, submit(api, "id,value\n1,-1\n2,2\n", competitionName="my-contest"))
    assert (wrong["status"], wrong["errorDescription"]) == ("ERROR", "Values must not be negative")


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        ("def score_rows(*_):\n    return 1 / 0\n", "Submission Scoring Error"),
        ("this is no python", "Submission Scoring Error"),
        ("x = 1\n", "Submission Scoring Error"),
        ("def score_rows(*_):\n    return float('nan')\n", "The score is not a finite number"),
        ("while True:\n    pass\n", "Scoring took longer than 1 s"),
        ("import sys\nprint('noise')\ndef score_rows(*_):\n    return 3\n", ""),
    ],
)
def test_metrics_that_misbehave(kaggle: EmulatorProcess, api: Api, metric: str, text: str) -> None:
    kaggle.settings(scoring_limit_s=1 if "took" in text else 60)
    host(kaggle, metric)
    found = scored(api, submit(api, "id,value\n1,1\n2,2\n", competitionName="my-contest"))
    assert found["errorDescription"].startswith(text)
    assert found["status"] == ("ERROR" if text else "COMPLETE")


@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""},
        {"slug": "Not A Slug"},
        {"slug": "bicycle-rentals"},
        {"metric": ""},
        {"files": "/no/such/folder"},
        {"files": {}},
        {"daily_submissions": "many"},
        {"notebooks_only": 1},
    ],
)
def test_competitions_that_make_no_sense(kaggle: EmulatorProcess, fields: dict[str, Any]) -> None:
    metric = "def score_rows(*_):\n    return 1\n"
    with pytest.raises(EmulatorError, match="400"):
        host(kaggle, **{"metric": metric, **fields})
