"""One class for each aggregate, ignorant of each other."""

from __future__ import annotations

from proxystore.repositories.models import FamilyRepository, ModelRepository, ProviderRepository
from proxystore.repositories.usage import UsageRepository

__all__ = ["FamilyRepository", "ModelRepository", "ProviderRepository", "UsageRepository"]
