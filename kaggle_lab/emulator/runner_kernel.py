"""The Jupyter kernel of a session, copied into the sandbox and started there by a kernelspec.

It is ipykernel, less two things that would only disturb the log: what the kernel captures from its own
file descriptors is not written to the container's output a second time, and it does not warn about its
loopback port. As in Kaggle's image plots appear in the notebook although MPLBACKEND says "agg".
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    sys.path.pop(0)  # this file's folder; a notebook imports from its working folder instead

import faulthandler
import importlib.abc
import importlib.util
import logging
import os
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from ipykernel.kernelapp import IPKernelApp


class InlinePlots(importlib.abc.MetaPathFinder):
    """Gives matplotlib, when it is first imported, the backend that draws into the notebook."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "matplotlib" or os.environ.get("MPLBACKEND") != "agg":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = _with_inline_backend(spec.loader.exec_module)  # type: ignore[method-assign]
        return spec


def _with_inline_backend(load: Any) -> Any:
    def exec_module(module: ModuleType) -> None:
        os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
        try:
            load(module)
        finally:
            os.environ["MPLBACKEND"] = "agg"

    return exec_module


class SessionKernelApp(IPKernelApp):
    """ipykernel with its raw output silenced once the notebook has it; crash reports still come through."""

    def init_sockets(self) -> None:
        level = self.log.level
        self.log.setLevel(logging.ERROR)
        super().init_sockets()  # type: ignore[no-untyped-call]
        self.log.setLevel(level)

    def init_io(self) -> None:
        self._raw_stderr = os.dup(2)
        super().init_io()  # type: ignore[no-untyped-call]
        silence = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            copy = getattr(stream, "_original_stdstream_copy", None)
            if copy is not None:
                os.dup2(silence, copy)
        os.close(silence)

    def patch_io(self) -> None:
        super().patch_io()  # type: ignore[no-untyped-call]
        faulthandler.enable(file=self._raw_stderr)


if __name__ == "__main__":
    sys.meta_path.insert(0, InlinePlots())
    SessionKernelApp.launch_instance()
