from __future__ import annotations

from datetime import UTC, datetime

import pytest

from proxystore.values import Quota
from proxystore.wire import Unknown, limit_headers
from proxystore.wire.anthropic.limits import limit_headers as as_anthropic
from proxystore.wire.openai import ChatCompletions
from tests.wire.streams import STREAMED

_NOW = datetime(2026, 1, 31, 23, 59, 50, tzinfo=UTC)
_REQUESTS = Quota(unit="requests", amount=60, remaining=59, resets_in=1)
_TOKENS = Quota(unit="tokens", amount=150_000, remaining=0, resets_in=360)


@pytest.mark.parametrize("format", [ChatCompletions(), Unknown()])
def test_openais_names_are_also_those_of_formats_that_have_none(format):
    assert dict(limit_headers(format, [_REQUESTS, _TOKENS], _NOW)) == {
        b"x-ratelimit-limit-requests": b"60",
        b"x-ratelimit-remaining-requests": b"59",
        b"x-ratelimit-reset-requests": b"1s",
        b"x-ratelimit-limit-tokens": b"150000",
        b"x-ratelimit-remaining-tokens": b"0",
        b"x-ratelimit-reset-tokens": b"6m0s",
    }


def test_a_format_may_have_names_of_its_own():
    class Acme(ChatCompletions):
        def limit_headers(self, quotas, now):
            return ((b"acme-left", b"%d" % quotas[0].remaining),)

    assert limit_headers(Acme(), [_REQUESTS], _NOW) == ((b"acme-left", b"59"),)
    assert Acme().read("/", b"").operation_name == STREAMED.operation_name


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, b"0ms"),
        (0, b"0ms"),
        (0.0061, b"7ms"),
        (0.25, b"250ms"),
        (1, b"1s"),
        (8.64, b"8.64s"),
        (59.9999, b"1m0s"),
        (61.5, b"1m1.5s"),
        (3600, b"1h0m0s"),
        (90_061, b"25h1m1s"),
    ],
)
def test_openai_tells_a_duration(seconds, said):
    quota = Quota(unit="requests", amount=1, remaining=0, resets_in=seconds)

    assert dict(limit_headers(Unknown(), [quota], _NOW))[b"x-ratelimit-reset-requests"] == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, b"2026-01-31T23:59:50Z"),
        (0, b"2026-01-31T23:59:50Z"),
        (0.5, b"2026-01-31T23:59:51Z"),
        (10, b"2026-02-01T00:00:00Z"),
    ],
)
def test_anthropic_tells_a_time(seconds, said):
    quota = Quota(unit="tokens", amount=1000, remaining=1, resets_in=seconds)

    assert as_anthropic([quota], _NOW) == (
        (b"anthropic-ratelimit-tokens-limit", b"1000"),
        (b"anthropic-ratelimit-tokens-remaining", b"1"),
        (b"anthropic-ratelimit-tokens-reset", said),
    )
