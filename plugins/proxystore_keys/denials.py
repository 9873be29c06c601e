"""Why somebody may not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from proxystore import Denial

_BEARER: Final = ((b"www-authenticate", b"Bearer"),)

MISSING: Final = Denial(
    status=401,
    code="missing_api_key",
    message="No API key was given. Send one as: Authorization: Bearer <key>.",
    headers=_BEARER,
)
INVALID: Final = Denial(
    status=401, code="invalid_api_key", message="The API key given is not one that is known here.", headers=_BEARER
)
BY_STANDING: Final[Mapping[str, Denial]] = {
    "inactive": Denial(
        status=401, code="key_inactive", message="This API key has been revoked or deactivated.", headers=_BEARER
    ),
    "expired": Denial(status=401, code="key_expired", message="This API key has expired.", headers=_BEARER),
    "project_inactive": Denial(
        status=403, code="project_inactive", message="The project of this API key is not active."
    ),
}
UNAVAILABLE: Final = Denial(
    status=503,
    code="store_unavailable",
    message="This API key cannot be checked at the moment. Try again in a moment.",
    retry_after=1,
)
UNREADABLE: Final = Denial(
    status=400,
    code="unreadable_request",
    message="This API key is limited, and the request does not tell, or not plainly, which model it is for.",
)
NOT_OPEN: Final = Denial(
    status=403, code="path_not_allowed", message="This API key may not call this path, or not with this method."
)
_MAKE_ONE: Final = " There is no API key yet: make one with `proxystore keys create NAME`."


def with_hint(denial: Denial) -> Denial:
    """Return *denial* with a word about how the first key is made."""
    return replace(denial, message=denial.message + _MAKE_ONE)


def forbidden(model: str) -> Denial:
    """Return the refusal of *model*."""
    return Denial(
        status=403, code="model_not_allowed", message=f"This API key may not use the model {_short(model)!r}."
    )


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:100]}…"
