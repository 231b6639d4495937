"""What a reply says of the edits before it."""

from dataclasses import replace

from pichay_core.events import Dropped, Missed, Stopped, Warned
from pichay_core.model import Usage
from pichay_core.wire.report import Drop, Report
from tests.builders import Proxy, RecordedProxy, body, rules, stubbed, units, worked

USAGE = Usage(input=10, output=5)
BATCH = rules(flush_tokens=4000)


LOST = Report(
    USAGE,
    dropped=(
        Drop("messages.3.content.0", "prefix_binding_mismatch"),
        Drop("messages.5.content.1", "prefix_binding_mismatch"),
    ),
    cache_miss="messages_changed",
    missed_tokens=900,
)
LOST_BY_US = (
    "thinking dropped after an edit of ours: "
    "2 from messages.3.content.0 on, prefix_binding_mismatch"
)


def test_what_the_provider_says_is_recorded_each_time_and_warned_of_once_a_session():
    proxy, talk = Proxy(rules(flush_tokens=10**6)), worked()
    said = []
    for number in range(2):
        proxy.send(talk.read(f"more {number}.py"))
        said.append(proxy.replied(LOST))
    dropped = Dropped("prefix_binding_mismatch", 2, "messages.3.content.0", edited=False)
    assert proxy.events(Dropped) == [dropped, dropped]
    assert proxy.events(Missed) == [Missed("messages_changed", 900)] * 2
    warned = (
        Warned(
            "thinking dropped not through an edit of ours",
            "2 from messages.3.content.0 on, prefix_binding_mismatch",
        ),
        Warned("cache missed not through an edit of ours", "messages_changed"),
    )
    assert said == [warned, ()]
    assert proxy.events(Warned) == [*warned]


def test_a_session_that_was_never_edited_goes_on_though_thinking_was_dropped():
    proxy, talk = Proxy(), worked()
    proxy.send(talk.copy().to(3))
    proxy.replied(LOST)
    assert (proxy.session.frozen, proxy.session.held) == (None, None)
    assert proxy.send(talk) != body(talk)


def test_after_thinking_was_lost_through_an_edit_of_ours_no_more_pages_leave():
    proxy, talk = Proxy(BATCH), worked()
    out = stubbed(proxy.send(talk))
    said = proxy.replied(replace(LOST, cache_miss=""))
    assert [w.why for w in said] == ["thinking dropped after an edit of ours"]
    assert (proxy.session.held, proxy.session.frozen) == (LOST_BY_US, None)
    assert proxy.events(Stopped) == [Stopped(LOST_BY_US)]
    for number in range(8):
        later = proxy.send(talk.read(f"later {number}.py"))
        assert stubbed(later) == out != []
    assert (proxy.last.held.pages > 0, proxy.last.held.why) == (True, LOST_BY_US)
    proxy.replied(LOST)
    assert len(proxy.events(Stopped)) == 1


def test_what_was_decided_before_is_sent_the_same_after_a_restart(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db", BATCH), worked()
    before = proxy.send(talk)
    proxy.replied(LOST)
    proxy = proxy.restart()
    after = proxy.send(talk.idle(8))
    assert units(after)[: len(units(before))] == units(before)
    assert proxy.session.held == LOST_BY_US
    proxy.stop()


def test_thinking_that_the_model_may_not_read_is_no_fault_of_an_edit():
    proxy, talk = Proxy(BATCH), worked()
    assert stubbed(proxy.send(talk))
    other = Drop("messages.3.content.0", "model_binding_mismatch")
    (said,) = proxy.replied(Report(USAGE, dropped=(other,)))
    assert said.why == "thinking dropped not through an edit of ours"
    assert (proxy.session.frozen, proxy.session.held) == (None, None)


def test_the_cache_miss_of_a_flush_is_what_was_paid_for():
    proxy, talk = Proxy(BATCH), worked()
    assert stubbed(proxy.send(talk))
    assert proxy.replied(Report(USAGE, cache_miss="messages_changed")) == ()
    proxy.send(talk.ask("more"))
    assert proxy.last.flushed is None
    (said,) = proxy.replied(Report(USAGE, cache_miss="messages_changed"))
    assert said.why == "cache missed after an edit of ours"
    assert (proxy.session.frozen, proxy.session.held) == (None, None)


def test_that_a_session_was_edited_is_known_after_a_restart(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db", BATCH), worked()
    assert stubbed(proxy.send(talk))
    proxy = proxy.restart(rules(edit=False))
    proxy.send(talk.read("more.py"))
    assert proxy.session.edited
    proxy.replied(LOST)
    assert proxy.events(Dropped)[0].edited
    assert proxy.session.held
    proxy.stop()


def test_a_warning_is_not_repeated_after_a_restart(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db"), worked()
    proxy.send(talk)
    proxy.replied(Report(USAGE, cache_miss="messages_changed"))
    proxy.send(talk.read("more.py"))
    proxy = proxy.restart()
    proxy.send(talk.read("more2.py"))
    proxy.replied(Report(USAGE, cache_miss="messages_changed"))
    assert proxy.events(Warned) == []
    proxy.stop()
