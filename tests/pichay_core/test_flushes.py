"""What a flush has brought: the parts of one request, by examples worked by hand, and their sum."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pichay_core.flushes import Parts, Share, Weights, divide, in_dollars, shared
from pichay_core.ledger import Amounts, Ledger, TurnFacts, settle
from pichay_core.model import Usage
from pichay_core.prices import Rates

WEIGHTS = Weights()
QUIET = TurnFacts()
FLUSH = TurnFacts(flushed=True)
DEAR = Rates(6e-6, 6e-7, 7.5e-6, 12e-6, 30e-6)
CHEAP = Rates(3e-6, 3e-7, 3.75e-6, 6e-6, 15e-6)


def billed(input=50, read=0, write=0, hour=0, output=10):
    return Usage(input, read, write, hour, output)


def parts(ledger, facts, amounts, usage, fresh=0):
    found = divide(ledger, facts, amounts, usage, WEIGHTS, fresh)
    assert found.rest == pytest.approx(0, abs=1e-6)
    return pytest.approx((found.saved, found.rewritten, found.faulted))


def test_a_flush_bears_what_untouched_would_have_read():
    """100,000 tokens were cached, 40,000 leave, 40,000 behind them are written again."""
    usage = billed(read=20_000, write=45_000)
    found = parts(Ledger(100_000, 100_000), FLUSH, Amounts(removed=40_000), usage)
    assert found == (4_000, 40_000 * 1.15, 0)


def test_a_later_request_would_have_read_what_is_out():
    usage = billed(read=65_000, write=2_000)
    found = parts(Ledger(65_000, 105_000), QUIET, Amounts(removed=40_000), usage)
    assert found == (4_000, 0, 0)


def test_a_request_after_a_pause_would_have_written_what_is_out():
    usage = billed(write=67_000)
    facts = TurnFacts(warm=False)
    found = parts(Ledger(65_000, 105_000), facts, Amounts(removed=40_000), usage)
    assert found == (40_000 * 1.25, 0, 0)


def test_a_flush_of_a_cold_cache_costs_nothing():
    facts = TurnFacts(flushed=True, warm=False)
    found = parts(Ledger(100_000, 100_000), facts, Amounts(removed=40_000), billed(write=65_000))
    assert found == (40_000 * 1.25, 0, 0)


def test_what_is_written_for_an_hour_would_have_been_too():
    facts = TurnFacts(flushed=True, one_hour=True)
    usage = billed(read=20_000, hour=45_000)
    found = parts(Ledger(100_000, 100_000), facts, Amounts(removed=40_000), usage)
    assert found == (4_000, 40_000 * 1.9, 0)


def test_where_nothing_is_cached_what_is_out_would_have_been_plain_input():
    found = parts(Ledger(), FLUSH, Amounts(40_000, 1_000), billed(input=60_000))
    assert found == (40_000, 0, 1_000)


def test_a_refetch_is_written_when_it_comes_and_read_from_then_on():
    amounts = Amounts(removed=40_000, refetched=3_000)
    usage = billed(read=65_000, write=4_000)
    assert parts(Ledger(65_000, 105_000), QUIET, amounts, usage) == (4_000, 0, 3_000 * 1.25)
    usage = billed(read=69_000, write=500)
    assert parts(Ledger(69_000, 106_000), QUIET, amounts, usage) == (4_000, 0, 300)


def test_a_flush_that_breaks_what_was_refetched_before_bears_its_writing():
    """3,000 tokens refetched long ago are cached; untouched they are not: 40,000 others and they
    are written again behind what leaves."""
    amounts = Amounts(removed=40_000, refetched=3_000)
    usage = billed(read=20_000, write=48_000)
    ledger = Ledger(103_000, 100_000)
    found = parts(ledger, FLUSH, amounts, usage)
    assert found == (4_000, 43_000 * 1.15, 300)
    assert parts(ledger, FLUSH, amounts, usage, fresh=3_000) == (4_000, 40_000 * 1.15, 3_750)


def test_a_request_that_brought_nothing_but_a_refetch_is_charged_whole():
    facts = TurnFacts(only_refetched=True)
    usage = billed(read=65_000, write=3_000)
    found = parts(Ledger(65_000, 105_000), facts, Amounts(40_000, 3_000), usage)
    assert found == (0, 0, 50 + 6_500 + 3_750)


def test_nothing_removed_is_nothing_saved():
    assert divide(Ledger(9, 9), QUIET, Amounts(), billed(read=9, write=5), WEIGHTS) == Parts()


# -- whose it is ------------------------------------------------------------------------------


def test_what_was_saved_goes_by_what_is_out_and_the_rewrite_to_the_flush_of_the_turn():
    shares = {3: Share(removed=30_000), 7: Share(removed=10_000)}
    found = shared(Parts(4_000, 1_000, 0), shares, 7, FLUSH, WEIGHTS)
    assert found == {3: Parts(3_000), 7: Parts(1_000, 1_000)}


def test_a_fault_is_charged_to_the_flush_that_took_the_page_out():
    shares = {3: Share(removed=100), 7: Share(refetched=1_000, fresh=1_000)}
    found = shared(Parts(100, 0, 1_250), shares, None, QUIET, WEIGHTS)
    assert found == {3: Parts(100), 7: Parts(0, 0, 1_250)}


def test_an_old_refetch_weighs_less_than_a_new_one():
    shares = {3: Share(refetched=12_500), 7: Share(refetched=1_000, fresh=1_000)}
    found = shared(Parts(faulted=2_500), shares, None, QUIET, WEIGHTS)
    assert (found[3].faulted, found[7].faulted) == (1_250, 1_250)


def test_a_request_that_an_old_refetch_did_not_cause_is_not_charged_to_it():
    shares = {3: Share(refetched=12_500), 7: Share(refetched=1_000, fresh=1_000)}
    facts = TurnFacts(only_refetched=True)
    found = shared(Parts(faulted=9_000), shares, None, facts, WEIGHTS)
    assert (found[3].faulted, found[7].faulted) == (0, 9_000)


# -- money ------------------------------------------------------------------------------------


def test_dollars_are_tokens_at_the_price_of_plain_input():
    usage = billed(read=65_000, write=2_000)
    paid = CHEAP.price(usage).total
    found = in_dollars(Parts(4_000, 2_000, 1_000), usage, usage, CHEAP, paid)
    assert (found.saved, found.rewritten, found.faulted) == pytest.approx((0.012, 0.006, 0.003))


def test_a_request_that_stays_in_the_cheaper_band_saved_the_difference():
    usage = billed(read=190_000)
    untouched = billed(read=230_000)
    paid = CHEAP.price(usage).total
    found = in_dollars(Parts(4_000), usage, untouched, DEAR, paid)
    assert found.saved == pytest.approx(DEAR.price(untouched).total - paid)


# -- laws -------------------------------------------------------------------------------------

_tokens = st.integers(0, 200_000)
_ledgers = st.builds(Ledger, _tokens, _tokens)
_facts = st.builds(TurnFacts, *[st.booleans()] * 7, free_writes=st.booleans())
_amounts = st.builds(Amounts, _tokens, _tokens)
_usages = st.builds(Usage, _tokens, _tokens, _tokens, _tokens, _tokens)
_sparse = st.builds(
    Usage, _tokens, st.sampled_from([0, 70_000]), st.sampled_from([0, 9_000]), st.just(0), _tokens
)
_shares = st.dictionaries(st.integers(1, 9), st.builds(Share, _tokens, _tokens, st.just(0)))


@given(_ledgers, _facts, _amounts, st.one_of(_usages, _sparse), _tokens)
def test_the_parts_add_up_to_untouched_less_actual(ledger, facts, amounts, usage, fresh):
    found = divide(ledger, facts, amounts, usage, WEIGHTS, min(fresh, amounts.refetched))
    untouched = settle(ledger, facts, amounts, usage).untouched
    weights = WEIGHTS.where(facts)
    whole = weights.of(untouched) - weights.of(usage)
    assert found.net + found.rest == pytest.approx(whole, abs=1e-6)
    assert min(found.saved, found.rewritten) >= 0


@given(_ledgers, _facts, _amounts, st.one_of(_usages, _sparse), _tokens)
def test_the_rest_is_less_than_a_token_unless_more_was_refetched_than_there_was(
    ledger, facts, amounts, usage, fresh
):
    assume(usage.window + amounts.removed - amounts.refetched >= usage.input)
    found = divide(ledger, facts, amounts, usage, WEIGHTS, min(fresh, amounts.refetched))
    assert abs(found.rest) < 0.5
    assert found.faulted >= -1e-6


@given(_ledgers, _facts, _amounts, _usages, _tokens)
def test_only_a_flush_is_charged_with_a_rewrite(ledger, facts, amounts, usage, fresh):
    found = divide(ledger, facts, amounts, usage, WEIGHTS, min(fresh, amounts.refetched))
    if not (facts.flushed and facts.warm and not facts.client_broke):
        assert found.rewritten == 0


@given(st.builds(Parts, *[st.floats(0, 1e6)] * 3), _shares, st.sampled_from([None, 3, 12]), _facts)
def test_nothing_is_lost_among_the_flushes(whole, shares, turn, facts):
    found = sum(shared(whole, shares, turn, facts, WEIGHTS).values(), Parts())
    brought = (
        any(share.refetched for share in shares.values())
        and not facts.only_refetched
        and not facts.ours
    )
    assert found.saved == pytest.approx(whole.saved * any(s.removed for s in shares.values()))
    assert found.faulted == pytest.approx(whole.faulted * brought)
    assert found.rewritten == pytest.approx(whole.rewritten * (turn is not None))
