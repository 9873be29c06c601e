"""Every error this project raises; the docstring is the default message."""

from __future__ import annotations


class ProxyStoreError(Exception):
    """Something went wrong in proxystore."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class SettingsError(ProxyStoreError):
    """A setting has a value that it may not have."""


class PluginError(ProxyStoreError):
    """A plugin cannot be used, or failed where a decision was needed."""

    def __init__(self, plugin: str, message: str, *, mend: str = "") -> None:
        self.plugin = plugin
        self.trouble = f"plugin {plugin!r}: {message}"
        self.mend = mend
        super().__init__(f"{self.trouble}; {mend}" if mend else self.trouble)


class SchemaError(ProxyStoreError):
    """The database's schema is not the one this release needs: run ``proxystore db upgrade``."""


class BodyTooLarge(ProxyStoreError):
    """The request body is larger than ``max_body_bytes``."""


class StoreError(ProxyStoreError):
    """The store could not do what was asked."""


class StoreClosed(StoreError):
    """The store is not open: use ``async with Store(...)`` or ``await store.open()``."""


class StoreBusy(StoreError):
    """Another writer holds the database for too long; try again."""


class StoreTimeout(StoreError):
    """The database did not answer within its deadline; whether it did what was asked is not known."""


class StoreUnavailable(StoreError):
    """The database cannot be reached; try again."""


class Conflict(StoreError):
    """A row like this exists already."""


class ReferenceViolation(StoreError):
    """A row that this one names does not exist, or another row still names this one."""


class InvalidRecord(StoreError):
    """A value does not fit its column."""


class NotFound(StoreError):
    """There is no such row."""


class UsageEventNotFound(NotFound):
    """There is no usage event with this id."""


class AuditEventNotFound(NotFound):
    """There is no audit event with this id."""


class ModelNotFound(NotFound):
    """There is no model with this name."""


class ProviderNotFound(NotFound):
    """There is no provider with this name."""


class ModelFamilyNotFound(NotFound):
    """There is no model family with this name."""


class ModelAliasNotFound(NotFound):
    """There is no alias with this name."""


class RemapRuleNotFound(NotFound):
    """There is no remap rule with this id."""


class KeyNotFound(NotFound):
    """There is no such key."""


class KeyInactive(StoreError):
    """This key is not active."""


class KeyExpired(StoreError):
    """This key's time is over."""


class ProjectNotFound(NotFound):
    """There is no such project."""


class ProjectInactive(StoreError):
    """This project is not active."""
