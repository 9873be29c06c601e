"""``proxystore models price`` and ``cost``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

import typer

from proxystore.cli import options
from proxystore.cli.commandline import CommandLine
from proxystore.cli.models.models import model_by, words_of
from proxystore.cli.models.options import AnyName, Client, Tier, When
from proxystore.cli.tables import Column
from proxystore.errors import ModelNotFound
from proxystore.pricing import EVER, RATES, Explanation, Price, condition_of
from proxystore.records.models import Model
from proxystore.values import Usage

_Million = Annotated[
    Decimal | None, typer.Option(parser=options.dollars, metavar="DOLLARS", help="For a million tokens of this kind.")
]
_One = Annotated[Decimal | None, typer.Option(parser=options.dollars, metavar="DOLLARS", help="For one.")]
_From = Annotated[
    datetime | None,
    typer.Option("--from", parser=options.date, metavar="WHEN", help="From when it holds, UTC; now if none is given."),
]
_Above = Annotated[int, typer.Option(min=0, help="For requests with more input than so many tokens.")]
_Unset = Annotated[bool, typer.Option("--unset", help="Forget what was set by hand; lists hold again.")]
_Tokens = Annotated[int, typer.Option(min=0, metavar="N", help="Tokens of this kind, in none of the others.")]

_PRICES: Final = (
    Column("condition"),
    Column("price"),
    Column("valid_from"),
    Column("valid_until"),
    Column("source"),
)
_PRICES_WHOLE: Final = tuple(Column(name) for name in Price.__struct_fields__)
_LINES: Final = (
    Column("bucket", write=lambda bucket: bucket.removesuffix("_tokens").replace("_", " ")),
    Column("quantity"),
    Column("unit"),
    Column("rate", "$ for one", lambda rate: f"{rate.normalize():f}"),
    Column("dollars", "$", lambda dollars: f"{dollars.normalize():f}"),
    Column("priced_as", "priced as"),
    Column("condition"),
    Column("is_assumed", "assumed"),
)


def price(
    context: typer.Context,
    name: AnyName,
    *,
    input: _Million = None,  # noqa: A002  the option's name
    cache_read: _Million = None,
    cache_write: _Million = None,
    cache_write_1h: _Million = None,
    input_audio: _Million = None,
    input_image: _Million = None,
    output: _Million = None,
    reasoning: _Million = None,
    output_audio: _Million = None,
    output_image: _Million = None,
    request: _One = None,
    second: _One = None,
    call: _One = None,
    tier: Tier = "",
    above: _Above = 0,
    since: _From = None,
    unset: _Unset = False,
    as_json: options.Json = False,
) -> None:
    """Show every price of a model, or set one by hand if amounts are given.

    Amounts are dollars: for a million tokens, but for one piece (--request), one second, one answer (--call).
    """
    given = locals()
    line: CommandLine = context.obj
    dollars: dict[str, Any] = {key: given[key] for key in RATES if given[key] is not None}
    if unset and dollars:
        raise typer.BadParameter("set a price or forget it, not both")
    new = Price.of(service_tier=tier, above_input_tokens=above, valid_from=since or EVER, **dollars)

    async def work() -> Model:
        async with line.store() as store:
            if unset:
                return await store.models.unset_prices(name, actor=line.actor)
            if dollars:
                if await store.models.find(name) is None:
                    raise ModelNotFound(
                        f"The database has no model {name!r}: `proxystore models create` makes it known, and"
                        " `proxystore models import genai-prices` all of the list that comes with us."
                    )
                return await store.models.set_price(name, new, actor=line.actor)
            return await model_by(store, name)

    model = line.run(work())
    if as_json:
        line.show(model.prices, _PRICES_WHOLE, as_json=True)
    else:
        line.show([_row(one) for one in model.prices], _PRICES, title=model.name)


def cost(
    context: typer.Context,
    name: AnyName,
    *,
    input: _Tokens = 0,  # noqa: A002  the option's name
    cache_read: _Tokens = 0,
    cache_write: _Tokens = 0,
    cache_write_1h: _Tokens = 0,
    input_audio: _Tokens = 0,
    input_image: _Tokens = 0,
    output: _Tokens = 0,
    reasoning: _Tokens = 0,
    output_audio: _Tokens = 0,
    output_image: _Tokens = 0,
    requests: Annotated[int, typer.Option(min=0, metavar="N", help="Pieces, such as web searches.")] = 0,
    seconds: Annotated[float, typer.Option(min=0, metavar="N", help="Such as of transcribed audio.")] = 0.0,
    tier: Tier = "",
    client: Client = None,
    at: When = None,
    as_json: options.Json = False,
) -> None:
    """Explain what something costs, line by line; exit with 1 if that is not known."""
    line: CommandLine = context.obj
    usage = Usage(
        input_tokens=input,
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
        cache_write_1h_tokens=cache_write_1h,
        input_audio_tokens=input_audio,
        input_image_tokens=input_image,
        output_tokens=output,
        reasoning_tokens=reasoning,
        output_audio_tokens=output_audio,
        output_image_tokens=output_image,
        requests=requests,
        seconds=seconds,
        service_tier=tier or None,
        quality="reported",
    )
    explanation = line.run(_explained(line, name, usage, at, client))
    rows: Sequence[Any] = [*explanation.lines, _total(explanation)]
    line.show(rows, _LINES, as_json=as_json)
    if explanation.dollars is None:
        typer.echo("error: something in this has no known price", err=True)
        raise typer.Exit(1)


async def _explained(
    line: CommandLine, name: str, usage: Usage, at: datetime | None, client: str | None
) -> Explanation:
    async with line.store() as store:
        found = await store.models.resolve(name, client=client)
        if found is None:
            return (await model_by(store, name)).explain(usage, at)
        if found.model != name:
            typer.echo(f"{name} is {found.model} ({found.how}, from {found.source})", err=True)
        return found.explain(usage, at)


def _total(explanation: Explanation) -> dict[str, Any]:
    empty = dict.fromkeys(("quantity", "unit", "rate", "priced_as"))
    return {
        "bucket": "total",
        "dollars": explanation.dollars,
        "condition": "rounded to nano-dollars",
        "is_assumed": explanation.cost.is_assumed,
        **empty,
    }


def _row(one: Price) -> dict[str, Any]:
    return {
        "condition": condition_of(one) or "standard",
        "price": words_of(one).partition(" (")[0],
        "valid_from": None if one.valid_from == EVER else one.valid_from,
        "valid_until": one.valid_until,
        "source": one.source,
    }
