"""``proxystore doctor``: what is wrong, and the command that mends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from proxystore.cli.commandline import CommandLine
from proxystore.cli.globals import Globals
from proxystore.cli.tables import Column

if TYPE_CHECKING:
    from proxystore.doctor import Finding

_COLUMNS: Final = (Column("check"), Column("level"), Column("message"), Column("mend"))
_COLOURS: Final = {"ok": typer.colors.GREEN, "warning": typer.colors.YELLOW, "problem": typer.colors.RED}


def doctor(
    context: typer.Context, *, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False
) -> None:
    """Say what is wrong and how to mend it; exit with 1 if there is a problem. Changes nothing."""
    from proxystore.doctor import examine  # opens doors to three libraries: not for `--help`

    line: CommandLine = context.obj
    options = context.find_root().params
    given = Globals(options["database"], options["config"], disable=tuple(options["disable"] or ()))
    findings = line.run(examine(given.load))
    if as_json:
        line.show(findings, _COLUMNS, as_json=True)
    else:
        _tell(findings)
    if any(finding.level == "problem" for finding in findings):
        raise typer.Exit(1)


def _tell(findings: Sequence[Finding]) -> None:
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        level = typer.style(f"{finding.level:8}", fg=_COLOURS[finding.level])
        typer.echo(f"{level} {finding.check:{width}}  {finding.message}")
        if finding.mend is not None:
            typer.echo(f"{'':{width + 11}}→ {finding.mend}")
    counts = Counter(finding.level for finding in findings)
    typer.echo(f"\n{_counted(counts['problem'], 'problem')}, {_counted(counts['warning'], 'warning')}")


def _counted(count: int, thing: str) -> str:
    return f"{count or 'no'} {thing}{'' if count == 1 else 's'}"
