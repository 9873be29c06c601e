"""Where requests are forwarded to."""

from __future__ import annotations

import pytest

from proxystore.errors import SettingsError
from proxystore.settings import Settings, UpstreamURL

_CANARY = "cAnArY"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434"),
        ("http://Ollama:80/", "http://ollama"),
        ("https://host:443/a/b/", "https://host/a/b"),
        ("https://host:80", "https://host:80"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        (" http://host ", "http://host"),
        ("http://host/ä b%20c", None),
        ("http://host/ä%20c", "http://host/%C3%A4%20c"),
        (f"http://me:{_CANARY}@host", "http://***@host"),
        (f"http://{_CANARY}@host", "http://***@host"),
    ],
)
def test_a_url_is_read_and_shown_without_its_password(text: str, shown: str | None) -> None:
    if shown is None:
        with pytest.raises(SettingsError):
            UpstreamURL.parse(text)
    else:
        url = UpstreamURL.parse(text)
        assert str(url) == shown
        assert _CANARY not in repr(url)


@pytest.mark.parametrize(
    "text", ["", "host", "host:80", "ws://host", "http://", "http:///x", "http://h:port", "http://h/?q", "http://h#x",
             "http://h\r\nx", f"http://me:{_CANARY}@[::1"]
)  # fmt: skip
def test_what_leads_nowhere_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        UpstreamURL.parse(text)

    assert _CANARY not in str(refused.value)


def test_it_is_a_setting_like_any_other() -> None:
    environ = {"PROXYSTORE_FORWARD_URL": f"http://me:{_CANARY}@host", "PROXYSTORE_FORWARD_READ_TIMEOUT": "5m"}
    settings = Settings.load(environ=environ)

    assert str(settings.forward.url) == "http://***@host"
    assert (settings.forward.read_timeout, settings.forward.connect_timeout) == (300.0, 10.0)
    assert settings.sources["forward.url"] == "PROXYSTORE_FORWARD_URL"
    assert _CANARY not in repr(settings)
