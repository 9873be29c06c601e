"""What the commands about keys and projects have in common: options, columns, ways to print."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import msgspec
import typer
from typer.core import TyperCommand
from typing_extensions import override

from proxystore.cli.options import deadline, dollars, duration, find_key_id
from proxystore.cli.tables import Column
from proxystore.errors import KeyNotFound

if TYPE_CHECKING:
    from proxystore.cli.commandline import CommandLine
    from proxystore.records import KeyRecord, NewKey
    from proxystore.store import Store


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


class Naming(TyperCommand):
    """A command whose NAME may also be given as ``--name NAME``."""

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _with_name_last(args))


def _with_name_last(words: Sequence[str]) -> list[str]:
    for place, word in enumerate(words):
        if word == "--":
            break
        if word == "--name" and place + 1 < len(words):
            return [*words[:place], *words[place + 2 :], words[place + 1]]
        if word.startswith("--name="):
            return [*words[:place], *words[place + 1 :], word.removeprefix("--name=")]
    return [*words]


def _setting(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign:
        raise typer.BadParameter("may be NAME=VALUE; NAME= takes it away")
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value or None


Key = Annotated[str, typer.Argument(metavar="KEY", help="Its id, key_…, or its name.", show_default=False)]
Project = Annotated[str, typer.Argument(metavar="PROJECT", help="Its name, or its id.", show_default=False)]
Name = Annotated[str, typer.Argument(metavar="NAME", help="What people call it.", show_default=False)]
NewName = Annotated[str | None, typer.Option("--name", help="What people call it.")]
OfName = Annotated[str | None, typer.Option("--name", help="Only those of this name.")]
InProject = Annotated[str | None, typer.Option("--project", help="The project it belongs to, by its name or id.")]
OfProject = Annotated[str | None, typer.Option("--project", help="Only those of this project, by its name or id.")]
Models = Annotated[list[str] | None, typer.Option("--model", help="A model it may call; again for more. Else all.")]
Requests = Annotated[int | None, typer.Option(help="Requests it may make in a minute.")]
Tokens = Annotated[int | None, typer.Option(help="Tokens it may use in a minute.")]
MaxRequests = Annotated[int | None, typer.Option(help="Requests it may ever make.")]
Daily = Annotated[Decimal | None, typer.Option(parser=dollars, metavar="DOLLARS", help="What it may spend in a day.")]
Monthly = Annotated[Decimal | None, typer.Option(parser=dollars, metavar="DOLLARS", help="... and in a month; UTC.")]
Expires = Annotated[
    datetime | None, typer.Option(parser=deadline, metavar="WHEN", help="30d, 12h, or 2027-01-31T18:00; in UTC.")
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
    typer.Option(parser=duration, metavar="TIME", help="For how long the old secret stays good, such as 24h."),
]

_PROJECT: Final = "project_id"
_KEY: Final = ("id", "name", "prefix", _PROJECT, "is_active", "expires_at", "last_used_at", "request_count")
_WHOLE_KEY: Final = (
    *("id", "name", "prefix", "origin", _PROJECT, "models", "requests_per_minute", "tokens_per_minute"),
    *("max_requests", "daily_budget", "monthly_budget", "is_active", "expires_at", "deactivated_at", "revoked_at"),
    *("deleted_at", "previous_until", "settings", "created_at", "updated_at", "last_used_at", "request_count"),
    "cache_hit_count",
)
_HEADINGS: Final = {
    _PROJECT: "project",
    "is_active": "active",
    "expires_at": "expires",
    "last_used_at": "last used",
    "request_count": "requests",
    "cache_hit_count": "answered from the cache",
}
_SPARE: Final = {"expires_at": 1, _PROJECT: 2, "last_used_at": 3, "prefix": 4}
PROJECTS: Final = (Column("id"), Column("name"), Column("is_active", "active"), Column("created_at", "created"))
WHOLE_PROJECT: Final = tuple(
    Column(name, _HEADINGS.get(name))
    for name in ("id", "name", "is_active", "deactivated_at", "deleted_at", "settings", "created_at", "updated_at")
)


class Keys(NamedTuple):
    """Keys, and what the projects are called that they belong to."""

    records: Sequence[KeyRecord]
    projects: Mapping[str, str]

    @property
    def columns(self) -> tuple[Column, ...]:
        """What people look for in a list."""
        return self._columns(_KEY)

    @property
    def whole(self) -> tuple[Column, ...]:
        """Everything about them."""
        return self._columns(_WHOLE_KEY)

    def show(self, line: CommandLine, *, as_json: bool) -> None:
        """Print everything about the only one."""
        line.show_one(self.records[0], self.whole, as_json=as_json)

    def _columns(self, names: Sequence[str]) -> tuple[Column, ...]:
        return tuple(
            Column(
                name,
                _HEADINGS.get(name),
                (lambda each: self.projects.get(each, each)) if name == _PROJECT else None,
                _SPARE.get(name, 0),
            )
            for name in names
        )


async def known(store: Store, *records: KeyRecord) -> Keys:
    """Return *records*, ready to be shown."""
    ids = {record.project_id for record in records if record.project_id is not None}
    return Keys(records, {each: (await store.projects.get(each)).name for each in sorted(ids)})


async def id_of(store: Store, called: str) -> str:
    """Return the id of the key that is *called* so, by its id or by its name.

    Raises:
        KeyNotFound: None is.
    """
    found = await find_key_id(store, called)
    if found is None:
        raise KeyNotFound(f"No key is called {called!r}: `proxystore keys list` has those that there are.")
    return found


async def named(store: Store, key: KeyRecord) -> Keys:
    """Return *key*, as `known`; say on stderr if another has its name, which names none of them then."""
    others = [each for each in await store.keys.list(limit=3, name=key.name) if each.id != key.id]
    if others:
        typer.echo(
            f"note: {others[0].id} is called {key.name!r}, too: from now on, name them by their ids,"
            f" or rename one: proxystore keys update {key.id} --name OTHER",
            err=True,
        )
    return await known(store, key)


async def made(store: Store, **options: Any) -> NewKey:
    """Make a key, and say on stderr if another has its name."""
    new = await store.keys.create(**options)
    await named(store, new.record)
    return new


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


def tell_new(line: CommandLine, new: NewKey, *, as_json: bool) -> None:
    """Print a secret, the only time it is told: alone on standard output, so that a shell can take it."""
    if as_json:
        row = {"secret": new.secret} | {name: getattr(new.record, name) for name in _WHOLE_KEY}
        line.show_one(row, tuple(map(Column, row)), as_json=True)
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
