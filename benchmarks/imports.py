"""What the extension adds to the start of a Jupyter server, in cold processes."""

from __future__ import annotations

import os
import statistics
import sys

from .processes import measure
from .report import Row

BUDGET_MS = 15.0
# The server has imported these before it looks at any extension.
PROBE = """
import time
started = time.process_time()
import jupyter_server.serverapp, jupyter_server.extension.manager
server = time.process_time()
import importlib, kaggle_lab
for point in kaggle_lab._jupyter_server_extension_points():
    importlib.import_module(point["module"])
ours = time.process_time()
print("PROBE", (server - started) * 1000, (ours - server) * 1000)
"""


def rows(*, quick: bool) -> list[Row]:
    """Median milliseconds of processor time that importing the extension takes, beside the server's own.

    Imports wait for nothing, so this is what passes on a quiet machine, also when this one is not.
    """
    pairs = [_probe() for _ in range(5 if quick else 21)]
    server = statistics.median(pair[0] for pair in pairs)
    ours = statistics.median(pair[1] for pair in pairs)
    return [Row("added to server import", "ms", ours, BUDGET_MS, "jupyter_server itself", server)]


def _probe() -> tuple[float, float]:
    output = measure([sys.executable, "-c", PROBE], env=os.environ).output
    line = next(line for line in output.splitlines() if line.startswith("PROBE"))
    server, ours = line.split()[1:]
    return float(server), float(ours)
