"""The options that every command takes, wherever they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from proxystore.settings import Settings

_DISABLE: Final = "--disable"
_WITH_VALUE: Final = ("--database", "--config", _DISABLE)
_FLAGS: Final = ("--debug",)


class Globals(NamedTuple):
    """The values of those options."""

    database: str | None = None
    config: str | None = None
    is_debug: bool = False
    disable: tuple[str, ...] = ()

    @classmethod
    def of(cls, words: Sequence[str]) -> Self:
        """Read them from *words*, which may hold anything else as well."""
        front, _ = _split(words)
        values = dict(word.split("=", 1) for word in front if "=" in word)
        disable = tuple(word.split("=", 1)[1] for word in front if word.startswith(f"{_DISABLE}="))
        return cls(values.get("--database"), values.get("--config"), "--debug" in front, disable)

    def load(self) -> Settings:
        """Return the settings that these options lead to.

        Raises:
            SettingsError: As `Settings.load`.
        """
        settings = Settings.load(self.config, database_url=self.database)
        if not self.disable:
            return settings
        return Settings.load(self.config, database_url=self.database, disable=[*settings.disable, *self.disable])


def hoisted(words: Sequence[str]) -> list[str]:
    """Return *words* with the global options before all others: ``usage list --database …`` is what people type."""
    front, rest = _split(words)
    return [*front, *rest]


def command_of(words: Sequence[str]) -> str | None:
    """Return the command among *words*: the first that is no option."""
    _, rest = _split(words)
    return next((word for word in rest if not word.startswith("-")), None)


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    front: list[str] = []
    rest: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":  # what follows belongs to another program
            return front, [*rest, word, *left]
        if word in _FLAGS or ("=" in word and word.split("=", 1)[0] in _WITH_VALUE):
            front.append(word)
        elif word in _WITH_VALUE and left:
            front.append(f"{word}={left.pop(0)}")
        else:
            rest.append(word)
    return front, rest
