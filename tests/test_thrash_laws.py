"""Laws of conversations that thrash, however their client behaves: what is answered harms nothing.

Two files are read again and again under rules that take everything away at once. A law of its own
says that the plays do thrash.
"""

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pichay_core.events import (
    Eased,
    Faulted,
    Recovered,
    Thrashed,
)
from pichay_core.model import FaultKind, Usage
from pichay_core.store.episodes import episodes
from pichay_core.store.records import Turned
from pichay_core.wire.report import Report
from tests import test_laws as laws
from tests.builders import BINDING, SONNET, Proxy, RecordedProxy, rules
from tests.histories import Client, Move, requests

law = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
LEFT = ("rewind", "fork", "compact")
usual = [*(["read"] * 16), "retry", "pause", "run", "ask", "edit"]


def plays(*more: str, most: int = 44):
    kinds = st.sampled_from([*usual, *more])
    return st.lists(
        st.builds(Move, kinds, st.integers(0, 1), st.integers(1, 3)), min_size=14, max_size=most
    )


rulings = st.builds(
    rules,
    schedule=st.sampled_from(["every-turn", "every-turn", "batch", "auto"]),
    tau=st.just(1),
    flush_tokens=st.just(1),
    pin_half_life=st.sampled_from([0, 0, 1, 16]),
)
clients = st.builds(
    Client,
    thinks=st.booleans(),
    markers=st.sampled_from(["none", "tail"]),
    model=st.sampled_from([SONNET, BINDING]),
)
small = st.sampled_from([None, 3_000, 6_000, 200_000])


@pytest.fixture
def window(monkeypatch):
    def of(size):
        monkeypatch.setattr("pichay_core.window.context_window", lambda *_: size)

    return of


def told(proxy) -> list[Turned]:
    return [record for record in proxy.records if isinstance(record, Turned)]


def of_session(proxy):
    """What was recorded of each session, in order."""
    found: dict[str, list[Turned]] = {}
    for record in told(proxy):
        found.setdefault(record.after.id, []).append(record)
    return found


def test_a_flush_waits_only_while_pages_bounce_and_in_a_window_known_to_have_room(window):

    @law
    @given(plays(*LEFT), clients, rulings, small)
    def holds(play, client, ruling, size):
        window(size)
        proxy = Proxy(ruling)
        for _, _, turn in laws.played(proxy, list(requests(play, client))):
            waited = turn.held.why == "thrashing"
            assert not (waited and size is None)
            assert not (waited and turn.flushed)
            assert not waited or turn.after.watch.current or turn.after.watch.last

    holds()


@law
@given(plays(*LEFT, "clear"), clients, rulings, st.sampled_from(["page", "full", "observe"]))
def test_every_episode_is_told_once_when_it_begins_and_once_at_most_when_it_ends(
    play, client, ruling, mode
):
    proxy = Proxy(ruling, mode=mode)
    list(laws.played(proxy, list(requests(play, client))))
    for records in of_session(proxy).values():
        lasting = None
        for record in records:
            for event in record.events:
                match event:
                    case Thrashed():
                        assert lasting is None
                        lasting = event
                    case Eased():
                        assert lasting is not None and event.tau >= 1
                        assert event.until > record.after.turn - 1
                    case Recovered():
                        assert lasting is not None and lasting.start == event.start
                        assert event.faults >= lasting.faults
                        lasting = None
                    case _:
                        pass
            assert (record.after.watch.current is None) == (lasting is None)


@law
@given(plays(*LEFT), clients, rulings)
def test_no_refetch_is_of_two_episodes_whatever_is_forked(play, client, ruling):
    proxy = Proxy(ruling)
    list(laws.played(proxy, list(requests(play, client))))
    for records in of_session(proxy).values():
        events = [event for record in records for event in record.events]
        refetches = [e for e in events if isinstance(e, Faulted) and e.kind is FaultKind.REFETCH]
        over = sum(event.faults for event in events if isinstance(event, Recovered))
        current = records[-1].after.watch.current
        assert over + (current.faults if current else 0) <= len(refetches)


