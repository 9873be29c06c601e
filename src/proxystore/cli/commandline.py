"""What every command holds: settings, the store, and ways to show things."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from proxystore.cli.tables import Column, print_json, print_table
from proxystore.hooks import Plugins
from proxystore.settings import Settings

if TYPE_CHECKING:
    from proxystore.store import Store

T = TypeVar("T")

_PATIENCE: Final = 1.0  # seconds


class CommandLine:
    """What a command finds in ``context.obj``.

    Attributes:
        settings: Read with the global options ``--config`` and ``--database``.
        plugins: Those that the settings name.
        config: The file that ``--config`` named.

    Example:
        ```python
        import typer
        from proxystore import Column, CommandLine, hookimpl

        class Models:
            @hookimpl
            def register_commands(self, cli: typer.Typer) -> None:
                @cli.command()
                def models(context: typer.Context, as_json: bool = typer.Option(False, "--json")) -> None:
                    line: CommandLine = context.obj
                    rows = line.run(self.read(line))
                    line.show(rows, [Column("model"), Column("requests")], as_json=as_json)

            async def read(self, line: CommandLine) -> list[dict[str, object]]:
                async with line.store() as store:
                    return [{"model": row.model, "requests": row.requests} for row in await store.usage.summary()]
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

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """Give the open store, after saying on stderr which database it is.

        What processes of this host have journaled before is in it, unless that takes too long.
        """
        from proxystore.store import Store  # opens doors to three libraries: not for `--help`

        self.announce_database()
        async with Store(settings=self.settings, migrations=self.plugins.migrations()) as store:
            await store.ledger.drain(_PATIENCE)
            yield store

    def announce_database(self) -> None:
        """Say on stderr, once, which database is used."""
        if not self._has_announced:
            typer.echo(f"database: {self.settings.url.masked}", err=True)
            self._has_announced = True

    def show(
        self, rows: Sequence[object], columns: Sequence[Column], *, as_json: bool = False, title: str | None = None
    ) -> None:
        """Print *rows*, which are mappings or objects with attributes, to stdout.

        Args:
            rows: One line each.
            columns: What to show of a row, in this order.
            as_json: As a JSON array of objects with the columns' names, for programs.
            title: Stands above a table.
        """
        if as_json:
            print_json(rows, columns)
        else:
            print_table(rows, columns, title)

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
