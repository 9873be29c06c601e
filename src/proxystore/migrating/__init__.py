"""Bring a database's schema to where this release needs it, or say why not."""

from __future__ import annotations

from proxystore.migrating.commands import check, downgrade, status, upgrade
from proxystore.migrating.histories import BUILT_IN, Migrations
from proxystore.records.migration import Revision

__all__ = ["BUILT_IN", "Migrations", "Revision", "check", "downgrade", "status", "upgrade"]
