"""``proxystore secrets``: what an installation needs and nobody may guess."""

from __future__ import annotations

import typer

secrets = typer.Typer(help="What an installation needs and nobody may guess.", no_args_is_help=True)


@secrets.callback()
def _secrets() -> None:
    """Make secrets such as PROXYSTORE_PEPPER."""


@secrets.command()
def new() -> None:
    """Print a new secret, such as for PROXYSTORE_PEPPER; it is kept nowhere."""
    from proxystore.secrecy import new_secret

    typer.echo(new_secret())
