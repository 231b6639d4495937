"""Two sessions of one project: what the first one used, the second is given in full."""

import pytest

from pichay_core.events import Called, Restored, Shortened
from tests.builders import BINDING, HEADER_AGENT, HEADER_SESSION, KEY, RecordedProxy, Talk
from tests.definitions import USUAL, asks, front_of, shortened_in

AGENT = {"user-agent": "claude-cli/2.1.329 (external, cli)"}
HERE = "Primary working directory: /home/a/shop"
REST = {"Edit", "Grep", "Bash", "Workflow"}


def headers(session, **more):
    return KEY | AGENT | {HEADER_SESSION: session} | more


def begun(first="Fix the bug."):
    return Talk(f"{HERE}\n{first}")


@pytest.fixture
def proxy(tmp_path):
    """A proxy that has seen one session of the project: it called Read."""
    given = RecordedProxy(tmp_path / "pichay.db")
    given.send(asks(begun()), headers("one"))
    given.send(asks(begun().read("a.py")), headers("one"))
    yield given
    given.recorder.close()


def test_a_session_knows_its_client_and_its_project(proxy):
    rows = proxy.rows("select client, project, kind from sessions")
    assert rows == [("claude-cli", "/home/a/shop", "main")]
    again = proxy.restart()
    (session,) = again.library.sessions(proxy.session.identity)
    assert (session.client, session.project) == ("claude-cli", "/home/a/shop")
    again.stop()


def test_the_first_session_of_a_project_gets_everything_in_full(proxy):
    assert [event for event in proxy.events() if isinstance(event, Shortened)] == []
    assert proxy.session.birth.why == "no earlier session"


def test_the_second_gets_in_short_what_the_first_did_not_use(proxy):
    sent = proxy.send(asks(begun("More.")), headers("two"))
    assert shortened_in(sent) == REST
    (told,) = proxy.events(Shortened)
    assert (told.why, told.tools) == ("unused in 1 earlier session", 4)
    kinds = proxy.rows("select kind, why, tokens from events where kind = 'shortened'")
    assert kinds == [("shortened", told.why, told.tokens)]
    (saved,) = proxy.rows("select definitions_tokens from turns order by at desc limit 1")
    assert saved[0] == pytest.approx(told.tokens, rel=0.05)


def test_a_call_that_failed_is_a_use_too(proxy):
    proxy.send(asks(begun().run("exit 3", more={"is_error": True})), headers("one"))
    assert shortened_in(proxy.send(asks(begun("More.")), headers("two"))) == REST - {"Bash"}


@pytest.mark.parametrize(
    ("first", "agent"),
    [
        ("Primary working directory: /home/a/other", AGENT),
        ("No word of where.", AGENT),
        (HERE, {"user-agent": "opencode/1.18"}),
        (HERE, {}),
    ],
)
def test_another_project_or_client_learns_nothing_from_it(proxy, first, agent):
    sent = proxy.send(asks(Talk(first)), KEY | agent | {HEADER_SESSION: "two"})
    assert shortened_in(sent) == set()


def test_a_subagent_learns_from_subagents_only(proxy):
    def sub(name):
        return headers("two", **{HEADER_AGENT: name})

    proxy.send(asks(begun("More.")), headers("two"))
    assert shortened_in(proxy.send(asks(begun("Sub.")), sub("x"))) == set()
    proxy.send(asks(begun("Sub.").grep("a")), sub("x"))
    assert shortened_in(proxy.send(asks(begun("Sub 2.")), sub("y"))) == {
        "Read",
        "Edit",
        "Bash",
        "Workflow",
    }


def test_who_names_no_project_learns_from_its_own_kind_only(tmp_path):
    proxy = RecordedProxy(tmp_path / "pichay.db")
    proxy.send(asks(Talk("One.").read("a.py")), KEY)
    assert shortened_in(proxy.send(asks(Talk("Two.")), KEY)) == REST
    other = asks(Talk("Three."), system="You do something else.")
    assert shortened_in(proxy.send(other, KEY)) == set()
    proxy.stop()


