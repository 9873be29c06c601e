from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxystore.values import Usage
from proxystore.wire.sse import LONGEST_HELD, Splitter
from tests.wire.streams import (
    AZURE_OPENING,
    CHAT,
    DONE,
    SUMS,
    TOLD,
    USAGE,
    WORD,
    WORD_WITH_NULL,
    cut,
    event,
    run,
    stream,
)

_EXPECTED = Usage(
    input_tokens=20,
    cache_read_tokens=80,
    output_tokens=20,
    reasoning_tokens=30,
    quality="reported",
    response_model="gpt-4o-2024-08-06",
)
_LINE_ENDS = (b"\n", b"\r\n", b"\r")
_SIMPLE = Usage(input_tokens=100, output_tokens=50, quality="reported", response_model="gpt-4o-2024-08-06")


def _with(ends: Iterable[bytes], events: list[bytes]) -> list[bytes]:
    return [text.replace(b"\n", end) for text, end in zip(events, ends, strict=True)]


def _without_ours(events: list[bytes]) -> bytes:
    return b"".join(text for text in events if b'"prompt_tokens"' not in text)


@pytest.mark.parametrize("end", _LINE_ENDS)
@pytest.mark.parametrize("is_stripping", [False, True])
def test_a_stream_cut_at_any_byte_keeps_its_bytes_and_tells_its_usage(end: bytes, is_stripping: bool) -> None:
    events = _with([end] * len(CHAT), CHAT)
    whole = b"".join(events)
    expected = _without_ours(events) if is_stripping else whole

    for place in range(len(whole) + 1):
        meter = stream(is_stripping=is_stripping)

        assert run(meter, cut(whole, place)) == expected
        assert (meter.usage, meter.is_ended, meter.is_failed) == (_EXPECTED, True, False)


@settings(deadline=None)
@given(st.data())
def test_a_stream_in_any_chunks_with_any_line_ends_keeps_its_bytes_and_tells_its_usage(data: st.DataObject) -> None:
    is_stripping = data.draw(st.booleans())
    events = _with(data.draw(st.lists(st.sampled_from(_LINE_ENDS), min_size=len(CHAT), max_size=len(CHAT))), CHAT)
    whole = b"".join(events)
    places = data.draw(st.lists(st.integers(0, len(whole)), max_size=30))
    meter = stream(is_stripping=is_stripping)

    assert run(meter, cut(whole, *places)) == (_without_ours(events) if is_stripping else whole)
    assert (meter.usage, meter.is_ended) == (_EXPECTED, True)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([b"\n", b"\r", b"data: ", b"x", DONE, TOLD, b'"usage":{', b"\xef\xbb\xbf", b"\xff", b":"]))
)
def test_nonsense_passes_unchanged(parts: list[bytes]) -> None:
    assert run(stream(), parts) == b"".join(parts)


@settings(deadline=None)
@given(st.lists(st.binary()))
def test_a_splitter_loses_nothing(chunks: list[bytes]) -> None:
    splitter, seen = Splitter(), []
    for chunk in chunks:
        seen += [piece.text for piece in splitter.feed(chunk, is_last=False)]
        assert b"".join(seen) + splitter.held == b"".join(chunks)[: len(b"".join(seen) + splitter.held)]
    seen += [piece.text for piece in splitter.feed(b"", is_last=True)]

    assert b"".join(seen) == b"".join(chunks)
    assert splitter.is_between


@pytest.mark.parametrize("end", _LINE_ENDS)
def test_the_end_is_seen_with_the_last_byte_of_its_mark(end: bytes) -> None:
    whole = b"".join(CHAT).replace(b"\n", end)
    mark = whole.index(b"[DONE]") + len(b"[DONE]")
    meter = stream()

    for place, (begin, until) in enumerate(pairwise(range(len(whole) + 1)), start=1):
        meter.feed(whole[begin:until], is_last=False)
        assert meter.is_ended == (place >= mark)


