"""Who else edits a request is known by marks that nobody writes by chance."""

import pytest

from pichay_core.events import Warned
from pichay_core.neighbours import TWO, Neighbour, neighbour
from pichay_core.request import read_messages
from pichay_core.tools import MEMORY
from pichay_core.wire import anthropic
from tests.builders import KEY, TOOLS, Proxy, Talk, body, rules, stubbed, worked

STUB = (
    "[Older result of Read a.py (4,008 bytes, 62 lines). The call succeeded; its text was moved "
    "out of context and is not shown here. Call Read again to see it. Page ABCD2345.]"
)


def messages(talk):
    return read_messages(anthropic, anthropic.outline(body(talk)))


def met(talk, tools=TOOLS):
    return neighbour(tools, messages(talk), anthropic)


def test_a_client_alone_has_no_neighbour():
    assert met(worked()) is None


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        ("headroom_retrieve", "headroom"),
        ("vc_restore_tool", "virtual-context"),
        ("context_guru_expand", "context-guru"),
        ("acp_status", "billion-context"),
    ],
)
def test_a_tool_that_another_program_adds_gives_it_away(tool, name):
    assert met(worked(), (*TOOLS, tool)) == Neighbour(name, f"its tool {tool}")
    assert met(worked(), (*TOOLS, f"mcp__server__{tool}")) is None


def test_all_our_tools_among_the_clients_own_are_another_pichays():
    assert met(worked(), (*TOOLS, *MEMORY)) == Neighbour("another Pichay", "its tool memory_fault")
    assert met(worked(), (*TOOLS, "memory_status")) is None


def test_what_a_pichay_sends_on_is_known_by_the_next_one_which_says_so_once_a_session():
    first, second, told = Proxy(rules(flush_tokens=4000)), Proxy(), []
    second.paging._warn = told.append
    talk = worked()
    for _ in range(3):
        sent = first.send(body(talk.run("make").read("again.py")), KEY)
        second.send(sent, KEY)
    assert stubbed(sent)
    assert [event.why for event in second.events(Warned)] == [TWO]
    assert [event.why for event in first.events(Warned)] == []
    assert len(told) == 1


def test_our_stub_in_place_of_a_result_is_another_pichays():
    found = Neighbour("another Pichay", "its note where a result was")
    assert met(Talk().read("a.py", STUB)) == found
    assert met(Talk().read("a.py", f"{STUB}\nWhat the assistant wrote of it: nothing")) == found
    assert met(Talk().read("a.py", f"A log that quotes one:\n{STUB}")) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("row 1 <<ccr:0a1b2c3d4e5f>>", "headroom"),
        ("<<cg:0a1b2c3d>>", "context-guru"),
        ("<lc_expand:0a1b2c3d>", "lean-ctx"),
        ("<!-- vc:conversation=0a1b2c3d-0000 -->", "virtual-context"),
    ],
)
def test_a_mark_in_a_result_gives_its_program_away(text, name):
    assert met(Talk().read("a.py", text)) == Neighbour(name, "its mark in a message")
    assert met(Talk().read("a.py", text.replace("0a1b2c3d", "HASH"))) is None
