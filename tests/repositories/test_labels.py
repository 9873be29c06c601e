"""Reports by key and project tell names; reports by tag put keys together."""

from __future__ import annotations

from pathlib import Path

from proxystore import Settings, Store
from tests.ledger.world import entry


async def test_reports_tell_what_keys_and_projects_are_called(migrated_url: str, tmp_path: Path) -> None:
    async with Store(settings=Settings(database_url=migrated_url, data_dir=tmp_path / "data")) as store:
        project = await store.projects.create(name="search")
        key = (await store.keys.create(name="indexer", project="search")).record
        store.ledger.record_many(entry(key_id=key.id, project_id=project.id) for _ in range(2))
        store.ledger.record_many([entry(key_id="sub_of_a_plugin", project_id=None)])
        await store.ledger.drain()
        await store.keys.delete(key.id)

        by_key = [(group.group, group.name) for group in await store.usage.summary("key")]
        by_project = [(share.group, share.name) for share in await store.usage.costs("project")]
        latencies = {latency.group: latency.name for latency in await store.usage.latencies("key")}

    assert by_key == [(key.id, "indexer"), ("sub_of_a_plugin", None)]
    assert by_project == [(project.id, "search"), (None, None)]
    assert latencies == {key.id: "indexer", "sub_of_a_plugin": None}


async def test_what_a_key_used_counts_for_each_of_its_tags(migrated_url: str, tmp_path: Path) -> None:
    async with Store(settings=Settings(database_url=migrated_url, data_dir=tmp_path / "data")) as store:
        one, other, bare = (new.record.id for new in await store.keys.create_many([{"name": "n"}] * 3))
        for key, name, value in ((one, "team", "a"), (one, "stage", "live"), (other, "team", "a")):
            await store.keys.metadata.set(key, "tag", name, value)
        await store.keys.metadata.set(bare, "owner", "mail", "me@example.com")
        store.ledger.record_many(entry(key_id=key) for key in (one, one, other, bare, None))
        await store.ledger.drain()

        by_tag = {group.group: group.requests for group in await store.usage.summary("tag")}
        answers = {latency.group: latency.answers for latency in await store.usage.latencies("tag")}

    assert by_tag == answers == {"team=a": 3, "stage=live": 2, None: 2}
