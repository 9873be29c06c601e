"""Loading an application by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxystore import ProxyStoreMiddleware
from proxystore.asgi.serving import create_app, load_app
from proxystore.errors import SettingsError
from proxystore.testing.upstream import FakeUpstream


@pytest.fixture(name="gateway", autouse=True)
def _gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_gateway.py").write_text(
        "from types import SimpleNamespace\n"
        "from proxystore.testing.upstream import FakeUpstream\n"
        "app = FakeUpstream()\nrooms = SimpleNamespace(app=app)\nmake = FakeUpstream\nunsigned = dict\n"
        "def broken(): raise RuntimeError('no key given')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("name", ["a_gateway:app", "a_gateway:rooms.app"])
def test_an_application_is_found(name: str) -> None:
    assert isinstance(load_app(name), FakeUpstream)


def test_a_factory_is_called() -> None:
    assert isinstance(load_app("a_gateway:make", is_factory=True), FakeUpstream)


@pytest.mark.parametrize(
    ("name", "is_factory", "words"),
    [
        ("a_gateway", False, "'a_gateway' may be MODULE:APP"),
        ("a_gateway:rooms.ap", False, r"'a_gateway' has no 'rooms\.ap'"),
        ("a_gateway.rooms:app", False, r"there is no module 'a_gateway\.rooms'"),
        ("a_gateway:broken", True, "was called as a factory and failed: RuntimeError: no key given"),
    ],
)
def test_what_is_no_application_is_told(name: str, is_factory: bool, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load_app(name, is_factory=is_factory)


def test_the_setting_app_is_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXYSTORE_APP", "a_gateway:make")
    monkeypatch.setenv("PROXYSTORE_APP_FACTORY", "true")

    assert isinstance(create_app(), ProxyStoreMiddleware)


def test_without_the_setting_there_is_nothing_to_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROXYSTORE_APP", raising=False)

    with pytest.raises(SettingsError, match=r"^PROXYSTORE_APP must name the application"):
        create_app()
