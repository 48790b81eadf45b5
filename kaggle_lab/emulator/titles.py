"""Titles and slugs as Kaggle derives them."""

from __future__ import annotations

import re
import unicodedata


def slugify(title: str) -> str:
    """Lower case, runs of anything but ASCII letters and digits become one hyphen, ends trimmed."""
    plain = unicodedata.normalize("NFKD", title)
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub(r"[^a-z0-9]+", "-", letters.lower()).strip("-")


def is_usable_slug(slug: str) -> bool:
    """False for the slugs a new kernel cannot have: empty, not ASCII, or led by a digit."""
    return bool(re.fullmatch(r"[A-Za-z_-][A-Za-z0-9_-]*", slug))
