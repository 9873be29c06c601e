"""What models cost, in versions: what was valid yesterday is still there tomorrow.

A price is in femto-dollars (1e-15) per token, piece, second or call: whole numbers for every price that is published.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, SmallInteger, Table, Text, text

from proxystore.schema.metadata import metadata
from proxystore.schema.types import Id, Moment

RATES: Final = (
    "input_femtousd",
    "cache_read_femtousd",
    "cache_write_femtousd",
    "cache_write_1h_femtousd",
    "input_audio_femtousd",
    "input_image_femtousd",
    "output_femtousd",
    "reasoning_femtousd",
    "output_audio_femtousd",
    "output_image_femtousd",
    "request_femtousd",
    "second_femtousd",
    "call_femtousd",
)
"""Prices per token of a bucket, per piece, per second, per call; ``NULL`` where there is none of its own."""

prices = Table(
    "prices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("model_id", Id, ForeignKey("models.id", ondelete="CASCADE"), nullable=False),
    Column("service_tier", Text, nullable=False, server_default=text("''")),
    Column("above_input_tokens", Integer, nullable=False, server_default=text("0")),
    Column("daily_from", SmallInteger),
    Column("daily_until", SmallInteger),
    Column("valid_from", Moment, nullable=False),
    Column("valid_until", Moment),
    *(Column(name, BigInteger) for name in RATES),
    Column("source", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index(None, "model_id"),
)
