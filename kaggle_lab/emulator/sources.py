"""Turning the sources a push names into folders to mount. Each kind of source is one resolver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .accounts import Account
from .bundles import Bundles
from .competitions import Competitions
from .datasets import Datasets
from .folders import Folders
from .kernels import Kernels
from .models_hub import Models, framework_folder, framework_named
from .sessions import Sessions
from .settings import Settings


@dataclass(frozen=True)
class Mount:
    """A folder of this machine and the two places under /kaggle/input where a session sees it.

    `version` is the number of what is mounted, 0 where there are no versions.
    """

    mount: str
    old_mount: str
    path: str
    version: int = 0


@dataclass(frozen=True)
class Shelves:
    """Where the sources of each kind are kept."""

    kernels: Kernels
    sessions: Sessions
    folders: Folders
    bundles: Bundles
    datasets: Datasets
    models: Models
    competitions: Competitions
    settings: Callable[[], Settings]


class Sources:
    """All kinds. `resolve` gives None for a source that does not exist or may not be used."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves
        self._resolvers: dict[str, Callable[[str, Account, bool], Mount | None]] = {
            "dataset": self._dataset,
            "competition": self._competition,
            "model": self._model,
            "kernel": self._kernel,
        }

    def resolve(self, kind: str, source: str, caller: Account, pins: bool = False) -> Mount | None:
        """What a source is now. With `pins` a version at its end is honoured whatever the settings say."""
        return self._resolvers[kind](source, caller, pins)

    def split(self, kind: str, sources: list[str], caller: Account) -> tuple[list[str], list[str]]:
        """Usable and unusable ones, in order, doubles dropped."""
        usable: list[str] = []
        unusable: list[str] = []
        for source in dict.fromkeys(sources):
            (usable if self._is_accepted(kind, source, caller) else unusable).append(source)
        return usable, unusable

    def _is_accepted(self, kind: str, source: str, caller: Account) -> bool:
        if kind == "competition" and self._shelves.settings().unentered_competition == "unmounted":
            return self._shelves.competitions.find(source) is not None
        return self.resolve(kind, source, caller) is not None

    def _dataset(self, source: str, caller: Account, pins: bool) -> Mount | None:
        """`owner/slug`, the current version; what a number after another `/` means is a setting."""
        owner, slug, number = _split(source)
        settings = self._shelves.settings()
        pin = "honoured" if pins else settings.dataset_version_pin
        dataset = self._shelves.datasets.find(owner, slug)
        if dataset is None or not dataset.may_read(caller) or (number and pin == "invalid"):
            return None
        wanted = _number(number) if pin == "honoured" else 0
        version = self._shelves.datasets.numbered(dataset, wanted, settings)
        if version is None:
            return None
        path = str(self._shelves.bundles.files(version.bundle_id).resolve())
        return Mount(f"datasets/{dataset.owner}/{dataset.slug}", dataset.slug, path, version.number)

    def _competition(self, source: str, caller: Account, _pins: bool) -> Mount | None:
        """A slug, once the rules are accepted."""
        competition = self._shelves.competitions.find(source)
        if competition is None or not self._shelves.competitions.has_entered(competition, caller):
            return None
        if not self._shelves.bundles.is_ready(competition.bundle_id, self._shelves.settings()):
            return None
        path = str(self._shelves.bundles.files(competition.bundle_id).resolve())
        return Mount(f"competitions/{competition.slug}", competition.slug, path)

    def _model(self, source: str, caller: Account, _pins: bool) -> Mount | None:
        """`owner/model/framework/variation`, with a version or the newest."""
        parts = source.split("/")
        framework = framework_named(parts[2]) if len(parts) in (4, 5) else None
        model = self._shelves.models.find(parts[0], parts[1]) if framework else None
        if model is None or framework is None or not model.may_read(caller):
            return None
        instance = self._shelves.models.instance(model, framework, parts[3])
        wanted = _number(parts[4]) if len(parts) == 5 else 0
        if instance is None:
            return None
        version = self._shelves.models.ready(instance, wanted, self._shelves.settings())
        if version is None:
            return None
        path = str(self._shelves.bundles.files(version.bundle_id).resolve())
        tail = f"{model.slug}/{framework_folder(framework)}/{instance.slug}/{version.number}"
        return Mount(f"models/{model.owner}/{tail}", tail, path, version.number)

    def _kernel(self, source: str, caller: Account, _pins: bool) -> Mount | None:
        """`owner/slug`, a version after another `/` being ignored: the latest complete version's output."""
        owner, slug, _ = _split(source)
        kernel = self._shelves.kernels.find(owner, slug)
        if kernel is None or (kernel.is_private and kernel.account_id != caller.id):
            return None
        session = self._shelves.sessions.latest_complete(kernel.id)
        if session is None:
            return None
        path = str(self._shelves.folders.working(session.id).resolve())
        return Mount(f"notebooks/{kernel.owner}/{kernel.slug}", kernel.slug, path, session.version)


def _split(source: str) -> tuple[str, str, str]:
    """Owner, slug and version, the last one "" when it is not there; all "" for what cannot be a source."""
    parts = source.split("/")
    if len(parts) not in (2, 3):
        return "", "", ""
    return parts[0], parts[1], parts[2] if len(parts) == 3 else ""


def _number(text: str) -> int:
    """A version number; -1, which no version has, for any other text. "" is 0."""
    return int(text) if text.isdecimal() else -1 if text else 0
