"""Streamed replies with what the client gets of them, in ``golden/anthropic-streams/NAME``.

``leg-N.sse`` is what the provider streams, written by hand after its documentation, one file for
each request that the reply takes. ``client.sse`` is what the client gets, ``replies.json`` what is
remembered of each leg, ``note.md`` what the case shows. Where the name says so, marks are taken
out of texts.

After a change that is meant, ``python -m tests.test_golden_streams`` writes the two anew: read the
difference before it is committed.
"""

import json
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import pytest

from pichay_core.wire import sse
from pichay_core.wire.anthropic import stream
from pichay_core.wire.reply import Reply, Stream
from tests.replies import NAMES, Marks, events_of, message_of, play, split

CASES = sorted((Path(__file__).parent / "golden" / "anthropic-streams").iterdir())
EACH = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def new(case: Path) -> Stream:
    return stream(NAMES, Marks if "marks" in case.name else None)


def legs_of(case: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(case.glob("leg-*.sse"))]


def told(replies: list[Reply]) -> str:
    said = [asdict(reply) for reply in replies]
    return json.dumps(said, indent=1, default=bytes.decode, ensure_ascii=False) + "\n"


@EACH
def test_the_client_gets_what_is_written_down(case):
    shown, replies = play(new(case), [[leg] for leg in legs_of(case)])
    assert shown == (case / "client.sse").read_bytes()
    assert told(replies) == (case / "replies.json").read_text()


@EACH
def test_any_byte_may_be_the_last_of_a_piece(case):
    """Every third is tried: they are of no length that three divides."""
    legs, expected = legs_of(case), (case / "client.sse").read_bytes()
    for number, leg in enumerate(legs):
        for at in range(1 + number, len(leg), 3):
            cut = [[other] for other in legs]
            cut[number] = [leg[:at], leg[at:]]
            assert play(new(case), cut)[0] == expected


@EACH
def test_byte_by_byte_it_is_the_same(case):
    legs = legs_of(case)
    singly = [[bytes([byte]) for byte in leg] for leg in legs]
    assert play(new(case), singly) == play(new(case), [[leg] for leg in legs])


@EACH
def test_no_frame_waits_for_a_later_one_unless_it_is_held_back(case):
    """What the client has after each frame is what a stream that ended there would give it."""
    for leg in legs_of(case)[:1]:
        reply, passed = new(case), b""
        for frame in split(leg):
            passed += b"".join(reply.feed(frame))
            assert (case / "client.sse").read_bytes().startswith(passed)


@EACH
def test_the_official_client_library_reads_it(case):
    data = (case / "client.sse").read_bytes()
    if "error" in case.name:
        assert events_of(data)[-1]["error"]["type"] == "overloaded_error"
    else:
        assert message_of(data)["stop_reason"] in ("end_turn", "tool_use")
    assert not any(name.encode() + b'"' in data for name in NAMES)


@EACH
def test_what_is_edited_is_little(case):
    """Frames of the client are frames that came, but for numbers, ends and marks."""
    came = {frame for leg in legs_of(case) for frame in split(leg)}
    edited = [frame for frame in split((case / "client.sse").read_bytes()) if frame not in came]
    kinds = [json.loads(sse.data_of(frame))["type"] for frame in edited]
    assert all(kind.startswith("content_block") or kind == "message_delta" for kind in kinds)
    if case == CASES[0]:
        assert edited == []


def test_cases_are_numbered_without_a_gap():
    numbers = [int(case.name.partition("-")[0]) for case in CASES]
    assert numbers[0] == 1
    assert all(later == early + 1 for early, later in pairwise(numbers))


if __name__ == "__main__":
    for found in CASES:
        written, remembered = play(new(found), [[leg] for leg in legs_of(found)])
        (found / "client.sse").write_bytes(written)
        (found / "replies.json").write_text(told(remembered))
