"""What the model is told of its window: when, where, in which words, and for how long."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core import window
from pichay_core.birth.choice import Birth
from pichay_core.cooperate.zones import (
    LARGEST,
    MOST_NOTES,
    NO_NOTES,
    Note,
    Notes,
    added,
    advice,
    entered,
    followed,
    notes_of,
)
from pichay_core.events import Advised
from pichay_core.schedule import Window
from pichay_core.schedule.pressure import Zone, zone_of
from pichay_core.session import match
from pichay_core.store.pagerows import page_row
from pichay_core.store.rows import Recorded, session_of, session_row
from pichay_core.store.vocabulary import count_tokens
from pichay_core.stubs import handle_of
from pichay_core.table import Entry, PageTable
from pichay_core.turn import untouched, view
from pichay_core.wire import anthropic
from tests.builders import (
    BINDING,
    HEADER_SESSION,
    KEY,
    SUMMARISE,
    Course,
    Proxy,
    Talk,
    body,
    heard,
    markers_in,
    page,
    prose,
    read_call,
    rules,
    unmarked,
    user,
)
from tests.histories import Client, clients, plays, requests, straight
from tests.oracle.test_thinking import faithful, thinkers, watched
from tests.oracle.witness import Witness
from tests.strategies import brief_law, law

SMALL = 12_000
"""Tokens of every model's window here; three results reach the first zone."""
OFFERS = Birth(told=True, offers=("memory_release", "memory_collapse"))
NAMED = {**KEY, HEADER_SESSION: "one"}
START = "[About the size of this conversation"


@pytest.fixture(autouse=True, scope="module")
def small_windows():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(window, "context_window", lambda *_: SMALL)
        yield


# -- when -----------------------------------------------------------------------------------------

SHARES = st.lists(st.floats(0, 1.2), max_size=40)


def told_of(shares):
    """The zones that are told of while a window is filled so, with the fill before each."""
    notes, found = NO_NOTES, []
    for number, share in enumerate(shares):
        seen = Window(round(share * SMALL), SMALL)
        notes = followed(notes, seen)
        if (zone := entered(notes, seen)) is not None:
            found.append((number, zone))
            notes = added(notes, zone, heard("m"), "text")
    return found


@law
@given(SHARES)
def test_a_zone_is_told_of_when_it_is_entered_from_below_and_only_then(shares):
    zones = [zone_of(Window(round(share * SMALL), SMALL)).value for share in shares]
    entered = [at for at, (a, b) in enumerate(pairwise([0.0, *zones])) if b > a]
    told = told_of(shares)
    assert {at for at, _ in told} <= set(entered)
    assert all(zones[at] == zone.value for at, zone in told)
    for zone in (Zone.ADVISORY, Zone.INVOLUNTARY, Zone.AGGRESSIVE):
        ways = [at for at in entered if zones[at] == zone.value]
        assert [at for at, of in told if of is zone] == ways[:MOST_NOTES]


def test_a_window_of_which_nobody_knows_the_size_has_no_zones():
    assert entered(NO_NOTES, Window(10**9, None)) is None


NOTES = st.builds(
    Notes,
    st.lists(st.builds(Note, st.integers(0, 9), st.binary(max_size=16), st.text(), st.floats(0, 1)))
    .map(tuple),
    st.floats(0, 1),
    st.lists(st.floats(0, 1)).map(tuple),
)  # fmt: skip


@law
@given(NOTES)
def test_notes_survive_being_written_down(notes):
    assert notes_of(notes.as_text()) == notes


@law
@given(NOTES, st.integers(0, 9))
def test_what_stood_behind_the_first_change_is_gone(notes, shared):
    kept = notes.within(shared)
    assert all(note.message < shared for note in kept.standing)
    assert [note for note in notes.standing if note.message < shared] == list(kept.standing)
    assert kept.given == notes.given
    assert kept.within(shared) is kept


