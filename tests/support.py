"""Helpers for tests: notebooks, and waiting for a condition."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any


def make_notebook(*sources: str, **metadata: Any) -> dict[str, Any]:
    """A notebook with these code cells, as the browser would send it."""
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{n}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for n, source in enumerate(sources)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}, **metadata},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def write_notebook(path: Path, *sources: str, **metadata: Any) -> Path:
    """Save such a notebook."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(make_notebook(*sources, **metadata)), encoding="utf-8")
    return path


def wait_until(condition: Callable[[], Any], deadline_s: float = 60.0, what: str = "") -> Any:
    """Return the first truthy value of ``condition``; fail after the deadline."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {deadline_s} s: {what or condition}")


async def until(condition: Callable[[], Awaitable[Any]], deadline_s: float = 60.0, what: str = "") -> Any:
    """Like :func:`wait_until` for a condition that is awaited."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        value = await condition()
        if value:
            return value
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {deadline_s} s: {what or condition}")
