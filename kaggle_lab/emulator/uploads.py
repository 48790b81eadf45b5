"""StartBlobUpload and the PUT that follows it, in one go or resumed after an interruption."""

from __future__ import annotations

import re
from io import FileIO
from typing import Any

from tornado.web import stream_request_body

from .accounts import Account
from .blobs import KINDS, Blob
from .http_base import BaseHandler
from .wire import Fields
from .world import World

MAX_UPLOAD_BYTES = 200 * 10**9
_PROBE = re.compile(r"bytes \*/(\d+|\*)")
_PIECE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


def start_blob_upload(world: World, caller: Account, request: Fields) -> dict[str, Any]:
    """StartBlobUpload: where to PUT the bytes, and the token to name them by afterwards."""
    kind = request.member("type", KINDS, KINDS[0])
    return _started(world, caller, kind, request.text("name"), request)


def upload_file(world: World, caller: Account, request: Fields, kind: str = "DATASET") -> dict[str, Any]:
    """UploadDatasetFile, UploadModelFile and StartSubmissionUpload: older names of the same."""
    return _started(world, caller, kind, request.text("fileName"), request)


def _started(world: World, caller: Account, kind: str, name: str, request: Fields) -> dict[str, Any]:
    modified = request.integer("lastModifiedEpochSeconds")
    size = request.integer("contentLength")
    blob = world.blobs.start(caller, kind, name, size, float(modified) if modified else None)
    return {"token": blob.token, "createUrl": f"{world.base_url}/kaggle-uploads/{blob.upload_key}"}


@stream_request_body
class UploadHandler(BaseHandler):
    """`PUT /kaggle-uploads/{key}`, without credentials: the key is one.

    200 when everything has arrived, 308 with the `Range` that has, 404 when the upload is unknown or too old.
    Fault rules know it as `BlobUpload`; `drop_after_bytes` keeps that much of this request, after which the
    connection is cut or, with `status`, answered with that.
    """

    @property
    def shown_path(self) -> str:
        return "/kaggle-uploads/..."

    _file: FileIO | None = None
    _blob: Blob | None = None
    _budget: int | None = None
    _trouble = ""

    async def prepare(self) -> None:
        self.call = "BlobUpload"
        self.request.connection.set_max_body_size(MAX_UPLOAD_BYTES)  # type: ignore[union-attr]
        fault = await self.take_fault()
        self._budget = fault.drop_after_bytes if fault else None
        if fault and fault.drop == "before":
            self.cut()
            return
        if fault and fault.status and not fault.after_work and self._budget is None:
            return
        self._open(self.request.path.rpartition("/")[2])

    def _open(self, key: str) -> None:
        """Find the upload and the place in it where this body belongs; without one the body is let go by."""
        self._blob = blob = self.world.blobs.find(key, self.world.settings.upload_expiry_s)
        header = self.request.headers.get("Content-Range", "")
        if blob is None or blob.is_complete or _PROBE.fullmatch(header):
            return
        piece = _PIECE.fullmatch(header)
        start = int(piece[1]) if piece else 0
        if start > self.world.blobs.received(blob):
            return
        path = self.world.blobs.path(blob)
        try:
            path.touch()
            self._file = path.open("r+b", buffering=0)
            self._file.truncate(start)
            self._file.seek(start)
        except OSError as error:
            self._give_up(error)

    def data_received(self, chunk: bytes) -> None:
        if self._file is None:
            return
        if self._budget is not None:
            chunk = chunk[: self._budget]
            self._budget -= len(chunk)
        assert self._blob is not None
        room = self._blob.size + 1 - self._file.tell()
        try:
            self._file.write(chunk[: max(0, room)])
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._trouble = error.strerror or "the file cannot be written"
        self._close_file()

    def put(self, _key: str) -> None:
        self._close_file()
        fault = self.fault
        if fault is not None and fault.drop_after_bytes is not None and not fault.status:
            self.cut()
        elif fault is not None and fault.status:
            if fault.after_work:
                self._settle()
            self.send_fault(fault)
        elif self._trouble:
            self._say(500, f"Upload storage: {self._trouble}")
        elif self._blob is None:
            self._say(404, "Not Found")
        else:
            self._say(*self._settle())

    def _settle(self) -> tuple[int, str]:
        """Status and text for what has arrived of it."""
        blob = self._blob
        assert blob is not None
        received = self.world.blobs.received(blob)
        if blob.is_complete:
            return 200, ""
        if received > blob.size:
            self.world.blobs.path(blob).unlink()
            return 400, f"More than the {blob.size} bytes that were announced"
        is_probe = bool(_PROBE.fullmatch(self.request.headers.get("Content-Range", "")))
        if received == blob.size and (blob.size or not is_probe):
            self.world.blobs.complete(blob)
            return 200, ""
        if received:
            self.set_header("Range", f"bytes=0-{received - 1}")
        return 308, ""

    def _say(self, status: int, text: str) -> None:
        self.set_status(status, "Resume Incomplete" if status == 308 else None)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(text)

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def on_connection_close(self) -> None:
        """The sender has gone; what has come so far stays."""
        self._close_file()
        self._journal()
