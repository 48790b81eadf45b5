"""The workspace: the only place where a user's file is read, and where an output file comes to lie.

Names of output files come from a program that ran elsewhere and are not to be trusted: whatever would leave
its folder is refused. A file arrives as ``.part`` and takes its name in one step, never over another one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import FileTrouble, NotANotebook, UnsafeName
from ..models import Job
from .names import (
    CLAIM,
    FOLDER_REMEDY,
    MANIFEST,
    candidates,
    check_part,
    journal_of,
    manifest_of,
    safe_parts,
    short_id,
    shown,
    without_drive,
)
from .parts import PartFile, Placed, read_json, read_json_lines, sha256_of, size_of, trouble, why

__all__ = ["MANIFEST", "PartFile", "Placed", "Workspace", "safe_parts", "short_id"]


class Workspace:
    """The folder that the Jupyter server serves. Its methods block: call them in a thread."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root).resolve()

    # --- notebooks -------------------------------------------------------------------------------

    def read_notebook_text(self, path: str) -> str:
        """The text of a notebook, by its path as Jupyter gives it (also with a drive, ``RTC:a/b.ipynb``).

        Raises NotANotebook when there is no such file or it is not text, FileTrouble when it cannot be read.
        """
        file = self._notebook(path)
        try:
            return file.read_text(encoding="utf-8-sig")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise NotANotebook(
                f"There is no notebook {path} in {self.root}.", remedy="Save it first, or correct the path."
            ) from error
        except UnicodeDecodeError as error:
            raise NotANotebook(f"{path} is not a notebook: its content is not text.") from error
        except OSError as error:
            raise FileTrouble(f"{path} cannot be read: {why(error)}.") from error

    def _notebook(self, path: str) -> Path:
        for text in (path, without_drive(path)):
            file = Path(os.path.normpath(self.root / text.replace("\0", "")))
            if not file.is_relative_to(self.root) and not file.resolve().is_relative_to(self.root):
                raise NotANotebook(f"{path} is outside the workspace {self.root}.")
            if os.path.exists(file):  # noqa: PTH110 - Path.exists raises for a name that is too long
                return file
        return file

    # --- places for outputs ----------------------------------------------------------------------

    def output_folder(self, pattern: str, job: Job) -> str:
        """Where a job's outputs go, relative to the workspace, by a pattern like ``{notebook}/v{version}``.

        ``{notebook}`` is the notebook's path without its suffix. Raises UnsafeName for a pattern that leaves
        the workspace or names something unknown.
        """
        values = {
            "notebook": self._stem(job.notebook_path),
            "version": str(job.version or 0),
            "job": re.sub(r"[^\w.-]", "_", job.id),
            "slug": job.ref.slug if job.ref else "unsaved",
        }

        def fill(match: re.Match[str]) -> str:
            if match[1] not in values:
                known = ", ".join(f"{{{name}}}" for name in values)
                raise UnsafeName(
                    f"The output folder's pattern names {match[0]}.",
                    remedy=f"Use one of {known} in the settings.",
                )
            return values[match[1]]

        return self.inside(re.sub(r"\{([^{}]*)\}", fill, pattern))

    def inside(self, folder: str) -> str:
        """A folder's path in normal form, relative to the workspace. Raises UnsafeName if it is outside."""
        if os.sep == "\\":
            folder = folder.replace("\\", "/")
        parts = [part for part in folder.strip().split("/") if part not in ("", ".")]
        if folder.strip().startswith(("/", "~")):
            raise UnsafeName(f"The output folder {folder} is not inside the workspace.", remedy=FOLDER_REMEDY)
        for part in parts:
            check_part(part, folder)
        if not resolved(self.root.joinpath(*parts), folder).is_relative_to(self.root):
            raise UnsafeName(f"The output folder {folder} leads out of the workspace.", remedy=FOLDER_REMEDY)
        return "/".join(parts)

    def target(self, folder: str, name: str) -> Path:
        """Where the output file ``name`` belongs in ``folder``. Raises UnsafeName when it would leave it."""
        base = self.root.joinpath(*self.inside(folder).split("/"))
        parts = safe_parts(name)
        path = base.joinpath(*parts)
        if not resolved(path.parent, name).is_relative_to(resolved(base, folder)):
            raise UnsafeName(f"The output file {shown(name)} would leave its folder through a link.")
        return path

    def relative(self, path: Path) -> str:
        """A path in the workspace as Jupyter writes it."""
        return path.relative_to(self.root).as_posix()

    def _stem(self, notebook_path: str) -> str:
        text = without_drive(notebook_path)
        if os.sep == "\\":
            text = text.replace("\\", "/")
        path = PurePosixPath(text)
        if path.is_absolute():
            root = PurePosixPath(self.root.as_posix())
            path = path.relative_to(root) if path.is_relative_to(root) else PurePosixPath(path.name)
        return str(path.with_suffix("")) if path.name else "notebook"

    # --- files that arrive -----------------------------------------------------------------------

    def part(self, folder: str, name: str, job_id: str) -> PartFile:
        """The unfinished form of an output file; one per job, so that two runs never mix.

        Makes the folders. Raises UnsafeName, FileTrouble, DiskFull.
        """
        target = self.target(folder, name)
        with trouble(name):
            target.parent.mkdir(parents=True, exist_ok=True)
        target = self.target(folder, name)  # once more, with the folders in place
        return PartFile(target, short_id(job_id))

    def place(self, part: PartFile) -> Placed:
        """Give a complete file its name, or the next free one when something different has it."""
        digest, size = part.sha256, part.received
        with trouble(part.target.name):
            for path in candidates(part.target):
                if not os.path.lexists(path) and part.settle(path):
                    return Placed(path, is_new=True, is_beside=path != part.target)
                if size_of(path) == size and sha256_of(path) == digest:
                    part.discard()
                    return Placed(path, is_new=False, is_beside=path != part.target)
        raise FileTrouble(f"There are too many files like {part.target.name} already.")

    def matches(self, path: Path, size: int, sha256: str) -> bool:
        """Whether a file is there and still the one that was received."""
        try:
            return size_of(path) == size and sha256_of(path) == sha256
        except OSError:
            return False

    def free_bytes(self, folder: str) -> int:
        """Room on the disk of a folder; it need not exist yet."""
        path = self.root.joinpath(folder)
        while not path.exists() and path != self.root:
            path = path.parent
        with trouble(folder):
            return shutil.disk_usage(path).free

    # --- manifest --------------------------------------------------------------------------------

    def read_manifest(self, folder: str, job_id: str) -> dict[str, Any]:
        """What was retrieved into a folder for this job, ``{"files": […], …}``, even if it was cut short."""
        found: dict[str, Any] = {}
        for name in (MANIFEST, manifest_of(job_id)):
            manifest = read_json(self.root / folder / name)
            if manifest.get("job") == job_id:
                found = manifest
        files = found.get("files")
        listed = files if isinstance(files, list) else []
        return {**found, "files": [*listed, *read_json_lines(self.root / folder / journal_of(job_id))]}

    def note_arrival(self, folder: str, job_id: str, entry: dict[str, Any]) -> None:
        """Remember a file that arrived, until the manifest does; so a crash costs no second transfer."""
        line = json.dumps(entry) + "\n"
        with (
            trouble(entry["name"]),
            (self.root / folder / journal_of(job_id)).open("a", encoding="utf-8") as file,
        ):
            file.write(line)

    def claim(self, folder: str, job_id: str) -> bool:
        """Take a folder for a job's outputs; False when another job's are there, or are on their way.

        Raises DiskFull, FileTrouble.
        """
        claim = self.root / folder / CLAIM
        with trouble(folder):
            if self.is_taken(folder, job_id):
                return False
            claim.parent.mkdir(parents=True, exist_ok=True)
            try:
                with claim.open("x", encoding="utf-8") as file:
                    file.write(job_id)
            except FileExistsError:
                return claim.read_text(encoding="utf-8") == job_id
        return True

    def is_taken(self, folder: str, job_id: str) -> bool:
        """Whether a folder holds the outputs of another job."""
        return bool(read_json(self.root / folder / MANIFEST).get("job", job_id) != job_id)

    def write_manifest(self, folder: str, job_id: str, manifest: dict[str, Any]) -> Path:
        """Write the manifest in one step, beside another job's if need be. Raises DiskFull, FileTrouble."""
        name = manifest_of(job_id) if self.is_taken(folder, job_id) else MANIFEST
        path = self.root / self.inside(folder) / name
        scratch = path.with_name(f".{name}.{os.getpid()}.part")
        with trouble(name):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with scratch.open("w", encoding="utf-8") as file:
                    json.dump(manifest, file, indent=1, ensure_ascii=False)
                    file.flush()
                    os.fsync(file.fileno())
                scratch.replace(path)
                path.with_name(journal_of(job_id)).unlink(missing_ok=True)
                if name == MANIFEST:
                    path.with_name(CLAIM).unlink(missing_ok=True)
            finally:
                scratch.unlink(missing_ok=True)
        return path


def resolved(path: Path, name: str) -> Path:
    """Where a path leads. Raises FileTrouble for links that lead round in a circle."""
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError: what Python below 3.13 makes of a circle
        raise FileTrouble(f"{shown(name)} cannot be reached: {error}.") from error
