"""What providers send, cut at every byte: forwarded as it came, and understood."""

from __future__ import annotations

import itertools
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxystore.values import Usage
from proxystore.wire.reading.cutting import LONGEST_WHOLE
from tests.wire.recorded import ALL
from tests.wire.recorded.openai_responses import event, response
from tests.wire.recorded.recording import EVENTS, LINES, Recording, events
from tests.wire.streams import cut, run

_each = pytest.mark.parametrize("recording", ALL, ids=lambda recording: recording.name)
_STREAMS = [each for each in ALL if each.content_type in {EVENTS, LINES} or each.body.startswith(b"[")]
_each_stream = pytest.mark.parametrize("recording", _STREAMS, ids=lambda recording: recording.name)


def _told(meter):
    return meter.usage, meter.finish_reason, meter.is_ended, meter.is_failed


def _expected(recording):
    return recording.usage, recording.finish_reason, recording.is_ended, recording.is_failed


@_each
def test_a_response_in_one_piece_is_the_very_same_object(recording: Recording):
    meter = recording.meter()

    assert meter.feed(recording.body, is_last=True) is recording.body
    assert _told(meter) == _expected(recording)


@_each
def test_a_response_cut_at_any_byte_keeps_its_bytes_and_tells_its_usage(recording: Recording):
    for place in range(len(recording.body)):
        meter = recording.meter()

        assert run(meter, cut(recording.body, place)) == recording.body
        assert _told(meter) == _expected(recording)


@_each_stream
def test_a_stream_byte_by_byte_tells_the_same(recording: Recording):
    meter = recording.meter()

    assert run(meter, cut(recording.body, *range(len(recording.body)))) == recording.body
    assert _told(meter) == _expected(recording)


@_each
@settings(deadline=None, max_examples=10)
@given(data=st.data())
def test_a_response_in_any_pieces_tells_the_same(recording: Recording, data: st.DataObject):
    places = data.draw(st.lists(st.integers(0, len(recording.body)), max_size=20))
    meter = recording.meter()

    assert run(meter, cut(recording.body, *places)) == recording.body
    assert _told(meter) == _expected(recording)


@_each_stream
def test_one_event_at_a_time_counts_what_passes(recording: Recording):
    meter = recording.meter()
    end = b"\r\n\r\n" if b"\r\n\r\n" in recording.body else b"\n" if recording.content_type == LINES else b"\n\n"
    pieces = [each + end for each in recording.body.split(end)[:-1]] or [recording.body]

    assert [meter.feed(each, is_last=False) is each for each in pieces] == [True] * len(pieces)
    if recording.seen:
        assert meter.estimated_output_tokens == recording.seen


@_each
@settings(deadline=None, max_examples=8)
@given(data=st.data())
def test_damage_never_raises_and_never_changes_a_byte(recording: Recording, data: st.DataObject):
    body = bytearray(recording.body)
    for place in data.draw(st.lists(st.integers(0, len(body) - 1), min_size=1, max_size=8)):
        body[place] = data.draw(st.integers(0, 255))
    meter = recording.meter()

    assert run(meter, cut(bytes(body), len(body) // 2)) == bytes(body)
    assert meter.usage is not None


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/responses", "/v1/images/edits", "/v1/audio/speech", "/v1/messages"),
        *("/v1/models/m:streamGenerateContent", "/api/chat", "/api/embed"),
    ],
)
@settings(deadline=None, max_examples=30)
@given(
    parts=st.lists(
        st.sampled_from(
            [
                *(
                    b"\n",
                    b"\r",
                    b"data: ",
                    b"data: {}\n\n",
                    b"[",
                    b"]",
                    b"{",
                    b"}",
                    b'"',
                    b"\\",
                    b'"usage":{',
                    b"\xff",
                    b"null",
                ),
                *(b'{"type":"message_start","message":7}', b'{"response":[]}', b'{"usageMetadata":[]}', b'{"usage":7}'),
            ]
        )
    )
)
def test_nonsense_passes_unchanged(path: str, parts: list[bytes]):
    for content_type in (EVENTS, LINES, b"application/json", b""):
        recording = Recording(name="", path=path, body=b"".join(parts), usage=Usage(), content_type=content_type)
        call = recording.format.read(path, b'{"stream":true}')
        meter = recording.format.meter(call, content_type=content_type, is_stripping=False)
        if meter is not None:
            assert run(meter, parts) == b"".join(parts)
            assert meter.usage.response_model is None


