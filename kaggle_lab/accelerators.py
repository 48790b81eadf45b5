"""The dated table of Kaggle's machine shapes, read from ``accelerators.json``.

Kaggle changes its machines without notice, so the table carries its date, unknown shapes may be sent as
they are typed, and what a session really got is only ever told by the session itself.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .errors import UnknownAccelerator
from .models import Accelerator, AcceleratorKind, Availability

_KAGGLE_ID = re.compile(r"[A-Z][A-Za-z0-9]{2,40}")


@dataclass(frozen=True)
class AcceleratorTable:
    """All shapes we know; ``as_of`` is the year and month the facts are from."""

    as_of: str
    items: tuple[Accelerator, ...]


@dataclass(frozen=True)
class Choice:
    """What the user's words stand for: the shape to send, and what to warn of."""

    id: str
    machine_shape: str
    kind: AcceleratorKind
    time_cap_s: int
    warning: str = ""


@cache
def table() -> AcceleratorTable:
    """The table as shipped."""
    data = json.loads((Path(__file__).parent / "accelerators.json").read_text(encoding="utf-8"))
    return AcceleratorTable(data["as_of"], tuple(_row(item) for item in data["items"]))


def _row(item: dict[str, Any]) -> Accelerator:
    return Accelerator(
        **{
            **item,
            "kind": AcceleratorKind(item["kind"]),
            "availability": Availability(item["availability"]),
            "aliases": tuple(item.get("aliases", ())),
        }
    )


def choose(text: str) -> Choice:
    """Resolve our id, Kaggle's label, Kaggle's id or an alias; case, spaces and hyphens do not matter.

    A word in the form of Kaggle's ids that the table lacks is passed on with a warning. Anything else
    raises UnknownAccelerator, with the nearest names in ``data["suggestions"]``.
    """
    wanted = text.strip() or "none"
    for row in table().items:
        if _plain(wanted) in map(_plain, _names(row)):
            return Choice(row.id, row.kaggle_id, row.kind, row.time_cap_s, _warning(row))
    if _KAGGLE_ID.fullmatch(wanted):
        return _free_text(wanted)
    names = [name for row in table().items for name in _names(row)]
    near = difflib.get_close_matches(wanted.casefold(), names, n=3, cutoff=0.5)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    raise UnknownAccelerator(f"There is no accelerator called {text!r}.{hint}", suggestions=near)


def label_of(text: str) -> str:
    """The name on screen for an accelerator as stored in a job; the text itself when unknown."""
    for row in table().items:
        if text.casefold() in _names(row):
            return row.label
    return text


def _names(row: Accelerator) -> set[str]:
    return {name.casefold() for name in (row.id, row.label, row.kaggle_id, *row.aliases)}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold().replace("×", "x"))


def _free_text(shape: str) -> Choice:
    kind = AcceleratorKind.TPU if shape.startswith("Tpu") else AcceleratorKind.GPU
    warning = (
        f"{shape} is not in Kaggle Lab's table of {table().as_of}. Kaggle runs shapes it does not know on "
        "its default GPU without saying so, and that uses GPU quota."
    )
    return Choice(shape, shape, kind, 9 * 3600 if kind is AcceleratorKind.TPU else 12 * 3600, warning)


def _warning(row: Accelerator) -> str:
    if row.availability is Availability.RETIRED:
        return f"{row.label} is retired: Kaggle runs {label_of(row.replaced_by)} instead."
    if row.availability is Availability.GATED:
        return (
            f"{row.label} is not open to everyone. Kaggle may run the default GPU instead without saying "
            f"so. {row.note}"
        )
    return ""
