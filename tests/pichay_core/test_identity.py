import json

import pytest

from pichay_core.identity import identify, same_prompt, session_in_user, shape_of
from pichay_core.wire import anthropic
from tests.builders import BILLING, Talk, body, marked, reply, user

CREDENTIAL = "fingerprint"


def read(request: bytes):
    outline = anthropic.outline(request)
    messages = tuple(anthropic.read(outline.raw(n)) for n in range(len(outline.messages)))
    return anthropic.head(outline), messages


def name(request: bytes, headers=(), credential=CREDENTIAL):
    return identify(credential, dict(headers), *read(request))


PLAIN = body(Talk())


@pytest.mark.parametrize(
    "header", ["x-claude-code-session-id", "x-session-id", "session-id", "x-affinity"]
)
def test_an_id_in_a_header_is_believed_before_anything_else(header):
    one = name(PLAIN, {header: "a"})
    assert one.source == "header"
    assert one == name(body(Talk("Another prompt."), system="Another."), {header: "a"})
    assert one != name(PLAIN, {header: "b"})


def test_an_id_in_the_metadata_comes_next():
    def talk(session):
        return body(Talk(), metadata={"user_id": json.dumps({"session_id": session})})

    one = name(talk("a"))
    assert one.source == "metadata"
    assert one != name(talk("b"))
    assert name(talk("a"), {"session-id": "x"}).source == "header"


def test_without_an_id_it_is_who_pays_what_the_prompt_says_and_what_the_user_says_first():
    one = name(PLAIN)
    assert one.source == "content"
    assert one == name(body(Talk().read("a.py"), tools=()))
    others = [
        name(PLAIN, credential="another"),
        name(body(Talk("Another."))),
        name(body(Talk(), system="Another.")),
    ]
    assert len({one, *others}) == 4


def test_ids_of_different_kinds_do_not_collide():
    header = name(PLAIN, {"session-id": "a"})
    metadata = name(body(Talk(), metadata={"user_id": "user_x_session_a"}))
    assert header.name != metadata.name


@pytest.mark.parametrize(
    "system",
    [
        [{"type": "text", "text": "S"}],
        [marked({"type": "text", "text": "S"})],
        [marked({"type": "text", "text": "S"}, "1h")],
        [{"type": "text", "text": f"{BILLING}1;"}, {"type": "text", "text": "S"}],
        [{"type": "text", "text": f"{BILLING}2;"}, marked({"type": "text", "text": "S"})],
        [{"type": "text", "text": "S"}, {"type": "text", "text": "today is another day"}],
    ],
)
def test_markers_billing_line_shape_and_later_system_blocks_do_not_count(system):
    request = body(Talk(), system=system)
    assert name(request) == name(body(Talk(), system="S"))
    assert shape_of(read(request)[0]) == shape_of(read(body(Talk(), system="S"))[0])


def test_the_marker_and_the_shape_of_the_first_prompt_do_not_count():
    text = marked({"type": "text", "text": "Fix the bug."})
    assert name(body([user([text])])) == name(PLAIN)


def test_the_first_user_text_counts_wherever_it_stands():
    assert name(body([reply("hello"), user("Fix the bug.")])) == name(PLAIN)


@pytest.mark.parametrize("header", ["x-claude-code-agent-id"])
def test_an_agent_id_makes_a_session_apart(header):
    main = name(PLAIN, {"session-id": "a"})
    agent = name(PLAIN, {"session-id": "a", header: "1"})
    assert (main.subagent, agent.subagent) == (False, True)
    assert len({main.name, agent.name, name(PLAIN, {"session-id": "a", header: "2"}).name}) == 3


def test_a_parent_id_says_that_it_is_a_subagent():
    assert name(PLAIN, {"x-session-id": "child", "x-parent-session-id": "parent"}).subagent


def test_an_empty_header_is_no_header():
    assert name(PLAIN, {"session-id": "", "x-claude-code-agent-id": ""}) == name(PLAIN)


@pytest.mark.parametrize(
    ("said", "session"),
    [
        ("", ""),
        ("someone", ""),
        ('{"session_id": "s"}', "s"),
        ('{"device_id": "d", "session_id": "s", "more": [1]}', "s"),
        ('{"session_id": 7}', ""),
        ('{"session_id": null}', ""),
        ('{"other": 1}', ""),
        ("{not json", ""),
        ("{}", ""),
        ("user_abc_account_def_session_0f-1e", "0f-1e"),
        ("user_session_x_session_y", "y"),
        ("user_abc_account__session_", ""),
    ],
)
def test_where_a_client_puts_its_session_id(said, session):
    assert session_in_user(said) == session


def test_a_header_of_any_bytes_can_be_hashed():
    assert name(PLAIN, {"session-id": "\udcff"}).source == "header"


def test_nothing_of_the_credential_can_be_read_in_the_name():
    assert "sk-ant" not in name(PLAIN, credential="sk-ant-secret").name


def test_a_shape_tells_prompt_and_tools_apart():
    shapes = [
        shape_of(read(body(Talk(), system=s, tools=t))[0])
        for s, t in [("A", ("x",)), ("A", ("x", "y")), ("A", ("xy",)), ("B", ("x",)), ("A", ())]
    ]
    assert len({*shapes}) == 5
    assert [same_prompt(shapes[0], s) for s in shapes] == [True, True, True, False, True]


def test_a_thread_other_than_the_main_one_of_its_session_is_a_subagent():
    session = {"session-id": "s1", "thread-id": "s1"}
    main, sub = name(PLAIN, session), name(PLAIN, {**session, "thread-id": "s2"})
    assert main == name(PLAIN, {"session-id": "s1"})
    assert (main.subagent, sub.subagent) == (False, True)
    assert main.name != sub.name
