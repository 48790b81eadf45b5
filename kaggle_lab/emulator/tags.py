"""The tags this emulator knows; a push or a dataset may name others, which are then reported."""

from __future__ import annotations

KNOWN_TAGS = {
    "beginner", "intermediate", "advanced", "gpu", "tpu", "tabular", "image", "text", "nlp", "audio",
    "education", "deep learning", "computer vision", "data visualization", "exploratory data analysis",
    "classification",
    "regression", "clustering", "time series analysis", "transfer learning", "neural networks", "tutorial",
}  # fmt: skip


def split_tags(names: list[str]) -> tuple[list[str], list[str]]:
    """Known and unknown ones, in order."""
    known = [name for name in names if name.lower() in KNOWN_TAGS]
    return known, [name for name in names if name.lower() not in KNOWN_TAGS]
