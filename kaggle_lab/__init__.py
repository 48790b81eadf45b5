"""Kaggle Lab: run the notebook that is open in JupyterLab on Kaggle's machines.

Importing this package costs next to nothing; everything heavy is imported where it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["__version__", "load_ipython_extension", "unload_ipython_extension"]


def _read_version() -> str:
    from importlib import import_module

    try:
        return str(import_module("kaggle_lab._version").__version__)  # written by the wheel's build
    except ImportError:
        return _version_of_checkout()


def _version_of_checkout() -> str:
    import json
    from pathlib import Path

    manifest = Path(__file__).parent.parent / "package.json"
    try:
        return str(json.loads(manifest.read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError):
        return "0.0.0"


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value = globals()["__version__"] = _read_version()
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "kaggle-lab"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from .extension import KaggleLab

    return [{"module": "kaggle_lab.extension", "app": KaggleLab}]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """``%load_ext kaggle_lab``: add the magics to this shell."""
    from .magic import register

    register(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """``%unload_ext kaggle_lab``: stop what the magics started in this process."""
    from .magic import unregister

    unregister(shell)
