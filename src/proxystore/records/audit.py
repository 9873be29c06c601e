"""Who did what, and what was refused."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec

_is_hash: Final = re.compile(r"[0-9a-f]{64}").fullmatch

AuditOutcome: TypeAlias = Literal["success", "failure", "denied", "error"]


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Something to be written down in the audit trail. In a journal it is an array: fields are only ever appended.

    Attributes:
        event_id: A UUIDv7; what has this id already is not written down again.
        occurred_at: When, in microseconds since 1970, UTC.
        action: What was done, such as ``key.create``, ``auth`` or ``request``.
        outcome: ``success``; ``failure`` where nobody could tell who asked; ``denied`` where somebody may not;
            ``error`` where nobody could decide, or it went wrong.
        actor: Who did it, such as ``cli:ada``, or the name of a key; ``None`` is nobody in particular.
        reason: Why it ended so: a stable word such as ``invalid_api_key``.
        project_id, key_id: What it is about, or whose key was used; never a secret.
        request_id: The id of the exchange, as its answer told it; ``=`` stands for ``event_id``.
        correlation_id: The caller's own: the trace in ``traceparent``, or ``x-request-id``.
        client_ip, method, path, user_agent: Where it came from, and to; a path has no query.
        metadata: What else there is to know, as JSON.
    """

    event_id: UUID
    occurred_at: int
    action: str
    outcome: AuditOutcome = "success"
    actor: str | None = None
    reason: str | None = None
    project_id: str | None = None
    key_id: str | None = None
    request_id: str | None = None
    correlation_id: str | None = None
    client_ip: str | None = None
    method: str | None = None
    path: str | None = None
    user_agent: str | None = None
    metadata: dict[str, Any] | None = None


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A link of the audit chain.

    Attributes:
        seq: Its place: the order of recording, from 1, without gaps.
        hash: What proves it and all before it unchanged, in hexadecimal digits.
        occurred_at: When.
        event_id … metadata: As in `proxystore.AuditEntry`.
    """

    seq: int
    hash: str
    event_id: UUID
    occurred_at: datetime
    action: str
    actor: str | None
    outcome: AuditOutcome
    reason: str | None
    project_id: str | None
    key_id: str | None
    request_id: str | None
    correlation_id: str | None
    client_ip: str | None
    method: str | None
    path: str | None
    user_agent: str | None
    metadata: dict[str, Any] | None


class AuditHead(msgspec.Struct, frozen=True, kw_only=True):
    """The end of the audit chain: kept elsewhere, it shows later that nothing before it has changed or gone.

    Attributes:
        seq: The place of the last event; 0 where there is none.
        hash: Its hash, in hexadecimal digits.
    """

    seq: int
    hash: str

    @property
    def pin(self) -> str:
        """Both in one word, for another place than the database."""
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, pin: str) -> AuditHead:
        """Return what :attr:`pin` has put into one word.

        Raises:
            ValueError: It is none.
        """
        seq, _, digits = pin.strip().lower().partition(":")
        if not seq.isdecimal() or not _is_hash(digits):
            raise ValueError(f"{pin!r} is no head of a chain: NUMBER:HASH, as `audit head` prints it")
        return cls(seq=int(seq), hash=digits)


class AuditProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A place where the audit chain is not what was written.

    Attributes:
        seq: Where: the place of an event.
        kind: ``changed``, ``missing``, ``inserted``, ``unreadable``, ``end``, ``anchor``, ``pin`` or ``tampered``.
        message: What it is, for people.
    """

    seq: int
    kind: str
    message: str


class AuditVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What verifying the audit chain has found.

    Attributes:
        first_seq, last_seq: The events that are there; 0 where there is none.
        verified: How many are as they were written.
        problems: What is not so, in order; there may be more than are listed.
        is_complete: Whether all problems are listed.
        head: The end of the chain that was verified.
    """

    first_seq: int
    last_seq: int
    verified: int
    problems: tuple[AuditProblem, ...]
    is_complete: bool
    head: AuditHead

    @property
    def is_sound(self) -> bool:
        """Whether every event is as it was written."""
        return not self.problems
