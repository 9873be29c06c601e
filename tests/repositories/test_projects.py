"""Projects: made, changed, turned off with their keys, deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from proxystore import Conflict, InvalidRecord, KeyInactive, ProjectInactive, ProjectNotFound, Settings, Store, uuid7
from proxystore.ids import shown


@asynccontextmanager
async def _opened(url: str, path: Path) -> AsyncIterator[Store]:
    async with Store(settings=Settings(database_url=url, data_dir=path / "data")) as store:
        yield store


async def test_a_project_goes_by_its_id_and_by_its_name(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        made = await store.projects.create(name="search", settings={"disconnect": "drain"}, actor="me")

        assert await store.projects.get(made.id) == await store.projects.get("search") == made
        assert (made.is_active, made.settings) == (True, {"disconnect": "drain"})
        for unknown in (shown("proj", uuid7()), "ads"):
            with pytest.raises(ProjectNotFound):
                await store.projects.get(unknown)
        with pytest.raises(InvalidRecord, match="proj_"):
            await store.projects.get("proj_1")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"name": ""}, "name"),
        ({}, "name"),
        ({"name": "proj_search"}, "proj_"),
        ({"name": "n", "settings": {"colour": "red"}}, "colour"),
        ({"name": "n", "api_key": "sk-"}, "api_key"),
    ],
)
async def test_what_a_project_may_not_be_is_told(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    async with _opened("sqlite:///:memory:", tmp_path) as store:
        with pytest.raises(InvalidRecord, match=told):
            await store.projects.create(**options)


async def test_a_name_is_taken_by_one_that_is_not_deleted(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        first = await store.projects.create(name="n")
        other = await store.projects.create(name="m")
        with pytest.raises(Conflict):
            await store.projects.create(name="n")
        with pytest.raises(Conflict):
            await store.projects.update("m", name="n")
        await store.projects.delete("n")
        renamed = await store.projects.update("m", name="n")

        assert renamed.id == other.id
        assert (await store.projects.get(first.id)).name == "n"
        assert await store.projects.list(limit=9) == [renamed]
        assert [project.id for project in await store.projects.list(limit=9, deleted=True)] == [other.id, first.id]


async def test_a_project_that_is_off_refuses_its_keys_until_it_is_on(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        await store.projects.create(name="p")
        new = await store.keys.create(name="n", project="p")
        off = await store.projects.deactivate("p")

        assert await store.projects.deactivate("p") == off
        assert off.deactivated_at is not None
        assert await store.projects.list(limit=9, active=True) == []
        with pytest.raises(ProjectInactive):
            await store.keys.authenticate(new.secret)
        with pytest.raises(ProjectInactive):
            await store.keys.create(name="n", project="p")
        on = await store.projects.reactivate("p")
        assert (on.is_active, on.deactivated_at) == (True, None)
        assert await store.projects.reactivate("p") == on
        assert await store.keys.authenticate(new.secret) == new.record


async def test_a_project_that_is_on_again_does_not_revive_revoked_keys(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        await store.projects.create(name="p")
        new = await store.keys.create(name="n", project="p")
        await store.projects.deactivate("p", revoke_keys=True)
        await store.projects.reactivate("p")
        revoked = await store.keys.get(new.record.id)

        assert revoked.deactivated_at == revoked.revoked_at is not None
        with pytest.raises(KeyInactive):
            await store.keys.authenticate(new.secret)


async def test_deleting_a_project_revokes_its_keys_and_keeps_its_history(migrated_url: str, tmp_path: Path) -> None:
    async with _opened(migrated_url, tmp_path) as store:
        made = await store.projects.create(name="p")
        key = (await store.keys.create(name="n", project="p")).record
        await store.projects.delete("p")
        await store.projects.delete(made.id)
        gone = await store.projects.get(made.id)

        assert (gone.is_active, gone.deleted_at is None) == (False, False)
        assert (await store.keys.get(key.id)).revoked_at is not None
        for attempt in (store.projects.deactivate, store.projects.reactivate):
            with pytest.raises(ProjectNotFound):
                await attempt(made.id)
        with pytest.raises(ProjectNotFound):
            await store.projects.update("p", name="q")
        with pytest.raises(InvalidRecord, match="nothing"):
            await store.projects.update(made.id)
