"""What the rows of ``flushes`` say: exact examples, and that they add up to the net of all."""

from dataclasses import replace
from os.path import commonprefix
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pichay_core.flushes import Parts, Share, Weights, shared
from pichay_core.ledger import TurnFacts
from pichay_core.model import Usage
from pichay_core.session import REFUSED
from pichay_core.store import figures
from pichay_core.store.flushes import NOBODY, _with_cleared
from pichay_core.store.scope import Scope
from pichay_core.store.vocabulary import count_tokens
from pichay_core.wire.report import Report, Taken
from tests.builders import BINDING, RecordedProxy, Talk, rules, worked
from tests.histories import Client, clients, plays, requests

BATCH = rules(flush_tokens=4000)
INPUT = 3e-6
"""Dollars for a token of plain input of the model."""


def ask(proxy, talk, *usage, **given):
    proxy.send(talk, **given)
    proxy.replied(Report(Usage(*usage)))


def flushes(proxy):
    proxy.settle()
    return list(proxy.library._db.query("select * from flushes order by turn"))


def removed(proxy, request):
    return proxy.rows("select removed_tokens from turns where request = ?", request)[0][0]


def warm_flush(proxy, again=6_000):
    """Seven results are cached, 12,000 tokens; with the eighth four of them leave, and of what
    stood behind the first one *again* is written again."""
    ask(proxy, worked(7), 50, 0, 12_000, 0, 20)
    proxy.send(worked(8))
    read = 12_000 - removed(proxy, 2) - again
    proxy.replied(Report(Usage(50, read, again + 1_000, 0, 20)))


def test_a_flush_is_a_row_with_what_was_expected_of_it(proxy):
    warm_flush(proxy)
    (row,) = flushes(proxy)
    (event,) = proxy.rows("select tokens, detail from events where kind = 'flushed'")
    assert (row["turn"], row["request"], row["why"], row["pages"]) == (9, 2, "batch", 4)
    assert row["tokens"] == event[0]
    assert row["predicted_saving_tokens"] == round(event[0] * 0.1)
    assert row["predicted_rewrite_tokens"] > 0
    assert row["paid_tokens"] > 0


def test_a_flush_bears_its_rewrite_and_saves_from_its_own_request_on(proxy):
    warm_flush(proxy)
    saved = 0.1 * removed(proxy, 2)
    (row,) = flushes(proxy)
    assert row["requests"] == 1
    assert row["saved_tokens"] == pytest.approx(saved)
    assert row["rewritten_tokens"] == pytest.approx(1.15 * 6_000)
    assert (row["faulted_tokens"], row["paid_back"]) == (0, None)
    assert row["saved_dollars"] == pytest.approx(saved * INPUT)
    assert row["rewritten_dollars"] == pytest.approx(1.15 * 6_000 * INPUT)
    assert row["faulted_dollars"] == 0


def test_a_flush_is_paid_back_after_as_many_requests_as_its_rewrite_is_worth(proxy):
    """1,200 tokens written again for 1.15 more are worth three reads of 4,904."""
    warm_flush(proxy, again=1_200)
    talk, found = worked(8), []
    for _ in range(3):
        found += flushes(proxy)
        ask(proxy, talk.idle(1), 50, 12_000 - removed(proxy, 2) + 1_000, 0, 0, 20)
    assert [(row["requests"], row["paid_back"]) for row in [*found, *flushes(proxy)]] == [
        (1, None), (2, None), (3, 3), (4, 3),
    ]  # fmt: skip


def test_a_free_flush_is_paid_back_with_its_own_request(proxy):
    ask(proxy, worked(7), 50, 0, 12_000, 0, 20)
    ask(proxy, worked(8), 50, 0, 8_000, 0, 20, after=5_000)
    (row,) = flushes(proxy)
    assert (row["why"], row["predicted_rewrite_tokens"]) == ("cold", 0)
    assert row["saved_tokens"] == pytest.approx(1.25 * removed(proxy, 2))
    assert (row["rewritten_tokens"], row["paid_back"]) == (0, 1)


def test_what_is_lost_again_is_not_paid_back_any_more(proxy):
    ask(proxy, worked(7), 50, 0, 12_000, 0, 20)
    ask(proxy, worked(8), 50, 0, 8_000, 0, 20, after=5_000)
    ask(proxy, worked(8).read("0.py", id="again"), 50_000, 8_000, 1_300, 0, 20)
    (row,) = flushes(proxy)
    assert row["faulted_tokens"] == pytest.approx(50_000 + 800 + 1.25 * 1_300)
    assert row["faulted_dollars"] == pytest.approx(row["faulted_tokens"] * INPUT + 20 * 15e-6)
    assert (row["requests"], row["paid_back"]) == (2, None)


