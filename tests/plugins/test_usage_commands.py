"""``proxystore usage`` as it is typed."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TypeAlias
from uuid import UUID

import pytest
import typer
from pyarrow import parquet
from typer.testing import CliRunner, Result

from proxystore import AuditEvent, Settings, Store
from proxystore.cli.building import build
from proxystore.ids import uuid7
from proxystore_usage.options import hour
from tests.ledger.world import entry

Type: TypeAlias = Callable[..., Result]


@pytest.fixture(name="ids")
def _ids() -> list[UUID]:
    return [uuid7(), uuid7(), uuid7(int((datetime.now(UTC) - timedelta(days=3)).timestamp() * 1000))]


@pytest.fixture(name="type_")
def _type(migrated_url: str, tmp_path: Path, ids: list[UUID]) -> Type:
    settings = Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data")
    asyncio.run(_fill(settings, ids))
    return lambda *words: CliRunner().invoke(build(settings, "usage"), ["usage", *words])


async def _fill(settings: Settings, ids: list[UUID]) -> None:
    async with Store(settings=settings) as store:
        store.ledger.append(entry(event_id=ids[0]))
        store.ledger.append(entry(event_id=ids[1], request_model="gpt-6", key_id="key_2", cost_nanousd=None))
        store.ledger.append(entry(event_id=ids[2], outcome="failed"))
        await store.ledger.drain(10)


def test_a_summary_is_a_table(type_: Type) -> None:
    result = type_("summary")
    assert result.exit_code == 0
    heading, first, second = result.stdout.strip().splitlines()
    assert heading.split()[:2] == ["model", "requests"]
    assert first.split()[:3] == ["gpt-5", "2", "1"]
    assert second.split()[0] == "gpt-6"
    assert "$0.002500" in first
    assert "database:" in result.stderr


def test_a_summary_for_programs_has_every_value(type_: Type) -> None:
    result = type_("summary", "--by", "key", "--since", "24h", "--json")
    rows = {row["group"]: row for row in json.loads(result.stdout)}
    assert {name: row["requests"] for name, row in rows.items()} == {"key_1": 1, "key_2": 1}
    assert (rows["key_1"]["cost"], rows["key_1"]["all_tokens"], rows["key_2"]["cost"]) == ("0.001250000", 1050, None)


@pytest.mark.parametrize("by", ["model", "provider", "project", "key", "operation", "day", "hour", "month"])
def test_a_summary_can_be_by_anything(type_: Type, by: str) -> None:
    rows = json.loads(type_("summary", "--by", by, "--json").stdout)
    assert sum(row["requests"] for row in rows) == 3


def test_a_range_has_two_ends(type_: Type) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert json.loads(type_("summary", "--since", "7d", "--until", today, "--json").stdout)[0]["requests"] == 1


@pytest.mark.parametrize("report", ["summary", "costs", "latency", "savings", "top", "errors"])
def test_every_report_is_a_table_json_and_csv(type_: Type, report: str) -> None:
    table, as_json, as_csv = type_(report), type_(report, "--json"), type_(report, "--csv")
    assert {table.exit_code, as_json.exit_code, as_csv.exit_code} == {0}
    rows = json.loads(as_json.stdout)
    again = list(csv.DictReader(as_csv.stdout.splitlines()))
    assert len(again) == len(rows)
    assert [row["group"] for row in again] == [row["group"] for row in rows]


def test_reports_say_what_is_asked(type_: Type) -> None:
    costs = json.loads(type_("costs", "--by", "key", "--json").stdout)
    latencies = json.loads(type_("latency", "--json", "--model", "gpt-6").stdout)
    errors = json.loads(type_("errors", "--at-least", "2", "--json").stdout)
    top = json.loads(type_("top", "--by", "key", "--measure", "requests", "--limit", "1", "--json").stdout)
    assert [(row["group"], row["share"]) for row in costs] == [("key_1", 1.0), ("key_2", 0.0)]
    assert [(row["group"], row["answers"]) for row in latencies] == [("gpt-6", 1)]
    assert [(row["group"], row["error_rate"]) for row in errors] == [("gpt-5", 0.5)]
    assert [(row["group"], row["requests"]) for row in top] == [("key_1", 2)]


def test_a_month_of_a_key_is_shown_and_made_anew(type_: Type) -> None:
    month = f"{datetime.now(UTC):%Y-%m}"
    first = type_("monthly", "key_2", month, "--json")
    again = type_("monthly", "key_2", month, "--refresh", "--json")
    assert [(row["group"], row["requests"]) for row in json.loads(first.stdout)] == [(month, 1)]
    assert again.stdout == first.stdout
    assert sum(row["requests"] for row in json.loads(type_("monthly", "key_1", "--json").stdout)) == 2


def test_roll_ups_are_made_anew(type_: Type) -> None:
    before = type_("summary", "--json").stdout
    result = type_("rebuild", "--since", "2d")
    assert result.exit_code == 0
    assert "days were made anew" in result.stdout
    assert type_("summary", "--json").stdout == before


def test_events_are_exported_in_every_format(type_: Type, ids: list[UUID], tmp_path: Path) -> None:
    written = {name: tmp_path / f"events.{name}" for name in ("csv", "jsonl", "parquet")}
    for name, path in written.items():
        result = type_("export", "--format", name, "--output", str(path))
        assert result.exit_code == 0
        assert "3 events were written" in result.stderr
    found = {
        "csv": [row["event_id"] for row in csv.DictReader(written["csv"].read_text().splitlines())],
        "jsonl": [json.loads(line)["event_id"] for line in written["jsonl"].read_text().splitlines()],
        "parquet": parquet.read_table(written["parquet"]).column("event_id").to_pylist(),
    }
    assert found == {name: [str(event_id) for event_id in sorted(ids)] for name in written}


def test_a_dash_is_standard_output(type_: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = type_("export", "--output", "-")
    assert len(result.stdout.splitlines()) == 4
    assert "3 events were written to standard output" in result.stderr
    assert not Path("-").exists()


def test_a_command_that_does_not_wait_for_the_journal_says_so(type_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "note:" not in type_("list").stderr
    monkeypatch.setattr("proxystore.cli.commandline._PATIENCE", 0.0)
    assert "is not in the database yet: `proxystore ledger status` tells more" in type_("list").stderr


def test_no_text_in_a_csv_is_a_formula_and_metadata_is_json(migrated_url: str, tmp_path: Path) -> None:
    settings = Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data")

    async def fill() -> None:
        async with Store(settings=settings) as store:
            store.ledger.append(entry(request_model="=1+1", finish_reason="stop", metadata={"service_tier": "flex"}))

    asyncio.run(fill())
    for words in (["export"], ["list", "--csv"]):
        result = CliRunner().invoke(build(settings, "usage"), ["usage", *words])
        (row,) = csv.DictReader(result.stdout.splitlines())
        assert row["request_model"] == "'=1+1"
        assert json.loads(row["metadata"]) == {"service_tier": "flex"}
        assert row["key_id"] == "key_1"
    summary = CliRunner().invoke(build(settings, "usage"), ["usage", "summary", "--csv"])
    assert [row["group"] for row in csv.DictReader(summary.stdout.splitlines())] == ["'=1+1"]


def test_an_export_that_is_broken_off_is_an_event_as_well(
    type_: Type, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def had_enough(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("proxystore_usage.exporting._Jsonl.write", had_enough)
    assert type_("export", "--format", "jsonl").exit_code
    (event,) = _audited(migrated_url, tmp_path, "usage.export")
    assert (event.metadata or {})["events"] == 0


def test_repricing_is_an_event(type_: Type, migrated_url: str, tmp_path: Path) -> None:
    assert type_("reprice", "--since", "1d").exit_code == 0
    (event,) = _audited(migrated_url, tmp_path, "usage.reprice")
    assert (event.metadata or {}).keys() == {"since", "changed", "nanousd"}
    assert (event.actor or "").startswith("cli:")


def _audited(url: str, tmp_path: Path, action: str) -> list[AuditEvent]:
    async def read() -> list[AuditEvent]:
        async with Store(settings=Settings.load(environ={}, database_url=url, data_dir=tmp_path / "data")) as store:
            return await store.audit.list(limit=10, action=action)

    return asyncio.run(read())


def test_an_export_goes_to_standard_output_and_can_be_narrowed(type_: Type) -> None:
    result = type_("export", "--format", "jsonl", "--model", "gpt-6")
    (event,) = map(json.loads, result.stdout.splitlines())
    assert (event["request_model"], event["cost_nanousd"]) == ("gpt-6", None)


def test_the_list_is_newest_first_and_can_be_filtered(type_: Type, ids: list[UUID]) -> None:
    everything = json.loads(type_("list", "--json").stdout)
    assert [UUID(row["event_id"]) for row in everything] == sorted(ids, reverse=True)
    assert len(json.loads(type_("list", "--limit", "2", "--json").stdout)) == 2
    assert len(json.loads(type_("list", "--model", "gpt-6", "--json").stdout)) == 1
    assert len(json.loads(type_("list", "--key", "key_1", "--json").stdout)) == 2
    assert len(json.loads(type_("list", "--before", str(min(ids[:2])), "--json").stdout)) == 1
    assert [line.split()[0] for line in type_("list").stdout.splitlines()[1:]] == [
        str(each)[:18] for each in sorted(ids, reverse=True)
    ]


def test_an_event_goes_by_what_its_id_begins_with(type_: Type, ids: list[UUID]) -> None:
    shown = type_("show", str(ids[2])[:18], "--json")
    assert json.loads(shown.stdout)["event_id"] == str(ids[2])
    older = json.loads(type_("list", "--before", str(min(ids[:2]))[:18], "--json").stdout)
    assert [row["event_id"] for row in older] == [str(ids[2])]

    several = type_("show", str(ids[0])[:8])
    assert several.exit_code == 2
    assert "several events begin so" in " ".join(several.stderr.split())
    assert "There is no usage event" in type_("show", "0" * 18).stderr
    assert type_("show", "01a1").exit_code == 2
    assert type_("show", "no-id").exit_code == 2


def test_keys_are_called_by_their_names(migrated_url: str, tmp_path: Path) -> None:
    settings = Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data")

    async def fill() -> str:
        async with Store(settings=settings) as store:
            new = await store.keys.create(name="search")
            store.ledger.append(entry(key_id=new.record.id))
            store.ledger.append(entry(key_id="of a plugin"))
            await store.ledger.drain(10)
            return new.record.id

    key_id = asyncio.run(fill())
    cli = build(settings, "usage")
    listed = CliRunner().invoke(cli, ["usage", "list"]).stdout
    assert "  search  " in listed
    assert "  of a plugin  " in listed
    assert key_id not in listed
    assert {row["key_id"] for row in json.loads(CliRunner().invoke(cli, ["usage", "list", "--json"]).stdout)} == {
        key_id,
        "of a plugin",
    }
    _, *costs = CliRunner().invoke(cli, ["usage", "costs", "--by", "key"]).stdout.splitlines()
    assert {re.split("  +", line)[1] for line in costs} == {"search", "of a plugin"}


def test_a_name_that_nobody_has_is_told(type_: Type) -> None:
    for words in (["list"], ["summary"], ["export"]):
        result = type_(*words, "--key", "serach", "--project", "nowhere")
        assert result.exit_code == 0
        assert "note: no key is called 'serach': `proxystore keys list` has those that there are" in result.stderr
        assert "note: no project is called 'nowhere': `proxystore projects list`" in result.stderr
    assert "note:" not in type_("list", "--key", "key_1").stderr


def test_where_a_file_cannot_be_is_told(type_: Type, tmp_path: Path) -> None:
    place = tmp_path / "nowhere" / "x.csv"
    assert type_("export", "-o", str(place)).stderr.splitlines()[-1] == f"error: {place}: No such file or directory"


def test_the_list_fits_into_a_terminal(type_: Type, migrated_url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "proxystore", "--database", migrated_url, "usage", "list"]
    environ = os.environ | {"PROXYSTORE_DATA_DIR": str(tmp_path / "data"), "COLUMNS": "80", "TERM": "xterm"}
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0) as screen:  # noqa: PTH123  a terminal has no path
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE, env=environ, check=True, text=True
        )
        os.close(theirs)
        lines = re.sub(r"\x1b\[[0-9;]*m", "", _all(screen)).splitlines()

    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["id", "started", "model", "outcome", "cost"]
    assert len(lines) == 5
    assert "no room for: key, status, input, output, ms" in done.stderr


def _all(screen: IO[bytes]) -> str:
    read = b""
    with suppress(OSError):  # what Linux calls the end of a terminal
        while more := screen.read(4096):
            read += more
    return read.decode()


@pytest.mark.parametrize(
    "words",
    [
        ["show", "nonsense"],
        ["show", "01900000-0000-7000-8000-000000000000"],
        ["summary", "--since", "yesterday"],
        ["summary", "--since", "2026-11-01T14:30"],
        ["summary", "--by", "colour"],
        ["list", "--limit", "0"],
        ["monthly", "key_1", "November"],
        ["monthly", "key_1", "--refresh"],
        ["export", "--format", "xml"],
    ],
)
def test_what_makes_no_sense_is_one_clear_error(type_: Type, words: list[str]) -> None:
    result = type_(*words)
    assert result.exit_code != 0
    assert "Traceback" not in result.stderr
    assert result.stderr.strip()


def test_moments_are_hours_and_long_ago_days() -> None:
    now = datetime.now(UTC)
    assert hour("2026-11-01") == datetime(2026, 11, 1, tzinfo=UTC)
    assert hour("2026-11-01T14:00+02:00") == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert timedelta(hours=24) <= now - hour("24h") < timedelta(hours=25, seconds=5)
    assert hour("7d").minute == 0
    assert hour("20w").hour == 0
    assert hour("90d").hour == 0


@pytest.mark.parametrize("text", ["", "7", "7y", "999999w", "tomorrow", "2026-13-01"])
def test_other_moments_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"2026-11-01|calendar"):
        hour(text)
