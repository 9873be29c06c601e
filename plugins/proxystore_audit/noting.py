"""How an exchange reads as an audit event; no secret of anybody's is in one."""

from __future__ import annotations

import re
from typing import Any, Final, Literal, TypeAlias, TypeVar
from uuid import UUID

from proxystore import AuditEntry, Denial, Exchange, Request, uuid7

T = TypeVar("T", str, bytes)
AuditOutcome: TypeAlias = Literal["success", "failure", "denied", "error"]

_KEY: Final = re.compile(r"\b(psk_[0-9A-Za-z]{0,8})[0-9A-Za-z]*|\b(sk-|AIza|Bearer\s+|Basic\s+)[\w.~+/=-]{8,}")
_OURS: Final = re.compile(r"\bpsk_[0-9A-Za-z]{1,8}")
_PRESENTED: Final = (b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key")
_ASKING_ONLY: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_TRACEPARENT_SIZE: Final = 55
_LONGEST: Final = 200
_MOST_KNOWN: Final = 500
_paths: Final[dict[str, str]] = {}
_agents: Final[dict[bytes, str]] = {}


def is_heeded(exchange: Exchange) -> bool:
    """Tell whether a request is one to speak of: what a wire format knows, or somebody with a key does, or changes.

    Pages, files, probes and preflights are not, unless they are refused.
    """
    request = exchange.request
    if request.is_claimed or exchange.principal is not None or request.is_websocket:
        return True
    return request.method not in _ASKING_ONLY


def opening(exchange: Exchange) -> AuditEntry:
    """Return the event that stands before the answer."""
    return _entry(exchange, uuid7(), "request.open", "success", None, None)


def closing(exchange: Exchange, key_header: bytes) -> AuditEntry:
    """Return the event of how it ended."""
    denial = exchange.denial
    if denial is not None:
        known = _circumstances(exchange, denial, key_header)
        if denial.status == 401:
            return _entry(exchange, exchange.id, "authenticate", "failure", denial.code, known)
        return _entry(
            exchange, exchange.id, "request", "denied" if denial.status < 500 else "error", denial.code, known
        )
    status, ended = exchange.response.status or 0, exchange.outcome
    return _entry(
        exchange,
        exchange.id,
        "request",
        "success" if ended != "failed" and status < 400 else "failure",
        None if ended in ("complete", "cached") else ended,
        {"status": status, "outcome": ended, "model": exchange.request.call.request_model},
    )


def masked(text: str) -> str:
    """Return *text* without what looks like a secret; of a key of ours, what may be known of it stays."""
    return _KEY.sub(_mask, text) if "sk" in text or "AIza" in text or "Bearer" in text or "Basic" in text else text


def _entry(  # noqa: PLR0917  called where every microsecond counts
    exchange: Exchange,
    event_id: UUID,
    action: str,
    outcome: AuditOutcome,
    reason: str | None,
    metadata: dict[str, Any] | None,
) -> AuditEntry:
    request, who = exchange.request, exchange.principal
    header = request.header
    agent, trace, given = header(b"user-agent"), header(b"traceparent"), header(b"x-request-id")
    if trace is not None and len(trace) == _TRACEPARENT_SIZE:
        correlation: str | None = trace[3:35].decode("latin-1")
    else:
        correlation = None if given is None else masked(given[:_LONGEST].decode("latin-1"))
    return AuditEntry(
        event_id=event_id,
        occurred_at=(exchange.response.last_byte_ns or exchange.now_ns()) // 1_000,
        action=action,
        outcome=outcome,
        actor=None if who is None else who.name or who.key_id,
        reason=reason,
        project_id=None if who is None else who.project_id,
        key_id=None if who is None else who.key_id,
        request_id="=" if event_id is exchange.id else str(exchange.id),
        correlation_id=correlation,
        client_ip=request.client_ip,
        method=request.method,
        path=_paths.get(request.path) or _known(_paths, request.path),
        user_agent=None if agent is None else _agents.get(agent) or _known(_agents, agent),
        metadata=metadata,
    )


def _circumstances(exchange: Exchange, denial: Denial, key_header: bytes) -> dict[str, Any]:
    known: dict[str, Any] = {"status": denial.status}
    if exchange.decided_by is not None:
        known["plugin"] = exchange.decided_by
    if denial.status == 401:
        key = _presented(exchange.request, key_header)
        if key is not None:
            known["key"] = key
    elif exchange.principal is not None and (model := exchange.request.call.request_model) is not None:
        known["model"] = model
    return known


def _presented(request: Request, key_header: bytes) -> str | None:
    """Return what may be known of the key that somebody came with: that there was one, and of ours its public id."""
    for name in (key_header, *_PRESENTED):
        value = request.header(name)
        if value is not None:
            found = _OURS.search(value[:_LONGEST].decode("latin-1"))
            return f"{found[0]}…" if found is not None else "of another form"
    return None


def _known(memory: dict[T, str], key: T) -> str:
    """Return *key* as text without a secret, and remember it for a while: most come again and again."""
    text = masked(key.decode("latin-1") if isinstance(key, bytes) else key)
    if len(key) <= _LONGEST:
        if len(memory) >= _MOST_KNOWN:
            memory.clear()
        memory[key] = text
    return text


def _mask(found: re.Match[str]) -> str:
    return f"{found[1] or found[2]}…"
