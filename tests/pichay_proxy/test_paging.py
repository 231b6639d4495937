"""What becomes of a request and its reply: passes, failures, freezing, encodings."""

import gzip
from dataclasses import replace

import brotli
import pytest
import zstandard

from pichay_core.events import Evicted, Failed, Frozen, Passed
from pichay_core.model import Usage
from pichay_core.session import REFUSED
from pichay_core.store.records import Happened, Refused, Settlement, Turned
from pichay_core.wire.report import Report
from pichay_proxy import paging as module
from tests.builders import (
    HEADER_SESSION,
    KEY,
    Proxy,
    RecordedProxy,
    Talk,
    body,
    content_of,
    is_stub,
    prose,
    rules,
    stubbed,
    units,
    user,
    worked,
)

BATCH = rules(flush_tokens=4000)
NAMED = {**KEY, HEADER_SESSION: "one"}
SUBSCRIPTION = {"authorization": "Bearer sk-ant-oat01-x"}
SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=x"}


def passed(proxy: Proxy) -> list[str]:
    return [event.why for event in proxy.events(Passed)]


# -- what is never touched ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "headers", "path", "why"),
    [
        ({"thread": {"id": "t"}}, KEY, "/v1/messages", "body has 'thread'"),
        ({"fallback_credit_token": "x"}, KEY, "/v1/messages", "body has 'fallback_credit_token'"),
        ({}, SIGNED, "/v1/messages", "signed body"),
        ({}, SIGNED, "/v1/messages/count_tokens", "signed body"),
        ({}, KEY, "/v1/messages/batches", "batches"),
    ],
)
def test_what_must_not_be_edited_passes_with_its_reason(fields, headers, path, why):
    proxy = Proxy()
    request = body(worked(), **fields)
    assert proxy.send(request, headers, path=path) is request
    assert passed(proxy) == [why]
    assert proxy.decision.exchange is None
    assert not proxy.turns


@pytest.mark.parametrize(
    "request_body",
    [
        b"",
        b"   ",
        b"not json",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"messages": 3}',
        b'{"messages": {}}',
        b'{"messages": null}',
        b'{"messages": [], "messages": []}',
        b'{"messages": [{"role": "user", "content": "x"}',
        b'{"messages": []} trailing',
        b"\xff\xfe",
        b'{"messages": ["\xff"]}',
        b'{"messages": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"messages": [{"role": "user", "content": ' + b"[" * 300 + b"]" * 300 + b"}]}",
        b'{"messages": [{"role": "user", "content": "\\ud800 lone"}]}',
    ],
)
def test_what_cannot_be_read_passes_as_it_came(request_body):
    proxy = Proxy()
    assert proxy.send(request_body) is request_body
    assert passed(proxy) == ["unreadable body"]


def test_a_body_above_the_cap_passes_as_it_came():
    proxy = Proxy(largest_body=10_000)
    small, large = body(worked(2)), body(worked(3))
    proxy.send(small)
    assert proxy.send(large) is large
    assert (len(proxy.turns), passed(proxy)) == (1, ["unreadable body"])


def test_a_bomb_passes_as_it_came():
    proxy = Proxy(largest_body=1_000_000)
    bomb = gzip.compress(b'{"messages": "' + b"a" * 50_000_000 + b'"}')
    assert proxy.send(bomb, {**KEY, "content-encoding": "gzip"}) is bomb
    assert passed(proxy) == ["unreadable body"]


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "compress", "gzip, br"])
def test_a_broken_or_unknown_encoding_passes_as_it_came(encoding):
    proxy, request = Proxy(), b"\x1f\x8b" + body(Talk())
    assert proxy.send(request, {**KEY, "content-encoding": encoding}) is request
    assert passed(proxy) == ["unreadable body"]


def test_a_pass_is_telemetry():
    proxy = Proxy()
    proxy.send(b"not json")
    (record,) = proxy.records
    assert isinstance(record, Happened) and record.telemetry


# -- encodings ----------------------------------------------------------------------------

