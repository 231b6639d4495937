"""Claude Code: a tree of records, told as the requests that were made of it."""

from itertools import count

from pichay_core.model import Usage
from pichay_core.traces import NotATrace
from pichay_core.traces.tally import counts
from tests.pichay_core.traces.shown import Json, only, read, shown, time


class Session:
    """Records linked one after the other; ``after`` links one elsewhere."""

    def __init__(self, **link: object) -> None:
        self.records: list[Json] = []
        self.link = {"sessionId": "s", "isSidechain": False} | link
        self.numbers = count(1)
        self.last: str | None = None

    def record(self, type: str, after: str | None = "", **rest: object) -> str:
        uuid = f"u{next(self.numbers)}"
        parent = self.last if after == "" else after
        link = self.link | {"type": type, "uuid": uuid, "parentUuid": parent}
        self.records.append(link | {"timestamp": time(len(self.records))} | rest)
        self.last = uuid
        return uuid

    def user(self, content: object, **rest: object) -> str:
        return self.record("user", message={"role": "user", "content": content}, **rest)

    def result(self, call: str, content: object, **rest: object) -> str:
        block = {"type": "tool_result", "tool_use_id": call, "content": content}
        return self.user([block], **rest)

    def reply(self, response: str, *blocks: object, **rest: object) -> str:
        message = {"id": response, "model": "claude-x", "content": list(blocks)}
        return self.record("assistant", message=message | dict(rest.pop("more", {})), **rest)


def text(said: str) -> Json:
    return {"type": "text", "text": said}


def call(id: str, tool: str = "Read") -> Json:
    return {"type": "tool_use", "id": id, "name": tool, "input": {"file_path": f"{id}.py"}}


def told(session: Session):
    return shown(only(read(*session.records)))


def test_records_of_one_response_are_one_turn_though_results_stand_between():
    session = Session()
    session.user("go")
    first = session.reply("m1", text("both"))
    a = session.reply("m1", call("A"))
    session.result("A", "1")
    session.reply("m1", call("B"), after=a)
    session.result("B", "2")
    session.reply("m2", text("done"))
    assert first != a
    assert told(session) == [
        (0, ["u: go"], "a: both Read[A] Read[B]"),
        (1, ["a: both Read[A] Read[B]", "u: A=1 B=2"], "a: done"),
    ]


def test_what_the_client_says_in_several_records_is_one_message():
    session = Session()
    session.user("one")
    session.record("attachment", attachment={"type": "date_change"})
    session.user([text("two"), text(""), {"type": "image", "source": {"data": "abcd"}}])
    session.reply("m1", text("yes"))
    assert told(session) == [
        (0, ['u: one [attachment] {"type": "date_change"} two <image>'], "a: yes")
    ]


def test_an_edited_prompt_keeps_what_came_before_it():
    session = Session()
    session.user("go")
    fork = session.reply("m1", text("ready"))
    session.user("wrong")
    session.reply("m2", text("hm"))
    session.user("right", after=fork)
    session.reply("m3", text("ah"))
    assert told(session) == [
        (0, ["u: go"], "a: ready"),
        (1, ["a: ready", "u: wrong"], "a: hm"),
        (2, ["u: right"], "a: ah"),
    ]


def test_a_first_prompt_said_anew_keeps_nothing():
    session = Session()
    session.user("go")
    session.reply("m1", text("ready"))
    session.user("come", after=None)
    session.reply("m2", text("ah"))
    assert told(session) == [(0, ["u: go"], "a: ready"), (0, ["u: come"], "a: ah")]


def test_a_prompt_that_was_answered_twice_is_sent_twice():
    session = Session()
    prompt = session.user("go")
    session.reply("m1", text("no"))
    session.reply("m2", text("yes"), after=prompt)
    assert told(session) == [(0, ["u: go"], "a: no"), (1, [], "a: yes")]


def test_a_parent_that_is_not_in_the_file_is_the_record_before():
    session = Session()
    session.user("go")
    session.reply("m1", text("ready"))
    session.user("on", after="elsewhere")
    session.reply("m2", text("ah"))
    assert told(session)[1] == (1, ["a: ready", "u: on"], "a: ah")


