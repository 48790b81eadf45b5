"""What all pages for a person have in common: frame, style, escaping, and who may look at them."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from .http_base import BaseHandler, is_loopback_host
from .kernels import Kernel, Version
from .sessions import Session
from .wire import isoformat

_FILES = Path(__file__).parent / "page_files"
_KINDS = {"page.css": "text/css", "page.js": "text/javascript"}
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'self'; script-src 'self'; connect-src 'self';"
    " frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} - Kaggle EMULATOR</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/_pages/page.css"><script src="/_pages/page.js" defer></script></head><body>
<header><strong>EMULATOR</strong> This is the Kaggle emulator on this machine, not kaggle.com. It has no GPU
of Kaggle's. <a href="/">Overview</a></header>
<main>
<h1>{title}</h1>
{body}
<div id="answer" role="status"></div>
</main></body></html>
"""


class PageHandler(BaseHandler):
    """Pages are shown to this machine's own browser only."""

    def prepare(self) -> None:
        self.call = "Page"
        if not is_loopback_host(self.request.host):
            self.show("Not here", "<p>This page is for this machine only.</p>", 403)

    def show(self, title: str, body: str, status: int = 200) -> None:
        """Send a page; `title` is a text, `body` is HTML."""
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        self.finish(_PAGE.format(title=escape(title), body=body))

    def missing(self, what: str) -> None:
        self.show("Not found", f"<p>{escape(what)} does not exist here.</p>", 404)

    def moment(self, real_s: float) -> str:
        """A stored moment, in emulated time, for people."""
        return isoformat(self.world.clock.at(real_s))[:19].replace("T", " ")

    def status_of(self, version: Version) -> str:
        """HTML for the status of a version."""
        if version.session_id is None:
            return '<span class="status">saved, not run</span>'
        return status_html(self.world.supervisor.refresh(version.session_id))

    def _journal(self) -> None:
        """Somebody who only looks is no request to remember."""


class PageFile(PageHandler):
    """`/_pages/{name}`: style and script."""

    def get(self, name: str) -> None:
        if name not in _KINDS:
            self.missing(name)
            return
        self.set_header("Content-Type", f"{_KINDS[name]}; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.finish((_FILES / name).read_bytes())


def status_html(session: Session) -> str:
    why = f" <span class='quiet'>{escape(session.failure_message)}</span>" if session.failure_message else ""
    return f'<span class="status {session.status}">{session.status}</span>{why}'


def kernel_link(kernel: Kernel) -> str:
    return f'<a href="/code/{escape(kernel.ref)}">{escape(kernel.ref)}</a>'


def section(name: str, title: str, body: str) -> str:
    """A part of a page that is renewed by itself. `body` is HTML."""
    key = escape(name)
    return f'<section id="{key}" data-live><h2>{escape(title)}</h2>{body}</section>'


def table(heads: list[str], rows: list[list[Any]], empty: str) -> str:
    """A table; cells are HTML. `empty` is the text when there are no rows."""
    if not rows:
        return f'<p class="quiet">{escape(empty)}</p>'
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _cell(cell: Any) -> str:
    return f'<td class="number">{cell}</td>' if isinstance(cell, (int, float)) else f"<td>{cell}</td>"


def size_text(size: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
