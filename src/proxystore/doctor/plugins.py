"""Do the plugins load? Each by itself, so that one that does not hides no other."""

from __future__ import annotations

from typing import Final

from proxystore.doctor.finding import Finding, ok, problem
from proxystore.errors import ProxyStoreError, SettingsError
from proxystore.hooks import Plugins, try_each
from proxystore.settings import Settings

_LEAVE_OUT: Final = "mend or reinstall it, or leave it out: PROXYSTORE_DISABLE={name}"
_SET: Final = "correct it where it is set; `proxystore settings show` tells where each came from"
_LIST: Final = "`proxystore plugins list` shows them, PROXYSTORE_PLUGINS and PROXYSTORE_DISABLE choose"


def load(settings: Settings) -> tuple[Plugins | None, list[Finding]]:
    """Return the plugins, if all can be loaded, and what was found."""
    broken = [_told(name, error) for name, error in try_each(settings) if error is not None]
    if broken:
        return None, broken
    try:
        loaded = Plugins.load(settings)
        loaded.wire_formats()
    except ProxyStoreError as error:
        return None, [problem("plugins", str(error), _SET if isinstance(error, SettingsError) else _LIST)]
    return loaded, [ok("plugins", ", ".join(loaded.names()) or "none")]


def broken(error: Exception) -> Finding:
    """Return that the plugins load, but break in use."""
    return problem("plugins", str(error), _LIST)


def _told(name: str, error: ProxyStoreError) -> Finding:
    mend = _SET if isinstance(error, SettingsError) else _LEAVE_OUT.format(name=name)
    return problem("plugins", str(error), mend)