def test_after_a_compaction_only_the_summary_is_sent():
    session = Session()
    session.user("go")
    session.reply("m1", call("A"))
    session.result("A", "1")
    session.record("system", None, subtype="compact_boundary", compactMetadata={"preTokens": 9})
    session.user("so far", isCompactSummary=True)
    session.reply("m2", text("on"))
    assert told(session) == [
        (0, ["u: go"], "a: Read[A]"),
        (1, ["a: Read[A]", "u: A=1"], None),
        (0, ["u: so far"], "a: on"),
    ]


def test_a_summary_without_a_boundary_is_a_compaction_too():
    session = Session()
    session.user("go")
    session.reply("m1", text("ready"))
    session.user("so far", isCompactSummary=True)
    session.reply("m2", text("on"))
    assert told(session)[1] == (0, ["u: so far"], "a: on")


def test_what_a_compaction_preserves_follows_the_summary_and_is_counted_once():
    session = Session()
    session.user("go")
    session.reply("m1", text("ready"))
    head = session.user("read it")
    session.reply("m2", call("A"))
    tail = session.result("A", "1")
    about = {"preservedSegment": {"headUuid": head, "tailUuid": tail}}
    session.record("system", None, subtype="compact_boundary", compactMetadata=about)
    session.user("so far", isCompactSummary=True)
    session.reply("m3", text("done"), after=tail)
    trace = read(*session.records)
    assert shown(only(trace))[-2:] == [
        (3, ["a: Read[A]", "u: A=1"], None),
        (0, ["u: so far read it", "a: Read[A]", "u: A=1"], "a: done"),
    ]
    assert (counts(trace).turns, counts(trace).results) == (3, 1)


def test_a_microcompaction_sends_placeholders_from_the_first_cleared_result_on():
    session = Session()
    session.user("go")
    for number in (1, 2, 3):
        session.reply(f"m{number}", call(f"t{number}"))
        session.result(f"t{number}", f"{number}" * 100)
    about = {"compactedToolIds": ["t2"]}
    session.record("system", subtype="microcompact_boundary", microcompactMetadata=about)
    session.reply("m4", text("done"))
    trace = read(*session.records)
    step = only(trace).steps[3]
    assert step.keeps == 4
    assert [result.cleared for said in step.new for result in said.results] == [True, False]
    assert (counts(trace).results, counts(trace).bytes) == (3, 300)


def test_a_record_that_stands_twice_is_read_once():
    session = Session()
    session.user("go")
    session.reply("m1", call("A"))
    session.result("A", "1")
    session.records += session.records[1:]
    session.reply("m2", text("done"))
    assert told(session)[1] == (1, ["a: Read[A]", "u: A=1"], "a: done")


def test_a_result_recorded_again_after_a_resume_is_sent_again():
    session = Session()
    session.user("go")
    session.reply("m1", call("A"))
    session.result("A", "1")
    session.result("A", "1")
    session.reply("m2", text("done"))
    assert told(session)[1] == (1, ["a: Read[A]", "u: A=1 A=1"], "a: done")


def test_blank_and_blacked_out_ids_pair_in_order():
    session = Session()
    session.user("go")
    session.reply("", call("REDACTED"), call("REDACTED"), requestId="REDACTED")
    session.result("REDACTED", "1")
    session.result("REDACTED", "2")
    session.reply("", call(""), requestId="REDACTED")
    session.result("", "3")
    session.reply("", text("done"), requestId="REDACTED")
    assert told(session) == [
        (0, ["u: go"], "a: Read[REDACTED] Read[REDACTED#2]"),
        (
            1,
            ["a: Read[REDACTED] Read[REDACTED#2]", "u: REDACTED=1 REDACTED#2=2"],
            "a: Read[call#1]",
        ),
        (3, ["a: Read[call#1]", "u: call#1=3"], "a: done"),
    ]


def test_a_result_that_nobody_called_for_is_kept():
    session = Session()
    session.user("go")
    session.reply("m1", text("ready"))
    session.result("gone", "1")
    assert told(session)[1] == (1, ["a: ready", "u: gone=1"], None)


