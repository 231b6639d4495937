"""Which conversation a request continues: the cases that break naive proxies, by name."""

import json
import re

import pytest

from pichay_core.birth.protocol import PROTOCOL
from pichay_core.events import Faulted, Frozen, Rewound
from pichay_core.session import REFUSED
from pichay_proxy import sessions as live
from pichay_proxy.sessions import LiveSessions
from tests.builders import (
    BILLING,
    HEADER_AGENT,
    HEADER_SESSION,
    KEY,
    SUMMARISE,
    Proxy,
    RecordedProxy,
    Talk,
    body,
    content_of,
    is_stub,
    marked,
    prose,
    reply,
    result,
    rules,
    stubbed,
    told,
    units,
    use,
    user,
    worked,
)

NAMED = {**KEY, HEADER_SESSION: "one"}
BOTH = pytest.mark.parametrize("headers", [KEY, NAMED], ids=["no id", "session id"])


def grown(proxy: Proxy, talk: Talk, headers=KEY) -> bytes:
    """Send a conversation request by request, as it grew."""
    upstream = b""
    for length in range(1, len(talk.messages) + 1, 2):
        upstream = proxy.send(talk.copy().to(length), headers)
    return upstream


QUIET = rules(flush_tokens=4000)
"""Four pages of the builders make a batch: the last request of ``worked()`` flushes."""


def stubs_of(upstream: bytes) -> dict[str, object]:
    return {call: content_of(upstream, call) for call in stubbed(upstream)}


# -- rewind, edit, fork -------------------------------------------------------------------


@BOTH
def test_a_rewound_conversation_keeps_its_decisions(headers):
    proxy, talk = Proxy(QUIET), worked()
    before = grown(proxy, talk, headers)
    assert stubbed(before) == [f"toolu_{n:04d}" for n in (1, 2, 3, 4)]
    rewound = proxy.send(talk.copy().to(13).read("other.py", id="again"), headers)
    assert units(rewound)[:13] == units(before)[:13]
    assert len(list(proxy.sessions)) == 1
    assert [(e.at, e.why, e.gone) for e in proxy.events(Rewound)] == [(13, "edited", 2)]


@BOTH
def test_an_edited_prompt_keeps_what_stands_before_it_and_forgets_what_follows(headers):
    proxy = Proxy(QUIET)
    talk = worked(6).ask("now do X").read("x.py", id="x").read("y.py", id="y")
    before = grown(proxy, talk, headers)
    edited = worked(6).ask("now do Z").read("z.py", id="z")
    upstream = proxy.send(edited, headers)
    assert stubbed(before)
    assert units(upstream)[:14] == units(before)[:14]
    assert units(upstream)[14]["content"] == "now do Z"
    assert len(list(proxy.sessions)) == 1


def test_a_prompt_edited_in_the_first_message_goes_upstream_as_it_reads_now():
    proxy = Proxy()
    grown(proxy, worked(), NAMED)
    fresh = body(Talk("Quite another thing."))
    assert proxy.send(fresh, NAMED) == told(fresh)


def test_a_rewind_goes_on_with_the_clock_of_the_session():
    proxy, talk = Proxy(), worked()
    grown(proxy, talk)
    proxy.send(talk.copy().to(9).read("a.py", id="a"))
    assert proxy.session.turn == 10
    born = {e.page.call.id: e.born for e in proxy.session.table.entries.values()}
    assert born["a"] == 10


@BOTH
def test_after_a_fork_both_branches_go_on_with_the_same_prefix_and_decisions_of_their_own(headers):
    proxy, trunk = Proxy(rules(flush_tokens=2500)), worked(8)
    shared = units(grown(proxy, trunk, headers))
    left, right = trunk.copy(), trunk.copy().to(15)
    left.run("left one", id="l1")
    proxy.send(left, headers)
    right.run("right one", id="r1")
    proxy.send(right, headers)
    for number in range(6):
        left.read(f"left{number}.py", id=f"left{number}")
        on_left = proxy.send(left, headers)
        right.read(f"right{number}.py", id=f"right{number}")
        on_right = proxy.send(right, headers)
    assert len(stubbed(on_left)) > 4
    assert len(stubbed(on_right)) > 4
    assert {*stubbed(on_left)} - {*stubbed(on_right)} and {*stubbed(on_right)} - {*stubbed(on_left)}
    was_out = [content_of(json.dumps({"messages": shared}).encode(), c) for c in ("toolu_0001",)]
    assert [content_of(on_left, "toolu_0001"), content_of(on_right, "toolu_0001")] == was_out * 2
    assert sorted(s.kind for s in proxy.sessions) == ["fork", "main"]
    assert not any("right" in str(unit) for unit in units(on_left))


