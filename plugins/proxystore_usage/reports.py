"""``proxystore usage``: reports, each by whatever is asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, TypeAlias

import typer

from proxystore import Column, CommandLine, Store
from proxystore_usage.options import (
    By,
    Csv,
    Grouping,
    Json,
    Key,
    Limit,
    Model,
    Project,
    Provider,
    Since,
    Until,
    show,
)
from proxystore_usage.tables import (
    COSTS_WHOLE,
    LATENCIES_WHOLE,
    SUMMARY_WHOLE,
    cost_columns,
    error_columns,
    latency_columns,
    saving_columns,
    summary_columns,
)

Read: TypeAlias = Callable[..., Awaitable[Sequence[Any]]]


class Measure(StrEnum):
    """What the first ones have the most of."""

    REQUESTS = "requests"
    COST = "cost"
    TOKENS = "tokens"
    ERRORS = "errors"
    SAVED = "saved"


class Report(NamedTuple):
    """A command: what it tells, how it is read, and what of it is shown."""

    name: str
    help: str
    read: Callable[[Store], Read]
    columns: Callable[[str], tuple[Column, ...]]
    whole: tuple[Column, ...]


_MEASURES = {
    Measure.REQUESTS: "requests",
    Measure.COST: "cost_nanousd",
    Measure.TOKENS: "all_tokens",
    Measure.ERRORS: "errors",
    Measure.SAVED: "saved_nanousd",
}
_REPORTS = (
    Report(
        "summary",
        "Sum up requests, tokens, cost and latency.",
        lambda store: store.usage.summary,
        summary_columns,
        SUMMARY_WHOLE,
    ),
    Report("costs", "Break costs down.", lambda store: store.usage.costs, cost_columns, COSTS_WHOLE),
    Report(
        "latency",
        "Show in how many milliseconds 50, 95 and 99 % of answers were complete.",
        lambda store: store.usage.latencies,
        latency_columns,
        LATENCIES_WHOLE,
    ),
    Report("savings", "Show what the cache saved.", lambda store: store.usage.savings, saving_columns, SUMMARY_WHOLE),
)
_By = Annotated[Measure, typer.Option("--measure", help="What to rank by.")]
_AtLeast = Annotated[int, typer.Option(min=1, help="Leave out groups of fewer requests.")]
_KeyId = Annotated[str, typer.Argument(metavar="KEY", help="The id of a key.", show_default=False)]
_Month = Annotated[str | None, typer.Argument(metavar="YYYY-MM", help="One month; else every one.", show_default=False)]
_Refresh = Annotated[bool, typer.Option("--refresh", help="Make the days of that month anew from their events first.")]


def add_reports(cli: typer.Typer) -> None:
    """Add a command for each report."""
    for report in _REPORTS:
        cli.command(report.name, help=report.help)(_command(report))
    cli.command()(top)
    cli.command()(errors)
    cli.command()(monthly)


def _command(report: Report) -> Callable[..., None]:
    def command(
        context: typer.Context,
        *,
        by: By = Grouping.MODEL,
        since: Since = None,
        until: Until = None,
        model: Model = None,
        provider: Provider = None,
        key: Key = None,
        project: Project = None,
        as_json: Json = False,
        as_csv: Csv = False,
    ) -> None:
        line: CommandLine = context.obj
        chosen = {"model": model, "provider": provider, "key": key, "project": project}
        rows = _read(line, lambda store: report.read(store)(by.value, since=since, until=until, **chosen))
        show(line, rows, report.columns(by.value), report.whole, as_json=as_json, as_csv=as_csv)

    return command


def top(
    context: typer.Context,
    *,
    by: By = Grouping.KEY,
    limit: Limit = 10,
    measure: _By = Measure.COST,
    since: Since = None,
    until: Until = None,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Show who has the most of something."""
    line: CommandLine = context.obj
    what: Any = _MEASURES[measure]
    rows = _read(line, lambda store: store.usage.top(by.value, limit, measure=what, since=since, until=until))
    show(line, rows, summary_columns(by.value), SUMMARY_WHOLE, as_json=as_json, as_csv=as_csv)


def errors(
    context: typer.Context,
    *,
    by: By = Grouping.MODEL,
    at_least: _AtLeast = 1,
    since: Since = None,
    until: Until = None,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Show which share of requests failed, the highest first."""
    line: CommandLine = context.obj
    rows = _read(line, lambda store: store.usage.error_rates(by.value, at_least=at_least, since=since, until=until))
    show(line, rows, error_columns(by.value), SUMMARY_WHOLE, as_json=as_json, as_csv=as_csv)


def monthly(
    context: typer.Context,
    key: _KeyId,
    month: _Month = None,
    *,
    refresh: _Refresh = False,
    as_json: Json = False,
    as_csv: Csv = False,
) -> None:
    """Sum up what a key used in a month, or in every month."""
    line: CommandLine = context.obj
    when = None if month is None else _year_and_month(month)

    async def read(store: Store) -> Sequence[Any]:
        if when is None:
            return await store.usage.months(key)
        if refresh:
            await store.refresh_month(*when)
        return [await store.usage.monthly(key, *when)]

    if refresh and when is None:
        raise typer.BadParameter("name the month that is to be made anew")
    rows = _read(line, read)
    show(line, rows, summary_columns("month"), SUMMARY_WHOLE, as_json=as_json, as_csv=as_csv)


def _year_and_month(text: str) -> tuple[int, int]:
    try:
        found = datetime.strptime(text, "%Y-%m")  # noqa: DTZ007  a month has no time zone
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no month such as 2026-11") from None
    return found.year, found.month


def _read(line: CommandLine, read: Callable[[Store], Awaitable[Sequence[Any]]]) -> Sequence[Any]:
    async def work() -> Sequence[Any]:
        async with line.store() as store:
            return await read(store)

    return line.run(work())
