import gzip
import json
import zlib
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.model import Usage
from pichay_core.wire.anthropic_reply import Reader
from pichay_core.wire.report import Drop, Report, Taken
from tests.strategies import cuts, json_values, law, written

type Json = dict[str, Any]

SSE = "text/event-stream; charset=utf-8"
START: Json = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "content": [],
        "usage": {
            "input_tokens": 3,
            "cache_read_input_tokens": 1000,
            "cache_creation_input_tokens": 50,
            "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30},
            "output_tokens": 1,
            "service_tier": "standard",
        },
    },
}
DELTA: Json = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn"},
    "usage": {"output_tokens": 77},
}
TEXT: Json = {
    "type": "content_block_delta",
    "index": 0,
    "delta": {
        "type": "text_delta",
        "text": 'the "usage" of an "error": {"usage":{"input_tokens":9}}',
    },
}
STOP: Json = {"type": "message_stop"}
STARTED = Usage(input=3, cache_read=1000, cache_write_5m=20, cache_write_1h=30, output=1)
WHOLE = Usage(input=3, cache_read=1000, cache_write_5m=20, cache_write_1h=30, output=77)
SAID = Report(WHOLE, cleared=Taken(0, 0))


def event(said: Json, end: bytes = b"\n") -> bytes:
    lines = (f"event: {said['type']}".encode(), b"data: " + json.dumps(said).encode(), b"")
    return b"".join(line + end for line in lines)


def stream(*events: Json, end: bytes = b"\n") -> bytes:
    return b": ping" + end + end + b"".join(event(said, end) for said in events)


REPLY = stream(START, {"type": "ping"}, TEXT, DELTA, STOP)


def report(*pieces: bytes, kind: str = SSE, encoding: str = "") -> Report:
    reader = Reader(kind, encoding)
    for piece in pieces:
        reader.feed(piece)
    return reader.report()


def usage_of(*counts: Json) -> Usage | None:
    """What is read of these counts, the first at the start of a stream, the others later."""
    first, *later = counts
    start = {"type": "message_start", "message": {"usage": first}}
    return report(
        stream(start, *({"type": "message_delta", "usage": more} for more in later))
    ).usage


# -- streams ------------------------------------------------------------------------------


@given(st.sampled_from([b"\n", b"\r\n", b"\r"]), st.data())
@law
def test_a_stream_says_the_same_wherever_it_is_cut(end, data):
    whole = stream(START, TEXT, DELTA, STOP, end=end)
    assert report(*data.draw(cuts(whole))) == SAID


def test_a_stream_says_the_same_byte_by_byte():
    assert report(*(bytes([byte]) for byte in REPLY)) == SAID


def test_the_content_type_is_read_in_any_case():
    assert report(REPLY, kind="Text/Event-Stream").usage == WHOLE


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
    ],
)
def test_an_encoded_stream_is_read_as_its_pieces_come_in(encoding, encode):
    body = encode(REPLY)
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    assert report(*pieces, encoding=encoding) == SAID


def test_a_stream_flushed_after_each_event_is_read_before_it_ends():
    encoder = zlib.compressobj(wbits=31)
    reader = Reader(SSE, "gzip")
    for said in (START, TEXT, DELTA):
        reader.feed(encoder.compress(event(said)) + encoder.flush(zlib.Z_SYNC_FLUSH))
    assert reader.report().usage == WHOLE


@given(st.integers(0, len(REPLY)))
@law
def test_a_stream_cut_short_says_what_it_had_said_by_then(length):
    found = report(REPLY[:length]).usage
    assert found in (None, STARTED, WHOLE)
    if length < len(event(START)):
        assert found is None
    if length == len(REPLY):
        assert found == WHOLE


def test_a_last_event_without_its_blank_line_is_read():
    whole = stream(START, DELTA)
    assert report(whole[:-1]).usage == report(whole[:-2]).usage == WHOLE
    assert report(whole[:-3]).usage == STARTED
    assert report(stream(START, DELTA, end=b"\r")).usage == WHOLE


def test_asking_twice_gives_the_same_report():
    reader = Reader(SSE, "")
    reader.feed(REPLY[:-1])
    assert reader.report() == reader.report()


# -- tokens -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"input_tokens": 5, "output_tokens": 2}, Usage(input=5, output=2)),
        ({"input_tokens": 0}, Usage()),
        (
            {"input_tokens": 5, "cache_creation_input_tokens": 40},
            Usage(input=5, cache_write_5m=40),
        ),
        (
            {
                "input_tokens": 5,
                "cache_creation_input_tokens": 40,
                "cache_creation": {"ephemeral_1h_input_tokens": 40},
            },
            Usage(input=5, cache_write_1h=40),
        ),
        (
            {
                "input_tokens": 5,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 15,
                    "ephemeral_1h_input_tokens": 25,
                },
            },
            Usage(input=5, cache_write_5m=15, cache_write_1h=25),
        ),
        (
            {
                "input_tokens": 5,
                "cache_creation_input_tokens": None,
                "cache_read_input_tokens": None,
                "cache_creation": None,
                "output_tokens": None,
                "server_tool_use": None,
            },
            Usage(input=5),
        ),
        (
            {"input_tokens": 5, "cache_read_input_tokens": "7", "output_tokens": -1},
            Usage(input=5),
        ),
        ({"input_tokens": 5, "cache_creation": 7}, Usage(input=5)),
    ],
)
def test_the_counts_of_usage_do_not_overlap(counts, expected):
    assert usage_of(counts) == expected


