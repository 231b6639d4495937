import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.model import Usage
from pichay_core.wire import gemini
from pichay_core.wire.report import Report
from tests.gemini_replies import frames, text, usage, whole
from tests.strategies import json_values, law

SSE = "text/event-stream"
USED = Usage(input=40, cache_read=60, output=12)


def report(*pieces: bytes, kind: str = SSE) -> Report:
    reader = gemini.reader(kind, "")
    for piece in pieces:
        reader.feed(piece)
    found = reader.report()
    assert reader.report() == found
    return found


@given(st.integers(0, 2000))
@law
def test_a_stream_says_the_same_wherever_it_is_cut(at):
    data = b"".join(frames([text("I look at it.")], used=usage(9, 3)))
    at %= len(data)
    assert report(data[:at], data[at:]) == Report(USED)


def test_a_reply_in_one_piece_says_the_same():
    assert report(whole([text("a")], used=usage(9, 3)), kind="application/json") == Report(USED)


def test_a_stream_that_breaks_off_says_what_it_had_said():
    found = report(frames([text("I look at it.")])[0]).usage
    assert found is not None
    assert found.output == 1


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"promptTokenCount": 5}, Usage(input=5)),
        ({"promptTokenCount": 5, "cachedContentTokenCount": 9}, Usage(cache_read=9)),
        ({"promptTokenCount": 5, "toolUsePromptTokenCount": 2}, Usage(input=7)),
        ({"promptTokenCount": 5, "thoughtsTokenCount": 2}, Usage(input=5, output=2)),
        ({"promptTokenCount": 5, "candidatesTokenCount": None}, Usage(input=5)),
        ({"candidatesTokenCount": 5}, None),
    ],
)
def test_the_counts_of_usage_do_not_overlap(counts, expected):
    said = json.dumps({"usageMetadata": counts}).encode()
    assert report(said, kind="application/json").usage == expected


def test_an_error_is_reported():
    error = b'{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}'
    assert report(error, kind="application/json").error == "RESOURCE_EXHAUSTED"
    assert report(b"data: " + error + b"\n\n").error == "RESOURCE_EXHAUSTED"


def test_of_a_list_nothing_is_known():
    assert report(b"[" + whole([text("a")]) + b"]", kind="application/json") == Report(None)


odd_usage = json_values.map(lambda one: json.dumps({"usageMetadata": one}).encode())


@given(st.one_of(st.binary(), odd_usage), st.sampled_from([SSE, "application/json"]))
@law
def test_a_reply_of_any_kind_is_never_an_error(data, kind):
    report(data, kind=kind)
