"""The doctor at work on settings that a test gives."""

from __future__ import annotations

import asyncio
from typing import Any

from proxystore.doctor import Finding, examine
from proxystore.settings import Settings


def examined(**arguments: Any) -> list[Finding]:
    """Return what is found with the settings *arguments* and nothing else set."""
    usual: dict[str, Any] = {"plugins": ()}
    return asyncio.run(examine(lambda: Settings.load(environ={}, **(usual | arguments))))


def only(findings: list[Finding], check: str, level: str) -> list[Finding]:
    """Return those of one check and level."""
    return [finding for finding in findings if (finding.check, finding.level) == (check, level)]


def problems(findings: list[Finding]) -> list[Finding]:
    """Return those that are problems."""
    return [finding for finding in findings if finding.level == "problem"]