def test_a_fault_is_charged_to_its_flush_for_as_long_as_the_copy_is_sent(proxy):
    """Nothing is learnt of the tokenizer on the way: no request is larger than the one before."""
    ask(proxy, worked(7), 50, 0, 16_000, 0, 20)
    ask(proxy, worked(8), 50, 4_000, 8_000, 0, 20)
    assert flushes(proxy)[0]["faulted_tokens"] == 0
    ask(proxy, both(worked(8)), 50, 9_000, 2_300, 0, 20)
    first = flushes(proxy)[0]["faulted_tokens"]
    refetched = proxy.rows("select refetched_tokens from turns where request = 3")[0][0]
    assert refetched > 1_000
    assert first == pytest.approx(1.25 * refetched)
    ask(proxy, both(worked(8)).idle(1), 50, 11_200, 50, 0, 20)
    assert flushes(proxy)[0]["faulted_tokens"] - first == pytest.approx(0.1 * refetched)


def both(talk):
    """A re-read beside something new, so that the request would have been made anyway."""
    other = talk.copy().read("0.py", id="again").read("new.py", id="new")
    calls, results = (
        [m["content"] for m in other.messages[-4::2]],
        [m["content"] for m in other.messages[-3::2]],
    )
    talk.messages += [
        {"role": "assistant", "content": [call for part in calls for call in part]},
        {"role": "user", "content": [found for part in results for found in part]},
    ]
    return talk


def test_every_flush_has_what_its_own_pages_bring(proxy):
    talk = worked(8)
    ask(proxy, talk, 50, 0, 8_000, 0, 20)
    for number in range(8, 13):
        ask(proxy, talk.read(f"{number}.py"), 50, 8_000, 1_000, 0, 20)
    first, second = flushes(proxy)
    before = first["saved_tokens"], second["saved_tokens"]
    ask(proxy, talk.idle(1), 50, 9_000, 0, 0, 20)
    first, second = flushes(proxy)
    more = first["saved_tokens"] - before[0], second["saved_tokens"] - before[1]
    assert more[0] / more[1] == pytest.approx(first["tokens"] / second["tokens"], rel=0.01)


