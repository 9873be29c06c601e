"""What goes on and what ends at the proxy, seen on the wire."""

from __future__ import annotations

import gzip

import httpx
import pytest

from tests.forwarding.world import OK, Answering, ask, forwarding, say, upstream


def _fields(answer: bytes) -> list[bytes]:
    return answer.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]


def _body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("base", "target", "arrives"),
    [
        ("", b"/", b"/"),
        ("", b"/v1/chat/completions?a=1&a=2&b", b"/v1/chat/completions?a=1&a=2&b"),
        ("", b"/a%2Fb/%41%e4%zz/../x;y=1", b"/a%2Fb/%41%e4%zz/../x;y=1"),
        ("", b"//elsewhere.example/x", b"//elsewhere.example/x"),
        ("", b"/@elsewhere.example:80", b"/@elsewhere.example:80"),
        ("", b"/?q=%20+%2B&x=http://h/?y=/../", b"/?q=%20+%2B&x=http://h/?y=/../"),
        ("", b"/a?b?c", b"/a?b?c"),
        ("/base/", b"/v1/models", b"/base/v1/models"),
        ("/a%20b", b"/", b"/a%20b/"),
    ],
)
async def test_path_and_query_arrive_as_they_were_written(base, target, arrives):
    answering = Answering()
    async with upstream(answering) as there, forwarding(there + base) as url:
        assert _body(await ask(url, target)) == b"OK"

    assert answering.lines[0] == b"GET " + arrives + b" HTTP/1.1"


@pytest.mark.parametrize("target", [b"/../secret", b"/x/%2e%2E/%2e./secret", b"/x/..%2fsecret", b"/..%5csecret"])
async def test_no_path_leads_out_of_what_is_forwarded_to(target):
    answering = Answering()
    async with upstream(answering) as there, forwarding(f"{there}/base") as url:
        answer = await ask(url, target)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert not answering.heads


async def test_another_host_in_the_request_leads_nowhere_else():
    answering = Answering()
    async with upstream(answering) as there, forwarding(there) as url:
        await say(
            url, b"GET http://elsewhere.example/x HTTP/1.1\r\nhost: elsewhere.example\r\nconnection: close\r\n\r\n"
        )

    assert answering.lines[0] == b"GET /x HTTP/1.1"
    assert answering.values(b"host") == [there.removeprefix("http://").encode()]


@pytest.mark.parametrize("method", [b"GET", b"DELETE", b"OPTIONS", b"PATCH", b"PUT", b"PROPFIND"])
async def test_every_method_goes_on(method):
    answering = Answering()
    async with upstream(answering) as there, forwarding(there) as url:
        await ask(url, method=method)

    assert answering.lines[0].split()[0] == method


async def test_nothing_is_added_but_where_the_request_came_from():
    answering = Answering()
    async with upstream(answering) as there, forwarding(there) as url:
        await ask(url, fields=b"x-mine: 1\r\n")

    assert sorted(answering.lines[1:]) == [
        f"Host: {there.removeprefix('http://')}".encode(),
        b"x-forwarded-for: 127.0.0.1",
        b"x-forwarded-host: proxy",
        b"x-forwarded-proto: http",
        b"x-mine: 1",
    ]


