"""Conversations of which the client sends only what is new: the provider has the rest."""

import json

from pichay_core.events import Rewound, Trimmed
from pichay_core.model import Usage
from pichay_core.wire import openai_responses
from pichay_core.wire.report import Report
from tests.builders import KEY, Proxy, prose, rules

PATH = "/v1/responses"


def asked(items, **fields):
    tools = [{"type": "function", "name": "read_file", "parameters": {"type": "object"}}]
    whole = {"model": "gpt-5.4", "instructions": "You code.", "tools": tools, "input": items}
    return json.dumps({**whole, **fields}).encode()


def said(text):
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def output(number, text):
    return {"type": "function_call_output", "call_id": f"call_{number}", "output": text}


class Chain:
    """A client that goes on from the reply before."""

    def __init__(self, **changed):
        self.proxy = Proxy(rules("every-turn", tau=1), **changed)
        self.number = 0

    def send(self, *items, **fields):
        sent = asked(items, **fields)
        up = self.proxy.send(sent, KEY, path=PATH)
        self.number += 1
        self.proxy.replied(Report(Usage(100, output=5), id=f"resp_{self.number}"))
        return sent, up

    def go_on(self, *items):
        return self.send(*items, previous_response_id=f"resp_{self.number}")


def test_what_goes_on_from_a_reply_is_the_same_session_and_nothing_of_it_leaves():
    chain = Chain()
    chain.send(said("Fix it."))
    for number in range(6):
        sent, up = chain.go_on(output(number, prose(str(number))))
        assert json.loads(up)["input"] == json.loads(sent)["input"]
    turns = chain.proxy.turns
    assert len({turn.after.id for turn in turns}) == 1
    assert turns[-1].after.requests == 7
    assert not any(entry.out for entry in turns[-1].after.table.entries.values())
    assert chain.proxy.events(Rewound) == []


def test_what_is_new_goes_out_shorter_than_it_came():
    chain = Chain(oversize=5_000, mode="full")
    chain.send(said("Fix it."))
    sent, up = chain.go_on(output(1, prose("large", 60_000)))
    assert len(up) < len(sent) / 2
    assert chain.proxy.events(Trimmed)


def test_what_stands_before_it_stays_as_it_was_given_at_birth():
    chain = Chain()
    fronts = [json.loads(chain.send(said("Fix it."))[1])]
    fronts += [json.loads(chain.go_on(output(n, "ok"))[1]) for n in range(2)]
    assert len({json.dumps([one["instructions"], one["tools"]]) for one in fronts}) == 1


def test_a_model_whose_replies_the_provider_keeps_is_offered_no_tools_of_ours():
    chain = Chain(memory_tools=True)
    _, up = chain.send(said("Fix it."))
    assert len(json.loads(up)["tools"]) == 1
    _, up = Chain(memory_tools=True).send(said("Fix it."), store=False)
    assert len(json.loads(up)["tools"]) == 6


def test_a_reply_that_nobody_knows_begins_a_session_that_is_given_nothing():
    chain = Chain(memory_tools=True)
    sent, up = chain.send(output(1, "ok"), previous_response_id="resp_of_another_day")
    assert up is sent
    assert chain.proxy.session.requests == 1


def test_a_conversation_that_the_provider_keeps_is_one_session():
    proxy = Proxy(rules("every-turn", tau=1))
    for number in range(3):
        proxy.send(asked([output(number, "ok")], conversation={"id": "conv_1"}), KEY, path=PATH)
        proxy.replied(_report(b'{"id":"resp_%d","conversation":{"id":"conv_1"}}' % number))
    assert proxy.session.requests == 3


def _report(reply):
    reader = openai_responses.reader("application/json", "")
    reader.feed(reply)
    return reader.report()
