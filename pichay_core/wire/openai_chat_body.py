"""Chat Completions: a reply in one piece on its way to the client, without what is between us.

Rule of this file: the very bytes that came if nothing was kept back and nothing added, else the
last leg's completion by the name of the first, with the texts, the calls that are shown and all
else of every leg in one message. What is no completion of one choice passes as it came.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

from pichay_core.wire import jsontext
from pichay_core.wire import openai_chat_edits as edits
from pichay_core.wire.anthropic_leg import Numbers
from pichay_core.wire.jsontext import Place, Unreadable
from pichay_core.wire.onepiece import OnePiece
from pichay_core.wire.openai_chat_items import elements_of, members_of, object_of
from pichay_core.wire.openai_chat_leg import Leg
from pichay_core.wire.openai_chat_merge import blank, merged
from pichay_core.wire.reply import TOOL_USE, Reply, TextFilter
from pichay_core.wire.shapes import Json, items, mapping, string
from pichay_core.wire.tally import Tally, together

_OWN = ("role", "content", "tool_calls")


def stop_of(reason: str, calls: bool) -> str:
    """Say why a reply ended: some hosts say of one that calls tools that it just stopped."""
    return TOOL_USE if reason == "tool_calls" or (reason == "stop" and calls) else reason


@dataclass(frozen=True, slots=True)
class _Read:
    """One leg: its body, what the client is shown of it, and what it was."""

    body: bytes
    said: Json
    """Its message."""
    leg: Leg
    calls: tuple[bytes, ...]
    """Those that the client is shown."""
    written: Tally
    reason: str
    reply: Reply


class ReplyBody(OnePiece[_Read]):
    """One completion for the client in one piece, over one or more legs."""

    def __init__(
        self, names: frozenset[str], text_filter: Callable[[], TextFilter] | None = None
    ) -> None:
        super().__init__(self._read_leg, _completion)
        self._names = names
        self._new_filter = text_filter
        self._earlier = list[Leg]()

    def _read_leg(self, body: bytes) -> _Read:
        said = mapping(jsontext.value(body))
        choice, place = _choice(body)
        message = mapping(choice.get("message"))
        came = elements_of(members_of(body[place.start : place.end]).get("tool_calls", b""))
        leg = self._leg()
        leg.take(_counted(message), len(body), lambda: came)
        list(leg.let_out())
        self._earlier.append(leg)
        shown = zip(leg.calls, came, strict=True)
        reason = string(choice.get("finish_reason"))
        return _Read(
            body=body,
            said=message,
            leg=leg,
            calls=tuple(raw for call, raw in shown if not call.ours),
            written=edits.tally(mapping(said.get("usage"))),
            reason=reason,
            reply=leg.reply(stop_of(reason, bool(leg.calls)), bool(reason)),
        )

    def _leg(self) -> Leg:
        joined = any(leg.text.strip() for leg in self._earlier)
        follows = any(leg.rests for leg in self._earlier)
        return Leg(self._names, self._new_filter, Numbers(), joined=joined, follows=follows)


def _choice(body: bytes) -> tuple[Json, Place]:
    """Return the one choice of a completion, and where its message stands. Raises Unreadable."""
    fields = jsontext.members(body)
    places = jsontext.elements(body, fields["choices"]) if "choices" in fields else []
    place = jsontext.members(body, places[0]).get("message") if len(places) == 1 else None
    choice = mapping(jsontext.value(body, places[0])) if place else mapping(None)
    if place is None or not isinstance(choice.get("message"), dict):
        raise Unreadable("there is no message")
    return choice, place


def _counted(message: Json) -> Json:
    """Return a message with its calls numbered: each is one of its own, whatever its id."""
    calls = enumerate(items(message.get("tool_calls")))
    numbered = [{**mapping(call), "index": at} for at, call in calls]
    return {**message, "tool_calls": numbered} if numbered else message


def _completion(legs: Sequence[_Read]) -> bytes:
    """Return the one completion that the client gets."""
    first, last = legs[0], legs[-1]
    if len(legs) == 1 and not first.reply.differs:
        return first.body
    fields, (_, place) = jsontext.members(last.body), _choice(last.body)
    choice = jsontext.members(last.body, jsontext.elements(last.body, fields["choices"])[0])
    changed = [(place, object_of(dict(_message(legs, last.body[place.start : place.end]))))]
    named = edits.named(first.body)
    changed += [(fields[name], named[name]) for name in edits.KEPT if {name} <= {*fields, *named}]
    if last.reason == "tool_calls" and not last.calls:
        changed.append((choice["finish_reason"], b'"stop"'))
    before = reduce(together, (leg.written for leg in legs[:-1]), {})
    if before and last.written:
        changed += edits.counted(last.body, fields["usage"], before)
    return jsontext.splice(last.body, changed)


def _message(legs: Sequence[_Read], last: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the members of the message that is made of these."""
    text = "".join(leg.leg.text for leg in legs)
    calls = [call for leg in legs for call in leg.calls]
    own = members_of(last)
    joined = {name: leg.said[name] for leg in legs for name in leg.said if name not in own}
    for name, value in {**own, **dict.fromkeys(joined, b"null")}.items():
        if name == "tool_calls":
            continue
        if name == "content" and value[:1] in (b'"', b"n"):
            yield name, jsontext.encode(text or (None if value == b"null" else ""))
        else:
            yield name, value if name in _OWN else _joined(name, value, legs)
    if calls:
        yield "tool_calls", b"[" + b",".join(calls) + b"]"


def _joined(name: str, value: bytes, legs: Sequence[_Read]) -> bytes:
    """Return a member with what the replies before the last brought of it."""
    brought = [leg.said[name] for leg in legs if not blank(leg.said.get(name))]
    return jsontext.encode(reduce(merged, brought)) if brought[1:] or value == b"null" else value
