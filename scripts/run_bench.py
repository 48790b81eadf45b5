"""``make bench``: set up, then measure the budgets (``ARGS="--quick imports"`` for a part)."""

from __future__ import annotations

import sys

from common import PYTHON, call, guarded
from setup_env import set_up


def main() -> int:
    """Hand the arguments on to the benchmarks package."""
    set_up()
    return call([PYTHON, "-m", "benchmarks", *sys.argv[1:]])


if __name__ == "__main__":
    guarded(main)
