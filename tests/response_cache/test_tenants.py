"""Nobody gets an answer that was given to somebody else."""

from __future__ import annotations

import json
import string
from copy import deepcopy

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxystore import Denial, hookimpl
from proxystore.exchange import Exchange, Request
from proxystore.testing.asgi import http_scope
from proxystore.values import Principal
from proxystore.wire import BUILT_IN, Formats
from proxystore_cache.keys import Telling, canonical, key_of, tenant_of
from tests.response_cache.world import CHAT, ask, said, wrapped

_names = st.text(string.ascii_lowercase + "-", min_size=1, max_size=8).filter(
    lambda name: not name.startswith(("cf-", "via", "te", "date", "dnt"))
)
_values = st.text(string.printable.strip(), max_size=8)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_ids = st.none() | st.text(max_size=6)
_asked = st.fixed_dictionaries(
    {
        "who": st.none() | st.builds(Principal, key_id=_ids, project_id=_ids, name=st.text(max_size=3)),
        "method": st.sampled_from(["POST", "PUT"]),
        "root_path": st.sampled_from(["", "/a"]),
        "path": st.sampled_from(["/v1/chat/completions", "/v1/embeddings", "/a/v1/chat/completions"]),
        "query": st.binary(max_size=6),
        "headers": st.lists(st.tuples(_names, _values), max_size=3),
        "body": st.dictionaries(st.text(), _json, max_size=3),
    }
)
_scopes = st.sampled_from(["key", "project"])


def _key(asked, scope) -> bytes:
    made = http_scope(
        asked["path"],
        method=asked["method"],
        query=asked["query"],
        root_path=asked["root_path"],
        headers=[(name.encode(), value.encode()) for name, value in asked["headers"]],
    )
    request = Request(made, None, asked["path"], Formats(BUILT_IN).route("POST", asked["path"]), limit=1)
    _, body = canonical(json.dumps(asked["body"]).encode())
    return key_of(Exchange(request), tenant_of(asked["who"], scope), body, Telling())


def _identity(asked, scope) -> object:
    """Return what two requests must have in common to share an answer."""
    headers = sorted((name, value) for name, value in asked["headers"])
    rest = [asked["method"], asked["root_path"], asked["path"], asked["query"].hex(), headers]
    return tenant_of(asked["who"], scope), rest, msgspec.json.encode(asked["body"], order="sorted")


@settings(max_examples=150, deadline=None)
@given(one=_asked, two=_asked, scope=_scopes, data=st.data())
def test_two_requests_share_a_key_only_if_every_field_is_the_same(one, two, scope, data):
    # Two that differ in one field alone, whichever it is, and two that differ in any.
    near = deepcopy(one)
    field = data.draw(st.sampled_from(sorted(one)))
    near[field] = two[field]
    for other in (near, two):
        assert (_key(one, scope) == _key(other, scope)) == (_identity(one, scope) == _identity(other, scope))


@settings(max_examples=100, deadline=None)
@given(one=st.builds(Principal, key_id=_ids, project_id=_ids), two=st.builds(Principal, key_id=_ids, project_id=_ids))
def test_tenants_are_one_only_if_they_are(one, two):
    assert tenant_of(one, "key") != tenant_of(None, "key")
    assert tenant_of(one, "shared") == tenant_of(two, "shared")
    if tenant_of(one, "project") == tenant_of(two, "project"):
        is_one_project = one.project_id is not None and one.project_id == two.project_id
        is_one_key = one.project_id is two.project_id is None and one.key_id == two.key_id
        assert is_one_project or is_one_key


@settings(max_examples=200, deadline=None)
@given(body=st.dictionaries(st.text(), _json, max_size=4), member=st.text(), values=st.tuples(_json, _json))
def test_a_member_given_twice_is_always_seen(body, member, values):
    pairs = [*body.items(), (member, values[0]), (member, values[1])]
    for is_ascii in (True, False):
        text = ",".join(
            f"{json.dumps(name, ensure_ascii=is_ascii)}:{json.dumps(value, ensure_ascii=is_ascii)}"
            for name, value in pairs
        )
        try:
            data = f"{{{text}}}".encode()
        except UnicodeEncodeError:
            continue
        assert canonical(data) is None


