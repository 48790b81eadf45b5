"""The server extension: settings as traits, routes, and the one manager of this server.

Loading it imports nothing of Kaggle's packages and opens nothing. The manager is made when a browser asks
for it, or after start-up when the store may hold unfinished runs. Whatever goes wrong with it (a broken
store, no network, no credentials) is answered to the browser and never harms the Jupyter server.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Float, Integer, Unicode

from .desk import ManagerDesk
from .handlers import routes
from .opening import tell_children

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from .config import Config


def _text(help: str) -> Any:
    return Unicode(None, allow_none=True, help=help).tag(config=True)


def _seconds(help: str) -> Any:
    return Float(None, allow_none=True, help=f"{help} In seconds.").tag(config=True)


def _count(help: str) -> Any:
    return Integer(None, allow_none=True, help=help).tag(config=True)


class KaggleLab(ExtensionApp):
    """Run the open notebook on Kaggle's machines.

    A setting that is not given here is taken from ``KAGGLE_LAB_<NAME>`` in the environment, else it has its
    default of ``kaggle_lab.config.Config``.
    """

    name = "kaggle_lab"
    load_other_extensions = True

    endpoint = _text("Where Kaggle's API is: empty for Kaggle, 'emulator' for the local emulator, or a URL.")
    endpoint_kind = _text("'kaggle' when the URL is a mirror of Kaggle that may get the real credentials.")
    data_dir = _text("Folder of the list of runs; default <jupyter data dir>/kaggle_lab.")
    output_dir = _text("Where outputs land: a pattern with {notebook}, {version}, {job}, {slug}.")
    retrieve = _text("Whether outputs come by themselves when a run ends: 'auto', 'ask' or 'never'.")
    settle_s = _seconds("How long Kaggle is given to show a push whose answer was lost.")
    push_gap_s = _seconds("Least time between two pushes.")
    poll_first_s = _seconds("Interval of status questions right after a push.")
    poll_queued_s = _seconds("Interval of status questions while a run waits for a machine.")
    poll_running_s = _seconds("Interval of status questions while a run goes on.")
    poll_max_s = _seconds("Longest interval after repeated failures.")
    push_window_s = _seconds("For this long after a push Kaggle may show no state, or the previous one.")
    quota_ttl_s = _seconds("How long a quota answer counts as fresh.")
    watch_interval_s = _seconds("How often the local store is looked at for other processes' changes.")
    lease_s = _seconds("How long one process is the one that follows a run, unless it renews.")
    waiting_retry_s = _seconds("How often a run that waits for a free slot is tried again.")
    connect_timeout_s = _seconds("Longest wait for a connection.")
    read_timeout_s = _seconds("Longest wait for an answer.")
    stream_timeout_s = _seconds("Longest silence on a log stream.")
    stream_retry_s = _seconds("Wait before a cut log stream is opened again.")
    downloads_at_once = _count("How many output files are fetched at the same time.")
    download_attempts = _count("How often one file is tried.")
    log_lines_kept = _count("Most log lines kept for one run.")
    emulator_port = _count("Port of the emulator started by Kaggle Lab; 0 takes a free one.")
    emulator_args = _text("More arguments for that emulator, as on a command line.")

    def initialize_settings(self) -> None:
        """Give the handlers their way to the manager, and the server's kernels our settings."""
        assert self.serverapp is not None
        bus = self.serverapp.event_logger
        assert bus is not None
        root = self.serverapp.root_dir
        self.desk = ManagerDesk(self.lab_config, root, bus, self.log)
        self.settings["kaggle_lab_desk"] = self.desk
        given = {name: getattr(self, name) for name in self.class_own_traits(config=True)}
        tell_children(root, given, os.environ)

    def initialize_handlers(self) -> None:
        """Add the routes under ``/kaggle-lab/api/``."""
        self.handlers.extend(routes())

    def lab_config(self) -> Config:
        """The settings as the core wants them. Raises ValueError naming the wrong variable."""
        import dataclasses

        from .config import Config, config_from_env

        names = [spec.name for spec in dataclasses.fields(Config) if self.has_trait(spec.name)]
        return config_from_env(**{name: getattr(self, name) for name in names})

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        self.desk.resume_later()

    async def stop_extension(self) -> None:
        """Stop the manager with the server. Never raises: other extensions wait behind us."""
        await self.desk.close()
