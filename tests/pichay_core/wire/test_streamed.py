"""What holds of a streamed reply on its way to the client on every wire."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest

from pichay_core.wire import anthropic, gemini, openai_chat, openai_responses, sse
from pichay_core.wire.reply import Stream
from tests import chunks, gemini_replies, replies, responses_replies
from tests.replies import NAMES
from tests.responses_items import says


class Wire(NamedTuple):
    """One wire, and three replies on it."""

    stream: Callable[..., Stream]
    empty: Sequence[bytes]
    """Nothing is said."""
    ours: Sequence[bytes]
    """Only a tool of ours is called."""
    text: Sequence[bytes]
    error: bytes


WIRES = {
    "anthropic": Wire(
        anthropic.stream,
        replies.frames([]),
        replies.frames([replies.ours("toolu_1")]),
        replies.frames([replies.text("I look.")]),
        replies.event("error", error={"type": "api_error", "message": "busy"}),
    ),
    "openai_chat": Wire(
        openai_chat.stream,
        chunks.chunks(chunks.said()),
        chunks.chunks(chunks.said(None, chunks.ours("call_1"))),
        chunks.chunks(chunks.said("I look.")),
        chunks.frame({"error": {"message": "busy"}}),
    ),
    "openai_responses": Wire(
        openai_responses.stream,
        responses_replies.frames([]),
        responses_replies.frames([responses_replies.ours("call_1")]),
        responses_replies.frames([says("I look.")]),
        responses_replies.event("error", 3, message="busy"),
    ),
    "gemini": Wire(
        gemini.stream,
        gemini_replies.frames([]),
        gemini_replies.frames([gemini_replies.ours()]),
        gemini_replies.frames([gemini_replies.text("I look at both.")]),
        gemini_replies.event({"error": {"code": 503, "message": "busy"}}),
    ),
}
EACH = pytest.mark.parametrize("wire", WIRES.values(), ids=list(WIRES))


def new(wire: Wire, *legs: Sequence[bytes]) -> tuple[Stream, bytes]:
    """A stream that all but the last of these have passed through, and what the client has."""
    stream, shown = wire.stream(NAMES), b""
    for number, leg in enumerate(legs):
        if number:
            stream.end()
            stream.go_on()
        shown += b"".join(one for frame in leg for one in stream.feed(frame))
    return stream, shown


@EACH
@pytest.mark.parametrize("ended", [True, False])
def test_nothing_is_added_behind_an_end_that_is_out(wire, ended):
    for said in (wire.empty, wire.text):
        stream, shown = new(wire, said)
        if ended:
            assert stream.end().whole
        assert shown == b"".join(said)
        assert stream.fail("it broke off") == []


@EACH
def test_a_client_that_was_shown_nothing_gets_an_error_and_no_empty_message(wire):
    for legs in ([wire.ours], [wire.ours, ()], [wire.ours, wire.empty[:-1]]):
        stream, _ = new(wire, *legs)
        [error] = stream.fail("it broke off")
        assert b"it broke off" in error
        assert stream.finish() == []


@EACH
def test_a_first_reply_that_broke_off_ends_in_an_error_whatever_was_shown(wire):
    stream, _ = new(wire, wire.text[:1])
    assert b"it broke off" in b"".join(stream.fail("it broke off"))


@EACH
def test_half_of_a_frame_behind_an_error_is_shown_only_where_all_else_was(wire):
    half = wire.ours[-1].rstrip()
    stream, shown = new(wire, [*wire.empty[:1], wire.error, half])
    stream.end()
    assert shown + b"".join(stream.finish()) == b"".join([*wire.empty[:1], wire.error, half])
    stream, shown = new(wire, wire.ours, [wire.error, half])
    stream.end()
    assert stream.finish() == []
    assert b"busy" in shown


@EACH
def test_a_client_is_told_only_once_that_a_reply_could_not_be_read(wire, monkeypatch):
    monkeypatch.setattr(sse, "LONGEST_FRAME", 2000)
    endless = b"data: " + b"x" * 3000
    stream, _ = new(wire, wire.ours, ())
    told = b"".join(stream.feed(endless))
    assert told == endless or b"could not be read" in told
    if told != endless:
        assert stream.fail("it broke off") == []
