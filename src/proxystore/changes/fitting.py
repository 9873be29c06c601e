"""Audit entries as both databases take them: no text they refuse, nothing too long."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec

from proxystore.changes.links import FIELDS
from proxystore.records.audit import AuditEntry

_LONGEST: Final = {"path": 2_000, "user_agent": 500, "reason": 500}
_USUAL: Final = 200
LONGEST_METADATA: Final = 8_000
"""Bytes of JSON; of more, only the names of what there was are kept."""
_LATEST: Final = 2**53
_OUTCOMES: Final = frozenset({"success", "failure", "denied", "error"})

ITS_OWN: Final = "="
"""Stands for a request's id where that is the event's own."""

_encoder: Final = msgspec.json.Encoder(enc_hook=str)
_decode: Final = msgspec.json.decode


def content_of(entry: AuditEntry) -> tuple[Any, ...]:
    """Return what *entry* says, in the order in which a link covers it; what would not fit is made to."""
    occurred_at = entry.occurred_at
    return (
        entry.event_id.bytes,
        occurred_at if 0 <= occurred_at <= _LATEST else max(0, min(occurred_at, _LATEST)),
        _fitting(entry.action, _USUAL) or "unknown",
        _fitting(entry.actor, _USUAL),
        entry.outcome if entry.outcome in _OUTCOMES else "error",
        _fitting(entry.reason, _LONGEST["reason"]),
        _fitting(entry.project_id, _USUAL),
        _fitting(entry.key_id, _USUAL),
        str(entry.event_id) if entry.request_id == ITS_OWN else _fitting(entry.request_id, _USUAL),
        _fitting(entry.correlation_id, _USUAL),
        _fitting(entry.client_ip, _USUAL),
        _fitting(entry.method, _USUAL),
        _fitting(entry.path, _LONGEST["path"]),
        _fitting(entry.user_agent, _LONGEST["user_agent"]),
        _metadata(entry.metadata),
    )


def fitted(entry: AuditEntry) -> AuditEntry:
    """Return *entry* as it will be written down."""
    event_id, *rest, metadata = content_of(entry)
    values = dict(zip(FIELDS[1:-1], rest, strict=True))
    return AuditEntry(event_id=UUID(bytes=event_id), metadata=None if metadata is None else _decode(metadata), **values)


def _fitting(text: str | None, longest: int) -> str | None:
    if text is None or (len(text) <= longest and text.isascii() and "\0" not in text):
        return text
    return text.replace("\0", "")[:longest].encode("utf-8", "replace").decode()


def _metadata(metadata: dict[str, Any] | None) -> str | None:
    if not metadata:
        return None
    try:
        data = _encoder.encode(metadata)
        if len(data) > LONGEST_METADATA:
            data = _encoder.encode({"left_out": sorted(map(str, metadata))[:50]})
        text = data.decode()
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError):  # a lone surrogate, a number too large
        text = _encoder.encode({"left_out": [ascii(name)[:100] for name in list(metadata)[:50]]}).decode()
    return text