def test_a_fork_knows_its_parent_and_counts_its_own_requests():
    proxy, trunk = Proxy(), worked(4)
    grown(proxy, trunk)
    (main,) = proxy.sessions
    proxy.send(trunk.copy().to(7).read("b.py", id="b"))
    proxy.send(trunk.copy().read("c.py", id="c"))
    fork = proxy.session
    assert (fork.kind, fork.parent, fork.requests) == ("fork", main.id, 1)
    assert proxy.last.before is None


def test_a_branch_that_was_left_twice_is_one_fork_not_two():
    proxy, trunk = Proxy(), worked(4)
    grown(proxy, trunk)
    a, b = trunk.copy(), trunk.copy().to(7)
    for number in range(4):
        proxy.send(a.read(f"a{number}.py", id=f"a{number}"))
        proxy.send(b.read(f"b{number}.py", id=f"b{number}"))
    assert len(list(proxy.sessions)) == 2


def test_a_fork_of_a_frozen_session_is_frozen():
    proxy, trunk = Proxy(), worked()
    grown(proxy, trunk)
    left = trunk.copy()
    proxy.send(trunk.copy().to(9).read("x.py", id="x"))
    assert proxy.decision.exchange is not None
    proxy.paging.aftermath.freeze(proxy.decision.exchange, REFUSED, proxy.at)
    request = body(left.read("y.py", id="y"))
    assert proxy.send(request) is request
    assert len(proxy.events(Frozen)) == 1


# -- side calls ---------------------------------------------------------------------------


@BOTH
def test_a_title_call_with_the_same_first_message_gets_no_history_and_leaves_none(headers):
    proxy, talk = Proxy(), worked()
    before = grown(proxy, talk, headers)
    title = body(Talk(), system="Write a title.", tools=())
    assert proxy.send(title, headers) is title
    assert proxy.last.after.kind == ("side" if headers is NAMED else "main")
    assert proxy.send(talk, headers) == before


def test_a_conversation_that_begins_after_its_title_is_the_main_one():
    proxy = Proxy()
    proxy.send(Talk(), NAMED, system="Write a title.", tools=())
    proxy.send(Talk(), NAMED)
    assert [s.kind for s in proxy.sessions] == ["main", "side"]
    proxy.send(Talk().read("a.py"), NAMED)
    proxy.send(Talk("Summary."), NAMED)
    assert proxy.session.requests == 3


@BOTH
def test_a_topic_call_between_the_first_two_requests_is_not_the_conversation(headers):
    proxy = Proxy()
    proxy.send(Talk(), headers)
    (main,) = proxy.sessions
    asked = [user("Fix the bug."), {"role": "assistant", "content": "{"}]
    topic = body(asked, system="Is this a new topic?", tools=())
    assert proxy.send(topic, headers) is topic
    proxy.send(Talk().read("a.py"), headers)
    assert proxy.session.id == main.id
    assert len(list(proxy.sessions)) == 2


@BOTH
def test_a_title_call_with_the_same_prompt_but_no_tools_is_a_session_of_its_own(headers):
    proxy = Proxy()
    proxy.send(Talk(), headers)
    main = proxy.session.id
    proxy.send(Talk(), headers, tools=())
    assert proxy.session.id != main
    proxy.send(Talk().read("a.py"), headers)
    assert proxy.session.id == main


def test_count_tokens_gets_the_view_of_the_model_and_leaves_no_trace():
    proxy, talk = Proxy(), worked()
    before = grown(proxy, talk)
    recorded = len(proxy.records)
    counted = proxy.send(talk, path="/v1/messages/count_tokens")
    assert units(counted) == units(before)
    assert len(proxy.records) == recorded
    assert proxy.send(talk) == before


def test_count_tokens_of_a_bare_text_goes_as_it_came():
    proxy = Proxy()
    grown(proxy, worked(), NAMED)
    bare = body([user(prose("a file"))], system=None, tools=())
    assert proxy.send(bare, NAMED, path="/v1/messages/count_tokens") is bare


