"""Laws of the whole: what holds in every conversation, however a client behaves."""

import json
import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from pichay_core.events import Faulted, Flushed
from pichay_core.model import State
from pichay_core.store.pagerows import page_row
from pichay_core.store.rows import Recorded, session_of, session_row
from pichay_core.wire.formats import FORMATS
from pichay_proxy.sessions import LiveSessions
from tests.builders import (
    BINDING,
    HEADER_SESSION,
    KEY,
    NOTE,
    Proxy,
    Talk,
    body,
    is_stub,
    markers_in,
    rules,
    told,
    unmarked,
)
from tests.histories import Client, Sent, clients, plays, straight
from tests.translated import ANTHROPIC, WIRES, Wire

NAMED = {**KEY, HEADER_SESSION: "one"}
BROKEN = ("rewind", "compact", "clear")
"""How the client itself leaves the history it sent before."""

SPOKEN = [wire for wire in WIRES if wire.name in FORMATS]


def law(*generated):
    """Let a law hold of conversations on every wire: most of them on Anthropic's."""

    def on_every_wire(holds):
        @pytest.mark.parametrize("wire", SPOKEN, ids=lambda wire: wire.name)
        def test(wire):
            examples = 28 if wire is ANTHROPIC else 10

            @seed(holds.__name__)
            @settings(max_examples=examples, deadline=None, database=None,
                      suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
            @given(st.tuples(*generated))
            def on_this_wire(given_):
                holds(wire, *given_)

            on_this_wire()

        test.__doc__ = holds.__doc__
        return test

    return on_every_wire


rulings = st.builds(
    rules,
    schedule=st.sampled_from(["batch", "every-turn"]),
    tau=st.integers(1, 4),
    flush_tokens=st.sampled_from([1, 2500, 6000]),
    pin_half_life=st.sampled_from([0, 2, 16]),
)


def blocks(sent: bytes) -> list[dict]:
    """All blocks of all messages, strings as one block."""
    found = []
    for number, message in enumerate(json.loads(sent)["messages"]):
        content = message["content"]
        listed = [{"type": "text", "text": content}] if isinstance(content, str) else content
        found += [{**block, "_at": number} for block in listed]
    return found


def results(sent: bytes) -> dict[tuple[int, str], dict]:
    """Results by message and call."""
    return {(b["_at"], b["tool_use_id"]): b for b in blocks(sent) if b["type"] == "tool_result"}


def text_of(block: dict) -> str:
    content = block["content"]
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "image") for part in content)


def played(proxy: Proxy, play: list[Sent], headers=NAMED):
    """(request, upstream, turn) of every request, in order."""
    for sent in play:
        upstream = proxy.send(sent.body, headers, sent.after)
        yield sent, upstream, proxy.last


@law(plays, clients, rulings, st.booleans())
def test_only_texts_of_results_and_markers_are_ever_changed(wire, play, client, ruling, named):
    proxy = wire.proxy(ruling)
    for sent, up, _ in played(proxy, list(wire.requests(play, client)), NAMED if named else KEY):
        joined_late = proxy.last.after.birth is None
        before, after = json.loads(sent.body if joined_late else told(sent.body)), json.loads(up)
        assert {**before, "messages": 0} == {**after, "messages": 0}
        one, other = blocks(sent.body), blocks(up)
        assert [b["type"] for b in one] == [b["type"] for b in other]
        for own, theirs in zip(one, other, strict=True):
            changed = {k for k in {*own, *theirs} if own.get(k) != theirs.get(k)}
            assert changed <= {"content", "cache_control"}
            assert "content" not in changed or own["type"] == "tool_result"
            assert "cache_control" not in changed or "cache_control" not in own


@law(plays, clients, rulings)
def test_what_a_session_is_given_at_birth_stays_as_it_is(wire, play, client, ruling):
    proxy, fronts = wire.proxy(ruling), {}
    for _, up, turn in played(proxy, list(wire.requests(play, client))):
        whole = json.loads(up)
        front = unmarked([whole.get("tools"), whole["system"]])
        assert fronts.setdefault(turn.after.id, front) == front


