"""OpenAI Responses: a reply in one piece on its way to the client, without what is between us.

Rule of this file: the very bytes that came if nothing was kept back and nothing added, else the
last leg's response with the id of the first and the items that are shown of all legs, each as it
came. What is no response passes as it came.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

from pichay_core.wire import jsontext
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.onepiece import OnePiece
from pichay_core.wire.openai_responses_edits import Whole, rebuilt, tally
from pichay_core.wire.openai_responses_leg import Leg, Numbers
from pichay_core.wire.reply import TOOL_USE, Reply, TextFilter
from pichay_core.wire.shapes import Json, mapping, string
from pichay_core.wire.tally import together


def stop_of(response: Json, calls: bool) -> str:
    """Say why a response ended: this wire has no word for calls that are to be answered."""
    status = string(response.get("status"))
    if status == "completed":
        return TOOL_USE if calls else status
    return string(mapping(response.get("incomplete_details")).get("reason")) or status


@dataclass(frozen=True, slots=True)
class _Read:
    """One leg: its body, what the client is shown of it, and what it was."""

    body: bytes
    said: Json
    shown: tuple[bytes, ...]
    reply: Reply


class ReplyBody(OnePiece[_Read]):
    """One response for the client in one piece, over one or more legs."""

    def __init__(
        self, names: frozenset[str], text_filter: Callable[[], TextFilter] | None = None
    ) -> None:
        super().__init__(self._leg, _message)
        self._new_leg: Callable[[], Leg] = lambda: Leg(names, text_filter, Numbers())

    def _leg(self, body: bytes) -> _Read:
        said, leg = mapping(jsontext.value(body)), self._new_leg()
        output = jsontext.members(body).get("output")
        if said.get("object") != "response" or output is None:
            raise Unreadable("there is no response")
        leg.stored = said.get("store") is not False
        leg.complete([body[at.start : at.end] for at in jsontext.elements(body, output)])
        return _Read(
            body=body,
            said=said,
            shown=tuple(leg.shown().values()),
            reply=Reply(
                parts=tuple(leg.parts()),
                asks=tuple(leg.asked()),
                calls=leg.calls(),
                tags=tuple(leg.tags()),
                stop=stop_of(said, bool(leg.calls() or leg.asks)),
                whole=leg.whole,
            ),
        )


def _message(legs: Sequence[_Read]) -> bytes:
    """Return the one response that the client gets."""
    first, last = legs[0], legs[-1]
    if len(legs) == 1 and not first.reply.differs:
        return first.body
    before = reduce(together, (tally(mapping(leg.said.get("usage"))) for leg in legs[:-1]), {})
    output = [item for leg in legs for item in leg.shown]
    return rebuilt(last.body, Whole(string(first.said.get("id")), output, before))
