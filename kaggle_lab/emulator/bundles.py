"""Bundles of files: what a dataset version, a model version or a competition's data consists of.

A bundle is promised first, as a plan in the database, and then built by a thread into a folder of its own
that appears in one step. What is in the folder is therefore the truth: after a crash the plan is carried
out again. Once built a bundle never changes.
"""

from __future__ import annotations

import json
import logging
import queue
import secrets
import shutil
import threading
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .archives import ArchiveRefused, Budget, archive_stem, is_archive, link_or_copy, safe_parts, unpack
from .clock import Clock
from .db import Database
from .folders import Folders, read_json, write_json
from .settings import Settings

LOGGER = logging.getLogger("kaggle_emulator")
READY, FAILED = "READY", "FAILED"
_ON_THE_WAY = (
    "BLOBS_RECEIVED", "BLOBS_DECOMPRESSED", "BLOBS_COPIED_TO_SDS", "INDIVIDUAL_BLOBS_COMPRESSED",
)  # fmt: skip
_PATIENCE_S = 30.0  # for what is made here in a moment
_LONE_ARCHIVES = ("archive.zip",)

Generator = Callable[[Path], None]


@dataclass(frozen=True)
class PlannedFile:
    """One uploaded file of a bundle: where it goes, and the blob with its content."""

    name: str
    upload_key: str
    description: str = ""


@dataclass(frozen=True)
class Bundle:
    """What is known of a bundle; `outcome` is None while it is being built. `created_at` is a real moment."""

    id: int
    plan: dict[str, Any]
    created_at: float
    outcome: str | None
    error: str
    total_bytes: int
    file_count: int

    @property
    def descriptions(self) -> dict[str, str]:
        """What the uploader said about single files, by name."""
        return {file["name"]: file["description"] for file in self.plan.get("files", ())}


class Bundles:
    """All bundles, and the thread that builds them. Used from the server's thread only."""

    def __init__(
        self, database: Database, folders: Folders, clock: Clock, generators: dict[str, Generator]
    ) -> None:
        """`generators` make the content of the bundles that come with the emulator, by name."""
        self._database = database
        self._folders = folders
        self._clock = clock
        self._builder = _Builder(folders, generators)

    def create(self, files: list[PlannedFile], settings: Settings, created_at: float | None = None) -> Bundle:
        """Promise a bundle of uploaded files and begin to build it."""
        plan = {
            "files": [file.__dict__ for file in files],
            "limit_bytes": settings.dataset_limit_bytes,
            "lone_archive": settings.lone_archive,
        }
        return self._create(plan, self._clock.real() if created_at is None else created_at)

    def create_starter(self, name: str, created_at: float) -> Bundle:
        """Promise a bundle that comes with the emulator; one that was built before is used again."""
        for row in self._database.rows("SELECT * FROM bundles"):
            bundle = _bundle(row)
            if bundle.plan.get("starter") == name:
                return bundle
        return self._create({"starter": name}, created_at)

    def create_folder(self, source: Path, created_at: float) -> Bundle:
        """Promise a bundle with the content of a folder of this machine."""
        return self._create({"folder": str(source)}, created_at)

    def create_texts(self, files: dict[str, str], created_at: float) -> Bundle:
        """Promise a bundle of small text files."""
        return self._create({"texts": files}, created_at)

    def _create(self, plan: dict[str, Any], created_at: float) -> Bundle:
        # A number may be given twice, when a transaction is taken back; the key makes the folder its own.
        plan = {**plan, "key": secrets.token_hex(8)}
        cursor = self._database.run(
            "INSERT INTO bundles (plan, created_at) VALUES (?, ?)", json.dumps(plan), created_at
        )
        number = int(cursor.lastrowid or 0)
        self._builder.order(self._folder(number, plan), plan)
        return self.get(number)

    def adopt(self) -> None:
        """At start-up: build what an earlier server had only promised, remove what belongs to nobody."""
        for row in self._database.rows("SELECT * FROM bundles WHERE outcome IS NULL"):
            plan = json.loads(row["plan"])
            self._builder.order(self._folder(row["id"], plan), plan)
        self.purge()

    def purge(self, mounted: AbstractSet[Path] = frozenset()) -> None:
        """Remove the folders of bundles that were taken away, but none whose files are in `mounted`."""
        rows = self._database.rows("SELECT id, plan FROM bundles")
        known = {self._folder(row["id"], json.loads(row["plan"])).name for row in rows}
        for folder in self._folders.bundles.iterdir():
            if folder.name.partition(".")[0] not in known and (folder / "files").resolve() not in mounted:
                shutil.rmtree(folder, ignore_errors=True)

    def get(self, bundle_id: int) -> Bundle:
        """A bundle as it stands now. Raises LookupError when there is none."""
        bundle = _bundle(self._database.one("SELECT * FROM bundles WHERE id = ?", bundle_id))
        if bundle.outcome is not None:
            return bundle
        if "starter" in bundle.plan or "texts" in bundle.plan:
            self._builder.wait(self._folder(bundle_id, bundle.plan), _PATIENCE_S)
        done = read_json(self._folder(bundle_id, bundle.plan) / "done.json")
        if done is None:
            return bundle
        self._database.run(
            "UPDATE bundles SET outcome = ?, error = ?, total_bytes = ?, file_count = ? WHERE id = ?",
            FAILED if done["error"] else READY,
            done["error"],
            done["bytes"],
            done["files"],
            bundle_id,
        )
        return _bundle(self._database.one("SELECT * FROM bundles WHERE id = ?", bundle_id))

    def stage(self, bundle: Bundle, settings: Settings) -> str:
        """Kaggle's word for how far the processing is: it takes its time, even when nothing is left to do."""
        if bundle.outcome == FAILED:
            return FAILED
        age = self.age(bundle)
        if bundle.outcome == READY and age >= settings.dataset_processing_s:
            return READY
        if bundle.outcome is None or not settings.dataset_processing_s:
            return _ON_THE_WAY[0]
        share = min(max(age, 0.0) / settings.dataset_processing_s, 0.999)
        return _ON_THE_WAY[int(share * len(_ON_THE_WAY))]

    def age(self, bundle: Bundle) -> float:
        """Emulated seconds since it was promised."""
        return self._clock.now() - self._clock.at(bundle.created_at)

    def is_ready(self, bundle_id: int, settings: Settings) -> bool:
        return self.stage(self.get(bundle_id), settings) == READY

    def files(self, bundle_id: int) -> Path:
        """The folder with its files, as they are mounted and downloaded. Raises LookupError."""
        return self._folder(bundle_id, self._plan(bundle_id)) / "files"

    def archive(self, bundle_id: int, name: str) -> Path:
        """Where the archive of all its files is kept once somebody has wanted it."""
        return self._folder(bundle_id, self._plan(bundle_id)) / name

    def discard(self, bundle_ids: list[int]) -> None:
        """Forget bundles; their folders go with the next `purge`."""
        for bundle_id in bundle_ids:
            self._database.run("DELETE FROM bundles WHERE id = ?", bundle_id)

    def _plan(self, bundle_id: int) -> dict[str, Any]:
        plan: dict[str, Any] = json.loads(
            self._database.one("SELECT plan FROM bundles WHERE id = ?", bundle_id)["plan"]
        )
        return plan

    def _folder(self, bundle_id: int, plan: dict[str, Any]) -> Path:
        return self._folders.bundles / f"{bundle_id}-{plan['key']}"


