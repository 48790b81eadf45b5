"""Models service, the reading half: lists, instances, versions, files, download."""

from __future__ import annotations

from typing import Any

from . import file_lists
from .accounts import Account
from .dataset_reads import says
from .models_hub import FRAMEWORK_PREFIX, FRAMEWORKS, Instance, Model, ModelVersion
from .outputs import page
from .replies import Redirect
from .storage import archive_link, file_link
from .wire import ApiError, Fields, denied, isoformat
from .world import World

MAX_MODELS_PAGE = 100
_SORTS = (
    "UNSPECIFIED", "HOTNESS", "DOWNLOAD_COUNT", "VOTE_COUNT", "NOTEBOOK_COUNT", "PUBLISH_TIME", "CREATE_TIME",
    "UPDATE_TIME", "VIEW_TIME_DESC",
)  # fmt: skip


def visible_model(world: World, caller: Account, request: Fields) -> Model:
    owner = request.text("ownerSlug") or caller.username
    return world.models.visible(owner, request.text("modelSlug"), caller)


def framework_of(request: Fields) -> str:
    return request.suffix("framework", FRAMEWORK_PREFIX, FRAMEWORKS, "UNSPECIFIED")


def find_instance(world: World, model: Model, request: Fields) -> Instance:
    """The instance a request names; `ApiError` 404 when the model has none such."""
    instance = world.models.instance(model, framework_of(request), request.text("instanceSlug"))
    if instance is None:
        raise ApiError(404, "Model instance not found")
    return instance


def _ready(world: World, instance: Instance, number: int) -> ModelVersion:
    version = world.models.ready(instance, number, world.settings)
    if version is None:
        raise ApiError(404, "Model instance version not found")
    return version


