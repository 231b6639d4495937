"""What stands before the messages as it goes upstream.

Rule of this file: a function of the client's own text and the session's choice alone, so that
the same front comes out for as long as the client sends the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from pichay_core.birth.choice import Birth
from pichay_core.birth.clearing import asking
from pichay_core.birth.definitions import deferred, short
from pichay_core.birth.protocol import PROTOCOL
from pichay_core.cooperate.tags import told as tags_told
from pichay_core.cooperate.tools import definitions
from pichay_core.request import Request
from pichay_core.wire import jsontext
from pichay_core.wire.format import Format
from pichay_core.wire.jsontext import Place


@dataclass(frozen=True, slots=True)
class Front:
    """What is put in place of what the client sends beside its messages, and what that does."""

    edits: tuple[tuple[Place, bytes], ...] = ()
    definitions: int = 0
    """Bytes of tool definitions that the model is not given."""
    protocol: int = 0
    """Bytes of text that the client did not send, here or behind its messages."""
    clears: bool = False
    """The provider is asked to clear old tool results."""
    betas: tuple[str, ...] = ()
    """Features that this front needs."""


AS_IT_CAME = Front()


def front(request: Request, birth: Birth | None) -> Front:
    """Return the front of a session with this choice; as it came if none was made."""
    if birth is None:
        return AS_IT_CAME
    fields, head = request.outline.fields, request.head
    edits: list[tuple[Place, bytes]] = []
    saved = added = 0
    if head.raw_tools is not None:
        tools = head.raw_tools
        if birth.way != "whole" and birth.reduced:
            tools, saved = _reduced(request.format, tools, birth)
        ours = offers(request, birth)
        offered = _offered(request.format, tools, ours) if ours else tools
        added += len(offered) - len(tools)
        edits += [(fields["tools"], offered)] if offered != head.raw_tools else []
    if birth.told and head.raw_system is not None:
        system = _told(request.format, head.raw_system, birth.nonce)
        edits.append((fields["system"], system))
        added += len(system) - len(head.raw_system)
    if asked := asking(request, birth):
        edits.append((asked.place, asked.text))
    if not edits:
        return AS_IT_CAME
    betas = (asked.beta,) if asked else ()
    return Front(tuple(edits), saved, added, asked is not None, betas)


@lru_cache(maxsize=64)
def _reduced(format: Format, tools: bytes, birth: Birth) -> tuple[bytes, int]:
    """Return the array of tools as it is sent, and how many bytes of it the model is not given.

    Of deferred definitions that is all of it, until they have been looked up: then they stand
    in the conversation. Without the provider's search nothing can be looked up, so nothing is
    deferred.
    """
    places = format.definitions(tools)
    named = {name: places[name] for name in sorted(birth.reduced & places.keys())}
    if birth.way == "short":
        sent = jsontext.splice(tools, _made(short, tools, named))
        return sent, len(tools) - len(sent)
    if not format.searches(tools):
        return tools, 0
    edits = dict(_made(deferred, tools, named))
    known = {named[name] for name in birth.called & named.keys()}
    kept_out = sum(place.end - place.start for place in edits.keys() - known)
    return jsontext.splice(tools, edits.items()), kept_out


def _made(
    make: Callable[[bytes], bytes | None], tools: bytes, named: dict[str, Place]
) -> Iterator[tuple[Place, bytes]]:
    for place in named.values():
        new = make(tools[place.start : place.end])
        if new is not None:
            yield place, new


def offers(request: Request, birth: Birth | None) -> tuple[str, ...]:
    """Return the tools of ours that a request offers: none that the client has by the same name."""
    if birth is None or request.head.raw_tools is None:
        return ()
    return tuple(name for name in birth.offers if name not in request.head.tool_names)


@lru_cache(maxsize=64)
def _offered(format: Format, tools: bytes, names: tuple[str, ...]) -> bytes:
    return format.offered(tools, definitions(format, names))


@lru_cache(maxsize=64)
def _told(format: Format, system: bytes, nonce: str) -> bytes:
    return format.told(system, f"{PROTOCOL} {tags_told(nonce)}" if nonce else PROTOCOL)
