"""``proxystore usage export``: every event, in a file or on standard output, a page at a time in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Annotated, Any, Final, Protocol

import msgspec
import typer

from proxystore import CommandLine, ProxyStoreError, UsageEvent, options
from proxystore_usage.options import Key, Model, Project, clients, csv_of
from proxystore_usage.tables import EVENT_WHOLE

if TYPE_CHECKING:
    from proxystore import Store

_PAGE: Final = 1_000


class Format(StrEnum):
    """How events are written."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Sink(Protocol):
    """Where pages of events go."""

    def write(self, events: Sequence[UsageEvent]) -> None:
        """Write a page."""

    def close(self) -> None:
        """Write what ends the file."""


class _Csv:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._is_begun = False

    def write(self, events: Sequence[UsageEvent]) -> None:
        self._file.write(csv_of(events, EVENT_WHOLE, has_heading=not self._is_begun).encode())
        self._is_begun = True

    def close(self) -> None:
        if not self._is_begun:
            self.write(())


class _Jsonl:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, events: Sequence[UsageEvent]) -> None:
        for event in events:
            self._file.write(msgspec.json.encode(event) + b"\n")

    def close(self) -> None:
        pass  # a line needs no end


class _Parquet:
    def __init__(self, file: IO[bytes]) -> None:
        try:
            import pyarrow as arrow  # noqa: ICN001  a word, not two letters
            from pyarrow import parquet
        except ImportError:
            raise ProxyStoreError("Parquet needs pyarrow: pip install 'asgi-proxystore[parquet]'.") from None
        self._arrow = arrow
        self._schema = _arrow_schema(arrow)
        self._writer = parquet.ParquetWriter(file, self._schema)

    def write(self, events: Sequence[UsageEvent]) -> None:
        rows = [_plain(event) for event in events]
        self._writer.write_table(self._arrow.Table.from_pylist(rows, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


_SINKS: Final[Mapping[Format, Callable[[IO[bytes]], Sink]]] = {
    Format.CSV: _Csv,
    Format.JSONL: _Jsonl,
    Format.PARQUET: _Parquet,
}
_Format = Annotated[Format, typer.Option("--format", help="How to write them.")]


def add_export(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(export)


def export(
    context: typer.Context,
    *,
    written_as: _Format = Format.CSV,
    output: options.Output = None,
    since: options.Since = None,
    until: options.Until = None,
    model: Model = None,
    key: Key = None,
    project: Project = None,
) -> None:
    """Write single exchanges, oldest first, as CSV, JSON Lines or Parquet."""
    line: CommandLine = context.obj

    async def work(file: IO[bytes]) -> int:
        async with line.store() as store:
            sink: Sink = _SINKS[written_as](file)
            whose = await clients(store, key=key, project=project)
            events = store.usage.events(since=since, until=until, model=model, **whose)
            total = await _expected(store, since=since, until=until, model=model, **whose)
            asked = {"format": written_as.value, "since": since, "until": until, "model": model, **whose}
            said = {name: str(value) for name, value in asked.items() if value is not None}
            count = 0
            try:
                with line.progress("exporting", total) as told:
                    async for page in _pages(events):
                        sink.write(page)
                        count += len(page)
                        told(len(page))
                    sink.close()
                file.flush()
            finally:  # also where whoever reads along has had enough
                await store.audit.record("usage.export", actor=line.actor, metadata={"events": count, **said})
            return count

    with options.writing(output) as file:
        count = line.run(work(file))
    typer.echo(f"{count:,} events were written to {output or 'standard output'}", err=True)


async def _expected(store: Store, **chosen: Any) -> int | None:
    """Return how many events there should be, if roll-ups can tell."""
    try:
        return (await store.usage.total(**chosen)).requests
    except ProxyStoreError:
        return None


async def _pages(events: AsyncIterator[UsageEvent]) -> AsyncIterator[list[UsageEvent]]:
    page: list[UsageEvent] = []
    async for event in events:
        page.append(event)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page


def _arrow_schema(arrow: Any) -> Any:
    kinds = {"event_id": arrow.string(), "started_at": arrow.timestamp("ms", tz="UTC"), "metadata": arrow.string()}
    return arrow.schema([(name, kinds.get(name) or _arrow_type(arrow, name)) for name in UsageEvent.__struct_fields__])


def _arrow_type(arrow: Any, name: str) -> Any:
    kind = str(UsageEvent.__annotations__[name])
    return arrow.int64() if kind.startswith("int") else arrow.string()


def _plain(event: UsageEvent) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(event, name) for name in event.__struct_fields__}
    row["event_id"] = str(event.event_id)
    if event.metadata is not None:
        row["metadata"] = msgspec.json.encode(event.metadata).decode()
    return row
