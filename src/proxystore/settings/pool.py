"""How many connections to PostgreSQL, and for how long."""

from __future__ import annotations

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from proxystore.settings.kinds import Duration


class PoolSettings(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """The pool of connections; SQLite, which has one writer, takes ``max_size`` for its readers alone."""

    max_size: int = Field(10, ge=1, description="Connections at most, for each process.")
    min_size: int = Field(1, ge=0, description="Connections kept open while idle.")
    max_lifetime: Duration = Field(3600.0, description="A connection is replaced at this age; 0 is never.")
    max_idle_time: Duration = Field(300.0, description="A connection idle for this long is closed; 0 is never.")
    health_check: Duration = Field(60.0, description="An idle connection is tried this often; 0 is never.")

    @field_validator("min_size")
    @classmethod
    def _fits(cls, value: int, info: ValidationInfo) -> int:
        most = info.data.get("max_size")
        if most is not None and value > most:
            raise ValueError(f"may be at most the pool's max_size, which is {most}")
        return value
