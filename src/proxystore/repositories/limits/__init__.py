"""What is left of limits, as rows.

Whoever changes budgets locks rows of ``budget_windows`` first, in the order of their keys, and of ``holds`` after that;
a row of ``processes`` is locked before both.
"""

from __future__ import annotations

from proxystore.repositories.limits.holds import bury, give_back, release
from proxystore.repositories.limits.keys import KEY, KEY_TYPES, BudgetKey, is_same, locked
from proxystore.repositories.limits.spending import Spent, create, refresh, spend
from proxystore.repositories.limits.windows import windows_of

__all__ = [
    "KEY",
    "KEY_TYPES",
    "BudgetKey",
    "Spent",
    "bury",
    "create",
    "give_back",
    "is_same",
    "locked",
    "refresh",
    "release",
    "spend",
    "windows_of",
]
