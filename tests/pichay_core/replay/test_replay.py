"""Replays of conversations whose bills can be worked out by hand."""

import json
from dataclasses import replace

import pytest

from pichay_core.birth.shorter import Births
from pichay_core.cacheprice import CacheMultipliers, input_price
from pichay_core.pager import Limits
from pichay_core.policies import POLICIES
from pichay_core.prices import NOTHING, parse
from pichay_core.replay import Report, Setup, Unpriced, bound, replay, replay_all, replay_each
from pichay_core.schedule import SCHEDULES
from pichay_core.turn import Rules
from tests.pichay_core.replay.conversations import reading, tasks

MODEL = "claude-opus-4-5"


def setup(
    schedule="break-even", tau=1, head=20_000, boundary=True, model=MODEL, prices=NOTHING, **limits
):
    rules = Rules(POLICIES["fifo"], SCHEDULES[schedule], Limits(tau=tau, **limits), prices=prices)
    return Setup(rules, model, head=head, boundary=boundary)


THREE_FILES = reading([9_000] * 18, ["a.py", "b.py", "c.py"] * 6)
SCAN = reading([9_000] * 21, [f"f{n}.py" for n in range(7)] * 3)
LONG = reading([9_000] * 40)


@pytest.mark.parametrize(
    ("talk", "schedule", "tau", "flushes", "evicted", "collected", "refetches"),
    [
        (THREE_FILES, "every-turn", 4, 14, 0, 14, 0),
        (THREE_FILES, "batch", 4, 1, 0, 8, 0),
        (THREE_FILES, "break-even", 1, 1, 1, 0, 1),
        (SCAN, "every-turn", 4, 10, 10, 0, 7),
        (SCAN, "batch", 4, 1, 3, 5, 3),
        (SCAN, "break-even", 1, 2, 6, 0, 6),
        (LONG, "every-turn", 4, 36, 36, 0, 0),
        (LONG, "batch", 4, 4, 32, 0, 0),
        (LONG, "break-even", 1, 8, 36, 0, 0),
        (LONG, "cold", 1, 0, 0, 0, 0),
    ],
)
def test_exact_counts(talk, schedule, tau, flushes, evicted, collected, refetches):
    report = replay(talk, setup(schedule, tau, eases=False))
    found = report.flushes, report.evicted, report.collected, report.faults.get("refetch", 0)
    assert found == (flushes, evicted, collected, refetches)


@pytest.mark.parametrize(
    ("talk", "schedule", "tau", "half_life", "episodes", "tokens", "bounced"),
    [
        (THREE_FILES, "every-turn", 4, 16, 0, 0, 0),
        (THREE_FILES, "every-turn", 1, 16, 1, 3 * 2_816, 0),
        (THREE_FILES, "every-turn", 1, 0, 1, 15 * 2_816, 3),
        (THREE_FILES, "batch", 4, 16, 0, 0, 0),
        (THREE_FILES, "break-even", 1, 16, 0, 0, 0),
        (THREE_FILES, "break-even", 1, 0, 0, 0, 0),
        (SCAN, "every-turn", 4, 16, 1, 7 * 2_816, 0),
        (SCAN, "every-turn", 4, 0, 1, 14 * 2_816, 7),
        (SCAN, "batch", 4, 16, 0, 0, 0),
        (SCAN, "break-even", 1, 16, 0, 0, 0),
        (SCAN, "break-even", 1, 0, 1, 14 * 2_816, 7),
        (LONG, "every-turn", 4, 16, 0, 0, 0),
    ],
)
def test_exact_counts_of_thrash(talk, schedule, tau, half_life, episodes, tokens, bounced):
    report = replay(talk, setup(schedule, tau, pin_half_life=half_life, eases=False))
    assert (report.thrash, report.thrash_tokens, report.bounced) == (episodes, tokens, bounced)


@pytest.mark.parametrize("talk", [THREE_FILES, SCAN])
def test_where_the_papers_rule_thrashes_and_loses_break_even_saves(talk):
    paper = replay(talk, setup("every-turn", 4, boundary=False, eases=False))
    ours = replay(talk, setup("break-even", 1))
    assert paper.flushes >= 10
    assert ours.flushes <= 2
    assert ours.net < 1 < paper.net


