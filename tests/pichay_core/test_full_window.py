"""Requests through the core whose window fills: from the client's bytes to the decision."""

from dataclasses import replace

import pytest

from pichay_core.prices import parse
from tests.builders import SONNET, Course, Talk, prose, rules, stubbed

LONG_WINDOW = frozenset({"context-1m-2025-08-07"})
BIG = 24_000
"""Bytes of a page, 7,500 tokens."""
DEAR = """{"claude-sonnet-*": {
    "input": 1, "output": 1, "cache_read": 0.1, "cache_write_5m": 1.25, "cache_write_1h": 2,
    "bands": [{"above_tokens": 30000, "input": 9, "output": 9,
               "cache_read": 0.9, "cache_write_5m": 11.25, "cache_write_1h": 18}]}}"""


def reasons(schedule: str, files: int = 14, betas: frozenset[str] = frozenset(), **fields):
    """Why there was a flush, for each of them, while so many files are read one by one."""
    course, talk, found = Course(rules(schedule, tau=1)), Talk(), []
    for number in range(files):
        talk.read(f"{number}.py", prose(f"{number}.py", BIG))
        course.rules = replace(course.rules, **fields)
        course.at += 10
        request = replace(course.request(talk), betas=betas)
        found.append(course.hand(request).flushed)
    return [why for why in found if why]


def test_a_window_that_fills_is_flushed():
    assert "pressure" in reasons("pressure")
    assert reasons("pressure", files=5) == []


def test_the_same_conversation_leaves_a_larger_window_as_it_is():
    assert reasons("pressure", betas=LONG_WINDOW) == []


@pytest.mark.parametrize("schedule", ["auto", "pressure"])
def test_own_prices_decide_when_a_request_is_a_long_one(schedule):
    plain, dear = (reasons(schedule, files=6, **p) for p in ({}, {"prices": parse(DEAR)}))
    assert "surcharge" in dear
    assert "surcharge" not in plain


def test_own_prices_decide_when_waiting_has_cost_enough():
    flat = dict.fromkeys(("input", "output", "cache_read", "cache_write_5m"), 1)
    own = parse(f'{{"{SONNET}": {flat | {"cache_write_1h": 1}}}}'.replace("'", '"'))
    assert len(reasons("break-even", prices=own)) > len(reasons("break-even"))


def test_a_conversation_of_pictures_is_not_a_full_window():
    course, talk = Course(rules("pressure", tau=1)), Talk()
    source = {"type": "base64", "media_type": "image/png", "data": "A" * 1_000_000}
    turns = []
    for number in range(6):
        talk.read(f"{number}.py", prose(f"{number}.py", 8_000))
        talk.read(f"{number}.png", [{"type": "image", "source": source}])
        turns.append(course.take(talk))
    assert [turn.flushed for turn in turns] == [None] * 6
    assert stubbed(turns[-1].body or b"") == []
