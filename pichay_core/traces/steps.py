"""From requests told again to the values of a trace.

Rule of this file: a message is encoded once and read by the reader of live traffic, so that
tools, keys and digests are those of live traffic.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from pichay_core.traces.blocks import Block
from pichay_core.traces.conversation import Draft, Request, Telling
from pichay_core.traces.trace import Conversation, Step
from pichay_core.wire import anthropic, jsontext
from pichay_core.wire.message import Message, Result


def conversation(telling: Telling) -> Conversation:
    """Return the conversation that was told."""
    return Conversation(telling.id, telling.kind, tuple(_Steps(telling).steps()))


class _Steps:
    """Reads each message once, and knows where each stands in the request before."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling
        self._window: list[Draft] = []
        self._places: dict[Draft, int] = {}
        self._read: dict[Draft, Message] = {}

    def steps(self) -> Iterator[Step]:
        for request in self._telling.requests():
            yield self._step(request)

    def _step(self, request: Request) -> Step:
        new = self._new(request.last)
        keeps = self._places[new[0].before] + 1 if new and new[0].before else 0
        if not new and request.last:
            keeps = self._places[request.last] + 1
        self._send(keeps, new)
        said = tuple(self._message(draft) for draft in new)
        if request.reply is None:
            return Step(keeps, said, None, at=request.at)
        reply = request.reply
        return Step(keeps, said, self._message(reply), reply.model, request.at, reply.usage)

    def _new(self, last: Draft | None) -> list[Draft]:
        """Return the messages of a request that did not stand in the one before."""
        new: list[Draft] = []
        while last is not None and last not in self._places:
            new.append(last)
            last = last.before
        return new[::-1]

    def _send(self, keeps: int, new: list[Draft]) -> None:
        for draft in self._window[keeps:]:
            del self._places[draft]
        del self._window[keeps:]
        self._places |= {draft: keeps + at for at, draft in enumerate(new)}
        self._window += new

    def _message(self, draft: Draft) -> Message:
        if draft not in self._read:
            self._read[draft] = self._stable(_message(draft.role, draft.blocks), draft.blocks)
        return self._read[draft]

    def _stable(self, message: Message, blocks: list[Block]) -> Message:
        stable = self._telling.stable
        if stable is None or not message.results:
            return message
        return replace(
            message,
            results=tuple(
                _hashed(result, stable(text))
                if isinstance(text := blocks[result.block].get("content"), str)
                else result
                for result in message.results
            ),
        )


def _message(role: str, blocks: list[Block]) -> Message:
    try:
        return anthropic.read(jsontext.encode({"role": role, "content": blocks}))
    except jsontext.Unreadable:
        # A message nests by a level or two more than some recordings do: one too many.
        flat = [_flat(block) for block in blocks]
        return anthropic.read(jsontext.encode({"role": role, "content": flat}))


def _flat(block: Block) -> Block:
    return {key: _text(item) for key, item in block.items()}


def _text(item: object) -> object:
    """Return arguments that hold their JSON, a list as its JSON, and all else as it is."""
    if isinstance(item, dict | list):
        encoded = jsontext.encode(cast("object", item)).decode()
        return {"json": encoded} if isinstance(item, dict) else encoded
    return item


def _hashed(result: Result, content: str) -> Result:
    digest = hashlib.blake2b(content.encode(errors="surrogatepass"), digest_size=16)
    return replace(result, digest=digest.hexdigest())
