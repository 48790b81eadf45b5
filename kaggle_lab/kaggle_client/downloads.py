"""Files from Kaggle's signed links: streamed, resumable, without credentials, in constant memory."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from ..errors import KaggleConfused, KaggleUnreachable, LinkExpired, Throttled
from . import translate
from .sdk import is_loopback, prepare_session, user_agent
from .workers import Workers

if TYPE_CHECKING:
    import requests

CHUNK_BYTES = 1 << 20
CHUNK_WITHIN_S = 0.25
"""A chunk is handed on after this time even if it is small, so that slow links show progress."""
_PAGE_SUFFIXES = ("", ".html", ".htm", ".shtml")


class DownloadStream:
    """One answer to a download. Read it with :meth:`chunks`, once."""

    def __init__(self, response: requests.Response, workers: Workers) -> None:
        headers = response.headers
        self._response, self._workers = response, workers
        self._is_encoded = headers.get("Content-Encoding", "identity") not in ("", "identity")
        self._trouble: BaseException | None = None
        self._is_over = False
        self.status = response.status_code
        """200: from the start; 206: from where it was asked; 416: there is nothing after that place."""
        self.last_modified = headers.get("Last-Modified", "")
        self.validator = _validator(headers)
        """What to give back to resume: a strong ETag, else Last-Modified, else empty."""
        self.total = None if self._is_encoded else _total(self.status, headers)
        """Size of the whole file in bytes, when the server says so."""

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content, up to 1 MiB at a time. Raises KaggleUnreachable when the connection is cut."""
        while data := await self._workers.run(self._read):
            yield data

    def _read(self) -> bytes:
        parts: list[bytes] = []
        got, until = 0, time.monotonic() + CHUNK_WITHIN_S
        while got < CHUNK_BYTES and self._trouble is None and not self._is_over:
            try:
                data = self._response.raw.read1(CHUNK_BYTES - got, decode_content=self._is_encoded)
            except Exception as error:
                self._trouble = error
                break
            parts.append(data)
            got += len(data)
            self._is_over = not data
            if time.monotonic() > until:
                break
        if self._trouble is not None and not got:
            raise KaggleUnreachable("The connection was cut while a file was received.") from self._trouble
        return b"".join(parts)

    def interrupt(self) -> None:
        """End a read that is waiting for the network; the connection is of no more use."""
        if not self._is_over and hasattr(self._response.raw, "shutdown"):  # urllib3 >= 2.3
            try:
                self._response.raw.shutdown()
            except (OSError, RuntimeError, ValueError):
                self._is_over = True

    def close(self) -> None:
        """Give the connection back, or drop it when the content was not read to its end."""
        self._response.close()


class Downloads:
    """Opens downloads. Its connections never carry credentials and are shared by its threads."""

    def __init__(self, at_once: int, timeouts_s: tuple[float, float]) -> None:
        self._workers = Workers(at_once + 1, "kaggle-lab-download")
        self._at_once, self._timeouts_s = at_once, timeouts_s
        self._lock = threading.Lock()
        self._sessions: dict[bool, requests.Session] = {}

    @asynccontextmanager
    async def open(self, url: str, name: str, start: int, validator: str) -> AsyncIterator[DownloadStream]:
        """See :meth:`KaggleClient.download`."""
        response = await self._workers.run(
            lambda: self._get(url, start, validator), lambda late: late.close()
        )
        try:
            _check(response, name, start)
            stream = DownloadStream(response, self._workers)
        except BaseException:
            response.close()
            raise
        try:
            yield stream
        finally:
            stream.interrupt()
            await self._workers.run(stream.close)

    def close(self) -> None:
        """Close all connections; nothing can be opened afterwards."""
        self._workers.close()
        with self._lock:
            for session in self._sessions.values():
                session.close()
            self._sessions.clear()

    def _get(self, url: str, start: int, validator: str) -> requests.Response:
        from requests import RequestException

        headers = {"Accept-Encoding": "identity", "User-Agent": user_agent()}
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": validator}
        try:
            return self._session(url).get(url, headers=headers, stream=True)
        except (RequestException, OSError, ValueError) as error:
            # the cause's text holds the signed link: it is not chained
            raise translate.transport_error(error, "receiving a file") from None

    def _session(self, url: str) -> requests.Session:
        import requests

        local = is_loopback(url)
        with self._lock:
            if local not in self._sessions:
                session = requests.Session()
                prepare_session(session, url, self._timeouts_s, pool=self._at_once + 1)
                session.auth = _unauthenticated  # or ~/.netrc would be asked
                self._sessions[local] = session
            return self._sessions[local]


def _unauthenticated(request: Any) -> Any:
    return request


def _check(response: requests.Response, name: str, start: int) -> None:
    """Refuse what is not the file: raises LinkExpired, Throttled, KaggleUnreachable or KaggleConfused."""
    status = response.status_code
    if status == 429:
        wait_s = translate.parse_retry_after(response.headers.get("Retry-After", ""))
        raise Throttled("Kaggle asks for fewer downloads.", retry_after_s=wait_s)
    if status >= 500 or status == 408:
        raise KaggleUnreachable(f"Kaggle's file server had a fault of its own (HTTP {status}).")
    if status >= 400 and status != 416:
        raise LinkExpired(f"Kaggle's download link is no longer valid (HTTP {status}).")
    if status not in (200, 206, 416):
        raise KaggleConfused(f"Kaggle's file server answered in a way we do not know (HTTP {status}).")
    if status == 200 and _is_page(response.headers, name):
        raise LinkExpired("Instead of the file came a web page.")
    if status == 206 and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise KaggleConfused("Kaggle's file server sent another part of the file than was asked for.")


def _is_page(headers: Mapping[str, str], name: str) -> bool:
    """Whether HTML is an error page: files have a validator, and only some names can be HTML."""
    if "html" not in headers.get("Content-Type", ""):
        return False
    is_file = "attachment" in headers.get("Content-Disposition", "") or bool(_validator(headers))
    return not (is_file and PurePosixPath(name).suffix.lower() in _PAGE_SUFFIXES)


def _validator(headers: Mapping[str, str]) -> str:
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def _total(status: int, headers: Mapping[str, str]) -> int | None:
    text = headers.get("Content-Length", "")
    if status in (206, 416):
        match = re.fullmatch(r"bytes (?:\d+-\d+|\*)/(\d+)", headers.get("Content-Range", ""))
        return int(match[1]) if match else None
    return int(text) if text.isdigit() else None
