"""Every setting, and every older name of one, is documented."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest
from pydantic import BaseModel

from proxystore import Settings
from proxystore.settings.seeds import SEED_NAMES
from tests.promises.house import ROOT

_DOCUMENTED: Final = set(re.findall(r"`([\w.]+)`", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))
_OLDER: Final = sorted({name for names in SEED_NAMES.values() for text in names for name in text.split(" + ")})


def _names(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _names(field.annotation, f"{name}.")
        elif name != "plugin":  # the plugins' own sections
            yield prefix + name


@pytest.mark.parametrize("name", list(_names(Settings)))
def test_every_setting_is_documented(name: str) -> None:
    assert name in _DOCUMENTED


@pytest.mark.parametrize(
    "name", sorted({name for names in SEED_NAMES.values() for text in names for name in text.split(" + ")})
)
def test_every_older_name_is_documented(name: str) -> None:
    assert name in _DOCUMENTED


@pytest.mark.parametrize("field", list(Settings.model_fields))
def test_every_setting_describes_itself(field: str) -> None:
    assert Settings.model_fields[field].description
