"""What can be called, by which names, and what it costs."""

from __future__ import annotations

from proxystore.repositories.models.families import FamilyRepository
from proxystore.repositories.models.providers import ProviderRepository
from proxystore.repositories.models.repository import MODEL, ModelRepository
from proxystore.repositories.models.resolving import Resolution, Resolved, resolution

__all__ = ["MODEL", "FamilyRepository", "ModelRepository", "ProviderRepository", "Resolution", "Resolved", "resolution"]
