"""The audit trail: read, proved, cut."""

from __future__ import annotations

from proxystore.repositories.audit.repository import AuditRepository

__all__ = ["AuditRepository"]
