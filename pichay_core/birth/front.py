"""What stands before the messages as it goes upstream.

Rule of this file: a function of the client's own text and the session's choice alone, so that
the same front comes out for as long as the client sends the same.
"""

from dataclasses import dataclass
from functools import lru_cache

from pichay_core.birth.choice import Birth
from pichay_core.birth.clearing import asking
from pichay_core.birth.definitions import short
from pichay_core.birth.protocol import PROTOCOL
from pichay_core.request import Request
from pichay_core.wire import jsontext
from pichay_core.wire.format import Format
from pichay_core.wire.jsontext import Place


@dataclass(frozen=True, slots=True)
class Front:
    """What is put in place of what the client sends beside its messages, and what that does."""

    edits: tuple[tuple[Place, bytes], ...] = ()
    definitions: int = 0
    """Bytes of tool definitions that are not sent."""
    protocol: int = 0
    """Bytes of text that the client did not send."""
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
    if birth.way == "short" and head.raw_tools is not None:
        tools = _shortened(request.format, head.raw_tools, birth.names)
        edits.append((fields["tools"], tools))
        saved = len(head.raw_tools) - len(tools)
    if birth.told and head.raw_system is not None:
        system = _told(request.format, head.raw_system)
        edits.append((fields["system"], system))
        added = len(system) - len(head.raw_system)
    if asked := asking(request, birth):
        edits.append((asked.place, asked.text))
    if not (saved or added or asked):
        return AS_IT_CAME
    betas = (asked.beta,) if asked else ()
    return Front(tuple(edits), saved, added, asked is not None, betas)


@lru_cache(maxsize=64)
def _shortened(format: Format, tools: bytes, names: frozenset[str]) -> bytes:
    places = format.definitions(tools)
    made = ((places[name], short(_slice(tools, places[name]))) for name in names & places.keys())
    return jsontext.splice(tools, [(place, new) for place, new in made if new is not None])


@lru_cache(maxsize=64)
def _told(format: Format, system: bytes) -> bytes:
    return format.told(system, PROTOCOL)


def _slice(text: bytes, place: Place) -> bytes:
    return text[place.start : place.end]
