"""Recorded sessions of real agents, told again before two oracles that sign their thinking.

A signature that was recorded is worth nothing here: each reply is signed anew as it comes, by
what had gone upstream until then.
"""

import json
from collections.abc import Iterator
from typing import Any

from pichay_core.traces import Conversation
from pichay_core.wire.message import Message
from tests.builders import TOOLS, body
from tests.oracle.provider import THINKING
from tests.oracle.witness import Witness

type Json = dict[str, Any]


def told(witness: Witness, conversation: Conversation, model: str) -> Iterator[bytes]:
    """Send the requests of a conversation, ten seconds apart; yields each after it was sent."""
    window: list[Json] = []
    signed: dict[bytes, Json] = {}
    for step in conversation.steps:
        window = [*window[: step.keeps], *(_message(new, signed) for new in step.new)]
        sent = body(window, model=model, tools=TOOLS)
        witness.send(sent, after=10.0)
        yield sent
        if step.reply is not None:
            said = json.loads(step.reply.raw)
            unsigned = [_unsigned(block) for block in said["content"]]
            signed[step.reply.raw] = {**said, "content": witness.replied(unsigned)}


def _unsigned(block: Json) -> Json:
    """A block without its recorded signature: some recordings have one for all of them."""
    names = ("signature", "data") if block["type"] in THINKING else ()
    return {key: part for key, part in block.items() if key not in names}


def _message(message: Message, signed: dict[bytes, Json]) -> Json:
    """The message as the client holds it; thinking that no request brought about is left out."""
    if message.raw in signed:
        return signed[message.raw]
    said = json.loads(message.raw)
    return {**said, "content": [b for b in said["content"] if b["type"] not in THINKING]}
