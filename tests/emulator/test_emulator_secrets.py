"""Secrets inside a session, and data attached to it while it runs."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from emulator_clients import FOREVER, Api

from kaggle_lab.emulator.testing import EmulatorError, EmulatorProcess, wait_until
from kaggle_lab.emulator.user_secrets import session_of_token, session_token

ASK = """\
from kaggle_secrets import UserSecretsClient
client = UserSecretsClient()
for label in {labels}:
    try:
        print(label, "is", client.get_secret(label))
    except Exception as error:
        print(label, type(error).__name__, error)
"""


def keep(kaggle: EmulatorProcess, label: str, value: str, **fields: Any) -> None:
    kaggle.control("secrets", {"username": "learner", "label": label, "value": value, **fields})


def asked(api: Api, slug: str, *labels: str, internet: bool = True) -> str:
    """The log of a script that asks for these secrets."""
    api.push(slug, ASK.format(labels=list(labels)), enableInternet=internet)
    assert api.wait_for(slug)["status"] == "COMPLETE", api.outputs(slug)["log"]
    return str(api.outputs(slug)["log"])


def test_a_session_reads_its_secrets(kaggle: EmulatorProcess, api: Api) -> None:
    keep(kaggle, "HUB_KEY", "s3cret ä")
    log = asked(api, "asks-for-it", "HUB_KEY", "OTHER", "")
    assert "HUB_KEY is s3cret ä" in log
    assert "OTHER BackendError" in log
    assert "No user secrets exist for kernel id" in log
    assert "ValidationError Label must be non-empty." in log


def test_a_secret_is_for_the_kernels_it_is_attached_to(kaggle: EmulatorProcess, api: Api) -> None:
    keep(kaggle, "ONLY_ONE", "abc", kernels=["learner/the-chosen"])
    assert "ONLY_ONE is abc" in asked(api, "the-chosen", "ONLY_ONE")
    assert "ONLY_ONE BackendError" in asked(api, "another-one", "ONLY_ONE")


def test_without_internet_there_is_no_way_out(kaggle: EmulatorProcess, api: Api) -> None:
    keep(kaggle, "HUB_KEY", "s3cret")
    log = asked(api, "asks-offline", "HUB_KEY", internet=False)
    assert "HUB_KEY ConnectionError Connection error trying to communicate with service." in log


def test_others_secrets_are_not_found(kaggle: EmulatorProcess, api: Api) -> None:
    kaggle.control("secrets", {"username": "guest", "label": "THEIRS", "value": "x"})
    assert "THEIRS BackendError" in asked(api, "asks-for-theirs", "THEIRS")


def test_values_are_shown_to_nobody(kaggle: EmulatorProcess) -> None:
    keep(kaggle, "HUB_KEY", "s3cret", kernels=["learner/a"])
    keep(kaggle, "OTHER", "s3cret")
    shown = kaggle.control("secrets")
    assert shown["secrets"]["learner"] == [
        {"label": "HUB_KEY", "kernels": ["learner/a"]},
        {"label": "OTHER", "kernels": None},
    ]
    kaggle.control("secrets", {"username": "learner", "label": "OTHER"})
    assert len(kaggle.control("secrets")["secrets"]["learner"]) == 1
    for wrong in (
        {"username": "learner", "label": "OTHER"},
        {"username": "nobody", "label": "x", "value": "y"},
    ):
        with pytest.raises(EmulatorError, match="400"):
            kaggle.control("secrets", wrong)
    assert "s3cret" not in (kaggle.data / "emulator.log").read_text()


# -- the token ------------------------------------------------------------------------------------------


def test_only_a_living_sessions_own_token_opens(kaggle: EmulatorProcess, api: Api) -> None:
    keep(kaggle, "HUB_KEY", "s3cret")
    api.push("endless-one", FOREVER, enableInternet=True)
    api.wait_for("endless-one", "RUNNING")
    folder = kaggle.data / "sessions" / str(api.session_id("endless-one"))
    env = json.loads((folder / "spec.json").read_text())["env"]

    def ask(token: str) -> Any:
        headers = {"X-Kaggle-Authorization": f"Bearer {token}"}
        body = {"Label": "HUB_KEY"}
        return api.http.post("/requests/GetUserSecretByLabelRequest", json=body, headers=headers)

    token = env["KAGGLE_USER_SECRETS_TOKEN"]
    assert ask(token).json() == {"wasSuccessful": True, "result": {"secret": "s3cret"}}
    head, _, signature = token.rpartition(".")
    forged = base64.urlsafe_b64encode(b'{"kernelSessionId": 1}').decode()
    others = ("none", "x", f"{head}.{signature[:-2]}xx", f"{head.partition('.')[0]}.{forged}.{signature}",
              env["KAGGLE_DATA_PROXY_TOKEN"])  # fmt: skip
    for other in others:
        assert ask(other).status_code == 401
    api.cancel(api.session_id("endless-one"))
    api.wait_for("endless-one")
    assert ask(token).status_code == 401


def test_tokens_are_good_for_one_secret_and_one_purpose() -> None:
    token = session_token(7, "a", "key")
    assert session_of_token(token, "a", "key") == 7
    assert session_of_token(token, "b", "key") is None
    assert session_of_token(token, "a", "other") is None
    assert session_of_token("", "a", "key") is None
    assert session_of_token("ä.ö.ü", "a", "key") is None


def test_unknown_requests(kaggle: EmulatorProcess, api: Api) -> None:
    assert api.http.post("/requests/GetUserSecretByLabelRequest", json={}).status_code == 401
    assert api.http.post("/requests/Whatever", json={}).status_code == 401


# -- data attached while the session runs ---------------------------------------------------------------

ATTACH = """\
import json, os, urllib.request
def attach(**reference):
    headers = {
        "Content-Type": "application/json",
        "X-Kaggle-Authorization": "Bearer " + os.environ["KAGGLE_USER_SECRETS_TOKEN"],
    }
    url = os.environ["KAGGLE_DATA_PROXY_URL"] + "/kaggle-jwt-handler/AttachDatasourceUsingJwtRequest"
    request = urllib.request.Request(url, json.dumps(reference).encode(), headers)
    answer = json.load(urllib.request.urlopen(request))
    print(answer)
    slug = answer.get("result", {}).get("mountSlug", "-")
    return os.path.join(os.environ["KAGGLE_CACHE_MOUNT_FOLDER"], slug)

