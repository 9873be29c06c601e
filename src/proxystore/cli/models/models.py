"""``proxystore models``: what there is."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from proxystore.cli import options
from proxystore.cli.commandline import CommandLine
from proxystore.cli.models.options import (
    AnyName,
    Family,
    Fields,
    Mode,
    Name,
    Provider,
    fields_of,
)
from proxystore.cli.tables import FIELDS, Column
from proxystore.errors import ModelNotFound
from proxystore.pricing import Price, condition_of
from proxystore.records.models import Model

if TYPE_CHECKING:
    from proxystore.store import Store

LIST: Final = (
    Column("name"),
    Column("provider"),
    Column("mode", spare=1),
    Column("max_input_tokens", "input", spare=3),
    Column("max_output_tokens", "output", spare=3),
    Column("input_price", "$/M in", str),
    Column("output_price", "$/M out", str),
    Column("source", spare=2),
)
WHOLE: Final = tuple(Column(name) for name in Model.__struct_fields__)
MATCHES: Final = (Column("name"), Column("provider"), Column("mode"), Column("source"), Column("score"))
_UNITS: Final = {"request_femtousd": "piece", "second_femtousd": "second", "call_femtousd": "answer"}

models = typer.Typer(help="What can be called, by which names, and what it costs.", no_args_is_help=True)

_Text = Annotated[str, typer.Argument(metavar="TEXT", help="Something like a name.", show_default=False)]
_Source = Annotated[str | None, typer.Option(help="Only those from there: manual, litellm, genai-prices.")]
_After = Annotated[str | None, typer.Option(metavar="NAME", help="Only those whose names come after this one.")]
_Retired = Annotated[bool, typer.Option("--retired", help="Also those that their list no longer has.")]
_Input = Annotated[
    Decimal | None,
    typer.Option("--input", parser=options.dollars, metavar="DOLLARS", help="For a million tokens of input."),
]
_Output = Annotated[
    Decimal | None,
    typer.Option("--output", parser=options.dollars, metavar="DOLLARS", help="For a million tokens of output."),
]


@models.command("list")
def list_models(
    context: typer.Context,
    *,
    provider: Provider = None,
    family: Family = None,
    mode: Mode = None,
    source: _Source = None,
    after: _After = None,
    retired: _Retired = False,
    limit: options.Limit = 50,
    as_json: options.Json = False,
) -> None:
    """List models by name, with what a million tokens cost."""
    line: CommandLine = context.obj

    found = line.ask(
        lambda store: store.models.list(
            limit=limit,
            after=after,
            provider=provider,
            family=family,
            mode=mode,
            source=source,
            has_retired=retired,
        )
    )
    line.show(found, LIST, whole=WHOLE, as_json=as_json)
    if not (found or provider or family or mode or source or after) and line.settings.bundled_prices:
        typer.echo("note: prices of the list that comes with us hold; `models import genai-prices` copies it", err=True)


@models.command()
def show(context: typer.Context, name: AnyName, *, as_json: options.Json = False) -> None:
    """Show everything about a model, and what it costs."""
    line: CommandLine = context.obj

    model = line.ask(lambda store: model_by(store, name))
    if as_json:
        line.show_one(model, WHOLE, as_json=True)
        return
    hidden = (
        {"prices"} if model.id.int else {"prices", "id", "created_at", "updated_at"}
    )  # of the list that comes along
    shown = [column for column in WHOLE if column.name not in hidden and column.value(model) not in (None, (), {})]
    rows = [{"field": column.title, "value": column.words(model)} for column in shown]
    rows += [{"field": "price", "value": words_of(price)} for price in model.prices_at()]
    line.show(rows, FIELDS)


@models.command()
def search(
    context: typer.Context,
    text: _Text,
    *,
    provider: Provider = None,
    limit: options.Limit = 10,
    as_json: options.Json = False,
) -> None:
    """Find the models whose names are most like TEXT."""
    line: CommandLine = context.obj

    found = line.ask(lambda store: store.models.search(text, limit=limit, provider=provider))
    line.show(found, MATCHES, as_json=as_json)


@models.command()
def create(
    context: typer.Context,
    name: Name,
    *,
    provider: Provider = None,
    family: Family = None,
    mode: Mode = None,
    fields: Fields = [],  # noqa: B006  what typer wants
    input_price: _Input = None,
    output_price: _Output = None,
    as_json: options.Json = False,
) -> None:
    """Make a model known, with its price if --input or --output is given; `price` sets others."""
    line: CommandLine = context.obj
    dollars: dict[str, Any] = {
        key: value for key, value in (("input", input_price), ("output", output_price)) if value is not None
    }
    prices = [Price.of(**dollars)] if dollars else []
    said = fields_of(fields) | ({} if mode is None else {"mode": mode})

    made = line.ask(
        lambda store: store.models.create(
            name, provider=provider, family=family, prices=prices, actor=line.actor, **said
        )
    )
    _told(line, made, as_json=as_json)


@models.command()
def update(
    context: typer.Context,
    name: Name,
    *,
    provider: Provider = None,
    family: Family = None,
    mode: Mode = None,
    fields: Fields = [],  # noqa: B006  as above
    as_json: options.Json = False,
) -> None:
    """Change what is known of a model; imports leave alone what is said here."""
    line: CommandLine = context.obj
    said = fields_of(fields) | ({} if mode is None else {"mode": mode})

    changed = line.ask(
        lambda store: store.models.update(name, provider=provider, family=family, actor=line.actor, **said)
    )
    _told(line, changed, as_json=as_json)


@models.command()
def delete(context: typer.Context, name: Name, *, yes: options.Yes = False) -> None:
    """Delete a model, its prices and its aliases; what was recorded of it stays."""
    line: CommandLine = context.obj
    if not yes:
        typer.confirm(f"This deletes {name} with all its prices, past ones too. Go on?", abort=True, err=True)

    line.ask(lambda store: store.models.delete(name, actor=line.actor))
    typer.echo(f"deleted {name}")


async def model_by(store: Store, name: str) -> Model:
    """Return the model that *name* means.

    Raises:
        ModelNotFound: The tables have none.
    """
    found = await store.models.find(name)
    if found is not None:
        return found
    resolved = await store.models.resolve(name)
    if resolved is None:
        likely = await store.models.search(name, limit=3)
        hint = f" Is it one of {', '.join(match.name for match in likely)}?" if likely else ""
        raise ModelNotFound(f"Nothing is known by the name {name!r}.{hint}")
    return await store.models.find(resolved.model) or resolved.as_model()


def words_of(price: Price) -> str:
    """Return *price* in words."""
    said = [
        f"{name.removesuffix('_femtousd').replace('_', ' ')} ${_dollars(value, name)}/{_UNITS.get(name, 'M')}"
        for name in Price.__struct_fields__
        if name.endswith("_femtousd") and (value := getattr(price, name)) is not None
    ]
    condition = condition_of(price)
    return ", ".join(said) + (f" ({condition})" if condition else "")


def _dollars(femtousd: int, name: str) -> str:
    exact = Decimal(femtousd).scaleb(-15 if name in _UNITS else -9)
    return f"{exact.normalize():f}"


def _told(line: CommandLine, model: Model, *, as_json: bool) -> None:
    if as_json:
        line.show_one(model, WHOLE, as_json=True)
    else:
        line.show([model], LIST)