@law
@given(plays(*LEFT), clients, rulings)
def test_an_episode_is_over_two_windows_after_its_last_refetch(play, client, ruling):
    proxy = Proxy(ruling)
    for _, _, turn in laws.played(proxy, list(requests(play, client))):
        current = turn.after.watch.current
        assert current is None or turn.after.turn < current.end + 16


@law
@given(plays(), clients, rulings, st.integers(1, 40))
def test_a_restart_at_any_point_changes_no_byte(play, client, ruling, at):
    play = list(requests(play, client))
    steady = Proxy(ruling)
    first = [up for _, up, _ in laws.played(steady, play)]
    proxy = laws.ANTHROPIC.proxy(ruling, laws._with_secrets_of(steady))
    again = [up for _, up, _ in laws.played(proxy, play[:at])]
    proxy = laws._restarted(laws.ANTHROPIC, proxy, ruling)
    assert again + [up for _, up, _ in laws.played(proxy, play[at:])] == first
    if at < len(play):
        assert proxy.last.after.watch == steady.last.after.watch


@settings(law, max_examples=3)
@given(plays("fork", "rewind"), rulings, st.integers(4, 40), st.sampled_from(["page", "observe"]))
def test_the_rows_of_episodes_are_what_the_events_say_also_after_a_restart(
    tmp_path_factory, play, ruling, at, mode
):
    path = tmp_path_factory.mktemp("rows") / "db"
    proxy = RecordedProxy(path, ruling, mode=mode)
    records: list[Turned] = []
    for number, sent in enumerate(requests(play, Client(markers="tail"))):
        if number == at:
            records += told(proxy)
            proxy = proxy.restart()
            proxy.records.clear()
        proxy.send(sent.body, laws.NAMED, sent.after)
        proxy.replied(Report(Usage(input=50, cache_read=20_000, cache_write_5m=3_000, output=9)))
    records += told(proxy)
    proxy.settle()
    rows = {(row.session, row.start): row for row in episodes(proxy.library._db)}
    ((charged,),) = proxy.rows("select coalesce(sum(faulted_tokens), 0) from flushes")
    proxy.stop()
    begun = Counter((r.after.id, e.start) for r in records for e in r.events
                    if isinstance(e, Thrashed))  # fmt: skip
    assert begun == Counter(rows.keys())
    for record in records:
        for event in record.events:
            if isinstance(event, Recovered):
                row = rows.pop((record.after.id, event.start))
                said = (event.faults, event.tokens, event.bounced)
                assert (row.faults, row.tokens, row.bounced) == said
                assert row.ended == record.after.turn and row.cost_tokens <= charged + 1e-6
    for (session, _), row in rows.items():
        last = [r for r in records if r.after.id == session][-1].after.watch.current
        assert last is not None and row.ended is None
        assert (row.faults, row.tokens, row.bounced) == (last.faults, last.tokens, last.bounced)
        assert (row.cost_tokens > 0) == (mode == "page")


def test_the_plays_thrash():
    """Else the laws would hold of nothing."""
    seen = Counter[str]()

    @settings(law, max_examples=25)
    @given(plays(*LEFT), clients, rulings)
    def count(play, client, ruling):
        proxy = Proxy(ruling)
        for _, _, turn in laws.played(proxy, list(requests(play, client))):
            seen.update(type(event).__name__ for event in turn.events)
            lasts = turn.after.watch.current is not None
            seen["held"] += turn.held.why == "thrashing"
            seen["fork"] += turn.after.kind == "fork" and turn.after.watch.last is not None
            seen["free"] += lasts and turn.flushed is not None

    count()
    wanted = ("Thrashed", "Eased", "Recovered", "held", "fork", "free")
    assert {name: seen[name] for name in wanted if seen[name] < 3} == {}, seen
