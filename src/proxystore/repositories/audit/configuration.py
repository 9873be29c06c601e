"""What is set, as it may be written down: to be compared with what was set before."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from pydantic import SecretStr

from proxystore.records.audit import AuditEvent
from proxystore.settings import Settings
from proxystore.settings.url import masked_urls

CHANGED: Final = "settings.change"
"""The action of the event that says what is set."""

_OF_A_HOST: Final = frozenset({"data_dir"})
_URLS: Final = frozenset({"database_url", "replicas"})
_DIGITS: Final = 12


class Configuration(NamedTuple):
    """What is set: *values* by name, and how it differs from what was set before.

    The id is always the same for one change, so that of several workers that see it the first alone writes it down.
    """

    event_id: UUID
    metadata: dict[str, Any]


def changed(settings: Settings, last: AuditEvent | None, key: bytes) -> Configuration | None:
    """Return what to write down about *settings*; ``None`` if *last*, the event before, said the same."""
    values = _values(settings, key)
    known = (last.metadata or {}).get("values") if last is not None else None
    before: Mapping[str, Any] = known if isinstance(known, dict) else {}
    if before == values:
        return None
    names = sorted(name for name in before.keys() | values if before.get(name) != values.get(name))
    digest = bytearray(
        blake2b(
            msgspec.json.encode([str(last.event_id) if last is not None else "", values], order="sorted"),
            digest_size=16,
        ).digest()
    )
    digest[6], digest[8] = digest[6] & 0x0F | 0x80, digest[8] & 0x3F | 0x80  # a UUIDv8
    return Configuration(UUID(bytes=bytes(digest)), {"changed": names if before else [], "values": values})


def _values(settings: Settings, key: bytes) -> dict[str, Any]:
    """Return each setting that is not as it is by default; of a secret what shows that it has changed."""
    return {
        name: _shown(settings, name, key)
        for name, origin in sorted(settings.sources.items())
        if origin != "default" and name not in _OF_A_HOST
    }


def _shown(settings: Settings, name: str, key: bytes) -> Any:
    first, *rest = name.split(".")
    value = getattr(settings, first)
    for part in rest:
        value = value.get(part) if isinstance(value, Mapping) else getattr(value, part)
    if name in _URLS:
        return _plain(masked_urls(value))
    if isinstance(value, SecretStr):
        return _fingerprint(key, name, value.get_secret_value())
    return _fingerprint(key, name, str(value)) if first == "plugin" else _plain(value)


def _fingerprint(key: bytes, name: str, value: str) -> str:
    return hmac.digest(key, f"setting {name} {value}".encode(), "sha256").hex()[:_DIGITS]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)
