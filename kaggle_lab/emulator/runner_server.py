"""The Jupyter server of an interactive session, copied into the sandbox and started there as a program.

`server.py FOLDER FILE` serves the current folder and opens FILE first. It listens on a Unix socket in FOLDER,
so that it is reached also when the session has no network, below the path that the environment variable
KAGGLE_EMULATOR_JUPYTER_PATH holds: whoever knows that path is let in, so it is kept from the log. Once a
second it notes in FOLDER that it answers, and when something was last done with it.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # A matter of checking formats that takes over a second to import and that no server needs.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

import contextlib
import functools
import importlib.util
import io
import json
import os
import socket
import time
from pathlib import Path
from typing import Any, TextIO

from jupyter_core.paths import jupyter_config_dir
from jupyter_server.auth import IdentityProvider, User
from jupyter_server.serverapp import ServerApp
from tornado.httpserver import HTTPServer
from tornado.ioloop import PeriodicCallback
from tornado.netutil import bind_unix_socket
from tornado.web import RequestHandler
from traitlets.config import Config

PATH_VARIABLE = "KAGGLE_EMULATOR_JUPYTER_PATH"
SOCKET = "jupyter.sock"
ACTIVITY = "activity.json"
_NOTE_EVERY_MS = 1000
_LAB_CONFIG: dict[str, Any] = {
    "page_config": {"disabledExtensions": {"kaggle-lab": True}},  # no button to submit from inside a session
    "default_setting_overrides": {
        "@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"}
    },
}


class PathIsKey(IdentityProvider):
    """Everybody who comes is the owner: nobody else knows the path."""

    async def get_user(self, handler: RequestHandler) -> User:
        return User("owner", "Owner", "Owner", "O")

    @property
    def auth_enabled(self) -> bool:
        return True


class WithoutSecret(io.TextIOWrapper):
    """Text output in which a secret never appears."""

    def __init__(self, stream: TextIO, secret: str) -> None:
        super().__init__(stream.buffer, encoding="utf-8", errors="backslashreplace", line_buffering=True)
        self._secret = secret

    def write(self, text: str) -> int:
        return super().write(text.replace(self._secret, "***"))


def make_server(path: str, file: str) -> ServerApp:
    """A server of the current folder below `path`, without a way in yet."""
    server = ServerApp(config=_config(path, file))
    server.initialize(argv=[], find_extensions=False, new_httpserver=False)
    return server


def _config(path: str, file: str) -> Config:
    has_lab = importlib.util.find_spec("jupyterlab") is not None
    values: dict[str, dict[str, Any]] = {
        "ServerApp": {
            "base_url": path,
            "root_dir": str(Path.cwd()),
            "default_url": f"/lab/tree/{file}" if has_lab else "/tree",
            "identity_provider_class": PathIsKey,
            "jpserver_extensions": {"jupyterlab": has_lab, "jupyter_server_terminals": True},
            "allow_remote_access": True,
            "allow_root": True,
            "disable_check_xsrf": True,  # another site's page does not know the path
            "open_browser": False,
            "log_level": "WARN",
        },
        "IdentityProvider": {"token": ""},
        # A session may have no internet, and what it has belongs to the notebook.
        "LabApp": {
            "news_url": None,
            "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "extension_manager": "readonly",
        },
    }
    return Config(values)


def _begin_with_a_clean_config() -> None:
    """Our own settings for JupyterLab and nothing of the machine's."""
    os.environ["JUPYTER_NO_CONFIG"] = "1"
    folder = Path(jupyter_config_dir(), "labconfig")
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in _LAB_CONFIG.items():
        (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")


def listen(folder: Path) -> socket.socket:
    """The socket in `folder`, by its name alone: a whole path may be longer than a socket's may be."""
    with contextlib.chdir(folder):
        return bind_unix_socket(SOCKET)


def last_activity(server: ServerApp) -> float:
    """When something was last done with the server, in epoch seconds; now, while a cell runs."""
    kernels: list[dict[str, Any]] = server.kernel_manager.list_kernels()  # type: ignore[no-untyped-call]
    if any(kernel["execution_state"] == "busy" for kernel in kernels):
        return time.time()
    return float(server.web_app.last_activity().timestamp())  # type: ignore[no-untyped-call]


def note_activity(server: ServerApp, folder: Path) -> None:
    """Tell the emulator, in one step, so that it never reads half a note."""
    part = folder / f".{ACTIVITY}.part"
    note = {"noted_at": time.time(), "active_at": last_activity(server)}
    with contextlib.suppress(OSError):  # a full disk: the next note may get through
        part.write_text(json.dumps(note), encoding="utf-8")
        part.replace(folder / ACTIVITY)


def main() -> int:
    """Serve until told to shut down; the exit code is then 0."""
    folder, file = Path(sys.argv[1]), sys.argv[2]
    path = os.environ.pop(PATH_VARIABLE)
    secret = path.split("/")[-2]  # …/<secret>/proxy
    sys.stdout, sys.stderr = WithoutSecret(sys.stdout, secret), WithoutSecret(sys.stderr, secret)
    _begin_with_a_clean_config()
    server = make_server(path, file)
    sizes = {"max_body_size": server.max_body_size, "max_buffer_size": server.max_buffer_size}
    HTTPServer(server.web_app, **sizes).add_socket(listen(folder))
    note = functools.partial(note_activity, server, folder)
    server.io_loop.add_callback(note)
    PeriodicCallback(note, _NOTE_EVERY_MS).start()
    server.start()
    return 0


if __name__ == "__main__":
    sys.exit(main())
