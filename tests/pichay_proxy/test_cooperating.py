"""Replies that ask something of us, whatever becomes of them: through the real addon."""

import gzip
import json
import zlib
from random import Random

import brotli
import pytest
import zstandard

from pichay_proxy import streams_check
from tests.builders import body, is_stub, results_in, unmarked
from tests.pichay_proxy.cooperating import (
    HEAD,
    JSON_HEAD,
    KEY,
    Got,
    begun,
    fault,
    in_one_piece,
    new_talk,
    say,
    standing,
    streamed,
)
from tests.pichay_proxy.wires import chunk, unchunked
from tests.replies import call, event, frames, text, thinking


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    with standing(tmp_path_factory.mktemp("cooperating")) as stand:
        yield stand


@pytest.fixture
def stand(lasting):
    """A new connection to the addon that all tests here share."""
    streams_check.install()
    lasting.connect()
    lasting.seen.clear()
    yield lasting
    assert lasting.left() == []


def roles(messages):
    return "".join(message["role"][0] for message in messages)


def added(stand, talk):
    """What the last request holds behind what the conversation held when it began."""
    return unmarked(stand.last.json["messages"])[len(talk.messages) :]


def asks_then(stand, talk, *plays, **fields):
    """The model recalls something; what comes then is played."""
    return stand.send(talk, say(text("I look."), fault()), *plays, stream=True, **fields)


def broken(*blocks, at=-2):
    """A stream that ends in the middle; the connection does not."""
    return HEAD + b"".join(map(chunk, frames(blocks)[:at])) + chunk(b"")


def failing(*_, **__):
    raise ValueError("something is wrong")


# -- legs that do not come off ----------------------------------------------------------------


def refusal(status, kind="api_error", said="no"):
    body = json.dumps({"type": "error", "error": {"type": kind, "message": said}}).encode()
    return b"HTTP/1.1 %d No\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        status, len(body), body,
    )  # fmt: skip


LEGS = {
    "400": refusal(400, "invalid_request_error", "prompt is too long: 200001 tokens"),
    "401": refusal(401), "413": refusal(413), "429": refusal(429), "500": refusal(500),
    "529": refusal(529, "overloaded_error"), "302": refusal(302), "204": b"HTTP/1.1 204 No\r\n\r\n",
    "html": b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi",
    "empty": HEAD + chunk(b""),
    "no body": b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 0\r\n\r\n",
    "unknown encoding": HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: x\r\n\r\n") + chunk(b"?")
    + chunk(b""),
    "broken gzip": HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n") + chunk(b"?")
    + chunk(b""),
    "text that breaks off": broken(text("It says")),
    "head only": broken(at=1),
}  # fmt: skip


@pytest.mark.parametrize("leg", LEGS)
def test_a_leg_that_fails_ends_the_message_and_the_next_request_has_what_was_said(stand, leg):
    talk = begun(stand)
    got = asks_then(stand, talk, lambda _: LEGS[leg])
    assert got.ended and got.message["stop_reason"] == "end_turn"
    assert got.texts[0] == "I look."
    assert "memory_" not in got.body.decode()
    assert b"?" not in got.body
    then = len(talk.messages)
    talk.messages += [got.kept, {"role": "user", "content": "Go on."}]
    stand.send(talk, stream=True)
    new = unmarked(stand.last.json["messages"])[then:]
    assert new[0]["content"][1]["id"] == "toolu_m1"
    assert new[1]["content"][0]["tool_use_id"] == "toolu_m1"
    assert new[-1]["content"] == "Go on."
    assert not stand.session.frozen


def test_a_leg_that_ends_in_an_error_event_ends_in_it_for_the_client(stand):
    talk = begun(stand)
    error = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    leg = HEAD + chunk(frames([text("x")])[0]) + chunk(error) + chunk(b"")
    got = asks_then(stand, talk, lambda _: leg)
    assert got.ended and got.body.endswith(error)
    stand.send(talk, stream=True)
    assert added(stand, talk) == []


def test_a_leg_that_the_provider_refuses_for_what_we_put_in_it_is_the_last(stand):
    talk = begun(stand)
    leg = refusal(400, "invalid_request_error", "messages.3: tool_use ids without tool_result")
    got = asks_then(stand, talk, lambda _: leg)
    assert (got.texts, got.message["stop_reason"]) == (["I look."], "end_turn")
    assert stand.session.frozen
    talk.messages += [got.kept, {"role": "user", "content": "Go on."}]
    stand.send(talk, stream=True)
    assert stand.last.json["messages"] == talk.messages
    assert [tool["name"] for tool in stand.last.json["tools"]] == ["Read", "Edit", "Grep", "Bash"]


