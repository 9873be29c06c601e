"""A model as a list has it."""

from __future__ import annotations

from typing import Any

import msgspec

from proxystore.pricing import Price


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A model as a list has it.

    Attributes:
        name: As our catalogue calls it.
        provider: As our catalogue calls it.
        fields: What `proxystore.Model` has fields for, by their names.
        prices: Of every version that the list tells of.
    """

    name: str
    provider: str
    fields: dict[str, Any]
    prices: tuple[Price, ...]
