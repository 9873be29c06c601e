"""Requests that some proxies read in another way than we do: a key that is held to models is held to all of them."""

from __future__ import annotations

import gzip
import json

import pytest

from proxystore.testing.asgi import Header, call, exchange_messages, http_scope, websocket_scope
from tests.plugins.house import CONNECT, LEFT, Listening, Open, bearer, code_of

_FORBIDDEN = (403, "model_not_allowed")
_UNCLEAR = (400, "unreadable_request")
_CHATS = "/v1/chat/completions"
_SPEECH = "/v1/audio/transcriptions"
_JSON: Header = (b"content-type", b"application/json")
_FORM: Header = (b"content-type", b"application/x-www-form-urlencoded")
_MULTIPART: Header = (b"content-type", b"multipart/form-data; boundary=x")
_PLAIN = b'{"model": "gpt-4o", "messages": []}'


def _parts(*parts: tuple[bytes, bytes]) -> bytes:
    return b"".join(b"--x\r\n%b\r\n\r\n%b\r\n" % part for part in parts) + b"--x--\r\n"


def _field(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    return b'Content-Disposition: form-data; name="%b"' % name, value


@pytest.mark.parametrize(
    ("path", "query", "headers", "body", "refusal"),
    [
        # LiteLLM lets the query win over the body
        (_CHATS, b"model=gpt-5", [_JSON], _PLAIN, _FORBIDDEN),
        (_CHATS, b"%6dodel=gpt%2d5", [_JSON], _PLAIN, _FORBIDDEN),
        (_CHATS, b"model=gpt-4o&api-version=1", [_JSON], _PLAIN, None),
        ("/openai/deployments/gpt-4o/chat/completions", b"model=gpt-5", [_JSON], _PLAIN, None),
        # the first of two, or the last; in any case, as Go reads; escaped
        (_CHATS, b"", [_JSON], b'{"model": "gpt-5", "model": "gpt-4o"}', _FORBIDDEN),
        (_CHATS, b"", [_JSON], b'{"model": "gpt-4o", "Model": "gpt-5"}', _FORBIDDEN),
        (_CHATS, b"", [_JSON], b'{"m\\u006fdel": "gpt-5", "model": "gpt-4o"}', _FORBIDDEN),
        (_CHATS, b"", [_JSON], b'{"model": "gpt-4o", "MODEL": ["gpt-5"]}', _UNCLEAR),
        (_CHATS, b"", [_JSON], b'{"model": "gpt-4o", "tools": [{"model": "gpt-5"}]}', None),
        (_CHATS, b"", [_JSON], b'{"model": "gpt-4o", "user": "half an emoji \\ud83d"}', None),
        ("/v1/unheard-of", b"", [_JSON], b'{"model": "gpt-5", "model": "gpt-4o"}', _FORBIDDEN),
        ("/v1/unheard-of", b"model=gpt-5", [_JSON], _PLAIN, _FORBIDDEN),
        # what to ask instead
        (_CHATS, b"", [_JSON], b'{"model": "gpt-4o", "fallbacks": ["gpt-5"]}', _FORBIDDEN),
        (_CHATS, b"", [_JSON], b'{"model": "gpt-4o", "fallbacks": [{"model": "gpt-5", "n": 1}]}', _FORBIDDEN),
        (_CHATS, b"", [_JSON], b'{"model": "gpt-4o", "fallbacks": [{"gpt-4o": ["gpt-5"]}]}', _FORBIDDEN),
        (_CHATS, b"", [_JSON], b'{"model": "gpt-4o", "models": ["gpt-4o"]}', None),
        # JSON to us, a form to who believes its type
        (_CHATS, b"", [_FORM], b'{"model": "gpt-4o", "x": "&model=gpt-5&prompt=hi&"}', _FORBIDDEN),
        (_CHATS, b"", [_FORM], _PLAIN, None),  # as curl sends it
        (_CHATS, b"", [], _PLAIN, None),
        (_CHATS, b"", [_FORM, _JSON], _PLAIN, _UNCLEAR),
        (_CHATS, b"", [(b"content-type", b"application/json; charset=utf-7")], _PLAIN, _UNCLEAR),
        (_CHATS, b"", [(b"content-type", b'application/json; charset="UTF-8"')], _PLAIN, None),
        (_CHATS, b"", [_JSON, (b"content-encoding", b"gzip")], gzip.compress(_PLAIN, mtime=0), None),
        # the last of two fields, as FastAPI reads
        (_SPEECH, b"", [_MULTIPART], _parts(_field(b"model", b"gpt-4o"), _field(b"model", b"gpt-5")), _FORBIDDEN),
        (_SPEECH, b"", [_MULTIPART], _parts(_field(b"model", b"gpt-4o"), _field(b"file", b"\0\xff")), None),
        (_SPEECH, b"model=gpt-5", [_MULTIPART], _parts(_field(b"model", b"gpt-4o")), _FORBIDDEN),
        (
            _SPEECH,
            b"",
            [_MULTIPART],
            _parts(
                _field(b"model", b"gpt-4o"),
                (b"Content-Disposition: form-data; filename=\"; name=x\"; name*=utf-8''mod%65l", b"gpt-5"),
            ),
            _FORBIDDEN,
        ),
        (
            _SPEECH,
            b"",
            [(b"content-type", b"multipart/form-data; other-boundary=y; boundary=x")],
            b"--y\r\n"
            + b"\r\n\r\n".join(_field(b"model", b"gpt-4o"))
            + b"\r\n--y\r\n"
            + _parts(_field(b"model", b"gpt-5")),
            _UNCLEAR,
        ),
    ],
)
async def test_a_request_is_held_to_every_model_it_may_be_taken_to_ask_for(
    open_house: Open, *, path, query, headers, body, refusal
):
    async with open_house() as house:
        secret = await house.key(models=["gpt-4o"])
        scope = {**http_scope(path, query=query), "headers": [bearer(secret), *headers]}
        sent = await call(house.app, scope, body)

        assert (sent.status, json.loads(sent.body).get("error", {}).get("code")) == (refusal or (200, None))


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        ("/api/chat", [_JSON], b'{"model": "gpt-4o", "messages": []}', 200),
        ("/api/chat", [_JSON], b'{"model": "gpt-4o:8b", "messages": []}', 403),
        ("/api/chat", [], b'{"model": "gpt-4o", "MODEL": "gpt-5"}', 403),
        ("/api/chat", [], b'{"MODEL": "gpt-5", "model": "gpt-4o"}', 403),
        ("/api/generate", [_FORM], b'{"Model": "gpt-5", "prompt": "hi"}', 400),
        ("/api/generate", [_JSON], b'{"model": "gpt-5", "prompt": "hi", "model": "gpt-4o"}', 403),
        ("/api/embed", [_JSON], b'{"input": "hi"}', 400),
        ("/api/embeddings", [_JSON], b'{"model": "gpt-5", "prompt": "hi"}', 403),
        ("/api/show", [_JSON], b'{"name": "gpt-5"}', 403),  # the older name of the member
        ("/api/show", [_JSON], b'{"Name": "gpt-4o"}', 200),
    ],
)
async def test_ollamas_own_api_is_held_to_models_as_go_reads_it(open_house: Open, path, headers, body, status):
    async with open_house() as house:
        secret = await house.key(models=["gpt-4o"])
        sent = await call(house.app, {**http_scope(path), "headers": [bearer(secret), *headers]}, body)

        assert sent.status == status
        assert status == 200 or isinstance(json.loads(sent.body)["error"], str)