@pytest.mark.parametrize("said", [b"", HEAD, HEAD + chunk(frames([text("It")])[0])])
def test_a_connection_that_breaks_in_a_leg_ends_the_message(stand, said):
    talk = begun(stand)
    asks_then(stand, talk, lambda _: None)
    stand.wires.says(said)
    stand.wires.server_leaves()
    assert stand.got().came.endswith(b"0\r\n\r\n")
    (status,) = stand.rows("select status from turns order by at desc limit 1")[0]
    assert status == (200 if said else 0)


def test_a_leg_has_the_clients_headers_but_what_names_the_one_request(stand):
    talk = begun(stand)
    more = b"idempotency-key: one\r\nx-more: two\r\n"
    stand.send(talk, say(fault()), say(text("It says.")), headers=KEY + more, stream=True)
    first, leg = stand.seen
    assert b"idempotency-key: one" in first.head and b"idempotency-key" not in leg.head
    assert b"x-more: two" in leg.head and KEY.strip() in leg.head


REQUESTING = ["pichay_proxy.committing.told", "pichay_core.cooperate.asides.with_retold"]


@pytest.mark.parametrize("place", REQUESTING)
def test_if_what_was_said_cannot_be_told_again_the_clients_own_bytes_go_on(
    stand, monkeypatch, place
):
    talk = begun(stand)
    got = asks_then(stand, talk, say(text("It says.")))
    talk.messages += [got.kept, {"role": "user", "content": "Go on."}]
    sent = body(talk, stream=True)
    with monkeypatch.context() as patch:
        patch.setattr(place, failing)
        assert stand.send(sent).texts == ["Done."]
    assert stand.last.body == sent
    talk.ask("And now?")
    stand.send(talk, stream=True)
    assert "toolu_m1" in stand.last.body.decode()
    assert not stand.session.frozen


# -- encodings --------------------------------------------------------------------------------

