"""Code that runs inside the Kaggle session. It ships as text and is never imported by us."""

from __future__ import annotations

from pathlib import Path

MARKER = "::kaggle-lab:: "
"""A line of the log that begins so is a message of the prologue, in JSON; it is not shown as log."""

THIS_RUN = "_kaggle_lab_run"
"""What the prologue calls the object that stands for the run itself."""


def prologue_source(job_id: str, cells: int, *, is_named: bool = False) -> str:
    """The first cell of a submitted Python notebook: hardware facts, session id, progress of cells.

    ``cells`` is how many code cells with anything in them follow; ``is_named``: they use :data:`THIS_RUN`.
    """
    text = (Path(__file__).parent / "session.py").read_text(encoding="utf-8")
    named = ", is_named=True" if is_named else ""
    return f"{text}\n\n_kaggle_lab_prologue({job_id!r}, {cells}{named})\ndel _kaggle_lab_prologue\n"
