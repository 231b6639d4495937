"""OpenCode: calls stand with their results, and are cleared and compacted where they stand."""

from pichay_core.model import Usage
from pichay_core.traces.conversation import CLEARED
from pichay_core.traces.tally import counts
from tests.pichay_core.traces.shown import Json, only, read, shown

MINUTE = 60_000
START = 1767225600_000


def tool(id: str, output: object = "x", **state: object) -> Json:
    whole = {"status": "completed", "input": {"filePath": id}, "output": output} | state
    return {"type": "tool", "callID": id, "tool": "read", "state": whole}


def user(*parts: Json, at: int = 0) -> Json:
    time = {"created": START + at * MINUTE}
    return {"info": {"role": "user", "time": time}, "parts": list(parts)}


def reply(*parts: Json, at: int = 0, **info: object) -> Json:
    time = {"created": START + at * MINUTE}
    head = {"role": "assistant", "modelID": "m", "time": time, **info}
    return {"info": head, "parts": list(parts)}


def text(said: str) -> Json:
    return {"type": "text", "text": said}


def finish(**tokens: object) -> Json:
    return {"type": "step-finish", "tokens": tokens}


STEP = {"type": "step-start"}


def session(*messages: Json, **info: object):
    return read({"info": {"id": "s", **info}, "messages": list(messages)})


def told(*messages: Json):
    return shown(only(session(*messages)))


def test_each_step_of_a_message_is_a_turn():
    thought = {"type": "reasoning", "text": "hm"}
    assert told(
        user(text("go")),
        reply(STEP, thought, tool("A"), tool("B"), finish(), STEP, text("done"), finish()),
    ) == [
        (0, ["u: go"], "a: (hm) read[A] read[B]"),
        (1, ["a: (hm) read[A] read[B]", "u: A=x B=x"], "a: done"),
    ]


def test_a_step_in_which_nothing_was_said_is_no_turn():
    assert told(user(text("go")), reply(STEP, finish(input=3)), reply(STEP, text("ok"))) == [
        (0, ["u: go"], "a: ok")
    ]


def test_a_failed_call_answers_with_its_error_and_a_running_one_with_nothing():
    failed = tool("A", None, status="error", error="no such file")
    running = tool("B", None, status="running")
    assert told(user(text("go")), reply(STEP, failed, running))[1][1] == [
        "a: read[A] read[B]",
        "u: A!=no such file B=",
    ]


def test_an_attached_image_makes_a_result_opaque():
    shot = tool("A", "shot", attachments=[{"mime": "image/png", "url": "data:..."}])
    step = only(session(user(text("go")), reply(STEP, shot))).steps[1]
    assert step.new[1].results[0].opaque


def test_a_result_is_cleared_from_the_reply_after_its_time_on():
    cleared = tool("A", "long", time={"compacted": START + 5 * MINUTE})
    trace = session(
        user(text("go")),
        reply(STEP, cleared, at=1),
        reply(STEP, tool("B"), at=2),
        reply(STEP, text("done"), at=9),
    )
    assert shown(only(trace)) == [
        (0, ["u: go"], "a: read[A]"),
        (1, ["a: read[A]", "u: A=long"], "a: read[B]"),
        (2, [f"u: A={CLEARED}", "a: read[B]", "u: B=x"], "a: done"),
    ]
    assert only(trace).steps[2].new[0].results[0].cleared
    assert (counts(trace).results, counts(trace).bytes) == (2, 5)


def test_after_a_compaction_the_question_and_the_summary_are_sent():
    compaction = {"type": "compaction", "auto": True}
    assert told(
        user(text("go")),
        reply(STEP, tool("A")),
        user(compaction),
        reply(STEP, text("so far"), summary=True),
        user(text("on")),
        reply(STEP, text("ok")),
    )[1:] == [
        (1, ["a: read[A]", "u: A=x What did we do so far?"], "a: so far"),
        (0, ["u: What did we do so far?", "a: so far", "u: on"], "a: ok"),
    ]


def test_a_subtask_and_a_file_of_the_user_are_shown_to_the_model():
    parts = [{"type": "subtask"}, {"type": "file", "mime": "image/png", "url": "data:"}]
    assert told(user(*parts), reply(text("ok")))[0][1] == [
        "u: The following tool was executed by the user <image>"
    ]


def test_usage_time_model_and_parent_are_read():
    spent = finish(input=10, output=3, cache={"read": 7, "write": 2})
    conversation = only(
        session(user(text("go"), at=3), reply(STEP, text("ok"), spent), parentID="p")
    )
    (step,) = conversation.steps
    assert (conversation.id, conversation.kind) == ("s", "subagent")
    assert step.usage == Usage(10, 7, cache_write_5m=2, output=3)
    assert (step.model, step.at) == ("m", 1767225600 + 180)
