"""What the provider clears itself: asked for in every request, told once, paid for, given up."""

import json
from dataclasses import replace

import pytest

from pichay_core.beginning import ASIDE
from pichay_core.birth.choice import Birth
from pichay_core.events import Cleared, Frozen, Warned
from pichay_core.ledger import TurnFacts
from pichay_core.model import SessionId, Usage
from pichay_core.session import Session
from pichay_core.store import figures, stories
from pichay_core.store.activity import activity
from pichay_core.store.records import Settlement
from pichay_core.store.scope import EVERYTHING
from pichay_core.wire.report import Report, Taken
from pichay_proxy.clearings import OURS, SLIDES, THE_CLIENTS, clearing, refused_asking
from tests.builders import BINDING, KEY, Proxy, RecordedProxy, Talk, stubbed, worked

BETA = "context-management-2025-06-27"
OWN = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}
COUNT = "/v1/messages/count_tokens"
REFUSAL = "context_management: Extra inputs are not permitted"


def serving(**changed):
    return Proxy(mode="server", **changed)


def said(upstream):
    return json.loads(upstream).get("context_management")


def reply(pages=0, tokens=0, **usage):
    return Report(Usage(**({"input": 50, "output": 20} | usage)), cleared=Taken(pages, tokens))


# -- asked for -----------------------------------------------------------------------------


def test_the_body_asks_and_the_header_names_the_feature():
    proxy, talk = serving(), Talk()
    first = proxy.send(talk)
    assert said(first)["edits"][0]["clear_at_least"]["value"] == 29_000
    assert proxy.decision.betas == (BETA,)
    assert said(proxy.send(talk.read("0.py"))) == said(first)
    assert proxy.decision.betas == (BETA,)


def test_a_client_that_names_the_feature_already_need_not_be_helped():
    proxy = serving()
    assert said(proxy.send(Talk(), {**KEY, "anthropic-beta": f"other-1, {BETA}"}))
    assert proxy.decision.betas == ()


@pytest.mark.parametrize(
    ("mode", "model", "asks"),
    [
        ("server", "claude-sonnet-4-5", True),
        ("server", BINDING, True),
        ("full", "claude-sonnet-4-5", False),
        ("full", BINDING, True),
        ("birth", BINDING, False),
        ("page", BINDING, False),
        ("observe", BINDING, False),
        ("auto", BINDING, True),
        ("auto", "claude-sonnet-4-5", False),
        ("server", "claude-3-5-sonnet-20241022", False),
    ],
)
def test_the_mode_and_the_model_say_whether_it_is_asked(mode, model, asks):
    proxy = Proxy(mode=mode)
    assert bool(said(proxy.send(Talk(), model=model))) is asks
    assert bool(proxy.decision.betas) is asks
    assert proxy.session.mode == {"auto": "full"}.get(mode, mode)


def test_who_is_asked_to_clear_has_nothing_else_evicted():
    proxy, talk = serving(), Talk()
    proxy.send(talk)
    for number in range(9):
        upstream = proxy.send(talk.read(f"{number}.py"))
        assert stubbed(upstream) == []


def test_a_change_of_options_changes_nothing_that_has_begun():
    proxy, talk = serving(), Talk()
    first = said(proxy.send(talk))
    proxy.paging.settings = replace(proxy.settings, mode="page")
    assert said(proxy.send(talk.read("0.py"))) == first
    assert said(proxy.send(Talk("Another."), {**KEY, "x-api-key": "two"})) is None


def test_who_only_observes_from_now_on_sends_what_the_client_sends():
    proxy, talk = serving(), Talk()
    proxy.send(talk)
    proxy.paging.settings = replace(proxy.settings, mode="observe")
    assert said(proxy.send(talk.read("0.py"))) is None
    assert proxy.decision.betas == ()


