"""What was sent, kept with each job: the notebook as it was on screen, and the source made from it."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from .errors import DiskFull, FileTrouble


class Snapshots:
    """One folder per job under the data folder. Blocking: call it in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, job_id: str, notebook: str, source: str) -> None:
        """Keep both texts. Raises DiskFull, FileTrouble; nothing is left behind then."""
        place = self._place(job_id)
        try:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            (place / "notebook.ipynb").write_text(notebook, encoding="utf-8")
            (place / "source.ipynb").write_text(source, encoding="utf-8")
        except OSError as error:
            self.remove(job_id)
            cause = f"The notebook cannot be kept in {self._folder}: {error.strerror}. Nothing was sent."
            kind = DiskFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else FileTrouble
            remedy = "Free some space there, or mend its permissions, and run again."
            raise kind(cause, remedy=remedy) from error

    def notebook(self, job_id: str) -> str:
        """The notebook as it was on screen. Raises FileTrouble."""
        return self._read(job_id, "notebook.ipynb")

    def source(self, job_id: str) -> str:
        """The source as sent. Raises FileTrouble."""
        return self._read(job_id, "source.ipynb")

    def remove(self, job_id: str) -> None:
        """Forget a job's texts; it is no error when there are none."""
        shutil.rmtree(self._place(job_id), ignore_errors=True)

    def _read(self, job_id: str, name: str) -> str:
        try:
            return (self._place(job_id) / name).read_text(encoding="utf-8")
        except OSError as error:
            raise FileTrouble(f"The snapshot of run {job_id} cannot be read: {error}") from error

    def _place(self, job_id: str) -> Path:
        if not job_id.isalnum():
            raise FileTrouble(f"{job_id!r} is no run's id.")
        return self._folder / job_id
