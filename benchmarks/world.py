"""An emulator for measuring, with both clients signed in to it: Kaggle's own, and ours."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kaggle_lab.emulator.testing import EmulatorProcess

from .processes import ROOT, Cost, measure

BIN = ROOT / ".venv" / "bin"
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}
EMPTY_CELL: dict[str, object] = {
    "cell_type": "code",
    "id": "only",
    "metadata": {},
    "outputs": [],
    "execution_count": None,
}


@dataclass(frozen=True)
class World:
    """One emulator and a scratch folder; ``home`` is the home folder of both clients."""

    emulator: EmulatorProcess
    home: Path

    def kaggle(self, *words: str | Path) -> Cost:
        """Run Kaggle's own command line."""
        return measure(
            [BIN / "kaggle", *words], env=self.emulator.client_environment(self.home), cwd=self.home
        )

    def ours(self, *words: str | Path) -> Cost:
        """Run ``jupyter kaggle``."""
        return measure([BIN / "jupyter", "kaggle", *words], env=self.our_env(), cwd=self.home)

    def our_env(self) -> dict[str, str]:
        """The environment of everything of ours: this emulator, a home of its own."""
        env = {
            name: text for name, text in os.environ.items() if not name.startswith(("KAGGLE_", "JUPYTER_"))
        }
        return {
            **env,
            "HOME": str(self.home),
            "PATH": f"{BIN}{os.pathsep}{env.get('PATH', '')}",
            "KAGGLE_LAB_ENDPOINT": self.emulator.url,
            "KAGGLE_LAB_PUSH_GAP_S": "0",  # a pause between two submissions, which one click never meets
            "KAGGLE_LAB_DATA_DIR": str(self.home / "kaggle_lab"),
        }

    def notebook(self, name: str, source: str) -> Path:
        """A notebook with one cell, and beside it the folder from which Kaggle's client pushes the same."""
        notebook = {
            "cells": [{**EMPTY_CELL, "source": source}],
            "metadata": {"kernelspec": KERNELSPEC},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        folder = self.home / f"push-{name}"
        folder.mkdir(exist_ok=True)
        for path in (self.home / f"{name}.ipynb", folder / f"{name}.ipynb"):
            path.write_text(json.dumps(notebook), encoding="utf-8")
        about = {
            "id": f"{self.emulator.username}/{name}-pushed",
            "title": f"{name} pushed",
            "code_file": f"{name}.ipynb",
            "language": "python",
            "kernel_type": "notebook",
            "is_private": True,
            "enable_internet": True,
        }
        (folder / "kernel-metadata.json").write_text(json.dumps(about), encoding="utf-8")
        return self.home / f"{name}.ipynb"


@contextmanager
def world(folder: Path, **settings: object) -> Iterator[World]:
    """Start an emulator in ``folder`` with these settings; it ends with everything it runs."""
    home = folder / "home"
    home.mkdir(parents=True)
    with EmulatorProcess(folder / "kaggle") as emulator:
        emulator.settings(max_cpu_sessions=1000, **settings)
        yield World(emulator, home)
