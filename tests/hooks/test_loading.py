"""Which plugins are taken, in what order, and which are refused, by name."""

from __future__ import annotations

import sys
import types

import pytest
from pydantic import BaseModel

from proxystore import PluginError, Settings, SettingsError, hookimpl
from proxystore.hooks import Plugins


def _settings(**arguments: object) -> Settings:
    return Settings.load(environ={}, **{"plugins": (), **arguments})


def test_installed_plugins_are_found_by_their_entry_points():
    plugins = Plugins.load(Settings.load(environ={}))

    (usage,) = [plugin for plugin in plugins.describe() if plugin.name == "usage"]
    assert usage.origin == "proxystore_usage:Usage"
    assert usage.version
    assert {"on_usage", "register_commands"} <= set(usage.hooks)


def test_a_plugin_that_is_disabled_is_left_out():
    assert "usage" not in Plugins.load(Settings.load(environ={}, disable=("usage",))).names()


def test_a_plugin_that_is_not_installed_is_named_with_those_that_are():
    with pytest.raises(PluginError, match=r"plugin 'usgae': is not installed; installed are: .*usage"):
        Plugins.load(_settings(plugins=("usgae",)))


def test_a_plugin_can_be_named_by_its_place(monkeypatch):
    module = types.ModuleType("acme_plugin")

    class Acme:
        @hookimpl
        def on_usage(self):
            pass

    Acme.__module__ = "acme_plugin"
    module.Acme = Acme
    monkeypatch.setitem(sys.modules, "acme_plugin", module)

    (plugin,) = Plugins.load(_settings(plugins=("acme_plugin:Acme",))).describe()
    assert plugin == ("acme", "", "acme_plugin:Acme", ("on_usage",))


@pytest.mark.parametrize("name", ["acme_missing:Acme", "os:Acme"])
def test_a_place_where_there_is_nothing_is_named(name):
    with pytest.raises(PluginError, match=f"plugin '{name}': cannot be loaded"):
        Plugins.load(_settings(plugins=(name,)))


def test_a_plugin_whose_making_raises_is_named():
    class Broken:
        def __init__(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(PluginError, match="plugin 'broken': cannot be loaded: ZeroDivisionError"):
        Plugins.load(_settings(), [Broken])


def test_classes_instances_and_modules_are_taken():
    class One:
        pass

    class Two:
        name = "deux"

    module = types.ModuleType("three")
    assert Plugins.load(_settings(), [One, Two(), module]).names() == ["one", "deux", "three"]


def test_a_class_is_made_with_its_own_settings():
    class Greeting:
        class Settings(BaseModel, frozen=True, extra="forbid"):
            word: str = "hello"

        def __init__(self, settings: Settings) -> None:
            self.word = settings.word

    settings = Settings.load(environ={"PROXYSTORE_GREETING__WORD": "hi"}, plugins=())
    assert Plugins.load(settings, [Greeting]).find("greeting").word == "hi"

    settings = Settings.load(environ={"PROXYSTORE_GREETING__WROD": "hi"}, plugins=())
    with pytest.raises(SettingsError, match="PROXYSTORE_GREETING__WROD"):
        Plugins.load(settings, [Greeting])


def test_settings_of_a_plugin_that_has_none_are_refused():
    settings = Settings.load(environ={"PROXYSTORE_KEYS__HEADER": "x-key"}, plugins=("keys",))
    with pytest.raises(SettingsError, match="PROXYSTORE_KEYS__HEADER is no setting of the plugin 'keys'"):
        Plugins.load(settings)


def test_settings_of_a_plugin_that_is_nowhere_are_refused():
    settings = Settings.load(environ={"PROXYSTORE_GREETNIG__WORD": "hi"}, plugins=())
    with pytest.raises(SettingsError, match="PROXYSTORE_GREETNIG__WORD"):
        Plugins.load(settings)


class Misspelt:
    @hookimpl
    def on_requets(self, exchange):
        pass


class WrongArgument:
    @hookimpl
    def on_request(self, request):
        pass


class Wrapper:
    @hookimpl(wrapper=True)
    def on_usage(self, exchange):
        return (yield)


class AsyncRecorder:
    @hookimpl
    async def on_usage(self, exchange):
        pass


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        (Misspelt, "on_requets"),
        (WrongArgument, "request"),
        (Wrapper, "wrapper"),
        (AsyncRecorder, "def, not async def"),
    ],
)
def test_a_wrong_implementation_is_refused_at_loading(plugin, reason):
    with pytest.raises(PluginError, match=reason) as caught:
        Plugins.load(_settings(), [plugin])

    assert caught.value.plugin == plugin.__name__.lower()


def test_two_plugins_of_one_name_are_refused():
    with pytest.raises(PluginError, match="two plugins of this name"):
        Plugins.load(_settings(), [Misspelt(), type("Misspelt", (), {})])


def test_loading_twice_makes_two_instances():
    class Mine:
        pass

    first, second = (Plugins.load(_settings(), [Mine]) for _ in range(2))
    assert first.find("mine") is not second.find("mine")


def test_a_property_is_looked_at_and_not_run():
    class Late:
        @property
        def exchange(self) -> str:
            raise RuntimeError("there is none yet")

    assert Plugins.load(_settings(), [Late]).names() == ["late"]
