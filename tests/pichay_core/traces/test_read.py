"""Any file, in any compression: a trace, or a reason why not."""

import gzip
import json

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pichay_core import traces
from pichay_core.traces import FORMATS, NotATrace
from pichay_core.traces.tally import Counts, counts
from tests.pichay_core.traces.samples import RESULT, SAMPLES, claude_code
from tests.pichay_core.traces.shown import lines, only, shown, time
from tests.strategies import brief_law

SAME = [
    "claude-code",
    "codex-rollout",
    "opencode",
    "openai-chat",
    "anthropic-chat",
    "claude-trace",
    "managed-agents",
    "gemini-cli",
    "gemini-stream",
    "copilot",
    "pi",
]
"""Formats that record call ids, and no action for the end of a session."""


def test_every_format_has_a_sample():
    assert {format.name for format in FORMATS} == set(SAMPLES)


@pytest.mark.parametrize("format", SAMPLES)
def test_the_content_says_what_format_it_is(format):
    trace = traces.read("holiday.jpeg", SAMPLES[format])
    assert (trace.format, trace.skipped) == (format, 0)


@pytest.mark.parametrize("format", SAMPLES)
def test_only_one_format_is_recognised_before_the_lists_of_messages(format):
    recording = traces.decode("it", SAMPLES[format])
    names = [one.name for one in FORMATS if one.recognises(recording)]
    assert names[0] == format
    assert set(names[1:]) <= {"anthropic-chat", "openai-chat"}


@pytest.mark.parametrize("format", SAME)
def test_the_same_session_is_the_same_whatever_recorded_it(format):
    read = "Read" if format == "claude-code" else "read"
    conversation = only(traces.read("it", SAMPLES[format]))
    assert conversation.kind == "main"
    assert shown(conversation) == [
        (0, ["u: fix it"], f"a: {read}[t1]"),
        (1, [f"a: {read}[t1]", f"u: t1={RESULT}"], "a: done"),
    ]


@pytest.mark.parametrize("format", SAMPLES)
def test_a_read_has_the_key_and_the_size_of_live_traffic(format):
    conversation = only(traces.read("it", SAMPLES[format]))
    call = conversation.steps[0].reply.calls[0]
    (result,) = conversation.steps[1].new[-1].results
    assert call.tool.lower() == "read"
    assert call.key is not None
    assert (result.bytes, result.lines, result.call_id) == (len(RESULT), 2, call.id)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_compressed_file_is_read_like_a_plain_one(pack):
    assert traces.read("it", pack(claude_code())) == traces.read("it", claude_code())


def test_a_byte_order_mark_and_windows_line_ends_change_nothing():
    windows = b"\xef\xbb\xbf" + claude_code().replace(b"\n", b"\r\n")
    assert traces.read("it", windows) == traces.read("it", claude_code())


def test_a_line_that_was_cut_off_is_counted_and_the_rest_is_read():
    trace = traces.read("it", claude_code()[:-40])
    assert counts(trace) == Counts(conversations=1, turns=1, results=1, bytes=7, skipped=1)


def test_lines_that_are_no_objects_or_nest_too_deeply_are_counted():
    deep = b"[" * 5000 + b"]" * 5000 + b"\n"
    trace = traces.read("it", b'"text"\n17\nnot json\n' + deep + claude_code())
    assert trace.skipped == 4
    assert trace.conversations == traces.read("it", claude_code()).conversations


def test_a_huge_line_is_read_like_any_other():
    text = "x" * 8_000_000
    answer = {"type": "tool_result", "tool_use_id": "t1", "content": text}
    record = {"type": "user", "sessionId": "s", "parentUuid": "4", "uuid": "5",
              "timestamp": time(9), "message": {"role": "user", "content": [answer]}}  # fmt: skip
    trace = traces.read("it", claude_code() + lines(record))
    assert counts(trace).bytes == 8_000_000 + len(RESULT)


