"""Making a competition of somebody's own: data, solution and metric given through the control API."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from .bundles import Bundle
from .competitions import Competition, Rules
from .titles import slugify
from .wire import Fields
from .world import World

_FAR = 4_102_444_800.0  # 2100-01-01
_AGO_S = 86_400.0  # opened a day ago, so that its data needs no more processing


def host_competition(world: World, body: dict[str, Any]) -> Competition:
    """See `change_competition` of the control API. Raises ValueError for what does not make a competition."""
    fields = Fields(body)
    title = fields.text("title")
    slug = fields.text("slug") or slugify(title)
    if not title or slugify(slug) != slug:
        raise ValueError("title must be given, and slug be lower-case letters, digits and hyphens")
    for name in ("solution", "metric"):
        if not fields.text(name):
            raise ValueError(f"{name} must be given, as text")
    rules = _rules(body)
    if world.competitions.find(slug) is not None:
        raise ValueError(f"there is a competition {slug!r} already")
    then = world.clock.real() - _AGO_S
    texts = {"solution.csv": fields.text("solution"), "metric.py": fields.text("metric")}
    with world.database.transaction():
        data = _data(world, body.get("files"), then)
        judge = world.bundles.create_texts(texts, then)
        return world.competitions.create(slug, title, rules, data.id, judge.id, then)


def _rules(body: dict[str, Any]) -> Rules:
    known = {field.name: field for field in dataclasses.fields(Rules)}
    given = {name: value for name, value in body.items() if name in known}
    defaults = dataclasses.asdict(Rules(deadline=_FAR))
    for name, value in given.items():
        kind = type(defaults[name])
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise ValueError(f"{name} must be of type {kind.__name__}")
    return Rules(**{**defaults, **given})


def _data(world: World, files: Any, then: float) -> Bundle:
    if isinstance(files, str) and Path(files).is_dir():
        return world.bundles.create_folder(Path(files), then)
    if isinstance(files, dict) and files and all(isinstance(text, str) for text in files.values()):
        return world.bundles.create_texts(files, then)
    raise ValueError("files must be a folder of this machine, or an object of names and texts")