@law(plays, clients, rulings)
def test_what_never_leaves_never_leaves(wire, play, client, ruling):
    proxy = wire.proxy(ruling)
    for sent, up, _ in played(proxy, list(wire.requests(play, client))):
        own, theirs = results(sent.body), results(up)
        reply = max((b["_at"] for b in blocks(sent.body) if _is_reply(sent, b)), default=-1)
        for place, block in own.items():
            text = text_of(block)
            image = not isinstance(block["content"], str) and "image" in str(block["content"])
            small = len(text) <= 500 and text != NOTE
            if block.get("is_error") or image or small or place[0] > reply:
                assert not is_stub(text_of(theirs[place]))


def _is_reply(sent: Sent, block: dict) -> bool:
    return json.loads(sent.body)["messages"][block["_at"]]["role"] == "assistant"


@law(plays, clients, rulings)
def test_a_stub_once_out_is_the_same_for_ever(wire, play, client, ruling):
    proxy, stubs = wire.proxy(ruling), {}
    for sent, up, _ in played(proxy, list(wire.requests(play, client))):
        own = results(sent.body)
        for (at, call), block in results(up).items():
            text = text_of(block)
            if is_stub(text):
                known = (call, text_of(own[at, call]))
                assert stubs.setdefault(known, text) == text


@law(plays, clients, rulings)
def test_between_flushes_upstream_is_only_appended_to(wire, play, client, ruling):
    proxy, before = wire.proxy(ruling), []
    for sent, up, turn in played(proxy, list(wire.requests(play, client))):
        now = _units(up)
        if sent.how not in BROKEN and turn.flushed is None:
            assert now[: len(before)] == before
        before = now


def _units(sent: bytes) -> list:
    """Messages without markers; a string and a list of one text are the same to a provider."""
    return [(block["_at"], unmarked(block)) for block in blocks(sent)]


@law(plays, clients, rulings)
def test_what_is_out_stays_out_while_the_client_sends_its_history(wire, play, client, ruling):
    proxy, before = wire.proxy(ruling), {}
    for sent, up, _ in played(proxy, list(wire.requests(play, client))):
        now = results(up)
        if sent.how not in BROKEN:
            for place, block in before.items():
                if is_stub(text_of(block)):
                    assert text_of(now[place]) == text_of(block)
        before = now


@law(plays, clients, rulings)
def test_the_same_history_gives_the_same_bytes(wire, play, client, ruling):
    play = list(wire.requests(play, client))
    one = wire.proxy(ruling)
    first = [(up, turn.events) for _, up, turn in played(one, play)]
    other = wire.proxy(ruling, _with_secrets_of(one))
    again = [(up, turn.events) for _, up, turn in played(other, play)]
    assert first == again


def _with_secrets_of(proxy: Proxy) -> LiveSessions:
    """Live sessions that begin with the secret that another process drew."""

    class Same(LiveSessions):
        def begin(self, identity, shape, tools):
            secret = next(iter(proxy.sessions)).secret
            return replace(super().begin(identity, shape, tools), secret=secret)

    return Same()


@law(plays, clients, rulings)
def test_a_retry_is_sent_as_the_first_try_was(wire, play, client, ruling):
    proxy = wire.proxy(ruling)
    for sent, up, turn in played(proxy, list(wire.requests(play, client))):
        assert proxy.send(sent.body, NAMED, 1.0) == up
        assert proxy.last.events == ()
        assert turn.after.table == proxy.last.after.table


@law(straight, clients, rulings, st.integers(1, 27))
def test_a_restart_changes_no_byte(wire, play, client, ruling, at):
    play = list(wire.requests(play, client))
    steady = wire.proxy(ruling)
    first = [up for _, up, _ in played(steady, play)]
    proxy = wire.proxy(ruling, _with_secrets_of(steady))
    again = [up for _, up, _ in played(proxy, play[:at])]
    proxy = _restarted(wire, proxy, ruling)
    assert again + [up for _, up, _ in played(proxy, play[at:])] == first


def _restarted(wire: Wire, proxy: Proxy, ruling) -> Proxy:
    kept = [
        session_of(
            session_row(s, "api key", "header", 0.0),
            Recorded(
                [page_row(s.id, n, e) for n, e in enumerate(s.table.entries.values())],
                [m.digest for m in s.messages],
            ),
        )
        for s in proxy.sessions
    ]
    new = wire.proxy(ruling, LiveSessions(lambda name: [s for s in kept if s.identity == name]))
    new.at, new.contents = proxy.at, proxy.contents
    return new


