"""What the model is told when it asks its memory, and what becomes of its session."""

import json
from dataclasses import replace

import pytest

from pichay_core.birth.shorter import Births
from pichay_core.cooperate import answers
from pichay_core.cooperate.answers import answer, carried_out, means_of, spent
from pichay_core.cooperate.commands import Anchor, Collapse, Recall, Release, Summarize
from pichay_core.cooperate.fold import Fold
from pichay_core.cooperate.means import Means
from pichay_core.cooperate.recalls import NOT_KEPT, UNKNOWN, recall
from pichay_core.cooperate.status import status
from pichay_core.cooperate.wishes import LONGEST_SUMMARY
from pichay_core.events import Asked, Faulted, Pinned, Released
from pichay_core.model import FaultKind, Handle, State
from pichay_core.pager import Limits
from pichay_core.schedule import Window
from pichay_core.stubs import handle_of, stub
from pichay_core.table import Pin
from pichay_core.wire.reply import Ask
from tests.builders import SONNET, content_of, known, prose, rules, stubbed
from tests.pichay_core.cooperate.memory import Cooperation, paged

QUIET = rules(schedule="batch", tau=1, flush_tokens=10**9)
"""Nothing ever leaves."""


# -- recall -----------------------------------------------------------------------------------


def test_a_page_that_is_out_comes_back_by_its_handle_at_the_end_with_what_it_is():
    told = paged("a.py", "b.py")
    handle = told.page("a.py").handle
    said = told.ask("memory_fault", pages=[handle])
    assert not said.error
    head, _, text = said.text.partition("\n")
    assert head == "[Read a.py (3,975 bytes, 75 lines), as it was 2 turns ago.]"
    assert text == prose("a.py")
    assert handle in content_of(told.turns[-1].body, "toolu_0001")
    assert content_of(told.turns[-1].body, "m1") == said.text


def test_a_recall_is_a_fault_of_the_page_asked_for_and_pins_what_came():
    told = paged("a.py", "b.py")
    old = told.page("a.py")
    told.ask("memory_fault", pages=[old.handle])
    new = told.recalled()
    (fault,) = told.events(Faulted)
    assert fault == Faulted(FaultKind.RECALL, old.page.id, new.page.id, new.page.tokens, 2)
    assert new.pin == Pin(1.0, told.session.turn) and new.faults == 1
    assert Pinned(new.page.id, 1.0) in told.events(Pinned)
    after = told.page("a.py")
    assert (after.uses, after.last_use) == (old.uses + 1, told.session.turn)
    assert (after.faults, after.state, after.handle) == (0, old.state, old.handle)


def test_the_next_recall_of_the_same_holds_for_longer():
    told = paged("a.py", "b.py", given=rules("batch", 1, 1, pin_half_life=2))
    handle = told.page("a.py").handle
    told.ask("memory_fault", pages=[handle])
    for number in range(6):
        told.read(f"more {number}.py")
    assert told.recalled().state is State.EVICTED
    told.ask("memory_fault", pages=[handle])
    assert told.recalled().pin == Pin(2.0, told.session.turn)
    assert [fault.kind for fault in told.events(Faulted)] == [FaultKind.RECALL] * 2


def test_several_pages_come_in_one_answer_and_share_what_it_takes():
    told = paged("a.py", "b.py")
    said = told.ask("memory_fault", pages=["a.py", told.page("b.py").handle, "a.py"])
    assert prose("a.py") in said.text and prose("b.py") in said.text
    faults = told.events(Faulted)
    assert [fault.page for fault in faults] == [told.page(p).page.id for p in ("a.py", "b.py")]
    assert len({fault.by for fault in faults}) == 1
    whole = told.recalled().page.tokens
    assert whole - len(faults) < sum(fault.tokens for fault in faults) <= whole


def test_a_command_whose_output_is_out_can_be_had_again_without_running_it():
    told = Cooperation()
    told.talk.run("make")
    told.take()
    told.read("a.py")
    assert told.page("make").state is State.COLLECTED
    assert prose("make") in told.ask("memory_fault", pages=[told.handle("make")]).text


def test_a_path_means_the_newest_copy_of_the_whole_thing():
    told = Cooperation()
    told.read("a.py", prose("first"))
    told.read("./a.py", prose("second"))
    told.read("a.py", prose("part"), offset=5, limit=9)
    told.read("last.py")
    said = told.ask("memory_fault", pages=["/x/../a.py", "a.py"])
    assert prose("second") in said.text
    assert "first" not in said.text and "part" not in said.text
    assert UNKNOWN in said.text and not said.error


