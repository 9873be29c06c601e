"""``proxystore cache`` as it is typed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from proxystore import Settings, Store
from proxystore.cli.building import build

ENTRIES = {
    b"\x01\x02": ("model:a", "project:p", "key:k"),
    b"\x01\x03": ("model:b", "project:p"),
    b"\x02": ("model:b", "other"),
}


@pytest.fixture(name="settings")
def _settings(migrated_url: str, tmp_path: Path) -> Settings:
    settings = Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data", cache_table=True)
    _fill(settings)
    return settings


def _fill(settings: Settings) -> None:
    async def fill() -> None:
        async with Store(settings=settings) as store:
            for key, tags in ENTRIES.items():
                await store.cache.space("responses").set(key, b"value", ttl=60, tags=tags)
            await store.cache.space("mine").set(b"\x01", b"value", ttl=60)

    asyncio.run(fill())


def _type(settings: Settings, *words: str):
    return CliRunner().invoke(build(settings, "cache"), ["cache", *words])


@pytest.fixture(name="plain")
def _plain(sqlite_template: Path, tmp_path: Path) -> Settings:
    """Where what is tested is not about the database."""
    (tmp_path / "plain.db").write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{tmp_path / 'plain.db'}"
    settings = Settings.load(environ={}, database_url=url, data_dir=tmp_path / "data")
    _fill(settings)
    return settings


def _left(settings: Settings) -> set[bytes]:
    async def read() -> set[bytes]:
        async with Store(settings=settings) as store:
            space = store.cache.space("responses")
            await space.open()
            left = {key for key in ENTRIES if space.get(key)}
            assert left == {key for key in ENTRIES if await store.cache.space("responses").fetch(key)}
            return left

    return asyncio.run(read())


def test_stats_tell_what_there_is(settings):
    shown = json.loads(_type(settings, "stats", "--json").stdout)

    assert [(row["space"], row["entries"], row["table_entries"], row["is_open"]) for row in shown] == [
        ("mine", 1, 1, True),
        ("responses", 3, 3, True),
    ]
    result = _type(settings, "stats")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["space", "mine", "responses"]
    assert "database:" in result.stderr


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["--all"], set()),
        (["--model", "b"], {b"\x01\x02"}),
        (["--project", "p"], {b"\x02"}),
        (["--api-key", "k"], {b"\x01\x03", b"\x02"}),
        (["--tag", "other", "--tag", "key:k"], {b"\x01\x03"}),
        (["--prefix", "01"], {b"\x02"}),
        (["--key", "0102"], {b"\x01\x03", b"\x02"}),
        (["--all", "--space", "mine"], set(ENTRIES)),
    ],
)
def test_what_is_named_is_forgotten(settings, words, left):
    result = _type(settings, "purge", *words, "--json")

    assert result.exit_code == 0
    row = json.loads(result.stdout)
    assert row["purged"] == (1 if "mine" in words else 3 - len(left))
    assert _left(settings) == left


def test_purging_says_how_much_and_who_did_it_is_on_record(settings):
    assert _type(settings, "purge", "--all").stdout == "forgot 3\n"

    async def read():
        async with Store(settings=settings) as store:
            return [event async for event in store.audit.events() if event.action == "cache.purge"]

    (event,) = asyncio.run(read())
    assert event.actor.startswith("cli:")


@pytest.mark.parametrize(
    "words", [[], ["--all", "--model", "a"], ["--prefix", "0"], ["--key", "xx"], ["--all", "--space", "../up"]]
)
def test_wrong_use_is_refused(plain, words):
    assert _type(plain, "purge", *words).exit_code != 0


def test_a_space_that_is_not_there_is_named_beside_those_that_are_and_nothing_is_made(settings):
    result = _type(settings, "purge", "--all", "--space", "repsonses")

    assert result.exit_code == 1
    assert "There is no space 'repsonses' on this host; there are: mine, responses." in result.stderr
    assert _left(settings) == set(ENTRIES)
    assert not (settings.data_dir / "cache" / "repsonses").exists()


def test_a_space_that_only_other_hosts_have_on_disk_is_known_by_the_table(settings, tmp_path):
    elsewhere = settings.model_copy(update={"data_dir": tmp_path / "elsewhere"})

    assert [row["space"] for row in json.loads(_type(elsewhere, "stats", "--json").stdout)] == ["mine", "responses"]
    assert _type(elsewhere, "purge", "--all", "--space", "mine").stdout == "forgot 1\n"


def test_refreshing_has_every_process_ask_again(settings):
    async def edited() -> tuple[bool, bool]:
        async with Store(settings=settings) as store:
            new = await store.keys.create(name="edited by hand")
            secret = new.secret.encode()
            remembered = await store.keyring.find(secret)
            result = await asyncio.to_thread(_type, settings, "refresh")
            assert result.exit_code == 0, result.stderr
            await store.follower.poll()
            return store.keyring.recall(secret) is None, (await store.keyring.find(secret)) is not remembered

    assert asyncio.run(edited()) == (True, True)