def test_without_a_marker_on_the_boundary_every_turn_loses_and_with_it_wins():
    bare = replay(LONG, setup("every-turn", 4, boundary=False))
    marked = replay(LONG, setup("every-turn", 4))
    assert marked.cost < bare.cost
    assert marked.tokens == bare.tokens < marked.untouched_tokens


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_no_schedule_beats_the_bound(schedule):
    for talk in (THREE_FILES, SCAN, LONG):
        for tau in (1, 4):
            assert bound(talk, setup()) <= replay(talk, setup(schedule, tau)).cost * (1 + 1e-9)


THOUGHTFUL = tasks(6, 8, 9_000, 600)
BINDS = "claude-opus-5-5"


def test_on_a_binding_model_thinking_goes_with_the_pages_and_is_not_billed_any_more():
    rule = replay(THOUGHTFUL, setup("every-turn", model=BINDS))
    free = replay(THOUGHTFUL, setup("every-turn"))
    assert (rule.flushes, rule.thinking) == (5, 5 * 2_077)
    assert free.thinking == 0
    assert rule.cost < rule.untouched_cost
    assert rule.evicted == 40 < free.evicted


def test_where_thinking_is_kept_only_what_it_does_not_bind_leaves():
    kept = replay(THOUGHTFUL, keeping(setup("every-turn", model=BINDS)))
    assert (kept.flushes, kept.thinking, kept.cost) == (0, 0, kept.untouched_cost)


def keeping(one):
    return replace(one, rules=replace(one.rules, keep_thinking=True))


def test_thinking_that_is_not_sent_is_not_in_the_window():
    """The same with less thinking: what is left of it is that of the open task."""
    sizes = [replay(tasks(6, 8, 9_000, size), setup("every-turn", model=BINDS)).tokens
             for size in (600, 3_000)]  # fmt: skip
    thought = (3_000 - 600) // 2.6 * (6 * sum(range(9)) + 9 * 8)
    assert sizes[1] - sizes[0] == pytest.approx(thought, rel=0.25)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_no_schedule_beats_the_bound_by_giving_thinking_up(schedule):
    for one in (setup(schedule, model=BINDS), keeping(setup(schedule, model=BINDS))):
        assert bound(THOUGHTFUL, one) <= replay(THOUGHTFUL, one).cost * (1 + 1e-9)


def test_nothing_is_evicted_where_everything_is_small():
    report = replay(reading([200] * 10), setup("every-turn"))
    assert report.evicted == report.flushes == 0
    assert report.cost == report.untouched_cost


def test_waiting_for_a_cold_cache_never_costs_anything():
    talk = reading([9_000] * 20, pauses={8: 600, 15: 4_000})
    report = replay(talk, setup("cold"))
    assert report.flushes == 2
    assert report.net < 1


def test_an_untouched_world_reads_all_but_what_is_new():
    report = replay(LONG, setup("cold"))
    assert report.breaks == 0
    assert report.untouched_cost < 0.2 * report.untouched_tokens


def test_prices_can_be_given():
    cheap = Setup(
        Rules(POLICIES["fifo"], SCHEDULES["cold"], Limits(), multiples=CacheMultipliers(1.0, 0.0)),
        MODEL,
        head=20_000,
    )
    assert replay(LONG, cheap).untouched_cost < replay(LONG, setup("cold")).untouched_cost


def priced(above, times, read=0.1):
    """Opus at its usual multiples, and so many times dearer above a step."""
    kinds = {"input": 1, "output": 1, "cache_read": read, "cache_write_5m": 1.25}
    base = kinds | {"cache_write_1h": 2}
    band = {kind: price * times for kind, price in base.items()} | {"above_tokens": above}
    return parse(json.dumps({"claude-opus-*": base | {"bands": [band]}}))


