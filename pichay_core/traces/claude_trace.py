"""claude-trace: the requests Claude Code made to Anthropic's API, one exchange a line.

Requests that begin with the same message are one conversation, and the longest of them tells it
all; its own reply is repeated by no request. Requests without tools are side calls (titles,
quota, topics): they are left out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from pichay_core.model import Usage
from pichay_core.traces import blocks
from pichay_core.traces.anthropic_chat import said
from pichay_core.traces.blocks import Block
from pichay_core.traces.conversation import Telling
from pichay_core.traces.recording import Recording, seconds
from pichay_core.traces.steps import conversation
from pichay_core.traces.trace import Conversation
from pichay_core.traces.usage import anthropic_usage
from pichay_core.wire import jsontext
from pichay_core.wire.anthropic_reply import Reader
from pichay_core.wire.shapes import Json, items, mapping, string

name = "claude-trace"

_BEGINNING = 4000
"""Characters of the first message by which requests are told apart. A client may change the
end of a long one (reminders), never its beginning."""


def recognises(recording: Recording) -> bool:
    """True if a line holds a request to Anthropic's API with its body."""
    return any(_is_exchange(record) for record in recording.records)


def conversations(recording: Recording) -> Iterable[Conversation]:
    """Yield a conversation for each first message, the longest one as the main one."""
    found: dict[str, list[_Exchange]] = {}
    for record in recording.records:
        if _is_exchange(record) and (exchange := _exchange(record)):
            found.setdefault(exchange.beginning, []).append(exchange)
    longest_first = sorted(found.values(), key=lambda group: -max(len(e.said) for e in group))
    for number, exchanges in enumerate(longest_first):
        kind = "subagent" if number else "main"
        id = f"{recording.name}#{number + 1}" if number else recording.name
        told = conversation(_told(Telling(id, kind), exchanges))
        yield replace(told, tools=jsontext.encode(exchanges[0].tools))


class _Exchange(NamedTuple):
    """One request, and what came back."""

    said: list[Json]
    tools: list[object]
    replied: object
    model: str
    at: float | None
    usage: Usage | None

    @property
    def beginning(self) -> str:
        """The first message, as far as requests are told apart by it."""
        return blocks.dumped(self.said[0].get("content"))[:_BEGINNING]

    @property
    def end(self) -> list[Block]:
        """What the last message says."""
        return said(self.said[-1].get("content"))


def _is_exchange(record: Json) -> bool:
    request = mapping(record.get("request"))
    return "/v1/messages" in string(request.get("url")) and isinstance(request.get("body"), dict)


def _exchange(record: Json) -> _Exchange | None:
    request, response = mapping(record.get("request")), mapping(record.get("response"))
    body = mapping(request.get("body"))
    messages = [mapping(message) for message in items(body.get("messages"))]
    tools = items(body.get("tools"))
    if not messages or not tools:
        return None
    answer = mapping(response.get("body"))
    return _Exchange(
        said=messages,
        tools=tools,
        replied=answer.get("content"),
        model=string(body.get("model")),
        at=seconds(request.get("timestamp")),
        usage=anthropic_usage(answer.get("usage")) or _streamed(response.get("body_raw")),
    )


def _streamed(events: object) -> Usage | None:
    reader = Reader("text/event-stream", "")
    reader.feed(string(events).encode())
    return reader.report().usage


def _told(telling: Telling, exchanges: Sequence[_Exchange]) -> Telling:
    """Tell the longest request, and how each reply in it was asked for."""
    longest = max(reversed(exchanges), key=lambda exchange: len(exchange.said))
    answer: Json = {"role": "assistant", "content": longest.replied}
    told = [*longest.said, answer] if longest.replied else longest.said
    for place, message in enumerate(told):
        if message.get("role") != "assistant":
            telling.user(said(message.get("content")))
            continue
        exchange = _asked(exchanges, told[:place])
        telling.reply(
            said(message.get("content")),
            model=exchange.model if exchange else longest.model,
            at=exchange.at if exchange else None,
            usage=exchange.usage if exchange else None,
        )
    return telling


def _asked(exchanges: Sequence[_Exchange], messages: Sequence[Json]) -> _Exchange | None:
    """Return the request that was made of these messages, as its length and its end tell."""
    if not messages:
        return None
    end = said(messages[-1].get("content"))
    return next((e for e in exchanges if len(e.said) == len(messages) and e.end == end), None)