@law(plays, clients, rulings)
def test_a_pinned_page_is_never_out_and_what_is_out_has_a_handle(wire, play, client, ruling):
    proxy = wire.proxy(ruling)
    for _, _, turn in played(proxy, list(wire.requests(play, client))):
        for entry in turn.after.table.entries.values():
            assert not (entry.pin and entry.out)
            assert not entry.out or (entry.handle and entry.moved is not None)
            assert entry.born <= turn.after.turn
            assert entry.state is State.GONE or entry.page.id in turn.after.frames


@law(plays, clients, rulings)
def test_markers_are_never_more_than_four_nor_out_of_order(wire, play, client, ruling):
    for sent, up, _ in played(wire.proxy(ruling), list(wire.requests(play, client))):
        own, theirs = markers_in(sent.body), markers_in(up)
        assert len(theirs) <= 4
        assert theirs == sorted(theirs, key=("1h", "5m").index)
        assert own or not theirs


@law(plays, clients)
def test_where_nothing_was_decided_the_clients_own_object_goes_on(wire, play, client):
    proxy = wire.proxy(rules(flush_tokens=10**9), mode="birth")
    for sent, up, turn in played(proxy, list(wire.requests(play, client))):
        assert turn.after.texts or up is sent.body


@law(plays, rulings, st.booleans())
def test_where_thinking_is_kept_nothing_before_the_last_thought_is_newly_changed(
    wire, play, ruling, notes
):
    client = Client(thinks=True, notes=notes, markers="tail", model=BINDING)
    proxy, before = wire.proxy(replace(ruling, keep_thinking=True)), []
    for sent, up, _ in played(proxy, list(wire.requests(play, client))):
        thought = max((b["_at"] for b in blocks(sent.body) if b["type"] == "thinking"), default=-1)
        now = _units(up)
        if sent.how not in BROKEN:
            bound = [unit for unit in now if unit[0] < thought]
            assert bound == before[: len(bound)]
        before = now


@law(straight, clients, rulings)
def test_every_note_that_lost_its_content_through_us_is_given_it_back(wire, play, client, ruling):
    play = list(wire.requests(play, replace(client, notes=True)))
    for _, up, _ in played(wire.proxy(ruling), play):
        texts, shown = results(up), {}
        calls = {b["id"]: b for b in blocks(up) if b["type"] == "tool_use"}
        last = len(json.loads(up)["messages"]) - 1
        for (at, call), block in texts.items():
            name = str(calls[call]["input"]) if call in calls else ""
            text = text_of(block)
            if not is_stub(text) and "unchanged since your last" not in text:
                shown[name] = True
            if "unchanged since your last" in text and at == last:
                assert shown.get(name), "a note, and nothing in the window it could mean"


@law(plays, clients, rulings)
def test_the_turns_of_a_session_count_up_by_one(wire, play, client, ruling):
    proxy = wire.proxy(ruling)
    list(played(proxy, list(wire.requests(play, client))))
    counts: dict[str, int] = {}
    for turn in proxy.turns:
        counts[turn.after.id] = counts.get(turn.after.id, 0) + 1
        assert turn.after.requests == counts[turn.after.id]
        flushes = [e for e in turn.events if isinstance(e, Flushed)]
        assert [e.why for e in flushes] == ([turn.flushed] if turn.flushed else [])


@pytest.mark.parametrize("wire", SPOKEN, ids=lambda wire: wire.name)
def test_the_generator_reaches_what_the_laws_are_about(wire):
    """Else they would hold of nothing."""
    seen = {"flush": 0, "fault": 0, "repair": 0, "fork": 0, "rewind": 0, "bytes": 0}

    @settings(max_examples=30, deadline=None, derandomize=True)
    @given(plays, clients, rulings)
    def count(play, client, ruling):
        proxy = wire.proxy(ruling)
        for sent, up, turn in played(proxy, list(wire.requests(play, client))):
            seen["flush"] += turn.flushed is not None
            seen["fault"] += any(isinstance(e, Faulted) for e in turn.events)
            seen["repair"] += any(type(e).__name__ == "Repaired" for e in turn.events)
            seen["fork"] += turn.after.kind == "fork"
            seen["rewind"] += sent.how == "rewind"
            seen["bytes"] += up is not sent.body

    count()
    assert all(number > 3 for number in seen.values()), seen


