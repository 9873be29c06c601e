"""``POST /v1/responses``."""

from __future__ import annotations

import msgspec

from proxystore.values import Usage
from tests.wire.recorded.recording import EVENTS, Recording, events

_USAGE = (
    b'{"input_tokens":100,"input_tokens_details":{"cached_tokens":80},"output_tokens":50,'
    b'"output_tokens_details":{"reasoning_tokens":30},"total_tokens":150}'
)
_RESPONSE = (
    b'{"id":"resp_1","object":"response","created_at":1700000000,"status":"%b","background":false,"error":%b,'
    b'"incomplete_details":%b,"instructions":"Say \\"usage\\": {\\"input_tokens\\": 7}.","model":"gpt-5-2025-08-07",'
    b'"output":[{"id":"msg_1","type":"message","status":"completed","content":[{"type":"output_text","text":"a } {"}],'
    b'"role":"assistant"}],"parallel_tool_calls":true,"service_tier":"%b","tools":[{"type":"function","name":"f",'
    b'"parameters":{"type":"object","properties":{"usage":{"type":"string"}}}}],"usage":%b,"user":null,"metadata":{}}'
)
_EXPECTED = Usage(
    input_tokens=20,
    cache_read_tokens=80,
    output_tokens=20,
    reasoning_tokens=30,
    quality="reported",
    response_model="gpt-5-2025-08-07",
)
_SEARCHED = msgspec.structs.replace(_EXPECTED, requests=2)
_SEARCHES = (
    b'"output":[{"id":"ws_1","type":"web_search_call","status":"completed","action":{"type":"search","query":"a"}},'
    b'{"id":"ws_2","type":"web_search_call","status":"completed","action":{"type":"open_page","url":"b"}},'
    b'{"id":"ws_3","type":"web_search_call","status":"completed"},'
)
_DELTA = b'{"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","delta":" \xe2\x98\x83 error"}'
_PART = b'{"type":"response.content_part.added","sequence_number":3,"part":{"type":"output_text","text":""}}'


def response(
    status: bytes = b"completed",
    *,
    usage: bytes = _USAGE,
    error: bytes = b"null",
    details: bytes = b"null",
    tier: bytes = b"default",
) -> bytes:
    """Return a response."""
    return _RESPONSE % (status, error, details, tier, usage)


def event(kind: bytes, said: bytes) -> bytes:
    """Return what an event says that holds a response."""
    return b'{"type":"response.%b","sequence_number":9,"response":%b}' % (kind, said)


def _stream(*ends: bytes, line: bytes = b"\n", is_named: bool = True) -> bytes:
    begin = (event(kind, response(b"in_progress", usage=b"null")) for kind in (b"created", b"in_progress"))
    return events(*begin, _PART, _DELTA, _DELTA, *ends, end=line, is_named=is_named)


def _recording(name: str, body: bytes, usage: Usage = _EXPECTED, **more) -> Recording:
    return Recording(name=f"responses: {name}", path="/v1/responses", body=body, usage=usage, **more)


def _streamed(name: str, body: bytes, usage: Usage = _EXPECTED, **more) -> Recording:
    asked = b'{"model":"gpt-5","input":"hi","stream":true}'
    told = {"is_ended": True, "content_type": EVENTS, "asked": asked, **more}
    return _recording(name, body, usage, **told)


_COMPLETED = event(b"completed", response())
_CUT_SHORT = event(b"incomplete", response(b"incomplete", details=b'{"reason":"max_output_tokens"}'))
_FAILED = event(
    b"failed", response(b"failed", usage=b"null", error=b'{"code":"server_error","message":"The server had an error."}')
)
_WITH_SEARCHES = response().replace(b'"output":[', _SEARCHES)
_ERROR = b'{"type":"error","code":"server_error","message":"Sorry.","param":null,"sequence_number":9}'
_NOTHING = Usage(response_model="gpt-5-2025-08-07")

RECORDINGS = [
    _recording("document", response(), finish_reason="stop"),
    _recording("document, the web searched", _WITH_SEARCHES, _SEARCHED, finish_reason="stop"),
    _streamed(
        "stream, the web searched", _stream(event(b"completed", _WITH_SEARCHES)), _SEARCHED, finish_reason="stop"
    ),
    _recording(
        "document, flex",
        response(tier=b"flex"),
        Usage(
            input_tokens=20,
            cache_read_tokens=80,
            output_tokens=20,
            reasoning_tokens=30,
            quality="reported",
            response_model="gpt-5-2025-08-07",
            service_tier="flex",
        ),
        finish_reason="stop",
    ),
    _recording(
        "document, filtered",
        response(b"incomplete", details=b'{"reason":"content_filter"}'),
        finish_reason="content_filter",
    ),
    _recording("document, in the background", response(b"queued", usage=b"null"), _NOTHING),
    _recording("document, failed", response(b"failed", usage=b"null", error=b'{"code":"x"}'), _NOTHING, is_failed=True),
    _recording(
        "document, nothing used",
        response(usage=b'{"input_tokens":0,"output_tokens":0,"total_tokens":0}'),
        Usage(quality="reported", response_model="gpt-5-2025-08-07"),
        finish_reason="stop",
    ),
    Recording(
        name="responses: compacted",
        path="/v1/responses/compact",
        body=b'{"id":"resp_2","object":"response.compaction","created_at":1,"output":[],"usage":%b}' % _USAGE,
        usage=Usage(input_tokens=20, cache_read_tokens=80, output_tokens=20, reasoning_tokens=30, quality="reported"),
    ),
    Recording(
        name="responses: tokens counted",
        path="/v1/responses/input_tokens",
        body=b'{"object":"response.input_tokens","input_tokens":11}',
        usage=Usage(quality="reported"),
    ),
    Recording(
        name="responses: cancelled",
        path="/v1/responses/resp_1/cancel",
        body=response(b"cancelled"),
        usage=Usage(quality="reported"),
    ),
    _streamed("stream", _stream(_COMPLETED), finish_reason="stop", seen=6),
    _streamed("stream, CRLF", _stream(_COMPLETED, line=b"\r\n"), finish_reason="stop"),
    _streamed("stream, unnamed events", _stream(_COMPLETED, is_named=False), finish_reason="stop"),
    _streamed("stream, cut short", _stream(_CUT_SHORT), finish_reason="length"),
    _streamed("stream, failed", _stream(_FAILED), _NOTHING, is_failed=True),
    _streamed("stream, error", _stream(_ERROR), _NOTHING, is_failed=True),
    _streamed("stream, broken off", _stream(), _NOTHING, is_ended=False),
]