def test_count_tokens_of_a_longer_conversation_shows_the_new_messages_as_they_are():
    proxy, talk = Proxy(), worked()
    before = grown(proxy, talk)
    counted = proxy.send(talk.copy().read("new.py"), path="/v1/messages/count_tokens")
    assert units(counted)[: len(talk.messages)] == units(before)
    assert stubbed(counted) == stubbed(before)


@BOTH
def test_the_whole_history_with_fewer_tools_is_still_the_conversation(headers):
    proxy, talk = Proxy(), worked()
    before = grown(proxy, talk, headers)
    fork = talk.copy().ask("In one word: are you done?")
    for upstream in (
        proxy.send(fork, headers, tools=("Read",)),
        proxy.send(talk.copy().read("n.py"), headers),
    ):
        assert stubs_of(before).items() <= stubs_of(upstream).items()
    assert len(list(proxy.sessions)) == 1


@BOTH
def test_tools_that_arrive_after_the_first_reply_do_not_split_the_conversation(headers):
    proxy, talk = Proxy(), Talk()
    proxy.send(talk, headers, tools=("ToolSearch", "Read"))
    proxy.send(talk.call("ToolSearch", "found"), headers, tools=("ToolSearch", "Read", "Edit"))
    (session,) = proxy.sessions
    assert (session.kind, session.requests) == ("main", 2)


# -- compaction by the client -------------------------------------------------------------


@BOTH
def test_the_request_for_a_summary_moves_nothing(headers):
    proxy, talk = Proxy(rules(flush_tokens=2000)), worked(6)
    before = stubbed(grown(proxy, talk, headers))
    talk.ask(SUMMARISE)
    upstream = proxy.send(talk, headers, after=5000)
    assert stubbed(upstream) == before
    assert proxy.last.held.why == "client compaction"
    assert proxy.last.held.pages > 0


def test_a_compacted_conversation_with_an_id_is_the_same_session_with_no_page_left():
    proxy, talk = Proxy(), worked()
    grown(proxy, talk, NAMED)
    (before,) = proxy.sessions
    compacted = body(Talk("This session continues an earlier one. Summary: ..."))
    assert proxy.send(compacted, NAMED) == told(compacted)
    after = proxy.session
    assert (after.id, after.requests) == (before.id, before.requests + 1)
    assert {e.state.value for e in after.table.entries.values()} == {"gone"}
    assert [(e.why, e.gone) for e in proxy.events(Rewound)] == [("compacted", 8)]


def test_a_compaction_that_keeps_the_tail_keeps_its_stubs():
    proxy, talk = Proxy(), worked()
    before = grown(proxy, talk, NAMED)
    tail = [user("Summary: ..."), *talk.messages[5:]]
    upstream = proxy.send(body(tail), NAMED)
    assert proxy.session.requests == 10
    assert stubbed(upstream)[:2] == ["toolu_0003", "toolu_0004"]
    assert content_of(upstream, "toolu_0003") == content_of(before, "toolu_0003")


def test_without_an_id_a_compaction_that_keeps_first_prompt_and_calls_is_recognised():
    proxy, talk = Proxy(), worked()
    before = grown(proxy, talk)
    kept = [talk.messages[0], reply("Summary: ..."), user("go on"), *talk.messages[5:]]
    upstream = proxy.send(body(kept))
    assert len(list(proxy.sessions)) == 1
    assert content_of(upstream, "toolu_0004") == content_of(before, "toolu_0004")


# -- a new process ------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("at", [9, 13, 17])
def test_after_a_restart_the_same_is_decided_as_without_one(tmp_path, headers, at):
    talk = worked(14)
    steady, restarted = (RecordedProxy(tmp_path / n, rules(flush_tokens=2500)) for n in "ab")
    for length in range(1, len(talk.messages) + 1, 2):
        if length == at:
            restarted = restarted.restart()
        one, other = (p.send(talk.copy().to(length), headers) for p in (steady, restarted))
        assert _but_for_handles(one) == _but_for_handles(other)
        assert steady.last.flushed == restarted.last.flushed
        assert [type(e) for e in steady.last.events] == [type(e) for e in restarted.last.events]
    assert len(stubbed(one)) > 4
    assert restarted.session.requests == steady.session.requests
    steady.stop()
    restarted.stop()


def _but_for_handles(upstream: bytes) -> bytes:
    """Handles are made with a secret of the session: two sessions never share one."""
    return re.sub(rb"Page [A-Z2-7]{8}", b"Page", upstream)


