"""Database URLs, parsed by us: drivers drop the options they do not know, and print passwords."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, get_args
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from typing_extensions import override

from proxystore.errors import SettingsError
from proxystore.settings.names import listed, suggestion

Dialect: TypeAlias = Literal["sqlite", "postgresql"]
SSLMode: TypeAlias = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

_DIALECTS: dict[str, Dialect] = {
    "sqlite": "sqlite",
    "sqlite+aiosqlite": "sqlite",
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "postgresql+asyncpg": "postgresql",
}
_OPTIONS = ("sslmode", "sslrootcert", "application_name", "host")
_IN_MEMORY = ":memory:"
_DEFAULT_PORT = 5432


@dataclass(frozen=True, kw_only=True)
class DatabaseURL:
    """Where a database is; neither ``repr`` nor ``str`` shows the password.

    Attributes:
        dialect: The kind of database.
        path: The SQLite file, relative to the working directory if it is; ``None`` for ``:memory:`` and PostgreSQL.
        host: A name, an address, or the directory of a Unix socket (begins with ``/``).
        port: 5432 unless the URL says otherwise.
        user: ``None`` leaves it to the driver: the name of the system's user.
        password: As the server wants it, percent-decoded.
        database: The database on the server; ``None`` leaves it to the driver: the user's name.
        ssl: libpq's ``sslmode``; ``None`` leaves it to the driver, which prefers an encrypted connection.
        sslrootcert: The certificates that ``verify-ca`` and ``verify-full`` trust.
        application_name: How the server's lists of connections call us.
        name: Which SQLite database this is. For ``:memory:`` each parsed URL has a name of its own, so that all
            connections made from that URL, and no others, meet in one database.
    """

    dialect: Dialect
    path: Path | None = None
    host: str | None = None
    port: int | None = None
    user: str | None = None
    password: str | None = None
    database: str | None = None
    ssl: SSLMode | None = None
    sslrootcert: Path | None = None
    application_name: str | None = None
    name: str = field(default="", compare=False)

    @classmethod
    def parse(cls, text: str) -> DatabaseURL:
        """Read *text* such as ``sqlite:///data/proxystore.db`` or ``postgresql://user:password@host/name``.

        Raises:
            SettingsError: The scheme or an option is unknown, or a part is malformed. The message never repeats
                what might be a password.
        """
        scheme, mark, _ = text.strip().partition("://")
        if not mark:
            raise SettingsError(f"is not a database URL; it may look like {_EXAMPLES}")
        dialect = _DIALECTS.get(scheme.lower())
        if dialect is None:
            raise SettingsError(f"has an unknown scheme{_quoted(scheme)}; it may be {listed(_DIALECTS)}")
        parts = _split(text.strip())
        return _sqlite(parts) if dialect == "sqlite" else _postgresql(parts)

    @property
    def is_in_memory(self) -> bool:
        """Whether the database lives and dies with this process."""
        return self.dialect == "sqlite" and self.path is None

    @property
    def masked(self) -> str:
        """The URL for people, without the password."""
        if self.dialect == "sqlite":
            return f"sqlite:///{_IN_MEMORY if self.path is None else self.path}"
        user = f"{self.user or ''}{':***' if self.password else ''}"
        host = f"[{self.host}]" if ":" in (self.host or "") else self.host
        return f"postgresql://{user}{'@' if user else ''}{host}:{self.port}/{self.database or ''}"

    @override
    def __str__(self) -> str:
        return self.masked

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.masked!r})"


def masked_urls(value: str | Iterable[str]) -> str | tuple[str, ...]:
    """Return one URL, or several, without passwords."""
    return (
        DatabaseURL.parse(value).masked
        if isinstance(value, str)
        else tuple(str(DatabaseURL.parse(url)) for url in value)
    )


_EXAMPLES = "sqlite:///data/proxystore.db or postgresql://user:password@host:5432/name"


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise SettingsError(f"has a malformed host or port; {_ENCODE}") from None
    # An "@" or "#" this late is the tail of a password that was not encoded: say so before a later message repeats it.
    if "@" in parts.path + parts.query or "#" in text or port == 0:
        raise SettingsError(f"cannot be understood; {_ENCODE}")
    return parts


_ENCODE = "in a user or password the characters / ? # @ : % [ ] must be percent-encoded"


def _sqlite(parts: SplitResult) -> DatabaseURL:
    if parts.netloc:
        raise SettingsError(
            "needs three slashes before a relative path and four before an absolute one: sqlite:///a.db"
        )
    if parts.query:
        raise SettingsError("may have no options after '?': SQLite is configured by proxystore itself")
    file = unquote(parts.path.removeprefix("/"))
    if file == _IN_MEMORY or not parts.path:
        return DatabaseURL(dialect="sqlite", name=f"proxystore-{secrets.token_hex(8)}")
    if not file or "\0" in file:
        raise SettingsError(f"names no file; it may look like sqlite:///data/proxystore.db or sqlite:///{_IN_MEMORY}")
    return DatabaseURL(dialect="sqlite", path=Path(file), name=file)


def _postgresql(parts: SplitResult) -> DatabaseURL:
    options = _read_options(parts.query)
    host = unquote(parts.hostname or "") or options.get("host") or "localhost"
    if "," in host:
        raise SettingsError("names several hosts; it may name one (replicas have a setting of their own)")
    mode, certificates = options.get("sslmode"), options.get("sslrootcert")
    return DatabaseURL(
        dialect="postgresql",
        host=host,
        port=parts.port or _DEFAULT_PORT,
        user=_decoded(parts.username),
        password=_decoded(parts.password),
        database=_decoded(parts.path.removeprefix("/")),
        ssl=None if mode is None else _ssl_mode(mode),
        sslrootcert=None if certificates is None else Path(certificates),
        application_name=options.get("application_name"),
    )


def _read_options(query: str) -> dict[str, str]:
    options = parse_qsl(query, keep_blank_values=True)
    for option, value in options:
        if option not in _OPTIONS:
            hint = suggestion(option, _OPTIONS)
            raise SettingsError(f"has an unknown option{_quoted(option)}{hint}; it may have {listed(_OPTIONS)}")
        if not value:
            raise SettingsError(f"has an option {option!r} without a value")
    if len(options) != len(dict(options)):
        raise SettingsError("has an option twice")
    return dict(options)


def _ssl_mode(text: str) -> SSLMode:
    for mode in get_args(SSLMode):
        if mode == text:
            return mode  # type: ignore[no-any-return]
    raise SettingsError(f"has an unknown sslmode; it may be {listed(get_args(SSLMode))}")


def _decoded(text: str | None) -> str | None:
    return unquote(text) if text else None


def _quoted(word: str) -> str:
    # Only what looks like a name is repeated: anything else may be a part of a password.
    return f" {word!r}" if re.fullmatch(r"[A-Za-z][A-Za-z0-9_+.-]{0,30}", word) else ""
