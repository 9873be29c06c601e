"""Money in whole numbers: prices in femto-dollars (1e-15), sums in nano-dollars (1e-9)."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Final

from proxystore.errors import InvalidRecord

FEMTO_PER_NANO: Final = 1_000_000
_MOST_FEMTOUSD: Final = 2**63 - 1
_EXACT: Final = Context(prec=60)


def femtousd_of(dollars: Decimal | str | int, per: int = 1) -> int:
    """Return a price of so many *dollars* for *per* units as femto-dollars for one, half to even where it must.

    Raises:
        InvalidRecord: It is no amount, negative, or more than $9,223 for one unit.
    """
    try:
        exact = _EXACT.divide(Decimal(dollars).scaleb(15, _EXACT), Decimal(per))
        femtousd = int(exact.to_integral_value(ROUND_HALF_EVEN, _EXACT))
    except (InvalidOperation, OverflowError, ValueError):
        raise InvalidRecord(f"{dollars} is no amount of dollars.") from None
    if not 0 <= femtousd <= _MOST_FEMTOUSD:
        raise InvalidRecord(f"A price of {dollars} dollars is not between 0 and $9,223 for one.")
    return femtousd


def nanousd_of(femtousd: int, parts: int = 1) -> int:
    """Return *femtousd*, of which *parts* make one, in nano-dollars, half to even: sums are rounded here alone."""
    whole = FEMTO_PER_NANO * parts
    nanousd, rest = divmod(femtousd, whole)
    if rest and (2 * rest > whole or (2 * rest == whole and nanousd & 1)):
        nanousd += 1
    return nanousd


def dollars_of(femtousd: int) -> Decimal:
    """Return *femtousd* in dollars, exactly."""
    return Decimal(femtousd).scaleb(-15, _EXACT)
