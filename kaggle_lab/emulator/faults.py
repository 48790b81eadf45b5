"""Faults on demand: what the next calls of a method get instead of, or after, their real answer."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

HTML_BODY = (
    "<!DOCTYPE html><html><head><title>Kaggle</title></head><body><h1>{status}</h1>"
    "<p>We'll be right back.</p></body></html>"
)


@dataclass
class Fault:
    """One rule. It applies to the next `count` calls of `method` and then is used up.

    `method` is an RPC method (`SaveKernel`), `LogsStream`, `OutputFile`, `StorageFile`, `BlobUpload`, or `*`
    for any path of Kaggle's. `status` 0 keeps the real answer, so that a rule can merely delay or spoil it.
    `drop` closes the connection "before" or "after" the work is done. `drop_after_events` (LogsStream) and
    `drop_after_bytes` (any body, and uploads) cut in the middle. `content_length_off` makes the announced
    length wrong by so many bytes: too long, and the connection ends early; too short, and bytes follow that
    nobody announced. `rate_bytes_s` makes a body slow. `expired` makes a link to a file one that has ended.
    """

    method: str = "*"
    count: int = 1
    status: int = 0
    envelope: Literal["nested", "flat", "html", "empty"] = "nested"
    message: str = ""
    delay_s: float = 0.0
    drop: Literal["", "before", "after"] = ""
    retry_after: str = ""
    after_work: bool = False  # with `status`: do the work first, then answer with the error
    drop_after_events: int | None = None
    drop_after_bytes: int | None = None
    content_length_off: int = 0
    rate_bytes_s: float = 0.0
    expired: bool = False

    @property
    def spoils_body(self) -> bool:
        """Whether the answer itself is to be sent, but not as it should be."""
        return bool(self.drop_after_bytes is not None or self.content_length_off or self.rate_bytes_s)

    def check(self) -> None:
        """Raises ValueError for a rule that makes no sense."""
        if self.count < 1:
            raise ValueError("count must be at least 1")
        if self.status and not 200 <= self.status <= 599:
            raise ValueError("status must be 0 or between 200 and 599")
        if self.envelope not in ("nested", "flat", "html", "empty"):
            raise ValueError("envelope must be nested, flat, html or empty")
        if self.drop not in ("", "before", "after"):
            raise ValueError("drop must be 'before' or 'after'")
        if self.delay_s < 0:
            raise ValueError("delay_s must not be negative")
        if self.rate_bytes_s < 0 or (self.drop_after_bytes or 0) < 0 or (self.drop_after_events or 0) < 0:
            raise ValueError("rate_bytes_s, drop_after_bytes and drop_after_events must not be negative")
        if not isinstance(self.content_length_off, int) or not isinstance(self.expired, bool):
            raise ValueError("content_length_off must be a whole number, expired true or false")
        if not isinstance(self.method, str):
            raise ValueError("method must be a text")


def fault_from(values: dict[str, Any]) -> Fault:
    """A rule from JSON. Raises ValueError when it is not one."""
    known = {field.name: field.default for field in fields(Fault)}
    if unknown := set(values) - set(known):
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    values = {**values, "retry_after": str(values.get("retry_after", ""))}
    try:
        fault = Fault(**values)
        fault.check()
    except TypeError as error:
        raise ValueError(str(error)) from None
    return fault


class Faults:
    """The rules in force, oldest first; they live until used up, cleared, or the server ends."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []

    def add(self, values: dict[str, Any]) -> Fault:
        """Add a rule from JSON. Raises ValueError when it is not one."""
        fault = fault_from(values)
        self._rules.append(fault)
        return fault

    def take(self, method: str) -> Fault | None:
        """The rule for this call, one use of it spent."""
        for rule in self._rules:
            if rule.method in ("*", method):
                rule.count -= 1
                if rule.count == 0:
                    self._rules.remove(rule)
                return rule
        return None

    def all(self) -> list[dict[str, Any]]:
        return [asdict(rule) for rule in self._rules]

    def clear(self) -> None:
        self._rules.clear()