def list_models(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListModels: those with something in them, by words and owner."""
    owner = request.text("owner").lower()
    sort = request.suffix("sortBy", "LIST_MODELS_ORDER_BY_", _SORTS, "HOTNESS")
    found = [
        model
        for model in world.models.all()
        if model.may_read(caller)
        and (not owner or model.owner.lower() == owner)
        and (owner or not model.is_private)
        and says(request.text("search"), model.title, model.slug, model.details.subtitle)
    ]
    keys = {"CREATE_TIME": lambda model: model.created_at, "DOWNLOAD_COUNT": lambda model: model.downloads}
    found.sort(key=keys.get(sort, lambda model: model.updated_at), reverse=True)
    rows, following = page(found, request.integer("pageSize"), request.text("pageToken"), MAX_MODELS_PAGE)
    return {
        "models": [model_row(world, model) for model in rows],
        "nextPageToken": following,
        "totalResults": len(found),
    }


def get_model(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """GetModel."""
    return model_row(world, visible_model(world, caller, request))


def model_row(world: World, model: Model) -> dict[str, Any]:
    """`ApiModel`."""
    return {
        "id": model.id,
        "ref": model.ref,
        "title": model.title,
        "subtitle": model.details.subtitle,
        "author": model.owner,
        "slug": model.slug,
        "isPrivate": model.is_private,
        "description": model.details.description,
        "instances": [instance_row(world, model, each) for each in world.models.instances(model)],
        "tags": [],
        "publishTime": model.details.publish_time or isoformat(world.clock.at(model.created_at)),
        "provenanceSources": model.details.provenance,
        "url": f"{world.base_url}/models/{model.ref}",
        "modelVersionLinks": [],
        "voteCount": 0,
        "authorImageUrl": "",
        "updateTime": isoformat(world.clock.at(model.updated_at)),
    }


def instance_row(world: World, model: Model, instance: Instance) -> dict[str, Any]:
    """`ApiModelInstance`, with the number of its newest usable version."""
    version = world.models.ready(instance, 0, world.settings)
    details = instance.details
    where = f"{model.ref}/{instance.framework.lower()}/{instance.slug}"
    size = world.bundles.get(version.bundle_id).total_bytes if version else 0
    return {
        "id": instance.id,
        "slug": instance.slug,
        "framework": FRAMEWORK_PREFIX + instance.framework,
        "fineTunable": details.fine_tunable,
        "overview": details.overview,
        "usage": details.usage,
        "downloadUrl": f"{world.base_url}/api/v1/models/{where}/{version.number if version else 0}/download",
        "versionId": version.id if version else 0,
        "versionNumber": version.number if version else 0,
        "trainingData": details.training_data,
        "url": f"{world.base_url}/models/{where}",
        "licenseName": details.licence,
        "modelInstanceType": details.instance_type,
        "externalBaseModelUrl": details.base_url,
        "totalUncompressedBytes": size,
    }


def get_instance(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """GetModelInstance; one without a usable version is as good as missing."""
    model = visible_model(world, caller, request)
    instance = find_instance(world, model, request)
    if world.models.ready(instance, 0, world.settings) is None and model.account_id != caller.id:
        raise denied("models.get")
    return instance_row(world, model, instance)


def list_instances(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListModelInstances, in the long form of the web site."""
    model = visible_model(world, caller, request)
    rows, following = page(
        world.models.instances(model),
        request.integer("pageSize"),
        request.text("pageToken"),
        MAX_MODELS_PAGE,
    )
    return {
        "instances": [_long_instance(world, model, instance) for instance in rows],
        "nextPageToken": following,
    }


def _long_instance(world: World, model: Model, instance: Instance) -> dict[str, Any]:
    short = instance_row(world, model, instance)
    versions = world.models.versions(instance)
    bundle = world.bundles.get(versions[0].bundle_id) if versions else None
    kept = ("id", "slug", "versionId", "versionNumber", "framework", "fineTunable", "overview", "usage")
    return {
        **{name: short[name] for name in kept},
        "downloadUrl": short["downloadUrl"],
        "trainingData": short["trainingData"],
        "modelInstanceType": short["modelInstanceType"],
        "externalBaseModelUrl": short["externalBaseModelUrl"],
        "totalUncompressedBytes": short["totalUncompressedBytes"],
        "ownerSlug": model.owner,
        "modelSlug": model.slug,
        "modelId": model.id,
        "versionNotes": versions[0].notes if versions else "",
        "status": world.bundles.stage(bundle, world.settings) if bundle else "NOT_YET_PERSISTED",
        "errorMessage": bundle.error if bundle else "",
    }


def list_versions(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListModelInstanceVersions: the usable ones, newest first."""
    model = visible_model(world, caller, request)
    instance = find_instance(world, model, request)
    usable = [
        version
        for version in world.models.versions(instance)
        if world.bundles.is_ready(version.bundle_id, world.settings)
    ]
    rows, following = page(usable, request.integer("pageSize"), request.text("pageToken"), MAX_MODELS_PAGE)
    found = [_version_row(world, model, instance, version) for version in rows]
    return {"versionList": {"versions": found}, "nextPageToken": following}


def _version_row(world: World, model: Model, instance: Instance, version: ModelVersion) -> dict[str, Any]:
    where = f"{model.ref}/{instance.framework.lower()}/{instance.slug}/{version.number}"
    return {
        "id": version.id,
        "framework": FRAMEWORK_PREFIX + instance.framework,
        "isTfhubModel": False,
        "url": f"{world.base_url}/models/{where}",
        "variationSlug": instance.slug,
        "versionNumber": version.number,
        "modelTitle": model.title,
        "thumbnailUrl": "",
        "isPrivate": model.is_private,
        "modelId": model.id,
        "ownerSlug": model.owner,
        "modelSlug": model.slug,
        "modelInstanceId": instance.id,
    }


def version_files(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """ListModelInstanceVersionFiles, without a number those of the newest usable version."""
    instance = find_instance(world, visible_model(world, caller, request), request)
    version = _ready(world, instance, request.integer("versionNumber"))
    files = file_lists.files_of(world, version.bundle_id)
    rows, following = page(
        files, request.integer("pageSize"), request.text("pageToken"), file_lists.MAX_FILES_PAGE
    )
    date = file_lists.creation_date(world, version.bundle_id)
    found = [{"name": file.name, "size": file.size, "creationDate": date} for file in rows]
    return {"files": found, "nextPageToken": following}


def download_version(world: World, caller: Account, request: Fields) -> Redirect:
    """DownloadModelInstanceVersion: a link to one file (`path`), or to a tar of all."""
    model = visible_model(world, caller, request)
    instance = find_instance(world, model, request)
    version = _ready(world, instance, request.integer("versionNumber"))
    name = request.text("path")
    if name:
        file_lists.file_of(world, version.bundle_id, name)
    world.models.count_download(model)
    if name:
        return Redirect(file_link(world, version.bundle_id, name))
    return Redirect(archive_link(world, version.bundle_id, f"{model.slug}.tar.gz"))