async def test_who_pays_has_to_tell_plainly_for_what(open_house: Open):
    two = b'{"model": "gpt-4o-mini", "Model": "gpt-5"}'
    async with open_house() as house:
        pays = await house.key(monthly_budget_nanousd=10**12)
        free = await house.key(requests_per_minute=5)

        assert code_of(await house.ask(bearer(pays), body=two)) == _UNCLEAR
        assert (await house.ask(bearer(pays))).status == 200
        assert (await house.ask(bearer(free), body=two)).status == 200


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"type": "response.create", "model": "gpt-4o"}', None),
        ('{"type": "response.create", "response": {"model": "gpt-4o"}}', None),
        ('{"type": "response.cancel"}', None),
        ('{"type": "note", "text": "no response.create \\u00e9"}', None),
        ('{"type": "response.cre\\u0061te", "model": "gpt-5"}', "model_not_allowed"),
        ('{"type": "response.create", "model": "gpt-4o", "Model": "gpt-5"}', "model_not_allowed"),
        ('{"type": "response.create", "model": "gpt-5", "temperature": NaN}', "model_not_allowed"),
        ('{"type": "response.create", "type": "note", "model": "gpt-5"}', "unreadable_request"),
        ('{"type": "note", "Type": "response.create", "model": "gpt-5"}', "unreadable_request"),
        ('{"type": "response.create", "model": "gpt-5", "response": {"model": "gpt-4o"}}', "unreadable_request"),
        (
            '{"type": "response.create", "m\\u006fdel": "gpt-5", "response": {"model": "gpt-4o"}}',
            "unreadable_request",
        ),
        ("\ufeff{}", "unreadable_request"),
        ("", None),
    ],
)
async def test_what_may_be_a_request_over_a_websocket_does_not_pass_unread(open_house: Open, text, code):
    async with open_house(Listening()) as house:
        secret = await house.key(models=["gpt-4o"])
        scope = websocket_scope("/v1/responses", headers=[bearer(secret)])
        asked = {"type": "websocket.receive", "text": text}
        _, *refused = await exchange_messages(house.app, scope, [CONNECT, asked, LEFT])

        assert [json.loads(message["text"])["code"] for message in refused] == ([] if code is None else [code])
        assert [message["text"] for message in house.proxy.heard] == ([text] if code is None else [])


async def test_the_query_of_a_websocket_names_a_model_too(open_house: Open):
    async with open_house(Listening()) as house:
        secret = await house.key(models=["gpt-4o"])
        scope = {
            **websocket_scope("/v1/responses", headers=[bearer(secret)]),
            "query_string": b"model=gpt-5",
        }
        asked = {"type": "websocket.receive", "text": '{"type": "response.create", "model": "gpt-4o"}'}
        _, refused = await exchange_messages(house.app, scope, [CONNECT, asked, LEFT])

        assert json.loads(refused["text"])["code"] == "model_not_allowed"