def test_the_same_bytes_go_upstream_after_a_restart(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db", mode="server"), Talk()
    proxy.send(talk)
    straight = proxy.send(talk.read("0.py"))
    proxy = proxy.restart()
    proxy.paging.settings = replace(proxy.settings, mode="birth")
    assert proxy.send(talk) == straight
    assert proxy.decision.betas == (BETA,)
    proxy.stop()


def test_a_client_that_begins_to_ask_is_left_to_it_and_that_is_recorded():
    proxy, talk = serving(), Talk()
    proxy.send(talk)
    assert said(proxy.send(talk.read("0.py"), context_management=OWN)) == OWN
    assert proxy.events(Warned) == [ASIDE]
    assert said(proxy.send(talk.read("1.py"))) is None
    assert proxy.decision.betas == ()


# -- count_tokens --------------------------------------------------------------------------


def test_a_count_asks_as_the_requests_of_its_session_do():
    proxy, talk = serving(), Talk()
    sent = proxy.send(talk)
    counted = proxy.send(talk.read("0.py"), path=COUNT)
    assert said(counted) == said(sent)
    assert proxy.decision.betas == (BETA,)


def test_a_count_before_the_first_request_and_one_that_asks_itself_go_as_they_came():
    proxy, talk = serving(), Talk()
    assert said(proxy.send(talk, path=COUNT)) is None
    proxy.send(talk)
    assert said(proxy.send(talk.read("0.py"), path=COUNT, context_management=OWN)) == OWN
    assert proxy.decision.betas == ()


# -- told once -----------------------------------------------------------------------------


def test_what_was_cleared_is_told_when_it_becomes_more():
    proxy, talk = serving(), Talk()
    for number, (pages, tokens) in enumerate([(0, 0), (12, 40_000), (12, 40_000), (20, 70_000)]):
        proxy.send(talk.read(f"{number}.py") if number else talk)
        proxy.replied(reply(pages, tokens))
    assert proxy.events(Cleared) == [Cleared(OURS, 12, 40_000), Cleared(OURS, 8, 30_000)]
    assert (proxy.session.cleared_pages, proxy.session.cleared_tokens) == (20, 70_000)


def test_what_a_client_asked_for_is_said_to_be_the_clients():
    proxy = serving()
    proxy.send(Talk(), context_management=OWN)
    proxy.replied(reply(5, 9_000))
    assert proxy.events(Cleared) == [Cleared(THE_CLIENTS, 5, 9_000)]
    (settled,) = [record for record in proxy.records if isinstance(record, Settlement)]
    assert settled.cleared == 0
    assert settled.facts.client_broke
    assert not settled.facts.flushed


def test_what_was_told_is_not_told_again_after_a_restart(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db", mode="server"), Talk()
    proxy.send(talk)
    proxy.replied(reply(12, 40_000))
    proxy = proxy.restart()
    proxy.send(talk.read("0.py"))
    proxy.replied(reply(12, 40_000))
    proxy.settle()
    assert proxy.rows("select count(*), sum(tokens) from events where kind = 'cleared'") == [
        (1, 40_000)
    ]
    proxy.stop()


SESSION = Session(SessionId("s"), "i", "f", b"", birth=Birth(clears=30_000))
QUIET = TurnFacts()
FLUSHED, BROKE = TurnFacts(flushed=True), TurnFacts(client_broke=True)


def known(pages, tokens):
    return replace(SESSION, cleared_pages=pages, cleared_tokens=tokens)


@pytest.mark.parametrize(
    ("before", "taken", "asked", "facts", "tokens"),
    [
        ((0, 0), (0, 0), True, QUIET, 0),
        ((0, 0), (9, 40_000), True, FLUSHED, 40_000),
        ((9, 40_000), (9, 40_000), True, QUIET, 40_000),
        ((9, 40_000), (0, 0), True, FLUSHED, 0),
        ((9, 40_000), (0, 0), False, FLUSHED, 0),
        ((0, 0), (9, 40_000), False, BROKE, 0),
        ((9, 40_000), (9, 40_000), False, QUIET, 0),
    ],
)
def test_the_cache_is_written_anew_when_more_is_cleared_or_less(
    before, taken, asked, facts, tokens
):
    found = clearing(known(*before), QUIET, Report(Usage(), cleared=Taken(*taken)), asked)
    assert (found.facts, found.tokens) == (facts, tokens)
    assert found.after(known(*before)) == known(*taken)


def test_of_a_reply_that_breaks_off_it_is_believed_to_be_as_before():
    found = clearing(known(9, 40_000), QUIET, Report(Usage()), asked=True)
    assert (found.facts, found.tokens, found.event) == (QUIET, 40_000, None)
    assert found.after(known(9, 40_000)) == known(9, 40_000)


def test_of_a_session_that_is_forgotten_the_bill_is_still_right():
    report = Report(Usage(), cleared=Taken(9, 40_000))
    assert clearing(None, QUIET, report, asked=True).tokens == 40_000
    assert clearing(None, QUIET, None, asked=True).tokens == 0


# -- a provider that does not do it as it should -------------------------------------------


def test_a_provider_that_clears_anew_with_every_request_is_asked_no_more():
    """Each time its cache is written again from there on, for hardly anything."""
    proxy, talk = serving(), Talk()
    proxy.send(talk)
    proxy.replied(reply(12, 40_000))
    proxy.send(talk.read("0.py"))
    assert proxy.replied(reply(13, 42_000)) == (SLIDES,)
    assert said(proxy.send(talk.read("1.py"))) is None
    assert proxy.replied(reply()) == ()
    assert proxy.events(Warned) == [SLIDES]
    assert said(proxy.send(Talk("Another."), {**KEY, "x-api-key": "two"})) is None


@pytest.mark.parametrize(
    ("before", "taken", "slides"),
    [
        ((0, 0), (1, 2_000), False),
        ((9, 40_000), (10, 41_000), True),
        ((9, 40_000), (20, 70_000), False),
        ((9, 40_000), (20, 30_000), False),
    ],
)
def test_only_a_little_more_than_before_is_too_little(before, taken, slides):
    found = clearing(known(*before), QUIET, Report(Usage(), cleared=Taken(*taken)), asked=True)
    assert found.slides is slides
    assert (found.after(known(*before)).birth.clears == 0) is slides


def test_a_host_that_refuses_it_is_not_asked_by_the_next_conversation():
    proxy = serving()
    proxy.send(Talk())
    exchange = proxy.decision.exchange
    proxy.paging.aftermath.replied(exchange, 200, reply(), proxy.at, REFUSAL)
    proxy.paging.aftermath.freeze(exchange, f"provider refused our edit: {REFUSAL}", proxy.at)
    assert len(proxy.events(Frozen)) == 1
    assert said(proxy.send(Talk("Another."), {**KEY, "x-api-key": "two"})) is None
    assert proxy.session.frozen is None


def test_a_host_that_refuses_something_else_is_asked_again():
    proxy = serving()
    proxy.send(Talk())
    proxy.paging.aftermath.freeze(proxy.decision.exchange, "messages.3: tool_use ids", proxy.at)
    assert said(proxy.send(Talk("Another."), {**KEY, "x-api-key": "two"}))


@pytest.mark.parametrize(
    ("why", "asking"),
    [
        (REFUSAL, True),
        (
            "Unexpected value(s) `context-management-2025-06-27` for the `anthropic-beta` header",
            True,
        ),
        ("messages.3: tool_use ids were found without tool_result", False),
    ],
)
def test_what_a_refusal_is_about_is_read_from_its_words(why, asking):
    assert refused_asking(why) is asking


# -- paid for ------------------------------------------------------------------------------


def billed(tmp_path, *replies, **fields):
    proxy, talk = RecordedProxy(tmp_path / "db", mode="server"), Talk()
    for number, told in enumerate(replies):
        proxy.send(talk.read(f"{number}.py") if number else talk, **fields)
        proxy.replied(told)
    proxy.settle()
    return proxy


def columns(proxy, names):
    return proxy.rows(f"select {names} from turns order by request")


def test_what_was_cleared_is_missing_from_the_bill_and_would_have_been_read(tmp_path):
    """100,000 tokens are cached; then 40,000 are cleared, and what is left is written again."""
    proxy = billed(
        tmp_path,
        reply(cache_write_5m=100_000),
        reply(12, 40_000, cache_read=20_000, cache_write_5m=41_000),
        reply(12, 40_000, cache_read=61_000, cache_write_5m=1_000),
    )
    untouched = "untouched_cache_read_tokens, untouched_cache_write_tokens, cleared_tokens"
    assert columns(proxy, untouched) == [
        (0, 100_000, 0),
        (100_000, 1_000, 40_000),
        (101_000, 1_000, 40_000),
    ]
    assert columns(proxy, "removed_tokens") == [(0,)] * 3
    net = figures.net(proxy.library._db)
    assert net.saved_tokens == 80_000
    assert net.saved_dollars < 0
    proxy.stop()


def test_what_the_client_had_cleared_is_no_saving_of_ours(tmp_path):
    proxy = billed(
        tmp_path,
        reply(cache_write_5m=100_000),
        reply(12, 40_000, cache_read=20_000, cache_write_5m=41_000),
        context_management=OWN,
    )
    assert columns(proxy, "cleared_tokens") == [(0,), (0,)]
    assert figures.net(proxy.library._db).saved_tokens == 0
    assert columns(proxy, "prefix_broken") == [(0,), (0,)]
    proxy.stop()


def test_what_was_cleared_is_counted_with_the_evictions(tmp_path):
    proxy = billed(tmp_path, reply(), reply(12, 40_000), reply(20, 70_000))
    db = proxy.library._db
    done = activity(db, EVERYTHING)
    assert (done.count("cleared"), done.tokens("cleared")) == (20, 70_000)
    (session,) = figures.sessions(db)
    assert (session.evictions, session.mode) == (20, "server")
    assert [turn.cleared_tokens for turn in stories.turns(db, session.id)] == [0, 40_000, 70_000]
    proxy.stop()


def test_a_reply_to_the_clients_own_bytes_brings_no_saving(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", mode="server")
    proxy.send(Talk())
    exchange = proxy.decision.exchange
    proxy.paging.aftermath.replied(exchange, 200, reply(cache_write_5m=9_000), proxy.at, REFUSAL)
    proxy.settle()
    assert columns(proxy, "outcome, cleared_tokens") == [("retried", 0)]
    assert figures.net(proxy.library._db).saved_tokens == 0
    proxy.stop()


def test_nothing_is_cleared_of_a_conversation_that_is_joined_late():
    proxy = serving()
    assert said(proxy.send(worked(3))) is None