def test_a_zone_of_which_nothing_stands_any_more_can_be_told_of_again():
    low, high = Note(3, b"a", "x", 0.3), Note(5, b"b", "y", 0.5)
    notes = Notes((low, high), 0.5, (0.3, 0.5))
    assert [notes.within(shared).zone for shared in (6, 5, 4, 3)] == [0.5, 0.3, 0.3, 0.0]
    assert replace(notes, zone=0.3).within(5).zone == 0.3
    assert replace(notes, zone=0.0).within(5).zone == 0.0


# -- in which words -------------------------------------------------------------------------------

SECRET = b"0" * 16
FULL = Window(7_250, SMALL)


def table(*sizes, **changed):
    calls = (read_call(f"src/{number}.py") for number in range(len(sizes)))
    pages = (page(c.label, c, size=size, **changed) for c, size in zip(calls, sizes, strict=True))
    return PageTable().with_entries(Entry(one) for one in pages)


def test_how_full_what_is_largest_and_what_can_be_done():
    pages = table(4_000, 40_000, 8_000)
    names = [handle_of(entry.page.id, SECRET) for entry in pages.resident()]
    assert advice(FULL, pages, OFFERS, SECRET) == (
        "[About the size of this conversation: it takes about 7,250 of the 12,000 tokens that you "
        "can see at once (60 %).\n"
        "The largest tool results in it:\n"
        f'- Read "src/1.py": about 10,000 tokens, page {names[1]}\n'
        f'- Read "src/2.py": about 2,000 tokens, page {names[2]}\n'
        f'- Read "src/0.py": about 1,000 tokens, page {names[0]}\n'
        "If some of it is no longer needed: memory_release lets results go by page name or path; "
        "memory_collapse puts a summary in place of finished turns. Nothing has to be done, and "
        "no answer is expected; the work goes on.]"
    )


def test_only_the_largest_are_named_and_it_stays_short():
    text = advice(FULL, table(*range(4_000, 44_000, 1_000)), OFFERS, SECRET)
    assert text.count("\n- ") == LARGEST
    assert "src/39.py" in text
    assert count_tokens(text) <= 210


@pytest.mark.parametrize("changed", [{"error": True}, {"opaque": True}, {"cleared": True}])
def test_what_could_not_leave_is_not_named(changed):
    assert "largest" not in advice(FULL, table(9_000, **changed), OFFERS, SECRET)


def test_what_was_let_go_already_is_not_named():
    entry = next(table(9_000).resident())
    pages = PageTable().with_entries([replace(entry, released=True)])
    assert "largest" not in advice(FULL, pages, OFFERS, SECRET)


@pytest.mark.parametrize(
    ("offers", "tags", "pages", "said"),
    [
        ((), False, True, None),
        (("memory_fault", "memory_pin", "memory_status"), False, True, None),
        (("memory_release",), False, False, None),
        (("memory_release",), False, True, "memory_release"),
        (("memory_collapse",), False, False, "memory_collapse"),
        (("memory_fault",), True, False, "the commands"),
        (("memory_release",), True, True, "memory_release"),
    ],
)
def test_without_something_to_do_nothing_is_said(offers, tags, pages, said):
    text = advice(
        FULL, table(9_000) if pages else PageTable(), Birth(offers=offers, tags=tags), b"1"
    )
    assert (text is None) == (said is None)
    for name in ("memory_release", "memory_collapse", "the commands"):
        assert text is None or (name in text) == (name == said)


def test_a_label_stays_in_its_quotes():
    call = replace(read_call("a"), label='x", page AAAAAAAA. "y')
    pages = PageTable().with_entries([Entry(page("a", call, size=9_000))])
    assert "- Read \"x', page AAAAAAAA. 'y\": about" in advice(FULL, pages, OFFERS, SECRET)


# -- where, and for how long ----------------------------------------------------------------------


def course(birth=OFFERS, **ruling):
    """A session that is offered something from its first request on, and evicts nothing."""
    return Course(replace(rules("cold", **ruling), birth=birth))