@pytest.mark.parametrize("size", [1000, 65_536, 3_000_000])
def test_a_long_end_is_heard_whatever_its_length(size: int):
    said = response().replace(b'"a } {"', b'"' + b"x" * (2 * LONGEST_WHOLE) + b'"')
    recording = Recording(
        name="",
        path="/v1/responses",
        body=events(event(b"completed", said)),
        usage=Usage(),
        content_type=EVENTS,
    )
    meter = recording.meter()

    assert run(meter, [recording.body[at : at + size] for at in range(0, len(recording.body), size)]) == recording.body
    assert (meter.usage.input_tokens, meter.usage.cache_read_tokens, meter.usage.quality) == (20, 80, "reported")
    assert meter.is_ended


def test_an_image_in_an_array_or_an_event_is_not_kept_and_the_usage_behind_it_is_heard():
    piece = (
        b'{"candidates":[{"content":{"parts":[{"inlineData":{"data":"%b"}}]},"finishReason":"STOP"}],'
        b'"usageMetadata":{"promptTokenCount":7,"candidatesTokenCount":1290,"totalTokenCount":1297,'
        b'"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1290}]}}' % (b"x" * 3_000_000)
    )
    for content_type, body in ((EVENTS, events(piece)), (b"application/json", b"[" + piece + b"]")):
        recording = Recording(
            name="",
            path="/v1beta/models/m:streamGenerateContent",
            body=body,
            usage=Usage(),
            content_type=content_type,
        )
        meter = recording.meter()
        for at in range(0, len(body), 65_536):
            meter.feed(body[at : at + 65_536], is_last=False)
            assert sum(map(len, meter._held._parts)) <= LONGEST_WHOLE + 65_536

        assert meter.usage == Usage(input_tokens=7, output_image_tokens=1290, quality="reported")
        assert meter.finish_reason == "stop"


def test_sound_and_subtitles_are_not_read():
    recording = Recording(name="", path="/v1/audio/transcriptions", body=b"", usage=Usage())
    for content_type in (b"audio/mpeg", b"text/plain; charset=utf-8", b"application/x-subrip"):
        assert (
            recording.format.meter(recording.format.read("", b""), content_type=content_type, is_stripping=False)
            is None
        )


@pytest.mark.parametrize("candidates", [b"7", b"[7]", b"{}", b'[{"finishReason":7}]', b"null"])
def test_candidates_of_another_kind_hide_nothing_else(candidates: bytes):
    body = b'{"candidates":%b,"promptFeedback":[],"usageMetadata":{"promptTokenCount":7}}' % candidates
    recording = Recording(name="", path="/v1/models/m:generateContent", body=body, usage=Usage())
    meter = recording.meter()

    assert run(meter, [body]) == body
    assert meter.usage == Usage(input_tokens=7, quality="reported")


_ODD = itertools.cycle([7, [7], {}, "x", None, True, -1, 1.5, [[]], {"a": {}}, [{"finishReason": 7}], 10**30])


def _places(value, place=()):
    yield place
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield from _places(member, (*place, name))


def _replaced(text: bytes, place: tuple, odd: object) -> bytes:
    whole = {"": json.loads(text)}
    part = whole
    for name in ("", *place)[:-1]:
        part = part[name]
    part[("", *place)[-1]] = odd
    return json.dumps(whole[""]).encode()


@_each
def test_a_value_of_another_kind_anywhere_never_raises(recording: Recording):
    for text in re.findall(
        rb"(?m)^(?:data: )?[\[,]?(\{.*\})\]?\r?$", recording.body.replace(b'},{"cand', b'},\n{"cand')
    ):
        for place in _places(json.loads(text)):
            body = recording.body.replace(text, _replaced(text, place, next(_ODD)), 1)
            meter = recording.meter()

            assert run(meter, [body]) == body
            assert min(getattr(meter.usage, name) for name in _COUNTED) >= 0
            assert isinstance(meter.finish_reason, str | None)


_COUNTED = [field for field in Usage.__struct_fields__ if field.endswith("_tokens") or field in {"requests", "seconds"}]


@pytest.mark.parametrize("size", [1000, 65_536, 3_000_000])
def test_a_line_that_says_the_whole_conversation_in_numbers_is_heard(size: int):
    body = (
        b'{"model":"llama3:8b","created_at":"2023-08-04T19:22:45Z","response":"","done":true,"done_reason":"length",'
        b'"context":[%b1],"total_duration":10706818083,"prompt_eval_count":26,"eval_count":259,"eval_duration":4}\n'
        % (b"128000," * (LONGEST_WHOLE // 5))
    )
    recording = Recording(name="", path="/api/generate", body=body, usage=Usage(), content_type=LINES)
    meter = recording.meter()

    assert run(meter, [body[at : at + size] for at in range(0, len(body), size)]) == body
    expected = Usage(input_tokens=26, output_tokens=259, quality="reported", response_model="llama3:8b")
    assert _told(meter) == (expected, "length", True, False)
