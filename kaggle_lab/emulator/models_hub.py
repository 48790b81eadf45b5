"""Models, their instances (one per framework and variation) and versions, as stored."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from .accounts import Account
from .bundles import Bundle, Bundles
from .db import Database
from .settings import Settings
from .wire import denied

# In the order of the enumeration's numbers.
FRAMEWORKS = (
    "UNSPECIFIED", "TENSOR_FLOW_1", "TENSOR_FLOW_2", "TF_LITE", "TF_JS", "PY_TORCH", "JAX", "CORAL",
    "SCIKIT_LEARN", "MXNET", "ONNX", "KERAS", "API", "OTHER", "FLAX", "PAX", "TRANSFORMERS", "MAX_TEXT",
    "GEMMA_CPP", "GGML", "TENSOR_RT_LLM", "GGUF", "TRITON", "VLLM",
)  # fmt: skip
FRAMEWORK_PREFIX = "MODEL_FRAMEWORK_"


def framework_named(text: str) -> str | None:
    """The framework a source or a URL names: `pyTorch`, `PY_TORCH` and `pytorch` are one."""
    plain = text.upper().removeprefix(FRAMEWORK_PREFIX).replace("_", "").replace("-", "")
    return next((name for name in FRAMEWORKS[1:] if name.replace("_", "") == plain), None)


def framework_folder(framework: str) -> str:
    """Its name in the path of a mount."""
    return framework.replace("_", "").lower()


@dataclass(frozen=True)
class ModelDetails:
    """What an owner says about a model."""

    subtitle: str = ""
    description: str = ""
    provenance: str = ""
    publish_time: str = ""


@dataclass(frozen=True)
class Model:
    """A family of files under `owner/slug`; the times are real epoch seconds."""

    id: int
    account_id: int
    owner: str
    slug: str
    title: str
    is_private: bool
    details: ModelDetails
    downloads: int
    created_at: float
    updated_at: float

    @property
    def ref(self) -> str:
        return f"{self.owner}/{self.slug}"

    def may_read(self, account: Account) -> bool:
        return not self.is_private or account.id == self.account_id


@dataclass(frozen=True)
class InstanceDetails:
    """What an owner says about one variation."""

    overview: str = ""
    usage: str = ""
    licence: str = ""
    fine_tunable: bool = False
    training_data: list[str] = field(default_factory=list)
    instance_type: str = "MODEL_INSTANCE_TYPE_UNSPECIFIED"
    base_instance: str = ""
    base_url: str = ""


@dataclass(frozen=True)
class Instance:
    """One framework and variation of a model."""

    id: int
    model_id: int
    framework: str
    slug: str
    details: InstanceDetails
    created_at: float


@dataclass(frozen=True)
class ModelVersion:
    """One upload of an instance."""

    id: int
    instance_id: int
    number: int
    bundle_id: int
    notes: str
    created_at: float


class Models:
    """The tables of models, instances and versions."""

    def __init__(self, database: Database, bundles: Bundles) -> None:
        self._database = database
        self._bundles = bundles

    def find(self, owner: str, slug: str) -> Model | None:
        row = self._database.first(f"{_SELECT} WHERE a.username = ? AND m.slug = ?", owner, slug.lower())
        return _model(row) if row else None

    def by_id(self, model_id: int) -> Model:
        return _model(self._database.one(f"{_SELECT} WHERE m.id = ?", model_id))

    def visible(self, owner: str, slug: str, caller: Account) -> Model:
        """The model if the caller may read it, else the 403 that hides whether it exists."""
        model = self.find(owner, slug)
        if model is None or not model.may_read(caller):
            raise denied("models.get")
        return model

    def all(self) -> list[Model]:
        return [_model(row) for row in self._database.rows(f"{_SELECT} ORDER BY m.id")]

    def create(
        self, account: Account, slug: str, title: str, is_private: bool, details: ModelDetails, now: float
    ) -> Model:
        """A model without instances; the slug must be free."""
        cursor = self._database.run(
            "INSERT INTO models (account_id, slug, title, is_private, details, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            account.id,
            slug,
            title,
            is_private,
            json.dumps(details.__dict__),
            now,
            now,
        )
        return self.by_id(int(cursor.lastrowid or 0))

    def change(self, model: Model, title: str, is_private: bool, details: ModelDetails, now: float) -> Model:
        self._database.run(
            "UPDATE models SET title = ?, is_private = ?, details = ?, updated_at = ? WHERE id = ?",
            title,
            is_private,
            json.dumps(details.__dict__),
            now,
            model.id,
        )
        return self.by_id(model.id)

    def count_download(self, model: Model) -> None:
        self._database.run("UPDATE models SET downloads = downloads + 1 WHERE id = ?", model.id)

    def instances(self, model: Model) -> list[Instance]:
        rows = self._database.rows("SELECT * FROM model_instances WHERE model_id = ? ORDER BY id", model.id)
        return [_instance(row) for row in rows]

    def instance(self, model: Model, framework: str, slug: str) -> Instance | None:
        row = self._database.first(
            "SELECT * FROM model_instances WHERE model_id = ? AND framework = ? AND slug = ? COLLATE NOCASE",
            model.id,
            framework,
            slug,
        )
        return _instance(row) if row else None

    def add_instance(
        self, model: Model, framework: str, slug: str, details: InstanceDetails, now: float
    ) -> Instance:
        self._database.run(
            "INSERT INTO model_instances (model_id, framework, slug, details, created_at)"
            " VALUES (?, ?, ?, ?, ?)",
            model.id,
            framework,
            slug,
            json.dumps(details.__dict__),
            now,
        )
        added = self.instance(model, framework, slug)
        assert added is not None
        return added

    def change_instance(self, instance: Instance, details: InstanceDetails) -> None:
        self._database.run(
            "UPDATE model_instances SET details = ? WHERE id = ?", json.dumps(details.__dict__), instance.id
        )

    def add_version(self, instance: Instance, bundle: Bundle, notes: str, now: float) -> ModelVersion:
        versions = self.versions(instance)
        number = versions[0].number + 1 if versions else 1
        self._database.run(
            "INSERT INTO model_versions (instance_id, number, bundle_id, notes, created_at)"
            " VALUES (?, ?, ?, ?, ?)",
            instance.id,
            number,
            bundle.id,
            notes,
            now,
        )
        self._database.run("UPDATE models SET updated_at = ? WHERE id = ?", now, instance.model_id)
        return self.versions(instance)[0]

    def versions(self, instance: Instance) -> list[ModelVersion]:
        """The newest first, whatever became of them."""
        rows = self._database.rows(
            "SELECT * FROM model_versions WHERE instance_id = ? ORDER BY number DESC", instance.id
        )
        return [
            ModelVersion(**{name: row[name] for name in ModelVersion.__dataclass_fields__}) for row in rows
        ]

    def ready(self, instance: Instance, number: int, settings: Settings) -> ModelVersion | None:
        """A version that can be used: the newest such one for number 0."""
        for version in self.versions(instance):
            if number in (0, version.number) and self._bundles.is_ready(version.bundle_id, settings):
                return version
        return None

    def delete(self, model: Model) -> None:
        with self._database.transaction():
            for instance in self.instances(model):
                self.delete_instance(instance)
            self._database.run("DELETE FROM models WHERE id = ?", model.id)

    def delete_instance(self, instance: Instance) -> None:
        with self._database.transaction():
            for version in self.versions(instance):
                self.delete_version(version)
            self._database.run("DELETE FROM model_instances WHERE id = ?", instance.id)

    def delete_version(self, version: ModelVersion) -> None:
        self._database.run("DELETE FROM model_versions WHERE id = ?", version.id)
        self._bundles.discard([version.bundle_id])


_SELECT = "SELECT m.*, a.username AS owner FROM models m JOIN accounts a ON a.id = m.account_id"


def _model(row: Any) -> Model:
    values = {name: row[name] for name in Model.__dataclass_fields__}
    values |= {"is_private": bool(row["is_private"]), "details": ModelDetails(**json.loads(row["details"]))}
    return Model(**values)


def _instance(row: Any) -> Instance:
    values = {name: row[name] for name in Instance.__dataclass_fields__}
    return Instance(**{**values, "details": InstanceDetails(**json.loads(row["details"]))})