def test_an_image_makes_a_result_opaque_and_its_data_is_left_out():
    session = Session()
    session.user("go")
    session.reply("m1", call("A"))
    picture = {"type": "image", "source": {"type": "base64", "data": "x" * 5000}}
    session.result("A", [text("shot"), picture])
    said = only(read(*session.records)).steps[1].new[1]
    assert said.results[0].opaque
    assert len(said.raw) < 300


def test_an_error_is_an_error():
    session = Session()
    session.user("go")
    session.reply("m1", call("A"))
    session.user([{"type": "tool_result", "tool_use_id": "A", "content": "no", "is_error": True}])
    assert only(read(*session.records)).steps[1].new[1].results[0].error


def test_a_synthetic_reply_is_not_a_turn():
    session = Session()
    session.user("go")
    session.reply("m1", text("API Error"), more={"model": "<synthetic>"})
    session.user("again")
    session.reply("m2", text("yes"))
    assert told(session) == [(0, ["u: go again"], "a: yes")]


def test_usage_model_and_time_of_the_request_are_read():
    spent = {
        "input_tokens": 3,
        "cache_read_input_tokens": 10,
        "cache_creation_input_tokens": 7,
        "cache_creation": {"ephemeral_1h_input_tokens": 5, "ephemeral_5m_input_tokens": 2},
        "output_tokens": 4,
    }
    session = Session()
    session.user("go")
    session.reply("m1", call("A"), more={"usage": spent | {"output_tokens": 1}})
    session.reply("m1", call("B"), more={"usage": spent})
    (step,) = only(read(*session.records)).steps
    assert step.usage == Usage(3, 10, cache_write_5m=2, cache_write_1h=5, output=4)
    assert (step.model, step.at) == ("claude-x", 1767225600.0)


def test_a_sidechain_in_the_file_is_a_conversation_of_its_own():
    session = Session()
    session.user("go")
    session.reply("m1", call("T", "Task"))
    side = Session(isSidechain=True)
    side.numbers = count(100)
    side.user("look")
    side.reply("m9", call("A"))
    side.result("A", "1")
    session.result("T", "found")
    session.reply("m2", text("done"))
    records = session.records[:2] + side.records + session.records[2:]
    main, agent = read(*records).conversations
    assert (main.id, main.kind, agent.id, agent.kind) == ("s", "main", "u100", "subagent")
    assert shown(agent) == [(0, ["u: look"], "a: Read[A]"), (1, ["a: Read[A]", "u: A=1"], None)]
    assert shown(main)[1] == (1, ["a: Task[T]", "u: T=found"], "a: done")


def test_a_subagent_streamed_as_progress_is_a_conversation_of_its_own():
    session = Session()
    session.user("go")
    session.reply("m1", call("T", "Task"))
    inner = Session()
    inner.numbers = count(100)
    inner.user("look")
    inner.reply("m9", text("found"))
    for record in inner.records:
        data = {"type": "agent_progress", "agentId": "a1", "message": record}
        session.record("progress", data=data)
    session.result("T", "found")
    session.reply("m2", text("done"))
    main, agent = read(*session.records).conversations
    assert (agent.id, agent.kind) == ("a1", "subagent")
    assert shown(agent) == [(0, ["u: look"], "a: found")]
    assert shown(main)[1] == (1, ["a: Task[T]", "u: T=found"], "a: done")


def test_a_file_of_a_subagent_has_no_main_conversation():
    session = Session(isSidechain=True, agentId="a1")
    session.user("look")
    session.reply("m1", text("found"))
    assert (only(read(*session.records)).id, only(read(*session.records)).kind) == (
        "a1",
        "subagent",
    )


def test_a_session_in_which_nothing_was_said_is_refused():
    session = Session()
    session.user("")
    session.user([])
    try:
        read(*session.records)
    except NotATrace as refused:
        assert "nothing is said" in str(refused)
    else:
        raise AssertionError("it was read")


def test_a_conversation_knows_the_folder_that_its_agent_worked_in():
    session = Session(cwd="/work")
    session.user("hello")
    session.reply("m1", text("hi"))
    told = only(read(*session.records))
    assert (told.project, told.tools, told.used) == ("/work", None, set())
    session.records[0].pop("cwd")
    assert only(read(*session.records)).project == "/work"
