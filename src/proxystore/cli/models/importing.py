"""``proxystore models import``: lists of models and prices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from proxystore.cli import options
from proxystore.cli.commandline import CommandLine
from proxystore.cli.tables import Column
from proxystore.pricelists import GENAI_PRICES, LITELLM, Listing, bundled, bundled_version, read_litellm
from proxystore.records.models import CAPABILITIES, ImportResult

importing = typer.Typer(
    help="Take over a list of models and prices: all of it or, if anything is wrong with it, nothing.",
    no_args_is_help=True,
)

_COLUMNS: Final = tuple(Column(name) for name in ImportResult.__struct_fields__)
_File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", exists=True, dir_okay=False, help="model_prices_and_context_window.json", show_default=False
    ),
]
_Force = Annotated[bool, typer.Option("--force", help="Even if more than half of its models are gone.")]


@importing.command()
def litellm(context: typer.Context, file: _File, *, force: _Force = False, as_json: options.Json = False) -> None:
    """Import LiteLLM's price file; what was set by hand stays."""
    _import(context.obj, read_litellm(file.read_bytes(), CAPABILITIES), LITELLM, is_forced=force, as_json=as_json)


@importing.command("genai-prices")
def genai_prices(context: typer.Context, *, force: _Force = False, as_json: options.Json = False) -> None:
    """Import the list of the package genai-prices that is installed; what was set by hand stays."""
    typer.echo(f"genai-prices {bundled_version()}", err=True)
    _import(context.obj, list(bundled().values()), GENAI_PRICES, is_forced=force, as_json=as_json)


def _import(line: CommandLine, listings: Sequence[Listing], source: str, *, is_forced: bool, as_json: bool) -> None:
    async def work() -> ImportResult:
        async with line.store() as store:
            with line.progress("importing", len(listings)) as told:
                return await store.models.import_listings(
                    listings, source, is_forced=is_forced, actor=line.actor, told=told
                )

    done = line.run(work())
    if as_json:
        line.show_one(done, _COLUMNS, as_json=True)
    else:
        line.show([done], _COLUMNS)