def test_what_was_changed_since_is_said_to_have_been():
    told = paged("a.py")
    told.talk.edit("a.py")
    told.take()
    assert "have changed the file since" in told.ask("memory_fault", pages=["a.py"]).text


def test_a_page_in_the_window_is_pointed_at_and_not_copied():
    told = paged("a.py", given=QUIET)
    for name in ("last.py", told.handle("last.py")):
        said = told.ask("memory_fault", pages=[name])
        assert said.text.startswith("It stands in this conversation, as the result of Read last.py")
        assert not said.error
    assert told.events(Faulted) == []
    assert [e for e in told.table.entries.values() if e.pin] == []


def test_what_was_released_but_is_there_still_stays_if_it_is_asked_for():
    told = Cooperation(QUIET)
    told.read("a.py")
    told.ask("memory_release", pages=["a.py"])
    assert told.page("a.py").released
    told.ask("memory_fault", pages=["a.py"])
    assert not told.page("a.py").released


def test_a_page_that_the_client_has_left_out_comes_from_the_store():
    told = paged("a.py", "b.py")
    old = told.page("a.py")
    told.course.contents[old.page.digest] = "as it was kept"
    told.talk.messages[1:5] = []
    told.take()
    assert told.page("a.py").state is State.GONE
    assert told.ask("memory_fault", pages=[old.handle]).text.endswith("]\nas it was kept")
    assert [f.kind for f in told.events(Faulted)] == [FaultKind.RECALL]


def test_what_was_not_kept_is_to_be_called_for_again():
    told = paged("a.py", "b.py")
    old = told.page("a.py")
    told.talk.messages[1:5] = []
    told.take()
    said = told.ask("memory_fault", pages=[old.handle])
    assert said.error and NOT_KEPT in said.text
    assert told.events(Faulted) == []


def test_what_was_cut_when_it_came_is_brought_whole():
    given = replace(QUIET, births=Births(oversize=10_000))
    told = Cooperation(given)
    told.read("a.py", prose("large", 30_000))
    assert "large" in content_of(told.turns[-1].body, "toolu_0001")
    said = told.ask("memory_fault", pages=[told.handle("a.py")])
    assert said.text.endswith(prose("large", 30_000))
    assert content_of(told.turns[-1].body, "m1") == said.text
    assert [fault.kind for fault in told.events(Faulted)] == [FaultKind.RECALL]


def test_a_recall_goes_out_as_it_came_however_often_it_says_the_same():
    given = replace(rules("batch", 1, 1), births=Births(True, True, 10_000))
    told = paged("a.py", "b.py", given=given)
    for number in (1, 2, 3):
        said = told.ask("memory_fault", pages=[told.handle("a.py")])
        assert content_of(told.turns[-1].body, f"m{number}") == said.text


def test_lines_and_search_show_parts():
    told = Cooperation()
    told.read("a.py", "".join(f"line {n} of it all\n" for n in range(1, 400)))
    told.read("b.py")
    part = told.ask("memory_fault", pages=["a.py"], lines="5-6")
    assert part.text.endswith("]\n[Lines 5-6 of 399:]\nline 5 of it all\nline 6 of it all")
    found = told.ask("memory_fault", pages=["a.py"], search="line 39 ")
    assert found.text.endswith("]\n[1 of 399 lines hold that text:]\n39: line 39 of it all")


def test_an_answer_is_cut_at_its_bound_and_says_how_to_have_the_rest():
    told = Cooperation()
    told.read("a.py", prose("large", 300_000))
    told.read("b.py")
    said = told.ask("memory_fault", pages=["a.py", "a.py "])
    assert 90_000 < len(said.text) <= 100_300
    assert "The rest can be had with lines" in said.text


# -- release ----------------------------------------------------------------------------------


def test_a_released_page_is_marked_and_loses_its_pin():
    told = paged("a.py", "b.py")
    told.ask("memory_fault", pages=["a.py"])
    recalled = told.recalled()
    assert recalled.pin
    name = handle_of(recalled.page.id, told.session.secret)
    said = told.said(Ask("r", "memory_release", json.dumps({"pages": [name]}).encode()))
    assert (told.recalled().released, told.recalled().pin) == (True, None)
    assert said.events[0] == Released(recalled.page.id, "")


