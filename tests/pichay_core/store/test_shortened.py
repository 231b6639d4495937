"""What is sent shorter from the first time on, in the books: exact, and apart from the flushes."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given

from pichay_core.model import Form, State, Usage
from pichay_core.wire.report import Report
from tests.builders import RecordedProxy, Talk, prose, rules
from tests.pichay_core.store.test_flushes import BATCH, Cached, brought, few, net_of
from tests.test_births import EVERYTHING, NEVER, OUTPUT, SKILLS, clients, plays, requests


def columns(proxy, names):
    return proxy.rows(f"select {names} from turns order by request")


def ask(proxy, talk, *usage):
    proxy.send(talk)
    proxy.replied(Report(Usage(*usage)))


@pytest.fixture
def proxy(tmp_path):
    made = RecordedProxy(tmp_path / "db", NEVER, mode="birth", **EVERYTHING)
    yield made
    made.stop()


def test_what_is_not_sent_is_in_the_columns_of_its_request_and_of_all_later_ones(proxy):
    talk = Talk()
    ask(proxy, talk, 50, 0, 4_000, 0, 20)
    ask(proxy, talk.read("a.py"), 50, 4_000, 1_000, 0, 20)
    assert columns(proxy, "removed_tokens, shortened_tokens") == [(0, 0)] * 2
    ask(proxy, talk.read("a.py"), 50, 5_000, 100, 0, 20)
    ask(proxy, talk.idle(1), 50, 5_100, 50, 0, 20)
    *_, third, fourth = columns(proxy, "removed_tokens, shortened_tokens")
    assert third == fourth
    assert third[0] == third[1] > 700


def test_the_first_time_it_saves_the_write_then_a_read_each_time(proxy):
    talk = Talk()
    ask(proxy, talk, 50, 0, 4_000, 0, 20)
    ask(proxy, talk.read("a.py"), 50, 4_000, 1_000, 0, 20)
    ask(proxy, talk.read("a.py"), 50, 5_000, 100, 0, 20)
    ask(proxy, talk.idle(1), 50, 5_100, 50, 0, 20)
    *_, third, fourth = columns(proxy, "shortened_tokens, protocol_tokens, birth_saved_tokens")
    assert third[2] == pytest.approx(1.25 * third[0] - 0.1 * third[1])
    assert fourth[2] == pytest.approx(0.1 * fourth[0] - 0.1 * fourth[1])


def test_what_is_refetched_because_it_was_cut_is_taken_off_again(proxy):
    talk = Talk()
    ask(proxy, talk, 50, 0, 4_000, 0, 20)
    ask(proxy, talk.run("make", OUTPUT), 50, 4_000, 2_000, 0, 20)
    ask(proxy, talk.run("make", OUTPUT), 50, 6_000, 12_000, 0, 20)
    whole, tokens = net_of(proxy, proxy.session.id)
    saved = columns(proxy, "total(birth_saved_dollars), total(birth_saved_tokens)")[0]
    assert saved == pytest.approx((whole, tokens), abs=1e-6)
    assert columns(proxy, "birth_saved_tokens")[-1][0] < -5_000


def test_skills_that_are_listed_once_are_counted_too(proxy):
    ask(proxy, Talk(SKILLS), 50, 0, 4_000, 0, 20)
    assert columns(proxy, "removed_tokens, shortened_tokens") == [(4, 4)]


def test_who_only_observes_has_shortened_nothing(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", NEVER, mode="observe")
    for talk in (Talk(), Talk().read("a.py"), Talk().read("a.py").read("a.py")):
        ask(proxy, talk, 50, 0, 4_000, 0, 20)
    assert columns(proxy, "total(shortened_tokens), total(birth_saved_tokens)") == [(0, 0)]
    proxy.stop()


def test_of_a_refused_request_nothing_was_saved(proxy):
    talk = Talk()
    for _ in range(3):
        proxy.send(talk)
        talk.read("a.py")
    exchange = proxy.decision.exchange
    usage = Report(Usage(50, 0, 12_000, 0, 20))
    proxy.paging.aftermath.replied(exchange, 200, usage, proxy.at, "refused")
    assert columns(proxy, "removed_tokens, shortened_tokens")[-1] == (0, 0)


def test_a_page_that_was_shortened_is_read_back_as_it_was(proxy):
    talk = Talk()
    for text in (prose("a"), prose("a"), OUTPUT):
        proxy.send(talk)
        talk.run("make", text)
    proxy.send(talk)
    before = proxy.session.table
    forms = [entry.form for entry in before.entries.values()]
    assert forms == [Form.WHOLE, Form.SAME, Form.TRIMMED]
    proxy.settle()
    (again,) = proxy.library.sessions(proxy.session.identity)
    assert again.table == before
    assert again.table.absent == before.absent
    assert again.table.referenced() == before.referenced()


def test_what_has_left_saves_for_its_flush_only_what_it_took_before(tmp_path):
    """A result that was cut and has left: its cutting is not the flush's."""
    proxy = RecordedProxy(tmp_path / "db", rules("every-turn", tau=1), mode="full", **EVERYTHING)
    talk = Talk()
    for _ in range(4):
        ask(proxy, talk, 50, 0, 4_000, 0, 20)
        talk.run(f"make {len(talk.messages)}", OUTPUT)
    flushed, removed, short = columns(proxy, "flushed, removed_tokens, shortened_tokens")[-1]
    (out,) = {e.gain for e in proxy.session.table.entries.values() if e.state is State.COLLECTED}
    entry = next(iter(proxy.session.table.entries.values()))
    assert flushed
    assert out < entry.form_bytes / 2
    assert 0 < removed - short < 2 * entry.form_bytes
    assert short > 3 * (entry.page.bytes - entry.form_bytes) / 5
    proxy.stop()


@few
@given(plays, clients.filter(lambda client: client.markers != "hour"))
def test_the_flushes_and_births_of_a_session_add_up_to_its_net(play, client):
    with TemporaryDirectory() as folder:
        proxy = Cached(Path(folder) / "db", BATCH, mode="full", **EVERYTHING)
        for sent in requests(play, client):
            proxy.ask(sent.body, after=sent.after)
        for session in [s for s in proxy.sessions if s.requests and s.kind != "fork"]:
            born = proxy.rows(
                "select total(birth_saved_dollars), total(birth_saved_tokens) from turns "
                "where session = ?",
                session.id,
            )[0]
            flushed = brought(proxy, session.id)
            net = net_of(proxy, session.id)
            together = tuple(one + other for one, other in zip(flushed, born, strict=True))
            assert together == pytest.approx(net, abs=1e-6)
        proxy.stop()
