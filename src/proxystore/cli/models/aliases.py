"""``proxystore models alias`` and ``rule``: other names, and patterns of names."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import typer

from proxystore.cli import options
from proxystore.cli.commandline import CommandLine
from proxystore.cli.models.options import Client
from proxystore.cli.tables import Column
from proxystore.records.models import ModelAlias, RemapRule

_ALIASES: Final = (Column("alias"), Column("model"), Column("client"))
_RULES: Final = (
    Column("id", write=str),
    Column("pattern"),
    Column("to_model", "means"),
    Column("priority"),
    Column("client"),
    Column("is_enabled", "enabled"),
)
_ALIASES_WHOLE: Final = tuple(Column(name) for name in ModelAlias.__struct_fields__)
_RULES_WHOLE: Final = tuple(Column(name) for name in RemapRule.__struct_fields__)

alias = typer.Typer(help="Other names of models: what they mean for prices and limits.", no_args_is_help=True)
rule = typer.Typer(help="Which model is meant by names of a pattern.", no_args_is_help=True)

_Alias = Annotated[str, typer.Argument(metavar="ALIAS", help="The other name.", show_default=False)]
_Model = Annotated[str, typer.Argument(metavar="MODEL", help="The model that is meant.", show_default=False)]
_Pattern = Annotated[str, typer.Argument(metavar="PATTERN", help="* is anything, ? one character.", show_default=False)]


_RuleId = Annotated[
    UUID, typer.Argument(parser=options.identity("a rule"), metavar="ID", help="As in the list.", show_default=False)
]


@alias.command("list")
def list_aliases(context: typer.Context, *, as_json: options.Json = False) -> None:
    """List every alias."""
    line: CommandLine = context.obj

    line.show(line.ask(lambda store: store.models.aliases.list()), _ALIASES, whole=_ALIASES_WHOLE, as_json=as_json)


@alias.command("set")
def set_alias(context: typer.Context, name: _Alias, model: _Model, *, client: Client = None) -> None:
    """Let ALIAS mean MODEL, for everybody or for one client, which then has the last word."""
    line: CommandLine = context.obj

    line.ask(lambda store: store.models.aliases.set(name, model, client=client, actor=line.actor))
    typer.echo(f"{name} means {model}")


@alias.command("delete")
def delete_alias(context: typer.Context, name: _Alias, *, client: Client = None) -> None:
    """Let ALIAS mean nothing any more."""
    line: CommandLine = context.obj

    line.ask(lambda store: store.models.aliases.delete(name, client=client, actor=line.actor))
    typer.echo(f"deleted {name}")


@rule.command("list")
def list_rules(context: typer.Context, *, as_json: options.Json = False) -> None:
    """List every rule in the order in which they are asked."""
    line: CommandLine = context.obj

    line.show(line.ask(lambda store: store.models.rules.list()), _RULES, whole=_RULES_WHOLE, as_json=as_json)


@rule.command("create")
def create_rule(
    context: typer.Context,
    pattern: _Pattern,
    model: _Model,
    *,
    priority: Annotated[int, typer.Option(help="Of several that fit, the highest wins.")] = 0,
    client: Client = None,
) -> None:
    """Let names like PATTERN mean MODEL."""
    line: CommandLine = context.obj

    typer.echo(
        line.ask(
            lambda store: store.models.rules.create(pattern, model, priority=priority, client=client, actor=line.actor)
        ).id
    )


@rule.command("enable")
def enable_rule(context: typer.Context, rule_id: _RuleId) -> None:
    """Let a rule hold again."""
    _enable(context.obj, rule_id, is_enabled=True)


@rule.command("disable")
def disable_rule(context: typer.Context, rule_id: _RuleId) -> None:
    """Let a rule rest."""
    _enable(context.obj, rule_id, is_enabled=False)


@rule.command("delete")
def delete_rule(context: typer.Context, rule_id: _RuleId) -> None:
    """Delete a rule."""
    line: CommandLine = context.obj

    line.ask(lambda store: store.models.rules.delete(rule_id, actor=line.actor))
    typer.echo(f"deleted {rule_id}")


def _enable(line: CommandLine, rule_id: UUID, *, is_enabled: bool) -> None:
    line.ask(lambda store: store.models.rules.enable(rule_id, is_enabled=is_enabled, actor=line.actor))
    typer.echo(f"{'enabled' if is_enabled else 'disabled'} {rule_id}")
