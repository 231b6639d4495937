"""The arithmetic of what a request would have cost untouched, by examples worked by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.ledger import Amounts, Ledger, TurnFacts, settle
from pichay_core.model import Usage

QUIET = TurnFacts()
FLUSH = TurnFacts(flushed=True)


def billed(input=50, read=0, write=0, hour=0, output=10):
    return Usage(input, read, write, hour, output)


def test_nothing_removed_is_the_same_bill():
    usage = billed(read=9_900, write=1_000)
    settled = settle(Ledger(9_900, 9_900), QUIET, Amounts(), usage)
    assert settled.untouched == usage
    assert settled.ledger == Ledger(10_900, 10_900)
    assert not settled.prefix_broken


def test_the_first_request_is_written_whole():
    settled = settle(Ledger(), QUIET, Amounts(), billed(write=9_900))
    assert settled.untouched == billed(write=9_900)
    assert (settled.ledger, settled.prefix_broken) == (Ledger(9_900, 9_900), False)


def test_a_flush_rewrites_what_untouched_would_have_been_read():
    """100,000 tokens were cached; 40,000 leave; behind the first of them 40,000 are written
    again, and 5,000 are new."""
    usage = billed(read=20_000, write=45_000)
    settled = settle(Ledger(100_000, 100_000), FLUSH, Amounts(removed=40_000), usage)
    assert settled.untouched == billed(read=100_000, write=5_000)
    assert settled.ledger == Ledger(65_000, 105_000)
    assert settled.prefix_broken


def test_after_a_flush_what_was_removed_would_have_been_read_on_every_request():
    usage = billed(read=65_000, write=2_000)
    settled = settle(Ledger(65_000, 105_000), QUIET, Amounts(removed=40_000), usage)
    assert settled.untouched == billed(read=105_000, write=2_000)
    assert settled.ledger == Ledger(67_000, 107_000)
    assert not settled.prefix_broken


FREE = TurnFacts(free_writes=True)


def test_where_writes_are_free_what_a_flush_makes_plain_would_have_been_read():
    """No write is billed: 100,000 tokens were cached, and 45,000 are plain input now."""
    facts = replace(FREE, flushed=True)
    usage = billed(input=45_000, read=20_000)
    settled = settle(Ledger(100_000, 100_000), facts, Amounts(removed=40_000), usage)
    assert settled.untouched == billed(input=5_000, read=100_000)
    assert settled.ledger == Ledger(65_000, 105_000)


def test_where_writes_are_free_all_that_was_sent_is_cached():
    settled = settle(Ledger(9_000, 9_000), FREE, Amounts(), billed(input=1_000, read=9_000))
    assert settled.untouched == billed(input=1_000, read=9_000)
    assert settled.ledger == Ledger(10_000, 10_000)


def test_a_provider_that_never_reads_is_taken_to_cache_nothing():
    settled = settle(Ledger(), FREE, Amounts(), billed(input=10_000))
    assert settled.ledger == Ledger()
    facts = replace(FREE, flushed=True)
    settled = settle(settled.ledger, facts, Amounts(removed=4_000), billed(input=7_000))
    assert settled.untouched == billed(input=11_000)


def test_a_flush_while_the_cache_is_cold_costs_nothing():
    cold = TurnFacts(flushed=True, warm=False)
    usage = billed(write=65_000)
    settled = settle(Ledger(100_000, 100_000), cold, Amounts(removed=40_000), usage)
    assert settled.untouched == billed(write=105_000)
    assert settled.ledger == Ledger(65_000, 105_000)
    assert not settled.prefix_broken


def test_a_flush_where_the_client_broke_the_prefix_is_not_charged_to_us():
    facts = TurnFacts(flushed=True, client_broke=True)
    settled = settle(Ledger(100_000, 100_000), facts, Amounts(removed=40_000), billed(write=65_000))
    assert settled.untouched == billed(write=105_000)
    assert not settled.prefix_broken


def test_what_was_read_in_spite_of_a_flush_would_have_been_read_without_it():
    """A conversation that is joined late: what was cached of it before is not known."""
    usage = billed(read=15_000, write=45_000)
    settled = settle(Ledger(), FLUSH, Amounts(removed=40_000), usage)
    assert settled.untouched == billed(read=15_000, write=85_000)


def test_a_miss_would_have_been_a_miss():
    usage = billed(write=67_000)
    settled = settle(Ledger(65_000, 105_000), QUIET, Amounts(removed=40_000), usage)
    assert settled.untouched == billed(write=107_000)
    assert settled.prefix_broken


def test_a_compaction_by_the_client_leaves_nothing_to_add():
    """Only 15,000 tokens of prompt and tools are read; nothing of the new history is out."""
    facts = TurnFacts(client_broke=True)
    usage = billed(read=15_000, write=5_000)
    settled = settle(Ledger(65_000, 105_000), facts, Amounts(), usage)
    assert settled.untouched == usage
    assert settled.ledger == Ledger(20_000, 20_000)


def test_what_is_kept_out_of_the_cache_is_no_more_than_is_missing_from_the_request():
    facts = TurnFacts(client_broke=True)
    usage = billed(read=30_000, write=1_000)
    settled = settle(Ledger(65_000, 105_000), facts, Amounts(removed=8_000), usage)
    assert settled.untouched == billed(read=38_000, write=1_000)


def test_a_refetch_is_not_in_the_untouched_window():
    usage = billed(read=65_000, write=4_000)
    amounts = Amounts(removed=40_000, refetched=3_000)
    settled = settle(Ledger(65_000, 105_000), QUIET, amounts, usage)
    assert settled.untouched == billed(read=105_000, write=1_000)
    assert settled.ledger == Ledger(69_000, 106_000)


def test_a_request_that_brought_nothing_but_a_refetch_would_not_have_been_made():
    usage = billed(read=65_000, write=3_000, output=99)
    facts = TurnFacts(only_refetched=True)
    settled = settle(Ledger(65_000, 105_000), facts, Amounts(40_000, 3_000), usage)
    assert settled.untouched == Usage()
    assert settled.ledger == Ledger(68_000, 105_000)


def test_what_we_put_into_the_cache_would_not_have_been_read():
    """5,000 tokens of recalled text stand in the window; the client has added 1,000."""
    amounts = Amounts(refetched=5_000)
    settled = settle(Ledger(105_000, 100_000), QUIET, amounts, billed(read=105_000, write=1_000))
    assert settled.untouched == billed(read=100_000, write=1_000)
    assert settled.ledger == Ledger(106_000, 101_000)


def test_a_request_of_ours_would_not_have_been_made_but_its_reply_would():
    facts = TurnFacts(ours=True)
    usage = billed(read=65_000, write=3_000, output=99)
    settled = settle(Ledger(65_000, 105_000), facts, Amounts(40_000, 3_000), usage)
    assert settled.untouched == Usage(output=99)
    assert settled.ledger == Ledger(68_000, 105_000)


def test_a_reply_that_we_answer_would_have_been_another():
    """The client's request is as it would have been; what it says comes with the next reply."""
    facts, usage = TurnFacts(goes_on=True), billed(read=65_000, write=3_000, output=99)
    settled = settle(Ledger(65_000, 65_000), facts, Amounts(), usage)
    assert settled.untouched == billed(read=65_000, write=3_000, output=0)


