"""What becomes of definitions that were left out, once the model wants the tool all the same.

Rule of this file: the call itself works, because a short definition accepts what the full one
accepts. The full one is sent again when that costs nothing: when the provider has nothing cached
and has bound nothing to the front. A client that demands the call gets it at once, at its price.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from pichay_core.birth.choice import Birth
from pichay_core.birth.front import front
from pichay_core.birth.profile import sizes
from pichay_core.events import Called, Event, Restored, Shortened
from pichay_core.request import Request
from pichay_core.tokens import tokens_of_bytes
from pichay_core.wire.message import Message


def announced(birth: Birth, request: Request) -> tuple[Event, ...]:
    """Return what is told of a birth: that definitions are left out, if they are."""
    saved = front(request, birth).definitions
    if not saved:
        return ()
    tokens = tokens_of_bytes(saved, request.head.model)
    return (Shortened(birth.why, len(birth.names), tokens),)


def carried_on(
    birth: Birth, request: Request, new: Sequence[Message], cold: bool, bound: bool
) -> tuple[Birth, tuple[Event, ...]]:
    """Return the choice after a request that brought these *new* messages, and what happened.

    *cold*: the provider holds nothing of the conversation. *bound*: it has thinking that is
    valid behind this very front only; then nothing of it may change.
    """
    if not birth.reduced:
        return birth, ()
    called = _called(birth, request, new)
    known = replace(birth, called=birth.called | called)
    due = frozenset[str]() if bound else _due(known, request, cold)
    return replace(known, whole=known.whole | due), tuple(_told(called, due, request))


def _called(birth: Birth, request: Request, new: Iterable[Message]) -> frozenset[str]:
    named = (request.format.mentions(message.raw) for message in new)
    return birth.names.intersection(frozenset[str]().union(*named)) - birth.called


def _told(
    called: frozenset[str], due: frozenset[str], request: Request
) -> Iterator[Called | Restored]:
    if not called | due:
        return
    model, bytes_of = request.head.model, sizes(request)
    for tool in sorted(called):
        yield Called(tool, tokens_of_bytes(bytes_of.get(tool, 0), model))
    for tool in sorted(due):
        why = "forced" if tool == request.head.forced else "cold"
        yield Restored(tool, why, tokens_of_bytes(bytes_of.get(tool, 0), model))


def _due(birth: Birth, request: Request, cold: bool) -> frozenset[str]:
    """Return the tools that go out in full from now on."""
    forced = birth.reduced & {request.head.forced}
    if not cold or birth.way != "short":
        return forced
    return forced | (birth.reduced & birth.called)
