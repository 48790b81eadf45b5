"""Searching over everything, as an "Add input" dialog does."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_clients import Api, Sdk, notebook
from hub_clients import SEARCH
from kagglesdk.search.types.search_api_service import ListEntitiesFilters, ListEntitiesRequest
from kagglesdk.search.types.search_enums import DocumentType

from kaggle_lab.emulator.testing import EmulatorProcess

QUICK = {"kernelExecutionType": "QUICK_SAVE"}


def search(api: Api, **filters: Any) -> list[tuple[str, str]]:
    """Kind and slug of what is found."""
    response = api.rpc("ListEntities", {"filters": filters, "pageSize": 100}, SEARCH)
    assert response.status_code == 200, response.text
    return [(row["documentType"], row["slug"]) for row in response.json()["documents"]]


def test_the_typed_client_finds_all_four_kinds(sdk: Sdk, kaggle: EmulatorProcess) -> None:
    sdk.push("reads-digits", "1")
    request = ListEntitiesRequest()
    request.filters = ListEntitiesFilters()
    request.filters.query = "digit"
    found = sdk.client.search.search_api_client.list_entities(request)
    kinds = {document.document_type: document for document in found.documents}
    assert set(kinds) == {DocumentType.DATASET, DocumentType.KERNEL, DocumentType.MODEL}
    assert found.total_documents == 3
    dataset = kinds[DocumentType.DATASET]
    assert (dataset.slug, dataset.owner_user.user_name) == ("tiny-digits", "kaggle-emulator")
    assert dataset.dataset_document.file_count == 101
    assert dataset.dataset_document.size > 10_000
    assert kinds[DocumentType.MODEL].model_document.instance_count == 2
    assert kinds[DocumentType.KERNEL].kernel_document.session_id > 0


@pytest.mark.parametrize(
    "name",
    ["COMPETITION", "DOCUMENT_TYPE_COMPETITION", "competition", 2],
    ids=["name", "prefix", "case", "number"],
)
def test_kinds_are_named_in_many_ways(api: Api, name: str | int) -> None:
    assert set(search(api, documentTypes=[name])) == {
        ("COMPETITION", "bicycle-rentals"),
        ("COMPETITION", "harbour-tides"),
    }


def test_competitions_tell_who_has_joined(api: Api) -> None:
    body = {"filters": {"documentTypes": ["COMPETITION"]}}
    rows = api.rpc("ListEntities", body, SEARCH).json()["documents"]
    joined = {row["slug"]: row["competitionDocument"]["ownerUserHasJoined"] for row in rows}
    assert joined == {"bicycle-rentals": True, "harbour-tides": False}


def test_own_work_and_privacy(api: Api, guest: Api, kaggle: EmulatorProcess) -> None:
    api.push("my-secret", **QUICK)
    api.push("my-show", isPrivate=False, text=notebook("1"), kernelType="notebook", **QUICK)
    mine = {("KERNEL", "my-secret"), ("KERNEL", "my-show")}
    assert set(search(api, listType="API_LIST_TYPE_YOUR_WORK")) == mine
    assert search(api, listType="API_LIST_TYPE_YOUR_WORK", privacy="PRIVATE") == [("KERNEL", "my-secret")]
    assert search(api, documentTypes=["KERNEL"], privacy="PUBLIC") == [("KERNEL", "my-show")]
    assert search(guest, query="my") == [("KERNEL", "my-show")]


def test_every_word_counts(api: Api) -> None:
    assert search(api, query="tiny digits") == [("DATASET", "tiny-digits")]
    assert search(api, query="tiny elephants") == []


def test_pages_and_order(api: Api) -> None:
    seen: list[str] = []
    body: dict[str, Any] = {
        "filters": {},
        "pageSize": 3,
        "canonicalOrderBy": "LIST_SEARCH_CONTENT_ORDER_BY_DATE_CREATED",
    }
    while True:
        page = api.rpc("ListEntities", body, SEARCH).json()
        seen += [row["slug"] for row in page["documents"]]
        if not page["nextPageToken"]:
            break
        body["pageToken"] = page["nextPageToken"]
    assert len(seen) == len(set(seen)) == page["totalDocuments"] == 8
    skipped = api.rpc("ListEntities", {"filters": {}, "skip": 6}, SEARCH).json()
    assert len(skipped["documents"]) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"filters": 3},
        {"filters": {"privacy": "WRONG"}},
        {"filters": {"documentTypes": "KERNEL"}},
        {"pageSize": 1000},
    ],
)
def test_bad_questions(api: Api, body: dict[str, Any]) -> None:
    assert api.rpc("ListEntities", body, SEARCH).status_code == 400
