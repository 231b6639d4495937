"""Chat Completions: a reply as its client knows it, told again as the model wrote it.

Rule of this file: what the client's message says is aligned with what it was shown, its text and
its calls in their order. Where that does not come out even, the client has changed it, and nothing
is put back.

A reply is one message with one text. So what it is told of in parts (:class:`Part`) is its text, if
it says anything; each of its calls; and before them the *rest*, an object of all its other members:
reasoning and its signatures, whatever a host calls them. Only all of them together are the message
that goes upstream.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pichay_core.wire import jsontext
from pichay_core.wire.anthropic_memory import sayable
from pichay_core.wire.openai_chat_items import (
    TOOL,
    calls,
    elements_of,
    items_of,
    kind_of,
    known_by,
    members_of,
    object_of,
    others,
    parts,
)
from pichay_core.wire.openai_chat_write import replaced
from pichay_core.wire.reply import Leg, Part
from pichay_core.wire.shapes import mapping, string

REST = "rest"
"""What the rest of a reply is known by: a client may drop any of it."""
BETWEEN = "\n\n"
"""What the client is shown between the texts of two replies that it takes for one."""
_APART = ("role", "content", "tool_calls")
"""Members of a message that are no part of its rest, but for a content that is no text."""


def answer(call_id: str, text: str, error: bool) -> bytes:
    """Return the result of a call as a message; that it failed is said by its text alone."""
    return b'{"role":"tool","tool_call_id":%b,"content":%b}' % (
        jsontext.encode(sayable(call_id)),
        jsontext.encode(sayable(text)),
    )


def spoken(leg: Leg) -> list[bytes]:
    """Return the messages that a leg adds to a conversation: the reply, and our answers."""
    return [_written(leg), b",".join(leg.answers)]


def rest_of(members: Mapping[str, bytes]) -> bytes:
    """Return the rest of a reply: all that it says beside its text and its calls.

    Members that hold nothing are left out; strict hosts do not know all that others send.
    """
    said = {name: value for name, value in members.items() if name not in _APART}
    kept = {name: value for name, value in said.items() if value not in (b"null", b"[]")}
    content = members.get("content", b"null")
    return object_of({"role": b'"assistant"', "content": content} | kept)


def call_known_by(id: str) -> str:
    """Return what a call is known by, in the reply and in the history alike."""
    return f"tool_use {id}"


def retold(
    raw: bytes, after: bytes | None, legs: Sequence[Leg], sure: bool = False
) -> tuple[list[bytes], bytes | None] | None:
    """Return the messages that stand for a reply, and the message *after* it with our answers.

    None if the client's message is not what it was shown, or, to be *sure*, if it was shown nothing
    that can be recognised. Without a message after it, calls of a last leg are left out: nobody
    could answer them. Raises Unreadable.
    """
    reply, asides = _reply(raw), [_aside(leg) for leg in legs]
    left = _left(reply, asides)
    if left is None or (sure and not any(map(_shows, asides))):
        return None
    messages = list[bytes]()
    for aside in (aside for aside in asides if aside.leg.goes_on):
        messages += (aside.written(reply.fields.keys()), b",".join(aside.leg.answers))
    last = asides[-1]
    if last.leg.goes_on:
        return [*messages, *_tail(reply, asides, left)], after
    answers = last.leg.answers if after is not None else ()
    messages += _ending(reply, asides, hidden=after is not None or not last.leg.answers)
    if after is None or not answers:
        return messages, after
    if _answers(after):
        return messages, b",".join((after, *answers))
    return [*messages, b",".join(answers)], after


def _shows(aside: "_Aside") -> bool:
    return any(part.shown is not None for part in (*aside.texts, *aside.calls))


def _answers(raw: bytes) -> bool:
    return any(item.get("role") == TOOL for item in items_of(raw))


@dataclass(frozen=True, slots=True)
class _Reply:
    """The client's message."""

    raw: bytes
    fields: Mapping[str, bytes]
    """The text of each of its members."""
    text: str
    calls: Sequence[tuple[str, bytes]]
    """What each is known by, and its text."""


def _reply(raw: bytes) -> _Reply:
    said = mapping(jsontext.value(raw))
    fields = members_of(raw)
    made = elements_of(fields.get("tool_calls", b""))
    known = (call_known_by(string(call.get("id"))) for call in calls(said))
    texts = (string(part.get("text")) for part in parts(said))
    return _Reply(raw, fields, "".join(texts), list(zip(known, made, strict=True)))


@dataclass(frozen=True, slots=True)
class _Aside:
    """A leg, by its parts."""

    leg: Leg
    rest: Mapping[str, bytes]
    altered: bool
    """Its rest was joined to that of another."""
    texts: Sequence[Part]
    calls: Sequence[Part]

    @property
    def content(self) -> bytes:
        """Its content as the model wrote it."""
        written = (part.raw for part in self.texts)
        return next(written, self.rest.get("content", b"null"))

    @property
    def opaque(self) -> bool:
        """True if its content is no text."""
        return self.content[:1] == b"["

    def written(self, kept: Iterable[str]) -> bytes:
        """Return it as the model wrote it, with those members of its rest that are *kept*."""
        names = {"role", *kept}
        rest = {name: value for name, value in self.rest.items() if name in names}
        return _said({**rest, "content": self.content}, [part.raw for part in self.calls])