@pytest.mark.parametrize(
    ("first", "later", "expected"),
    [
        ({"input_tokens": 5, "output_tokens": 1}, {"output_tokens": 9}, Usage(input=5, output=9)),
        (
            {"input_tokens": 5},
            {"input_tokens": 7, "cache_read_input_tokens": 8, "output_tokens": 9},
            Usage(input=7, cache_read=8, output=9),
        ),
        (
            {"input_tokens": 5, "cache_read_input_tokens": 8},
            {"input_tokens": None, "cache_read_input_tokens": None, "output_tokens": 9},
            Usage(input=5, cache_read=8, output=9),
        ),
        (
            {
                "input_tokens": 5,
                "cache_creation_input_tokens": 40,
                "cache_creation": {"ephemeral_1h_input_tokens": 40},
            },
            {"input_tokens": 6, "cache_creation_input_tokens": 40, "output_tokens": 1},
            Usage(input=6, cache_write_1h=40, output=1),
        ),
        ({"input_tokens": 5}, {}, Usage(input=5)),
    ],
)
def test_later_counts_replace_earlier_ones_and_null_replaces_nothing(first, later, expected):
    assert usage_of(first, later) == expected


def test_without_input_tokens_nobody_knows_what_it_cost():
    assert usage_of({}) is None
    assert usage_of({"output_tokens": 7}) is None
    assert report(stream(STOP)).usage is None
    assert report().usage is None


# -- what else a reply says ---------------------------------------------------------------


def test_an_error_in_mid_stream_is_reported_beside_the_usage():
    failed = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    found = report(stream(START, failed))
    assert found.error == "overloaded_error"
    assert found.usage is not None and found.usage.input == 3


def dropped(path: str, reason: str = "prefix_binding_mismatch") -> Json:
    return {"type": "thinking_dropped", "path": path, "reason": reason}


ONE, TWO = (
    dropped("messages.1.content.0"),
    dropped("messages.3.content.0", "model_binding_mismatch"),
)
DROPS = (
    Drop("messages.1.content.0", "prefix_binding_mismatch"),
    Drop("messages.3.content.0", "model_binding_mismatch"),
)
MISS: Json = {"type": "messages_changed", "cache_missed_input_tokens": 9}


def started(**fields: Any) -> Json:
    return {**START, "message": {**START["message"], **fields}}


@given(st.sampled_from([b"\n", b"\r\n", b"\r"]), st.data())
@law
def test_what_was_dropped_is_read_wherever_the_stream_is_cut(end, data):
    start = started(input_transformations=[ONE, TWO], diagnostics={"cache_miss_reason": MISS})
    whole = stream(start, TEXT, DELTA, STOP, end=end)
    assert report(*data.draw(cuts(whole))) == Report(
        WHOLE, "", DROPS, "messages_changed", 9, Taken(0, 0)
    )


def test_an_empty_list_of_changes_is_what_is_expected():
    assert report(stream(started(input_transformations=[]), DELTA)).dropped == ()


@pytest.mark.parametrize("place", ["beside", "inside"])
def test_what_a_fallback_dropped_is_told_at_the_end_and_adds_to_what_was_told(place):
    told = {"input_transformations": [ONE, TWO]}
    end = {**DELTA, **told} if place == "beside" else {**DELTA, "delta": told}
    assert report(stream(started(input_transformations=[ONE]), end)).dropped == DROPS
    assert report(stream(START, end)).dropped == DROPS
    silent = {**DELTA, "input_transformations": None}
    assert report(stream(started(input_transformations=[ONE]), silent)).dropped == DROPS[:1]


