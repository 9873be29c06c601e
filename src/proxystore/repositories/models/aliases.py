"""Other names of models."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, select, update

from proxystore.changes import Changes
from proxystore.database import Database, Query, Statement
from proxystore.errors import ModelAliasNotFound
from proxystore.ids import uuid7
from proxystore.records.models import ModelAlias
from proxystore.repositories.models import changing
from proxystore.schema import model_aliases, models

_MODEL: Final = "model"


def _alias_of(client: str, **row: Any) -> ModelAlias:
    return ModelAlias(client=client or None, **row)


_SELECT: Final = select(
    *(column for column in model_aliases.c if column.name != "model_id"), models.c.name.label("model")
).join(models, models.c.id == model_aliases.c.model_id)
_IS_ONE: Final = (model_aliases.c.alias == bindparam("name"), model_aliases.c.client == bindparam("whose"))
LIST: Final = Query(_SELECT.order_by(model_aliases.c.alias, model_aliases.c.client), _alias_of)
OF_NAME: Final = Query(_SELECT.where(model_aliases.c.alias == bindparam("name")), _alias_of)
_FIND: Final = Query(_SELECT.where(*_IS_ONE), _alias_of)
_INSERT: Final = Statement(
    insert(model_aliases).values({column.name: bindparam(column.name) for column in model_aliases.c})
)
_REPOINT: Final = Statement(
    update(model_aliases).where(*_IS_ONE).values(model_id=bindparam("model_id"), updated_at=bindparam("updated_at"))
)
_DELETE: Final = Statement(delete(model_aliases).where(*_IS_ONE))


class AliasRepository:
    """Other names of models: for everybody, or for one client alone, which then has the last word."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    async def list(self) -> list[ModelAlias]:
        """Return every alias, by name."""
        return await self._database.fetch_all(LIST)

    async def set(self, alias: str, model: str, *, client: str | None = None, actor: str | None = None) -> ModelAlias:
        """Let *alias* mean *model*, whatever it has meant before.

        Args:
            alias: The other name.
            model: The exact name of a model.
            client: The id of the key, or of the project, for which alone it holds.
            actor: Who does it.

        Raises:
            ModelNotFound: There is no such model.
        """
        changing.check(alias, {})
        now = datetime.now(UTC)
        async with self._changes.begin(_MODEL, action="model.alias", actor=actor) as change:
            target = await changing.found(change, model)
            whose = client or ""
            values = {"model_id": target.id, "updated_at": now}
            if not await change.execute(_REPOINT, name=alias, whose=whose, **values):
                await change.execute(_INSERT, id=uuid7(), alias=alias, client=whose, created_at=now, **values)
            change.touched(model, alias=alias, client=client)
            made = await change.fetch_one(_FIND, name=alias, whose=whose)
        if made is None:
            raise ModelAliasNotFound
        return made

    async def delete(self, alias: str, *, client: str | None = None, actor: str | None = None) -> None:
        """Let *alias* mean nothing any more.

        Raises:
            ModelAliasNotFound: It means nothing to that client, or to everybody if none is given.
        """
        async with self._changes.begin(_MODEL, action="model.unalias", actor=actor) as change:
            if not await change.execute(_DELETE, name=alias, whose=client or ""):
                raise ModelAliasNotFound(f"There is no alias named {alias!r}.")
            change.touched(None, alias=alias, client=client)
