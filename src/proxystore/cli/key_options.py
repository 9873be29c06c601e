"""What the commands about keys and projects have in common: options, columns, ways to print."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import msgspec
import typer

from proxystore.cli.tables import Column
from proxystore.settings.kinds import seconds

if TYPE_CHECKING:
    from proxystore.cli.commandline import CommandLine
    from proxystore.records import KeyRecord, NewKey
    from proxystore.store import Store

T = TypeVar("T")


class Bound(StrEnum):
    """What may be taken away from a key."""

    DAILY_BUDGET = "daily-budget"
    EXPIRES = "expires"
    MAX_REQUESTS = "max-requests"
    MODELS = "models"
    MONTHLY_BUDGET = "monthly-budget"
    PROJECT = "project"
    REQUESTS_PER_MINUTE = "requests-per-minute"
    TOKENS_PER_MINUTE = "tokens-per-minute"


class Origin(StrEnum):
    """Whose secret a key has."""

    MADE = "made"
    IMPORTED = "imported"
    ADOPTED = "adopted"


def _duration(text: str) -> timedelta:
    try:
        return timedelta(seconds=float(str(seconds(text))))
    except (ValueError, OverflowError):
        raise typer.BadParameter("may be a duration such as 90s, 12h or 30d") from None


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return datetime.now(UTC) + _duration(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _money(text: str) -> Decimal:
    try:
        return Decimal(text.removeprefix("$"))
    except ArithmeticError:
        raise typer.BadParameter("may be an amount of dollars such as 12.50") from None


def _setting(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign:
        raise typer.BadParameter("may be NAME=VALUE; NAME= takes it away")
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value or None


Json = Annotated[bool, typer.Option("--json", help="For programs: every value there is.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="Its id, key_…", show_default=False)]
Keys = Annotated[list[str], typer.Argument(metavar="KEY...", help="Their ids, key_…", show_default=False)]
Project = Annotated[str, typer.Argument(metavar="PROJECT", help="Its name, or its id.", show_default=False)]
Name = Annotated[str, typer.Option(help="For people.", show_default=False)]
NewName = Annotated[str | None, typer.Option(help="For people.")]
InProject = Annotated[str | None, typer.Option("--project", help="The project it belongs to, by name or id.")]
Models = Annotated[list[str] | None, typer.Option("--model", help="A model it may call; again for more. Else all.")]
Requests = Annotated[int | None, typer.Option(help="Requests it may make in a minute.")]
Tokens = Annotated[int | None, typer.Option(help="Tokens it may use in a minute.")]
MaxRequests = Annotated[int | None, typer.Option(help="Requests it may ever make.")]
Daily = Annotated[Decimal | None, typer.Option(parser=_money, metavar="DOLLARS", help="What it may spend in a day.")]
Monthly = Annotated[Decimal | None, typer.Option(parser=_money, metavar="DOLLARS", help="... and in a month; UTC.")]
Expires = Annotated[
    datetime | None, typer.Option(parser=_moment, metavar="WHEN", help="30d, 12h, or 2027-01-31T18:00; in UTC.")
]
Settings = Annotated[
    list[Any] | None,
    typer.Option(
        "--setting",
        parser=_setting,
        metavar="NAME=VALUE",
        help="cache_ttl (seconds), unpriced (allow, alert, refuse), disconnect (bill_seen, drain, void).",
    ),
]
Clear = Annotated[list[Bound] | None, typer.Option(help="Take this away; again for more.")]
Grace = Annotated[
    timedelta | None,
    typer.Option(parser=_duration, metavar="TIME", help="For how long the old secret stays good, such as 24h."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

KEYS: Final = (
    Column("id"),
    Column("name"),
    Column("prefix"),
    Column("project_id", "project"),
    Column("is_active", "active"),
    Column("expires_at", "expires"),
    Column("last_used_at", "last used"),
    Column("request_count", "requests"),
)
WHOLE_KEY: Final = tuple(
    Column(name)
    for name in (
        *("id", "name", "prefix", "origin", "project_id", "models", "requests_per_minute", "tokens_per_minute"),
        *("max_requests", "daily_budget", "monthly_budget", "is_active", "expires_at", "deactivated_at", "revoked_at"),
        *("deleted_at", "previous_until", "settings", "created_at", "updated_at", "last_used_at", "request_count"),
        "cache_hit_count",
    )
)
PROJECTS: Final = (Column("id"), Column("name"), Column("is_active", "active"), Column("created_at", "created"))
WHOLE_PROJECT: Final = tuple(
    Column(name)
    for name in (*("id", "name", "is_active", "deactivated_at", "deleted_at", "settings", "created_at", "updated_at"),)
)
_FIELDS: Final = (Column("field"), Column("value"))


def given(**options: object) -> dict[str, Any]:
    """Return those of *options* that were given."""
    return {name: value for name, value in options.items() if value is not None}


def settings_given(settings: Sequence[tuple[str, Any]] | None, now: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what is set *now* with what is given in its place; ``None`` where nothing is given."""
    return None if not settings else {**now, **dict(settings)}


def cleared(bounds: Sequence[Bound] | None) -> dict[str, None]:
    """Return the options that take *bounds* away."""
    names = {Bound.EXPIRES: "expires_at"}
    return dict.fromkeys(names.get(bound, bound.value.replace("-", "_")) for bound in bounds or ())


def run(line: CommandLine, work: Callable[[Store], Awaitable[T]]) -> T:
    """Return what *work* makes of the open store."""

    async def opened() -> T:
        async with line.store() as store:
            return await work(store)

    return line.run(opened())


def show_one(line: CommandLine, row: object, whole: Sequence[Column], *, as_json: bool) -> None:
    """Print everything about one row."""
    if as_json:
        line.show([row], whole, as_json=True)
    else:
        line.show([{"field": column.title, "value": column.value(row)} for column in whole], _FIELDS)


def tell_new(line: CommandLine, new: NewKey, *, as_json: bool) -> None:
    """Print a secret, the only time it is told: alone on standard output, so that a shell can take it."""
    if as_json:
        row = {"secret": new.secret} | {column.name: column.value(new.record) for column in WHOLE_KEY}
        line.show([row], (Column("secret"), *WHOLE_KEY), as_json=True)
    else:
        typer.echo(f"{described(new.record)}; its secret is told here and never again:", err=True)
        typer.echo(new.secret)


def described(key: KeyRecord) -> str:
    """Return what to call a key in a sentence."""
    return f"{key.id} ({key.name})"


def read_secret() -> str:
    """Return a secret from standard input: an argument would stay in the shell's history."""
    if sys.stdin.isatty():
        return str(typer.prompt("The key to import", hide_input=True, err=True)).strip()
    return sys.stdin.readline().strip()
