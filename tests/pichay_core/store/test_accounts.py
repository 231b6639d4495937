"""Records in, rows out: what the writer works out when nobody waits."""

import json
from dataclasses import replace

import pytest
import zstandard

from pichay_core.ledger import TurnFacts
from pichay_core.model import Usage
from pichay_core.prices import parse
from pichay_core.session import REFUSED
from pichay_core.store.recorder import Recorder
from pichay_core.store.records import Refused, Settlement, Turned
from pichay_core.store.vocabulary import count_tokens
from pichay_core.wire.report import Report
from tests.builders import (
    HEADER_SESSION,
    KEY,
    SONNET,
    START,
    RecordedProxy,
    Talk,
    body,
    prose,
    rules,
    worked,
)

BATCH = rules(flush_tokens=4000)
CLIENT_NOTE = "File unchanged since last read."


def send(proxy, talk, usage=None, **given):
    upstream = proxy.send(talk, **given)
    if usage is not None:
        proxy.replied(Report(usage))
    return upstream


def table(proxy, sql, *values):
    proxy.settle()
    return list(proxy.library._db.query(sql, values))


def test_every_request_is_a_turn_with_what_was_decided(proxy):
    for length in range(1, 18, 2):
        send(proxy, worked().to(length))
    rows = table(proxy, "select * from turns order by request")
    assert [r["request"] for r in rows] == [*range(1, 10)]
    assert [r["turn"] for r in rows] == [*range(1, 10)]
    assert [r["messages"] for r in rows] == [*range(1, 18, 2)]
    assert [r["outcome"] for r in rows] == ["edited"] * 9
    assert [bool(r["removed_tokens"]) for r in rows] == [False] * 8 + [True]
    assert {r["protocol_tokens"] for r in rows} == {rows[0]["protocol_tokens"]}
    assert rows[0]["protocol_tokens"] > 0
    assert [r["flushed"] for r in rows] == [None] * 8 + ["batch"]
    last = rows[-1]
    assert (last["status"], last["model"]) == (None, SONNET)
    assert last["bytes_before"] == len(body(worked()))
    assert last["bytes_after"] < last["bytes_before"]
    assert 0 < last["removed_tokens"] < sum(count_tokens(prose(f"{n}.py")) for n in range(4)) * 1.3
    assert rows[7]["pending_tokens"] > 0 == last["pending_tokens"]


def test_every_page_is_a_row_with_its_tokens_counted(proxy):
    send(proxy, worked())
    rows = table(proxy, "select * from pages order by position")
    assert [r["label"] for r in rows] == [f"{n}.py" for n in range(8)]
    assert [r["state"] for r in rows] == ["evicted"] * 4 + ["resident"] * 4
    counted = [count_tokens(prose(f"{n}.py")) for n in range(8)]
    assert [r["counted_tokens"] for r in rows] == counted
    assert {r["handle"] is None for r in rows if r["state"] == "resident"} == {True}


def test_a_page_has_the_place_where_it_stood_first(proxy):
    send(proxy, worked(2))
    send(proxy, worked(2).idle(1).read("x.py"))
    send(proxy, worked(2).idle(1).to(5).read("y.py", id="y"))
    rows = table(proxy, "select label, request, message from pages order by position")
    assert [tuple(row.values()) for row in rows] == [
        ("0.py", 1, 2), ("1.py", 1, 4), ("x.py", 2, 8), ("y.py", 3, 6),
    ]  # fmt: skip


def test_a_turn_has_the_bytes_beside_its_messages(proxy):
    send(proxy, worked(2), system="x" * 5_000)
    (row,) = table(proxy, "select front_bytes from turns")
    messages = sum(len(json.dumps(message)) for message in worked(2).messages)
    assert row["front_bytes"] == len(body(worked(2), system="x" * 5_000)) - messages


