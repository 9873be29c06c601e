"""An upstream that is away, slow or broken, told in the words of the API that was called."""

from __future__ import annotations

import asyncio
import logging
import ssl

import httpx
import pytest

from proxystore import Denial, ProxyStoreMiddleware, Settings, Store, hookimpl
from proxystore.errors import SettingsError
from proxystore.forwarding import ReverseProxy, create_app
from proxystore.settings import ForwardSettings
from proxystore.wire import BUILT_IN
from tests.forwarding.world import LONGEST, Answering, forwarding, served, upstream

_CHAT = "/v1/chat/completions"
_CANARY = "cAnArY"


async def _ask(url: str, path: str = _CHAT, method: str = "POST") -> httpx.Response:
    async with httpx.AsyncClient(timeout=LONGEST, trust_env=False) as client:
        return await client.request(method, url + path)


async def _mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


@pytest.mark.parametrize(
    "there",
    [
        "http://127.0.0.1:1",
        "http://nowhere.invalid",
        "https://nowhere.invalid/base",
        f"http://me:{_CANARY}@127.0.0.1:1",
    ],
)
async def test_an_upstream_that_cannot_be_reached_gives_502(there, caplog):
    async with forwarding(there) as url:
        answer = await _ask(url, f"{_CHAT}?key={_CANARY}")

    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "upstream_unavailable"
    assert answer.json()["error"]["type"] == "server_error"
    (record,) = (record for record in caplog.records if record.name.startswith("proxystore"))
    assert record.levelno == logging.WARNING
    assert there.rpartition("@")[2].removeprefix("http") in record.getMessage()
    assert _CANARY not in record.getMessage() + answer.text


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 999 Nonsense\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nOK",
        b"HTTP/1.1 200 OK\r\nx-a: a\x01b\r\ncontent-length: 2\r\n\r\nOK",
    ],
)
@pytest.mark.parametrize("http", ["h11", "httptools"])
async def test_an_answer_that_is_none_gives_502(answer, http, caplog):
    async with upstream(Answering(answer)) as there, forwarding(there, http=http) as url:
        told = await _ask(url, f"{_CHAT}?key={_CANARY}")

    assert (told.status_code, told.json()["error"]["code"]) == (502, "upstream_unavailable")
    assert _CANARY not in caplog.text


async def test_an_upstream_that_hangs_up_gives_502():
    async with upstream(_hang_up) as there, forwarding(there) as url:
        assert (await _ask(url)).status_code == 502


async def test_a_certificate_that_nobody_vouches_for_gives_502(tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path))
    server = await asyncio.start_server(_mute, "127.0.0.1", 0, ssl=context)
    async with server, forwarding(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}") as url:
        assert (await _ask(url)).status_code == 502


def _certificate(folder):
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    begin = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + timedelta(days=9))
    certificate = builder.add_extension(here, critical=False).sign(key, hashes.SHA256())
    encoding = serialization.Encoding.PEM
    plain = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "upstream.pem"
    file.write_bytes(plain + certificate.public_bytes(encoding))
    return file


async def test_an_upstream_that_says_nothing_gives_504():
    async with upstream(_mute) as there, forwarding(there, read_timeout=0.05) as url:
        answer = await _ask(url)

    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "upstream_timeout")


async def test_who_gets_no_connection_in_time_is_given_504():
    is_asked = asyncio.Event()

    async def hold(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        is_asked.set()
        await reader.read()

    async with upstream(hold) as there, forwarding(there, max_connections=1, connect_timeout=0.05) as url:
        first = asyncio.create_task(_ask(url))
        await is_asked.wait()
        second = await _ask(url)
        first.cancel()
        await asyncio.wait([first])

    assert (second.status_code, second.json()["error"]["code"]) == (504, "upstream_timeout")


async def test_a_call_of_no_known_api_is_told_plainly_and_head_not_at_all():
    async with forwarding("http://127.0.0.1:1") as url:
        assert (await _ask(url, "/x", "GET")).json()["error"].keys() == {"code", "message"}
        assert (await _ask(url, "/x", "HEAD")).status_code == 502


@pytest.mark.parametrize(
    ("begun", "rest"),
    [
        (b"content-length: 100\r\n\r\nbegun", b""),
        (b"transfer-encoding: chunked\r\n\r\n5\r\nbegun\r\n", b""),
        (b"transfer-encoding: chunked\r\n\r\n5\r\nbegun\r\n", b"nonsense\r\n"),
    ],
)
async def test_an_answer_that_breaks_off_breaks_off_here_too(begun, rest, caplog):
    is_seen = asyncio.Event()

    async def break_off(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + begun)
        await is_seen.wait()
        writer.write(rest)

    async with (
        upstream(break_off) as there,
        forwarding(there) as url,
        httpx.AsyncClient() as client,
        client.stream("GET", url) as answer,
    ):
        pieces = answer.aiter_raw()
        assert await anext(pieces) == b"begun"
        is_seen.set()
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(pieces)

    (told,) = (record for record in caplog.records if record.name.startswith("proxystore"))
    assert f"{there}: The upstream broke off" in told.getMessage()


async def test_an_answer_that_falls_silent_breaks_off():
    async def fall_silent(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun")
        await reader.read()

    async with upstream(fall_silent) as there, forwarding(there, read_timeout=0.05) as url:
        with pytest.raises(httpx.RemoteProtocolError):
            await _ask(url)


class _Other:
    """A wire format that a plugin brings."""

    name = "other"
    methods = frozenset({"POST"})
    paths = ("/other",)

    def __getattr__(self, name: str) -> object:
        return getattr(BUILT_IN[0], name)

    def refuse(self, denial: Denial) -> bytes:
        return f'{{"otherwise": {denial.status}}}'.encode()


class _Brings:
    @hookimpl
    def register_wire_formats(self):
        return [_Other()]


async def test_failures_are_recorded_and_told_in_a_plugins_own_words(migrated_url, tmp_path):
    settings = Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data", auth="off")
    proxy = ReverseProxy(ForwardSettings(url="http://127.0.0.1:1"))
    async with served(ProxyStoreMiddleware(proxy, settings=settings, plugins=[_Brings])) as url:
        assert (await _ask(url, "/other")).json() == {"otherwise": 502}
        await _ask(url)

    async with Store(settings=settings) as store:
        assert await store.ledger.drain(10)
        events = await store.usage.list(limit=10)
    assert [(event.status, event.outcome) for event in events] == [(502, "failed")] * 2


async def test_a_broken_answer_is_recorded_as_failed(migrated_url, tmp_path):
    async def break_off(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
        await writer.drain()

    settings = Settings.load(environ={}, database_url=migrated_url, data_dir=tmp_path / "data", auth="off")
    async with upstream(break_off) as there:
        proxy = ReverseProxy(ForwardSettings(url=there))
        async with served(ProxyStoreMiddleware(proxy, settings=settings)) as url:
            with pytest.raises(httpx.RemoteProtocolError):
                await _ask(url)

    async with Store(settings=settings) as store:
        assert await store.ledger.drain(10)
        (event,) = await store.usage.list(limit=10)
    assert (event.status, event.outcome) == (200, "failed")


def test_without_a_url_there_is_nothing_to_forward_to(monkeypatch):
    monkeypatch.delenv("PROXYSTORE_FORWARD_URL", raising=False)

    with pytest.raises(SettingsError, match=r"^PROXYSTORE_FORWARD_URL must say"):
        create_app()
    with pytest.raises(SettingsError, match="needs the URL"):
        ReverseProxy(ForwardSettings())
