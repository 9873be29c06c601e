"""What every command holds: settings, the store, and ways to show things."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from proxystore.cli.tables import FIELDS, Column, print_json, print_object, print_table
from proxystore.hooks import Plugins
from proxystore.settings import Settings

if TYPE_CHECKING:
    from proxystore.store import Store

T = TypeVar("T")

_PATIENCE: Final = 1.0  # seconds
_NOT_ALL: Final = (
    "some of what this host has journaled is not in the database yet: `proxystore ledger status` tells more"
)


class CommandLine:
    """What a command finds in ``context.obj``.

    Attributes:
        settings: Read with the global options ``--config`` and ``--database``.
        plugins: Those that the settings name.
        config: The file that ``--config`` named.

    Example:
        ```python
        import typer
        from proxystore import Column, CommandLine, hookimpl, options

        class Models:
            @hookimpl
            def register_commands(self, cli: typer.Typer) -> None:
                @cli.command()
                def models(context: typer.Context, *, as_json: options.Json = False) -> None:
                    line: CommandLine = context.obj
                    rows = line.ask(lambda store: store.usage.summary())
                    line.show(rows, [Column("group", "model"), Column("requests")], as_json=as_json)
        ```
    """

    def __init__(self, settings: Settings, plugins: Plugins, config: str | None = None) -> None:
        self.settings = settings
        self.plugins = plugins
        self.config = config
        self._has_announced = False

    @property
    def actor(self) -> str:
        """Who is at work here, as the audit trail has it: ``cli:`` and the name of the user."""
        try:
            return f"cli:{getpass.getuser()}"
        except (KeyError, OSError):  # a container's user has no name
            return f"cli:{os.getuid()}"

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Return what *coroutine* returns."""
        return asyncio.run(coroutine)

    def ask(self, work: Callable[[Store], Awaitable[T]]) -> T:
        """Return what *work* makes of the open store."""

        async def asked() -> T:
            async with self.store() as store:
                return await work(store)

        return self.run(asked())

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """Give the open store, after saying on stderr which database it is.

        What processes of this host have journaled before is in it, unless that takes too long: stderr then says so.
        """
        from proxystore.store import Store  # opens doors to three libraries: not for `--help`

        self.announce_database()
        async with Store(settings=self.settings, migrations=self.plugins.migrations()) as store:
            if not await store.ledger.drain(_PATIENCE):
                typer.echo(f"note: {_NOT_ALL}", err=True)
            yield store

    def announce_database(self) -> None:
        """Say on stderr, once, which database is used."""
        if not self._has_announced:
            typer.echo(f"database: {self.settings.url.masked}", err=True)
            self._has_announced = True

    def show(
        self,
        rows: Sequence[object],
        columns: Sequence[Column],
        *,
        whole: Sequence[Column] | None = None,
        as_json: bool = False,
        title: str | None = None,
    ) -> None:
        """Print *rows*, which are mappings or objects with attributes, to stdout.

        Args:
            rows: One line each.
            columns: What to show of a row, in this order.
            whole: What there is of a row for programs, if that is more.
            as_json: As a JSON array of objects with the columns' names, for programs.
            title: Stands above a table.
        """
        if as_json:
            print_json(rows, columns if whole is None else whole)
        else:
            print_table(rows, columns, title)

    def show_one(self, row: object, columns: Sequence[Column], *, as_json: bool = False) -> None:
        """Print one *row* to stdout: a line for each column, or a JSON object."""
        if as_json:
            print_object(row, columns)
        else:
            print_table([{"field": column.title, "value": column.words(row)} for column in columns], FIELDS)

    @contextmanager
    def progress(self, description: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """Show on stderr, if that is a terminal, how far long work has come; give a function to tell of steps done.

        Args:
            description: What is being done.
            total: How many steps there are; ``None`` if nobody knows.
        """
        console = Console(stderr=True)
        if not console.is_terminal:
            yield lambda _: None
            return
        looks = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*looks, console=console, transient=True) as bar:
            task = bar.add_task(description, total=total)
            yield partial(bar.advance, task)