@settings(max_examples=200, deadline=None)
@given(
    body=st.dictionaries(st.text(st.characters(codec="utf-8")), _json, max_size=4), indent=st.sampled_from([None, 2])
)
def test_every_way_to_write_an_object_has_one_form(body, indent):
    try:
        msgspec.json.encode(body)
    except UnicodeEncodeError:
        return
    forms = {
        canonical(json.dumps(written, indent=indent, ensure_ascii=is_ascii).encode())[1]
        for written in (body, dict(reversed(body.items())))
        for is_ascii in (True, False)
    }
    assert len(forms) == 1


@pytest.mark.parametrize(
    ("scope", "sharing"),
    [
        ("key", [{"a@x"}, {"b@x"}, {"a@y"}, {"c"}, {"d"}, {None}]),
        ("project", [{"a@x", "b@x"}, {"a@y"}, {"c"}, {"d"}, {None}]),
        ("shared", [{"a@x", "b@x", "a@y", "c", "d", None}]),
    ],
)
async def test_answers_are_shared_within_the_scope_alone(plain, proxy, scope, sharing):
    everybody = [who for group in sharing for who in sorted(group, key=str)]
    if scope == "key":
        sharing = [{"a@x", "a@y"} if group == {"a@x"} else group for group in sharing if group != {"a@y"}]
    async with wrapped(plain, proxy, scope=scope) as (_, app):
        answers = {who: (await ask(app, who=who)).body for who in everybody}

    for one in everybody:
        for two in everybody:
            is_shared = any({one, two} <= group for group in sharing)
            assert (answers[one] == answers[two]) == is_shared, (one, two)


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", b"Bearer two"),
        (b"x-api-key", b"two"),
        (b"cookie", b"session=two"),
        (b"anthropic-version", b"2023-06-01"),
        (b"openai-beta", b"assistants=v2"),
        (b"accept", b"text/event-stream"),
        (b"accept-language", b"de"),
        (b"x-whatever", b"1"),
        (b"origin", b"https://elsewhere"),
        (b"x-forwarded-user", b"two"),
        (b"x-forwarded-access-token", b"two"),
        (b"x-forwarded-client-cert", b"two"),
        (b"x-forwarded-host", b"two"),
        (b"cf-access-jwt-assertion", b"two"),
        (b"cf-access-client-secret", b"two"),
    ],
)
async def test_header_that_may_change_the_answer_keeps_apart(plain, proxy, header):
    async with wrapped(plain, proxy) as (_, app):
        await ask(app)
        sent = await ask(app, CHAT, header)
        assert said(sent) == "MISS"
        assert said(await ask(app)) == "HIT"
        assert said(await ask(app, CHAT, header)) == "HIT"


async def test_header_that_changes_nothing_does_not(plain, proxy):
    async with wrapped(plain, proxy, ignore_headers=("X-Mine",)) as (_, app):
        await ask(app)
        headers = ((b"user-agent", b"x"), (b"x-stainless-retry-count", b"1"), (b"traceparent", b"1"), (b"x-mine", b"1"))
        headers += ((b"x-forwarded-for", b"192.0.2.1"), (b"x-forwarded-proto", b"https"), (b"cf-ray", b"1"))
        assert said(await ask(app, CHAT, *headers)) == "HIT"


@pytest.mark.parametrize("how", [{"query": b"api-version=1"}, {"root_path": "/a"}, {"path": "/a/v1/chat/completions"}])
async def test_where_it_is_asked_keeps_apart(plain, proxy, how):
    async with wrapped(plain, proxy) as (_, app):
        await ask(app)
        assert said(await ask(app, **how)) == "MISS"


async def test_refused_model_never_touches_the_cache(plain, proxy):
    class Keys:
        name = "keys"

        @hookimpl(tryfirst=True)
        def on_request(self, exchange):
            if exchange.principal is not None and exchange.principal.key_id == "b":
                return Denial(status=403, code="model_not_allowed", message="No.")
            return None

    async with wrapped(plain, proxy, Keys) as (_, app):
        await ask(app, who="a@x")
        refused = await ask(app, who="b@x")
        assert refused.status == 403
        assert said(refused) is None
