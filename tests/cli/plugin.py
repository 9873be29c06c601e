"""A plugin with commands, for the tests: ``tests.cli.plugin:Tester``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from proxystore import Column, CommandLine, StoreUnavailable, hookimpl


class Tester:
    @hookimpl
    def register_commands(self, cli: typer.Typer) -> None:
        cli.command("fail")(fail)
        cli.command("count")(count)
        cli.command("wait")(wait)


def fail(context: typer.Context, kind: str = "ours") -> None:
    line: CommandLine = context.obj

    async def break_down() -> None:
        if kind == "ours":
            raise StoreUnavailable
        raise ValueError("of all\nthings")

    line.run(break_down())


def count(context: typer.Context) -> None:
    line: CommandLine = context.obj

    async def read() -> int:
        async with line.store() as store, line.store():
            return len(await store.usage.list(limit=1))

    with line.progress("counting", 1) as advance:
        rows = [{"events": line.run(read())}]
        advance(1)
    line.show(rows, [Column("events")])


def wait(context: typer.Context, ready: Path) -> None:
    line: CommandLine = context.obj

    async def run() -> None:
        ready.touch()  # in the loop: before it, an interruption meets a loop half made
        await asyncio.sleep(3600)

    line.run(run())