ENCODERS = {
    "gzip": gzip.compress, "br": brotli.compress, "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}  # fmt: skip


@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize("kind", ["stream", "whole"])
def test_an_encoding_that_was_not_asked_for_is_read_all_the_same(stand, encoding, kind):
    def said(*blocks):
        if kind == "stream":
            plain, type = b"".join(frames(blocks)), b"text/event-stream"
        else:
            plain, type = in_one_piece(*blocks).partition(b"\r\n\r\n")[2], b"application/json"
        body = ENCODERS[encoding](plain)
        return (
            b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-encoding: %b\r\ncontent-length: %d"
            b"\r\n\r\n%b" % (type, encoding.encode(), len(body), body)
        )

    talk = begun(stand)
    got = stand.send(
        talk, lambda _: said(text("I look."), fault()), lambda _: said(text("It says.")),
        stream=kind == "stream",
    )  # fmt: skip
    assert b"content-encoding" not in got.head and b"content-length" not in got.head
    assert got.texts == ["I look.", "It says."]


def test_an_encoding_that_nobody_knows_passes_as_it_came(stand):
    talk = begun(stand)
    reply = HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: x\r\n\r\n") + chunk(b"?") + chunk(b"")
    got = stand.send(talk, lambda _: reply, stream=True)
    assert got.body == b"?" and b"content-encoding: x" in got.head


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_a_reply_that_is_not_what_its_encoding_says_is_no_text_for_the_client(stand, encoding):
    talk = begun(stand)
    reply = HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: %b\r\n\r\n" % encoding.encode())
    good = ENCODERS[encoding](b"".join(frames([text("hello")])))
    got = stand.send(
        talk, lambda _: reply + chunk(good[:20]) + chunk(b"\xff" * 40) + chunk(b""), stream=True
    )
    assert got.ended and b"\xff" not in got.body


# -- what fails on our side -------------------------------------------------------------------


ANSWERING = [
    "pichay_core.cooperate.recalls.excerpt", "pichay_core.cooperate.answers.recall",
    "pichay_proxy.answering.means_of", "pichay_proxy.answering.answer",
    "pichay_proxy.answering.carried_out",
]  # fmt: skip
GOING_ON = [
    "pichay_proxy.answering.extended", "pichay_proxy.answering.take",
    "pichay_proxy.answering.turned", "pichay_proxy.answering.decision",
]  # fmt: skip
KEEPING = ["pichay_proxy.answering.aside_after"]
STREAMS = [
    f"pichay_core.wire.anthropic_stream.ReplyStream.{name}" for name in ("end", "go_on", "finish")
]
BILLING = [
    "pichay_proxy.continuing.facts_of", "pichay_proxy.closing.Closing.settle",
    "pichay_proxy.aftermath.Aftermath.replied", "pichay_core.wire.anthropic_reply.Reader.feed",
    "pichay_core.wire.anthropic_reply.Reader.report",
]  # fmt: skip
SENDING = ["pichay_proxy.continuing.put"]


def breaking(patch, place, *blocks):
    """A reply, after which something fails until the client's next request."""

    def play(_):
        patch.setattr(place, failing)
        return streamed(*blocks)

    return play


@pytest.mark.parametrize("place", [*GOING_ON, *KEEPING, *STREAMS, *BILLING, *SENDING])
@pytest.mark.parametrize("leg", [0, 1])
def test_whatever_fails_on_our_side_the_message_ends_and_the_conversation_goes_on(
    stand, monkeypatch, place, leg
):
    talk = begun(stand)
    stand.excused |= {stand.session.id} if place in BILLING else set()
    with monkeypatch.context() as patch:
        first = [say(text("First."), fault(id="toolu_f"))] if leg else []
        breaks = breaking(patch, place, text("I look."), fault(id="toolu_x"))
        got = stand.send(talk, *first, breaks, say(text("So.")), stream=True)
    assert got.ended
    assert "memory_" not in got.body.decode()
    kept = got.kept if b"message_stop" in got.body else {"role": "assistant", "content": "?"}
    talk.messages += [kept, {"role": "user", "content": "Go on."}]
    again = say(text("I look."), fault(id="toolu_y"))
    assert stand.send(talk, again, say(text("It says.")), stream=True).texts[1:] == ["It says."]
    assert not stand.session.frozen


@pytest.mark.parametrize("place", ANSWERING)
def test_a_call_that_we_fail_to_answer_is_answered_with_that(stand, monkeypatch, place):
    talk = begun(stand)
    failures = stand.rows("select count(*) from events where kind = 'failed'")[0][0]
    with monkeypatch.context() as patch:
        breaks = breaking(patch, place, text("I look."), fault())
        got = stand.send(talk, breaks, say(text("So.")), stream=True)
    assert got.texts == ["I look.", "So."]
    (answer,) = added(stand, talk)[1]["content"]
    assert answer["is_error"] and "ordinary tool" in answer["content"]
    assert stand.rows("select count(*) from events where kind = 'failed'")[0][0] == failures + 1


@pytest.mark.parametrize("place", GOING_ON)
def test_a_call_whose_answer_we_fail_to_send_is_answered_with_the_next_request(
    stand, monkeypatch, place
):
    talk = begun(stand)
    with monkeypatch.context() as patch:
        breaks = breaking(patch, place, text("I look."), fault())
        got = stand.send(talk, breaks, say(text("So.")), stream=True)
    assert (got.texts, got.message["stop_reason"]) == (["I look."], "end_turn")
    talk.messages += [got.kept, {"role": "user", "content": "Go on."}]
    stand.send(talk, stream=True)
    asked, told = unmarked(stand.last.json["messages"])[-2:]
    assert [block["type"] for block in asked["content"]] == ["text", "tool_use"]
    assert [block["type"] for block in told["content"]] == ["tool_result", "text"]


@pytest.mark.parametrize("leg", [0, 1])
@pytest.mark.parametrize("at", [0, 1, 2, 5, 8])
@pytest.mark.parametrize("ours", [False, True])
def test_a_reply_that_we_fail_to_read_comes_to_an_end_and_is_as_it_came_where_that_can_be(
    stand, monkeypatch, leg, at, ours
):
    talk = begun(stand)
    first = [say(text("First."), fault(id="toolu_f"))] if leg else []
    stand.send(talk, *first, lambda _: None, stream=True)
    pieces = frames([text("I look."), fault() if ours else call("Read", "toolu_r", path="x")])
    stand.wires.says(HEAD)
    stand.wires.chunks(*pieces[:at])
    with monkeypatch.context() as patch:
        patch.setattr("pichay_core.wire.anthropic_stream.ReplyStream.feed", failing)
        stand.wires.chunks(*pieces[at : at + 2])
    stand.wires.chunks(*pieces[at + 2 :], b"")
    came = stand.got().came
    assert came.endswith(b"0\r\n\r\n")
    assert (b"event: message_stop" in came) != (b"event: error" in came)
    as_it_came = not leg and not (ours and at == 8)
    body = unchunked(came.partition(b"\r\n\r\n")[2] if came.startswith(b"HTTP") else came)
    assert as_it_came == (b"".join(pieces[at + 2 :]) in b"".join(body))
    assert as_it_came or b"memory_" not in came


# -- who leaves, and who comes twice ----------------------------------------------------------


def open_leg(stand, talk, *plays):
    """A reply whose leg has been asked for, and not answered."""
    stand.send(talk, say(text("I look."), fault()), *plays, lambda _: None, stream=True)
    return stand.seen[-1]


def test_who_leaves_in_a_leg_and_asks_again_is_answered_as_before(stand):
    talk = begun(stand)
    open_leg(stand, talk)
    first = stand.seen[0]
    stand.wires.client_leaves()
    assert stand.left() == [] and stand.wires.open() == []
    stand.connect()
    got = asks_then(stand, talk, say(text("It says.")), stream_options=None)
    assert got.texts == ["I look.", "It says."]
    assert unmarked(stand.seen[-2].json["messages"]) == unmarked(first.json["messages"])
    assert not stand.session.frozen


def test_who_leaves_in_a_leg_and_keeps_what_came_is_told_again(stand):
    talk = begun(stand)
    leg = open_leg(stand, talk)
    stand.wires.client_leaves()
    stand.connect()
    kept = {"role": "assistant", "content": [text("I look.")]}
    talk.messages += [kept, {"role": "user", "content": "[Request interrupted by user]"}]
    stand.send(talk, stream=True)
    told = unmarked(stand.last.json["messages"])
    assert told[: len(told) - 1] == unmarked(leg.json["messages"])
    assert told[-1] == talk.messages[-1]


def test_who_leaves_in_a_text_of_a_leg_and_keeps_half_of_it_is_told_again(stand):
    talk = begun(stand)
    leg = open_leg(stand, talk)
    stand.wires.says(HEAD)
    stand.wires.chunks(*frames([text("It says that and more")])[:4])
    stand.wires.client_leaves()
    stand.connect()
    kept = {"role": "assistant", "content": [text("I look."), text("It says")]}
    talk.messages += [kept, {"role": "user", "content": "Stop."}]
    stand.send(talk, stream=True)
    told = unmarked(stand.last.json["messages"])
    assert told[:-2] == unmarked(leg.json["messages"])
    assert told[-2:] == [{"role": "assistant", "content": [text("It says")]}, talk.messages[-1]]


def test_of_two_requests_at_once_the_one_that_was_overtaken_is_not_answered(stand):
    talk = begun(stand)
    stand.send(talk, lambda _: None, stream=True)
    first = stand.connect_beside()
    got = asks_then(stand, talk, say(text("It says.")))
    assert got.texts == ["I look.", "It says."]
    first.says(streamed(text("Me too."), fault(id="toolu_late")))
    late = Got(first.to_client())
    assert late.texts == ["Me too."] and late.message["stop_reason"] == "end_turn"
    assert len(first.servers) == 1 and first.to_server() == b""
    talk.messages += [got.kept, {"role": "user", "content": "Go on."}]
    stand.send(talk, stream=True)
    assert "toolu_late" not in stand.last.body.decode()
    assert "toolu_m1" in stand.last.body.decode()


# -- how a reply may stop, and what a client may demand ---------------------------------------


def test_a_call_of_ours_that_is_cut_off_is_not_answered_and_not_shown(stand):
    talk = begun(stand)
    cut = frames([text("I look."), fault()], stop="max_tokens")
    reply = HEAD + b"".join(map(chunk, [*cut[:-4], *cut[-3:]])) + chunk(b"")
    got = stand.send(talk, lambda _: reply, stream=True)
    assert (got.texts, got.message["stop_reason"]) == (["I look."], "max_tokens")
    talk.messages += [got.kept, {"role": "user", "content": "Go on."}]
    stand.send(talk, stream=True)
    assert unmarked(stand.last.json["messages"])[-2:] == talk.messages[-2:]


@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "end_turn"])
def test_a_call_of_ours_in_a_reply_that_stops_otherwise_is_answered_with_the_next_request(
    stand, stop
):
    talk = begun(stand)
    got = stand.send(talk, say(text("I look."), fault(), stop=stop), stream=True)
    assert got.message["stop_reason"] == stop
    talk.messages += [got.kept, {"role": "user", "content": "Go on."}]
    stand.send(talk, stream=True)
    asked, told = unmarked(stand.last.json["messages"])[-2:]
    assert [block["type"] for block in asked["content"]] == ["text", "tool_use"]
    assert [block["type"] for block in told["content"]] == ["tool_result", "text"]


SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"q": "x"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}


def test_a_reply_that_pauses_is_sent_back_without_our_call_and_goes_on(stand):
    talk = begun(stand)
    got = stand.send(talk, say(text("I look."), fault(), SEARCH, stop="pause_turn"), stream=True)
    assert got.message["stop_reason"] == "pause_turn"
    talk.messages.append({"role": "assistant", "content": [text("I look."), SEARCH]})
    again = stand.send(talk, say(FOUND, text("It says.")), stream=True)
    assert stand.last.json["messages"][-1] == talk.messages[-1]
    assert again.message["stop_reason"] == "end_turn"


def test_what_the_provider_runs_itself_stays_in_its_place(stand):
    talk = begun(stand)
    got = stand.send(
        talk, say(SEARCH, FOUND, fault()), say(text("It says.")), stream=True
    )  # fmt: skip
    assert [block["type"] for block in got.message["content"]] == [
        "server_tool_use", "web_search_tool_result", "text",
    ]  # fmt: skip
    asked, told = added(stand, talk)
    assert [block["type"] for block in asked["content"]][-1] == "tool_use"
    assert [block["type"] for block in told["content"]] == ["tool_result"]


MIXED = [
    ["ours", "Read"], ["Read", "ours"], ["Read", "ours", "Bash"], ["ours", "Read", "ours"],
    ["ours", "Read", "Bash", "ours", "Edit"],
]  # fmt: skip


