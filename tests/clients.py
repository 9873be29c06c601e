"""Official clients, imported when one is asked for: that takes seconds, in every process that runs tests.

Tests that use them run in one process, see ``tests/conftest.py``.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    if name not in {"anthropic", "ollama", "openai"}:
        raise AttributeError(name)
    return import_module(name)
