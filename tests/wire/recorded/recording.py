"""One recorded response."""

from __future__ import annotations

from dataclasses import dataclass, field

from proxystore.values import Usage
from proxystore.wire import BUILT_IN, Formats, Meter

JSON = b"application/json"
EVENTS = b"text/event-stream; charset=utf-8"
LINES = b"application/x-ndjson"
_FORMATS = Formats(BUILT_IN)


@dataclass(frozen=True)
class Recording:
    """What was asked, what came back, and what that says."""

    name: str
    path: str
    body: bytes
    usage: Usage
    asked: bytes = b"{}"
    content_type: bytes = JSON
    finish_reason: str | None = None
    is_ended: bool = False
    is_failed: bool = False
    seen: int = field(default=0, compare=False)

    @property
    def format(self):
        """The format that claims it."""
        return _FORMATS.find("POST", self.path)

    def meter(self) -> Meter:
        """Return a new meter for it."""
        call = self.format.read(self.path, self.asked)
        meter = self.format.meter(call, content_type=self.content_type, is_stripping=False)
        assert meter is not None
        return meter


def events(*said: bytes, end: bytes = b"\n", is_named: bool = True) -> bytes:
    """Return server-sent events that say *said*, each named by its ``type``."""
    return b"".join(_event(each, end, is_named) for each in said)


def _event(said: bytes, end: bytes, is_named: bool) -> bytes:
    kind = said.partition(b'"type":"')[2].partition(b'"')[0]
    name = b"event: " + kind + end if is_named and kind else b""
    return name + b"data: " + said + end + end
