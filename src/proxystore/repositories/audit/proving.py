"""Following a chain of audit events, and saying where it is not what was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from proxystore.changes.chain import TAMPERED, End
from proxystore.changes.cutting import CUT
from proxystore.changes.links import BEGINNING, FIELDS, is_sealed, link
from proxystore.records.audit import AuditHead, AuditProblem

MOST_LISTED: Final = 100
_ACTION: Final = FIELDS.index("action")
_METADATA: Final = FIELDS.index("metadata")


class Anchor(NamedTuple):
    """Where a chain begins: after the event that retention removed last."""

    seq: int = 0
    hash: bytes = BEGINNING


class Link(NamedTuple):
    """An event as the database has it."""

    seq: int
    hash: bytes
    content: Sequence[Any]


class Proof:
    """Takes a chain's links in their order, then its end.

    What is wrong at one place does not hide what is wrong at the next: a link is checked against the hash that its
    forerunner has now.

    Args:
        keys: The keys, newest first; along a chain they only get newer.
        anchor: Where it begins.
        pin: An earlier head of it that was kept elsewhere.
    """

    def __init__(self, keys: Sequence[bytes], anchor: Anchor = Anchor(), pin: AuditHead | None = None) -> None:  # noqa: B008  it never changes
        self.verified = 0
        self.first = 0
        self.last = anchor.seq
        self.problems: list[AuditProblem] = []
        self.is_complete = True
        self._keys = keys
        self._key = len(keys) - 1
        self._anchor = anchor
        self._before: bytes | None = anchor.hash
        self._pin = pin
        self._is_pin_seen = False
        self._cut: Anchor | None = None
        if pin is not None:
            self._compare(pin, anchor.seq, anchor.hash)

    def take(self, links: Sequence[Link]) -> None:
        """Check *links*, which follow those that were taken before."""
        pin = self._pin.seq if self._pin is not None else 0
        for one in links:
            seq, found, content = one
            if seq != self.last + 1:
                self._miss(seq)
            before = self._before
            if before is None or self._is_linked(seq, before, content, found):
                self.verified += before is not None
            else:
                self._tell(seq, "changed", f"event {seq} is not as it was written, or not where it was")
            if content[_ACTION] == CUT or content[_ACTION] == TAMPERED:
                self._read(one)
            self._before, self.last = found, seq
            self.first = self.first or seq
            if seq == pin and self._pin is not None:
                self._compare(self._pin, seq, found)

    def skip(self, seq: int) -> None:
        """Go on after an event that cannot be read at all."""
        if seq != self.last + 1:
            self._miss(seq)
        self._tell(seq, "unreadable", f"event {seq} cannot be read")
        self._before, self.last = None, seq
        self.first = self.first or seq

    def end(self, end: End | None) -> None:
        """Check the end of the chain against what it is said to be."""
        if end is None:
            self._tell(self.last, "end", "what says where the chain ends is gone")
        elif not is_sealed(self._keys, *end):
            self._tell(end.seq, "end", f"the chain is said to end at event {end.seq}, and that is not our word")
        elif end.seq > self.last:
            self._miss(end.seq + 1)
        elif end.seq < self.last:
            self._tell(end.seq + 1, "inserted", f"the chain ends at event {end.seq}, and there are more behind it")
        elif end.seq > 0 and self._before not in (None, end.hash):
            self._tell(end.seq, "end", f"event {end.seq}, the last, is not the one that was written last")
        self._check_anchor()
        self._check_pin()

    def _is_linked(self, seq: int, before: bytes, content: Sequence[Any], found: bytes) -> bool:
        if link(self._keys[self._key], seq, before, content) == found:
            return True
        for newer in range(self._key - 1, -1, -1):
            if link(self._keys[newer], seq, before, content) == found:
                self._key = newer
                return True
        return False

    def _miss(self, seq: int) -> None:
        """Say that those before *seq* are missing: there is nothing then to check it against."""
        first, last = self.last + 1, seq - 1
        what = f"event {first} is" if first == last else f"events {first} to {last} are"
        self._tell(first, "missing", f"{what} missing")
        self._before = None

    def _read(self, one: Link) -> None:
        if one.content[_ACTION] == TAMPERED:
            self._tell(one.seq, "tampered", f"before event {one.seq} was written, somebody had been at the chain")
            return
        try:
            cut = msgspec.json.decode(one.content[_METADATA] or b"", type=_Cut)
            self._cut = Anchor(cut.seq, bytes.fromhex(cut.hash))
        except (TypeError, ValueError, msgspec.MsgspecError):
            return  # not as we write it, so the link is broken and said to be

    def _check_anchor(self) -> None:
        if self._anchor.seq and self._cut != self._anchor:
            seq = self._anchor.seq
            self._tell(seq, "anchor", f"no event says that the chain was cut at event {seq}, where it begins")

    def _check_pin(self) -> None:
        pin = self._pin
        if pin is None or self._is_pin_seen or pin.seq == 0:
            return
        if pin.seq > self.last:
            self._tell(pin.seq, "pin", f"the pinned event {pin.seq} is missing: the chain ends at event {self.last}")
        else:
            self._tell(pin.seq, "pin", f"the pinned event {pin.seq} is not there to compare with: pin a newer head")

    def _compare(self, pin: AuditHead, seq: int, found: bytes) -> None:
        if seq == pin.seq and seq:
            self._is_pin_seen = True
            if found.hex() != pin.hash:
                self._tell(seq, "pin", f"event {seq} is not the one that was pinned")

    def _tell(self, seq: int, kind: str, message: str) -> None:
        if len(self.problems) < MOST_LISTED:
            self.problems.append(AuditProblem(seq=seq, kind=kind, message=message))
        else:
            self.is_complete = False


class _Cut(msgspec.Struct):
    seq: int
    hash: str
