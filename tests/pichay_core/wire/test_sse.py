import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.wire import sse
from pichay_core.wire.sse import Event, Splitter
from tests.strategies import cuts, law, streams


def frames(pieces: list[bytes]) -> tuple[list[bytes], bytes]:
    splitter = Splitter()
    found = [frame for piece in pieces for frame in splitter.feed(piece)]
    return found, splitter.flush()


def by_lines(stream: bytes) -> list[bytes]:
    """The frames, found the slow way: line by line, after the standard's grammar.

    A CR that ends the stream may be half of a CR LF: nothing is said of it yet.
    """
    found, frame, filled = [], b"", False
    for line in re.findall(rb"[^\r\n]*(?:\r\n|\n|\r(?!\Z))", stream):
        frame += line
        ends = not line.strip(b"\r\n") and filled
        filled = not ends
        if ends:
            found.append(frame)
            frame = b""
    return found


@given(streams())
@law
def test_a_frame_ends_with_the_second_line_end_in_a_row(stream):
    found, rest = frames([stream])
    assert b"".join(found) + rest == stream
    assert found == by_lines(stream)


@given(streams(), st.data())
@law
def test_any_cut_of_a_stream_gives_the_same_frames(stream, data):
    assert frames(data.draw(cuts(stream))) == frames([stream])


@given(streams())
@law
def test_a_stream_byte_by_byte_gives_the_same_frames(stream):
    assert frames([bytes([byte]) for byte in stream]) == frames([stream])


@given(st.lists(st.sampled_from([b"\r", b"\n", b"a"]), max_size=9).map(b"".join), st.data())
@law
def test_nothing_but_line_ends_is_cut_alike_wherever_the_pieces_end(stream, data):
    assert frames(data.draw(cuts(stream))) == frames([stream])


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: 1\n\ndata: 2\n\n", [b"data: 1\n\n", b"data: 2\n\n"]),
        (b"data: 1\r\n\r\ndata: 2\r\n\r\n", [b"data: 1\r\n\r\n", b"data: 2\r\n\r\n"]),
        (b"data: 1\r\rdata: 2\r\r:", [b"data: 1\r\r", b"data: 2\r\r"]),
        (b"data: 1\r\r\ndata: 2\n", [b"data: 1\r\r\n"]),
        (b"data: 1\n\rdata: 2\n", [b"data: 1\n\r"]),
        (b"data: 1\r\n\rdata: 2\n", [b"data: 1\r\n\r"]),
        (b"data: 1\n\r\ndata: 2\n", [b"data: 1\n\r\n"]),
        (b"data: 1\r\n\ndata: 2\n", [b"data: 1\r\n\n"]),
        (b"data: 1\r\ndata: 2\r\n", []),
        (b"", []),
    ],
)
def test_lines_may_end_in_any_of_three_ways_and_in_a_mixture(stream, expected):
    assert frames([stream])[0] == expected


def test_an_endless_event_is_given_up_and_a_long_one_is_not(monkeypatch):
    monkeypatch.setattr(sse, "LONGEST_FRAME", 100)
    splitter = Splitter()
    assert splitter.feed(b"x" * 98 + b"\n\n" + b"x" * 100) == [b"x" * 98 + b"\n\n"]
    with pytest.raises(OverflowError):
        splitter.feed(b"x")


def test_after_the_end_nothing_is_left():
    splitter = Splitter()
    splitter.feed(b"data: cut")
    assert (splitter.flush(), splitter.flush()) == (b"data: cut", b"")


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (b"event: ping\ndata: {}\n\n", Event("ping", b"{}")),
        (b"event:ping\r\ndata:{}\r\n\r\n", Event("ping", b"{}")),
        (b"data: a\rdata: b\r\r", Event("", b"a\nb")),
        (b"data:  two spaces: and a colon\n\n", Event("", b" two spaces: and a colon")),
        (b": keep-alive\n\n", Event("", b"")),
        (b"data\n\n", Event("", b"")),
        (b"Data: x\nid: 1\nretry: 5\n\n", Event("", b"")),
        (b"event: a\nevent: b\n\n", Event("b", b"")),
        ("data: \u2028\u0085\n\n".encode(), Event("", "\u2028\u0085".encode())),
        (b"event: \xff\n\n", Event("\ufffd", b"")),
        (b"", Event("", b"")),
    ],
)
def test_a_frame_says_its_name_and_its_data(frame, expected):
    assert sse.parse(frame) == expected


@given(streams())
@law
def test_the_data_of_a_frame_is_what_the_frame_says(stream):
    for frame in frames([stream])[0]:
        assert sse.data_of(frame) == sse.parse(frame).data
        lines = sse.data_of(frame).count(b"\n")
        other = b"\n".join([b"x"] * (lines + 1))
        assert sse.with_data(frame, sse.data_of(frame)) == frame
        if sse.data_of(frame).strip():
            assert sse.data_of(sse.with_data(frame, other)).replace(b"\n", b"").strip(b"x") == b""


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (b"id: 1\r\ndata: a\r\n\r\n", b"id: 1\r\ndata: b\r\n\r\n"),
        (b"data:a\revent: x\r\r", b"data:b\revent: x\r\r"),
        (b"data\ndatum: a\n\n", b"data\ndatum: a\n\n"),
        (b": data: a\n\n", b": data: a\n\n"),
    ],
)
def test_data_is_replaced_in_its_place(frame, expected):
    assert sse.with_data(frame, b"b") == expected


@given(streams())
@law
def test_what_is_left_is_complete_if_it_ends_with_a_blank_line(stream):
    _, rest = frames([stream])
    whole = frames([stream + b"x"])[0]
    assert sse.is_complete(rest) == (bool(rest) and b"".join(whole) == stream)