async def test_repeated_fields_stay_apart_both_ways():
    answering = Answering(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 0\r\n\r\n")
    async with upstream(answering) as there, forwarding(there) as url:
        answer = await ask(url, fields=b"x-many: 1\r\nx-other: -\r\nX-Many: 2\r\n")

    assert answering.values(b"x-many") == [b"1", b"2"]
    assert [line for line in _fields(answer) if line.startswith(b"set-cookie")] == [
        b"set-cookie: a=1",
        b"set-cookie: b=2",
    ]


async def test_what_is_about_one_hop_ends_here_both_ways():
    hop = (
        b"keep-alive: timeout=5\r\nproxy-connection: x\r\nte: trailers\r\ntrailer: x-sum\r\n"
        b"proxy-authenticate: x\r\nproxy-authorization: x\r\nx-hop: 1\r\nx-end: 1\r\n"
    )
    answering = Answering(
        b"HTTP/1.1 200 OK\r\nconnection: x-hop\r\nConnection: keep-alive, X-Other\r\n"
        + hop
        + b"content-length: 0\r\n\r\n"
    )
    async with upstream(answering) as there, forwarding(there) as url:
        answer = await ask(url, fields=b"connection: X-Hop\r\n" + hop)

    assert [line for line in answering.lines[1:] if not line.startswith((b"x-forwarded", b"Host"))] == [b"x-end: 1"]
    assert _fields(answer) == [b"x-end: 1", b"content-length: 0", b"connection: close"]


@pytest.mark.parametrize(
    ("trusted", "fields", "arrive"),
    [
        ("", b"x-forwarded-for: 192.0.2.1\r\n", (b"192.0.2.1, 127.0.0.1", b"proxy", b"http")),
        ("", b"x-forwarded-for: 192.0.2.1, 192.0.2.2\r\nx-forwarded-for: 192.0.2.3\r\n",
         (b"192.0.2.1, 192.0.2.2, 192.0.2.3, 127.0.0.1", b"proxy", b"http")),
        ("", b"x-forwarded-host: theirs\r\nx-forwarded-proto: https\r\n", (b"127.0.0.1", b"proxy", b"http")),
        ("127.0.0.0/8", b"x-forwarded-host: theirs\r\nx-forwarded-proto: https\r\n",
         (b"127.0.0.1", b"theirs", b"https")),
        ("192.0.2.0/24", b"x-forwarded-proto: https\r\n", (b"127.0.0.1", b"proxy", b"http")),
    ],
)  # fmt: skip
async def test_the_upstream_is_told_where_a_request_came_from(trusted, fields, arrive):
    answering = Answering()
    async with upstream(answering) as there, forwarding(there, trusted=trusted) as url:
        await ask(url, fields=fields)

    names = (b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto")
    assert tuple(value for name in names for value in answering.values(name)) == arrive


async def test_name_and_password_of_the_url_go_into_the_header():
    answering = Answering()
    async with upstream(answering) as there, forwarding(there.replace("//", "//me:p%40ss@")) as url:
        await ask(url, fields=b"authorization: Bearer theirs\r\n")

    assert answering.values(b"authorization") == [b"Basic bWU6cEBzcw=="]


async def test_bytes_beyond_ascii_arrive_as_they_are():
    answering = Answering("HTTP/1.1 200 OK\r\nx-name: Zoë\r\ncontent-length: 0\r\n\r\n".encode())
    async with upstream(answering) as there, forwarding(there) as url:
        answer = await ask(url, fields="x-name: Zoë\r\n".encode())

    assert answering.values(b"x-name") == ["Zoë".encode()]
    assert "x-name: Zoë".encode() in _fields(answer)


@pytest.mark.parametrize("http", ["h11", "httptools"])
@pytest.mark.parametrize("value", [b"Zo\xeb", b"\xed\xa0\x80", b"a\x01b", b"a\x7fb"])
async def test_what_cannot_be_passed_on_as_it_is_is_refused(http, value):
    answering = Answering()
    async with upstream(answering) as there, forwarding(there, http=http) as url:
        answer = await ask(url, fields=b"x-a: " + value + b"\r\n")

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert (http, value[0]) == ("httptools", b"a"[0]) or b"The value of x-a cannot be passed on" in answer
    assert not answering.heads


async def test_no_tunnel_is_opened():
    answering = Answering()
    async with upstream(answering) as there, forwarding(there, http="h11") as url:  # httptools gives 400 by itself
        answer = await ask(url, b"elsewhere.example:443", method=b"CONNECT")

    assert answer.startswith(b"HTTP/1.1 501 ")
    assert b'"not_implemented"' in answer
    assert not answering.heads


@pytest.mark.parametrize(
    ("method", "answer", "fields"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 70\r\n\r\n", [b"content-length: 70"]),
        (b"GET", b"HTTP/1.1 204 No Content\r\nx-a: 1\r\n\r\n", [b"x-a: 1"]),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\netag: x\r\ncontent-length: 70\r\n\r\n", [b"etag: x"]),
        (b"GET", b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", []),
        (b"GET", b"HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n",
         [b"location: /x", b"content-length: 0"]),
    ],
)  # fmt: skip
async def test_answers_without_a_body_have_none(method, answer, fields):
    answering = Answering(answer)
    async with upstream(answering) as there, forwarding(there) as url:
        told = await ask(url, method=method)

    assert told.split(b" ", 2)[1] == [line.split(b" ")[1] for line in answer.split(b"\r\n") if b"HTTP/" in line][-1]
    assert (_fields(told), _body(told)) == ([*fields, b"connection: close"], b"")
    assert len(answering.heads) == 1


@pytest.mark.parametrize(
    ("answer", "fields", "body"),
    [
        (b"content-length: 2\r\n\r\nOK", b"content-length: 2", b"OK"),
        (b"transfer-encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n",
         b"transfer-encoding: chunked", b"2\r\nOK\r\n0\r\n\r\n"),
        (b"transfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n2\r\nOK\r\n0\r\nx-sum: 1\r\n\r\n",
         b"transfer-encoding: chunked", b"2\r\nOK\r\n0\r\n\r\n"),
    ],
)  # fmt: skip
async def test_a_length_stays_a_length_and_chunks_stay_chunks(answer, fields, body):
    async with upstream(Answering(b"HTTP/1.1 200 OK\r\n" + answer)) as there, forwarding(there) as url:
        told = await ask(url)

    assert (sorted(_fields(told)), _body(told)) == (sorted([fields, b"connection: close"]), body)


async def test_an_encoded_body_is_left_alone():
    body = gzip.compress(b"secret " * 100)
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
    answering = Answering(head + body)
    async with upstream(answering) as there, forwarding(there) as url:
        answer = await ask(url, fields=b"accept-encoding: gzip\r\n")

    assert _body(answer) == body
    assert answering.values(b"accept-encoding") == [b"gzip"]


async def test_who_waits_for_100_is_answered_here():
    answering = Answering()
    async with upstream(answering) as there, forwarding(there) as url:
        answer = await ask(url, fields=b"expect: 100-continue\r\n")

    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert not answering.values(b"expect")


async def test_no_cookie_is_kept_for_the_next():
    answering = Answering(b"HTTP/1.1 200 OK\r\nset-cookie: a=1; path=/\r\ncontent-length: 0\r\n\r\n")
    async with (
        upstream(answering) as there,
        forwarding(there) as url,
        httpx.AsyncClient(base_url=url) as one,
        httpx.AsyncClient(base_url=url) as two,
    ):
        await one.get("/")
        await two.get("/")

    assert [b"cookie" in head for head in answering.heads] == [False, False]


async def test_long_fields_pass():
    value = b"x" * 20_000
    answering = Answering(b"HTTP/1.1 200 OK\r\nx-long: " + value + b"\r\ncontent-length: 0\r\n\r\n")
    async with upstream(answering) as there, forwarding(there) as url:
        assert b"x-long: " + value in _fields(await ask(url))


@pytest.mark.parametrize(("method", "body", "times"), [("PUT", b"hello", 1), ("POST", b"hello", 1), ("GET", None, 2)])
async def test_no_body_is_sent_twice(method, body, times):
    """A connection that was kept may be closed when the next request arrives: what was sent may have been heard."""
    seen = []

    async def close_at_second(reader, writer):
        number = 0
        async for line in reader:
            if line.endswith(b" HTTP/1.1\r\n"):
                number += 1
                seen.append(line.split()[0].decode())
            if line == b"\r\n":
                if number == 2:
                    return
                writer.write(OK)

    async with upstream(close_at_second) as there, forwarding(there) as url, httpx.AsyncClient(base_url=url) as client:
        await client.get("/")
        answer = await client.request(method, "/", content=body)

    assert seen[1:] == [method] * times
    assert answer.status_code == (200 if times == 2 else 502)


async def test_connections_are_used_again():
    connections = 0
    answering = Answering()

    async def count(reader, writer):
        nonlocal connections
        connections += 1
        await answering(reader, writer)

    async with upstream(count) as there, forwarding(there) as url, httpx.AsyncClient(base_url=url) as client:
        for _ in range(3):
            await client.get("/")

    assert (connections, len(answering.heads)) == (1, 3)