NOT_TRACES = {
    "empty": (b" \n", "the file is empty"),
    "binary": (b"\x89PNG\r\n\x1a\n\0\0", "neither JSON"),
    "text": (b"Dear diary,\n", "neither JSON"),
    "a number": (b"17", "neither an object nor a list of objects"),
    "an empty list": (b"[]", "neither an object nor a list of objects"),
    "cut off": (b'{"messages": [', "Input data was truncated"),
    "foreign": (b'{"name": "pichay", "version": 1}', "no recorded session of a known format"),
    "foreign lines": (b'{"a": 1}\n{"a": 2}\n', "no recorded session of a known format"),
    "prompts only": (b'[{"role": "user", "content": "hi"}]', "no recorded session"),
    "other roles": (b'[{"role": "assistant"}, {"role": "king"}]', "no recorded session"),
    "nothing said": (b'{"sessionId": "s", "projectHash": "p", "messages": []}', "nothing is said"),
    "broken gzip": (gzip.compress(b"{}")[:-4], "cut off"),
    "broken zstd": (b"\x28\xb5\x2f\xfd" + b"\xff" * 40, "broken zstd"),
}


@pytest.mark.parametrize("case", NOT_TRACES)
def test_anything_else_is_refused_with_its_name_and_the_reason(case):
    data, reason = NOT_TRACES[case]
    with pytest.raises(NotATrace) as refused:
        traces.read("diary.txt", data)
    assert str(refused.value).startswith("diary.txt: ")
    assert reason in str(refused.value)


def test_a_bomb_is_refused_before_it_has_gone_off():
    bomb = zstandard.ZstdCompressor().compress(bytes(1_000_001))
    with pytest.raises(NotATrace, match="more than 1,000,000 bytes"):
        traces.decode("bomb", bomb, limit=1_000_000)


@pytest.mark.parametrize("format", SAMPLES)
def test_a_file_cut_off_anywhere_is_a_trace_or_refused(format):
    for end in range(0, len(SAMPLES[format]), 7):
        read_or_refused(SAMPLES[format][:end])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 70) | st.floats(allow_nan=False)
    | st.sampled_from(["", "text", "tool_result", "tool_use", "image", '{"a": [1]}', "1", "2"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["type", "text", "content", "id", "a"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@pytest.mark.parametrize("format", SAMPLES)
@given(st.data())
@brief_law
def test_a_value_of_any_other_shape_is_no_surprise(format, data):
    records = [json.loads(line) for line in SAMPLES[format].splitlines()]
    for _ in range(data.draw(st.integers(1, 4))):
        put(records, data.draw(st.sampled_from(places(records))), data.draw(JSON))
    read_or_refused(lines(*records))


def test_arguments_that_nest_to_the_limit_are_kept_as_text():
    deep = json.loads("[" * 195 + "]" * 195)
    call = {"type": "tool_use", "id": "t1", "name": "Read", "input": {"a": deep}}
    messages = [{"role": "user", "content": "go"}, {"role": "assistant", "content": [call]}]
    (step,) = only(traces.read("it", json.dumps(messages).encode())).steps
    assert step.reply.calls[0].tool == "Read"


def read_or_refused(data: bytes) -> None:
    try:
        counts(traces.read("it", data))
    except NotATrace as refused:
        assert str(refused).startswith("it: ")


def places(value, at=()):
    """Where each value inside *value* stands."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, item in inner:
        found.append((*at, key))
        if isinstance(item, dict | list):
            found += places(item, (*at, key))
    return found


def put(value, place, item):
    """Put an item at a place, unless an earlier one took the place away."""
    for key in place[:-1]:
        value = value[key] if has(value, key) else {}
    if has(value, place[-1]):
        value[place[-1]] = item


def has(value, key) -> bool:
    if isinstance(value, dict):
        return key in value
    return isinstance(value, list) and isinstance(key, int) and key < len(value)
