"""What MkDocs does not find under docs/: pages from elsewhere in the checkout, and pages made from the code itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from proxystore import Settings
from proxystore.cli import build
from proxystore.schema import metadata

_ROOT: Final = Path(__file__).parents[1]
_HOME: Final = "README.md"
_SHOWN: Final = {".md", ".py", ".yaml"}
_ELSEWHERE: Final = (
    _HOME,
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "LICENSE",
    "benchmarks/README.md",
    *(
        path.relative_to(_ROOT).as_posix()
        for path in sorted(_ROOT.glob("examples/**/*"))
        if path.suffix in {".md", ".py", ".yaml"}
    ),
)
_LINK: Final = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is not under docs/."""
    for path in _ELSEWHERE:
        files.append(File.generated(config, _place(path), abs_src_path=str(_ROOT / path)))
    files.append(File.generated(config, "reference/commands.md", content="\n".join(_commands())))
    files.append(File.generated(config, "reference/tables.md", content="\n".join(_tables())))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Let links between files of the checkout lead to their places in the site."""
    source = _source(page.file.src_uri)

    def lead(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link[1]))
        place = posixpath.relpath(_place(target), posixpath.dirname(page.file.src_uri) or ".")
        return f"]({place}{link[2] or ''})"

    return _LINK.sub(lead, markdown)


def _place(path: str) -> str:
    """Return where in the site the file *path* of the checkout stands."""
    return "index.md" if path == _HOME else path.removeprefix("docs/")


def _source(place: str) -> str:
    """Return which file of the checkout stands at *place*."""
    return _HOME if place == "index.md" else place if place in _ELSEWHERE else f"docs/{place}"


def _commands() -> Iterator[str]:
    """Describe every command with its arguments and options, as `--help` does."""
    yield "# Commands\n\nMade from the command line itself; [The command line](../commands.md) is shorter.\n"
    root = typer.main.get_command(build(Settings()))
    yield from _described(root, "proxystore")


def _described(command: Any, name: str) -> Iterator[str]:
    subcommands = getattr(command, "commands", {})
    parameters = [each for each in command.params if not getattr(each, "hidden", False) and each.name != "help"]
    if not subcommands or name == "proxystore":
        yield f"## {name}\n\n{_plain(command.help)}\n"
        if parameters:
            yield "| | |\n|---|---|"
            yield from (f"| {_usage(each)} | {_plain(getattr(each, 'help', ''))} |" for each in parameters)
            yield ""
    for word, subcommand in sorted(subcommands.items()):
        if not subcommand.hidden:
            yield from _described(subcommand, f"{name} {word}")


def _usage(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{(parameter.name or '').upper()}`"
    return ", ".join(f"`{option}`" for option in (*parameter.opts, *parameter.secondary_opts))


def _plain(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def _tables() -> Iterator[str]:
    """Describe every table, as the code has it."""
    yield "# Tables\n\nMade from the schema itself; [The data model](../data.md) tells how they hang together.\n"
    for table in metadata.sorted_tables:
        yield f"## {table.name}\n\n| column | type | |\n|---|---|---|"
        for column in table.columns:
            keys = ["primary key"] if column.primary_key else []
            keys += [f"→ {key.target_fullname}, on delete {key.ondelete}" for key in column.foreign_keys]
            keys += ["may be null"] if column.nullable else []
            yield f"| `{column.name}` | {type(column.type).__name__} | {', '.join(keys)} |"
        yield ""
