"""How large each tool's definition is, as the client has it and as it goes upstream."""

import json

import pytest

from pichay_core.model import Usage
from pichay_core.wire.report import Report
from tests.builders import RecordedProxy, Talk, rules
from tests.definitions import SEARCH, asks, tools

DEFINED = "select tool, bytes, sent_bytes from definitions order by tool"


@pytest.fixture
def opened(tmp_path):
    """Makes proxies on one recording; all of them are stopped at the end."""
    made = []

    def proxy(**changed):
        made.append(RecordedProxy(tmp_path / "db", rules(), **changed))
        return made[-1]

    yield proxy
    for one in made:
        one.stop()


def in_bytes(body):
    """The definitions of a body by name, in bytes as they stand there."""
    return {one["name"]: len(json.dumps(one)) for one in json.loads(body)["tools"]}


def of_session(proxy):
    return {name: (size, sent) for name, size, sent in proxy.rows(DEFINED)}


def used(proxy, *offered):
    """Two sessions, the first of which uses Read alone; returns the second."""
    proxy.send(asks(Talk().read("a.py"), offered))
    before = set(proxy.rows("select id from sessions"))
    proxy.send(asks(Talk("Another thing."), offered))
    ((other,),) = set(proxy.rows("select id from sessions")) - before
    return other


def test_a_definition_is_as_large_as_the_client_sends_it(opened):
    proxy = opened(mode="observe")
    body = asks(Talk(), tools("Read", "Grep"))
    proxy.send(body)
    assert of_session(proxy) == {name: (size, size) for name, size in in_bytes(body).items()}


LEFT_OUT = (
    "select tool, bytes - sent_bytes from definitions where session = ? and sent_bytes < bytes"
)


def test_of_a_definition_in_short_its_short_form_is_sent(opened):
    proxy = opened(mode="full")
    session = used(proxy, *tools("Read", "Workflow"))
    assert proxy.rows(LEFT_OUT, session) == [("Workflow", proxy.last.definitions)]


def test_a_deferred_definition_is_not_sent_until_it_is_looked_up(opened):
    proxy = opened(mode="full", tools="auto")
    session = used(proxy, *tools("Read", "Workflow"), SEARCH)
    found = proxy.rows("select tool, sent_bytes from definitions where session = ?", session)
    assert dict(found)["Workflow"] == 0
    assert dict(found)["Read"] > 0


def test_tools_of_ours_are_none_of_the_client_s(opened):
    proxy = opened(mode="full", memory_tools=True)
    sent = proxy.send(asks(Talk(), tools("Read")))
    ours = {name: size for name, size in in_bytes(sent).items() if name.startswith("memory_")}
    found = {name: sent for name, (size, sent) in of_session(proxy).items() if size == 0}
    assert found.keys() == ours.keys() != set()


def test_a_tool_that_is_offered_later_is_put_down_from_then_on(opened):
    proxy = opened(mode="observe")
    talk = Talk()
    proxy.send(asks(talk, tools("Read")))
    proxy.send(asks(talk.read("a.py"), tools("Read", "Grep")))
    proxy.send(asks(talk.read("b.py"), tools("Read", "Grep")))
    found = proxy.rows("select tool, request from definitions order by tool")
    assert found == [("Grep", 2), ("Read", 1)]


def test_a_bill_says_what_was_read_and_what_the_reply_cost(opened):
    proxy = opened(mode="observe")
    proxy.send(Talk())
    proxy.replied(Report(Usage(1_000, 10_000, 0, 0, 100)))
    ((read, out, whole),) = proxy.rows("select read_dollars, output_dollars, dollars from turns")
    assert (read, out, whole) == pytest.approx((0.003, 0.0015, 0.0075))
