"""What the core needs to know: one model, every field described."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, Field, PrivateAttr, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from typing_extensions import override

from proxystore.errors import SettingsError
from proxystore.settings.explaining import validated
from proxystore.settings.forward import ForwardSettings
from proxystore.settings.kinds import Duration, Words, networks
from proxystore.settings.pool import PoolSettings
from proxystore.settings.reading import read
from proxystore.settings.sections import read_section, refuse_unknown_sections
from proxystore.settings.sources import ARGUMENT, leaves
from proxystore.settings.url import DatabaseURL, masked_urls

S = TypeVar("S", bound=BaseModel)

PUBLIC_PATHS = ("/health", "/health/*", "/healthz", "/livez", "/readyz", "/ping", "/api/hello")
_TOKEN = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_APP = re.compile(r"[\w.]+:[\w.]+")


class Settings(BaseSettings):
    """Everything the core can be told; made by :meth:`load`, or from arguments alone by calling the class."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_url: str = Field(
        "sqlite:///data/proxystore.db",
        description="The database: sqlite:///file, sqlite:///:memory: or postgresql://user:password@host:5432/name.",
    )
    database_schema: str = Field("proxystore", description="The schema of our tables on PostgreSQL.")
    replicas: Words = Field((), description="URLs of read replicas on PostgreSQL; reports may read from them.")
    pool: PoolSettings = Field(default_factory=PoolSettings, description="Connections to the database.")
    data_dir: Path = Field(
        cast("Path", None),
        validate_default=True,
        description="Journal, cache and generated secrets of this host: beside the SQLite file, else data.",
    )
    auto_migrate: bool = Field(True, description="Whether opening the store migrates its database.")
    events_keep: int = Field(
        0, ge=0, le=36_500, description="For how many days single events are kept; 0 is for ever. Sums stay."
    )
    audit_keep: int = Field(
        0, ge=0, le=36_500, description="For how many days events of the audit trail are kept; 0 is for ever."
    )
    max_body_bytes: int = Field(64 * 1024 * 1024, gt=0, description="A claimed request body above this gives 413.")
    public_paths: Words = Field(
        PUBLIC_PATHS, description="Paths that need no key, GET and HEAD alone; a final * stands for any rest."
    )
    cors_origins: Words = Field(
        (), description="Origins whose pages may read our own answers, such as https://chat.example; * is every one."
    )
    inject_stream_usage: Literal["auto", "off"] = Field(
        "auto", description="Whether streams are asked for their usage where the caller did not ask."
    )
    websocket_unmetered: Literal["refuse", "allow"] = Field(
        "refuse", description="A WebSocket whose usage cannot be read, such as /v1/realtime, of a caller with a limit."
    )
    unknown_paths: Literal["allow", "read", "refuse"] = Field(
        "allow",
        description="What who has a key may call beside the APIs that are known: all, what only reads, or nothing.",
    )
    disconnect: Literal["bill_seen", "drain", "void"] = Field(
        "bill_seen",
        description="A client that leaves: record what it was sent, let the answer finish unseen, or record no usage.",
    )
    drain_limit: int = Field(100, ge=0, description="How many answers may finish unseen at a time, in each process.")
    drain_seconds: Duration = Field(60.0, description="For how long one may.")
    fsync: Literal["off", "interval", "always"] = Field(
        "interval", description="When the journal is made to survive a power cut: never, 20 times a second, at once."
    )
    durable: Literal["journal", "database"] = Field(
        "journal", description="What a client's last byte waits for: the journal, or the database's commit."
    )
    durable_deadline: Duration = Field(5.0, description="For how long it waits for the commit.")
    journal_full: Literal["refuse", "continue"] = Field(
        "refuse", description="Whether requests are refused or go on while the journal cannot be written."
    )
    limits_when_down: Literal["refuse", "continue"] = Field(
        "refuse",
        description="What becomes of callers with a limit while the database is away, once what is held is used up.",
    )
    shutdown_grace: Duration = Field(
        5.0, description="For how long the journal is drained at the end; the next start does the rest."
    )
    gc_freeze: bool = Field(
        False, description="Whether the garbage collector leaves alone what is there once the server has started."
    )
    plugins: Words | None = Field(
        None, description="The plugins to load, in this order; unset: all that are installed."
    )
    disable: Words = Field((), description="Plugins to leave out.")
    key_header: str = Field("x-proxystore-key", description="The header a key of ours is looked for in first.")
    auth: Literal["require", "observe", "off"] = Field("require", description="What the keys plugin asks of callers.")
    app: str | None = Field(None, description="The application to wrap, as MODULE:APP.")
    app_factory: bool = Field(False, description="Whether the application to wrap is called without arguments first.")
    forward: ForwardSettings = Field(default_factory=ForwardSettings, description="Where requests are forwarded to.")
    app_authorization: SecretStr | None = Field(
        None, description="The Authorization header that the wrapped application gets in place of a key of ours."
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(networks)] = Field(
        (), description="Addresses or networks whose X-Forwarded-For is believed."
    )
    pepper: SecretStr | None = Field(
        None, description="The secret that digests of keys are made with; several separated by commas, newest first."
    )
    audit_key: SecretStr | None = Field(
        None, description="The secret that the audit chain is made with; several separated by commas, newest first."
    )
    log_format: Literal["text", "json"] = Field("text", description="How log records are written.")
    cache_api_key_size: int = Field(1000, ge=0, description="Keys remembered in each process.")
    cache_api_key_ttl: Duration = Field(300.0, description="For how long.")
    cache_model_size: int = Field(500, ge=0, description="Models remembered in each process.")
    cache_model_ttl: Duration = Field(900.0, description="For how long.")
    cache_size_limit: int = Field(
        2**30, ge=2**20, description="Bytes that each space of the cache may have on this host's disk."
    )
    cache_table: bool = Field(
        False, description="Whether what is cached is kept in the database too, for hosts that share it."
    )
    stale_if_error: Duration = Field(
        300.0, description="For how long remembered keys are good while the database cannot be asked; 0 is not at all."
    )
    bundled_prices: bool = Field(
        True, description="Whether models that are not in the catalogue are looked for in the list that comes with us."
    )
    unpriced: Literal["allow", "alert", "refuse"] = Field(
        "allow", description="A model without a known price: let it pass, say so in the log, or refuse it with 402."
    )
    crash_bill: Literal["estimate", "zero"] = Field(
        "estimate", description="What a request costs whose process died before its end: an estimate, or nothing."
    )
    plugin: dict[str, dict[str, Any]] = Field(
        default_factory=dict, repr=False, description="The plugins' own sections, validated by section()."
    )

    _origins: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path | None = None, environ: Mapping[str, str] | None = None, **arguments: Any) -> Self:
        """Read *arguments*, then the environment, then the file, then the older names, then the defaults.

        Args:
            path: The file; else ``PROXYSTORE_CONFIG``, else ``./proxystore.toml`` if it is there.
            environ: Stands in for the process's environment.
            **arguments: Settings by name; ``None`` counts as not given.

        Raises:
            SettingsError: A value is wrong, a name unknown, or two older names disagree; the message names the
                variable and what it may be, never the value.
        """
        values, origins = read(cls, path, os.environ if environ is None else environ, arguments)
        settings = validated(cls, values, origins)
        settings._origins = origins  # noqa: SLF001 — its own
        return settings

    @cached_property
    def url(self) -> DatabaseURL:
        """The database's URL, parsed once."""
        return DatabaseURL.parse(self.database_url)

    @property
    def sources(self) -> Mapping[str, str]:
        """By dotted name where each setting came from: ``argument``, a variable, a file, or ``default``."""
        given = set() if self._origins else self.model_fields_set
        rest = {name: ARGUMENT if name.partition(".")[0] in given else "default" for name, _ in leaves(type(self))}
        return rest | dict(self._origins)

    def section(self, name: str, kind: type[S]) -> S:
        """Return plugin *name*'s own settings as *kind*: ``[plugin.<name>]``, ``PROXYSTORE_<NAME>__<FIELD>``.

        Raises:
            SettingsError: A field is unknown or its value wrong.
        """
        return read_section(name, kind, self.plugin, self._origins)

    def refuse_unknown_sections(self, known: Iterable[str]) -> None:
        """Refuse a section of a plugin that is not there.

        Args:
            known: Every plugin that is loaded, and every one that is installed, be it disabled.

        Raises:
            SettingsError: A section belongs to none of them.
        """
        refuse_unknown_sections(known, self.plugin, self._origins)

    @override
    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, masked_urls(value) if name in ("database_url", "replicas") else value

    @field_validator("database_url", "replicas")
    @classmethod
    def _is_url(cls, value: Any) -> Any:
        for text in (value,) if isinstance(value, str) else value:
            _explained(DatabaseURL.parse, text)
        return value

    @field_validator("data_dir", mode="before")
    @classmethod
    def _beside_the_database(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None:
            return value
        file = DatabaseURL.parse(info.data.get("database_url", "sqlite://")).path
        return Path("data") if file is None else file.parent

    @field_validator("database_schema")
    @classmethod
    def _is_schema(cls, value: str) -> str:
        if not _SCHEMA.fullmatch(value) or value.startswith("pg_"):
            raise ValueError("may have small letters, digits and underscores, 63 at most, and may not begin with pg_")
        return value

    @field_validator("public_paths")
    @classmethod
    def _are_paths(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(path.startswith("/") and "*" not in path[:-1] for path in value):
            raise ValueError("may have paths that begin with /, with * at the end alone")
        return value

    @field_validator("key_header")
    @classmethod
    def _is_header(cls, value: str) -> str:
        if not _TOKEN.fullmatch(value.lower()):
            raise ValueError("may be the name of an HTTP header")
        return value.lower()

    @field_validator("app")
    @classmethod
    def _is_import(cls, value: str | None) -> str | None:
        if value is not None and not _APP.fullmatch(value):
            raise ValueError("may be MODULE:APP, such as mygateway:app")
        return value

    @override
    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take arguments alone: :meth:`load` has asked the other sources already, and knows which one answered."""
        return (init_settings,)


def _explained(check: Callable[[str], object], text: str) -> None:
    # Pydantic collects ValueErrors, and we name the variable with them.
    try:
        check(text)
    except SettingsError as error:
        raise ValueError(str(error)) from None