def _bundle(row: Any) -> Bundle:
    values = {name: row[name] for name in Bundle.__dataclass_fields__}
    return Bundle(**{**values, "plan": json.loads(row["plan"])})


class _Builder:
    """A thread that carries out plans, one after the other. It touches files only, never the database."""

    def __init__(self, folders: Folders, generators: dict[str, Generator]) -> None:
        self._folders = folders
        self._generators = generators
        self._orders: queue.SimpleQueue[tuple[Path, dict[str, Any]]] = queue.SimpleQueue()
        self._done: dict[Path, threading.Event] = {}
        self._thread: threading.Thread | None = None

    def order(self, target: Path, plan: dict[str, Any]) -> None:
        self._done[target] = threading.Event()
        self._orders.put((target, plan))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="bundle-builder", daemon=True)
            self._thread.start()

    def wait(self, target: Path, patience_s: float) -> None:
        """Return when the bundle is built, or after a while."""
        if done := self._done.get(target):
            done.wait(patience_s)

    def _run(self) -> None:
        while True:
            target, plan = self._orders.get()
            try:
                self._build(target, plan)
            except Exception:
                LOGGER.exception("bundle %s could not be built", target.name)
            self._done.pop(target).set()

    def _build(self, target: Path, plan: dict[str, Any]) -> None:
        """Make the folder and give it its name last, so that it is there as a whole or not at all."""
        if (target / "done.json").exists():
            return
        part = target.with_name(f"{target.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        (part / "files").mkdir(parents=True)
        error = self._fill(part / "files", plan)
        sizes = [path.stat().st_size for path in (part / "files").rglob("*") if path.is_file()]
        write_json(part / "done.json", {"error": error, "bytes": sum(sizes), "files": len(sizes)})
        part.replace(target)

    def _fill(self, folder: Path, plan: dict[str, Any]) -> str:
        """Why it cannot be done, in which case the folder is left empty; "" when it was."""
        try:
            self._carry_out(folder, plan)
        except (ArchiveRefused, OSError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            return str(error) or type(error).__name__
        return ""

    def _carry_out(self, folder: Path, plan: dict[str, Any]) -> None:
        if "starter" in plan:
            self._generators[plan["starter"]](folder)
        elif "folder" in plan:
            shutil.copytree(plan["folder"], folder, dirs_exist_ok=True, symlinks=False)
        elif "texts" in plan:
            for name, text in plan["texts"].items():
                path = folder.joinpath(*safe_parts(name))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        else:
            _lay_out(self._folders.blobs, folder, plan)


def _lay_out(blobs: Path, folder: Path, plan: dict[str, Any]) -> None:
    budget = Budget(plan["limit_bytes"])
    files = plan["files"]
    for file in files:
        source = blobs / file["upload_key"]
        stem = archive_stem(file["name"])
        if stem is None or not is_archive(source):
            budget.spend(source.stat().st_size)
            link_or_copy(source, folder.joinpath(*safe_parts(file["name"])))
            continue
        is_lone = len(files) == 1 and file["name"] in _LONE_ARCHIVES and plan["lone_archive"] == "root"
        unpack(source, folder if is_lone else folder.joinpath(*safe_parts(stem)), budget)
