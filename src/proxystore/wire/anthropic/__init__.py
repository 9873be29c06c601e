"""What Anthropic's API says."""

from __future__ import annotations

from proxystore.wire.anthropic.count_tokens import CountTokens
from proxystore.wire.anthropic.messages import Messages

__all__ = ["CountTokens", "Messages"]
