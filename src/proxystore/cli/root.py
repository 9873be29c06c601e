"""The root of all commands: global options anywhere, and errors in one line."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup
from typing_extensions import override

from proxystore.cli.globals import hoisted
from proxystore.errors import ProxyStoreError

INTERRUPTED = 130
_LONGEST = 1_000


class Root(TyperGroup):
    """Turns what a command raises into one line on stderr and an exit code.

    1 is a failure, 2 a wrong use (typer's own), 130 Ctrl-C.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        _tell_whole_sentences(self)

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, hoisted(args))

    @override
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            # What typer raises about a wrong use has an exit code, and is told by typer.
            if ctx.params.get("debug") or hasattr(error, "exit_code"):
                raise
            told(error)
            raise typer.Exit(1) from None


def _tell_whole_sentences(group: Any) -> None:
    """Let lists of commands have the first sentence about each, where click cuts it off at the end of the line."""
    for command in group.commands.values():
        command.short_help = command.get_short_help_str(limit=_LONGEST)
        if hasattr(command, "commands"):
            _tell_whole_sentences(command)


def told(error: Exception, *, as_note: bool = False) -> None:
    """Say on stderr, in one line, what went wrong."""
    if isinstance(error, ProxyStoreError):
        sentence = str(error)
    elif isinstance(error, OSError) and error.filename is not None:
        sentence = f"{error.filename}: {error.strerror}"
    else:
        sentence = f"{type(error).__name__}: {error} (--debug shows where)"
    typer.echo(f"{'note' if as_note else 'error'}: {' '.join(sentence.split())}", err=True)