@pytest.mark.parametrize("order", MIXED, ids="-".join)
def test_calls_of_ours_beside_those_of_the_client_keep_their_order(stand, order):
    talk = begun(stand)
    calls = [
        fault(id=f"toolu_m{n}") if name == "ours" else call(name, f"toolu_c{n}", path=f"{n}")
        for n, name in enumerate(order)
    ]
    got = stand.send(talk, say(*calls), stream=True)
    ids = [block["id"] for block in calls]
    theirs = [id for id in ids if id.startswith("toolu_c")]
    assert [block["id"] for block in got.message["content"]] == theirs
    back = [{"type": "tool_result", "tool_use_id": id, "content": "done"} for id in theirs]
    talk.messages += [got.kept, {"role": "user", "content": [*back, text("And?")]}]
    stand.send(talk, stream=True)
    asked, told = unmarked(stand.last.json["messages"])[-2:]
    assert [block["id"] for block in asked["content"]] == ids
    results = [block.get("tool_use_id") for block in told["content"]]
    assert results == [*theirs, *(id for id in ids if id not in theirs), None]


@pytest.mark.parametrize(
    "choice", [{"type": "any"}, {"type": "tool", "name": "Read"}, {"type": "none"}]
)
def test_what_the_client_demands_of_the_model_is_demanded_in_a_leg_too(stand, choice):
    talk = begun(stand)
    got = asks_then(stand, talk, say(call("Read", "toolu_r", path="x")), tool_choice=choice)
    assert [seen.json["tool_choice"] for seen in stand.seen] == [choice] * 2
    assert [block["type"] for block in got.message["content"]] == ["text", "tool_use"]


def test_without_a_system_prompt_there_are_tools_and_no_tags(stand):
    talk = begun(stand, system=None)
    assert "memory_fault" in str(stand.session.birth.offers)
    got = asks_then(stand, talk, say(text("It says.")), system=None)
    assert got.texts == ["I look.", "It says."]
    assert "system" not in stand.last.json


def test_a_conversation_without_tools_is_offered_none_and_its_replies_pass(stand):
    talk = new_talk()
    got = stand.send(talk, say(text("x"), fault()), tools=None or (), stream=True)
    assert stand.last.json["tools"] == []
    assert [block["type"] for block in got.message["content"]] == ["text", "tool_use"]


# -- in one piece -----------------------------------------------------------------------------

