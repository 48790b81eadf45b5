"""Answers that are not plain JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .sessions import Session


@dataclass(frozen=True)
class Redirect:
    """302 to an absolute URL."""

    url: str


@dataclass(frozen=True)
class LogStream:
    """A session's log: events while it lives, the stored array afterwards.

    `wait_s` bounds the wait for its start.
    """

    session: Session
    wait_s: float


@dataclass(frozen=True)
class OutputZip:
    """All outputs of a session in one zip."""

    session: Session


@dataclass(frozen=True)
class Content:
    """A small file made for this answer."""

    name: str
    content_type: str
    body: bytes


Reply = dict[str, Any] | Redirect | LogStream | OutputZip | Content
