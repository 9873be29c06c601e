"""Do the plugins load? Each by itself, so that one that does not hides no other."""

from __future__ import annotations

from typing import Final

import typer

from proxystore.doctor.finding import Finding, ok, problem
from proxystore.errors import PluginError, ProxyStoreError
from proxystore.hooks import Plugins, try_each
from proxystore.settings import Settings

_MEND: Final = "mend or reinstall it; {mend}"
_SET: Final = "correct it where it is set; `proxystore settings show` tells where each came from"
_LIST: Final = "`proxystore plugins list` shows them, PROXYSTORE_PLUGINS and PROXYSTORE_DISABLE choose"


def load(settings: Settings) -> tuple[Plugins | None, list[Finding]]:
    """Return the plugins, if all can be loaded, and what was found."""
    broken = [_told(error) for _, error in try_each(settings) if error is not None]
    if broken:
        return None, broken
    try:
        loaded = Plugins.load(settings)
        loaded.register_commands(typer.Typer())
        loaded.wire_formats()
    except ProxyStoreError as error:
        return None, [_told(error)]
    return loaded, [ok("plugins", ", ".join(loaded.names()) or "none")]


def broken(error: Exception) -> Finding:
    """Return that the plugins load, but break in use."""
    return _told(error)


def _told(error: Exception) -> Finding:
    if not isinstance(error, PluginError):
        return problem("plugins", str(error), _SET)
    return problem("plugins", error.trouble, _MEND.format(mend=error.mend) if error.mend else _LIST)
