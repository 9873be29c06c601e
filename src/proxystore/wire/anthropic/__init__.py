"""What Anthropic's API says."""

from __future__ import annotations