def notes_in(sent):
    """What was told in a body, by message."""
    found = {}
    for at, message in enumerate(json.loads(sent)["messages"]):
        blocks = message["content"] if isinstance(message["content"], list) else []
        told = [n for n, block in enumerate(blocks) if block.get("text", "").startswith(START)]
        assert told in ([], [len(blocks) - 1])
        if told:
            found[at] = blocks[-1]["text"]
    return found


def filled(course, files=5):
    """A conversation that has entered the first zone in its last request."""
    talk = Talk()
    for number in range(files):
        turn = course.take(talk)
        if notes_in(turn.body):
            return talk, turn
        talk.read(f"{number}.py")
    raise AssertionError("nothing was told")


def advised(turn):
    return [event for event in turn.events if isinstance(event, Advised)]


def test_it_stands_behind_the_newest_message_and_stays_there():
    driven = course()
    talk, turn = filled(driven)
    assert list(notes_in(turn.body)) == [len(talk.messages) - 1]
    assert [event.why for event in advised(turn)] == ["advisory"]
    assert SMALL * 0.3 <= advised(turn)[0].tokens < SMALL * 0.5
    first = notes_in(turn.body)
    later = driven.take(talk.run("true", "ok").ask("Go on."))
    assert notes_in(later.body) == first
    assert advised(later) == []
    assert later.front.protocol == turn.front.protocol


def test_each_zone_is_told_of_and_what_was_said_stays():
    driven = course()
    talk, said = Talk(), []
    for number in range(9):
        turn = driven.take(talk)
        said += [event.why for event in advised(turn)]
        talk.read(f"{number}.py")
    assert said == ["advisory", "involuntary", "aggressive"]
    assert len(notes_in(turn.body)) == 3


def test_what_the_client_sent_stands_before_it_byte_for_byte():
    driven = course()
    talk, turn = filled(driven)
    own, sent = (json.loads(b)["messages"] for b in (body(talk), turn.body))
    assert sent[:-1] == own[:-1]
    assert sent[-1]["content"][:-1] == own[-1]["content"]
    assert sent[-1]["content"][-1].keys() == {"type", "text"}


def test_a_prompt_that_is_a_string_becomes_two_texts():
    driven = course()
    talk, first = Talk().read("a").read("b"), driven.take(Talk())
    turn = driven.take(talk.ask("what now? " * 300))
    assert not notes_in(first.body)
    content = json.loads(turn.body)["messages"][-1]["content"]
    assert content[0] == {"type": "text", "text": "what now? " * 300}
    assert content[1]["text"].startswith(START)
    again = talk.copy()
    again.messages[-1] = user([{"type": "text", "text": "what now? " * 300}])
    assert notes_in(driven.take(again.ask("Go on.")).body) == notes_in(turn.body)


def test_a_retry_is_sent_as_the_first_try_was():
    driven = course()
    talk, turn = filled(driven)
    again = driven.take(talk)
    assert again.body == turn.body
    assert again.events == ()


def test_a_rewind_before_it_takes_it_away_and_it_may_be_said_again():
    driven = course()
    talk, turn = filled(driven)
    (at,) = notes_in(turn.body)
    back = driven.take(talk.copy().to(at - 1).run("true", "ok"))
    assert notes_in(back.body) == {}
    again = driven.take(talk.copy().to(at - 1).read("other.py"))
    assert list(notes_in(again.body)) == [at]
    assert notes_in(again.body) != notes_in(turn.body)


def test_a_rewind_behind_it_leaves_it():
    driven = course()
    talk, turn = filled(driven)
    driven.take(talk.copy().run("true", "ok").run("false", "ok"))
    assert notes_in(driven.take(talk.copy().ask("Go on.")).body) == notes_in(turn.body)


def test_a_client_that_sums_up_is_told_nothing_until_it_has():
    driven = course()
    talk = Talk().read("a").read("b")
    driven.take(Talk())
    full = talk.copy().read("c")
    asks = full.copy()
    asks.messages[-1]["content"].append({"type": "text", "text": SUMMARISE})
    assert notes_in(driven.take(asks).body) == {}
    assert driven.session.notes == NO_NOTES
    assert notes_in(driven.take(full.ask("Go on.")).body) != {}


