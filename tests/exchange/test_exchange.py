from __future__ import annotations

import time
from ipaddress import ip_network

import pytest

from proxystore.exchange import Exchange, Request
from proxystore.exchange.client_ip import client_ip
from proxystore.exchange.multipart import FieldSeeker, boundary_of
from proxystore.testing.asgi import http_scope
from proxystore.wire import Route, Unknown


async def _never():
    raise AssertionError


def _request(**scope: object) -> Request:
    return Request(http_scope(**scope), _never, "/", Route.of(Unknown(), "/"), limit=100)


def test_ids_are_version_7_of_the_start_and_all_different():
    exchanges = [Exchange(_request()) for _ in range(1000)]
    ids = {exchange.id for exchange in exchanges}

    assert len(ids) == 1000
    assert {(each.version, each.variant) for each in ids} == {(7, "specified in RFC 4122")}
    assert exchanges[0].id.int >> 80 == exchanges[0].started_ns // 1_000_000
    assert exchanges[0].id == exchanges[0].id


def test_time_goes_forward_when_the_clock_is_set_back(monkeypatch):
    exchange = Exchange(_request())
    monkeypatch.setattr(time, "time_ns", lambda: 0)

    assert exchange.now_ns() >= exchange.started_ns


def test_the_last_of_several_headers_counts():
    request = _request(headers=[(b"x", b"1"), (b"x", b"2")])

    assert (request.header(b"x"), request.header(b"y")) == (b"2", None)


@pytest.mark.parametrize(
    ("query", "left"),
    [(b"key=1", b""), (b"a=1&key=2&b=3&key=4", b"a=1&b=3"), (b"k%65y=1&a=%20", b"a=%20"), (b"monkey=1", b"monkey=1")],
)
def test_a_query_parameter_goes_and_the_rest_keeps_every_byte(query, left):
    request = _request(query=query)
    request.remove_query(b"key")

    assert request.scope["query_string"] == left


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", b"198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", b"198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", b"6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", b"198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", b"garbage", "10.0.0.1"),
        ("10.0.0.1", b"2001:db8::1", "2001:db8::1"),
    ],
)
def test_forwarded_addresses_are_believed_from_trusted_proxies_only(peer, forwarded, expected):
    scope = {**http_scope(), "client": (peer, 1)}

    assert client_ip(scope, forwarded, (ip_network("10.0.0.0/8"),)) == expected


def test_a_peer_without_address_is_nobody():
    assert client_ip({**http_scope(), "client": None}, None, ()) is None


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        (b"multipart/form-data; boundary=abc", b"abc"),
        (b'Multipart/Form-Data; charset=utf-8; boundary="a b"', b"a b"),
        (b"multipart/form-data", None),
        (b"application/json; boundary=abc", None),
    ],
)
def test_the_boundary_of_a_form_is_read(content_type, boundary):
    assert boundary_of(content_type) == boundary


_FORM = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="model"\r\n\r\n--y\r\nname=model\r\n'
    b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--x--\r\n'
)


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_field_is_found_however_the_form_arrives(step):
    seeker, held = FieldSeeker(b"x", b"model"), bytearray()
    for begin in range(0, len(_FORM), step):
        held += _FORM[begin : begin + step]
        seeker(held)

    assert seeker.value == b"whisper-1"
