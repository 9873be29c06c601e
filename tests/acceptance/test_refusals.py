"""What official clients make of a refusal: their own errors, over real sockets."""

from __future__ import annotations

import warnings

import pytest

from proxystore import Denial, ProxyStoreMiddleware, Settings, hookimpl
from proxystore.testing.serving import serving
from proxystore.testing.upstream import FakeUpstream
from tests import clients

pytestmark = pytest.mark.xdist_group("clients")

_CODES = {
    400: "unreadable_request",
    401: "invalid_api_key",
    402: "budget_exceeded",
    403: "model_not_allowed",
    413: "body_too_large",
    429: "rate_limit_exceeded",
    503: "store_unavailable",
}


class Refusing:
    """Refuses with the status that a header names."""

    @hookimpl
    def on_auth(self, exchange) -> Denial:
        status = int(exchange.request.header(b"x-refuse"))
        return Denial(status=status, code=_CODES[status], message="Sorry.", retry_after=7)


@pytest.fixture(name="base", scope="module")
def _base(tmp_path_factory):
    settings = Settings.load(environ={}, data_dir=tmp_path_factory.mktemp("data"), database_url="sqlite:///:memory:")
    with serving(ProxyStoreMiddleware(FakeUpstream(), settings=settings, plugins=[Refusing])) as base:
        yield base


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (402, "APIStatusError"),
        (403, "PermissionDeniedError"),
        (413, "APIStatusError"),
        (429, "RateLimitError"),
        (503, "InternalServerError"),
    ],
)
@pytest.mark.parametrize("call", ["chat", "responses", "images", "speech"])
def test_openais_client_raises_its_own_error(base, status, name, call):
    headers = {"x-refuse": str(status)}
    with clients.openai.OpenAI(base_url=f"{base}/v1", api_key="x", max_retries=0, default_headers=headers) as client:
        ask = {
            "chat": lambda: client.chat.completions.create(model="m", messages=[]),
            "responses": lambda: client.responses.create(model="m", input="hi", stream=True),
            "images": lambda: client.images.generate(model="m", prompt="hi"),
            "speech": lambda: client.audio.speech.create(model="m", voice="alloy", input="hi"),
        }[call]
        with pytest.raises(clients.openai.APIStatusError) as caught:
            ask()

    error = caught.value
    assert isinstance(error, getattr(clients.openai, name))
    assert (error.status_code, error.body["message"], error.response.headers["retry-after"]) == (status, "Sorry.", "7")


@pytest.mark.parametrize(
    ("status", "name", "kind"),
    [
        (400, "BadRequestError", "invalid_request_error"),
        (401, "AuthenticationError", "authentication_error"),
        (402, "APIStatusError", "billing_error"),
        (403, "PermissionDeniedError", "permission_error"),
        (413, "APIStatusError", "request_too_large"),
        (429, "RateLimitError", "rate_limit_error"),
        (503, "InternalServerError", "overloaded_error"),
    ],
)
@pytest.mark.parametrize("is_streaming", [False, True])
def test_anthropics_client_raises_its_own_error(base, status, name, kind, is_streaming):
    headers = {"x-refuse": str(status)}
    client = clients.anthropic.Anthropic(base_url=base, api_key="x", max_retries=0, default_headers=headers)
    with client, pytest.raises(clients.anthropic.APIStatusError) as caught:
        client.messages.create(model="m", max_tokens=9, messages=[], stream=is_streaming)

    error = caught.value
    assert isinstance(error, getattr(clients.anthropic, name))
    assert error.status_code == status
    assert error.body["error"] == {"type": kind, "message": "Sorry.", "code": _CODES[status]}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (402, "RESOURCE_EXHAUSTED"),
        (403, "PERMISSION_DENIED"),
        (413, "INVALID_ARGUMENT"),
        (429, "RESOURCE_EXHAUSTED"),
        (503, "UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("is_streaming", [False, True])
def test_googles_client_raises_its_own_error(base, status, kind, is_streaming):
    with warnings.catch_warnings(action="ignore"):  # its own affair, on younger Pythons
        from google import genai
        from google.genai import errors, types

    options = types.HttpOptions(
        base_url=base, headers={"x-refuse": str(status)}, retry_options=types.HttpRetryOptions(attempts=1)
    )
    client = genai.Client(api_key="x", http_options=options)
    ask = client.models.generate_content_stream if is_streaming else client.models.generate_content
    with pytest.raises(errors.ServerError if status >= 500 else errors.ClientError) as caught:
        list(ask(model="m", contents="hi"))
    client.close()

    error = caught.value
    assert (error.code, error.status, error.message) == (status, kind, "Sorry.")
    assert error.details["error"]["details"][0]["reason"] == _CODES[status].upper()