@pytest.mark.parametrize("mark", [b"data:[DONE]\n\n", b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE] \r\n\r\n"])
def test_the_end_mark_may_be_spelt_otherwise(mark: bytes) -> None:
    meter = stream(is_stripping=True)

    assert run(meter, [WORD, TOLD, mark]) == WORD + mark
    assert (meter.usage, meter.is_ended) == (_EXPECTED, True)


@pytest.mark.parametrize(
    "text",
    [b"data: x[DONE]\n\n", b": [DONE]\n\n", event(b'"content":"data: [DONE]"'), b"event: [DONE]\n\n", b"[DONE]\n\n"],
)
def test_what_only_mentions_the_end_mark_does_not_end(text: bytes) -> None:
    meter = stream()
    run(meter, [WORD, text, WORD])

    assert not meter.is_ended


def test_a_stream_that_goes_on_after_its_end_passes() -> None:
    meter = stream(is_stripping=True)

    assert run(meter, [DONE, WORD, TOLD, b": bye\n\n"]) == DONE + WORD + b": bye\n\n"
    assert meter.usage == _EXPECTED


def test_a_chunk_with_content_only_is_forwarded_as_the_very_same_object() -> None:
    meter = stream(is_stripping=True)
    chunks = [WORD, WORD_WITH_NULL, WORD.replace(b"\n", b"\r\n"), WORD + WORD, WORD.replace(b"data: ", b"data:")]

    assert [meter.feed(chunk, is_last=False) is chunk for chunk in chunks] == [True] * len(chunks)


def test_several_events_in_one_chunk_are_told_apart() -> None:
    meter = stream(is_stripping=True)

    assert meter.feed(b"".join(CHAT), is_last=False) == _without_ours(CHAT)


@pytest.mark.parametrize("beside", [WORD, WORD_WITH_NULL, b": keep-alive\n\n", b"data: not JSON\n\n"])
@pytest.mark.parametrize(
    "text", [TOLD, DONE, event(b'"error":{}'), event(b'"timings":{"predicted_n":1}'), event(b'"x_groq":{"error":"x"}')]
)
def test_what_is_told_among_other_events_is_heard(beside: bytes, text: bytes) -> None:
    alone, among = stream(), stream()
    run(alone, [WORD, text])
    run(among, [WORD, WORD + beside + text + beside])

    assert (among.usage, among.is_ended, among.is_failed) == (alone.usage, alone.is_ended, alone.is_failed)


def test_only_the_event_we_caused_is_taken_out() -> None:
    ours = TOLD
    theirs = [
        AZURE_OPENING,
        event(USAGE),
        event(b'"usage":null', choices=b"[]"),
        event(USAGE, choices=b"null"),
        event(USAGE, choices=b""),
    ]
    meter = stream(is_stripping=True)

    assert run(meter, [*theirs, ours, DONE]) == b"".join(theirs) + DONE


def test_an_error_beside_usage_is_not_taken_out() -> None:
    text = event(b'"error":{"message":"overloaded"},' + USAGE, choices=b"[]")
    meter = stream(is_stripping=True)

    assert run(meter, [text]) == text
    assert meter.is_failed


def test_an_event_of_ours_without_its_empty_line_is_taken_out() -> None:
    assert run(stream(is_stripping=True), [WORD, TOLD.rstrip()]) == WORD


def test_what_is_held_back_is_let_go_at_the_end() -> None:
    meter = stream(is_stripping=True)

    assert meter.feed(b"data: {half", is_last=False) == b""
    assert meter.feed(b"", is_last=True) == b"data: {half"


@settings(deadline=None, max_examples=20)
@given(st.integers(-3, 3), st.integers(500, 40_000), st.sampled_from(_LINE_ENDS))
def test_an_event_too_long_to_hold_passes_and_the_next_one_is_read(more: int, size: int, end: bytes) -> None:
    long = event(b'"padding":"%b"' % (b"x" * (LONGEST_HELD + more))).replace(b"\n", end)
    whole = WORD + long + TOLD + DONE
    meter, forwarded, held = stream(is_stripping=True), b"", 0
    for begin in range(0, len(whole), size):
        forwarded += meter.feed(whole[begin : begin + size], is_last=False)
        held = max(held, begin + size - len(forwarded) - len(TOLD))

    assert forwarded == WORD + long + DONE
    assert held <= LONGEST_HELD
    assert meter.usage == _EXPECTED


@pytest.mark.parametrize(
    "text",
    [
        b'data: {"model":"gpt-4o-2024-08-06","choices":[],\ndata: "usage":{%b}}\n\n' % SUMS,
        b'\xef\xbb\xbfdata: {"model":"gpt-4o-2024-08-06","choices":[],"usage":{%b}}\n\n' % SUMS,
        b': note\nid: 7\nevent: message\nretry: 10\ndata:{"model":"gpt-4o-2024-08-06","choices":[],"usage":{%b}}\n\n'
        % SUMS,
        b'data: {"model":"gpt-4o-2024-08-06","choices" : [ ],"usage" : {%b}}\n\n' % SUMS,
        b'data: {"usage":null,"model":"x","model":"gpt-4o-2024-08-06","choices":[1],"choices":[],"usage":{%b}}\n\n'
        % SUMS,
        b'data: {"n":1e400,"model":"gpt-4o-2024-08-06","choices":[],"usage":{%b}}\n\n' % SUMS,
    ],
)
def test_usage_is_found_however_the_event_is_written(text: bytes) -> None:
    for place in range(len(text)):
        meter = stream(is_stripping=True)

        assert run(meter, cut(text, place)) == b""
        assert meter.usage == _SIMPLE


@pytest.mark.parametrize(
    "text",
    [
        b'data: {"usage":{"prompt_tokens":1\n\n',
        b'data: {"choices":[],"usage":{"prompt_tokens":1},"id":"\xff"\n\n',
        b"data: {" + b'"a":[' * 50_000 + b"\n\n",
        b'data: {"usage":' + b"[" * 50_000 + b"]" * 50_000 + b"}\n\n",
        b'data: {"choices":[],"usage":{"prompt_tokens":1e400}}\n\n',
        b'data: {"choices":[],"usage":{"prompt_tokens":"1","completion_tokens":true,"total_tokens":[]}}X\n\n',
        b'data: ["usage"]\n\n',
        b"data\n\n",
        b"data: 7\n\n",
    ],
)
def test_what_cannot_be_read_is_forwarded_and_missing(text: bytes) -> None:
    for is_stripping in (False, True):
        meter = stream(is_stripping=is_stripping)

        assert run(meter, [WORD, text]) == WORD + text
        assert meter.usage == Usage(response_model="gpt-4o-2024-08-06")
        assert not meter.is_failed


def test_the_last_of_running_counts_wins() -> None:
    running = [
        event(b'"usage":{"prompt_tokens":7,"completion_tokens":%d,"total_tokens":%d}' % (n, 7 + n)) for n in range(4)
    ]
    meter = stream(is_stripping=True)

    assert run(meter, [*running, DONE]) == b"".join(running) + DONE
    assert (meter.usage.input_tokens, meter.usage.output_tokens) == (7, 3)


def test_an_empty_usage_object_does_not_undo_one_that_was_told() -> None:
    meter = stream()
    run(meter, [TOLD, event(b'"usage":{}'), DONE])

    assert meter.usage == _EXPECTED


def test_groq_tells_usage_in_a_place_of_its_own() -> None:
    meter = stream()
    run(
        meter,
        [
            event(b'"x_groq":{"id":"req_1"}'),
            event(b'"x_groq":{"id":"req_1","usage":{"queue_time":0.1,%b}}' % SUMS),
            DONE,
        ],
    )

    assert meter.usage == _SIMPLE


def test_llama_cpp_tells_timings_and_usage_is_better() -> None:
    timings = event(b'"timings":{"cache_n":700,"prompt_n":260,"prompt_ms":1.5,"predicted_n":2}')
    meter = stream()
    run(meter, [WORD, timings.replace(b":2}", b":1}"), timings])
    timed = meter.usage
    run(meter, [TOLD, timings])

    assert (timed.input_tokens, timed.cache_read_tokens, timed.output_tokens, timed.quality) == (
        260,
        700,
        2,
        "reported",
    )
    assert meter.usage == _EXPECTED


@pytest.mark.parametrize(
    "text",
    [
        b'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n',
        b'data: {"error": "overloaded"}\r\n\r\n',
        b'event: error\ndata: {"message":"overloaded"}\n\n',
        b"event: error\ndata: overloaded\n\n",
        b'data: {"object":"error","message":"overloaded","code":400}\n\n',
        event(b'"x_groq":{"id":"req_1","error":"over_capacity"}'),
        event(b'"error":{"code":502,"message":"provider disconnected"}'),
    ],
)
def test_an_error_in_a_stream_is_a_failure(text: bytes) -> None:
    for place in range(len(text)):
        meter = stream()

        assert run(meter, [WORD, *cut(text, place), DONE]) == WORD + text + DONE
        assert meter.is_failed


@pytest.mark.parametrize(
    "text", [event(b'"error":null'), event(b'"said":"error"'), event(b'"error":{}'), b"event: errors\ndata: {}\n\n"]
)
def test_talking_of_errors_is_no_failure(text: bytes) -> None:
    meter = stream()
    run(meter, [WORD, text])

    assert not meter.is_failed


def test_a_stream_without_usage_still_names_its_model() -> None:
    meter = stream()
    run(meter, [WORD, WORD, DONE])

    assert meter.usage == Usage(quality="missing", response_model="gpt-4o-2024-08-06")


def test_an_error_beside_a_running_count_is_heard() -> None:
    for fields in (b'"object":"error",', b'"x_groq":{"error":"x"},', b'"error":{"message":"x"},'):
        meter = stream()
        run(meter, [b'data: {%b"model":"gpt-4o-2024-08-06","choices":[],"usage":{%b}}\n\n' % (fields, SUMS)])

        assert (meter.usage, meter.is_failed) == (_SIMPLE, True)


def test_choices_of_another_kind_hide_nothing_else() -> None:
    for choices in (b'{"a":1}', b"7", b"[7]", b'[{"finish_reason":7}]', b"null"):
        meter = stream()
        run(meter, [event(USAGE, choices=choices)])

        assert meter.usage == _EXPECTED
