"""Plugins that do not work, for the doctor: ``tests.doctor.plugins:<Class>``."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from pydantic import BaseModel

from proxystore import Migrations, WireFormat, hookimpl


class Good:
    @hookimpl
    def on_usage(self) -> None: ...


class Failing:
    def __init__(self) -> None:
        raise RuntimeError("no licence")


class Misspelt:
    @hookimpl
    def on_usag(self) -> None: ...


class Choosy:
    class Settings(BaseModel):
        size: int = 1


class Formless:
    @hookimpl
    def register_wire_formats(self) -> Iterable[WireFormat]:
        raise RuntimeError("no formats today")


class Lost:
    @hookimpl
    def register_migrations(self) -> Iterable[Migrations]:
        raise RuntimeError("where are they?")


class Leaving:
    @hookimpl
    def register_commands(self) -> None:
        sys.exit(0)
