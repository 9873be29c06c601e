"""What the commands about models have in common."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
import typer

from proxystore.cli.options import date, moment

Name = Annotated[str, typer.Argument(metavar="NAME", help="The model's own name.", show_default=False)]
AnyName = Annotated[str, typer.Argument(metavar="NAME", help="Any name it goes by.", show_default=False)]
Provider = Annotated[str | None, typer.Option(help="Whose it is, such as openai.")]
Family = Annotated[str | None, typer.Option(help="Its family at that provider.")]
Mode = Annotated[str | None, typer.Option(help="What it is for: chat, embedding, audio_transcription …")]
Client = Annotated[str | None, typer.Option(metavar="ID", help="The key, or the project, it is for alone.")]
Fields = Annotated[
    list[str], typer.Option("--set", metavar="FIELD=VALUE", help="Any field, as `show` names them; VALUE may be JSON.")
]
Tier = Annotated[str, typer.Option("--tier", help="A service tier, such as batch, flex or priority.")]


When = Annotated[
    datetime | None, typer.Option(parser=moment, metavar="WHEN", help="A time, UTC; now if none is given.")
]


def fields_of(pairs: Sequence[str]) -> dict[str, Any]:
    """Return ``FIELD=VALUE`` pairs as fields: JSON where it is some, times where the field is one, else text."""
    fields: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{pair!r} is not of the form FIELD=VALUE")
        fields[name] = date(text) if name.endswith("_at") else _value(text)
    return fields


def _value(text: str) -> Any:
    try:
        value = msgspec.json.decode(text)
    except (ValueError, msgspec.MsgspecError):
        return text
    return tuple(value) if isinstance(value, list) else value
