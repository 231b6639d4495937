"""What goes out shorter the first time: laws over whole conversations, and examples."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pichay_core.events import (
    Differed,
    Duplicated,
    Expanded,
    Faulted,
    Trimmed,
)  # fmt: skip
from pichay_core.model import FaultKind, Form, State
from tests import test_laws as laws
from tests.builders import (
    CLEARED,
    HEADER_SESSION,
    KEY,
    NOTE,
    Proxy,
    RecordedProxy,
    Talk,
    content_of,
    marked,
    prose,
    result,
    rules,
    stubbed,
    user,
)
from tests.builders import settings as settings_of
from tests.histories import Client, Move, requests
from tests.oracle.provider import BINDING as BINDING_MODELS
from tests.oracle.provider import UNBOUND
from tests.oracle.test_thinking import eager, thinkers, watched
from tests.oracle.witness import Witness
from tests.pichay_core.birth.test_difference import patched

NAMED = {**KEY, HEADER_SESSION: "one"}
EVERYTHING = {"diffs": True, "oversize": 20_000}
"""With duplicates and skill lists, which are on in any case, all that there is."""
SAME = "[The call succeeded. Its result is the same text, byte for byte, as the result of "
DIFF = "[The call succeeded. Its result is that of "
CUT = "[The call succeeded. Its result is long: "
NEVER = rules(flush_tokens=10**9, schedule="batch")
SKILLS = (
    "<system-reminder>\nThe following skills are available for use with the Skill tool:\n\n"
    "- a: One.\n- x:a: One.\n- b: Two.\n</system-reminder>"
)

law = settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
modes = st.sampled_from(["birth", "full"])
repeating = st.builds(
    Move,
    st.sampled_from(
        [
            *(["read"] * 8),
            *(["edit"] * 3),
            *(["status"] * 3),
            *(["clear"] * 2),
            "compact",
            "rewind",
            "fork",
            "run",
            "retry",
            "ask",
            "pause",
            "pair",
            "fail",
            "large",
        ]
    ),
    st.integers(0, 1),
    st.integers(1, 6),
)
"""Of a client that keeps on reading two files."""
plays = st.lists(repeating, min_size=10, max_size=30)
left = ("rewind", "fork", "compact", "clear")
faithful = st.lists(
    repeating.filter(lambda m: m.kind not in ("compact", "clear")), min_size=10, max_size=30
)
straight = st.lists(repeating.filter(lambda m: m.kind not in left), min_size=10, max_size=30)
clients = st.builds(
    Client,
    notes=st.sampled_from([False, False, True]),
    thinks=st.booleans(),
    markers=st.sampled_from(["none", "tail", "hour", "four", "automatic"]),
    lists=st.booleans(),
)


def everything(ruling, mode="full", sessions=None):
    return Proxy(ruling, sessions, mode=mode, **EVERYTHING)


def own_and_sent(client: bytes, upstream: bytes) -> Iterator[tuple[str, str]]:
    """The text of every result as the client has it, and as it went upstream."""
    own, sent = laws.results(client), laws.results(upstream)
    assert own.keys() == sent.keys()
    yield from ((laws.text_of(block), laws.text_of(sent[place])) for place, block in own.items())


# -- laws -----------------------------------------------------------------------------------


@law
@given(plays, clients, laws.rulings, modes, st.booleans())
def test_a_reference_never_dangles(play, client, ruling, mode, named):
    """What it refers to stands above it as it came, and the two together say what the page says."""
    proxy = everything(ruling, mode)
    for sent, up, _ in laws.played(proxy, list(requests(play, client)), NAMED if named else KEY):
        whole: list[str] = []
        for own, text in own_and_sent(sent.body, up):
            if text.startswith(SAME):
                assert own in whole
            elif text.startswith(DIFF):
                told = text.partition("\n")[2]
                assert own in _made_of(whole, told)
            elif own == text:
                whole.append(own)


def _made_of(whole: list[str], told: str) -> Iterator[str]:
    for text in whole:
        try:
            yield patched(text, told)
        except (AssertionError, IndexError):
            continue


@law
@given(plays, clients, laws.rulings, modes)
def test_between_flushes_upstream_is_only_appended_to(play, client, ruling, mode):
    proxy, before = everything(ruling, mode), []
    for sent, up, turn in laws.played(proxy, list(requests(play, client))):
        now = laws._units(up)
        if sent.how not in laws.BROKEN and turn.flushed is None:
            assert now[: len(before)] == before
        before = now


@law
@given(plays, clients, laws.rulings, modes)
def test_what_is_shortened_stays_as_it_is_while_the_client_sends_its_history(
    play, client, ruling, mode
):
    proxy, before = everything(ruling, mode), {}
    for sent, up, _ in laws.played(proxy, list(requests(play, client))):
        now = {place: laws.text_of(block) for place, block in laws.results(up).items()}
        for place, text in before.items() if sent.how not in laws.BROKEN else ():
            if text.startswith((SAME, DIFF, CUT)):
                assert now[place] == text or laws.is_stub(now[place])
        before = now


@law
@given(plays, clients, laws.rulings, modes)
def test_a_retry_is_sent_as_the_first_try_was(play, client, ruling, mode):
    proxy = everything(ruling, mode)
    for sent, up, _ in laws.played(proxy, list(requests(play, client))):
        assert proxy.send(sent.body, NAMED, 1.0) == up
        assert proxy.last.events == ()


@law
@given(straight, clients, laws.rulings, st.integers(1, 27), st.booleans())
def test_a_restart_changes_no_byte_whatever_is_chosen_then(play, client, ruling, at, chosen):
    """What is chosen for new results after a restart says nothing of those that went out."""
    play = list(requests(play, client))
    steady = everything(ruling)
    first = [up for _, up, _ in laws.played(steady, play)]
    proxy = everything(ruling, sessions=laws._with_secrets_of(steady))
    again = [up for _, up, _ in laws.played(proxy, play[:at])]
    proxy = laws._restarted(laws.ANTHROPIC, proxy, ruling)
    if chosen:
        proxy.paging.settings = settings_of(ruling, **EVERYTHING)
    later = [up for _, up, _ in laws.played(proxy, play[at:])]
    if chosen:
        assert again + later == first
    else:
        before = _shortened(again[-1])
        for up in later:
            now = {place: laws.text_of(block) for place, block in laws.results(up).items()}
            assert all(now[at] == before[at] or laws.is_stub(now[at]) for at in before)


def _shortened(up: bytes) -> dict[tuple[int, str], str]:
    told = {place: laws.text_of(block) for place, block in laws.results(up).items()}
    return {place: text for place, text in told.items() if text.startswith((SAME, DIFF, CUT))}


@law
@given(plays, clients, laws.rulings, modes)
def test_the_table_says_what_went_upstream(play, client, ruling, mode):
    """So that what is counted as not sent is what was not sent."""
    proxy = everything(ruling, mode)
    for sent, up, turn in laws.played(proxy, list(requests(play, client))):
        texts = list(own_and_sent(sent.body, up))
        short = sum(len(own.encode()) - len(text.encode())
                    for own, text in texts if text.startswith((SAME, DIFF, CUT)))  # fmt: skip
        inside = [
            entry
            for entry in turn.after.table.entries.values()
            if entry.state is State.RESIDENT and entry.form is not Form.WHOLE
        ]
        assert short == sum(entry.page.bytes - entry.form_bytes for entry in inside)
        assert turn.after.table.referenced() == {e.source for e in inside if e.source}


@law
@given(plays, clients, laws.rulings)
def test_what_is_referred_to_never_leaves(play, client, ruling):
    proxy = everything(ruling)
    for _, _, turn in laws.played(proxy, list(requests(play, client))):
        table = turn.after.table
        assert all(table.stands(page) for page in table.referenced())


@law
@given(plays, clients, laws.rulings, modes)
def test_only_what_the_model_has_not_seen_is_shortened(play, client, ruling, mode):
    proxy = everything(ruling, mode)
    for sent, _, turn in laws.played(proxy, list(requests(play, client))):
        messages = json.loads(sent.body)["messages"]
        last = max((n for n, m in enumerate(messages) if m["role"] == "assistant"), default=-1)
        for event in turn.events:
            if isinstance(event, Duplicated | Differed | Trimmed):
                entry = turn.after.table[event.page]
                assert turn.after.frames[event.page].message > last
                assert not (entry.page.error or entry.page.opaque or entry.page.cleared)


@law
@given(faithful, thinkers, eager, st.sampled_from(BINDING_MODELS), st.booleans())
def test_on_a_binding_model_nothing_is_ever_refused(play, client, ruling, model, named):
    witness = Witness(everything(ruling))
    for _ in watched(witness, requests(play, client), [model], NAMED if named else KEY):
        assert witness.theirs.refusal is None
        assert witness.ours.refusal is None


@law
@given(plays, thinkers, eager, st.sampled_from([*BINDING_MODELS, *UNBOUND]))
def test_no_thought_is_lost_but_what_the_client_itself_gives_up(play, client, ruling, model):
    witness = Witness(everything(ruling), drops=True)
    for _ in watched(witness, requests(play, client), [model]):
        assert not witness.harmed, (witness.ours, witness.theirs)


def test_the_plays_reach_what_the_laws_are_about():
    wanted = ("Duplicated", "Differed", "Trimmed", "Expanded", "Evicted", "cut")
    seen = dict.fromkeys(wanted, 0)

    @settings(law, max_examples=60)
    @given(plays, clients, laws.rulings)
    def count(play, client, ruling):
        proxy = everything(ruling)
        for _, _, turn in laws.played(proxy, list(requests(play, client))):
            for event in turn.events:
                kind = type(event).__name__
                seen[kind] = seen.get(kind, 0) + 1
                missed = isinstance(event, Faulted) and turn.after.table[event.page].form
                seen["cut"] += missed is Form.TRIMMED

    count()
    assert all(seen[kind] > 2 for kind in wanted), seen


# -- examples -------------------------------------------------------------------------------

OUTPUT = "".join(f"{n:5} all is well in this line of a long output\n" for n in range(1_000))


def send(talk, **changed):
    """A proxy that has been sent every request of a talk, and what went upstream last."""
    proxy = Proxy(NEVER, **({"mode": "birth"} | changed))
    for length in range(1, len(talk.messages) + 1, 2):
        upstream = proxy.send(talk.copy().to(length), NAMED)
    return proxy, upstream


def test_the_second_of_two_equal_results_is_a_line_that_names_the_first():
    proxy, up = send(Talk().read("a.py").read("b.py").read("a.py"))
    assert content_of(up, "toolu_0001") == prose("a.py")
    assert content_of(up, "toolu_0003") == (
        f"{SAME}Read a.py above ({len(prose('a.py')):,} bytes, 75 lines); it is not repeated here.]"
    )
    (event,) = proxy.events(Duplicated)
    assert event.tokens > 900


def test_who_asks_for_it_a_second_time_is_given_it_near():
    talk = Talk().read("a.py").read("a.py").read("a.py").read("a.py")
    _, up = send(talk)
    whole = [content_of(up, f"toolu_{n:04}") == prose("a.py") for n in range(1, 5)]
    assert whole == [True, False, True, False]


def test_results_of_other_calls_that_say_the_same_are_referred_to_by_their_own_names():
    _, up = send(Talk().run("cat a.py", prose("x")).read("a.py", prose("x")))
    assert str(content_of(up, "toolu_0002")).startswith(f"{SAME}Bash a.py above")


def test_two_equal_results_in_one_message_are_one_and_a_line():
    talk = Talk().read("a.py")
    talk.messages[-2]["content"].append({**talk.messages[-2]["content"][0], "id": "toolu_b"})
    talk.messages[-1]["content"].append(result("toolu_b", prose("a.py")))
    _, up = send(talk)
    assert content_of(up, "toolu_0001") == prose("a.py")
    assert str(content_of(up, "toolu_b")).startswith(SAME)


def test_where_two_results_by_one_name_differ_nothing_refers_to_the_older():
    talk = Talk().read("a.py").edit("a.py").read("a.py", prose("new")).edit("a.py").read("a.py")
    _, up = send(talk)
    assert content_of(up, "toolu_0005") == prose("a.py")


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (prose("x"), {"is_error": True}),
        ([{"type": "image", "source": {"type": "base64", "data": "A" * 9000}}], {}),
        (CLEARED, {}),
        ("y" * 500, {}),
        ("y" * 560, {}),
        ("", {}),
    ],
)
def test_errors_pictures_placeholders_and_what_is_small_go_out_as_they_came(text, more):
    talk = Talk()
    for _ in range(3):
        talk.read("a.py", text, more=more)
    proxy, up = send(talk, mode="full", **EVERYTHING)
    assert [content_of(up, f"toolu_{n:04}") for n in (1, 2, 3)] == [text] * 3
    assert proxy.events(Duplicated) == []


def test_of_a_history_that_is_joined_late_only_the_newest_result_is_shortened():
    talk = Talk().read("a.py").read("a.py").read("b.py").read("b.py")
    up = Proxy(NEVER, mode="birth").send(talk, NAMED)
    assert content_of(up, "toolu_0002") == prose("a.py")
    assert str(content_of(up, "toolu_0004")).startswith(f"{SAME}Read b.py above")


def test_when_the_client_takes_the_first_away_the_second_is_itself_again():
    talk = Talk().read("a.py").read("b.py").read("a.py")
    proxy, _ = send(talk)
    talk.messages[2]["content"][0]["content"] = CLEARED
    up = proxy.send(talk.read("c.py"), NAMED)
    assert content_of(up, "toolu_0003") == prose("a.py")
    assert [type(e) for e in proxy.events(Expanded)] == [Expanded]
    up = proxy.send(talk.read("a.py"), NAMED)
    assert content_of(up, "toolu_0003") == prose("a.py")
    assert str(content_of(up, "toolu_0005")).startswith(SAME)


def test_a_fork_from_before_the_second_is_not_told_of_it():
    talk = Talk().read("a.py").read("b.py").read("a.py")
    proxy, _ = send(talk)
    up = proxy.send(talk.copy().to(3).read("a.py", id="other"), NAMED)
    assert str(content_of(up, "other")).startswith(SAME)
    up = proxy.send(talk.read("c.py"), NAMED)
    assert str(content_of(up, "toolu_0003")).startswith(SAME)


def test_what_is_referred_to_leaves_with_what_refers_to_it_and_not_before():
    talk, proxy = Talk().read("a.py").read("b.py"), Proxy(rules("every-turn", tau=3), mode="full")
    for turn in range(6):
        talk = talk.read("a.py") if turn == 1 else talk.idle(1)
        out = stubbed(proxy.send(talk, NAMED))
        assert ("toolu_0001" in out) == ("toolu_0004" in out)
    assert {"toolu_0001", "toolu_0002", "toolu_0004"} <= set(out)
    assert len(proxy.events(Duplicated)) == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"edits": [{"type": "clear_tool_uses_20250919"}]},
        {"edits": [{"type": "compact_20260112"}]},
    ],
)
def test_where_the_provider_takes_results_away_itself_nothing_refers_to_any(asked):
    talk, proxy = Talk(), Proxy(NEVER, mode="birth", diffs=True)
    for _ in range(3):
        up = proxy.send(talk, NAMED, context_management=asked)
        talk.read("a.py")
    assert content_of(up, "toolu_0002") == prose("a.py")


@pytest.mark.parametrize(("mode", "refers"), [("birth", True), ("full", True), ("server", False),
                                              ("page", False), ("observe", False)])  # fmt: skip
def test_a_mode_says_whether_results_refer_to_others(mode, refers):
    proxy, up = send(Talk().read("a.py").read("a.py"), mode=mode, diffs=True)
    assert str(content_of(up, "toolu_0002")).startswith(SAME) is refers
    assert bool(proxy.events(Duplicated)) is refers


# -- diffs ----------------------------------------------------------------------------------


def versions(*numbers):
    lines = [f"line {number} of a file that is read more than once" for number in range(100)]
    talk = Talk()
    for number in numbers:
        new = [*lines[:50], f"version {number}", *lines[50:]]
        talk.read("a.py", "\n".join(new)).edit("a.py")
    return talk


def test_a_file_that_is_read_again_after_a_change_goes_out_as_what_is_different():
    proxy, up = send(versions(1, 2), diffs=True)
    told = str(content_of(up, "toolu_0003"))
    assert told.startswith(f"{DIFF}Read a.py above but for these changes")
    assert "\n-version 1\n+version 2\n" in told
    assert len(proxy.events(Differed)) == 1


def test_diffs_are_made_only_where_they_were_asked_for():
    _, up = send(versions(1, 2))
    assert "\nversion 2\n" in str(content_of(up, "toolu_0003"))


def test_every_diff_is_against_the_text_that_stands_there_whole():
    proxy, up = send(versions(1, 2, 3), diffs=True)
    assert "\n-version 1\n+version 3\n" in str(content_of(up, "toolu_0005"))
    first, second = proxy.events(Differed)
    assert first.of == second.of


def test_who_asks_again_for_what_went_out_as_a_diff_is_given_all_of_it():
    _, up = send(versions(1, 2, 2), diffs=True)
    assert "\nversion 2\n" in str(content_of(up, "toolu_0005"))


# -- very long results ----------------------------------------------------------------------


def cut(again: int = 0, tool: str = "run", **changed):
    talk = Talk()
    for _ in range(1 + again):
        talk.run("make", OUTPUT) if tool == "run" else talk.read("a.py", OUTPUT)
    return send(talk, **({"oversize": 20_000} | changed))


def test_of_a_very_long_result_the_ends_go_out():
    proxy, up = cut()
    text = str(content_of(up, "toolu_0001"))
    assert text.startswith(CUT)
    assert len(text) < 7_000
    (event,) = proxy.events(Trimmed)
    assert event.tokens > 8_000


@pytest.mark.parametrize("tool", ["run", "read"])
def test_the_same_call_again_brings_all_of_it_and_is_a_fault_of_ours(tool):
    proxy, up = cut(again=1, tool=tool)
    assert content_of(up, "toolu_0002") == OUTPUT
    (fault,) = proxy.events(Faulted)
    assert fault.kind is FaultKind.REFETCH


def test_a_third_time_it_refers_to_the_second():
    proxy, up = cut(again=2)
    assert str(content_of(up, "toolu_0003")).startswith(SAME)
    assert len(proxy.events(Faulted)) == 1


def test_a_part_of_what_was_cut_is_a_fault_of_ours():
    talk = Talk().read("a.py", OUTPUT).read("a.py", OUTPUT[:9000], offset=100, limit=150)
    proxy, _ = send(talk, oversize=20_000)
    (fault,) = proxy.events(Faulted)
    assert fault.kind is FaultKind.WIDEN


def test_a_note_that_points_at_what_was_cut_is_given_all_of_it():
    proxy, up = send(Talk().read("a.py", OUTPUT).read("a.py", NOTE), oversize=20_000)
    assert str(content_of(up, "toolu_0001")).startswith(CUT)
    assert content_of(up, "toolu_0002") == OUTPUT
    assert [fault.kind for fault in proxy.events(Faulted)] == [FaultKind.REFETCH]


def test_what_was_cut_is_kept_and_comes_out_the_same_whatever_is_chosen_later(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", NEVER, mode="birth", oversize=20_000)
    proxy.send(Talk(), NAMED)
    talk = Talk().run("make", OUTPUT)
    up = proxy.send(talk, NAMED)
    proxy = proxy.restart()
    proxy.paging.settings = settings_of(NEVER, mode="birth")
    again = proxy.send(talk.run("ls"), NAMED)
    assert content_of(again, "toolu_0001") == content_of(up, "toolu_0001")
    (page,) = (e.page for e in proxy.session.table.entries.values() if e.form is Form.TRIMMED)
    assert proxy.stored(page.digest) == OUTPUT
    proxy.stop()


def test_who_may_miss_something_is_told_of_it_even_if_nothing_is_evicted():
    told = ("moved out of view" in str(cut(oversize=size)[1]) for size in (20_000, 0))
    assert list(told) == [True, False]


# -- skills ---------------------------------------------------------------------------------


@pytest.mark.parametrize("markers", [False, True])
def test_a_skill_under_two_prefixes_is_listed_once_from_the_first_request_on(markers):
    block = {"type": "text", "text": SKILLS}
    first = user([marked(block) if markers else block, {"type": "text", "text": "Go."}])
    talk, proxy = Talk(), Proxy(NEVER, mode="birth")
    talk.messages = [first]
    for _ in range(2):
        up = json.loads(proxy.send(talk, NAMED))
        sent, go = up["messages"][0]["content"]
        assert sent == {**first["content"][0], "text": SKILLS.replace("- x:a: One.\n", "")}
        assert go == first["content"][1]
        assert proxy.last.listed == len("- x:a: One.\n")
        talk.read("a.py")


def test_a_list_in_a_message_of_one_string_is_shortened_too():
    up = json.loads(Proxy(NEVER, mode="birth").send(Talk(SKILLS), NAMED))
    assert up["messages"][0]["content"] == SKILLS.replace("- x:a: One.\n", "")


@pytest.mark.parametrize("mode", ["page", "observe"])
def test_a_mode_without_births_leaves_skills_alone(mode):
    up = json.loads(Proxy(NEVER, mode=mode).send(Talk(SKILLS), NAMED))
    assert up["messages"][0]["content"] == SKILLS


def test_a_history_that_is_joined_late_keeps_its_list():
    talk = Talk(SKILLS).read("a.py")
    up = json.loads(Proxy(NEVER, mode="birth").send(talk, NAMED))
    assert up["messages"][0]["content"] == SKILLS


def test_the_list_is_the_same_after_a_restart_in_another_mode(tmp_path):
    proxy = RecordedProxy(tmp_path / "db", NEVER, mode="birth")
    talk = Talk(SKILLS)
    first = json.loads(proxy.send(talk, NAMED))["messages"][0]
    proxy = proxy.restart()
    proxy.paging.settings = settings_of(NEVER, mode="page")
    assert json.loads(proxy.send(talk.read("a.py"), NAMED))["messages"][0] == first
    proxy.stop()