ENCODINGS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
    "GZIP": gzip.compress,
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoded_body_is_decoded_paged_and_sent_plain(encoding):
    encode, headers = ENCODINGS[encoding], {**KEY, "content-encoding": encoding}
    proxy, plain = Proxy(), Proxy()
    request = encode(body(worked()))
    upstream = proxy.send(request, headers)
    assert is_stub(content_of(upstream, "toolu_0001"))
    assert len(stubbed(upstream)) == len(stubbed(plain.send(worked())))
    exchange = proxy.decision.exchange
    assert exchange is not None
    assert (exchange.client_body, exchange.client_encoding) == (request, encoding)
    assert proxy.last.bytes_before == len(body(worked()))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoded_body_that_nothing_was_decided_on_stays_encoded(encoding):
    proxy = Proxy(mode="birth")
    request = ENCODINGS[encoding](body(Talk()))
    assert proxy.send(request, {**KEY, "content-encoding": encoding}) is request
    assert proxy.decision.exchange is not None
    assert not proxy.decision.exchange.edited


# -- subscription, observe mode -----------------------------------------------------------


def test_a_subscription_is_observed_and_untouched():
    proxy, talk = Proxy(), worked()
    for length in range(1, 18, 2):
        request = body(talk.copy().to(length))
        assert proxy.send(request, SUBSCRIPTION) is request
    assert (proxy.last.outcome, proxy.last.why) == ("observed", module.SUBSCRIPTION)
    assert proxy.last.credential == "subscription"
    assert any(e.out for e in proxy.session.table.entries.values())


def test_a_subscription_is_paged_if_the_user_asks_for_it():
    proxy = Proxy(allow_subscription=True)
    assert stubbed(proxy.send(worked(), SUBSCRIPTION))


def test_a_subscription_whose_token_is_renewed_is_one_conversation():
    proxy, talk = Proxy(allow_subscription=True), worked()
    before = proxy.send(talk, SUBSCRIPTION)
    assert proxy.send(talk, {"authorization": "Bearer sk-ant-oat01-renewed"}) == before


def test_observe_mode_decides_and_records_and_sends_as_it_came():
    proxy = Proxy(rules(edit=False))
    request = body(worked())
    assert proxy.send(request) is request
    assert proxy.last.flushed == "batch"
    assert (proxy.last.outcome, proxy.last.why) == ("observed", module.OBSERVING)
    assert proxy.send(request, path="/v1/messages/count_tokens") is request


# -- outcomes -----------------------------------------------------------------------------


def test_every_turn_says_what_became_of_it():
    proxy, talk = Proxy(BATCH), worked()
    for length in range(1, 18, 2):
        proxy.send(talk.copy().to(length))
    assert [t.outcome for t in proxy.turns] == ["edited"] * 9
    assert [t.flushed for t in proxy.turns] == [None] * 8 + ["batch"]
    assert proxy.last.bytes_after < proxy.last.bytes_before == len(body(talk))
    assert [t.after.requests for t in proxy.turns] == [*range(1, 10)]


def test_a_turn_says_which_messages_were_there_before():
    proxy, talk = Proxy(BATCH), worked()
    proxy.send(talk.copy().to(5))
    assert (proxy.last.before, proxy.last.shared) == (None, 0)
    proxy.send(talk.copy().to(9))
    assert (proxy.last.before is not None, proxy.last.shared) == (True, 5)
    proxy.send(talk.copy().to(7).read("x.py", id="x"))
    assert proxy.last.shared == 7


# -- failures -----------------------------------------------------------------------------


def failing(proxy: Proxy, request: bytes | Talk, error: type[BaseException] = ValueError) -> None:
    """Send a request during which something in the core breaks; as the addon would."""
    with pytest.MonkeyPatch.context() as patch:

        def broken(*_: object) -> None:
            raise error("broken")

        patch.setattr(module, "take", broken)
        with pytest.raises(error) as raised:
            proxy.send(request)
    proxy.paging.failed(raised.value, proxy.at)


def test_a_failed_request_leaves_no_trace_but_its_count():
    proxy, talk = Proxy(BATCH), worked(10)
    before = proxy.send(talk.copy().to(17))
    failing(proxy, talk.copy().to(19))
    assert (proxy.session.failures, proxy.session.frozen) == (1, None)
    assert proxy.events(Failed) == [Failed("ValueError: broken")]
    after = proxy.send(talk.copy().to(19))
    assert units(after)[:17] == units(before)
    assert proxy.session.requests == 2


def test_the_third_failure_freezes_the_session_and_only_it():
    proxy, talk = Proxy(BATCH), worked()
    before = proxy.send(talk)
    for _ in range(3):
        failing(proxy, talk)
    assert proxy.session.frozen == "3 failures"
    assert proxy.events(Frozen) == [Frozen("3 failures")]
    after = proxy.send(talk.read("more.py"))
    assert units(after)[:17] == units(before)
    assert (proxy.last.outcome, proxy.last.why) == ("edited", "3 failures")
    assert stubbed(proxy.send(worked(first="Another.")))


