"""Where ``proxystore forward`` leads, and how patient it is."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Annotated, Final, Self
from urllib.parse import SplitResult, quote, unquote, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from typing_extensions import override

from proxystore.errors import SettingsError
from proxystore.settings.kinds import Duration

_MAY_BE: Final = "may be http://host:port or https://host, with a path if need be"
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class UpstreamURL:
    """The one place that requests are forwarded to; shown without its password.

    Attributes:
        scheme: ``http`` or ``https``.
        host: A name or an address, in small letters.
        port: The scheme's own if the URL names none.
        path: Stands before each request's path; without a slash at its end.
        authorization: The header that name and password of the URL become.
    """

    scheme: str
    host: str
    port: int
    path: str
    authorization: str | None = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read *text*.

        Raises:
            SettingsError: It leads nowhere; the message does not repeat it, for it may hold a password.
        """
        try:
            parts = urlsplit(text.strip())
            host, port = parts.hostname, parts.port
        except ValueError:
            raise SettingsError(_MAY_BE) from None
        if parts.scheme not in _PORTS or not host or not text.isprintable() or " " in text.strip():
            raise SettingsError(_MAY_BE)
        if parts.query or parts.fragment:
            raise SettingsError("may have neither a query nor a fragment: a request brings its own")
        path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~-._")
        return cls(parts.scheme, host, port or _PORTS[parts.scheme], path, _authorization(parts))

    @property
    def authority(self) -> str:
        """What the upstream finds in ``Host``: the port is told unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @override
    def __str__(self) -> str:
        return f"{self.scheme}://{'***@' if self.authorization else ''}{self.authority}{self.path}"


def _authorization(parts: SplitResult) -> str | None:
    if not parts.username and not parts.password:
        return None
    told = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return f"Basic {base64.b64encode(told.encode()).decode()}"


def _parsed(value: object) -> object:
    """Return text as a URL, and what is no text as it is; pydantic collects ``ValueError``."""
    try:
        return UpstreamURL.parse(value) if isinstance(value, str) else value
    except SettingsError as error:
        raise ValueError(str(error)) from None


class ForwardSettings(BaseModel):
    """What ``proxystore forward`` does with requests; the application of ``proxystore run`` has settings of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True)

    url: Annotated[UpstreamURL | None, BeforeValidator(_parsed)] = Field(
        None, description="Where requests go; a name and a password in it become the header Authorization."
    )
    connect_timeout: Duration = Field(10.0, description="How long a request waits for a connection; 0 is for ever.")
    read_timeout: Duration = Field(
        600.0, description="How long the upstream may be silent before and within its answer; 0 is for ever."
    )
    max_connections: int = Field(1000, ge=1, description="Connections to the upstream at most, for each process.")