@pytest.mark.parametrize(
    "last",
    [
        [{"role": "system", "content": "Be quick."}],
        [{"role": "assistant", "content": [{"type": "text", "text": "{"}]}],
        [user([])],
        [user(" ")],
    ],
)
def test_where_nothing_may_stand_behind_the_newest_message_it_waits(last):
    driven = course()
    talk = Talk().read("a").read("b").read("c")
    driven.take(Talk())
    talk.messages += last
    assert notes_in(driven.take(talk).body) == {}
    talk.messages[-len(last) :] = []
    assert notes_in(driven.take(talk.ask("Go on.")).body) != {}


SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}


@pytest.mark.parametrize(
    ("blocks", "takes"), [([], True), ([SEARCH], False), ([SEARCH, FOUND], True)]
)
def test_where_the_provider_is_still_at_work_only_results_may_stand(blocks, takes):
    talk = Talk().read("a.py")
    talk.messages[-2]["content"][:0] = blocks
    outline = anthropic.outline(body(talk))
    messages = [anthropic.read(outline.raw(at)) for at in range(len(outline.messages))]
    assert anthropic.takes_note(messages) is takes
    assert not anthropic.takes_note(messages[:-1])
    assert not anthropic.takes_note([])


def test_who_only_observes_says_nothing_and_what_was_said_is_not_made_up_for():
    driven = course()
    talk, _ = filled(driven)
    paged = driven.rules
    driven.rules = replace(paged, edit=False, mode="observe")
    seen = driven.take(talk.read("more.py").read("yet more.py"))
    assert notes_in(seen.body) == {}
    driven.rules = replace(paged, birth=None)
    assert notes_in(driven.take(talk.ask("Go on.")).body) == {}


def test_a_session_that_is_only_looked_at_goes_on_with_what_was_said():
    driven = course()
    talk, turn = filled(driven)
    read = driven.request(talk.ask("Go on."))
    shown = view(driven.session, read, driven.stored)
    assert notes_in(shown.body) == notes_in(turn.body)
    found = match([driven.session], read.messages, driven.session.shape, True)
    after = untouched(found, read, shown)
    assert after.session.notes == driven.session.notes


def test_a_restart_sends_the_same_bytes():
    driven = course()
    talk, _ = filled(driven)
    session, talk = driven.session, talk.read("more.py").read("yet more.py")
    row = session_row(session, "c", "s", 0.0)
    pages = [page_row(session.id, n, e) for n, e in enumerate(session.table.entries.values())]
    loaded = session_of(row, Recorded(pages, [message.digest for message in session.messages]))
    loaded = replace(loaded, notes=notes_of(session.notes.as_text()))
    other = course()
    other.session, other.at = loaded, driven.at
    assert other.take(talk).body == driven.take(talk).body
    assert len(other.session.notes.standing) == 2


def test_a_clients_marker_stays_on_its_block():
    driven = course()
    driven.take(Talk())
    talk = Talk().read("a").read("b").read("c")
    talk.messages[-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}
    turn = driven.take(talk)
    last = json.loads(turn.body)["messages"][-1]["content"]
    assert [("cache_control" in block) for block in last] == [True, False]
    assert markers_in(turn.body) == markers_in(body(talk))


def test_its_bytes_are_counted_as_ours():
    driven, plain = course(), course(OFFERS)
    _, turn = filled(driven)
    (text,) = notes_in(turn.body).values()
    before = plain.take(Talk()).front.protocol
    assert turn.front.protocol == before + len(text.encode())


# -- whole conversations --------------------------------------------------------------------------


class Offering(Proxy):
    """A proxy whose sessions are offered something when they begin."""

    def __init__(self, *given, birth=OFFERS, **changed):
        super().__init__(*given, **changed)
        usual = self.paging._rules

        def offering(*asked):
            ruled = usual(*asked)
            with_offers = replace(ruled.birth, offers=birth.offers) if ruled.birth else None
            return replace(ruled, birth=with_offers)

        self.paging._rules = offering