def test_a_path_releases_every_copy_in_the_window():
    told = Cooperation(QUIET)
    for text in ("one", "two", "three"):
        told.read("a.py", prose(text))
    said = told.ask("memory_release", pages=["a.py"], reason="read")
    assert len(told.events(Released)) == 3
    assert said.text.startswith("Released: Read a.py (")
    assert "when the next flush is due" in said.text


def test_a_release_says_what_it_could_not_do():
    told = paged("a.py")
    told.read("small.py", "x")
    told.read("new.py")
    said = told.ask("memory_release", pages=["a.py", "small.py", "new.py", "nowhere.py"])
    lines = said.text.split("\n")
    assert [line.partition(":")[0] for line in lines] == [
        "Released", "Staying", "Out already", "Unknown",
    ]  # fmt: skip
    assert told.ask("memory_release", pages=["nowhere.py"]).error


def test_a_page_is_released_once():
    told = Cooperation(QUIET)
    told.read("a.py")
    for _ in range(3):
        assert not told.ask("memory_release", pages=["a.py"]).error
    assert len(told.events(Released)) == 1


# -- pin --------------------------------------------------------------------------------------


def test_a_pinned_page_is_pinned_as_by_three_refetches_and_is_not_released_any_more():
    told = Cooperation(QUIET)
    told.read("a.py")
    told.ask("memory_release", pages=["a.py"])
    turn = told.session.turn
    assert not told.ask("memory_pin", pages=["a.py"]).error
    assert (told.page("a.py").pin, told.page("a.py").released) == (Pin(4.0, turn), False)
    assert told.events(Pinned) == [Pinned(told.page("a.py").page.id, 4.0)]


def test_a_page_that_is_out_cannot_be_pinned():
    told = paged("a.py")
    said = told.ask("memory_pin", pages=["a.py"])
    assert said.error and "memory_fault" in said.text


def test_a_pin_that_is_stronger_stays_as_strong():
    told = Cooperation(QUIET)
    told.read("a.py")
    strong = replace(told.page("a.py"), pin=Pin(8.0, 1))
    told.course.session = replace(told.session, table=told.table.with_entries([strong]))
    told.ask("memory_pin", pages=["a.py"])
    assert told.page("a.py").pin.strength == 8.0


def test_where_pins_are_off_the_model_is_told_so():
    told = Cooperation(rules("batch", 1, 10**9, pin_half_life=0))
    told.read("a.py")
    assert told.ask("memory_pin", pages=["a.py"]).error
    assert told.page("a.py").pin is None


# -- summaries and collapse -------------------------------------------------------------------


def tagged(told: Cooperation, *commands):
    means = means_of(told.session, told.request, told.course.stored, told.course.rules.limits)
    done = carried_out(told.session, commands, means)
    told.course.session = done.session
    return done


def test_a_summary_stands_behind_the_note_when_the_page_is_out_as_the_assistants_words():
    told = Cooperation()
    told.read("a.py")
    done = tagged(told, Summarize(told.handle("a.py"), 'says "hello"\nand no more'))
    assert done.events == (
        Released(told.page("a.py").page.id, "summarized"), Asked("tag summarize", "answered", 0),
    )  # fmt: skip
    told.read("b.py")
    shown, entry = content_of(told.turns[-1].body, "toolu_0001"), told.page("a.py")
    assert shown == stub(entry.page, entry.handle, 'says "hello"\nand no more')
    assert shown.endswith('in its own words, before it was moved:\nsays "hello"\nand no more')
    assert entry.gain < replace(entry, summary="").gain


def test_the_note_of_a_page_that_is_out_is_not_changed_by_a_summary():
    told = paged("a.py")
    before = told.page("a.py")
    done = tagged(told, Summarize(before.handle, "too late"))
    assert done.results[0].error and told.page("a.py") == before


def test_a_summary_is_cut_and_one_that_saves_nothing_is_refused():
    told = Cooperation(QUIET)
    told.read("a.py", prose("a", 20_000))
    told.read("b.py", prose("b", 3_000))
    done = tagged(told, Summarize("a.py", "s" * 9_000), Summarize("b.py", "s" * 9_000))
    assert [result.error for result in done.results] == [False, True]
    assert told.page("a.py").summary == "s" * LONGEST_SUMMARY
    assert (told.page("b.py").summary, told.page("b.py").released) == ("", False)


