"""Conversations with what becomes of them, byte for byte, in ``golden/FORMAT/NAME``.

``request.json`` is the last request of a conversation. It is replayed as it grew, one request
for each reply in it, ten seconds apart. ``expected.json`` is what goes upstream in the end,
``events.json`` what happened on the way, ``note.md`` what the case shows.

After a change that is meant, ``python -m tests.test_golden`` writes the two anew: read the
difference before it is committed.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from pichay_core.model import SessionId
from pichay_core.pager import Limits
from pichay_core.policies import POLICIES
from pichay_core.request import Request, read_messages
from pichay_core.schedule import SCHEDULES
from pichay_core.session import Match, Session
from pichay_core.turn import Rules, Turn, take
from pichay_core.wire.format import Format
from pichay_core.wire.formats import FORMATS

LISTS = {
    "anthropic": "messages",
    "openai_responses": "input",
    "openai_chat": "messages",
}
"""The formats that have goldens, and where in a body of each the messages stand."""
GOLDEN = Path(__file__).parent / "golden"
CASES = [case for name in LISTS for case in sorted((GOLDEN / name).iterdir())]
NAMES = [f"{case.parent.name}/{case.name}" for case in CASES]
FIRST = [case for case in CASES if case.name.startswith("01-")]
RULES = Rules(POLICIES["fifo"], SCHEDULES["every-turn"], Limits(tau=2))
START = 1_750_000_000.0

type Json = dict[str, Any]


def format_of(case: Path) -> Format:
    return FORMATS[case.parent.name]


def requests(format: Format, body: bytes) -> list[bytes]:
    """The requests that led to this one: cut before each reply, the whole one last."""
    outline = format.outline(body)
    roles = [format.read(outline.raw(at)).role for at in range(len(outline.messages))]
    cuts = [at for at, role in enumerate(roles) if role == "assistant" and at]
    end = outline.fields[LISTS[format.name]].end - 1
    return [body[: outline.messages[cut - 1].end] + body[end:] for cut in cuts] + [body]


def replay(format: Format, body: bytes) -> tuple[Turn, list[Json]]:
    """The last turn of the conversation, and every event on the way with its turn."""
    session = Session(SessionId("s"), "identity", "shape", secret=b"a golden secret!")
    events: list[Json] = []
    for number, sent in enumerate(requests(format, body)):
        outline = format.outline(sent, [session.messages])
        head = format.head(outline, session.head)
        read = read_messages(format, outline)
        request = Request(format, outline, head, read, START + 10 * number)
        turn = take(Match(session, len(session.messages), "extends"), request, RULES, {}.get)
        session = turn.session
        events += [told(event, session.turn) for event in turn.events]
    return turn, events


def told(event: Any, turn: int) -> Json:
    return {"turn": turn, "event": type(event).__name__, **asdict(event)}


def listed(events: list[Json]) -> str:
    return "[" + ",".join("\n" + json.dumps(event) for event in events) + "\n]\n"


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_conversation_becomes_what_its_golden_says(case):
    body = (case / "request.json").read_bytes()
    turn, events = replay(format_of(case), body)
    assert turn.body == (case / "expected.json").read_bytes()
    assert listed(events) == (case / "events.json").read_text()
    assert (case / "note.md").read_text().startswith("# ")


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_golden_breaks_no_rule_of_the_provider(case):
    format = format_of(case)
    for name in ("request.json", "expected.json"):
        outline = format.outline((case / name).read_bytes())
        head, messages = format.head(outline, None), read_messages(format, outline)
        assert format.problems(head, messages) == frozenset()


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_where_a_golden_decides_nothing_the_body_is_the_very_same_object(case):
    body = (case / "request.json").read_bytes()
    turn, _ = replay(format_of(case), body)
    assert (turn.body == body) is (turn.body is body)


@pytest.mark.parametrize("case", FIRST, ids=[case.parent.name for case in FIRST])
def test_the_first_golden_is_a_twin_in_which_nothing_is_decided(case):
    body = (case / "request.json").read_bytes()
    assert replay(format_of(case), body)[0].body is body
    assert (case / "expected.json").read_bytes() == body


def test_every_format_that_has_goldens_has_a_first_one():
    assert [case.parent.name for case in FIRST] == list(LISTS)


if __name__ == "__main__":
    for folder in CASES:
        final, happened = replay(format_of(folder), (folder / "request.json").read_bytes())
        (folder / "expected.json").write_bytes(final.body)
        (folder / "events.json").write_text(listed(happened))
