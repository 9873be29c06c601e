"""Who is told what a response says."""

from __future__ import annotations

from typing import Protocol

from proxystore.values import Usage


class Listener(Protocol):
    """Makes sense of the JSON objects that one response consists of; never raises.

    Attributes:
        finish_reason: Why the model stopped, in OpenAI's words.
        is_ended: Whether what was heard is what clients take for the end.
        is_failed: Whether an error was told.
    """

    finish_reason: str | None
    is_ended: bool
    is_failed: bool

    def usage(self, seen: int) -> Usage:
        """Return what was told; *seen* events of content have passed, for when nobody told how many tokens."""

    def hear(self, said: bytes) -> bool:
        """Take note of an object, the whole document or the data of an event; tell whether it could be read."""

    def hear_part(self, head: bytes, tail: bytes) -> None:
        """Take note of an object too long to keep, of which there is the beginning and the end."""


class Hearing:
    """How a listener begins: it has heard of nothing, and tells what was told last."""

    __slots__ = ("_usage", "finish_reason", "is_ended", "is_failed")

    def __init__(self) -> None:
        self._usage = Usage()
        self.finish_reason: str | None = None
        self.is_ended = False
        self.is_failed = False

    def usage(self, seen: int) -> Usage:
        """Return what was told."""
        return self._usage
