"""How an exchange reads as an audit event; no secret of anybody's is in one."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from proxystore import AuditEntry, Denial, Exchange, Request, uuid7

_KEY: Final = re.compile(r"\b(psk_[0-9A-Za-z]{0,8})[0-9A-Za-z]*|\b(sk-|AIza|Bearer\s+|Basic\s+)[\w.~+/=-]{8,}")
_OURS: Final = re.compile(r"\bpsk_[0-9A-Za-z]{1,8}")
_PRESENTED: Final = (b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key")
_ASKING_ONLY: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_TRACEPARENT_SIZE: Final = 55
_LONGEST: Final = 200
_encode: Final = msgspec.json.Encoder().encode


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
    return _entry(exchange, event_id=uuid7(), action="request.open", outcome="success")


def closing(exchange: Exchange, key_header: bytes) -> AuditEntry:
    """Return the event of how it ended."""
    denial, status = exchange.denial, exchange.response.status or 0
    if denial is None:
        return _entry(
            exchange,
            event_id=exchange.id,
            action="request",
            outcome="success" if exchange.outcome != "failed" and status < 400 else "failure",
            reason=None if exchange.outcome in ("complete", "cached") else exchange.outcome,
            metadata={"status": status, "outcome": exchange.outcome, "model": exchange.request.call.request_model},
        )
    return _entry(
        exchange,
        event_id=exchange.id,
        action="authenticate" if denial.status == 401 else "request",
        outcome=_outcome(denial),
        reason=denial.code,
        metadata=_circumstances(exchange, denial, key_header),
    )


def masked(text: str) -> str:
    """Return *text* without what looks like a secret; of a key of ours, what may be known of it stays."""
    return _KEY.sub(_mask, text) if "sk" in text or "AIza" in text or "Bearer" in text or "Basic" in text else text


def _entry(exchange: Exchange, **about: Any) -> AuditEntry:
    request, who = exchange.request, exchange.principal
    agent = request.header(b"user-agent")
    return AuditEntry(
        occurred_at=exchange.now_ns() // 1_000,
        actor=(who.name or who.key_id) if who is not None else None,
        project_id=who.project_id if who is not None else None,
        key_id=who.key_id if who is not None else None,
        request_id=_encode(exchange.id)[1:-1].decode(),  # five times as fast as str
        correlation_id=_correlation(request),
        client_ip=request.client_ip,
        method=request.method,
        path=masked(request.path),
        user_agent=masked(agent.decode("latin-1")) if agent is not None else None,
        **about,
    )


def _outcome(denial: Denial) -> Any:
    if denial.status == 401:
        return "failure"
    return "denied" if denial.status < 500 else "error"


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


def _correlation(request: Request) -> str | None:
    """Return the caller's own id: that of its trace, else ``x-request-id``."""
    trace = request.header(b"traceparent")
    if trace is not None and len(trace) == _TRACEPARENT_SIZE:
        return trace[3:35].decode("latin-1")
    given = request.header(b"x-request-id")
    return None if given is None else masked(given[:_LONGEST].decode("latin-1"))


def _mask(found: re.Match[str]) -> str:
    return f"{found[1] or found[2]}…"
