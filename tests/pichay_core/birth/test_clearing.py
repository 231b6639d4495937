"""Asking the provider to clear: how much at a time, and in which bytes."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.beginning import ASIDE
from pichay_core.birth.choice import Birth, birth_of
from pichay_core.birth.clearing import (
    KEEP,
    PLACEHOLDERS,
    REQUESTS,
    TRIGGER,
    clear_at_least,
    may_clear,
    worth_clearing,
)
from pichay_core.birth.front import AS_IT_CAME, front
from pichay_core.events import Warned
from pichay_core.tariff import CacheMultipliers
from tests.builders import START, Course, Talk, body, rules, worked

TIMES = {
    11.5: CacheMultipliers(1.25, 0.1),
    19: CacheMultipliers(2.0, 0.1),
    24: CacheMultipliers(1.25, 0.05),
    39: CacheMultipliers(2.0, 0.05),
    49: CacheMultipliers(1.25, 0.025),
    79: CacheMultipliers(2.0, 0.025),
    9: CacheMultipliers(1.0, 0.1),
}
"""By the ratio of a rewrite to a read: (w - r) / r."""
PUT = {"edits": [{
    "type": "clear_tool_uses_20250919",
    "trigger": {"type": "input_tokens", "value": TRIGGER},
    "keep": {"type": "tool_uses", "value": KEEP},
    "clear_at_least": {"type": "input_tokens", "value": 45_000},
}]}  # fmt: skip
OWN = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}


# -- how much ------------------------------------------------------------------------------


def saving(times, requests, removed, stubs, rewritten):
    """The break-even formula: what is saved, in tokens at the base input price."""
    more = times.write - times.read
    return requests * times.read * (removed - stubs) - more * (rewritten + stubs)


@pytest.mark.parametrize(
    ("ratio", "tail", "requests"),
    [(11.5, 2_000, 3.0), (24, 2_000, 6.2), (49, 2_000, 12.7), (11.5, 10_000, 14.6),
     (24, 10_000, 30), (49, 10_000, 62), (11.5, 30_000, 43), (49, 100_000, 618)],
)  # fmt: skip
def test_the_formula_breaks_even_where_it_is_known_to(ratio, tail, requests):
    """Eight thousand tokens removed, stubs of sixty; rounded as the figures are."""
    found = saving(TIMES[ratio], requests, 8_000, 60, tail)
    one = TIMES[ratio].read * 8_000
    assert found == pytest.approx(0, abs=0.6 * one)


@pytest.mark.parametrize(
    ("ratio", "tokens"),
    [(9, 25_000), (11.5, 29_000), (19, 40_000), (24, 46_000), (39, 58_000), (49, 64_000),
     (79, 74_000)],
)  # fmt: skip
def test_so_much_is_cleared_at_least(ratio, tokens):
    assert clear_at_least(TIMES[ratio]) == tokens


@given(st.floats(0.01, 1.0), st.floats(0.0, 3.0), st.integers(1, 50))
def test_at_the_trigger_it_pays_just_so_within_the_requests_that_are_expected(read, more, requests):
    times = CacheMultipliers(read + more, read)
    least = clear_at_least(times, requests)

    def left(removed):
        return saving(times, requests, removed, PLACEHOLDERS, TRIGGER - removed)

    assert left(least) >= -1e-6 * TRIGGER
    assert left(least - 2_000) < 0


def test_no_more_than_fifty_requests_are_ever_expected():
    assert REQUESTS <= 50


def test_where_reads_are_free_nothing_is_ever_cleared():
    assert clear_at_least(CacheMultipliers(1.0, 0.0)) == 0


def test_where_writes_cost_no_more_than_reads_the_notes_are_all_that_has_to_be_repaid():
    assert clear_at_least(CacheMultipliers(0.1, 0.1)) == PLACEHOLDERS


@pytest.mark.parametrize(
    ("model", "one_hour", "tokens"),
    [
        ("claude-opus-5-5", False, 46_000),
        ("claude-opus-5-5", True, 58_000),
        ("claude-sonnet-4-5", False, 29_000),
        ("claude-fable-5-1", False, 64_000),
        ("claude-3-5-sonnet-20241022", False, 0),
        ("claude-of-tomorrow", False, 0),
        ("gpt-5.5", False, 0),
    ],
)
def test_it_depends_on_the_model_and_on_how_long_it_is_cached(model, one_hour, tokens):
    assert worth_clearing(model, START, one_hour) == tokens


# -- in which bytes ------------------------------------------------------------------------


def asked(sent, clears=45_000):
    request = Course().request(sent)
    return request, front(request, Birth(clears=clears))


def edited(sent, clears=45_000):
    request, found = asked(sent, clears)
    text = request.outline.body
    for place, new in found.edits:
        text = text[: place.start] + new + text[place.end :]
    return text


def test_it_is_asked_behind_the_last_field_and_everything_else_stays_as_it_came():
    sent = body(worked(2))
    found = edited(sent)
    assert found.startswith(sent.rstrip()[:-1])
    assert json.loads(found) == {**json.loads(sent), "context_management": PUT}


@pytest.mark.parametrize("space", [b"", b" ", b"\n\t "])
def test_blanks_at_the_end_do_not_matter(space):
    sent = body(worked(1)).rstrip()[:-1] + space + b"}" + space
    assert json.loads(edited(sent))["context_management"] == PUT
    assert edited(sent).endswith(space + b"}" + space)


def test_a_null_says_nothing_and_ours_is_put_in_its_place():
    sent = body(worked(1), context_management=7).replace(b"7}", b"null}")
    assert edited(sent).count(b"context_management") == 1
    assert json.loads(edited(sent))["context_management"] == PUT


@pytest.mark.parametrize("own", [OWN, {}, {"edits": []}, False])
def test_a_client_with_a_word_of_its_own_is_not_spoken_over(own):
    assert asked(body(worked(1), context_management=own))[1] is AS_IT_CAME


def test_what_does_not_ask_asks_nothing():
    assert asked(body(worked(1)), clears=0)[1] is AS_IT_CAME


def test_the_front_says_what_it_needs():
    found = asked(body(worked(1)))[1]
    assert found.clears
    assert found.betas == ("context-management-2025-06-27",)


def test_what_a_session_asks_survives_as_text():
    birth = Birth(clears=45_000)
    assert birth_of(birth.as_text()) == birth
    assert birth_of("{}").clears == 0


def test_the_provider_may_clear_if_we_or_the_client_ask_it_to():
    of_results = {"edits": [{"type": "clear_tool_uses_20250919"}]}
    plain, own, other = (
        Course().request(body(worked(1), context_management=asked))
        for asked in (None, of_results, OWN)
    )
    assert not may_clear(plain, None)
    assert not may_clear(other, None)
    assert not may_clear(plain, Birth(told=True))
    assert may_clear(plain, Birth(clears=1))
    assert may_clear(own, None)


# -- from the first request on, or never ---------------------------------------------------


def course(clears=45_000):
    return Course(replace(rules(), birth=Birth(clears=clears), evicts=False))


def said(turn):
    return json.loads(turn.body).get("context_management")


def test_every_request_of_a_session_asks_in_the_same_words():
    driven, talk = course(), Talk()
    for number in range(4):
        turn = driven.take(talk.read(f"{number}.py") if number else talk)
        assert said(turn) == PUT
        assert turn.body.endswith(json.dumps(PUT, separators=(",", ":")).encode() + b"}")


def test_a_conversation_that_is_joined_late_is_never_asked_for():
    driven = course()
    assert said(driven.take(worked(2))) is None
    assert said(driven.take(worked(3))) is None


def test_a_conversation_without_tools_brings_no_results_to_clear():
    assert said(course().take(Talk(), tools=())) is None


def test_who_begins_with_a_word_of_its_own_is_never_spoken_for():
    driven = course()
    assert said(driven.take(Talk(), context_management=OWN)) == OWN
    assert said(driven.take(Talk().read("0.py"))) is None


def test_a_client_that_begins_to_ask_is_left_to_it_from_then_on():
    driven, talk = course(), Talk()
    assert said(driven.take(talk)) == PUT
    turn = driven.take(talk.read("0.py"), context_management=OWN)
    assert said(turn) == OWN
    assert [event for event in turn.events if isinstance(event, Warned)] == [ASIDE]
    turn = driven.take(talk.read("1.py"))
    assert said(turn) is None
    assert not turn.events
