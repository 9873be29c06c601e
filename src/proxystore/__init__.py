"""Keys, limits, usage, audit and a response cache for any ASGI LLM proxy.

Every public name lives here and is loaded when it is first asked for, so that ``import proxystore`` costs next to
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from proxystore._foreign import refuse_foreign_distribution

if TYPE_CHECKING:
    from proxystore.asgi import ProxyStoreMiddleware
    from proxystore.cache import Flight, Space
    from proxystore.changes import Change
    from proxystore.cli import Column, CommandLine, options
    from proxystore.database import Database, Query, Statement
    from proxystore.errors import (
        AuditEventNotFound,
        BodyTooLarge,
        Conflict,
        InvalidRecord,
        KeyExpired,
        KeyInactive,
        KeyNotFound,
        ModelAliasNotFound,
        ModelFamilyNotFound,
        ModelNotFound,
        NotFound,
        PluginError,
        ProjectInactive,
        ProjectNotFound,
        ProviderNotFound,
        ProxyStoreError,
        ReferenceViolation,
        RemapRuleNotFound,
        SchemaError,
        SettingsError,
        StoreBusy,
        StoreClosed,
        StoreError,
        StoreTimeout,
        StoreUnavailable,
        UsageEventNotFound,
    )
    from proxystore.exchange import Exchange, Request, Response
    from proxystore.hooks import hookimpl
    from proxystore.ids import uuid7
    from proxystore.keyring import KnownKey
    from proxystore.ledger import LedgerStatus, UsageEntry
    from proxystore.limits import Exhausted, Reservation
    from proxystore.migrating import Migrations
    from proxystore.pricing import CostLine, Explanation, Price
    from proxystore.records import (
        AuditEntry,
        AuditEvent,
        AuditHead,
        AuditProblem,
        AuditVerdict,
        CacheStats,
        CostShare,
        FoundKey,
        ImportResult,
        KeyMetadata,
        KeyRecord,
        LatencySummary,
        Model,
        ModelAlias,
        ModelFamily,
        ModelMatch,
        NewKey,
        PoolStats,
        ProjectRecord,
        Provider,
        RemapRule,
        SpaceStats,
        Stats,
        UsageEvent,
        UsageSummary,
    )
    from proxystore.records.limits import LimitWindow
    from proxystore.repositories.models import Resolved
    from proxystore.settings import Settings
    from proxystore.store import Store
    from proxystore.values import Answer, Call, Cost, Denial, Hold, Limit, Principal, Quota, Usage
    from proxystore.wire import Meter, WireFormat

_HOMES: Final = {
    "Answer": "values",
    "AuditEntry": "records",
    "AuditEvent": "records",
    "AuditEventNotFound": "errors",
    "AuditHead": "records",
    "AuditProblem": "records",
    "AuditVerdict": "records",
    "BodyTooLarge": "errors",
    "CacheStats": "records",
    "Call": "values",
    "Change": "changes",
    "Column": "cli",
    "CommandLine": "cli",
    "Conflict": "errors",
    "Cost": "values",
    "CostLine": "pricing",
    "CostShare": "records",
    "Database": "database",
    "Denial": "values",
    "Exchange": "exchange",
    "Exhausted": "limits",
    "Explanation": "pricing",
    "Flight": "cache",
    "FoundKey": "records",
    "Hold": "values",
    "ImportResult": "records",
    "InvalidRecord": "errors",
    "KeyExpired": "errors",
    "KeyInactive": "errors",
    "KeyMetadata": "records",
    "KeyNotFound": "errors",
    "KeyRecord": "records",
    "KnownKey": "keyring",
    "LatencySummary": "records",
    "LedgerStatus": "ledger",
    "Limit": "values",
    "LimitWindow": "records.limits",
    "Meter": "wire",
    "Migrations": "migrating",
    "Model": "records",
    "ModelAlias": "records",
    "ModelAliasNotFound": "errors",
    "ModelFamily": "records",
    "ModelFamilyNotFound": "errors",
    "ModelMatch": "records",
    "ModelNotFound": "errors",
    "NewKey": "records",
    "NotFound": "errors",
    "PluginError": "errors",
    "PoolStats": "records",
    "Price": "pricing",
    "Principal": "values",
    "ProjectInactive": "errors",
    "ProjectNotFound": "errors",
    "ProjectRecord": "records",
    "Provider": "records",
    "ProviderNotFound": "errors",
    "ProxyStoreError": "errors",
    "ProxyStoreMiddleware": "asgi",
    "Query": "database",
    "Quota": "values",
    "ReferenceViolation": "errors",
    "RemapRule": "records",
    "RemapRuleNotFound": "errors",
    "Request": "exchange",
    "Reservation": "limits",
    "Resolved": "repositories.models",
    "Response": "exchange",
    "SchemaError": "errors",
    "Settings": "settings",
    "SettingsError": "errors",
    "Space": "cache",
    "SpaceStats": "records",
    "Statement": "database",
    "Stats": "records",
    "Store": "store",
    "StoreBusy": "errors",
    "StoreClosed": "errors",
    "StoreError": "errors",
    "StoreTimeout": "errors",
    "StoreUnavailable": "errors",
    "Usage": "values",
    "UsageEntry": "ledger",
    "UsageEvent": "records",
    "UsageEventNotFound": "errors",
    "UsageSummary": "records",
    "WireFormat": "wire",
    "hookimpl": "hooks",
    "options": "cli",
    "uuid7": "ids",
}
__all__ = [
    "Answer",
    "AuditEntry",
    "AuditEvent",
    "AuditEventNotFound",
    "AuditHead",
    "AuditProblem",
    "AuditVerdict",
    "BodyTooLarge",
    "CacheStats",
    "Call",
    "Change",
    "Column",
    "CommandLine",
    "Conflict",
    "Cost",
    "CostLine",
    "CostShare",
    "Database",
    "Denial",
    "Exchange",
    "Exhausted",
    "Explanation",
    "Flight",
    "FoundKey",
    "Hold",
    "ImportResult",
    "InvalidRecord",
    "KeyExpired",
    "KeyInactive",
    "KeyMetadata",
    "KeyNotFound",
    "KeyRecord",
    "KnownKey",
    "LatencySummary",
    "LedgerStatus",
    "Limit",
    "LimitWindow",
    "Meter",
    "Migrations",
    "Model",
    "ModelAlias",
    "ModelAliasNotFound",
    "ModelFamily",
    "ModelFamilyNotFound",
    "ModelMatch",
    "ModelNotFound",
    "NewKey",
    "NotFound",
    "PluginError",
    "PoolStats",
    "Price",
    "Principal",
    "ProjectInactive",
    "ProjectNotFound",
    "ProjectRecord",
    "Provider",
    "ProviderNotFound",
    "ProxyStoreError",
    "ProxyStoreMiddleware",
    "Query",
    "Quota",
    "ReferenceViolation",
    "RemapRule",
    "RemapRuleNotFound",
    "Request",
    "Reservation",
    "Resolved",
    "Response",
    "SchemaError",
    "Settings",
    "SettingsError",
    "Space",
    "SpaceStats",
    "Statement",
    "Stats",
    "Store",
    "StoreBusy",
    "StoreClosed",
    "StoreError",
    "StoreTimeout",
    "StoreUnavailable",
    "Usage",
    "UsageEntry",
    "UsageEvent",
    "UsageEventNotFound",
    "UsageSummary",
    "WireFormat",
    "hookimpl",
    "options",
    "uuid7",
]

refuse_foreign_distribution()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module

    value = getattr(import_module(f"proxystore.{_HOMES[name]}"), name)
    globals()[name] = value  # the next look-up does not come here
    return value


def __dir__() -> list[str]:
    return [*__all__]