def test_what_the_tags_ask_for_is_done_and_a_line_that_is_none_is_told_of():
    told = Cooperation(QUIET)
    told.read("a.py")
    told.read("b.py")
    done = tagged(told, Release(("a.py",)), "obey me", Anchor(("b.py",)), Collapse(1, 2, "s"))
    asked = [event for event in done.events if isinstance(event, Asked)]
    assert [(event.tool, event.why) for event in asked] == [
        ("tag drop", "answered"), ("tag", "unreadable"), ("tag anchor", "answered"),
        ("tag collapse", "not possible"),
    ]  # fmt: skip
    assert told.page("a.py").released and told.page("b.py").pin


def test_a_collapse_goes_through_whoever_can_do_it():
    told = Cooperation(QUIET)
    changed = replace(told.session, warned=frozenset({"x"}))
    ask = Ask("c", "memory_collapse", b'{"turns":"1-2","summary":"s"}')
    means = Means(lambda _: None, collapse=lambda s, c: (changed, f"{c.first}-{c.last}", False))
    done = answer(told.session, [ask], means)
    assert (done.session, done.results[0].text) == (changed, "1-2")
    failing = replace(means, collapse=lambda s, c: (changed, "no", True))
    done = answer(told.session, [ask], failing)
    assert (done.session, done.results[0].error) == (told.session, True)


def test_turns_that_were_collapsed_come_back_by_their_handle_and_are_pinned():
    told = paged("a.py")
    means = Means(lambda _: None, folded={"FOLDFOLD": "user: do it\n" * 60}.get)
    (said,) = answer(
        told.session, [Ask("f", "memory_fault", b'{"pages":["FOLDFOLD"]}')], means
    ).results
    assert said.text.startswith(
        "[Turns for which a summary stands now, as they were.]\nuser: do it"
    )
    told.talk.call("memory_fault", said.text, id="f", pages=["FOLDFOLD"])
    told.take()
    assert told.recalled().pin == Pin(1.0, told.session.turn)
    assert told.recalled().faults == 1 and told.events(Faulted) == []


# -- status -----------------------------------------------------------------------------------


def test_the_status_says_how_full_how_old_and_what_is_largest():
    told = Cooperation(QUIET)
    for number in range(12):
        told.read(f"{number}.py", prose(str(number), 4_000 + 1_000 * number))
    told.ask("memory_pin", pages=["11.py"])
    told.ask("memory_release", pages=["10.py"])
    text = told.ask("memory_status").text
    lines = text.split("\n")
    assert "of 200,000 tokens (" in lines[0] and "zone: normal" in lines[0]
    assert lines[0].endswith("This is turn 15.")
    shown = [line for line in lines if line.startswith("- ")]
    assert len(shown) == 10
    assert shown[0].startswith("- Read 11.py: ")
    assert shown[0].endswith(f"tokens, 2 turns ago, page {told.handle('11.py')}, pinned")
    assert lines[-1].startswith("0 results are moved out. 1 result is released: ")


def test_a_name_from_the_status_is_one_that_a_release_takes():
    told = Cooperation(QUIET)
    told.read("a.py")
    name = told.ask("memory_status").text.split("page ")[1].split("\n")[0]
    assert not told.ask("memory_release", pages=[name]).error
    assert told.page("a.py").released


def test_a_model_whose_window_nobody_knows_is_told_that():
    told = Cooperation(QUIET, model="unheard-of")
    assert "its size is not known" in told.ask("memory_status").text


def test_the_status_counts_what_is_out_and_not_in_the_window():
    told = paged("a.py", "b.py")
    means = means_of(told.session, told.request, told.course.stored, Limits())
    whole = means_of(told.session, told.request, told.course.stored, Limits())
    assert means.window == whole.window
    assert means.window.tokens < len(told.request.outline.body) / 2.6
    assert "2 results are moved out. None waits to leave." in told.ask("memory_status").text


@pytest.mark.parametrize(
    ("tokens", "zone"),
    [
        (50_000, "normal"),
        (60_000, "advisory"),
        (100_000, "involuntary"),
        (150_000, "aggressive"),
    ],
)
def test_the_status_names_the_zone(tokens, zone):
    told = Cooperation()
    means = Means(lambda _: None, window=Window(tokens, 200_000))
    done = answer(told.session, [Ask("s", "memory_status", b"{}")], means)
    assert f"zone: {zone}" in done.results[0].text