def test_a_reply_in_one_piece_tells_the_same():
    body = json.dumps({**started(input_transformations=[ONE, TWO])["message"]}).encode()
    for length in (0, 1, len(body) // 2, len(body)):
        found = report(body[:length], body[length:], kind="application/json")
        assert found.dropped == DROPS


def test_changes_of_another_kind_are_not_lost_thinking():
    other = [{"type": "of_tomorrow", "path": "messages.1"}, 7, None, "thinking_dropped"]
    assert report(stream(started(input_transformations=other))).dropped == ()


def test_what_the_model_says_of_changes_is_not_what_the_provider_says():
    delta = {"type": "text_delta", "text": "x", "input_transformations": [ONE]}
    said = {"type": "content_block_delta", "index": 0, "delta": delta}
    assert report(stream(START, said, DELTA)) == SAID


@pytest.mark.parametrize(
    "fields",
    [
        {"diagnostics": {"cache_miss_reason": MISS}},
        {"cache_miss_reason": MISS},
        {"diagnostics": {"cache_miss_reason": None}, "cache_miss_reason": MISS},
    ],
)
def test_the_reason_of_a_cache_miss_is_reported(fields):
    found = report(stream(started(**fields), DELTA))
    assert (found.cache_miss, found.missed_tokens) == ("messages_changed", 9)
    body = json.dumps(started(**fields)["message"]).encode()
    assert report(body, kind="application/json").cache_miss == "messages_changed"


def test_a_reason_that_is_a_mere_word_is_read_too():
    found = report(stream(started(cache_miss_reason="tools_changed")))
    assert (found.cache_miss, found.missed_tokens) == ("tools_changed", 0)


@pytest.mark.parametrize("odd", [None, 7, "x", [], {}, {"type": None}, {"type": 7}, [[]]])
def test_fields_of_another_shape_say_nothing(odd):
    said = {
        "type": "message_start",
        "error": odd,
        "usage": odd,
        "input_transformations": odd,
        "message": {
            "diagnostics": odd,
            "cache_miss_reason": [odd],
            "input_transformations": [odd],
            "usage": {"input_tokens": 1},
        },
    }
    assert report(stream(said)) == Report(Usage(input=1))


def test_what_the_model_writes_is_never_taken_for_what_the_provider_says():
    assert report(stream(START, TEXT, DELTA)) == SAID


def test_frames_that_are_not_json_are_passed_over():
    torn = b'event: message_delta\ndata: {"usage": {"input_tok\n\n'
    assert report(event(START) + torn + event(DELTA)).usage == WHOLE


# -- replies that are no streams ----------------------------------------------------------


def test_a_reply_in_one_piece_is_read_like_a_stream():
    reply = {"type": "message", "content": [TEXT], "usage": {**START["message"]["usage"],
             "output_tokens": 77}}  # fmt: skip
    body = json.dumps(reply).encode()
    assert report(body[:50], body[50:], kind="application/json") == SAID
    assert report(gzip.compress(body), kind="application/json", encoding="gzip") == SAID


def test_an_error_in_one_piece_is_reported():
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"m"}}'
    assert report(body, kind="application/json") == Report(None, error="invalid_request_error")


@given(st.one_of(st.binary(), json_values.map(written)), st.sampled_from([SSE, "application/json"]))
@law
def test_a_reply_of_any_kind_is_never_an_error(body, kind):
    for encoding in ("", "gzip", "br", "zstd", "deflate", "of-tomorrow"):
        assert isinstance(report(body, body, kind=kind, encoding=encoding), Report)
    assert isinstance(report(b"data: " + body + b"\n\n", kind=kind), Report)


def test_a_reply_too_long_to_hold_says_nothing(monkeypatch):
    monkeypatch.setattr("pichay_core.wire.report.LONGEST_REPLY", 100)
    body = b'{"usage":{"input_tokens":1}}'
    assert report(body, b" " * 100, kind="application/json").usage == Usage(input=1)
    assert report(b" " * 90, body, kind="application/json").usage is None


def test_a_bomb_in_a_reply_ends_the_reading_and_nothing_else():
    bomb = gzip.compress(REPLY + bytes(20_000_000))
    assert report(bomb, b"more", encoding="gzip").usage is None


EDITS: Json = {
    "applied_edits": [
        {"type": "clear_thinking_20251015", "cleared_thinking_turns": 3, "cleared_input_tokens": 7},
        {
            "type": "clear_tool_uses_20250919",
            "cleared_tool_uses": 8,
            "cleared_input_tokens": 50_000,
        },
    ]
}


@given(st.sampled_from([b"\n", b"\r\n", b"\r"]), st.data())
@law
def test_what_the_provider_cleared_is_read_at_the_end_wherever_the_stream_is_cut(end, data):
    whole = stream(START, TEXT, {**DELTA, "context_management": EDITS}, STOP, end=end)
    assert report(*data.draw(cuts(whole))) == Report(WHOLE, cleared=Taken(8, 50_000))


def test_a_reply_in_one_piece_says_beside_its_usage_what_was_cleared():
    reply = {"type": "message", **START["message"], "context_management": EDITS}
    found = report(json.dumps(reply).encode(), kind="application/json")
    assert found.cleared == Taken(8, 50_000)


@pytest.mark.parametrize("said", [None, {}, {"applied_edits": []}, {"applied_edits": None}, 7])
def test_a_reply_that_names_no_edits_was_not_cleared(said):
    assert report(stream(START, {**DELTA, "context_management": said})).cleared == Taken(0, 0)


def test_of_a_stream_that_breaks_off_nobody_knows_what_was_cleared():
    assert report(stream(started(context_management=EDITS), TEXT)).cleared is None


def test_what_the_model_writes_of_edits_was_not_cleared():
    text = {**TEXT, "delta": {"type": "text_delta", "text": "x", "context_management": EDITS}}
    assert report(stream(START, text, DELTA)).cleared == Taken(0, 0)


@given(json_values)
def test_odd_edits_are_passed_over(odd):
    said = {"applied_edits": [odd, {"type": "clear_tool_uses_20250919", "cleared_tool_uses": odd}]}
    assert report(stream(START, {**DELTA, "context_management": said})).usage == WHOLE
