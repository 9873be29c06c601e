"""What plugins may do, and how they are found and asked."""

from __future__ import annotations

from proxystore.hooks.dispatch import Chains
from proxystore.hooks.loading import Place, Plugin, Plugins, disabled_in_vain, find, left_out, try_each, wanted
from proxystore.hooks.marker import hookimpl

__all__ = [
    "Chains",
    "Place",
    "Plugin",
    "Plugins",
    "disabled_in_vain",
    "find",
    "hookimpl",
    "left_out",
    "try_each",
    "wanted",
]