def test_a_long_request_costs_more_as_a_whole():
    """One request of 20,000 tokens of head, and then one of as many and some more."""
    talk = reading([9_000])
    plain = replay(talk, setup("cold"))
    triple = replay(talk, setup("cold", prices=priced(1_000, 3)))
    assert triple.cost == triple.untouched_cost == pytest.approx(3 * plain.cost)
    assert replay(talk, setup("cold", prices=priced(90_000, 3))).cost == plain.cost
    between = replay(talk, setup("cold", prices=priced(plain.tokens // 2, 3))).cost
    assert plain.cost < between < 3 * plain.cost


def test_own_prices_decide_when_a_replay_flushes_and_what_it_costs():
    usual, dear = replay(LONG, setup()), replay(LONG, setup(prices=priced(10**6, 2, read=0.5)))
    assert dear.flushes > usual.flushes
    assert dear.untouched_cost > usual.untouched_cost


def test_where_a_long_request_is_dear_auto_flushes_before_it_is_one():
    """Five times as dear above 30,000 tokens."""
    prices = priced(30_000, 5)
    waits, auto = (replay(LONG, setup(name, prices=prices)) for name in ("break-even", "auto"))
    assert auto.cost < 0.4 * waits.cost
    assert (waits.flushes, auto.flushes) == (8, 18)
    assert auto.peak <= 30_000 < waits.peak
    assert bound(LONG, setup(prices=prices)) <= auto.cost


@pytest.mark.parametrize(("head", "flushes"), [(1_000, 2), (40_000, 6), (130_000, 9)])
def test_what_stands_before_a_conversation_counts_for_its_window(head, flushes):
    assert replay(LONG, setup("pressure", head=head)).flushes == flushes


def test_a_model_nobody_knows_is_named():
    with pytest.raises(Unpriced, match=r"'other-1'.*--model"):
        replay(LONG, setup(model="other-1"))


def test_reports_add_up_and_the_larger_peak_stays():
    one, other = replay(LONG, setup()), replay(SCAN, setup())
    whole = replay_all([LONG, SCAN], setup())
    assert whole == one.plus(other)
    assert whole.peak == max(one.peak, other.peak)
    assert Report().net == Report().context == 1.0


def test_plans_that_are_replayed_together_come_to_what_each_comes_to_alone():
    setups = [setup(name, tau) for name in SCHEDULES for tau in (1, 4)]
    setups.append(setup("every-turn", 4, boundary=False))
    together = replay_each([LONG, SCAN], setups)
    assert together == tuple(replay_all([LONG, SCAN], one) for one in setups)


def test_nothing_replayed_comes_to_nothing():
    assert replay_each([], [setup(), setup("cold")]) == (Report(), Report())


@pytest.mark.parametrize("other", [{"head": 1}, {"model": "gpt-5.5"}])
def test_plans_of_different_worlds_are_not_replayed_together(other):
    with pytest.raises(ValueError, match="model, ttl and head"):
        replay_each([LONG], [setup(), setup(**other)])


def test_dollars_are_tokens_at_the_list_price():
    report = replay(LONG, setup())
    assert report.priced == report.requests == 41
    assert report.dollars == pytest.approx(report.cost * 5e-6)
    assert report.untouched_dollars == pytest.approx(report.untouched_cost * 5e-6)


def test_a_model_without_a_price_costs_tokens_only():
    report = replay(LONG, setup(model="gpt-0-unheard-of"))
    assert (report.priced, report.dollars, report.untouched_dollars) == (0, 0.0, 0.0)
    assert input_price("other-1", 1_767_225_600) is None
    assert input_price(MODEL, 1_767_225_600) == pytest.approx(5e-6)


def test_what_is_sent_shorter_from_its_first_time_on_is_billed_shorter_and_breaks_nothing():
    talk = reading([9_000] * 6, ["a.py"] * 6)
    whole = setup("cold")
    shorter = replace(whole, rules=replace(whole.rules, births=Births(duplicates=True)))
    before, after = replay(talk, whole), replay(talk, shorter)
    assert before.net == 1
    assert (after.breaks, after.untouched_cost) == (before.breaks, before.untouched_cost)
    assert after.cost < before.cost
    assert 0 < before.tokens - after.tokens < before.tokens
