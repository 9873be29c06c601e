"""Options that many commands have, and what people may write for their values: `proxystore.options` to plugins.

An option is an annotation: ``as_json: options.Json = False``, ``since: options.Since = None``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from secrets import token_hex
from typing import IO, TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from proxystore.errors import InvalidRecord, ProjectNotFound
from proxystore.settings.kinds import seconds

if TYPE_CHECKING:
    from proxystore.store import Store

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_is_number: Final = re.compile(r"\s*\d*\.?\d*\s*").fullmatch


def moment(text: str) -> datetime:
    """Return the time that *text* names: ``2026-11-01``, ``2026-11-01T14:00:05``, or ``10m``, ``24h``, ``7d`` (ago).

    Raises:
        BadParameter: It names none.
    """
    length = span(text)
    return date(text) if length is None else _from_now(-length)


def deadline(text: str) -> datetime:
    """Return the time that *text* names, as `moment` does; but ``30d`` is thirty days from now.

    Raises:
        BadParameter: It names none, or one that is past.
    """
    length = span(text)
    found = date(text) if length is None else _from_now(length)
    if found <= datetime.now(UTC):
        raise typer.BadParameter(f"{text!r} is past: it is {datetime.now(UTC):%Y-%m-%dT%H:%M} in UTC")
    return found


def date(text: str) -> datetime:
    """Return the time that *text* names as a date with or without a time, in UTC unless it says otherwise.

    What lies before 1970 is the beginning of 1970: nothing here is older.

    Raises:
        BadParameter: It names none.
    """
    try:
        found = datetime.fromisoformat(text.strip())
        return _known(found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC))
    except OverflowError:
        raise typer.BadParameter(f"{text!r} is so far from now that there is no calendar") from None
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither a date such as 2026-11-01 or 2026-11-01T14:00, nor a time such as 10m, 24h or 30d"
        ) from None


def duration(text: str) -> timedelta:
    """Return how long *text* says: ``90`` (seconds), ``90s``, ``1h30m``, ``24h``, ``7d``, ``2w``.

    Raises:
        BadParameter: It says nothing of the kind.
    """
    try:
        return timedelta(seconds=float(str(seconds(text))))
    except (OverflowError, ValueError):
        raise typer.BadParameter(f"{text!r} is no duration such as 90s, 12h or 30d") from None


def span(text: str) -> timedelta | None:
    """Return how long *text* says, as `duration` does; ``None`` where it has no unit, and where it is none."""
    try:
        return None if _is_number(text) else duration(text)
    except typer.BadParameter:
        return None


def dollars(text: str) -> Decimal:
    """Return the dollars that *text* names: ``12.50``, ``$12.50``.

    Raises:
        BadParameter: It is no amount.
    """
    try:
        amount = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite():
        raise typer.BadParameter(f"{text!r} is no amount of dollars such as 12.50")
    return amount


def identity(of: str) -> Callable[[str], UUID]:
    """Return what reads the UUID of something, such as ``an event``.

    Raises:
        BadParameter: From what is returned: it is given something else.
    """

    def read(text: str) -> UUID:
        try:
            return UUID(text)
        except ValueError:
            raise typer.BadParameter(f"the id of {of} is a UUID, as in the list") from None

    return read


async def key_id(store: Store, called: str) -> str:
    """Return the id of the key that is *called* so, by its id or by its name.

    What no key is called is returned as it is, and stderr says so: plugins may let in others than the store has.

    Raises:
        BadParameter: Several keys have this name.
    """
    found = await find_key_id(store, called)
    if found is None:
        typer.echo(f"note: no key is called {called!r}: `proxystore keys list` has those that there are", err=True)
    return called if found is None else found


async def find_key_id(store: Store, called: str) -> str | None:
    """Return the id of the key that is *called* so, ``None`` if none is; as `key_id`."""
    if called.startswith("key_"):
        return called
    found = await store.keys.list(limit=2, name=called) or await store.keys.list(limit=2, name=called, deleted=True)
    if len(found) > 1:
        ids = " or ".join(each.id for each in found)
        raise typer.BadParameter(f"more than one key is called {called!r}: name its id, such as {ids}")
    return found[0].id if found else None


async def project_id(store: Store, called: str) -> str:
    """Return the id of the project that is *called* so, by its id or by its name; as `key_id`."""
    try:
        return (await store.projects.get(called)).id
    except (InvalidRecord, ProjectNotFound):
        typer.echo(
            f"note: no project is called {called!r}: `proxystore projects list` has those that there are", err=True
        )
        return called


@contextmanager
def writing(output: Path | None) -> Iterator[IO[bytes]]:
    """Give the file that ``--output`` names, or standard output, to write to.

    The file gets its name when it is whole: what breaks off leaves what was there before. What is no file, such as a
    pipe or ``/dev/null``, is written to as it is.
    """
    if output is None:
        yield sys.stdout.buffer
    elif output.exists() and not output.is_file():
        with output.open("wb") as file:
            yield file
    else:
        whole = output.resolve()
        unfinished = whole.with_name(f"{whole.name}.{token_hex(4)}.unfinished")
        try:
            with unfinished.open("xb") as file:
                yield file
            unfinished.replace(whole)
        except FileNotFoundError as error:
            raise FileNotFoundError(error.errno, error.strerror, str(output)) from None
        finally:
            unfinished.unlink(missing_ok=True)


def _file(text: str) -> Path | None:
    return None if text == "-" else Path(text)


def _from_now(length: timedelta) -> datetime:
    try:
        return _known(datetime.now(UTC) + length)
    except OverflowError:
        raise typer.BadParameter("so far from now there is no calendar") from None


def _known(moment: datetime) -> datetime:
    return max(moment, _EPOCH)


Json = Annotated[bool, typer.Option("--json", help="For programs: every value there is.")]
Csv = Annotated[bool, typer.Option("--csv", help="For spreadsheets: every value there is.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", parser=_file, metavar="FILE", help="Where to; else, and for -, standard output."),
]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Since = Annotated[
    datetime | None,
    typer.Option(
        parser=moment, metavar="WHEN", help="From then on: 2026-11-01, 2026-11-01T14:00, or 10m, 24h, 7d ago; in UTC."
    ),
]
Until = Annotated[
    datetime | None, typer.Option(parser=moment, metavar="WHEN", help="Up to then, exclusive; written likewise.")
]
