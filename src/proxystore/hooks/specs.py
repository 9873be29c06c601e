"""Every hook a plugin may implement, in the order a request meets them.

An implementation names the arguments it wants and may leave out the rest. Within one hook, plugins marked ``tryfirst``
are asked first and those marked ``trylast`` last; otherwise in the order of the setting ``plugins``, else by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxystore.hooks.marker import hookspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    import typer

    from proxystore.exchange import Exchange
    from proxystore.migrating import Migrations
    from proxystore.records import AuditEvent
    from proxystore.store import Store
    from proxystore.values import Answer, Denial, Principal
    from proxystore.wire import WireFormat

# -- what exists: called once, when plugins are loaded -----------------------------------------------------------------


@hookspec
def register_commands(cli: typer.Typer) -> None:
    """Add commands to ``proxystore``.

    Called once, when the command line is built. A command finds its `proxystore.CommandLine` in ``context.obj``.
    An exception stops the command line.

    Args:
        cli: The application to add commands or groups to.

    Example:
        ```python
        import typer
        from proxystore import CommandLine, hookimpl

        class Greeting:
            @hookimpl
            def register_commands(self, cli: typer.Typer) -> None:
                @cli.command()
                def greet(context: typer.Context) -> None:
                    line: CommandLine = context.obj
                    typer.echo(f"hello from {line.settings.url.masked}")
        ```
    """


@hookspec
def register_wire_formats() -> Iterable[WireFormat]:  # type: ignore[empty-body]
    """Return formats of APIs that the core does not know, or knows differently.

    Called once, when the middleware opens. They are asked before the built-in ones, in the order of the plugins; the
    first whose method and path ending match claims the exchange. An exception stops the start.

    Returns:
        Wire formats; see `proxystore.WireFormat`.

    Example:
        ```python
        from proxystore import WireFormat, hookimpl
        from proxystore.wire.openai import ChatCompletions

        class Talk(ChatCompletions):
            name = "acme.talk"
            paths = ("/talk",)

        class Acme:
            @hookimpl
            def register_wire_formats(self) -> list[WireFormat]:
                return [Talk()]
        ```
    """


@hookspec
def register_migrations() -> Iterable[Migrations]:  # type: ignore[empty-body]
    """Return the histories of the plugin's own tables.

    Called once, before the store opens; each history is brought to its head after the core's, under a version table of
    its own. An exception stops the start.

    Returns:
        Packages of Alembic revisions, each with the name of its version table.

    Example:
        ```python
        from proxystore import Migrations, hookimpl

        class Guestbook:
            @hookimpl
            def register_migrations(self) -> list[Migrations]:
                return [Migrations("guestbook_migrations", "guestbook_version")]
        ```
    """


# -- a life ------------------------------------------------------------------------------------------------------------


@hookspec
async def on_startup(store: Store) -> None:
    """Get ready.

    Called once for each middleware, with the store open, before the first request. All plugins are told, in order.
    An exception becomes a `PluginError` and stops the start.

    Args:
        store: Open, at the head of its schema.

    Example:
        ```python
        from proxystore import Store, hookimpl

        class Ready:
            @hookimpl
            async def on_startup(self, store: Store) -> None:
                self.health = await store.database.health()
        ```
    """


# -- a request ---------------------------------------------------------------------------------------------------------


@hookspec
async def on_auth(exchange: Exchange, store: Store) -> Principal | Denial | None:
    """Say who is calling.

    Called once for each HTTP request or WebSocket, before its body is read. Plugins are asked in order; the first
    answer that is not ``None`` wins and the rest are not asked. May be ``def`` or ``async def``. An exception, or an
    answer of another type, refuses the request with 503.

    Args:
        exchange: Its ``request`` may be edited here.
        store: The open store.

    Returns:
        Who is calling, a refusal, or ``None`` to let the next plugin say.

    Example:
        ```python
        from proxystore import Denial, Exchange, Principal, hookimpl

        class Badge:
            @hookimpl
            def on_auth(self, exchange: Exchange) -> Principal | Denial | None:
                badge = exchange.request.header(b"x-badge")
                return None if badge is None else Principal(name=badge.decode())
        ```
    """


@hookspec
async def on_request(exchange: Exchange, store: Store) -> Answer | Denial | None:
    """Refuse, answer, edit or let pass.

    Called once for each HTTP request that ``on_auth`` did not refuse, before the proxy sees it; where a wire format
    knows the path, the body has been read and ``request.call`` is known. Not called for WebSockets, but for each
    request on one whose messages are understood; its scope is then that of the WebSocket. Plugins are asked in order;
    the first answer that is not ``None`` wins. May be ``def`` or ``async def``. An exception, or an answer
    of another type, refuses the request with 503.

    Args:
        exchange: Its ``request`` may be edited here, for the last time.
        store: The open store.

    Returns:
        A response in place of the proxy's, a refusal, or ``None`` to let it pass.

    Example:
        ```python
        from proxystore import Answer, Denial, Exchange, hookimpl

        class NoImages:
            @hookimpl
            def on_request(self, exchange: Exchange) -> Answer | Denial | None:
                if exchange.request.call.operation_name != "image_generation":
                    return None
                return Denial(status=403, code="model_not_allowed", message="No images here.")
        ```
    """


@hookspec
def on_usage(exchange: Exchange, store: Store) -> None:
    """Write down what was used.

    Called exactly once for each exchange that reached ``on_auth``, whatever its outcome, right before the client sees
    the end (or at the latest when the exchange breaks off). All plugins are told, in order. A plain function that
    never waits: the client is waiting. An exception is logged with the plugin's name and the rest are still told.

    Args:
        exchange: ``usage``, ``cost`` and ``outcome`` are final.
        store: The open store.

    Example:
        ```python
        from proxystore import Exchange, hookimpl

        class Meter:
            total = 0

            @hookimpl
            def on_usage(self, exchange: Exchange) -> None:
                self.total += exchange.usage.output_tokens
        ```
    """


@hookspec
async def on_response(exchange: Exchange, store: Store) -> None:
    """Look at a finished exchange.

    Called once for each exchange after its last message has left, whatever the proxy does in the background after that;
    what has to be waited for is done in a task of its own. All plugins are told, in order. May be ``def`` or ``async
    def``. An exception is logged with the plugin's name and the rest are still told.

    Args:
        exchange: Complete; ``response.chunks`` are there if somebody asked to keep them.
        store: The open store.

    Example:
        ```python
        import logging
        from proxystore import Exchange, hookimpl

        class SlowLog:
            @hookimpl
            async def on_response(self, exchange: Exchange) -> None:
                if exchange.response.last_byte_ns - exchange.started_ns > 10_000_000_000:
                    logging.getLogger(__name__).warning("slow: %s", exchange.id)
        ```
    """


@hookspec
async def on_audit(event: AuditEvent, store: Store) -> None:
    """Carry an audit event elsewhere.

    Called for each event of the audit trail after it has been committed, in the order of the chain, by one process of
    one host at a time: at least once, for what was told right before a crash is told again (``event.seq`` tells).
    Events from before the first start with such a plugin are not told. All plugins are told, in order. May be ``def``
    or ``async def``; a plain function is called in a thread, so it may wait. An exception is logged with the plugin's
    name and the rest are still told; the event is not told again.

    Args:
        event: What happened.
        store: The open store; a plain function cannot use what has to be awaited.

    Example:
        ```python
        import logging
        from proxystore import AuditEvent, hookimpl

        class Alarm:
            @hookimpl
            async def on_audit(self, event: AuditEvent) -> None:
                if event.action == "audit.tampered":
                    logging.getLogger(__name__).critical("somebody has been at the audit trail: %s", event.seq)
        ```
    """


# -- the end of a life -------------------------------------------------------------------------------------------------


@hookspec
async def on_shutdown(store: Store) -> None:
    """Let go.

    Called once for each middleware whose ``on_startup`` succeeded, with the store still open, last loaded plugin
    first. An exception is logged with the plugin's name and the rest are still told.

    Args:
        store: Closes next.

    Example:
        ```python
        from proxystore import Store, hookimpl

        class Farewell:
            @hookimpl
            async def on_shutdown(self, store: Store) -> None:
                print("last seen with", store.ledger.status().pending, "entries pending")
        ```
    """