def test_what_a_reply_said_to_us_beside_the_client_would_not_have_been_said():
    usage = billed(read=65_000, output=99)
    for told, output in ((60, 39), (200, 0)):
        settled = settle(Ledger(65_000, 65_000), TurnFacts(to_us=told), Amounts(), usage)
        assert settled.untouched == billed(read=65_000, output=output)


def test_the_bill_of_a_request_answered_in_its_place_is_that_of_one_request():
    """A client's request, two of ours, and the next one of the client's: untouched, two."""
    first = settle(Ledger(50_000, 50_000), TurnFacts(goes_on=True), Amounts(),
                   billed(read=50_000, write=1_000, output=40))  # fmt: skip
    second = settle(first.ledger, TurnFacts(ours=True, goes_on=True), Amounts(refetched=2_000),
                    billed(read=51_000, write=2_000, output=30))  # fmt: skip
    third = settle(second.ledger, TurnFacts(ours=True), Amounts(refetched=2_500),
                   billed(read=53_000, write=500, output=200))  # fmt: skip
    next_ = settle(third.ledger, QUIET, Amounts(refetched=2_500),
                   billed(read=53_500, write=700, output=10))  # fmt: skip
    untouched = [one.untouched for one in (first, second, third, next_)]
    assert untouched == [
        billed(read=50_000, write=1_000, output=0),
        Usage(),
        Usage(output=200),
        billed(read=51_000, write=700, output=10),
    ]


def test_writes_for_an_hour_stay_writes_for_an_hour():
    facts = TurnFacts(flushed=True, one_hour=True)
    usage = billed(read=20_000, hour=45_000)
    settled = settle(Ledger(100_000, 100_000), facts, Amounts(removed=40_000), usage)
    assert settled.untouched == billed(read=100_000, hour=5_000)


def test_a_mixture_of_writes_stays_one():
    """A prompt for an hour and a history for five minutes: the mark on the prompt does not
    make the history dear."""
    facts = TurnFacts(one_hour=True)
    settled = settle(Ledger(), facts, Amounts(removed=10_000), billed(write=15_000, hour=5_000))
    assert settled.untouched == billed(write=22_500, hour=7_500)
    settled = settle(
        Ledger(20_000, 30_000), facts, Amounts(removed=10_000), billed(read=20_000, write=1_000)
    )
    assert settled.untouched == billed(read=30_000, write=1_000)


def test_where_nothing_is_cached_everything_is_plain_input():
    settled = settle(Ledger(), QUIET, Amounts(removed=40_000), billed(input=60_000))
    assert settled.untouched == billed(input=100_000)
    assert settled.ledger == Ledger()


@pytest.mark.parametrize(
    ("read", "broken"), [(100_000, False), (95_000, False), (94_999, True), (0, True)]
)
def test_a_prefix_is_broken_if_clearly_less_was_read_than_was_cached(read, broken):
    usage = billed(read=read, write=100_500 - read)
    assert settle(Ledger(100_000, 100_000), QUIET, Amounts(), usage).prefix_broken is broken


@pytest.mark.parametrize("facts", [TurnFacts(warm=False), TurnFacts(client_broke=True)])
def test_what_is_lost_through_time_or_by_the_client_is_not_a_break_of_ours(facts):
    assert not settle(Ledger(100_000, 100_000), facts, Amounts(), billed(write=100)).prefix_broken


_tokens = st.integers(0, 200_000)


@given(
    st.builds(Ledger, _tokens, _tokens),
    st.builds(TurnFacts, *[st.booleans()] * 7),
    st.builds(Amounts, _tokens, _tokens),
    st.builds(Usage, _tokens, _tokens, _tokens, _tokens, _tokens),
)
def test_every_estimate_adds_up(ledger, facts, amounts, usage):
    untouched = settle(ledger, facts, amounts, usage).untouched
    parts = (untouched.input, untouched.cache_read, untouched.cache_write_5m,
             untouched.cache_write_1h)  # fmt: skip
    assert all(part >= 0 for part in parts)
    whole = max(0, usage.window + amounts.removed - amounts.refetched)
    assert untouched.window == (0 if facts.only_refetched or facts.ours else whole)