print("before", sorted(os.listdir("/kaggle/input")))
place = attach(datasetRef={"OwnerSlug": "kaggle-emulator", "DatasetSlug": "bellflowers"})
print(place, os.listdir(place))
assert attach(datasetRef={"OwnerSlug": "kaggle-emulator", "DatasetSlug": "bellflowers"}) == place
try:
    open(place + "/new.txt", "w")
except OSError as error:
    print("refused", error.errno)
print(os.listdir(attach(competitionRef={"CompetitionSlug": "bicycle-rentals"})))
model = {"OwnerSlug": "kaggle-emulator", "ModelSlug": "digit-reader", "Framework": "other",
         "InstanceSlug": "centroids", "VersionNumber": "1"}
print(os.listdir(attach(modelRef=model)))
attach(datasetRef={"OwnerSlug": "kaggle-emulator", "DatasetSlug": "no-such"})
attach(competitionRef={"CompetitionSlug": "harbour-tides"})
attach(datasetRef={"OwnerSlug": "kaggle-emulator", "DatasetSlug": "hill-weather"})
print("mounted", os.listdir("/kaggle/input/hill-weather"))
"""


def test_sources_appear_while_the_session_runs(kaggle: EmulatorProcess, api: Api) -> None:
    data = ["kaggle-emulator/hill-weather"]
    api.push("attaches-data", ATTACH, enableInternet=True, datasetDataSources=data)
    final = api.wait_for("attaches-data")
    log = api.outputs("attaches-data")["log"]
    assert final["status"] == "COMPLETE", log
    assert "before ['datasets', 'hill-weather']" in log
    assert "/kaggle/input/datasets/kaggle-emulator/bellflowers ['flowers.csv']" in log
    assert "'versionNumber': 1" in log
    assert "refused 30" in log
    assert "['predict.py', 'centroids.json']" in log or "['centroids.json', 'predict.py']" in log
    assert log.count("you may not use it") == 2
    stored = list(kaggle.data.glob("bundles/*/files/flowers.csv"))
    assert len(stored) == 1
    wait_until(lambda: not list(kaggle.data.glob("sessions/*/scratch/input/**/flowers.csv")), 30, "clean-up")
    assert stored[0].stat().st_size > 0
