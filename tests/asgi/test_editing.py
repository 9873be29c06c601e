"""One response, held back whole and rewritten."""

from __future__ import annotations

import pytest
from starlette.responses import FileResponse

from proxystore import hookimpl
from proxystore.exchange.asgi import Receive, Scope, Send
from proxystore.testing.asgi import call, http_scope


def _app(content_type: bytes, *chunks: bytes):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", content_type), (b"content-length", b"%d" % sum(map(len, chunks)))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for chunk in chunks[:-1]:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": chunks[-1]})

    return app


class Upper:
    @hookimpl
    def on_request(self, exchange):
        exchange.response.edit(lambda body: body.upper() + b"!", 6)


async def test_a_response_is_rewritten_with_its_new_length(wrap, witness):
    async with wrap(_app(b"application/json", b"ab", b"cd"), Upper) as wrapped:
        sent = await call(wrapped, http_scope("/v1/models", method="GET"))

    assert (sent.body, sent.headers[b"content-length"]) == (b"ABCD!", b"5")
    assert witness.exchange.outcome == "complete"


@pytest.mark.parametrize(
    "app", [_app(b"application/json", b"abc", b"def", b"g"), _app(b"text/event-stream", b"ab", b"cd")]
)
async def test_what_is_too_long_or_a_stream_goes_out_as_it_came(wrap, app):
    async with wrap(app, Upper) as wrapped:
        sent = await call(wrapped, http_scope("/v1/models", method="GET"))

    assert sent.body in (b"abcdefg", b"abcd")
    assert sent.headers[b"content-length"] == b"%d" % len(sent.body)


async def test_a_file_that_the_server_would_send_by_itself_is_rewritten(wrap, tmp_path):
    file = tmp_path / "models.json"
    file.write_bytes(b"abcd")
    scope = {**http_scope("/v1/models", method="GET"), "extensions": {"http.response.pathsend": {}, "other": {}}}
    offered = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        offered.update(scope["extensions"])
        await FileResponse(file)(scope, receive, send)

    async with wrap(app, Upper) as wrapped:
        sent = await call(wrapped, scope)

    assert (sent.body, sent.headers[b"content-length"]) == (b"ABCD!", b"5")
    assert offered == {"other": {}}
    assert set(scope["extensions"]) == {"http.response.pathsend", "other"}  # the server's own


async def test_an_edit_that_raises_leaves_the_response_as_it_came(wrap, caplog):
    class Broken:
        @hookimpl
        def on_request(self, exchange):
            exchange.response.edit(lambda body: 1 / 0, 100)

    async with wrap(_app(b"application/json", b"ab", b"cd"), Broken) as wrapped:
        sent = await call(wrapped, http_scope("/v1/models", method="GET"))

    assert (sent.body, sent.headers[b"content-length"]) == (b"abcd", b"4")
    assert "could not be edited" in caplog.text
