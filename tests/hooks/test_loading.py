"""Which plugins are taken, in what order, and which are refused, by name."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from proxystore import Migrations, PluginError, Settings, SettingsError, Store, hookimpl
from proxystore.hooks import Plugins, finding
from proxystore.wire.openai import ChatCompletions


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


class Ends:
    def __init__(self) -> None:
        sys.exit()


class Named:
    def __init__(self, name: object) -> None:
        self.name = name


def _shy(plugin: object, settings: object) -> None: ...


def _plugin(**attributes: object) -> type:
    return type("Odd", (), attributes)


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        (Ends, "plugin 'ends': cannot be loaded: SystemExit"),
        (_plugin(__init__=_shy), "plugin 'odd': cannot be loaded: TypeError"),
        (_plugin(__new__=lambda _: None), "plugin 'odd': is None, and must be a class, a module or an instance"),
        (_plugin(Settings=dict), "its Settings, the type 'dict', must be a class derived from pydantic's BaseModel"),
        (_plugin(name=property(_shy)), "its name, (a property|the property 'name'), must be text"),
        (_shy, "plugin '_shy': is the function '_shy', and must be a class, a module or an instance"),
        (None, "is None, and must be a class"),
        (Named(3), "plugin 'named': its name, 3, must be text that can be printed"),
        (Named(""), "its name, '', must be text"),
        (Named("a\x1b[31mb"), r"its name, 'a\\x1b\[31mb', must be text"),
    ],
)
def test_what_cannot_be_a_plugin_is_named(plugin, reason):
    with pytest.raises(PluginError, match=reason):
        Plugins.load(_settings(), [plugin])


def _bring(hook: str, answer: object) -> object:
    def bring(self):
        return answer() if callable(answer) and not isinstance(answer, type) else answer

    return _plugin(**{hook: hookimpl(bring)})()


def _raising():
    yield sys.exit()


class Nameless(ChatCompletions):
    name = None


_NO_LIST = "answered None, and must answer a list; .. is none"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, _NO_LIST),
        (["chat"], "an object of the class str, which is no wire format: it has no name, no methods"),
        ([ChatCompletions], r"the class ChatCompletions, and must answer an instance of it: ChatCompletions\(\)"),
        ([Nameless()], "Nameless, whose name must be text"),
        (_raising, "register_wire_formats failed: SystemExit"),
    ],
)
def test_what_is_no_wire_format_is_named(answer, reason):
    plugins = Plugins.load(_settings(), [_bring("register_wire_formats", answer)])

    with pytest.raises(PluginError, match=f"^plugin 'odd': .*{reason}"):
        plugins.wire_formats()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, _NO_LIST),
        (["mine"], r"an object of the class str, and must answer Migrations\(package, version_table\)"),
        ([Migrations("proxystore_nowhere", "mine")], "failed: ModuleNotFoundError"),
        ([Migrations("tests.hooks", "mine")], "failed: "),
    ],
)
def test_what_is_no_history_is_named(answer, reason):
    plugins = Plugins.load(_settings(), [_bring("register_migrations", answer)])

    with pytest.raises(PluginError, match=f"^plugin 'odd': .*{reason}"):
        plugins.migrations()


class Leaves:
    @hookimpl
    def register_commands(self) -> None:
        sys.exit()

    @hookimpl
    async def on_startup(self) -> None:
        sys.exit()


async def test_a_plugin_ends_no_process():
    plugins = Plugins.load(_settings(), [Leaves])

    with pytest.raises(PluginError, match="plugin 'leaves': register_commands failed: SystemExit"):
        plugins.register_commands(typer.Typer())
    with pytest.raises(PluginError, match="plugin 'leaves': on_startup failed: SystemExit"):
        await plugins.startup(Store("sqlite://"))


def test_a_plugin_that_was_asked_for_by_name_tells_how_to_go_on_without_it():
    with pytest.raises(PluginError) as caught:
        Plugins.load(_settings(plugins=(f"{__name__}:Ends",)))

    assert caught.value.mend == (
        f"--disable {__name__}:Ends, or PROXYSTORE_DISABLE={__name__}:Ends, goes on without it"
    )
    assert str(caught.value).endswith(f"; {caught.value.mend}")
    assert Plugins.load(_settings(plugins=(f"{__name__}:Ends",), disable=(f"{__name__}:Ends",))).names() == []


@pytest.fixture(name="install")
def _install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Have a distribution installed whose entry point leads to `Ends`."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(finding, "entry_points", entry_points)

    def install(distribution: str, plugin: str) -> None:
        about = tmp_path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Name: {distribution}\nVersion: 1.2\n")
        (about / "entry_points.txt").write_text(f"[proxystore]\n{plugin} = {__name__}:Ends\n")

    return install


def test_a_plugin_that_is_installed_tells_its_distribution(install):
    install("acme-things", "acme")

    with pytest.raises(PluginError, match=r"^plugin 'acme': .*SystemExit\(\) \(in acme-things 1[.]2\); --disable"):
        Plugins.load(_settings(plugins=("acme",)))


def test_two_distributions_with_a_plugin_of_one_name_are_named(install):
    install("acme-things", "usage")

    with pytest.raises(PluginError, match=r"^plugin 'usage': is what .*acme-things.* call theirs: uninstall one"):
        Plugins.load(_settings(plugins=("usage",)))