def _aside(leg: Leg) -> _Aside:
    """Take a leg apart; a text is a JSON string, a call any other object than the rest."""
    rest = next((part for part in leg.parts if _is_rest(part)), Part(rest_of({}), REST))
    texts = [part for part in leg.parts if part.raw[:1] == b'"']
    made = [part for part in leg.parts if part.raw[:1] != b'"' and not _is_rest(part)]
    return _Aside(leg, members_of(rest.raw), rest.altered, texts, made)


def _is_rest(part: Part) -> bool:
    return part.raw.startswith(b'{"role":')


def _left(reply: _Reply, asides: Sequence[_Aside]) -> str | None:
    """Return what the client's message says behind all that it was shown; None if not that.

    A reply whose content is no text (Mistral's thinking) is recognised by its calls alone.
    """
    shown = [part.shown for aside in asides for part in aside.calls if part.shown is not None]
    goes_on = asides[-1].leg.goes_on
    made = [known for known, _ in reply.calls]
    if made != shown and not (goes_on and made[: len(shown)] == shown):
        return None
    left = reply.text
    if any(aside.opaque for aside in asides):
        return left
    for known in (part.shown for aside in asides for part in aside.texts if part.shown):
        begun = left.lstrip()
        length = int(known.split()[1])
        if known_by(begun[:length]) != known:
            return None
        left = begun[length:]
    return left if goes_on or not left.strip() else None


def _tail(reply: _Reply, asides: Sequence[_Aside], left: str) -> list[bytes]:
    """Return what the client has of a reply that followed, and was not kept: it broke off."""
    fields = dict(reply.fields)
    for aside in asides:
        for name in (aside.rest.keys() & fields.keys()) - set(_APART):
            fields[name] = _behind(fields[name], aside.rest[name])
    if any(part.shown for aside in asides for part in aside.texts):
        text = left.lstrip(BETWEEN[0])
        fields["content"] = jsontext.encode(text) if text.strip() else b"null"
    return _message(reply, fields, [call for _, call in reply.calls])


def _behind(value: bytes, before: bytes) -> bytes:
    """Return what stands in a member behind what another reply brought of it."""
    match jsontext.value(value), jsontext.value(before):
        case str(text), str(begun) if text.startswith(begun):
            return jsontext.encode(text.removeprefix(begun))
        case list(), list():
            one, other = elements_of(value), elements_of(before)
            same = one[: len(other)] == other
            return b"[" + b",".join(one[len(other) :]) + b"]" if same else value
        case _:
            return value


def _ending(reply: _Reply, asides: Sequence[_Aside], hidden: bool) -> list[bytes]:
    """Return the client's message as the last leg was written; nothing if that says nothing.

    Without *hidden* calls where nobody could answer them.
    """
    last, earlier = asides[-1], asides[:-1]
    fields = dict(reply.fields)
    if last.altered:
        for name in {name for aside in asides for name in aside.rest} - set(_APART):
            fields |= {name: last.rest.get(name, b"")} if name in fields else {}
    joined = any(aside.opaque or any(part.shown for part in aside.texts) for aside in earlier)
    if last.opaque:
        fields |= {"content": last.content} if joined else {}
    elif joined or any(part.shown is None or part.altered for part in last.texts):
        fields["content"] = replaced(fields.get("content", b""), last.content)
    given = iter([call for _, call in reply.calls])
    made = [next(given) if part.shown else part.raw for part in last.calls if part.shown or hidden]
    return _message(reply, {name: value for name, value in fields.items() if value}, made)


def _message(reply: _Reply, fields: Mapping[str, bytes], made: Sequence[bytes]) -> list[bytes]:
    """Return a message with these members and calls, the client's own if it is the same.

    None that says nothing: hosts refuse it.
    """
    said = {name: jsontext.value(value) for name, value in fields.items() if name != "tool_calls"}
    texts = (string(part.get("text")).strip() or kind_of(part) != "text" for part in parts(said))
    if not (made or any(texts) or any(others(said))):
        return []
    same = dict(fields) == reply.fields and [*made] == [call for _, call in reply.calls]
    return [reply.raw if same else _said(fields, made)]


def _said(fields: Mapping[str, bytes], made: Sequence[bytes]) -> bytes:
    """Return a message as JSON, its calls in their place, or at its end."""
    written = {name: value for name, value in fields.items() if name != "tool_calls" or made}
    return object_of(written | ({"tool_calls": b"[" + b",".join(made) + b"]"} if made else {}))


def _written(leg: Leg) -> bytes:
    aside = _aside(leg)
    return aside.written(aside.rest)
