"""How long a submission takes, against ``kaggle kernels push``: the button, and the command line."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .processes import Cost, alternate, middle
from .report import Row
from .server import server
from .world import World, world

BUTTON_BUDGET = 1.0
COMMAND_BUDGET = 2.0
"""Ours also reads the kernel before it pushes, and writes the job down first."""
NEVER_S = 86_400.0
PEER = "kaggle kernels push"


def rows(*, quick: bool) -> list[Row]:
    """Median seconds from the click, or the Enter key, to Kaggle's acceptance. All runs stay queued."""
    times = 2 if quick else 7
    return [_button(times), _command(times)]


def _button(times: int) -> Row:
    with _queue() as there, server(there.home, there.our_env()) as jupyter:
        notebook = there.notebook("submitted", "print('hello')")
        peer, ours = alternate(_push(there), lambda: jupyter.submit(notebook, "submitted ours"), times)
    return Row("submit: the button", "s", middle(ours), BUTTON_BUDGET, PEER, middle(peer), of="ratio")


def _command(times: int) -> Row:
    with _queue() as there:
        notebook = there.notebook("submitted", "print('hello')")
        peer, ours = alternate(
            _push(there), lambda: there.ours("submit", notebook.name, "--title", "submitted ours"), times
        )
    return Row("submit: jupyter kaggle", "s", middle(ours), COMMAND_BUDGET, PEER, middle(peer), of="ratio")


@contextmanager
def _queue() -> Iterator[World]:
    """A world in which nothing ever starts, so that no run disturbs the clock."""
    with tempfile.TemporaryDirectory() as scratch, world(Path(scratch), queue_delay_s=NEVER_S) as there:
        yield there


def _push(there: World) -> Callable[[], Cost]:
    return lambda: there.kaggle("kernels", "push", "-p", there.home / "push-submitted")