def test_the_content_of_a_page_is_kept_when_it_leaves_and_once(proxy):
    talk = Talk().read("a.py").run("cat a.py", prose("a.py")).idle(6)
    send(proxy, talk, after=10)
    send(proxy, talk.idle(1), after=5000)
    (row,) = table(proxy, "select * from contents")
    assert zstandard.decompress(row["zstd"]).decode() == prose("a.py")
    assert row["bytes"] == len(prose("a.py"))
    assert proxy.library.content(row["digest"]) == prose("a.py")


def test_what_stays_in_the_window_is_not_kept(proxy):
    send(proxy, worked(3))
    assert table(proxy, "select * from contents") == []


def test_messages_are_kept_as_hashes_and_follow_a_rewind(proxy):
    send(proxy, worked())
    send(proxy, worked(3).read("x.py", id="x"))
    rows = table(proxy, "select * from messages order by position")
    assert [r["digest"] for r in rows] == [m.digest for m in proxy.session.messages]
    assert len(rows) == 9


def test_a_fork_has_rows_of_its_own(proxy):
    send(proxy, worked())
    send(proxy, worked(3).read("x.py", id="x"))
    send(proxy, worked().read("y.py", id="y"))
    pages = "select count(*) from pages where pages.session = s.id"
    sql = f"select kind, parent, requests, ({pages}) pages from sessions s order by requests desc"
    rows = table(proxy, sql)
    main, fork = rows
    assert (main["kind"], main["requests"], main["pages"]) == ("main", 2, 9)
    assert (fork["kind"], fork["requests"], fork["pages"]) == ("fork", 1, 9)
    assert fork["parent"] is not None


def test_events_say_in_which_request_they_happened(proxy):
    for length in range(1, 18, 2):
        send(proxy, worked().to(length))
    rows = table(proxy, "select kind, request, turn, tokens, detail from events order by id")
    assert [r["kind"] for r in rows] == ["flushed", *["evicted"] * 4]
    assert {(r["request"], r["turn"]) for r in rows} == {(9, 9)}
    assert json.loads(rows[1]["detail"])["age"] == 7


def test_a_refused_certificate_is_an_event(proxy):
    proxy.put(Refused("api.anthropic.com", START, "unknown ca"))
    (row,) = table(proxy, "select * from events")
    assert (row["kind"], row["session"]) == ("tls_failed", None)
    assert json.loads(row["detail"]) == {
        "host": "api.anthropic.com",
        "error": "unknown ca",
        "client": "",
    }


# -- money --------------------------------------------------------------------------------


def bill(proxy, request):
    (row,) = table(proxy, "select * from turns where request = ?", request)
    names = ("input", "cache_read", "cache_write", "output")
    real = {n: row.get(f"{n}_tokens") for n in names}
    real["cache_write"] = row["cache_write_5m_tokens"] + row["cache_write_1h_tokens"]
    return real, {n: row[f"untouched_{n}_tokens"] for n in names}, row


def test_a_turn_is_billed_as_reported_and_as_it_would_have_been(proxy):
    send(proxy, worked(), Usage(50, 0, 8000, 0, 20))
    real, untouched, row = bill(proxy, 1)
    assert real == {"input": 50, "cache_read": 0, "cache_write": 8000, "output": 20}
    removed = row["removed_tokens"]
    assert removed > 3000
    assert untouched == real | {"cache_write": 8000 + removed}
    assert row["untouched_dollars"] - row["dollars"] == pytest.approx(removed * 3.75e-6)
    send(proxy, worked(9), Usage(50, 8000, 1000, 0, 20))
    real, untouched, row = bill(proxy, 2)
    assert untouched == real | {"cache_read": 8000 + removed}
    assert row["prefix_broken"] == 0
    assert row["untouched_dollars"] - row["dollars"] == pytest.approx(removed * 0.3e-6)


