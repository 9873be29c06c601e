"""Tables for people, JSON for programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from proxystore.cli.tables import Column, print_json, print_table, words


class _Row(msgspec.Struct):
    model: str
    requests: int
    cost: Decimal | None = None


_ROWS = (_Row("gpt-4o", 1_234_567, Decimal("0.000012")), _Row("[bold]m", 5))
_COLUMNS = (Column("model"), Column("requests"), Column("cost", "cost in $"))


def test_a_table_is_plain_when_piped(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(_ROWS, _COLUMNS, "What it cost")
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]

    assert lines == [
        "What it cost",
        "model     requests  cost in $",
        "gpt-4o   1,234,567   0.000012",
        "[bold]m          5          -",
    ]


def test_nothing_is_cut_when_piped(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"id": "x" * 500, "more": "y" * 500}], [Column("id"), Column("more")])

    assert f"{'x' * 500}  {'y' * 500}" in capsys.readouterr().out


@pytest.fixture(name="terminal")
def _terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[int], None]:
    """Makes of standard output a terminal of so many columns."""

    def widen(columns: int) -> None:
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("NO_COLOR", "1")

    return widen


_SPARED = (Column("id"), Column("more", spare=1), Column("least", spare=2), Column("at"), Column("count"))
_WIDE = {"id": "x" * 10, "more": "m" * 20, "least": "l" * 20, "at": datetime(2026, 11, 21, tzinfo=UTC), "count": 12_345}


@pytest.mark.parametrize(("columns", "left"), [(84, []), (83, ["least"]), (62, ["least"]), (61, ["least", "more"])])
def test_a_terminal_has_the_columns_there_is_room_for(
    terminal: Callable[[int], None], capsys: pytest.CaptureFixture[str], columns: int, left: list[str]
) -> None:
    terminal(columns)
    print_table([_WIDE], _SPARED)
    shown, told = capsys.readouterr()

    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) <= columns
    assert lines[0].split() == [column.name for column in _SPARED if column.name not in left]
    assert ("no room for" in told) == bool(left)
    assert all(name in told for name in left)


def test_words_are_folded_where_nothing_can_be_spared_and_times_and_numbers_are_not(
    terminal: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(40)
    print_table([_WIDE], _SPARED)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()

    assert "2026-11-21 00:00:00Z  12,345" in lines[2]
    assert "".join(line.split()[0] for line in lines[2:]) == "x" * 10
    assert max(map(len, lines)) <= 40


def test_no_rows_are_said_to_be_none(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([], _COLUMNS)

    assert capsys.readouterr().out.endswith("(nothing)\n")


def test_a_column_may_word_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"took": 1500}, {"took": None}], [Column("took", write=lambda value: f"{value:,} ms")])

    assert capsys.readouterr().out.split("\n")[1:3] == ["1,500 ms", "       -"]


def test_json_has_the_values_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    columns = (*_COLUMNS[:2], Column("cost", write=lambda _: "never"))
    print_json(_ROWS, columns)

    assert json.loads(capsys.readouterr().out) == [
        {"model": "gpt-4o", "requests": 1_234_567, "cost": "0.000012"},
        {"model": "[bold]m", "requests": 5, "cost": None},
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "-"),
        ((), "-"),
        ([], "-"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (1234, "1,234"),
        (1234.56, "1,234.6"),
        (("a", "b"), "a, b"),
        (datetime(2026, 11, 21, 3, 4, 5, 678, UTC), "2026-11-21 03:04:05Z"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_a_value_is_worded(value: object, said: str) -> None:
    assert words(value) == said