def test_a_failure_before_a_session_is_known_is_recorded_without_one():
    proxy = Proxy()
    failing(proxy, worked())
    (record,) = proxy.records
    assert isinstance(record, Happened) and record.session is None


def test_a_failure_outside_a_request_blames_no_session():
    proxy = Proxy()
    proxy.send(worked())
    for _ in range(5):
        proxy.paging.failed(ValueError("elsewhere"), proxy.at)
    assert proxy.session.failures == 0


def test_a_frozen_session_stays_frozen_after_a_restart(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db", BATCH), worked()
    proxy.send(talk)
    assert proxy.decision.exchange is not None
    proxy.paging.aftermath.freeze(proxy.decision.exchange, REFUSED, proxy.at)
    proxy = proxy.restart()
    request = body(talk.read("more.py"))
    assert proxy.send(request) is request
    assert proxy.last.why == REFUSED
    assert proxy.send(request, path="/v1/messages/count_tokens") is request
    proxy.stop()


def test_failures_are_counted_over_a_restart(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db", BATCH), worked()
    proxy.send(talk)
    failing(proxy, talk)
    failing(proxy, talk)
    proxy = proxy.restart()
    proxy.send(talk)
    failing(proxy, talk)
    assert proxy.session.frozen == "3 failures"
    proxy.stop()


def test_a_frozen_session_records_no_message_twice(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db", BATCH), worked()
    proxy.send(talk)
    assert proxy.decision.exchange is not None
    proxy.paging.aftermath.freeze(proxy.decision.exchange, "refused", proxy.at)
    for number in range(3):
        proxy.send(talk.read("more.py"))
        assert proxy.last.shared == 17 + 2 * number
    assert proxy.rows("select count(*) from messages") == [(23,)]
    proxy.stop()


def test_a_session_is_frozen_once():
    proxy = Proxy(BATCH)
    proxy.send(worked())
    assert proxy.decision.exchange is not None
    for why in ("first", "second"):
        proxy.paging.aftermath.freeze(proxy.decision.exchange, why, proxy.at)
    assert (proxy.session.frozen, proxy.events(Frozen)) == ("first", [Frozen("first")])


def test_a_body_that_would_break_a_rule_is_not_sent_and_counts_as_a_failure(monkeypatch):
    proxy, talk = Proxy(BATCH), worked()
    broken = proxy.paging.request.__globals__["take"]

    def with_problem(*given):
        turn = broken(*given)
        if turn.body is given[1].outline.body:
            return turn
        return replace(turn, body=given[1].outline.body, problems=frozenset({"a rule"}))

    monkeypatch.setattr(module, "take", with_problem)
    for number in range(3):
        request = body(talk.read(f"more {number}.py"))
        assert proxy.send(request) is request
        assert (proxy.last.outcome, proxy.last.why) == ("failed", "a rule")
        assert proxy.session.failures == number + 1
    assert proxy.events(Failed) == [Failed("would break a rule: a rule")] * 3
    assert proxy.events(Frozen) == [Frozen("3 failures")]


def test_what_was_only_observed_leaves_anew_after_a_turn_that_would_break_a_rule(
    monkeypatch,
):
    proxy, talk, real = Proxy(BATCH, mode="page"), worked(), module.take
    proxy.send(talk)
    proxy.paging.settings = replace(proxy.settings, mode="observe")
    for number in range(6):
        assert not stubbed(proxy.send(talk.read(f"observed {number}.py")))
    proxy.paging.settings = proxy.settings
    problems = frozenset({"a rule"})
    monkeypatch.setattr(module, "take", lambda *given: replace(real(*given), problems=problems))
    assert not stubbed(proxy.send(talk.read("broken.py")))
    monkeypatch.setattr(module, "take", real)
    out = stubbed(proxy.send(talk.read("whole.py")))
    left = [event for event in proxy.last.events if isinstance(event, Evicted)]
    assert len(out) == len(left) > 0


def test_what_is_out_of_a_frozen_session_saves_nothing_once_the_client_has_compacted(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db", rules("every-turn", tau=1), mode="full"), Talk()
    for number in range(4):
        proxy.send(talk, NAMED)
        talk.read(f"{number}.py")
    assert stubbed(proxy.send(talk, NAMED))
    assert proxy.decision.exchange is not None
    proxy.paging.aftermath.freeze(proxy.decision.exchange, "3 failures", proxy.at)
    for compacted in (talk, Talk("Summary."), Talk("Summary.").run("ls")):
        proxy.send(compacted, NAMED)
        assert proxy.last.outcome == "edited"
    removed = [row[0] for row in proxy.rows("select removed_tokens from turns order by request")]
    assert removed[-4] == removed[-3] > 0
    assert removed[-2:] == [0, 0]
    proxy.stop()


# -- replies ------------------------------------------------------------------------------

USAGE = Usage(input=10, cache_read=100, output=5)


def settlements(proxy: Proxy) -> list[Settlement]:
    return [r for r in proxy.records if isinstance(r, Settlement)]


def test_a_reply_settles_its_turn_once():
    proxy = Proxy()
    proxy.send(worked())
    proxy.replied(Report(USAGE))
    proxy.replied(Report(USAGE))
    (settlement,) = settlements(proxy)
    assert (settlement.session, settlement.request) == (proxy.session.id, 1)
    assert (settlement.status, settlement.usage, settlement.outcome) == (200, USAGE, None)


def test_a_reply_that_failed_costs_nothing():
    proxy = Proxy()
    proxy.send(worked())
    proxy.replied(Report(USAGE), status=529)
    assert settlements(proxy)[0].usage is None


def test_a_reply_that_never_came_is_settled_without_a_status():
    proxy = Proxy()
    proxy.send(worked())
    proxy.replied(None, status=0)
    assert (settlements(proxy)[0].status, settlements(proxy)[0].usage) == (0, None)


def test_a_reply_that_comes_after_the_next_request_settles_its_own_turn():
    proxy, talk = Proxy(), worked(3)
    proxy.send(talk.copy().to(5))
    first = proxy.decision.exchange
    proxy.send(talk)
    assert first is not None
    proxy.replied(Report(USAGE))
    proxy.paging.aftermath.replied(first, 200, Report(USAGE), proxy.at)
    assert [s.request for s in settlements(proxy)] == [2, 1]


def test_a_reply_in_flight_changes_nothing_of_the_next_request():
    proxy, talk = Proxy(BATCH), worked(9)
    proxy.send(talk.copy().to(17))
    first = proxy.decision.exchange
    upstream = proxy.send(talk)
    assert first is not None
    proxy.paging.aftermath.replied(first, 200, Report(USAGE, cache_miss="x"), proxy.at)
    assert proxy.send(talk) == upstream


def test_a_refused_edit_that_was_retried_is_said_to_be_and_charged_as_a_change_of_ours():
    proxy = Proxy(BATCH)
    proxy.send(worked())
    exchange = proxy.decision.exchange
    assert exchange is not None and exchange.edited
    proxy.paging.aftermath.freeze(exchange, "provider refused our edit", proxy.at)
    proxy.paging.aftermath.replied(exchange, 200, Report(USAGE), proxy.at, "refused: ...")
    (settlement,) = settlements(proxy)
    assert (settlement.outcome, settlement.why) == ("retried", "refused: ...")
    assert settlement.facts.flushed


def test_giving_up_an_edit_is_a_change_of_ours_once():
    proxy, talk = Proxy(BATCH), worked()
    proxy.send(talk)
    assert proxy.decision.exchange is not None
    proxy.paging.aftermath.freeze(proxy.decision.exchange, REFUSED, proxy.at)
    facts = []
    for _ in range(2):
        proxy.send(talk.read("more.py"))
        assert proxy.decision.exchange is not None
        facts.append(proxy.decision.exchange.facts.flushed)
    assert facts == [True, False]


def test_a_reply_to_a_conversation_that_was_forgotten_is_settled_all_the_same(monkeypatch):
    from pichay_proxy import sessions

    monkeypatch.setattr(sessions, "MOST_GROUPS", 1)
    proxy = Proxy()
    proxy.send(worked())
    first = proxy.decision.exchange
    proxy.send(worked(first="Another."))
    assert first is not None
    proxy.paging.aftermath.replied(first, 200, Report(USAGE, cache_miss="x"), proxy.at)
    assert len(settlements(proxy)) == 1


def test_a_refused_certificate_is_recorded():
    proxy = Proxy()
    proxy.paging.refused_certificate("api.anthropic.com", "unknown ca", 1.0)
    assert proxy.records == [Refused("api.anthropic.com", 1.0, "unknown ca")]


# -- notes, through a real database -------------------------------------------------------

NOTE = "File unchanged since last read. The content from the earlier Read is still current."


def noted(proxy: Proxy, writes: bool = False) -> tuple[Talk, str]:
    """A file that left, was perhaps written, and is said to be unchanged on the next read."""
    talk = Talk().read("a.py").idle(5)
    for length in range(1, len(talk.messages) + 1, 2):
        proxy.send(talk.copy().to(length))
    if writes:
        proxy.send(talk.edit("a.py"))
    if isinstance(proxy, RecordedProxy):
        proxy.settle()
    upstream = proxy.send(talk.read("a.py", NOTE, id="note"))
    return talk, str(content_of(upstream, "note"))


@pytest.mark.parametrize("writes", [False, True], ids=["unchanged", "written in between"])
def test_a_repaired_note_is_the_same_after_a_restart(tmp_path, writes):
    proxy = RecordedProxy(tmp_path / "db", rules("every-turn"))
    talk, text = noted(proxy, writes)
    assert text.endswith(prose("a.py"))
    assert (text == prose("a.py")) == (not writes)
    proxy = proxy.restart()
    upstream = proxy.send(talk.edit("a.py").read("b.py"))
    assert content_of(upstream, "note") == text
    proxy.stop()


@pytest.mark.parametrize("restart", [False, True], ids=["same process", "new process"])
def test_a_note_whose_source_is_gone_is_repaired_from_the_store(tmp_path, restart):
    proxy = RecordedProxy(tmp_path / "db", rules("every-turn"))
    talk, text = noted(proxy)
    kept = body([user("Fix the bug."), *talk.messages[-2:]])
    proxy = proxy.restart() if restart else proxy
    assert content_of(proxy.send(kept), "note") == text == prose("a.py")
    proxy.stop()


def test_a_note_after_a_rewind_past_its_source_is_repaired_from_the_store(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", rules("every-turn"))
    talk = worked(10)
    for length in range(1, 22, 2):
        proxy.send(talk.copy().to(length), NAMED)
    proxy.settle()
    rewound = talk.copy().to(3).read("0.py", NOTE, id="note")
    rewound.messages[1:3] = Talk().read("other.py", id="other").messages[1:]
    upstream = proxy.send(rewound, NAMED)
    assert content_of(upstream, "note") == prose("0.py")
    proxy.stop()


def test_content_of_any_letters_comes_back_as_it_was(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", rules("every-turn"))
    odd = "".join(f'zeile {n}\t"ä\u2028\\ \u0000 \U0001f600\r\n' for n in range(200))
    talk = Talk().read("a.py", odd).idle(5)
    for length in range(1, len(talk.messages) + 1, 2):
        proxy.send(talk.copy().to(length))
    proxy.settle()
    upstream = proxy.send(body([user("Fix the bug."), *talk.read("a.py", NOTE).messages[-2:]]),
                          NAMED)  # fmt: skip
    assert content_of(upstream, f"toolu_{talk.calls:04d}") == NOTE
    upstream = proxy.send(talk)
    assert content_of(upstream, f"toolu_{talk.calls:04d}") == odd
    proxy = proxy.restart()
    assert proxy.send(talk) == upstream
    proxy.stop()


# -- speed of recognition -----------------------------------------------------------------


def test_of_a_long_conversation_only_what_is_new_is_read(monkeypatch):
    proxy, talk = Proxy(BATCH), worked(40)
    proxy.send(talk)
    reads = []
    read = proxy.last.format.read
    monkeypatch.setattr(proxy.last.format, "read", lambda raw: reads.append(raw) or read(raw))
    proxy.send(talk.read("new.py"))
    assert len(reads) == 2


def test_records_hold_no_secret():
    proxy = Proxy()
    proxy.send(worked())
    (turned,) = proxy.turns
    assert isinstance(turned, Turned)
    assert "sk-ant" not in repr((turned.credential, turned.source, turned.after.identity))


# -- more than one wire -------------------------------------------------------------------


def test_two_conversations_that_begin_with_the_same_bytes_on_two_wires_are_read_as_they_are():
    begun = b'{"model": "m", "messages": [{"role": "user", "content": "hello"}]}'
    alone, both = Proxy(), Proxy()
    alone.send(begun, path="/v1/chat/completions")
    both.send(begun)
    both.send(begun, path="/v1/chat/completions")
    assert both.session.messages == alone.session.messages
    assert both.session.messages != next(iter(reversed([*both.sessions]))).messages
