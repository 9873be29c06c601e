"""Every benchmark still runs and says what it measured; as little of each as there can be, and nothing of its times."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import benchmarks


@pytest.fixture(name="measured")
def _measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def measure(name: str, *options: str) -> Any:
        monkeypatch.setattr("sys.argv", [name, *options, "--json"])
        import_module(f"benchmarks.{name}").main()
        return json.loads(capsys.readouterr().out)

    return measure


@pytest.fixture(name="database")
def _database(database_kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if database_kind == "sqlite":
        return "sqlite"
    monkeypatch.setenv("PROXYSTORE_TEST_PG_URL", request.getfixturevalue("postgres").url)
    return "postgresql"


def test_overhead(measured: Any) -> None:
    figures = measured("overhead", "--only", "relay", "--rounds", "1", "--seconds", "0")

    assert figures["ratios"].keys() == {"d/c"}
    assert figures["cases"]["relay, wrapped"]["cpu_us"] > 0


def test_the_least_that_could_be_done_is_measured_beside_it(measured: Any) -> None:
    figures = measured("overhead", "--only", "by-hand", "--rounds", "1", "--seconds", "0")

    assert figures["ratios"].keys() == {"b/a by hand", "d/c by hand"}
    assert figures["cases"]["relay by hand, wrapped"]["requests_per_second"] > 0


def test_profile(measured: Any) -> None:
    figures = measured("profile", "--requests", "20", "--rounds", "1")

    assert figures["request"]["all plugins"] > figures["request"]["bare application"]
    assert figures["chat"]["rooms"]


def test_wire(measured: Any) -> None:
    assert all(us > 0 for group in measured("wire", "--times", "1").values() for us in group.values())


def test_database(measured: Any, database: str) -> None:
    (figures,) = measured("database", "--database", database, "--calls", "1").values()

    assert figures["ours: fetch_one"] > 0


def test_events(measured: Any, database: str) -> None:
    assert [each["events"] for each in measured("events", "--database", database, "--events", "20")] == [20] * 3


def test_ledger(measured: Any, database: str) -> None:
    few = ("--events", "100", "--outage-events", "100", "--appends", "100", "--seconds", "0.01")
    (figures,) = measured("ledger", "--database", database, *few)

    assert figures["drained_per_second"] > 0


def test_reports(measured: Any, database: str) -> None:
    figures = measured("reports", "--database", database, "--events", "5000", "--days", "1", "--times", "2")

    assert {each["database"] for each in figures} == {database}


def test_audit(measured: Any) -> None:
    figures = measured("audit", "--database", "sqlite", "--events", "100", "--requests", "5", "--rounds", "1")

    assert figures["audited_refusal_us"] > 0


def test_cache(measured: Any) -> None:
    figures = measured("cache", "--requests", "20", "--rounds", "1", "--stored", "2", "--seconds", "0.05")

    assert figures["hit_adds_us"].keys() == {"memory", "disk"}
    assert figures["hits_per_second"] > 0


def test_keys(measured: Any, database: str) -> None:
    figures = measured("keys", "--database", database, "--keys", "10", "--batch", "5", "--checks", "2")

    assert figures["no database"]["digest_us"] > 0
    assert figures[database]["made_per_second"] > 0


def test_limits(measured: Any, database: str) -> None:
    few = ("--calls", "5", "--keys", "2", "--drained", "50", "--processes", "2", "--seconds", "0.2")
    (figures,) = measured("limits", "--database", database, *few).values()

    assert figures["reserve_one_us"] > 0
    assert figures["hot_requests_per_call"] >= 1


def test_none_is_left_out() -> None:
    folder = Path(benchmarks.__file__).parent
    names = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}

    assert {name for name in names if not name.startswith("_")} - {"catalogue"} <= tested
