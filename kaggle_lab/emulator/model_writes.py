"""Models service, the writing half: create, change and delete models, instances and versions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .accounts import Account
from .dataset_writes import UploadRefused, uploaded_files
from .model_reads import find_instance, framework_of
from .models_hub import Instance, InstanceDetails, Model, ModelDetails
from .titles import slugify
from .wire import ApiError, Fields, denied
from .world import World

_TYPES = ("UNSPECIFIED", "BASE_MODEL", "KAGGLE_VARIANT", "EXTERNAL_VARIANT")
_TYPE_PREFIX = "MODEL_INSTANCE_TYPE_"


def _own(world: World, caller: Account, request: Fields, permission: str) -> Model:
    model = world.models.find(request.text("ownerSlug") or caller.username, request.text("modelSlug"))
    if model is None:
        raise ApiError(404, "Model not found")
    if model.account_id != caller.id:
        raise denied(permission)
    return model


def create_model(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """CreateModel; a taken slug is answered with `error` and `errorCode` 409."""
    owner = request.text("ownerSlug") or caller.username
    if owner.lower() != caller.username.lower():
        raise denied("models.create")
    slug, title = request.text("slug").lower(), request.text("title").strip()
    if not slug or slugify(slug) != slug:
        return _refused("The model slug may have lower-case letters, digits and hyphens only", 400)
    if world.models.find(caller.username, slug) is not None:
        return _refused(f'A model with the slug "{slug}" already exists', 409)
    details = _details(request, ModelDetails())
    now = world.clock.real()
    is_private = request.flag("isPrivate", True)
    model = world.models.create(caller, slug, title or slug, is_private, details, now)
    return _accepted(world, model.id, model.ref)


def _details(request: Fields, before: ModelDetails) -> ModelDetails:
    return replace(
        before,
        subtitle=request.text("subtitle", before.subtitle),
        description=request.text("description", before.description),
        provenance=request.text("provenanceSources", before.provenance),
        publish_time=request.text("publishTime", before.publish_time),
    )


def update_model(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """UpdateModel: the fields named in `updateMask`, or those sent when there is none."""
    model = _own(world, caller, request, "models.update")
    masked = _masked(request)
    is_private = masked.flag("isPrivate", model.is_private)
    title = masked.text("title") or model.title
    details = _details(masked, model.details)
    world.models.change(model, title, is_private, details, world.clock.real())
    return _accepted(world, model.id, model.ref)


def _masked(request: Fields) -> Fields:
    """Only what the field mask names; a masked field that was left out has its default."""
    mask = [_camel(path) for path in request.text("updateMask").split(",") if path.strip()]
    if not mask:
        return request
    return request.only(mask, {"title": "", "subtitle": "", "description": "", "isPrivate": False})


def _camel(path: str) -> str:
    first, *others = path.strip().split("_")
    return first + "".join(word.capitalize() for word in others)


def create_instance(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """CreateModelInstance with its first version; a taken name is `error` and `errorCode` 409."""
    model = _own(world, caller, request, "models.update")
    body = request.object("body")
    framework, slug = framework_of(body), body.text("instanceSlug")
    if framework == "UNSPECIFIED" or not slug or slugify(slug.replace("_", "-").replace(".", "-")) == "":
        return _refused("A framework and an instance slug are required", 400)
    if world.models.instance(model, framework, slug) is not None:
        return _refused(f"The instance {framework}/{slug} already exists", 409)
    try:
        files, _ = uploaded_files(world, caller, body)
    except UploadRefused as refusal:
        return _refused(str(refusal), 400)
    now = world.clock.real()
    with world.database.transaction():
        details = _instance_details(body, InstanceDetails())
        instance = world.models.add_instance(model, framework, slug, details, now)
        version = world.models.add_version(instance, world.bundles.create(files, world.settings), "", now)
    return _accepted(world, version.id, _instance_ref(model, instance))


def _instance_details(body: Fields, before: InstanceDetails) -> InstanceDetails:
    kind = body.suffix(
        "modelInstanceType", _TYPE_PREFIX, _TYPES, before.instance_type.removeprefix(_TYPE_PREFIX)
    )
    return InstanceDetails(
        overview=body.text("overview", before.overview),
        usage=body.text("usage", before.usage),
        licence=body.text("licenseName", before.licence),
        fine_tunable=body.flag("fineTunable", before.fine_tunable),
        training_data=body.texts("trainingData") or before.training_data,
        instance_type=_TYPE_PREFIX + kind,
        base_instance=body.text("baseModelInstance", before.base_instance),
        base_url=body.text("externalBaseModelUrl", before.base_url),
    )


def update_instance(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """UpdateModelInstance."""
    model = _own(world, caller, request, "models.update")
    instance = find_instance(world, model, request)
    world.models.change_instance(instance, _instance_details(request, instance.details))
    return _accepted(world, instance.id, _instance_ref(model, instance))


def create_version(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """CreateModelInstanceVersion."""
    model = _own(world, caller, request, "models.update")
    instance = find_instance(world, model, request)
    body = request.object("body")
    try:
        files, _ = uploaded_files(world, caller, body)
    except UploadRefused as refusal:
        return _refused(str(refusal), 400)
    with world.database.transaction():
        bundle = world.bundles.create(files, world.settings)
        version = world.models.add_version(instance, bundle, body.text("versionNotes"), world.clock.real())
    return _accepted(world, version.id, f"{_instance_ref(model, instance)}/{version.number}")


def _instance_ref(model: Model, instance: Instance) -> str:
    return f"{model.ref}/{instance.framework.lower()}/{instance.slug}"


def _accepted(world: World, number: int, ref: str) -> dict[str, Any]:
    return {"id": number, "ref": ref, "url": f"{world.base_url}/models/{ref}", "error": ""}


def _refused(text: str, code: int) -> dict[str, Any]:
    return {"id": 0, "ref": "", "url": "", "error": text, "errorCode": code}


def delete_model(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """DeleteModel, with everything in it."""
    world.models.delete(_own(world, caller, request, "models.delete"))
    world.purge_bundles()
    return {"error": ""}


def delete_instance(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """DeleteModelInstance."""
    model = _own(world, caller, request, "models.delete")
    world.models.delete_instance(find_instance(world, model, request))
    world.purge_bundles()
    return {"error": ""}


def delete_version(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """DeleteModelInstanceVersion."""
    model = _own(world, caller, request, "models.delete")
    instance = find_instance(world, model, request)
    for version in world.models.versions(instance):
        if version.number == request.integer("versionNumber"):
            world.models.delete_version(version)
            world.purge_bundles()
            return {"error": ""}
    raise ApiError(404, "Model instance version not found")
