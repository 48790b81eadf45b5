"""Search service: everything of all kinds that a query finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .accounts import Account
from .dataset_reads import readable, says, usability
from .outputs import DEFAULT_PAGE, page, page_token
from .wire import ApiError, Fields, isoformat
from .world import World

MAX_PAGE = 100
_TYPES = ("COMPETITION", "DATASET", "KERNEL", "MODEL")
_TYPE_NUMBERS = {2: "COMPETITION", 3: "DATASET", 5: "KERNEL", 12: "MODEL"}
_LISTS = ("UNSPECIFIED", "YOUR_WORK")
_PRIVACY = ("ALL", "PRIVATE", "PUBLIC")
_ORDERS = (
    "UNSPECIFIED", "DATE_CREATED", "DATE_UPDATED", "HOTNESS", "LAST_VIEWED", "TOTAL_COMMENTS", "VOTES",
)  # fmt: skip

Document = dict[str, Any]


def list_entities(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListEntities: what the caller may see of the asked-for kinds, the best match first."""
    filters = request.object("filters")
    kinds = _kinds(filters)
    own_only = filters.suffix("listType", "API_LIST_TYPE_", _LISTS, "UNSPECIFIED") == "YOUR_WORK"
    privacy = filters.member("privacy", _PRIVACY, "ALL")
    query = filters.text("query")
    found = [
        document
        for kind in kinds
        for document in _SOURCES[kind](world, caller)
        if says(query, document["title"], document["slug"], document["_owner"])
        and (not own_only or document["_owner"].lower() == caller.username.lower())
        and (privacy == "ALL" or document["isPrivate"] == (privacy == "PRIVATE"))
    ]
    order = request.suffix("canonicalOrderBy", "LIST_SEARCH_CONTENT_ORDER_BY_", _ORDERS, "UNSPECIFIED")
    found.sort(key=_order(order, query), reverse=True)
    rows, following = page(found, request.integer("pageSize") or DEFAULT_PAGE, _token(request), MAX_PAGE)
    shown = [{name: value for name, value in row.items() if name != "_owner"} for row in rows]
    return {"documents": shown, "totalDocuments": len(found), "nextPageToken": following}


def _token(request: Fields) -> str:
    skip = request.integer("skip")
    return request.text("pageToken") or (page_token(skip) if skip > 0 else "")


def _kinds(filters: Fields) -> list[str]:
    """The wanted kinds by name, with or without prefix, or by number; all when none is named."""
    wanted = []
    for value in filters.anything("documentTypes"):
        name = _TYPE_NUMBERS.get(value) if isinstance(value, int) else str(value).upper()
        wanted.append((name or "").removeprefix("DOCUMENT_TYPE_"))
    if not wanted:
        return list(_TYPES)
    known = [kind for kind in _TYPES if kind in wanted]
    if not known and not all(isinstance(value, str) for value in filters.anything("documentTypes")):
        raise ApiError(400, "Invalid value for field 'documentTypes'")
    return known


def _order(order: str, query: str) -> Callable[[Document], Any]:
    if order == "DATE_CREATED":
        return lambda document: document["createTime"]
    if order == "DATE_UPDATED" or not query:
        return lambda document: document["updateTime"]
    words = query.lower()
    return lambda document: (
        document["title"].lower() == words,
        document["title"].lower().startswith(words),
        document["updateTime"],
    )


def _document(
    world: World, kind: str, number: int, title: str, slug: str, owner: str, is_private: bool,
    times: tuple[float, float],
) -> Document:  # fmt: skip
    account = world.accounts.by_name(owner)
    user: Document = {"userName": owner, "displayName": owner, "url": f"/{owner}"}
    return {
        "id": number,
        "documentType": kind,
        "title": title,
        "slug": slug,
        "imageUrl": "",
        "createTime": isoformat(world.clock.at(times[0])),
        "updateTime": isoformat(world.clock.at(times[1])),
        "isPrivate": is_private,
        "votes": 0,
        "_owner": owner,
        **({"ownerUser": {**user, "id": account.id}} if account else {}),
    }


def _datasets(world: World, caller: Account) -> Iterator[Document]:
    for dataset in readable(world, caller):
        version = world.datasets.current(dataset, world.settings)
        if version is None:
            continue
        bundle = world.bundles.get(version.bundle_id)
        shown = _document(
            world, "DATASET", dataset.id, dataset.title, dataset.slug, dataset.owner, dataset.is_private,
            (dataset.created_at, version.created_at),
        )  # fmt: skip
        about = {
            "size": bundle.total_bytes,
            "fileCount": bundle.file_count,
            "usabilityRating": usability(dataset),
            "fileTypes": [],
        }
        yield {**shown, "datasetDocument": about}


def _kernels(world: World, caller: Account) -> Iterator[Document]:
    where = "AND (k.is_private = 0 OR k.account_id = ?) AND k.current_version > 0"
    for kernel in world.kernels.all(where, caller.id):
        session = world.kernels.version(kernel, kernel.current_version).session_id
        shown = _document(
            world, "KERNEL", kernel.id, kernel.title, kernel.slug, kernel.owner, kernel.is_private,
            (kernel.created_at, kernel.saved_at),
        )  # fmt: skip
        about: Document = {"isDraft": session is None, "bestPublicScore": 0.0, "hasLinkedSubmission": False}
        yield {**shown, "kernelDocument": {**about, "sessionId": session} if session else about}


def _models(world: World, caller: Account) -> Iterator[Document]:
    for model in world.models.all():
        if model.may_read(caller):
            shown = _document(
                world, "MODEL", model.id, model.title, model.slug, model.owner, model.is_private,
                (model.created_at, model.updated_at),
            )  # fmt: skip
            count = len(world.models.instances(model))
            yield {**shown, "modelDocument": {"instanceCount": count, "notebookCount": 0}}


def _competitions(world: World, caller: Account) -> Iterator[Document]:
    for competition in world.competitions.all():
        rules = competition.rules
        shown = _document(
            world, "COMPETITION", competition.id, competition.title, competition.slug, rules.host, False,
            (competition.created_at, competition.created_at),
        )  # fmt: skip
        about = {
            "deadline": isoformat(rules.deadline),
            "teamCount": world.competitions.teams(competition),
            "isLaunched": True,
            "ownerUserHasJoined": world.competitions.has_entered(competition, caller),
            "onlyAllowKernelSubmissions": rules.notebooks_only,
        }
        yield {**shown, "competitionDocument": about}


_SOURCES: dict[str, Callable[[World, Account], Iterator[Document]]] = {
    "COMPETITION": _competitions,
    "DATASET": _datasets,
    "KERNEL": _kernels,
    "MODEL": _models,
}