# -- any body at all ----------------------------------------------------------------------

SCRAPS = (
    None, True, 0, -1, 1.5, 10**30, "", "text", "\u2028\x00", [], {}, [[]], [None], {"a": 1},
    {"type": "text"}, {"type": "tool_result"}, {"type": "tool_use", "id": 7, "name": None},
    {"type": "tool_result", "tool_use_id": "toolu_0001", "content": {"x": 1}},
    {"type": "thinking"}, {"role": "system", "content": "x"}, {"role": "user"}, "assistant",
    {"cache_control": {"type": "ephemeral", "ttl": "1h"}}, {"cache_control": 5}, {"type": 3},
)  # fmt: skip


def mutated(random: random.Random, item):
    """The same value with a few things in it replaced, removed, doubled or swapped."""
    whole = json.loads(json.dumps(item))
    for _ in range(random.randint(1, 4)):
        _mutate(random, _anywhere(random, whole))
    return whole


def _anywhere(random: random.Random, item):
    while True:
        children = [c for c in _children(item) if isinstance(c, dict | list) and c]
        if not children or random.random() < 0.3:
            return item
        item = random.choice(children)


def _children(item):
    return list(item.values()) if isinstance(item, dict) else list(item)


def _mutate(random: random.Random, item) -> None:
    scrap = json.loads(json.dumps(random.choice(SCRAPS)))
    keys = list(item) if isinstance(item, dict) else list(range(len(item)))
    key = random.choice(keys)
    match random.randrange(5):
        case 0 | 1:
            item[key] = scrap
        case 2:
            del item[key]
        case 3 if isinstance(item, list):
            item.insert(key, json.loads(json.dumps(item[random.choice(keys)])))
        case 4 if isinstance(item, dict):
            item[random.choice(["content", "type", "role", "id", "cache_control", "x"])] = scrap
        case _:
            other = random.choice(keys)
            item[key], item[other] = item[other], item[key]


def _long_talk() -> Talk:
    talk = Talk()
    for number in range(7):
        talk.read(f"{number}.py", think=number % 3 == 0)
    return talk.call("Bash", [{"type": "text", "text": "x" * 3000}], command="make")


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.randoms(use_true_random=False))
def test_any_json_body_passes_or_is_paged_and_never_fails(random):
    proxy, talk = Proxy(rules("every-turn", tau=1)), _long_talk()
    proxy.send(talk.copy().to(random.choice([1, 7, 15])))
    for _ in range(3):
        whole = mutated(random, json.loads(body(talk)))
        request = json.dumps(whole).encode()
        path = random.choice(["/v1/messages", "/v1/messages", "/v1/messages/count_tokens"])
        upstream = proxy.send(request, random.choice([KEY, NAMED]), path=path)
        if upstream is not request:
            same = json.loads(upstream)
            assert same.keys() == whole.keys()
            assert len(same["messages"]) == len(whole["messages"])


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.randoms(use_true_random=False))
def test_any_bytes_pass_or_are_paged_and_never_fail(random):
    proxy, talk = Proxy(rules("every-turn", tau=1)), _long_talk()
    proxy.send(talk)
    request = bytearray(body(talk.read("more.py")))
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(request))
        match random.randrange(3):
            case 0:
                request[at] = random.randrange(256)
            case 1:
                del request[at : at + random.randrange(1, 50)]
            case _:
                request[at:at] = bytes(random.choices(b'{}[]",:\\ \n\x00\xff0123', k=3))
    proxy.send(bytes(request))


@pytest.mark.parametrize("value", SCRAPS, ids=repr)
def test_any_value_may_stand_for_the_messages(value):
    proxy = Proxy()
    request = json.dumps({"model": "claude-sonnet-4-5", "messages": value}).encode()
    assert proxy.send(request) is request
    request = json.dumps({"messages": [value, value, value]}).encode()
    assert proxy.send(request) is request
