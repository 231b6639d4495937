"""What goes out shorter the first time: laws over whole conversations, and examples."""

import json
from collections.abc import Iterator

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pichay_core.events import (
    Collected,
    Differed,
    Duplicated,
    Evicted,
    Faulted,
    Restored,
    Trimmed,
)  # fmt: skip
from pichay_core.model import FaultKind, Form, State
from tests import test_laws as laws
from tests.builders import (
    HEADER_SESSION,
    KEY,
    Proxy,
    rules,
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
    proxy = laws._restarted(proxy, ruling)
    if chosen:
        proxy.paging.settings = settings_of(ruling, **EVERYTHING)
    later = [up for _, up, _ in laws.played(proxy, play[at:])]
    if chosen:
        assert again + later == first
    else:
        for one, other in zip(later, first[at:], strict=True):
            known = len(json.loads(play[at - 1].body)["messages"])
            texts = [
                [laws.text_of(b) for place, b in laws.results(up).items() if place[0] < known]
                for up in (one, other)
            ]
            assert _shortened(texts[0]) == _shortened(texts[1])


def _shortened(texts: list[str]) -> list[str]:
    return [text if text.startswith((SAME, DIFF, CUT)) else "" for text in texts]


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
    kinds = (Duplicated, Differed, Trimmed, Restored, Evicted, Collected)
    seen = dict.fromkeys(kinds, 0) | {FaultKind.REFETCH: 0}

    @settings(law)
    @given(plays, clients, laws.rulings)
    def count(play, client, ruling):
        proxy = everything(ruling)
        for _, _, turn in laws.played(proxy, list(requests(play, client))):
            for event in turn.events:
                if type(event) in seen:
                    seen[type(event)] += 1
                if isinstance(event, Faulted) and turn.after.table[event.page].form is Form.TRIMMED:
                    seen[FaultKind.REFETCH] += event.kind is FaultKind.REFETCH

    count()
    assert all(number > 2 for number in seen.values()), seen