def test_the_ledger_goes_on_after_a_restart(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", BATCH)
    send(proxy, worked(), Usage(50, 0, 8000, 0, 20))
    removed = bill(proxy, 1)[2]["removed_tokens"]
    proxy = proxy.restart()
    send(proxy, worked(9), Usage(50, 8000, 1000, 0, 20))
    real, untouched, row = bill(proxy, 2)
    assert row["removed_tokens"] == removed
    assert untouched == real | {"cache_read": 8000 + removed}
    proxy.stop()


def test_a_model_without_a_price_has_tokens_only(proxy):
    send(proxy, worked(), Usage(50, 0, 8000, 0, 20), model="claude-imaginary-9")
    _, _, row = bill(proxy, 1)
    assert (row["dollars"], row["untouched_dollars"]) == (None, None)
    assert row["untouched_cache_write_tokens"] > 8000


def test_a_price_of_the_user_s_own_is_what_a_turn_costs(tmp_path):
    per_million = '"input": 2, "output": 3, "cache_read": 1, "cache_write_5m": 1'
    own = parse(f'{{"claude-imaginary-*": {{{per_million}, "cache_write_1h": 1}}}}')
    proxy = RecordedProxy(tmp_path / "db", BATCH)
    proxy.recorder.close()
    proxy.recorder = Recorder(tmp_path / "db", prices=own)
    send(proxy, worked(), Usage(1000, 0, 0, 0, 20), model="claude-imaginary-9")
    assert bill(proxy, 1)[2]["dollars"] == pytest.approx(0.00206)
    proxy.stop()


def test_a_fork_begins_with_what_the_provider_holds_of_its_parent(proxy):
    send(proxy, worked(), Usage(50, 0, 8000, 0, 20))
    removed = bill(proxy, 1)[2]["removed_tokens"]
    send(proxy, worked(7).read("x.py", id="x"), Usage(50, 6800, 1300, 0, 20))
    send(proxy, worked(9), Usage(50, 8000, 1300, 0, 20))
    (row,) = table(proxy, "select * from turns where session = ?", proxy.session.id)
    assert proxy.session.kind == "fork"
    assert row["untouched_cache_read_tokens"] == 8000 + removed
    assert row["untouched_cache_write_tokens"] == 1300
    assert row["prefix_broken"] == 0


def test_a_refetch_is_charged_to_us(proxy):
    talk = worked()
    send(proxy, talk, Usage(50, 0, 8000, 0, 20))
    send(proxy, talk.read("0.py", id="again"), Usage(50, 8000, 1300, 0, 20))
    _, untouched, row = bill(proxy, 2)
    assert row["refetched_tokens"] > 0
    assert untouched == {"input": 0, "cache_read": 0, "cache_write": 0, "output": 0}


class Answering(RecordedProxy):
    """Requests are put down as those that we make to answer the model, while ``leg`` says so."""

    leg = unseen = 0

    def put(self, record):
        if isinstance(record, Turned):
            record = replace(record, leg=self.leg, unseen=self.unseen)
        super().put(record)

    def billed(self, usage, asked=0, **facts):
        exchange = self.decision.exchange
        facts = replace(exchange.facts, ours=self.leg > 0, **facts)
        settled = Settlement(exchange.session, exchange.request, 200, facts, usage, asked=asked)
        self.put(settled)


@pytest.fixture
def answering(tmp_path):
    proxy = Answering(tmp_path / "db", BATCH)
    yield proxy
    proxy.stop()


def test_what_we_ask_in_the_client_s_place_is_all_cost_but_for_what_is_said_to_it(answering):
    talk = worked(2)
    answering.send(talk)
    answering.billed(Usage(50, 0, 6000, 0, 30), asked=1, goes_on=True)
    answering.leg, answering.unseen = 1, 4_000
    answering.send(talk.idle(1), after=1)
    answering.billed(Usage(50, 6000, 1200, 0, 200))
    real, untouched, row = bill(answering, 1)
    assert untouched == real | {"output": 0}
    assert (row["leg"], row["asked"], row["refetched_tokens"]) == (0, 1, 0)
    real, untouched, row = bill(answering, 2)
    assert untouched == {"input": 0, "cache_read": 0, "cache_write": 0, "output": 200}
    assert (row["leg"], row["asked"]) == (1, 0)
    assert row["dollars"] - row["untouched_dollars"] == pytest.approx(
        50 * 3e-6 + 6000 * 0.3e-6 + 1200 * 3.75e-6
    )


def test_what_the_client_never_sent_would_not_have_been_in_the_window(answering):
    talk = worked()
    answering.send(talk)
    answering.billed(Usage(50, 0, 8000, 0, 30))
    answering.leg, answering.unseen = 1, 4_000
    answering.send(talk.idle(1), after=1)
    answering.billed(Usage(50, 8000, 1200, 0, 200))
    answering.leg = 0
    answering.send(talk.idle(2), after=1)
    answering.billed(Usage(50, 9200, 300, 0, 20))
    real, untouched, row = bill(answering, 3)
    assert row["refetched_tokens"] == pytest.approx(1_000, rel=0.3)
    more = sum(untouched.values()) - sum(real.values())
    assert more == row["removed_tokens"] - row["refetched_tokens"]
    assert untouched["cache_read"] == 8000 + row["removed_tokens"]


def test_an_observed_turn_would_have_cost_what_it_cost(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", rules(edit=False))
    talk = worked()
    send(proxy, talk, Usage(50, 0, 12000, 0, 20))
    send(proxy, talk.read("0.py", id="again"), Usage(50, 12000, 1300, 0, 20))
    for request in (1, 2):
        real, untouched, row = bill(proxy, request)
        assert real == untouched
        assert (row["outcome"], row["removed_tokens"]) == ("observed", 0)
    proxy.stop()


def test_a_retried_turn_removed_nothing(proxy):
    send(proxy, worked())
    exchange = proxy.decision.exchange
    proxy.paging.aftermath.freeze(exchange, REFUSED, proxy.at)
    proxy.paging.aftermath.replied(
        exchange, 200, Report(Usage(50, 0, 12000, 0, 20)), proxy.at, "refused"
    )
    real, untouched, row = bill(proxy, 1)
    assert (row["outcome"], row["why"], row["removed_tokens"]) == ("retried", "refused", 0)
    assert real == untouched


def test_what_freezing_cost_is_charged_to_us(proxy):
    talk = worked()
    send(proxy, talk, Usage(50, 0, 8000, 0, 20))
    removed = bill(proxy, 1)[2]["removed_tokens"]
    proxy.paging.aftermath.freeze(proxy.decision.exchange, REFUSED, proxy.at)
    send(proxy, talk.read("x.py"), Usage(50, 2000, 7300 + removed, 0, 20))
    _, untouched, _ = bill(proxy, 2)
    assert untouched["cache_read"] == 8000 + removed
    assert untouched["cache_write"] == 1300


def test_a_reply_without_usage_leaves_the_bill_open(proxy):
    send(proxy, worked())
    proxy.replied(None, status=0)
    (row,) = table(proxy, "select * from turns")
    assert (row["status"], row["input_tokens"], row["dollars"]) == (0, None, None)


def test_a_huge_count_loses_no_other_record(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", BATCH)
    proxy.recorder._contain = contained
    send(proxy, worked(), Usage(10**30, 0, 0, 0, 0))
    send(proxy, worked(9), Usage(50, 8000, 1000, 0, 20))
    assert [r["input_tokens"] for r in table(proxy, "select * from turns order by request")] == [
        None,
        50,
    ]
    proxy.stop()


def contained(action):
    try:
        action()
    except Exception as error:  # noqa: BLE001 - stands for the boundary of the shell
        return error
    return None


# -- calibration --------------------------------------------------------------------------


def calibration(proxy):
    rows = table(proxy, "select multiplier, samples from calibrations")
    return (rows[0]["multiplier"], rows[0]["samples"]) if rows else None


def appended(talk, number=1):
    """The o200k tokens of the last messages, as they are sent."""
    text = json.dumps(talk.messages[-2 * number :])
    return count_tokens(text.replace("\\n", "\n"))


def test_the_tokenizer_is_learnt_from_requests_that_only_append(proxy):
    talk = worked(3)
    send(proxy, talk, Usage(input=10_000))
    talk.read("new.py")
    send(proxy, talk, Usage(input=10_000 + 2 * appended(talk)))
    multiplier, samples = calibration(proxy)
    assert samples == 1
    assert 1.22 < multiplier == pytest.approx(1.22 + 0.2 * (2.0 - 1.22), abs=0.01)


def test_what_was_learnt_outlives_the_process(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", BATCH)
    talk = worked(3)
    send(proxy, talk, Usage(input=10_000))
    send(proxy, talk.read("new.py"), Usage(input=12_600))
    learnt = calibration(proxy)
    proxy = proxy.restart()
    assert proxy.recorder._accounts._calibration(SONNET).multiplier == learnt[0]
    proxy.stop()


@pytest.mark.parametrize("case", ["flush", "rewind", "frozen", "retried", "repaired"])
def test_nothing_is_learnt_where_more_or_less_changed_than_was_appended(tmp_path, case):
    proxy = RecordedProxy(tmp_path / "db", rules(flush_tokens=4000))
    talk = worked(8) if case in ("frozen", "retried") else worked(7)
    if case == "repaired":
        talk = Talk().read("a.py").idle(5)
        send(proxy, talk, Usage(input=9000))
        send(proxy, talk.idle(1), Usage(input=8000), after=5000)
    else:
        send(proxy, talk, Usage(input=10_000))
    before = calibration(proxy)
    match case:
        case "flush":
            send(proxy, talk.read("new.py"), Usage(input=7000))
        case "rewind":
            send(proxy, talk.to(9).read("new.py", id="x"), Usage(input=11_000))
        case "frozen":
            proxy.paging.aftermath.freeze(proxy.decision.exchange, REFUSED, proxy.at)
            for number in range(3):
                send(proxy, talk.read("new.py"), Usage(input=15_000 + number * 1300))
        case "retried":
            proxy.send(talk.read("new.py"))
            exchange = proxy.decision.exchange
            proxy.paging.aftermath.replied(
                exchange, 200, Report(Usage(input=16_000)), proxy.at, "refused"
            )
        case "repaired":
            send(proxy, talk.read("a.py", CLIENT_NOTE), Usage(input=9300))
    assert calibration(proxy) == before
    proxy.stop()


def test_nothing_is_learnt_over_a_gap(proxy):
    talk = worked(3)
    send(proxy, talk, Usage(input=10_000))
    send(proxy, talk.read("failed.py"))
    send(proxy, talk.read("new.py"), Usage(input=14_000))
    assert calibration(proxy) is None


# -- memory -------------------------------------------------------------------------------


def test_what_waits_for_replies_that_never_come_is_forgotten(proxy):
    talk = worked(3)
    for _ in range(5):
        send(proxy, talk.read("x.py"))
        proxy.replied(None, status=0)
    proxy.settle()
    assert proxy.recorder._accounts._appended == {}


def test_counts_of_other_sessions_are_read_back(proxy, monkeypatch):
    from pichay_core.store import accounts

    monkeypatch.setattr(accounts, "MOST_COUNTED", 1)
    send(proxy, worked(), headers={**KEY, HEADER_SESSION: "one"})
    (before,) = table(proxy, "select removed_tokens from turns")
    send(proxy, worked(), headers={**KEY, HEADER_SESSION: "two"})
    send(proxy, worked(), headers={**KEY, HEADER_SESSION: "one"})
    rows = table(proxy, "select removed_tokens from turns")
    assert [r["removed_tokens"] for r in rows] == [before["removed_tokens"]] * 3
    assert len(proxy.recorder._accounts._counted) == 1


def test_a_turn_that_another_process_recorded_is_replaced_with_all_its_decisions(proxy):
    send(proxy, worked())
    record = proxy.last
    proxy.put(record)
    proxy.put(Settlement(record.after.id, 1, 200, TurnFacts(), Usage(input=7)))
    (row,) = table(proxy, "select * from turns")
    assert row["input_tokens"] == 7