@BOTH
@pytest.mark.parametrize("at", [11, 13, 15, 17, 19])
def test_a_new_process_sends_what_the_old_one_sent_byte_for_byte(tmp_path, headers, at):
    proxy, talk = RecordedProxy(tmp_path / "db", rules(flush_tokens=2500)), worked(12)
    for length in range(1, at + 1, 2):
        before = proxy.send(talk.copy().to(length), headers)
    proxy = proxy.restart()
    assert proxy.send(talk.copy().to(at), headers) == before
    session = proxy.session.id
    after = proxy.send(talk.copy().to(at + 2), headers)
    assert proxy.session.id == session
    if proxy.last.flushed is None:
        assert units(after)[:at] == units(before)
    proxy.stop()


def test_a_restart_that_lost_the_last_second_of_decisions_decides_them_again(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db", rules(flush_tokens=2500)), worked(12)
    for length in range(1, 12, 2):
        proxy.send(talk.copy().to(length))
    proxy.settle()
    proxy.recorder.put = lambda record: None  # type: ignore[method-assign]
    lost = proxy.send(talk.copy().to(13)), proxy.send(talk.copy().to(15))
    assert stubbed(lost[1])
    proxy = proxy.restart()
    again = proxy.send(talk.copy().to(15))
    assert units(again) == units(lost[1])
    proxy.stop()


def test_a_restart_that_lost_the_first_requests_joins_the_conversation_late(tmp_path):
    talk = worked()
    whole, late = Proxy(), RecordedProxy(tmp_path / "db")
    grown(whole, talk)
    upstream = late.send(talk)
    assert stubbed(upstream) == stubbed(whole.send(talk))
    assert late.session.turn == whole.session.turn
    late.stop()


def test_after_a_restart_the_main_conversation_is_found_among_many_side_calls(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db"), worked()
    before = grown(proxy, talk, NAMED)
    for number in range(20):
        proxy.send(Talk(f"topic {number}?"), NAMED, system="Is this a new topic?", tools=())
        proxy.send(Talk(f"task {number}"), NAMED, system="You are a subagent.", tools=("Read",))
    proxy = proxy.restart()
    assert proxy.send(talk, NAMED) == before
    proxy.stop()


def test_after_a_restart_a_rewind_is_seen_as_one(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db", QUIET), worked()
    before = grown(proxy, talk)
    proxy = proxy.restart()
    upstream = proxy.send(talk.copy().to(13).read("x.py", id="x"))
    assert units(upstream)[:13] == units(before)[:13]
    assert [(e.why, e.gone) for e in proxy.events(Rewound)] == [("edited", 2)]
    proxy.stop()


def test_after_a_restart_a_branch_that_was_left_keeps_its_stubs(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db", QUIET), worked()
    before = grown(proxy, talk)
    proxy.send(talk.copy().to(5).read("x.py", id="x"))
    proxy = proxy.restart()
    upstream = proxy.send(talk)
    assert units(upstream) == units(before)
    proxy.stop()


# -- retries ------------------------------------------------------------------------------


@BOTH
def test_an_identical_retry_is_sent_byte_for_byte_the_same_on_every_turn(headers):
    proxy, talk = Proxy(rules(flush_tokens=2500)), worked(12)
    for length in range(1, len(talk.messages) + 1, 2):
        request = body(talk.copy().to(length), system=[marked({"type": "text", "text": "S"})])
        first = proxy.send(request, headers)
        decided = len(proxy.events())
        assert proxy.send(request, headers) == first
        assert proxy.send(request, headers) == first
        assert len(proxy.events()) == decided
    assert stubbed(first)


def test_a_retry_right_after_a_flush_is_the_same_also_after_a_restart(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db", rules(flush_tokens=2500)), worked(12)
    system = [marked({"type": "text", "text": "S"})]
    flushes = 0
    for length in range(1, len(talk.messages) + 1, 2):
        request = body(talk.copy().to(length), system=system)
        first = proxy.send(request)
        if proxy.last.flushed:
            flushes += 1
            proxy = proxy.restart()
            assert proxy.send(request) == first
            assert proxy.last.flushed is None
    assert flushes >= 2
    proxy.stop()


def test_a_late_retry_with_a_cold_cache_still_decides_nothing():
    proxy, talk = Proxy(rules(flush_tokens=10**6)), worked()
    first = grown(proxy, talk)
    assert proxy.send(body(talk), after=4000) == first
    assert proxy.last.flushed is None


# -- two conversations, two agents --------------------------------------------------------


def test_two_interleaved_conversations_with_the_same_beginning_do_not_mix():
    proxy, alone = Proxy(), Proxy()
    a, b = Talk(), Talk()
    proxy.send(a), proxy.send(b), alone.send(a)
    for number in range(7):
        a.read(f"a{number}.py", id=f"a{number}")
        b.read(f"b{number}.py", id=f"b{number}")
        on_a, on_b = proxy.send(a), proxy.send(b)
        by_itself = alone.send(a)
    assert stubbed(on_a) == stubbed(by_itself) == ["a0", "a1", "a2"]
    assert stubbed(on_b) == ["b0", "b1", "b2"]
    assert [s.kind for s in proxy.sessions] == ["main", "main"]
    assert not proxy.events(Rewound)


def test_two_interleaved_conversations_with_the_same_call_ids_do_not_mix():
    proxy = Proxy()
    a, b = Talk(), Talk()
    proxy.send(a), proxy.send(b)
    for number in range(7):
        on_a = proxy.send(a.read(f"a{number}.py"))
        on_b = proxy.send(b.read(f"b{number}.py"))
    assert content_of(on_a, "toolu_0001") != content_of(on_b, "toolu_0001")
    assert "a0.py" in str(content_of(on_a, "toolu_0001"))
    assert "b0.py" in str(content_of(on_b, "toolu_0001"))
    assert len(stubbed(on_a)) == len(stubbed(on_b)) == 3


def test_another_credential_is_another_conversation():
    proxy, talk = Proxy(), worked()
    grown(proxy, talk, NAMED)
    assert proxy.send(talk, {**NAMED, "x-api-key": "another"}) is not None
    assert len(list(proxy.sessions)) == 2
    assert len({s.identity for s in proxy.sessions}) == 2


def test_a_subagent_named_by_header_is_a_session_apart():
    proxy, talk = Proxy(), worked()
    before = grown(proxy, talk, NAMED)
    agent = {**NAMED, HEADER_AGENT: "agent-1"}
    upstream = grown(proxy, worked(first="Look for X."), agent)
    assert stubbed(upstream)
    assert proxy.session.kind == "subagent"
    assert proxy.send(talk, NAMED) == before
    assert not proxy.events(Rewound)


def test_a_subagent_without_a_header_is_told_by_its_prompt():
    proxy, talk = Proxy(), worked()
    before = grown(proxy, talk, NAMED)
    sub = worked(first="Look for X.")
    for length in (1, 3, 5):
        proxy.send(sub.copy().to(length), NAMED, system="You are a subagent.", tools=("Read",))
    assert (proxy.session.kind, proxy.session.requests) == ("subagent", 3)
    assert proxy.send(talk, NAMED) == before


def test_subagents_of_one_kind_without_a_header_are_sessions_of_their_own():
    proxy = Proxy()
    grown(proxy, worked(3), NAMED)
    talks = [Talk(f"Task {number}.") for number in range(6)]
    for step in range(7):
        for number, talk in enumerate(talks):
            upstream = proxy.send(talk, NAMED, system="You are a subagent.", tools=("Read",))
            assert len(stubbed(upstream)) == max(0, step - 4)
            talk.read(f"{number}-{step}.py", id=f"call-{number}-{step}")
    kinds = sorted(s.kind for s in proxy.sessions)
    assert kinds == ["main"] + ["subagent"] * 6
    assert not proxy.events(Rewound)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (json.dumps({"session_id": "a"}), json.dumps({"session_id": "b"})),
        ("user_1_account_2_session_a", "user_1_account_2_session_b"),
    ],
    ids=["json", "old form"],
)
def test_a_session_id_in_the_metadata_names_the_conversation(one, other):
    proxy, talk = Proxy(), worked()
    for length in range(1, len(talk.messages) + 1, 2):
        before = proxy.send(talk.copy().to(length), metadata={"user_id": one})
    assert proxy.last.source == "metadata"
    proxy.send(talk, metadata={"user_id": other})
    assert len(list(proxy.sessions)) == 2
    assert (
        proxy.send(talk, metadata={"user_id": one}).split(b'"system"')[0]
        == (before.split(b'"system"')[0])
    )


# -- what does not count ------------------------------------------------------------------


@BOTH
def test_the_billing_line_does_not_change_the_identity_or_the_bytes(headers):
    proxy, talk = Proxy(rules(flush_tokens=2500)), worked(10)
    for number, length in enumerate(range(1, len(talk.messages) + 1, 2)):
        line = {"type": "text", "text": f"{BILLING}{number:05x};"}
        system = [line, {"type": "text", "text": "You are an agent."}]
        upstream = proxy.send(talk.copy().to(length), headers, system=system)
        assert json.loads(upstream)["system"] == [*system, {"type": "text", "text": PROTOCOL}]
    assert proxy.session.requests == 11
    assert stubbed(upstream)
    assert {r.flushed for r in proxy.turns} == {None, "batch"}


@BOTH
def test_markers_that_move_do_not_change_the_identity(headers):
    proxy, talk = Proxy(), worked(10)
    for length in range(1, len(talk.messages) + 1, 2):
        messages = talk.copy().to(length).messages
        content = messages[-1]["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        messages[-1]["content"] = [*blocks[:-1], marked(blocks[-1])]
        upstream = proxy.send(body(messages), headers)
    assert proxy.session.requests == 11
    assert not proxy.events(Rewound)
    assert len(stubbed(upstream)) == 6


@BOTH
def test_content_that_turns_from_a_string_into_a_list_is_the_same_content(headers):
    proxy, talk = Proxy(), worked(10)
    for length in range(1, len(talk.messages) + 1, 2):
        messages = talk.copy().to(length).messages
        as_list = length % 4 == 1
        for message in messages:
            if isinstance(message["content"], str) and as_list:
                message["content"] = [{"type": "text", "text": message["content"]}]
            for block in message["content"] if as_list else ():
                if block["type"] == "tool_result":
                    block["content"] = [{"type": "text", "text": block["content"]}]
        upstream = proxy.send(body(messages), headers)
    assert proxy.session.requests == 11
    assert not proxy.events(Rewound)
    assert len(stubbed(upstream)) == 6


@BOTH
def test_a_model_change_in_mid_session_is_the_same_conversation(headers):
    proxy, talk = Proxy(rules(flush_tokens=2500)), worked(8)
    before = grown(proxy, talk, headers)
    after = proxy.send(talk.read("n.py"), headers, model="claude-haiku-4-5")
    assert proxy.session.model == "claude-haiku-4-5"
    assert len(list(proxy.sessions)) == 1
    out = stubbed(before)
    assert stubbed(after)[: len(out)] == out
    assert [content_of(after, c) for c in out] == [content_of(before, c) for c in out]


# -- duplicate ids ------------------------------------------------------------------------


def test_blank_call_ids_name_each_result_by_its_own_call():
    proxy, talk = Proxy(), Talk()
    for number in range(8):
        talk.read(f"{number}.py", id="")
    upstream = grown(proxy, talk)
    texts = [b["content"] for m in units(upstream)[2::2] for b in m["content"]]
    assert [is_stub(t) for t in texts] == [True] * 4 + [False] * 4
    assert ["0.py" in texts[0], "1.py" in texts[1], "3.py" in texts[3]] == [True] * 3
    assert len({*texts}) == 8


def test_parallel_calls_with_the_same_id_are_answered_in_their_order():
    proxy, talk = Proxy(), Talk()
    asked = [use("", "Read", file_path="a.py"), use("", "Read", file_path="b.py")]
    given = [result("", prose("a.py")), result("", prose("b.py"))]
    talk.messages += [{"role": "assistant", "content": asked}, user(given)]
    upstream = proxy.send(talk.idle(5))
    stubs = [b["content"] for b in units(upstream)[2]["content"]]
    assert "a.py" in stubs[0] and "b.py" in stubs[1]


def test_an_id_used_again_later_is_another_page():
    proxy, talk = Proxy(), Talk()
    for number in range(6):
        talk.read(f"{number}.py", id="call_0")
    upstream = grown(proxy, talk)
    texts = [b["content"] for m in units(upstream)[2::2] for b in m["content"]]
    assert [is_stub(t) for t in texts] == [True, True, False, False, False, False]
    assert "1.py" in texts[1]


def test_a_fresh_result_equal_to_an_old_one_stays_while_the_old_one_leaves():
    proxy, talk = Proxy(mode="page"), Talk()
    talk.read("a.py", id="same").idle(3).read("a.py", id="same")
    upstream = grown(proxy, talk)
    texts = [b["content"] for m in units(upstream) for b in m["content"] if "tool_use_id" in b]
    assert [is_stub(t) for t in texts] == [True, False]


def test_the_same_result_sent_twice_in_one_message_makes_two_pages():
    proxy, talk = Proxy(), Talk()
    twice = [result("x", prose("a.py")), result("x", prose("a.py"))]
    talk.messages += [{"role": "assistant", "content": [use("x", "Read", file_path="a.py")]}]
    talk.messages += [user(twice)]
    proxy.send(talk)
    assert len(proxy.session.table) == 2
    upstream = proxy.send(talk.idle(5))
    assert all(is_stub(b["content"]) for b in units(upstream)[2]["content"])


def test_a_result_without_a_call_is_harmless():
    proxy, talk = Proxy(), Talk()
    talk.messages += [reply("?"), user([result("nobody", prose("x"))])]
    proxy.send(talk.idle(6))
    assert proxy.session.table.entries


# -- bounds of memory ---------------------------------------------------------------------


def test_conversations_above_the_bound_are_forgotten_the_oldest_first(monkeypatch):
    monkeypatch.setattr(live, "MOST_GROUPS", 3)
    proxy = Proxy()
    for number in range(6):
        proxy.send(Talk(f"conversation {number}"))
    assert [s.messages[0].text for s in proxy.sessions] == [f"conversation {n}" for n in (5, 4, 3)]


def test_a_conversation_that_was_forgotten_is_read_back(monkeypatch, tmp_path):
    monkeypatch.setattr(live, "MOST_GROUPS", 2)
    proxy, talk = RecordedProxy(tmp_path / "db"), worked()
    before = grown(proxy, talk)
    for number in range(3):
        proxy.send(Talk(f"other {number}"))
    proxy.settle()
    assert proxy.send(talk) == before
    proxy.stop()


def test_text_above_the_bound_is_forgotten(monkeypatch):
    monkeypatch.setattr(live, "MOST_BYTES", 50_000)
    proxy = Proxy()
    for number in range(5):
        proxy.send(Talk(f"conversation {number}").read("a.py", prose("a", 20_000)))
    assert len(list(proxy.sessions)) == 2


def test_looking_up_unknown_conversations_keeps_nothing(monkeypatch):
    monkeypatch.setattr(live, "MOST_GROUPS", 3)
    proxy = Proxy()
    for number in range(50):
        proxy.send(Talk(f"{number}"), path="/v1/messages/count_tokens")
    assert len(proxy.sessions._groups) <= 3


def test_side_calls_of_one_conversation_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(live, "MOST_SESSIONS", 10)
    proxy, talk = Proxy(), worked()
    before = grown(proxy, talk, NAMED)
    for number in range(40):
        proxy.send(Talk(f"topic {number}?"), NAMED, system="Is this a new topic?", tools=())
    assert len(list(proxy.sessions)) <= 10
    assert proxy.send(talk, NAMED) == before


def test_who_goes_back_in_a_branch_goes_on_from_it_and_not_from_one_that_holds_less():
    proxy, talk = Proxy(QUIET), worked(3)
    grown(proxy, talk)
    proxy.send(talk.copy().to(3))
    grown(proxy, talk.read("more.py").read("last.py"))
    one = proxy.last.after.id
    proxy.send(talk.copy().to(8).ask("Rather this."))
    assert proxy.last.after.id == one
    assert len(proxy.last.after.messages) == 10


def test_parked_histories_are_few():
    proxy, talk = Proxy(), worked(4)
    grown(proxy, talk)
    for number in range(20):
        proxy.send(talk.copy().to(7).read(f"x{number}.py", id=f"x{number}"))
    (group,) = proxy.sessions._groups.values()
    assert len(group.parked) == live.MOST_PARKED
    assert len(group.sessions) == 1


# -- the store ----------------------------------------------------------------------------


def test_a_session_is_found_in_the_store_once_for_each_conversation():
    asked = []
    proxy = Proxy(sessions=LiveSessions(lambda name: asked.append(name) or []))
    for _ in range(3):
        proxy.send(Talk().read("a.py"))
    assert len(asked) == 1


def test_what_the_store_cannot_tell_is_not_a_fault(tmp_path):
    proxy, talk = RecordedProxy(tmp_path / "db"), Talk()
    proxy.send(talk.read("a.py", "x" * 90))
    proxy = proxy.restart()
    proxy.send(talk.read("a.py", "x" * 90))
    assert not proxy.events(Faulted)
    proxy.stop()
