"""Every hook is documented and tested."""

from __future__ import annotations

import ast
import re
from typing import Final

import pytest

from tests.promises.house import CORE, ROOT, TESTS, tree

_SPECS: Final = {
    node.name: [argument.arg for argument in node.args.args]
    for node in tree(CORE / "hooks" / "specs.py").body
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    and any(ast.unparse(decorator).startswith("hookspec") for decorator in node.decorator_list)
}
_PAGE: Final = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
_SECTIONS: Final = dict(re.findall(r"^### `?(\w+)`?\((.*?)\)", _PAGE, re.MULTILINE))
_TESTS: Final = {
    found for file in TESTS for found in re.findall(r"def (test_hook_\w+)", file.read_text(encoding="utf-8"))
}


def test_there_are_hooks() -> None:
    assert "on_usage" in _SPECS


@pytest.mark.parametrize("hook", _SPECS)
def test_every_hook_is_documented_with_its_arguments(hook: str) -> None:
    assert ", ".join(_SPECS[hook]) == _SECTIONS.get(hook)


def test_no_hook_is_documented_that_does_not_exist() -> None:
    assert not _SECTIONS.keys() - _SPECS.keys()


@pytest.mark.parametrize("hook", _SPECS)
def test_every_hook_is_tested(hook: str) -> None:
    assert [test for test in _TESTS if re.fullmatch(rf"test_hook_{hook}(_.*)?", test)]