def test_a_flush_that_was_only_observed_has_no_row(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", rules(edit=False))
    ask(proxy, worked(8), 50, 0, 8_000, 0, 20)
    assert proxy.rows("select count(*) from events where kind = 'flushed'") == [(1,)]
    assert flushes(proxy) == []
    proxy.stop()


def test_a_flush_that_the_provider_refused_saved_nothing(proxy):
    proxy.send(worked())
    exchange = proxy.decision.exchange
    proxy.paging.aftermath.freeze(exchange, REFUSED, proxy.at)
    proxy.paging.aftermath.replied(
        exchange, 200, Report(Usage(50, 0, 12_000, 0, 20)), proxy.at, "refused"
    )
    ask(proxy, worked(9), 50, 12_000, 1_000, 0, 20)
    (row,) = flushes(proxy)
    assert (row["requests"], row["saved_tokens"], row["paid_back"]) == (1, 0, None)


def test_a_model_without_a_price_has_tokens_only(proxy):
    ask(proxy, worked(), 50, 0, 8_000, 0, 20, model="claude-imaginary-9")
    (row,) = flushes(proxy)
    assert row["saved_tokens"] > 0
    assert (row["saved_dollars"], row["rewritten_dollars"], row["faulted_dollars"]) == (
        *[None] * 3,
    )


def test_what_a_flush_brings_is_counted_on_after_a_restart(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", BATCH)
    ask(proxy, worked(7), 50, 0, 16_000, 0, 20)
    ask(proxy, worked(8), 50, 4_000, 8_000, 0, 20)
    ask(proxy, both(worked(8)), 50, 9_000, 2_300, 0, 20)
    (before,) = flushes(proxy)
    proxy = proxy.restart()
    ask(proxy, both(worked(8)).idle(1), 50, 11_200, 50, 0, 20)
    (after,) = flushes(proxy)
    more = after["faulted_tokens"] - before["faulted_tokens"]
    assert more == pytest.approx(before["faulted_tokens"] * 0.1 / 1.25)
    assert after["requests"] == before["requests"] + 1
    proxy.stop()


def test_a_turn_that_flushes_twice_is_one_flush_and_the_same_request_counts_once(proxy):

    ask(proxy, worked(), 50, 0, 8_000, 0, 20)
    record = proxy.last
    (once,) = flushes(proxy)
    proxy.put(record)
    assert flushes(proxy) == [once]
    proxy.put(replace(record, after=replace(record.after, requests=2)))
    (twice,) = flushes(proxy)
    assert (twice["pages"], twice["tokens"]) == (2 * once["pages"], 2 * once["tokens"])


# -- the identity -------------------------------------------------------------------------


class Cached(RecordedProxy):
    """A proxy whose provider reads what a request has in common with the last one."""

    sent = ""

    def ask(self, request: Any, **given: Any) -> None:
        upstream = self.send(request, **given).decode()
        warm = given.get("after", 0.0) < 300
        common = commonprefix([upstream, self.sent if warm else ""])  # noqa: RUF071 - of letters
        window, read = count_tokens(upstream) + 500, count_tokens(common)
        self.sent = upstream
        self.replied(Report(Usage(5, read, window - read, 0, 20)))


def net_of(proxy, session, weights=Weights()):  # noqa: B008 - a value
    """The session's net as ``stats`` shows it, in dollars, and in tokens of plain input."""
    proxy.settle()
    whole = figures.net(proxy.library._db, Scope(session))
    costs = [
        weights.of(Usage(side.input, side.cache_read, side.cache_write))
        for side in (whole.untouched, whole.actual)
    ]
    return whole.saved_dollars, costs[0] - costs[1]


def born(proxy, session):
    """What a session saved by what was sent smaller from the first time, less what it added."""
    sql = "select total(birth_saved_dollars), total(birth_saved_tokens) from turns"
    return proxy.rows(f"{sql} where session = ?", session)[0]


def brought(proxy, session):
    """What all flushes of a session brought together."""
    rows = proxy.rows(
        "select total(saved_dollars) - total(rewritten_dollars) - total(faulted_dollars),"
        " total(saved_tokens) - total(rewritten_tokens) - total(faulted_tokens)"
        " from flushes where session = ?",
        session,
    )
    return rows[0]


def test_what_giving_edits_up_costs_is_charged_to_no_flush(proxy):
    """Frozen, the session sends its own text again: 4,904 tokens more, all of it written."""
    warm_flush(proxy)
    (before,) = flushes(proxy)
    dollars = net_of(proxy, proxy.session.id)[0]
    proxy.paging.aftermath.freeze(proxy.decision.exchange, REFUSED, proxy.at)
    out = removed(proxy, 2)
    ask(proxy, worked(9), 50, 1_000, 12_000 + out, 0, 20)
    assert flushes(proxy) == [before]
    assert (
        net_of(proxy, proxy.session.id)[0]
        < dollars
        == pytest.approx(brought(proxy, proxy.session.id)[0])
    )


def test_what_a_fork_saves_by_its_parent_s_flush_is_of_no_flush_of_its_own(proxy):
    ask(proxy, worked(), 50, 0, 8_000, 0, 20)
    ask(proxy, worked(7).read("x.py", id="x"), 50, 6_800, 1_300, 0, 20)
    ask(proxy, worked(9), 50, 8_000, 1_300, 0, 20)
    fork = proxy.session
    assert fork.kind == "fork"
    assert net_of(proxy, fork.id)[0] > 0
    assert brought(proxy, fork.id) == (0, 0)


few = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


@few
@given(plays, clients.filter(lambda client: client.markers != "hour"))
def test_the_flushes_of_a_session_add_up_to_its_net(play, client):
    with TemporaryDirectory() as folder:
        proxy = Cached(Path(folder) / "db", BATCH)
        for sent in requests(play, client):
            proxy.ask(sent.body, after=sent.after)
        adds_up(proxy, Weights())
        proxy.stop()


def adds_up(proxy, weights):
    """What flushes and birth brought is the net of every session."""
    for session in [s for s in proxy.sessions if s.requests and s.kind != "fork"]:
        dollars, tokens = net_of(proxy, session.id, weights)
        flushed, begun = brought(proxy, session.id), born(proxy, session.id)
        both = tuple(one + other for one, other in zip(flushed, begun, strict=True))
        assert both == pytest.approx((dollars, tokens), abs=1e-6)


thinkers = st.builds(
    Client, thinks=st.just(True), markers=st.sampled_from(["none", "tail"]), model=st.just(BINDING)
)


@few
@given(plays, thinkers)
def test_they_do_so_where_thinking_was_given_up_with_them(play, client):
    with TemporaryDirectory() as folder:
        proxy = Cached(Path(folder) / "db", rules("every-turn", tau=1))
        for sent in requests(play, client):
            proxy.ask(sent.body, after=sent.after)
        adds_up(proxy, Weights(read=0.05))
        proxy.stop()


# -- thinking that was given up -----------------------------------------------------------


def thinking(files=8):
    """Replies with 400 bytes of thinking each, 154 tokens of a new Claude."""
    talk = Talk()
    for number in range(files):
        talk.read(f"{number}.py", think=True)
        talk.messages[-2]["content"][0]["thinking"] = "think " * 66 + "more"
    return talk


def test_the_thinking_given_up_is_counted_in_each_request_beside_the_pages(proxy):
    talk = thinking()
    ask(proxy, talk, 50, 0, 20_000, 0, 20, model=BINDING)
    ask(proxy, talk.ask("next"), 50, 0, 10_000, 0, 20, model=BINDING)
    ask(proxy, talk.read("x.py", think=True), 50, 10_000, 1_000, 0, 20, model=BINDING)
    columns = "thinking_tokens, removed_tokens > 0, untouched_input_tokens"
    columns += " + untouched_cache_read_tokens + untouched_cache_write_tokens - removed_tokens"
    whole = proxy.rows(f"select {columns} from turns order by request")
    assert whole == [(0, 0, 20_050), (1_231, 1, 11_281), (1_231, 1, 12_281)]
    assert figures.net(proxy.library._db).thinking == 2 * 1_231
    assert figures.given_up(proxy.library._db) == figures.GivenUp(1, 8, 1_231)


def test_what_is_saved_by_it_is_of_the_flush_that_gave_it_up(proxy):
    talk = thinking()
    ask(proxy, talk.ask("next"), 50, 0, 20_000, 0, 20, model=BINDING)
    (first,) = flushes(proxy)
    out, gone = proxy.rows("select removed_tokens, thinking_tokens from turns")[0]
    assert first["saved_tokens"] == pytest.approx(1.25 * (out + gone))
    for number in range(8):
        talk.read(f"later {number}.py", think=True)
    ask(proxy, talk.ask("last"), 50, 0, 20_000, 0, 20, model=BINDING)
    first, second = flushes(proxy)
    thought = dict(proxy.rows("select turn, tokens from events where kind = 'stripped'"))
    parts = [flush["tokens"] + thought[flush["turn"]] for flush in (first, second)]
    more = first["saved_tokens"] - 1.25 * (out + gone), second["saved_tokens"]
    assert more[0] / more[1] == pytest.approx(parts[0] / parts[1], rel=0.05)


# -- beside what the provider clears itself -----------------------------------------------------

CLEARED = 40_000


def warm_flush_of(proxy, cleared):
    """A flush like the one above; of the same window the provider takes *cleared* more."""
    fields = {"model": BINDING}
    ask(proxy, worked(0), 50, 0, 2_000, 0, 20, **fields)
    proxy.send(worked(8), **fields)
    out = removed(proxy, 2)
    taken = Taken(9, cleared) if cleared else None
    proxy.replied(Report(Usage(50, 2_000, 60_000 - out - cleared, 0, 20), cleared=taken))
    (row,) = flushes(proxy)
    return row, proxy.rows("select cleared_tokens, removed_tokens from turns where request = 2")[0]


def test_what_the_provider_clears_is_no_merit_of_a_flush(tmp_path):
    told = {}
    for mode, cleared in (("page", 0), ("full", CLEARED)):
        proxy = RecordedProxy(tmp_path / mode, BATCH, mode=mode)
        told[mode] = warm_flush_of(proxy, cleared)
        proxy.stop()
    (alone, _), (beside, amounts) = told["page"], told["full"]
    assert amounts[0] == CLEARED
    assert beside["saved_tokens"] == pytest.approx(alone["saved_tokens"])
    assert beside["saved_dollars"] == pytest.approx(alone["saved_dollars"])


def test_without_a_flush_of_ours_all_of_it_is_nobodys(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", BATCH, mode="server")
    ask(proxy, worked(0), 50, 0, 100_000, 0, 20)
    proxy.send(worked(1))
    proxy.replied(Report(Usage(50, 20_000, 41_000, 0, 20), cleared=Taken(9, CLEARED)))
    assert flushes(proxy) == []
    assert brought(proxy, proxy.session.id) == (0, 0)
    born = proxy.rows("select total(birth_saved_tokens) from turns")[0][0]
    saved, again = 0.1 * CLEARED, 1.15 * 40_000
    assert net_of(proxy, proxy.session.id)[1] - born == pytest.approx(saved - again)
    proxy.stop()


shares = st.dictionaries(
    st.integers(-1, 5), st.builds(Share, st.integers(0, 9_000), st.integers(0, 9_000))
)


@given(shares, st.integers(1, 90_000), st.floats(0, 1e6), st.floats(0, 1e6))
def test_what_is_of_no_flush_and_what_is_of_one_add_up_to_what_was_saved(
    known, cleared, saved, lost
):
    whole = Parts(saved, rewritten=lost)
    parts = shared(whole, _with_cleared(known, cleared), 3, TurnFacts(), Weights())
    assert sum(part.saved for part in parts.values()) == pytest.approx(saved)
    out = sum(share.removed for share in known.values()) + cleared
    for flush, share in known.items():
        if flush != NOBODY:
            assert parts[flush].saved == pytest.approx(saved * share.removed / out)
