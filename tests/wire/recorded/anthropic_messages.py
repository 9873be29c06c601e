"""``POST /v1/messages``."""

from __future__ import annotations

from proxystore.values import Usage
from tests.wire.recorded.recording import EVENTS, Recording, events

_MODEL = "claude-sonnet-4-5-20250929"
_USAGE = (
    b'{"input_tokens":20,"cache_creation_input_tokens":10,"cache_read_input_tokens":80,"cache_creation":'
    b'{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":6},"output_tokens":%d,"service_tier":"standard",'
    b'"inference_geo":"global"}'
)
_MESSAGE = (
    b'{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":%b,'
    b'"stop_reason":%b,"stop_sequence":null,"usage":%b}'
)
_TEXT = b'[{"type":"text","text":"Say \\"usage\\": {\\"output_tokens\\": 1}, message_stop."}]'
_EXPECTED = Usage(
    input_tokens=20,
    cache_read_tokens=80,
    cache_write_tokens=4,
    cache_write_1h_tokens=6,
    output_tokens=50,
    quality="reported",
    response_model=_MODEL,
)
START = b'{"type":"message_start","message":%b}' % (_MESSAGE % (b"[]", b"null", _USAGE % 1))
_BLOCK = b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'
PING = b'{"type": "ping"}'
WORD = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" \xe2\x98\x83 error"}}'
_BLOCK_END = b'{"type":"content_block_stop","index":0}'
STOP = b'{"type":"message_stop"}'
_OVERLOADED = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}'


def delta(usage: bytes, reason: bytes = b'"end_turn"') -> bytes:
    """Return what the last event but one says."""
    return b'{"type":"message_delta","delta":{"stop_reason":%b,"stop_sequence":null},"usage":%b}' % (reason, usage)


def stream(*ends: bytes, start: bytes = START, line: bytes = b"\n", is_named: bool = True) -> bytes:
    """Return a stream."""
    said = (start, _BLOCK, PING, WORD, WORD, WORD, _BLOCK_END, *ends)
    return events(*said, end=line, is_named=is_named)


def _replaced(**fields) -> Usage:
    told = {name: getattr(_EXPECTED, name) for name in _EXPECTED.__struct_fields__}
    return Usage(**{**told, **fields})


def _recording(name: str, body: bytes, usage: Usage = _EXPECTED, **more) -> Recording:
    return Recording(name=f"messages: {name}", path="/v1/messages", body=body, usage=usage, **more)


def _streamed(name: str, body: bytes, usage: Usage = _EXPECTED, **more) -> Recording:
    told = {"is_ended": True, "content_type": EVENTS, "finish_reason": "stop", **more}
    return _recording(name, body, usage, asked=b'{"model":"claude-sonnet-4-5","stream":true}', **told)


_ALL_AGAIN = (
    b'{"input_tokens":25,"cache_creation_input_tokens":10,"cache_read_input_tokens":90,"output_tokens":50,'
    b'"output_tokens_details":{"thinking_tokens":30},"server_tool_use":{"web_search_requests":3,"web_fetch_requests":1}}'
)
_START_OF_ZEROS = START.replace(b'"input_tokens":20', b'"input_tokens":0').replace(
    b'"cache_read_input_tokens":80', b'"cache_read_input_tokens":0'
)
_NULLS = b'{"input_tokens":null,"cache_read_input_tokens":null,"output_tokens":50,"server_tool_use":null}'

RECORDINGS = [
    _recording("document", _MESSAGE % (_TEXT, b'"end_turn"', _USAGE % 50), finish_reason="stop"),
    _recording("document, tool", _MESSAGE % (_TEXT, b'"tool_use"', _USAGE % 50), finish_reason="tool_calls"),
    _recording(
        "document, fast and thought over",
        _MESSAGE
        % (
            _TEXT,
            b'"max_tokens"',
            b'{"input_tokens":0,"output_tokens":50,"output_tokens_details":{"thinking_tokens":30},"speed":"fast"}',
        ),
        Usage(output_tokens=20, reasoning_tokens=30, quality="reported", response_model=_MODEL, service_tier="fast"),
        finish_reason="length",
    ),
    _recording(
        "document, held to the US",
        _MESSAGE % (_TEXT, b'"end_turn"', b'{"input_tokens":7,"output_tokens":5,"inference_geo":"us"}'),
        Usage(input_tokens=7, output_tokens=5, quality="reported", response_model=_MODEL, service_tier="us"),
        finish_reason="stop",
    ),
    _recording(
        "document, priority, an older cache",
        _MESSAGE
        % (
            _TEXT,
            b'"refusal"',
            b'{"input_tokens":20,"cache_creation_input_tokens":10,"output_tokens":0,"service_tier":"priority"}',
        ),
        Usage(
            input_tokens=20,
            cache_write_tokens=10,
            quality="reported",
            response_model=_MODEL,
            service_tier="priority",
        ),
        finish_reason="content_filter",
    ),
    Recording(
        name="messages: at Google's",
        path="/v1/projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict",
        body=_MESSAGE % (_TEXT, b'"end_turn"', _USAGE % 50),
        usage=_EXPECTED,
        finish_reason="stop",
    ),
    Recording(
        name="messages: tokens counted",
        path="/v1/messages/count_tokens",
        asked=b'{"model":"claude-sonnet-4-5","messages":[]}',
        body=b'{"input_tokens":2095}',
        usage=Usage(quality="reported"),
    ),
    _streamed("stream", stream(delta(b'{"output_tokens":50}'), STOP), seen=9),
    _streamed("stream, CRLF", stream(delta(b'{"output_tokens":50}'), STOP, line=b"\r\n")),
    _streamed("stream, unnamed events", stream(delta(b'{"output_tokens":50}'), STOP, is_named=False)),
    _streamed("stream, nulls tell nothing", stream(delta(_NULLS), STOP)),
    _streamed(
        "stream, all told again",
        stream(delta(_ALL_AGAIN, b'"tool_use"'), STOP),
        _replaced(input_tokens=25, cache_read_tokens=90, output_tokens=20, reasoning_tokens=30, requests=3),
        finish_reason="tool_calls",
    ),
    _streamed(
        "stream, several deltas",
        stream(delta(b'{"output_tokens":20}', b"null"), delta(b'{"output_tokens":50}'), STOP),
    ),
    _streamed(
        "stream, input told late",
        stream(
            delta(b'{"input_tokens":20,"cache_read_input_tokens":80,"output_tokens":50}'), STOP, start=_START_OF_ZEROS
        ),
    ),
    _streamed(
        "stream, zeros at the end",
        stream(delta(b'{"input_tokens":0,"cache_read_input_tokens":0,"output_tokens":50}'), STOP),
    ),
    _streamed("stream, nothing written", stream(delta(b'{"output_tokens":0}'), STOP), _replaced(output_tokens=0)),
    _streamed(
        "stream, broken off",
        stream(),
        _replaced(output_tokens=7, quality="estimated"),
        is_ended=False,
        finish_reason=None,
    ),
    _streamed(
        "stream, overloaded",
        stream(_OVERLOADED),
        _replaced(output_tokens=8, quality="estimated"),
        is_failed=True,
        finish_reason=None,
    ),
]
