"""The one door to migrations: bring a database's schema to where this release needs it, or say why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proxystore.migrating.ensuring import ensure
from proxystore.migrating.histories import BUILT_IN, Migrations
from proxystore.records.migration import Revision

if TYPE_CHECKING:
    from proxystore.migrating.commands import check, downgrade, status, upgrade

__all__ = ["BUILT_IN", "Migrations", "Revision", "check", "downgrade", "ensure", "status", "upgrade"]

_COMMANDS = ("check", "downgrade", "status", "upgrade")


def __getattr__(name: str) -> Any:
    # They need Alembic, which takes a fifth of a second to import; a start with nothing to do needs none of them.
    if name in _COMMANDS:
        from proxystore.migrating import commands

        return getattr(commands, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
