"""``python -m benchmarks [--quick] [NAME …]``: measure, print a table, keep the figures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from . import bundles, imports, report, retrieving, submitting

PARTS: dict[str, Callable[..., list[report.Row]]] = {
    "imports": imports.rows,
    "bundles": bundles.rows,
    "submitting": submitting.rows,
    "retrieving": retrieving.rows,
}


def main() -> int:
    """Measure the parts named (all by default); 1 when a budget is broken."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="NAME", help=f"any of {', '.join(PARTS)}; default all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller files")
    asked = parser.parse_args()
    unknown = set(asked.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    rows: list[report.Row] = []
    for name in asked.parts or PARTS:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        rows += PARTS[name](quick=asked.quick)
    print(report.table(rows))
    print(f"\nkept in {report.write(rows, quick=asked.quick)}")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
