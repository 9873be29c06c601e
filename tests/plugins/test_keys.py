"""The keys plugin between a client and a proxy, with a store on each database."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from proxystore import Principal, StoreUnavailable, credentials, hookimpl, ids
from proxystore.testing.asgi import Header, Sent, exchange_messages, websocket_scope
from tests.keyring.world import add_key, add_project
from tests.plugins.house import CONNECT, LEFT, House, Listening, Proxy, bearer, code_of

_FOREIGN = "sk-a-key-of-somebody-elses-0123456789"


async def test_a_key_is_let_in_and_taken_out(open_house):
    async with open_house() as house:
        secret = await house.key(name="search")
        sent = await house.ask(bearer(secret))

        assert sent.status == 200
        assert [each.name for each in house.watcher.principals] == ["search"]
        assert "authorization" not in house.proxy.headers


async def test_nobody_is_let_in_without_a_key(open_house):
    async with open_house() as house:
        await house.key()
        sent = await house.ask()

        assert code_of(sent) == (401, "missing_api_key")
        assert sent.headers[b"www-authenticate"] == b"Bearer"
        assert b"proxystore keys create" not in sent.body
        assert house.proxy.seen == []


async def test_the_first_key_is_asked_for_where_there_is_none(open_house, caplog):
    async with open_house() as house:
        sent = await house.ask()
        stranger = await house.ask(bearer(_FOREIGN))

    assert code_of(sent) == (401, "missing_api_key")
    assert code_of(stranger) == (401, "invalid_api_key")
    assert b"proxystore keys create" in sent.body
    assert b"proxystore keys create" in stranger.body
    assert "every request needs an API key, and there is none yet" in caplog.text


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({"is_active": False}, (401, "key_inactive")),
        ({"deleted_at": datetime(2026, 1, 1, tzinfo=UTC)}, (401, "key_inactive")),
        ({"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, (401, "key_expired")),
    ],
)
async def test_a_key_that_is_not_good_is_refused_and_known(open_house, values, refusal):
    async with open_house() as house:
        secret = await house.key(name="search", **values)
        sent = await house.ask(bearer(secret))

        assert code_of(sent) == refusal
        assert sent.headers[b"www-authenticate"] == b"Bearer"
        assert [each.name for each in house.watcher.principals] == ["search"]
        assert house.proxy.seen == []


async def test_a_key_of_a_project_that_is_closed_is_refused(open_house):
    async with open_house() as house:
        project = await add_project(house.store.database, is_active=False)
        sent = await house.ask(bearer(await house.key(project_id=project)))

    assert code_of(sent) == (403, "project_inactive")
    assert b"www-authenticate" not in sent.headers


@pytest.mark.parametrize(
    "mistake",
    [
        lambda secret: secret[:-1],
        lambda secret: secret[:-1] + ("a" if secret[-1] != "a" else "b"),
        lambda secret: secret.swapcase(),
        lambda secret: secret + secret,
        lambda _: "psk_" + "0" * 57,
        lambda _: "x" * 100_000,
    ],
)
async def test_a_damaged_key_is_not_looked_for(open_house, mistake, monkeypatch):
    async with open_house() as house:
        secret = await house.key()
        await house.store.keyring.facts()

        async def never(*_, **__):
            raise AssertionError("the database was asked")

        monkeypatch.setattr("proxystore.keyring.asking.find", never)

        assert code_of(await house.ask(bearer(mistake(secret)))) == (401, "invalid_api_key")


# -- where keys are looked for ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["x-proxystore-key", "authorization", "x-api-key", "x-goog-api-key", "api-key"])
async def test_a_key_is_found_in_every_header_and_taken_out_there(open_house, place):
    async with open_house() as house:
        secret = await house.key()
        sent = await house.ask((place.encode(), secret.encode()), (b"x-other", b"stays"))

        assert sent.status == 200
        assert place not in house.proxy.headers
        assert house.proxy.headers["x-other"] == "stays"


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  ", ""])
async def test_a_key_is_found_however_its_scheme_is_written(open_house, scheme):
    async with open_house() as house:
        secret = await house.key()

        assert (await house.ask((b"authorization", (scheme + secret).encode()))).status == 200


async def test_a_key_is_found_in_the_query_and_taken_out_there(open_house):
    async with open_house() as house:
        secret = await house.key()
        sent = await house.ask(query=b"alt=sse&key=" + secret.encode() + b"&a=%20b")

        assert sent.status == 200
        (scope,) = house.proxy.seen
        assert scope["query_string"] == b"alt=sse&a=%20b"


async def test_the_header_for_keys_can_be_called_otherwise(open_house):
    async with open_house(key_header="X-Gateway-Key") as house:
        secret = await house.key()

        assert (await house.ask((b"x-gateway-key", secret.encode()))).status == 200
        assert (await house.ask((b"x-proxystore-key", secret.encode()))).status == 401


async def test_what_is_in_the_header_for_keys_alone_decides(open_house):
    async with open_house() as house:
        good, bad = await house.key(), credentials.new_secret()
        sent = await house.ask((b"x-proxystore-key", bad.encode()), bearer(good))

        assert code_of(sent) == (401, "invalid_api_key")


async def test_a_key_of_ours_is_found_beside_other_credentials_which_pass(open_house):
    async with open_house() as house:
        secret = await house.key(name="ours")
        sent = await house.ask(bearer("their-own-subscription-token"), (b"x-api-key", secret.encode()))

        assert sent.status == 200
        assert house.proxy.headers["authorization"] == "Bearer their-own-subscription-token"
        assert "x-api-key" not in house.proxy.headers


@pytest.mark.parametrize("app", [None, "Bearer of-the-proxy"])
@pytest.mark.parametrize("other", ["authorization", "x-api-key", "x-proxystore-key", "query"])
async def test_a_key_that_is_sent_twice_is_taken_out_twice(open_house, other, app):
    async with open_house(app_authorization=app) as house:
        secret = (await house.key()).encode()
        headers = [(b"x-goog-api-key", secret), (b"api-key", b"somebody-elses")]
        query = b"a=1&k\xff=2"
        if other == "query":
            query += b"&key=" + secret
        else:
            headers.append((other.encode(), b"Bearer " + secret))
        for _ in range(2):  # the second time the key is remembered
            house.proxy.seen.clear()
            assert (await house.ask(*headers, query=query)).status == 200
            assert secret not in repr(house.proxy.seen).encode()
            assert house.proxy.headers["api-key"] == "somebody-elses"
            assert house.proxy.headers.get("authorization") == app
            assert house.proxy.seen[0]["query_string"] == b"a=1&k\xff=2"


async def test_the_first_key_of_ours_counts(open_house):
    async with open_house() as house:
        first, second = await house.key(name="first"), await house.key(name="second")
        sent = await house.ask((b"x-api-key", second.encode()), bearer(first))

        assert sent.status == 200
        assert [each.name for each in house.watcher.principals] == ["first"]


async def test_imported_keys_are_found_and_passed_on(open_house):
    async with open_house() as house:
        await house.key(_FOREIGN, origin="imported", name="theirs")
        sent = await house.ask((b"x-api-key", b"somebody"), (b"api-key", _FOREIGN.encode()))

        assert sent.status == 200
        assert [each.name for each in house.watcher.principals] == ["theirs"]
        assert house.proxy.headers["api-key"] == _FOREIGN
        assert code_of(await house.ask(bearer(_FOREIGN + "x"))) == (401, "invalid_api_key")


async def test_an_imported_key_stays_in_place_however_often_it_comes(open_house):
    async with open_house(app_authorization="Bearer master") as house:
        await house.key(_FOREIGN, origin="imported", name="theirs")
        for _ in range(2):
            await house.ask(bearer(_FOREIGN))

        assert [each.name for each in house.watcher.principals] == ["theirs", "theirs"]
        assert all((b"authorization", f"Bearer {_FOREIGN}".encode()) in each["headers"] for each in house.proxy.seen)


async def test_an_imported_key_that_is_remembered_is_not_looked_for_on_public_paths(open_house):
    async with open_house() as house:
        await house.key(_FOREIGN, origin="imported", name="theirs")
        await house.ask(bearer(_FOREIGN))
        for method, path in (("GET", "/health"), ("POST", "/v1/chat/completions")):
            await house.ask(bearer(_FOREIGN), method=method, path=path)

        assert [each and each.name for each in house.watcher.principals] == ["theirs", None, "theirs"]


async def test_an_imported_key_in_our_header_is_taken_out(open_house):
    async with open_house(app_authorization="Bearer master") as house:
        await house.key(_FOREIGN, origin="imported")
        sent = await house.ask((b"x-proxystore-key", _FOREIGN.encode()))

        assert sent.status == 200
        assert "x-proxystore-key" not in house.proxy.headers
        assert house.proxy.headers["authorization"] == "Bearer master"


@pytest.mark.parametrize("place", [b"authorization", b"x-api-key", b"x-proxystore-key"])
async def test_the_proxy_gets_what_it_knows_in_place_of_our_key(open_house, place):
    async with open_house(app_authorization="Bearer master") as house:
        secret = await house.key()
        await house.ask((place, secret.encode()))

        assert house.proxy.headers["authorization"] == "Bearer master"


async def test_a_credential_of_the_callers_own_is_not_replaced(open_house):
    async with open_house(app_authorization="Bearer master") as house:
        secret = await house.key()
        await house.ask((b"x-proxystore-key", secret.encode()), bearer("their-own"))

        assert house.proxy.headers["authorization"] == "Bearer their-own"


# -- what needs no key -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("HEAD", "/health", 200),
        ("GET", "/health/liveliness", 200),
        ("GET", "/ping", 200),
        ("HEAD", "/", 200),
        ("GET", "/", 401),
        ("POST", "/health", 401),
        ("GET", "/healthcheck", 401),
        ("GET", "/health/../v1/models", 401),
        ("GET", "/health/..\\v1/models", 401),
        ("GET", "/v1/models", 401),
        ("OPTIONS", "/v1/chat/completions", 401),
        ("DELETE", "/health", 401),
    ],
)
async def test_public_paths_need_no_key(open_house, method, path, status):
    async with open_house() as house:
        await house.key()

        assert (await house.ask(method=method, path=path, body=b"")).status == status


async def test_public_paths_can_be_chosen(open_house):
    async with open_house(public_paths=("/docs*",)) as house:
        await house.key()

        assert (await house.ask(method="GET", path="/docs/oauth", body=b"")).status == 200
        assert (await house.ask(method="GET", path="/health", body=b"")).status == 401


async def test_a_browsers_question_whether_it_may_ask_needs_no_key(open_house):
    asking = (b"origin", b"https://chat.example"), (b"access-control-request-method", b"POST")
    async with open_house() as house:
        await house.key()

        assert (await house.ask(*asking, method="OPTIONS", body=b"")).status == 200
        assert (await house.ask(asking[0], method="OPTIONS", body=b"")).status == 401


async def test_a_key_is_taken_out_of_a_public_request_too(open_house):
    async with open_house() as house:
        secret = await house.key()
        await house.ask(bearer(secret), method="GET", path="/health", body=b"")

        assert "authorization" not in house.proxy.headers


async def test_our_own_paths_need_no_key(open_house):
    async with open_house() as house:
        await house.key()

        assert (await house.ask(method="GET", path="/_proxystore/ready", body=b"")).status == 200


# -- other modes -----------------------------------------------------------------------------------------------------


async def test_off_lets_everybody_in_unseen(open_house):
    async with open_house(auth="off") as house:
        secret = await house.key()
        sent = await house.ask(bearer(secret))

        assert sent.status == 200
        assert house.watcher.principals == [None]
        assert house.proxy.headers["authorization"] == f"Bearer {secret}"


async def test_observe_lets_strangers_in_and_knows_them_by_a_digest(open_house):
    async with open_house(auth="observe") as house:
        await house.ask(bearer(_FOREIGN))
        await house.ask((b"x-api-key", _FOREIGN.encode()))
        await house.ask()
        await house.ask(bearer(credentials.new_secret()))

        first, second, nobody, unknown = house.watcher.principals
        assert first == second == Principal(key_id=house.store.keyring.fingerprint(_FOREIGN.encode()))
        assert nobody is None
        assert unknown.key_id.startswith("seen_")
        assert _FOREIGN not in repr(house.watcher.principals)
        assert dict(house.proxy.seen[0]["headers"])[b"authorization"] == b"Bearer " + _FOREIGN.encode()


async def test_observe_honours_our_keys(open_house):
    async with open_house(auth="observe") as house:
        good = await house.key(name="good", models=["gpt-4o-mini"])
        revoked = await house.key(is_active=False)

        assert code_of(await house.ask(bearer(good))) == (403, "model_not_allowed")
        assert code_of(await house.ask(bearer(revoked))) == (401, "key_inactive")


async def test_others_may_know_the_caller_first(open_house):
    class Doorman:
        @hookimpl
        def on_auth(self) -> Principal:
            return Principal(name="a friend", models=frozenset({"gpt-4o"}))

    async with open_house(None, Doorman) as house:
        assert (await house.ask()).status == 200
        other = json.dumps({"model": "gpt-5", "messages": []}).encode()
        assert code_of(await house.ask(body=other)) == (403, "model_not_allowed")


async def test_a_database_that_cannot_be_asked_is_told(open_house, monkeypatch, caplog):
    async with open_house() as house:
        secret = await house.key()
        await house.ask(bearer(secret))

        async def away(*_, **__):
            raise StoreUnavailable

        monkeypatch.setattr("proxystore.keyring.asking.find", away)
        unknown = await house.ask(bearer(credentials.new_secret()))

        assert code_of(unknown) == (503, "store_unavailable")
        assert unknown.headers[b"retry-after"] == b"1"
        assert (await house.ask(bearer(secret))).status == 200
        assert (await house.ask(method="GET", path="/health", body=b"")).status == 200
    assert "Traceback" not in caplog.text


# -- models ----------------------------------------------------------------------------------------------------------


def _asking(model: object) -> bytes:
    return json.dumps({"model": model, "messages": []}).encode()


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("/v1/chat/completions", _asking("gpt-4o"), None),
        ("/v1/chat/completions", _asking("gpt-5"), (403, "model_not_allowed")),
        ("/v1/chat/completions", b'{"messages": []}', (400, "unreadable_request")),
        ("/v1/chat/completions", b"not json", (400, "unreadable_request")),
        ("/v1/unheard-of", _asking("gpt-4o"), None),
        ("/v1/unheard-of", _asking("gpt-5"), (403, "model_not_allowed")),
        ("/v1/unheard-of", _asking(7), (400, "unreadable_request")),
        ("/v1/unheard-of", b"", (400, "unreadable_request")),
        ("/v1/unheard-of", b"[]", (400, "unreadable_request")),
    ],
)
async def test_a_key_may_use_its_models_alone(open_house, path, body, refusal):
    async with open_house() as house:
        secret = await house.key(models=["gpt-4o"])
        sent = await house.ask(bearer(secret), path=path, body=body)

        assert sent.status == 200 if refusal is None else code_of(sent) == refusal


async def test_a_key_with_a_budget_has_to_tell_its_model(open_house):
    async with open_house() as house:
        secret = await house.key(monthly_budget_nanousd=10**9)
        rated = await house.key(requests_per_minute=5)

        assert code_of(await house.ask(bearer(secret), body=b"{}")) == (400, "unreadable_request")
        assert (await house.ask(bearer(secret))).status == 200
        assert (await house.ask(bearer(rated), body=b"{}")).status == 200


_LISTS = [
    (
        "/v1/models",
        {"object": "list", "data": [{"id": "gpt-4o"}, {"id": "gpt-5"}]},
        {"object": "list", "data": [{"id": "gpt-4o"}]},
    ),
    (
        "/openai/v1/models/",
        {
            "data": [{"type": "model", "id": "gpt-5"}, {"type": "model", "id": "gpt-4o"}],
            "first_id": "gpt-5",
            "last_id": "gpt-4o",
        },
        {"data": [{"type": "model", "id": "gpt-4o"}], "first_id": "gpt-4o", "last_id": "gpt-4o"},
    ),
    (
        "/v1/models",
        {"data": [{"id": "gpt-5"}], "first_id": "gpt-5", "last_id": "gpt-5"},
        {"data": [], "first_id": None, "last_id": None},
    ),
    (
        "/v1beta/models",
        {"models": [{"name": "models/gpt-4o"}, {"name": "models/gemini"}]},
        {"models": [{"name": "models/gpt-4o"}]},
    ),
    (
        "/model/info",
        {"data": [{"model_name": "gpt-4o", "id": "7"}, {"model_name": "x"}, {}]},
        {"data": [{"model_name": "gpt-4o", "id": "7"}]},
    ),
    ("/models", [{"id": "gpt-4o"}, {"id": "x"}, "gpt-4o", 7], [{"id": "gpt-4o"}, "gpt-4o"]),
    ("/v1/models", {"error": {"message": "no"}}, {"error": {"message": "no"}}),
    ("/v1/other", {"data": [{"id": "gpt-5"}]}, {"data": [{"id": "gpt-5"}]}),
]


@pytest.mark.parametrize(("path", "listed", "left"), _LISTS)
async def test_lists_of_models_are_narrowed_to_what_the_key_may_use(open_house, path, listed, left):
    async with open_house(Proxy(json.dumps(listed).encode())) as house:
        secret, free = await house.key(models=["gpt-4o"]), await house.key()
        sent = await house.ask(bearer(secret), method="GET", path=path, body=b"")
        whole = await house.ask(bearer(free), method="GET", path=path, body=b"")

        assert json.loads(sent.body) == left
        assert sent.headers[b"content-length"] == b"%d" % len(sent.body)
        assert json.loads(whole.body) == listed


async def test_a_list_that_is_none_passes_as_it_is(open_house):
    async with open_house(Proxy(b"\xff<html>")) as house:
        secret = await house.key(models=["gpt-4o"])
        sent = await house.ask(bearer(secret), method="GET", path="/v1/models", body=b"")

        assert sent.body == b"\xff<html>"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/models/gpt-4o", 200), ("/v1/models/gpt-5", 403), ("/v1beta/models/gpt-5", 403), ("/v1/files", 200)],
)
async def test_one_model_is_told_of_to_who_may_use_it(open_house, path, status):
    async with open_house() as house:
        secret = await house.key(models=["gpt-4o"])

        assert (await house.ask(bearer(secret), method="GET", path=path, body=b"")).status == status


# -- WebSockets ------------------------------------------------------------------------------------------------------


async def _knock(house: House, path: str, *headers: Header, can_refuse: bool = True, subprotocols=()) -> Sent:
    scope = websocket_scope(path, headers=headers, can_refuse=can_refuse)
    offered = [(b"sec-websocket-protocol", ", ".join(subprotocols).encode())] if subprotocols else []
    scope |= {"subprotocols": list(subprotocols), "headers": [*scope["headers"], *offered]}
    return await exchange_messages(house.app, scope, [CONNECT, LEFT])


async def test_a_websocket_needs_a_key(open_house):
    async with open_house() as house:
        secret = await house.key()
        refused = await _knock(house, "/ws")
        closed = await _knock(house, "/ws", can_refuse=False)
        accepted = await _knock(house, "/ws", bearer(secret))

        assert code_of(refused) == (401, "missing_api_key")
        assert refused.headers[b"www-authenticate"] == b"Bearer"
        assert [(each["type"], each["code"]) for each in closed] == [("websocket.close", 1008)]
        assert accepted[0]["type"] == "websocket.accept"
        assert "authorization" not in house.proxy.headers


@pytest.mark.parametrize("around", ["openai-insecure-api-key.{}", "{}"])
async def test_a_key_is_found_among_subprotocols_and_taken_out_there(open_house, around):
    async with open_house() as house:
        secret = await house.key()
        sent = await _knock(house, "/v1/realtime", subprotocols=["realtime", around.format(secret), "beta"])
        alone = await _knock(house, "/v1/realtime", subprotocols=[around.format(secret)])

        assert sent[0]["type"] == alone[0]["type"] == "websocket.accept"
        first, second = house.proxy.seen
        assert first["subprotocols"] == ["realtime", "beta"]
        assert dict(first["headers"])[b"sec-websocket-protocol"] == b"realtime, beta"
        assert second["subprotocols"] == []
        assert b"sec-websocket-protocol" not in dict(second["headers"])


@pytest.mark.parametrize("values", [{"requests_per_minute": 5}, {"models": ["gpt-4o"]}, {"monthly_budget_nanousd": 5}])
async def test_what_cannot_be_counted_is_refused_to_limited_keys(open_house, values):
    async with open_house() as house:
        secret = await house.key(**values)
        sent = await _knock(house, "/v1/realtime", bearer(secret))
        elsewhere = await _knock(house, "/ws", bearer(secret))

        assert code_of(sent) == (426, "websocket_unmetered")
        assert elsewhere[0]["type"] == "websocket.accept"


async def test_each_request_over_a_websocket_is_held_to_the_keys_models(open_house):
    asked = [
        {"type": "websocket.receive", "text": json.dumps({"type": "response.create", "model": model, "input": "hi"})}
        for model in ("gpt-4o", "gpt-5")
    ]
    async with open_house(Listening()) as house:
        secret = await house.key(models=["gpt-4o"], requests_per_minute=5)
        scope = websocket_scope("/v1/responses", headers=[bearer(secret)])
        sent = await exchange_messages(house.app, scope, [CONNECT, *asked, LEFT])

        accepted, refused = sent
        assert accepted["type"] == "websocket.accept"
        assert json.loads(refused["text"])["code"] == "model_not_allowed"
        assert [json.loads(message["text"])["model"] for message in house.proxy.heard] == ["gpt-4o"]


async def test_what_cannot_be_counted_can_be_allowed(open_house):
    async with open_house(websocket_unmetered="allow") as house:
        secret = await house.key(requests_per_minute=5)
        sent = await _knock(house, "/v1/realtime", bearer(secret))

        assert sent[0]["type"] == "websocket.accept"


async def test_a_closed_project_is_told_over_a_websocket(open_house):
    async with open_house() as house:
        project = await add_project(house.store.database, is_active=False)
        sent = await _knock(house, "/ws", bearer(await house.key(project_id=project)))

        assert code_of(sent) == (403, "project_inactive")


async def test_the_caller_is_known_by_the_keys_id(open_house):
    async with open_house() as house:
        shown, identity = await add_key(house.store.database, house.store.digester)
        await house.ask(bearer(shown.decode()))

        (who,) = house.watcher.principals
        assert who.key_id == ids.shown("key", identity)


_UNKNOWN = [
    ("POST", "/v1/chat/completions", (200, 200, 200)),
    ("POST", "/api/chat", (200, 200, 200)),
    ("POST", "/v1/unheard-of", (200, 403, 403)),
    ("DELETE", "/api/delete", (200, 403, 403)),
    ("GET", "/v1/batches", (200, 200, 403)),
    ("GET", "/v1/models", (200, 200, 200)),
    ("GET", "/v1/models/gpt-4o", (200, 200, 200)),
    ("GET", "/v1/models/../../key/list", (200, 200, 403)),
    ("GET", "/api/tags", (200, 200, 200)),
    ("GET", "/health", (200, 200, 200)),
]


@pytest.mark.parametrize(("number", "policy"), [(0, "allow"), (1, "read"), (2, "refuse")])
async def test_what_no_format_knows_can_be_closed_to_keys(open_house, number, policy):
    async with open_house(unknown_paths=policy) as house:
        secret = await house.key()
        for method, path, statuses in _UNKNOWN:
            for place in (bearer(secret), (b"x-api-key", secret.encode())):
                sent = await house.ask(place, method=method, path=path)
                assert sent.status == statuses[number], path
                assert sent.status == 200 or code_of(sent)[1] == "path_not_allowed"
        knocked = await _knock(house, "/ws", bearer(secret))
        spoken = await _knock(house, "/v1/responses", bearer(secret))

        assert (knocked[0]["type"] == "websocket.accept") == (policy == "allow")
        assert spoken[0]["type"] == "websocket.accept"
        assert (await house.ask(method="GET", path="/health")).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/create"),
        ("POST", "/api/copy"),
        ("DELETE", "/api/delete"),
        ("POST", "/ollama/API//pull/"),
        ("POST", "/api/x/../push"),
        ("POST", "/api/blobs/sha256:29fd"),
        ("POST", "/v1/load_lora_adapter"),
        ("POST", "/models/unload"),
        ("POST", "/model/new"),
    ],
)
async def test_which_models_there_are_is_no_matter_of_who_is_held_to_some(open_house, method, path):
    asked = json.dumps({"model": "gpt-4o", "from": "gpt-5", "stream": False}).encode()
    async with open_house() as house:
        held = await house.key(models=["gpt-4o"])
        pays = await house.key(monthly_budget_nanousd=10**12)
        free = await house.key(requests_per_minute=50)
        for secret in (held, pays):
            assert code_of(await house.ask(bearer(secret), method=method, path=path, body=asked)) == (
                403,
                "path_not_allowed",
            )

        assert (await house.ask(bearer(free), method=method, path=path, body=asked)).status == 200
