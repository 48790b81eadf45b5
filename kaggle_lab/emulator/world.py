"""The emulated Kaggle: every part in one place, wired once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import starter
from .accelerators import NONE
from .accounts import SEEDS, Accounts, Seed
from .blobs import Blobs
from .bundles import Bundles
from .clock import Clock
from .competitions import Competitions
from .datasets import Datasets
from .db import Database
from .faults import Faults
from .folders import Folders, read_json
from .journal import Journal
from .jupyter_place import last_note, path_of
from .kernels import Kernel, Kernels, Version
from .logs import PREAMBLE, append_record
from .models_hub import Models
from .outputs import Links, Listings
from .quota import Quota
from .scenarios import Scenario
from .sessions import INTERACTIVE, Session, Sessions
from .settings import Settings
from .sources import Mount, Shelves, Sources
from .supervisor import Supervisor
from .user_secrets import UserSecrets, session_token

_SCRIPT_ENDINGS = {"python": ".py", "r": ".R", "rmarkdown": ".Rmd", "julia": ".jl", "sqlite": ".sql"}
SECRETS_PURPOSE = "user-secrets"
NOTE_PATIENCE_S = 10.0  # after which a Jupyter server that says nothing is taken at its last word
_IMAGES = {"CPU": "gcr.io/kaggle-images/python", "GPU": "gcr.io/kaggle-gpu-images/python"}


@dataclass(frozen=True)
class Options:
    """How this server was started: settings of the command line and extra accounts."""

    settings: Settings = field(default_factory=Settings)
    accounts: tuple[Seed, ...] = ()
    scenario: Scenario | None = None


class World:
    """State and services of the emulator. `base_url` is set once the port is known."""

    def __init__(self, root: Path, options: Options) -> None:
        """Open or create the data directory. Raises `NewerDataError`, OSError, sqlite3.Error."""
        self.options = options
        self.base_url = ""
        self.after_reset: list[Callable[[], None]] = []
        self.folders = Folders(root)
        self.folders.prepare()
        self.database = Database(root / "state.db")
        self.clock = Clock(self.database)
        self.accounts = Accounts(self.database, self.clock)
        self.accounts.seed(SEEDS + options.accounts)
        self.kernels = Kernels(self.database)
        self.sessions = Sessions(self.database)
        self.quota = Quota(self.database, self.clock, self.sessions)
        self.blobs = Blobs(self.database, self.folders, self.clock)
        self.bundles = Bundles(self.database, self.folders, self.clock, starter.GENERATORS)
        self.datasets = Datasets(self.database, self.bundles)
        self.models = Models(self.database, self.bundles)
        self.competitions = Competitions(self.database, self.folders, self.clock)
        self.user_secrets = UserSecrets(self.database)
        self.sources = Sources(
            Shelves(
                self.kernels,
                self.sessions,
                self.folders,
                self.bundles,
                self.datasets,
                self.models,
                self.competitions,
                lambda: self.settings,
            )
        )
        self.listings = Listings()
        self.session_secret = self.database.meta("link_secret")
        self.links = Links(self.session_secret, self.clock)
        self.faults = Faults()
        self.supervisor = Supervisor(
            self.folders, self.clock, self.sessions, self._prepare_session, self._is_idle
        )
        self.settings = self._stored_settings()
        self.journal = Journal(self.settings.request_log_size)
        self._open_hub()

    def _open_hub(self) -> None:
        """Go on with what an earlier server had begun, and see that the starter content is there."""
        self.blobs.purge(self.settings.upload_expiry_s)
        self.bundles.adopt()
        starter.stock(self)
        self.competitions.purge()
        self.competitions.adopt(
            lambda competition: self.bundles.files(competition.judge_bundle_id),
            self.settings.scoring_limit_s,
        )

    def purge_bundles(self) -> None:
        """Remove the files of what was deleted; those a living session has mounted go a later time."""
        self.listings.forget()
        self.bundles.purge(self._mounted())

    def _mounted(self) -> set[Path]:
        specs = (
            read_json(self.folders.session(each.id) / "spec.json") for each in self.sessions.unfinished()
        )
        return {Path(item["path"]) for spec in specs if spec for item in spec["inputs"]}

    def empty_hub(self) -> None:
        """Forget all datasets, models, competitions, uploads and secrets but the starter content."""
        self.user_secrets.forget()
        self.blobs.forget()
        starter.restock(self)
        self.competitions.purge()
        self.purge_bundles()

    def _stored_settings(self) -> Settings:
        rows = self.database.rows("SELECT name, value FROM settings")
        known = {
            row["name"]: json.loads(row["value"])
            for row in rows
            if row["name"] in Settings.__dataclass_fields__
        }
        return self.options.settings.merged(known)

    def change_settings(self, changes: dict[str, Any]) -> Settings:
        """Switch and remember. Raises ValueError for unknown names and bad values; then nothing changes."""
        settings = self.settings.merged(changes)
        with self.database.transaction():
            for name in changes:
                value = json.dumps(getattr(settings, name))
                self.database.run("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, value)
        self.settings = settings
        return settings

    def try_settings(self, changes: dict[str, Any]) -> None:
        """Switch for a while, without remembering. Raises ValueError as `change_settings` does."""
        self.settings = self.settings.merged(changes)

    def recall_settings(self) -> None:
        """Back to what is remembered."""
        self.settings = self._stored_settings()

    def forget_settings(self) -> None:
        """Back to how the server was started."""
        self.database.run("DELETE FROM settings")
        self.settings = self.options.settings

    def kernel_url(self, kernel: Kernel) -> str:
        return f"{self.base_url}/code/{kernel.ref}"

    def session_limit_s(self, resource: str) -> float:
        return float(getattr(self.settings, f"{resource.lower()}_session_limit_s"))

    def _prepare_session(self, session: Session) -> dict[str, Any]:
        """Lay a session's source and first log line into its folder; the rest of `spec.json`."""
        kernel = self.kernels.by_id(session.kernel_id)
        if kernel is None:
            raise FileNotFoundError("the kernel of this session was deleted")
        version = self.kernels.version(kernel, session.version)
        folder = self.folders.session(session.id)
        name = _source_name(kernel, version)
        (folder / name).write_text(self.kernels.source(version), encoding="utf-8")
        if session.shape != NONE and not (folder / PREAMBLE).exists():
            append_record(folder, PREAMBLE, _no_accelerator(session), 0.0)
        return {
            "kernel_type": kernel.kernel_type,
            "language": version.metadata.language,
            "source": name,
            "machine_shape": session.shape,
            "internet": version.metadata.enable_internet if session.internet is None else session.internet,
            "jupyter_path": path_of(session.id, self.session_secret) if session.kind == INTERACTIVE else "",
            "timeout_s": session.timeout_s,
            "memory_limit_bytes": getattr(self.settings, f"{session.resource.lower()}_memory_limit_bytes"),
            "disk_limit_bytes": self.settings.disk_limit_bytes,
            "inputs": [
                {"mount": mount.mount, "old_mount": mount.old_mount, "path": mount.path}
                for mount in self._mounts(kernel, version)
            ],
            "env": self._environment(session, version),
            "queue_delay_s": self.settings.queue_delay_s,
        }

    def _is_idle(self, session: Session) -> bool:
        """Whether nobody has used an interactive session for longer than Kaggle keeps it.

        After the clock was moved the server's next word is waited for: a cell that runs has been busy all the
        while, which a note from before does not tell.
        """
        note = last_note(self.folders.session(session.id)) if session.kind == INTERACTIVE else None
        moved = self.clock.changed_at
        if note is None or (note.noted_at <= moved and self.clock.real() - moved < NOTE_PATIENCE_S):
            return False
        return self.clock.now() - self.clock.at(note.active_at) > self.settings.interactive_idle_timeout_s

    def _mounts(self, kernel: Kernel, version: Version) -> list[Mount]:
        caller = self.accounts.by_id(kernel.account_id)
        metadata = version.metadata
        wanted = [("dataset", source) for source in metadata.dataset_sources]
        wanted += [("competition", source) for source in metadata.competition_sources]
        wanted += [("kernel", source) for source in metadata.kernel_sources]
        wanted += [("model", source) for source in metadata.model_sources]
        mounts = [self.sources.resolve(kind, source, caller) for kind, source in wanted]
        return [mount for mount in mounts if mount is not None]

    def _environment(self, session: Session, version: Version) -> dict[str, str]:
        asked = session.docker_image or version.metadata.docker_image
        image = asked or _IMAGES.get(session.resource, _IMAGES["CPU"])
        return {
            "KAGGLE_KERNEL_RUN_TYPE": session.kind.capitalize(),
            "KAGGLE_URL_BASE": self.base_url,
            "KAGGLE_DATA_PROXY_URL": self.base_url,
            "KAGGLE_DATA_PROXY_PROJECT": "kaggle-161607",
            "KAGGLE_USER_SECRETS_TOKEN": session_token(session.id, SECRETS_PURPOSE, self.session_secret),
            "KAGGLE_DATA_PROXY_TOKEN": session_token(session.id, "data-proxy", self.session_secret),
            "KAGGLE_DOCKER_IMAGE": image,
            "KAGGLE_KERNEL_INTEGRATIONS": "",
        }

    def close(self) -> None:
        self.database.close()


def _source_name(kernel: Kernel, version: Version) -> str:
    if kernel.kernel_type == "notebook":
        return "source.ipynb"
    return f"source{_SCRIPT_ENDINGS.get(version.metadata.language, '.py')}"


def _no_accelerator(session: Session) -> str:
    machine = "this machine's own hardware" if Path("/dev/nvidia0").exists() else "this machine's CPU"
    kind = "TPU" if session.resource == "TPU" else "GPU"
    return f"[kaggle-emulator] No {kind} is emulated: asked for {session.shape}, running on {machine}."
