"""``proxystore audit`` as it is typed."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from typer.testing import CliRunner, Result

from proxystore import AuditHead, Settings
from proxystore.cli.building import build
from tests import born
from tests.audit.world import append, entry, tamper

Type: TypeAlias = Callable[..., Result]


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    settings = Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data")
    asyncio.run(append(settings, entry(0), entry(1, outcome="failure", reason="invalid_api_key"), entry(2)))
    return settings


@pytest.fixture(name="type_")
def _type(settings: Settings) -> Type:
    return lambda *words: CliRunner().invoke(build(settings, "audit"), ["audit", *words])


def _numbers(result: Result) -> list[int]:
    return [row["seq"] for row in json.loads(result.stdout)]


def test_a_list_is_a_table_newest_first(type_: Type) -> None:
    result = type_("list")

    assert result.exit_code == 0
    heading, *rows = result.stdout.strip().splitlines()
    assert heading.split() == ["#", "when", "action", "outcome", "reason", "actor", "key", "from", "path"]
    assert [row.split()[0] for row in rows] == ["3", "2", "1"]
    assert "database:" in result.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--outcome", "failure"], [2]),
        (["--reason", "budget_exceeded", "--limit", "1"], [3]),
        (["--before", "3"], [2, 1]),
        (["--key", "key_1"], [2]),
        (["--text", "INVALID_api"], [2]),
        (["--since", "1h", "--until", "2100-01-01"], [3, 2, 1]),
        (["--until", "1h"], []),
        (["--ip", "192.0.2.7", "--method", "POST", "--path", "/v1/chat/completions", "--action", "request"], [3, 2, 1]),
        (["--actor", "x"], []),
        (["--project", "x"], []),
        (["--request", "x"], []),
        (["--correlation", "x"], []),
        (["--user-agent", "x"], []),
    ],
)
def test_a_list_is_filtered(type_: Type, words: list[str], expected: list[int]) -> None:
    assert _numbers(type_("list", "--json", *words)) == expected


def test_one_event_is_shown_whole(type_: Type) -> None:
    by_number = type_("show", "2")
    event = json.loads(type_("show", "2", "--json").stdout)
    by_id = type_("show", event["event_id"])

    assert by_number.stdout == by_id.stdout
    assert "invalid_api_key" in by_number.stdout
    assert event["metadata"] == {"status": 402, "number": 1}
    assert len(event["hash"]) == 64
    assert type_("show", "99").exit_code == 1
    assert type_("show", "nonsense").exit_code == 2


def test_an_export_is_json_lines_in_the_order_of_the_chain_and_an_event_itself(type_: Type, tmp_path: Path) -> None:
    to_file = type_("export", "--output", str(tmp_path / "events.jsonl"), "--outcome", "denied")
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    (event,) = json.loads(type_("list", "--json", "--action", "audit.export").stdout)
    everything = type_("export").stdout.splitlines()

    assert "2 events were written" in to_file.stderr
    assert [line["seq"] for line in lines] == [1, 3]
    assert event["actor"].startswith("cli:")
    assert event["metadata"] == {"events": 2, "outcome": "denied"}
    assert [json.loads(line)["seq"] for line in everything] == [1, 2, 3, 4]


def test_a_tail_shows_what_was_recorded_last(type_: Type) -> None:
    words = type_("tail", "--once", "-n", "2").stdout.splitlines()
    lines = type_("tail", "--once", "--json", "--outcome", "failure").stdout.splitlines()

    assert [line.split()[0] for line in words] == ["2", "3"]
    assert [json.loads(line)["seq"] for line in lines] == [2]


def test_a_tail_follows(settings: Settings, migrated_url: str) -> None:
    words = ["audit", "tail", "--json", "-n", "1"]
    given = {"PROXYSTORE_DATABASE_URL": migrated_url, "PROXYSTORE_DATA_DIR": str(settings.data_dir)}
    child = born.Popen(
        [sys.executable, "-c", f"import sys; from proxystore.cli import main; sys.argv[1:] = {words!r}; main()"],
        stdout=subprocess.PIPE,
        env={**os.environ, **given},
    )
    try:
        assert child.stdout is not None
        first = json.loads(child.stdout.readline())
        asyncio.run(append(settings, entry(7)))
        second = json.loads(child.stdout.readline())
    finally:
        child.kill()
        child.communicate()

    assert (first["seq"], second["seq"]) == (3, 4)


def test_a_sound_chain_is_said_to_be(type_: Type) -> None:
    result = type_("verify")

    assert result.exit_code == 0
    assert result.stdout.strip() == "Events 1 to 3 are as they were written."
    assert json.loads(type_("verify", "--json").stdout)["problems"] == []


def test_the_database_is_named_before_the_bar_begins(type_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, to rich
    said = type_("verify").stderr

    assert said.startswith("database: ")
    assert said.count("database: ") == 1
    assert "verifying" in said


def test_a_chain_that_was_tampered_with_fails_and_says_where(type_: Type, settings: Settings) -> None:
    asyncio.run(tamper(settings, "UPDATE audit_events SET reason = 'fine' WHERE seq = 2"))
    result = type_("verify")

    assert result.exit_code == 1
    assert " ".join(result.stdout.split()).endswith("2 changed event 2 is not as it was written, or not where it was")
    assert json.loads(type_("verify", "--json").stdout)["problems"][0]["seq"] == 2


def test_a_head_is_a_word_that_is_verified_against(type_: Type, settings: Settings) -> None:
    pin = type_("head").stdout.strip()
    asyncio.run(append(settings, entry(3)))

    assert AuditHead.parse(pin).seq == json.loads(type_("head", "--json").stdout)["seq"] - 1
    assert type_("verify", "--head", pin).exit_code == 0
    asyncio.run(tamper(settings, "DELETE FROM audit_events", "DELETE FROM audit_head"))
    asyncio.run(append(settings, entry(4)))
    assert type_("verify", "--head", pin).exit_code == 1
    assert type_("verify", "--head", "5").exit_code == 2
