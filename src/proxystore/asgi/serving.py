"""Serving an application that knows nothing of us: what servers are given as an import string."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any, Final

from proxystore.asgi.middleware import ProxyStoreMiddleware
from proxystore.errors import SettingsError
from proxystore.exchange.asgi import ASGIApp
from proxystore.settings import Settings

_OURS: Final = "proxystore.asgi"


def create_app() -> ASGIApp:
    """Return the application that ``PROXYSTORE_APP`` names, wrapped.

    Raises:
        SettingsError: It is not set, cannot be imported, or is no ASGI application.
    """
    settings = Settings.load()
    if settings.app is None:
        raise SettingsError("PROXYSTORE_APP must name the application to wrap, such as mygateway:app")
    if settings.app.partition(":")[0] == _OURS:
        raise SettingsError(f"{settings.app} is this wrapper itself: PROXYSTORE_APP must name the application to wrap")
    return ProxyStoreMiddleware(load_app(settings.app, is_factory=settings.app_factory), settings=settings)


def load_app(name: str, *, is_factory: bool = False) -> ASGIApp:
    """Import the application called ``MODULE:APP``.

    Args:
        name: The module and, after a colon, the attribute.
        is_factory: Whether the attribute is called without arguments and returns the application.

    Raises:
        SettingsError: There is nothing of this name, importing it failed, or it is no ASGI application.
    """
    found = _attribute(name)
    if is_factory:
        try:
            found = found()
        except Exception as error:
            raise SettingsError(f"{name} was called as a factory and failed: {_told(error)}") from error
    _check(name, found)
    app: ASGIApp = found
    return app


def _attribute(name: str) -> Any:
    module, _, path = name.partition(":")
    if not module or not path:
        raise SettingsError(f"{name!r} may be MODULE:APP, such as mygateway:app")
    try:
        found: Any = import_module(module)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
            hint = "; it is looked for in the working directory, or where --app-dir says"
            raise SettingsError(f"{name}: there is no module {error.name!r}{hint}") from error
        raise SettingsError(f"{name}: importing {module!r} failed: {_told(error)}") from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise SettingsError(f"{name}: {module!r} has no {path!r}")
        found = getattr(found, part)
    return found


def _check(name: str, app: Any) -> None:
    if not callable(app) or inspect.isclass(app):
        raise SettingsError(f"{name} is no ASGI application but a {type(app).__name__}")
    if _takes(app, 3):
        return
    if _takes(app, 0):
        raise SettingsError(
            f"{name} takes no arguments: is it a factory? Then add --factory, or set PROXYSTORE_APP_FACTORY=true"
        )
    if _takes(app, 2):
        raise SettingsError(f"{name} takes two arguments, as WSGI applications do: wrap it, for example with a2wsgi")
    raise SettingsError(f"{name} is no ASGI application: it must take scope, receive and send")


def _takes(app: Any, count: int) -> bool:
    try:
        inspect.signature(app).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # nobody knows its signature: it may
        return True
    return True


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
