"""How audit entries lie in a journal: as JSON, made to fit only where they do not."""

from __future__ import annotations

from typing import Final

import msgspec

from proxystore.changes.fitting import fitted
from proxystore.ledger.frames import Kind, framed
from proxystore.records.audit import AuditEntry

_LONGEST: Final = 32_768
_encode: Final = msgspec.json.Encoder().encode
_decoder: Final = msgspec.json.Decoder(AuditEntry)


def audit_frame(entry: AuditEntry) -> bytes:
    """Return *entry* as it goes into a journal."""
    try:
        data = _encode(entry)
    except (TypeError, ValueError, OverflowError):  # what neither JSON nor a database takes
        data = b""
    if not 0 < len(data) <= _LONGEST:
        data = _encode(fitted(entry))
    return framed(Kind.AUDIT, data)


def decode_audit(data: bytes) -> AuditEntry:
    """Return the entry in *data*.

    Raises:
        ValueError: It is none.
    """
    try:
        return _decoder.decode(data)
    except msgspec.MsgspecError as error:  # in older msgspecs no ValueError
        raise ValueError(str(error)) from error
