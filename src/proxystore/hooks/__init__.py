"""What plugins may do, and how they are found and asked."""

from __future__ import annotations

from proxystore.hooks.dispatch import Chains
from proxystore.hooks.loading import Plugin, Plugins, find, try_each
from proxystore.hooks.marker import hookimpl

__all__ = ["Chains", "Plugin", "Plugins", "find", "hookimpl", "try_each"]