def test_a_missed_tool_is_whole_in_the_next_session(proxy):
    proxy.send(asks(begun("More.")), headers("two"))
    called = begun("More.").run("ls")
    assert "Bash" in shortened_in(proxy.send(asks(called), headers("two")))
    assert [event.tool for event in proxy.events(Called)] == ["Bash"]
    third = proxy.send(asks(begun("Even more.")), headers("three"))
    assert shortened_in(third) == REST - {"Bash"}


def test_a_profile_that_misses_too_often_turns_itself_off(proxy):
    for number, tool in enumerate(("Edit", "Grep", "Bash", "Workflow")):
        offered = [*USUAL, *({**USUAL[0], "name": f"New{n}"} for n in range(9))]
        proxy.send(asks(begun(f"{number}"), offered), headers(f"n{number}"))
        proxy.send(asks(begun(f"{number}").call(tool, "x"), offered), headers(f"n{number}"))
    proxy.send(asks(begun("More."), offered), headers("two"))
    assert proxy.session.birth.why == "missed too often"


def test_a_restart_sends_the_same_front(proxy):
    first = proxy.send(asks(begun("More.")), headers("two"))
    second = proxy.send(asks(begun("More.").run("ls")), headers("two"))
    again = proxy.restart()
    third = again.send(asks(begun("More.").run("ls").grep("a")), headers("two"))
    assert front_of(first) == front_of(second) == front_of(third)
    assert [event.tool for event in again.events(Called)] == ["Grep"]
    assert again.session.birth.called == {"Bash", "Grep"}
    cold = again.restart()
    last = cold.send(asks(begun("More.").run("ls").grep("a").ask("On.")), headers("two"), 400)
    assert shortened_in(last) == {"Edit", "Workflow"}
    assert [event.tool for event in cold.events(Restored)] == ["Bash", "Grep"]
    more = cold.restart()
    same = more.send(asks(begun("More.").run("ls").grep("a").ask("On.").ask("!")), headers("two"))
    assert front_of(same) == front_of(last)
    more.stop()


def test_count_tokens_counts_the_short_definitions(proxy):
    sent = proxy.send(asks(begun("More.")), headers("two"))
    counted = proxy.send(asks(begun("More.")), headers("two"), path="/v1/messages/count_tokens")
    assert front_of(counted) == front_of(sent)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"tools": "whole"}, "asked for"),
        ({"tools": "defer"}, "no tool search"),
        ({"mode": "page"}, ""),
    ],
)
def test_who_does_not_want_short_definitions_gets_none(proxy, changed, why):
    proxy.stop()
    given = RecordedProxy(proxy.path, **changed)
    assert shortened_in(given.send(asks(begun("More.")), headers("two"))) == set()
    assert given.session.birth.why == why
    given.stop()


def test_an_observed_session_teaches_and_gets_nothing(tmp_path):
    login = {"authorization": "Bearer sk-ant-oat01-x", "anthropic-beta": "oauth-2025-04-20"}
    proxy = RecordedProxy(tmp_path / "pichay.db")
    proxy.send(asks(begun().read("a.py")), headers("one") | login | {"x-api-key": ""})
    sent = proxy.send(asks(begun("More.")), headers("two") | login | {"x-api-key": ""})
    assert shortened_in(sent) == set()
    assert shortened_in(proxy.send(asks(begun("Even more.")), headers("three"))) == REST
    proxy.stop()


def test_on_a_binding_model_a_miss_waits_for_the_next_session(proxy):
    proxy.send(asks(begun("More."), model=BINDING), headers("two"))
    called = begun("More.").call("Bash", "x", think=True)
    proxy.send(asks(called, model=BINDING), headers("two"))
    sent = proxy.send(asks(called.ask("On."), model=BINDING), headers("two"), after=4_000)
    assert shortened_in(sent) == REST
