"""What the starter content is called, and putting it on the shelves of a new data directory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..accounts import SEEDS, Account
from ..competitions import Competition, Rules
from ..datasets import Details
from ..models_hub import InstanceDetails, ModelDetails
from . import contests, digits, tables

if TYPE_CHECKING:
    from ..world import World

OWNER = "kaggle-emulator"
ENTRANT = SEEDS[0].username
_STOCKED = "starter_stocked"
_LONG_AGO_S = 30 * 86_400.0
_DEADLINE = 4_102_444_800.0  # 2100-01-01
_LICENCE = "CC0-1.0"

GENERATORS: dict[str, Callable[[Path], None]] = {
    "flowers": tables.flowers,
    "weather": tables.weather,
    "shop": tables.shop,
    "reviews": tables.reviews,
    "digits": digits.pictures,
    "centroids-small": digits.small_centroid_model,
    "centroids": digits.centroid_model,
    "linear": digits.linear_model,
    "bicycles": contests.bicycles,
    "bicycles-judge": contests.bicycles_judge,
    "tides": contests.tides,
    "tides-judge": contests.tides_judge,
}


@dataclass(frozen=True)
class _Dataset:
    slug: str
    title: str
    subtitle: str
    content: str
    keywords: tuple[str, ...]


_DATASETS = (
    _Dataset("bellflowers", "Bellflowers", "Measures of 150 flowers of three species", "flowers",
             ("tabular", "classification", "beginner")),
    _Dataset("tiny-digits", "Tiny Digits", "Handwritten-like digits of 8 by 8 points", "digits",
             ("image", "classification", "computer vision")),
    _Dataset("hill-weather", "Hill Weather", "A year of hourly readings of one weather station", "weather",
             ("tabular", "time series analysis")),
    _Dataset("corner-shop", "Corner Shop", "Customers, products and orders in a SQLite file", "shop",
             ("tabular", "exploratory data analysis")),
    _Dataset("short-reviews", "Short Reviews", "Short product reviews with their sentiment", "reviews",
             ("text", "nlp", "classification")),
)  # fmt: skip


def stock(world: World) -> None:
    """Put the starter content there, once in the life of a data directory."""
    if world.database.first("SELECT 1 FROM meta WHERE key = ?", _STOCKED):
        return
    with world.database.transaction():
        _fill(world)
        world.database.run("INSERT OR REPLACE INTO meta VALUES (?, '1')", _STOCKED)


def restock(world: World) -> None:
    """Forget everything on the shelves and put the starter content there as if new."""
    with world.database.transaction():
        for table in (
            "dataset_versions", "datasets", "model_versions", "model_instances", "models", "submissions",
            "competition_entries", "competitions",
        ):  # fmt: skip
            world.database.run(f"DELETE FROM {table}")  # noqa: S608
        world.database.run("DELETE FROM bundles WHERE json_extract(plan, '$.starter') IS NULL")
        _fill(world)


def _fill(world: World) -> None:
    owner = world.accounts.create_silent(OWNER)
    then = world.clock.real() - _LONG_AGO_S
    for item in _DATASETS:
        text = f"{item.subtitle}. Made by the emulator on this machine, with a fixed seed."
        details = Details(item.subtitle, text, _LICENCE, list(item.keywords))
        dataset = world.datasets.create(owner, item.slug, item.title, False, details, then)
        bundle = world.bundles.create_starter(item.content, then)
        world.datasets.add_version(dataset, bundle, "Initial release", False, then)
    _fill_models(world, owner, then)
    _fill_competitions(world, then)


def _fill_models(world: World, owner: Account, then: float) -> None:
    details = ModelDetails("Reads digits of 8 by 8 points", "Trained on pictures like those of Tiny Digits.")
    model = world.models.create(owner, "digit-reader", "Digit Reader", False, details, then)
    about = InstanceDetails("Nearest centroid", "Import predict.py", "Apache 2.0")
    instance = world.models.add_instance(model, "OTHER", "centroids", about, then)
    for content, notes in (("centroids-small", "From 200 samples"), ("centroids", "From 1,000 samples")):
        world.models.add_version(instance, world.bundles.create_starter(content, then), notes, then)
    about = InstanceDetails("One linear layer", "Load model.safetensors", "Apache 2.0")
    instance = world.models.add_instance(model, "PY_TORCH", "linear-8x8", about, then)
    bundle = world.bundles.create_starter("linear", then)
    world.models.add_version(instance, bundle, "Initial release", then)


def _fill_competitions(world: World, then: float) -> None:
    bicycles = Rules(
        deadline=_DEADLINE,
        subtitle="Predict how many bicycles are rented on a day",
        host=OWNER,
        metric="Root Mean Squared Error",
    )
    entered = _competition(world, "bicycle-rentals", "Bicycle Rentals", bicycles, "bicycles", then)
    world.competitions.enter(entered, world.accounts.named(ENTRANT))
    tides = Rules(
        deadline=_DEADLINE,
        subtitle="Predict the height of the water, by notebook and without internet",
        host=OWNER,
        metric="Mean Absolute Error",
        id_column="hour",
        notebooks_only=True,
        allows_internet=False,
    )
    _competition(world, "harbour-tides", "Harbour Tides", tides, "tides", then)


def _competition(world: World, slug: str, title: str, rules: Rules, content: str, then: float) -> Competition:
    data = world.bundles.create_starter(content, then)
    judge = world.bundles.create_starter(f"{content}-judge", then)
    return world.competitions.create(slug, title, rules, data.id, judge.id, then)