# -- bounds -----------------------------------------------------------------------------------


def test_calls_are_counted_in_the_page_table(monkeypatch):
    monkeypatch.setattr(answers, "MOST_ASKS", 4)
    told = paged("a.py")
    for _ in range(3):
        told.ask("memory_status")
    assert spent(told.table).asks == 3
    two = [Ask(f"x{n}", "memory_status", b"{}") for n in range(2)]
    assert [one.error for one in told.said(*two).results] == [False, True]
    told.course.session = replace(told.session, requests=0)  # a restart knows the table alone
    told.ask("memory_status")
    said = told.ask("memory_fault", pages=["a.py"])
    assert said.error and "ordinary tool" in said.text
    assert told.events(Asked)[-1].why == "too often"


def test_recalled_text_is_counted_too_and_what_is_left_is_still_given(monkeypatch):
    monkeypatch.setattr(answers, "MOST_RECALLED", 6_000)
    told = paged("a.py", "b.py", "c.py")
    assert prose("a.py") in told.ask("memory_fault", pages=["a.py"]).text
    part = told.ask("memory_fault", pages=["b.py"])
    assert "The rest can be had" in part.text and len(part.text) < 2_300
    said = told.ask("memory_fault", pages=["c.py"])
    assert said.error
    said = told.ask("memory_fault", pages=["c.py"])
    assert said.error and "ordinary tool" in said.text


@pytest.mark.parametrize(
    ("tokens", "least", "most"),
    [(10_000, 94_000, 100_000), (170_000, 20_000, 50_000), (179_900, 3_000, 5_000),
     (400_000, 3_000, 5_000)],
)  # fmt: skip
def test_a_recall_brings_no_more_than_the_window_has_room_for(tokens, least, most):
    told = Cooperation()
    told.read("large.py", prose("large.py", 95_000))
    told.read("b.py")
    means = means_of(told.session, told.request, told.course.stored, Limits())
    means = replace(means, window=Window(tokens, 200_000))
    asks = [Ask(f"f{n}", "memory_fault", b'{"pages":["large.py"]}') for n in range(2)]
    one, other = (len(said.text) for said in answer(told.session, asks, means).results)
    assert least <= one <= most
    assert other <= max(most - one, 5_000) or tokens == 10_000


def test_each_call_is_told_of_with_what_its_answer_takes():
    told = paged("a.py")
    told.ask("memory_fault", pages=["a.py"])
    told.ask("memory_fault", pages=["nowhere.py"])
    (one, other) = told.events(Asked)
    assert (one.tool, one.why) == ("memory_fault", "answered") and one.tokens > 1_000
    assert (other.why, other.tokens < 100) == ("unknown page", True)


def test_calls_in_one_reply_are_answered_in_order_each_on_what_the_last_one_left():
    told = Cooperation(QUIET)
    told.read("a.py")
    asks = [
        Ask("1", "memory_release", b'{"pages":["a.py"]}'),
        Ask("2", "memory_pin", b'{"pages":["a.py"]}'),
    ]
    done = told.said(*asks)
    assert [type(event) for event in done.events] == [Released, Asked, Pinned, Asked]
    assert (told.page("a.py").released, told.page("a.py").pin.strength) == (False, 4.0)


def test_an_answer_changes_nothing_that_it_was_given():
    told = paged("a.py")
    before, entries = told.session, dict(told.table.entries)
    told.said(Ask("1", "memory_release", b'{"pages":["last.py"]}'))
    assert dict(before.table.entries) == entries


def test_a_recall_of_nothing_but_a_room_too_small_says_so():
    told = paged("a.py")
    done = recall(told.session, Recall(("a.py",)), Means(lambda _: "text"), room=100)
    assert done.error and "another call" in done.text


def test_what_is_out_is_named_in_the_frames_of_its_call():
    told = paged("a.py", "b.py")
    assert stubbed(told.turns[-1].body) == ["toolu_0001", "toolu_0002"]


def test_the_status_says_which_turns_wait_to_be_collapsed():
    waits = Fold(1, 5, (1, 3), "s", Handle("AAAAAAAA"), "d", asked=4)
    stands = replace(waits, turns=(5, 8), done=9)
    session = replace(known(model=SONNET), folds=(waits, stands))
    assert status(session, Means(read=lambda _: None)).text.split("\n")[-1] == (
        "Turns 1 to 3 are collapsed with the next flush."
    )
