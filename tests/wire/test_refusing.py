from __future__ import annotations

import httpx
import msgspec
import pytest

from proxystore.values import Denial
from proxystore.wire import BUILT_IN, Formats, WireFormat
from tests import clients

pytestmark = pytest.mark.xdist_group("clients")

_OPENAI = [format for format in BUILT_IN if format.name.startswith("openai.")]
_SPENT = "insufficient_quota"
_INVALID = "invalid_request_error"


@pytest.mark.parametrize("format", _OPENAI, ids=lambda format: format.name)
@pytest.mark.parametrize(
    ("status", "code", "kind", "said", "raised"),
    [
        (400, "unreadable_request", _INVALID, "unreadable_request", "BadRequestError"),
        (401, "missing_api_key", _INVALID, "missing_api_key", "AuthenticationError"),
        (401, "invalid_api_key", _INVALID, "invalid_api_key", "AuthenticationError"),
        (402, "budget_exceeded", _SPENT, _SPENT, "APIStatusError"),
        (403, "model_not_allowed", "permission_error", "model_not_allowed", "PermissionDeniedError"),
        (404, "model_not_found", _INVALID, "model_not_found", "NotFoundError"),
        (413, "body_too_large", _INVALID, "body_too_large", "APIStatusError"),
        (426, "websocket_unmetered", _INVALID, "websocket_unmetered", "APIStatusError"),
        (429, "rate_limit_exceeded", "requests", "rate_limit_exceeded", "RateLimitError"),
        (429, "quota_exceeded", _SPENT, _SPENT, "RateLimitError"),
        (503, "store_unavailable", "server_error", "store_unavailable", "InternalServerError"),
    ],
)
def test_the_official_client_raises_its_own_error(  # noqa: PLR0917 - a table
    format: WireFormat, status: int, code: str, kind: str, said: str, raised: str
) -> None:
    body = format.refuse(Denial(status=status, code=code, message="Sorry: ü."))
    reply = httpx.Response(status, content=body, headers={"content-type": "application/json"})
    transport = httpx.MockTransport(lambda _: reply)
    with httpx.Client(transport=transport) as http:
        client = clients.openai.OpenAI(api_key="x", base_url="http://test", max_retries=0, http_client=http)
        with pytest.raises(getattr(clients.openai, raised)) as caught:
            client.chat.completions.create(model="m", messages=[])

    error = caught.value
    assert (type(error).__name__, error.status_code) == (raised, status)
    assert (error.type, error.code, error.param) == (kind, said, None)
    assert msgspec.json.decode(body)["error"]["message"] == "Sorry: ü."


@pytest.mark.parametrize("format", BUILT_IN, ids=lambda format: format.name)
def test_text_that_utf_8_cannot_say_does_not_prevent_a_refusal(format: WireFormat) -> None:
    body = format.refuse(Denial(status=403, code="model_not_allowed", message="No model \ud83d."))

    error = msgspec.json.decode(body)["error"]
    assert (error if isinstance(error, str) else error["message"]) == "No model ?."


def test_the_type_of_a_rate_tells_what_there_was_too_much_of() -> None:
    denial = Denial(status=429, code="rate_limit_exceeded", message="Too fast.", unit="tokens")

    assert msgspec.json.decode(BUILT_IN[0].refuse(denial))["error"]["type"] == "tokens"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 413, 429, 503])
def test_ollamas_client_raises_its_own_error(status: int) -> None:
    body = Formats(BUILT_IN).find("POST", "/api/chat").refuse(Denial(status=status, code="no", message="Sorry: ü."))
    reply = httpx.Response(status, content=body, headers={"content-type": "application/json"})
    client = clients.ollama.Client(transport=httpx.MockTransport(lambda _: reply))
    for is_streaming in (False, True):
        with pytest.raises(clients.ollama.ResponseError) as caught:
            list(client.chat("llama3:8b", [], stream=is_streaming))

        assert (caught.value.status_code, caught.value.error) == (status, "Sorry: ü.")