WHOLE_LEGS = ["400", "529", "html", "empty", "unknown encoding", "cut off", "no json"]


@pytest.mark.parametrize("leg", WHOLE_LEGS)
def test_a_leg_in_one_piece_that_fails_leaves_the_message_as_far_as_it_came(stand, leg):
    talk = begun(stand)
    good = in_one_piece(text("It says."))
    said = {
        "empty": JSON_HEAD % (0, b""), "no json": JSON_HEAD % (3, b"{]}"),
        "cut off": JSON_HEAD % (40, good.partition(b"\r\n\r\n")[2][:40]),
        "unknown encoding": JSON_HEAD.replace(b"json\r", b"json\r\ncontent-encoding: x\r")
        % (2, b"{}"),
    }.get(leg) or LEGS[leg]  # fmt: skip
    ask = in_one_piece(text("I look."), fault())
    got = stand.send(talk, lambda _: ask, lambda _: said)
    assert (got.texts, got.message["stop_reason"]) == (["I look."], "end_turn")
    then = len(talk.messages)
    talk.messages += [got.kept, {"role": "user", "content": "Go on."}]
    stand.send(talk)
    assert [m["role"] for m in stand.last.json["messages"][then:]] == ["assistant", "user", "user"]


# -- where nothing is offered -----------------------------------------------------------------

OAUTH = b"authorization: Bearer sk-ant-oat01-x\r\nanthropic-beta: oauth-2025-04-20\r\n"


def test_a_subscription_is_offered_nothing_and_nothing_of_it_is_changed(stand):
    headers = OAUTH + b"accept-encoding: gzip, br\r\n"
    talk = new_talk()
    for number in range(4):
        talk.read(f"{number}.py")
        sent = body(talk, stream=True)
        got = stand.send(sent, say(text("x"), fault(id=f"toolu_{number}")), headers=headers)
        assert stand.last.body == sent
        assert headers.strip() in stand.last.head
        assert [block["type"] for block in got.message["content"]] == ["text", "tool_use"]


def test_without_the_option_paging_goes_on_and_our_names_are_nobodys(tmp_path):
    with standing(tmp_path, "pichay_memory_tools=false", "pichay_cleanup_tags=false") as stand:
        talk = begun(stand)
        got = stand.send(talk, say(fault()), stream=True)
    assert [block["type"] for block in got.message["content"]] == ["tool_use"]
    assert [tool["name"] for tool in stand.last.json["tools"]] == ["Read", "Edit", "Grep", "Bash"]
    assert any(is_stub(one["content"]) for one in results_in(stand.last.body))


def test_a_mitmproxy_of_another_build_is_said_to_be_and_paging_goes_on(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setitem(streams_check.PARAMETERS, f"{streams_check.LAYERS}:HttpStream", "other")
    streams_check.uninstall()
    with standing(tmp_path) as stand:
        talk = begun(stand)
        stand.send(talk, stream=True)
    assert not streams_check.installed()
    assert "memory tools and cleanup tags are off" in caplog.text
    assert [tool["name"] for tool in stand.last.json["tools"]] == ["Read", "Edit", "Grep", "Bash"]
    assert "memory_" not in stand.last.body.decode()


# -- aborts -----------------------------------------------------------------------------------


def reply_of_three_legs():
    """What the model's provider says, leg by leg, each in its pieces."""
    legs = [
        [thinking("hm", "c2ln"), text("I look it up."), fault(id="toolu_a1")],
        [text("And there."), fault("1.py", id="toolu_a2")],
        [text("So it says.")],
    ]
    return [[HEAD, *map(chunk, frames(leg)), chunk(b"")] for leg in legs]


def test_clients_that_leave_at_any_moment_leave_nothing_behind(stand):
    """Every place in a reply of three legs: before, in and behind each frame."""
    talk, random = begun(stand), Random(5)
    pieces = [piece for leg in reply_of_three_legs() for piece in leg]
    for last in range(len(pieces)):
        stand.connect()
        stand.send(talk, lambda _: None, stream=True)
        for piece in pieces[:last]:
            stand.wires.says(piece)
        stand.wires.says(pieces[last][: random.randrange(len(pieces[last]))])
        stand.wires.client_leaves()
        assert stand.left() == [] and stand.wires.open() == []
    assert not stand.session.frozen
    stand.connect()
    got = asks_then(stand, talk, say(text("It says.")))
    assert got.texts == ["I look.", "It says."]
    assert stand.unsettled() == []
