"""Settings: arguments, environment, ``proxystore.toml``; validated here, one section for each plugin."""

from __future__ import annotations

from proxystore.settings.forward import ForwardSettings, UpstreamURL
from proxystore.settings.kinds import Duration, Words
from proxystore.settings.model import Settings
from proxystore.settings.pool import PoolSettings
from proxystore.settings.url import DatabaseURL

__all__ = ["DatabaseURL", "Duration", "ForwardSettings", "PoolSettings", "Settings", "UpstreamURL", "Words"]
