"""Usage to money, in whole numbers; knows no database."""

from __future__ import annotations

from proxystore.pricing.explaining import CostLine, Explanation, condition_of, explained
from proxystore.pricing.money import dollars_of, femtousd_of, nanousd_of
from proxystore.pricing.price import BUCKETS, EVER, RATES, STANDARD_TIERS, Price
from proxystore.pricing.rates import UNPRICED, Rates
from proxystore.pricing.tariff import Tariff, nanoseconds
from proxystore.pricing.versions import forgotten, relisted, replaced

__all__ = [
    "BUCKETS",
    "EVER",
    "RATES",
    "STANDARD_TIERS",
    "UNPRICED",
    "CostLine",
    "Explanation",
    "Price",
    "Rates",
    "Tariff",
    "condition_of",
    "dollars_of",
    "explained",
    "femtousd_of",
    "forgotten",
    "nanoseconds",
    "nanousd_of",
    "relisted",
    "replaced",
]
