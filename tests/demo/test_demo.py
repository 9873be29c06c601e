"""The main job in one command."""

from __future__ import annotations

import importlib.util
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from proxystore.cli import build
from proxystore.settings import Settings

pytestmark = pytest.mark.xdist_group("clients")


@pytest.fixture(name="place", autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROXYSTORE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


def _demo(*words: str) -> Result:
    return CliRunner().invoke(build(Settings.load(environ={}), "demo"), ["demo", *words])


def test_everything_is_read_back_from_the_database(database_url: str) -> None:
    result = _demo("--requests", "11", "--json", "--database", database_url)
    rows = {row["model"]: row for row in json.loads(result.stdout)}

    assert result.exit_code == 0, result.stderr
    assert {model: (row["requests"], row["status"]) for model, row in rows.items()} == {
        "gpt-4o": (4, 200),
        "gpt-4o-mini": (4, 200),
        "text-embedding-3-small": (2, 200),
        "gpt-unknown": (1, 404),
    }
    assert rows["gpt-4o"]["output_tokens"] == 4 * 9
    assert rows["text-embedding-3-small"]["input_tokens"] > 0
    assert rows["text-embedding-3-small"]["output_tokens"] == 0
    assert rows["gpt-unknown"]["input_tokens"] == 0


def test_a_second_run_counts_itself_alone(place: Path) -> None:
    first, second = (_demo("--requests", "3", "--json", "--database", f"sqlite:///{place}/x.db") for _ in range(2))

    assert sum(row["requests"] for row in json.loads(first.stdout)) == 3
    assert sum(row["requests"] for row in json.loads(second.stdout)) == 3


def test_it_says_where_the_database_is_and_what_to_run_next(place: Path) -> None:
    result = _demo("--requests", "1", "--database", f"sqlite:///{place}/x.db")

    assert result.stdout.splitlines()[0].split() == [
        "requests",
        "model",
        "tokens",
        "in",
        "tokens",
        "out",
        "latency",
        "status",
    ]
    assert f"database: sqlite:///{place}/x.db\n" in result.stderr
    assert f"read back from {place}/x.db" in result.stderr
    assert f"proxystore usage summary --database sqlite:///{place}/x.db\n" in result.stderr


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find: Any = importlib.util.find_spec
    monkeypatch.setattr("proxystore.cli.demo.find_spec", lambda name: None if name == "openai" else find(name))
    result = _demo()

    assert result.exit_code == 1
    assert result.stderr == "error: the demo needs the openai client and aiohttp: pip install 'asgi-proxystore[demo]'\n"


def test_a_port_that_is_taken_is_told(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = _demo("--port", str(port), "--database", f"sqlite:///{place}/x.db")

    assert result.exit_code == 1
    assert f"error: port {port} cannot be used" in result.stderr


def test_a_database_in_memory_is_refused() -> None:
    result = _demo("--database", "sqlite://")

    assert result.exit_code == 1
    assert "a database in memory goes with it" in result.stderr
