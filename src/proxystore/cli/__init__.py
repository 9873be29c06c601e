"""The command line; one file for each group of commands, plugins add theirs."""

from __future__ import annotations

from proxystore.cli import options
from proxystore.cli.building import build
from proxystore.cli.commandline import CommandLine
from proxystore.cli.main import main
from proxystore.cli.tables import Column

__all__ = ["Column", "CommandLine", "build", "main", "options"]
