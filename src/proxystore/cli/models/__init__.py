"""``proxystore models``, ``providers`` and ``families``: what can be called, by which names, at what price."""

from __future__ import annotations

from proxystore.cli.models import aliases, importing, prices
from proxystore.cli.models.families import families
from proxystore.cli.models.models import models
from proxystore.cli.models.providers import providers

models.add_typer(aliases.alias, name="alias")
models.add_typer(aliases.rule, name="rule")
models.add_typer(importing.importing, name="import")
models.command()(prices.price)
models.command()(prices.cost)

__all__ = ["families", "models", "providers"]
