"""What a reply of OpenAI Responses says about itself is read as it passes, wherever it is cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.model import Usage
from pichay_core.wire.openai_responses import reader
from pichay_core.wire.report import Drop, Report
from tests.responses_items import says
from tests.responses_replies import ended, event, frames, head, whole
from tests.strategies import cuts, json_values, law

USAGE = Usage(input=3, cache_read=100, output=10)


def read(*pieces, kind="text/event-stream"):
    found = reader(kind, "")
    for piece in pieces:
        found.feed(piece)
    return found.report()


def of(usage, **more):
    return read(json.dumps({**ended([]), "usage": usage, **more}).encode(), kind="application/json")


@given(st.data())
@law
def test_a_stream_says_the_same_wherever_it_is_cut(data):
    said = b"".join(frames([says("x")]))
    assert read(*data.draw(cuts(said))) == Report(USAGE)


def test_a_reply_in_one_piece_says_the_same():
    assert read(whole([says("x")]), kind="application/json") == Report(USAGE)


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({}, Usage(input=100, output=5)),
        ({"cached_tokens": 60}, Usage(input=40, cache_read=60, output=5)),
        (
            {"cached_tokens": 60, "cache_write_tokens": 30},
            Usage(input=10, cache_read=60, cache_write_5m=30, output=5),
        ),
        (
            {
                "cache_write_tokens": 30,
                "cache_write_tokens_details": {"ttl_12h_tokens": 20, "ttl_30m_tokens": 10},
            },
            Usage(input=70, cache_write_5m=10, cache_write_1h=20, output=5),
        ),
        ({"cached_tokens": 500}, Usage(input=0, cache_read=500, output=5)),
        ({"cached_tokens": None}, Usage(input=100, output=5)),
        (None, Usage(input=100, output=5)),
    ],
)
def test_the_counts_of_usage_do_not_overlap(details, expected):
    counts = {"input_tokens": 100, "input_tokens_details": details, "output_tokens": 5}
    assert of(counts).usage == expected


def test_without_input_tokens_nobody_knows_what_it_cost():
    assert of({"output_tokens": 5}).usage is None
    assert of(None).usage is None


@pytest.mark.parametrize(("more", "id"), [({"store": True}, "resp_1"), ({}, "")])
def test_a_reply_that_the_provider_keeps_may_be_gone_on_from_by_its_id(more, id):
    assert read(*frames([says("x")], **more)).id == id
    assert of(None, **more).id == id


@pytest.mark.parametrize(
    "said",
    [
        [event("error", 1, code="server_error", message="x", param=None)],
        [event("response.failed", 1, response=ended([], "failed",
               error={"code": "server_error", "message": "x"}))],
    ],
)  # fmt: skip
def test_an_error_in_mid_stream_is_reported(said):
    assert read(event("response.created", 0, response=head()), *said).error == "server_error"


def test_an_error_in_one_piece_is_reported_by_its_type():
    error = {"error": {"type": "invalid_request_error", "code": "x", "message": "y"}}
    assert read(json.dumps(error).encode(), kind="application/json").error == (
        "invalid_request_error"
    )


def test_what_was_dropped_and_why_nothing_was_cached_is_read():
    removed = {"type": "reasoning", "action": "removed", "id": "rs_1", "reason": "prefix_mismatch"}
    miss = {"type": "cache_miss", "reason": "tools_changed", "cache_missed_tokens": 7}
    found = of(None, input_transformations=[removed, {}], prompt_cache_diagnostics=miss)
    assert found.dropped == (Drop("rs_1", "prefix_mismatch"),)
    assert (found.cache_miss, found.missed_tokens) == ("tools_changed", 7)


def test_what_the_model_writes_is_never_taken_for_what_the_provider_says():
    said = json.dumps({"usage": {"input_tokens": 1}, "error": {"type": "x"}, "id": "resp_9"})
    assert read(*frames([says(said)], size=500)) == Report(USAGE)


@given(json_values, st.sampled_from(["text/event-stream", "application/json", ""]))
@law
def test_a_reply_of_any_kind_is_never_an_error(said, kind):
    data = json.dumps({"usage": said, "response": said, "error": said}).encode()
    read(data, b"data: " + data + b"\n\n", kind=kind)