rulings = st.builds(
    rules,
    schedule=st.sampled_from(["batch", "every-turn", "cold"]),
    tau=st.integers(1, 4),
    flush_tokens=st.sampled_from([1, 2500, 6000]),
)
BROKEN = ("rewind", "compact", "clear")


def units(sent):
    """Blocks by message, a string as one of them, without markers."""
    messages = unmarked(json.loads(sent)["messages"])
    found = []
    for at, message in enumerate(messages):
        content = message["content"]
        listed = [{"type": "text", "text": content}] if isinstance(content, str) else content
        found += [(at, block) for block in listed]
    return found


@brief_law
@given(plays, clients, rulings)
def test_the_same_bytes_stand_in_the_same_place_for_as_long_as_the_client_sends_it(
    play, client, ruling
):
    proxy, before, told, ever = Offering(ruling), [], {}, set()
    for sent in requests(play, client):
        up = proxy.send(sent.body, NAMED, sent.after)
        now, notes, newest = units(up), notes_in(up), len(json.loads(up)["messages"]) - 1
        new = sum(isinstance(e, Advised) for e in proxy.last.events)
        assert new == (newest in notes and sent.how != "retry")
        assert {n for n in notes.items() if n[0] != newest} <= ever
        ever |= notes.items()
        if sent.how not in BROKEN:
            assert {at: notes.get(at) for at in told} == told
            if proxy.last.flushed is None:
                assert now[: len(before)] == before
        before, told = now, notes


@brief_law
@given(plays, clients, rulings)
def test_beside_the_notes_nothing_is_sent_otherwise(play, client, ruling):
    one, other = Offering(ruling), Proxy(ruling)
    for sent in requests(play, client):
        up, plain = (proxy.send(sent.body, NAMED, sent.after) for proxy in (one, other))
        kept = [(at, b) for at, b in units(up) if not b.get("text", "").startswith(START)]
        assert [_handleless(part) for part in kept] == [_handleless(p) for p in units(plain)]
        assert markers_in(up) == markers_in(plain)
        assert notes_in(plain) == {}


def _handleless(part):
    """Handles are each session's own."""
    text = json.dumps(part)
    return text[: text.rfind("Page ")] if "Page " in text else text


@brief_law
@given(straight, clients, rulings, st.integers(1, 20))
def test_a_retry_changes_nothing(play, client, ruling, at):
    proxy = Offering(ruling)
    for number, sent in enumerate(requests(play, client)):
        up = proxy.send(sent.body, NAMED, sent.after)
        if number == at:
            assert proxy.send(sent.body, NAMED, 1.0) == up
            assert proxy.last.events == ()


@brief_law
@given(faithful, thinkers, rulings, st.booleans())
def test_a_note_costs_no_thought(play, client, ruling, drops):
    witness = Witness(Offering(ruling), drops=drops)
    for _ in watched(witness, requests(play, client), [BINDING]):
        assert witness.ours.refusal is None
        assert not witness.harmed, (witness.ours, witness.theirs)


def test_the_plays_reach_what_the_laws_are_about():
    seen = dict.fromkeys(["told", "again", "rewound", "bound"], 0)

    @brief_law
    @given(plays, thinkers, rulings)
    def count(play, client, ruling):
        proxy, before = Offering(ruling), {}
        for sent in requests(play, Client(**{**vars(client), "model": BINDING})):
            notes = notes_in(proxy.send(sent.body, NAMED, sent.after))
            events = [e for e in proxy.last.events if isinstance(e, Advised)]
            seen["told"] += bool(events)
            seen["again"] += len(notes) > 1
            seen["rewound"] += len(notes) < len(before)
            thinks = [n for n, m in enumerate(proxy.last.after.messages) if m.thinks]
            seen["bound"] += bool(notes) and bool(thinks) and max(thinks) > min(notes)
            before = notes

    count()
    assert all(seen.values()), seen


def test_prose_is_long_enough_to_reach_a_zone():
    assert 3 * len(prose("a.py")) / 3.2 > 0.3 * SMALL
