"""Runs one notebook as Kaggle does: papermill, then nbconvert twice, also after a failure.

This file is copied into the sandbox and started there as a program of its own, in the notebook's
folder. It ends with 1 when a cell or the notebook itself failed, else with 0.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading
import traceback
from typing import Any

_KERNEL_START_S = 300
_AUTOSAVE_S = 10
_OUTPUT_BACKLOG_S = 600  # a cell that prints much has ended long before its output is through


def run(notebook: str) -> bool:
    """Execute ``notebook`` in place and tell whether it succeeded; a failure is printed as Python would."""
    try:
        _execute(notebook)
    except Exception as error:
        _print_from_here(error)
        return False
    return True


def _execute(notebook: str) -> None:
    import papermill.execute  # type: ignore[import-untyped]

    papermill.execute.raise_for_execution_errors = _honour_raises_exception(
        papermill.execute.raise_for_execution_errors
    )
    threading.Thread(target=importlib.import_module, args=["nbconvert.nbconvertapp"], daemon=True).start()
    options = {
        "progress_bar": False,
        "stdout_file": sys.stdout,
        "stderr_file": sys.stderr,
        "start_timeout": _KERNEL_START_S,
        "autosave_cell_every": _AUTOSAVE_S,
        "iopub_timeout": _OUTPUT_BACKLOG_S,
    }
    names = {"execute_notebook": papermill.execute.execute_notebook, "notebook": notebook, "options": options}
    exec(compile("execute_notebook(notebook, notebook, **options)", "<string>", "exec"), names)  # noqa: S102


def _honour_raises_exception(check: Any) -> Any:
    """papermill runs on after a cell that is tagged so, yet fails in the end; Kaggle does not."""

    def check_untagged(nb: Any, output_path: Any) -> None:
        if any(_failed(cell) for cell in nb.cells if "raises-exception" not in cell.metadata.get("tags", ())):
            check(nb, output_path)

    return check_untagged


def _failed(cell: Any) -> bool:
    has_error = any(output.output_type == "error" for output in cell.get("outputs", ()))
    return has_error or cell.metadata.get("papermill", {}).get("exception") is True


def _print_from_here(error: Exception) -> None:
    """Print the traceback without this file's own frames, so that it begins at ``<string>`` as on Kaggle."""
    report = traceback.TracebackException.from_exception(error)
    report.stack[:] = [frame for frame in report.stack if frame.filename != __file__]
    print("".join(report.format()), end="", file=sys.stderr, flush=True)  # noqa: T201


def convert(notebook: str) -> None:
    """Write the notebook as such once more, and as ``__results__.html`` with its pictures in files."""
    from nbconvert.nbconvertapp import NbConvertApp

    _convert(NbConvertApp, [notebook, "--to", "notebook", "--output", "__notebook__"])
    extract = "--ExtractOutputPreprocessor.enabled=True"
    _convert(NbConvertApp, [notebook, "--to", "html", "--output", "__results__", extract])


def _convert(app: Any, argv: list[str]) -> None:
    app.clear_instance()
    with contextlib.suppress(SystemExit):  # a notebook that cannot be read; the reason is on stderr
        app.launch_instance(argv)


def main() -> int:
    """Run and convert the notebook named on the command line."""
    # A matter of checking formats that takes over a second to import and that no notebook needs.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    succeeded = run(sys.argv[1])
    convert(sys.argv[1])
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
