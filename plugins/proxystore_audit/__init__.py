"""The bundled plugin that writes down who was refused, and by setting every request, in the audit trail."""

from __future__ import annotations

from proxystore_audit.plugin import Audit

__all__ = ["Audit"]
