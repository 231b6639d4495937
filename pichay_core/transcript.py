"""From messages to pages: which page stands in which frame, and which are new.

One idea: a page is named by its call, its content and how often that pair stood earlier in
the same conversation. So a name depends on nothing but the history, survives a restart, and
tells a fresh result from an older equal one even where a client reuses call ids.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from pichay_core.admission import Arrival
from pichay_core.model import Call, Kind, Page, PageId
from pichay_core.session import Frame
from pichay_core.wire.message import Message, Result

USER = "user"


@dataclass(frozen=True, slots=True)
class Placed:
    """Frames of a conversation, and the pages of the messages that were new."""

    frames: Mapping[PageId, Frame]
    pages: tuple[Arrival, ...]
    """Pages of the new messages, in order, with the turn each came in."""
    turn: int


def place(
    messages: Sequence[Message],
    start: int,
    frames: Mapping[PageId, Frame],
    turn: int,
    tokens_of: Callable[[int], int],
) -> Placed:
    """Find the pages of ``messages[start:]``; *frames* holds those of the messages before.

    ``turn`` is the clock before ``messages[start]``; every user message advances it by one.
    """
    found = dict(frames)
    arrivals: list[Arrival] = []
    for position in range(start, len(messages)):
        message = messages[position]
        turn += message.role == USER
        for result in message.results:
            page = _page(result, _call(messages, position, result), found, tokens_of)
            found[page.id] = Frame(position, result.block)
            arrivals.append(Arrival(page, turn, result.unchanged))
    return Placed(found, tuple(arrivals), turn)


def frames_before(frames: Mapping[PageId, Frame], message: int) -> dict[PageId, Frame]:
    """Return the frames that stand before a message."""
    return {page: frame for page, frame in frames.items() if frame.message < message}


def newest(messages: Sequence[Message], frames: Mapping[PageId, Frame]) -> frozenset[PageId]:
    """Return the pages that came after the last reply: the model has not seen them yet."""
    reply = _last(messages, lambda message: message.role == "assistant")
    return frozenset(page for page, frame in frames.items() if frame.message > reply)


def before_thinking(
    messages: Sequence[Message],
    frames: Mapping[PageId, Frame],
    stripped: int = 0,
    folded: Collection[int] = (),
) -> frozenset[PageId]:
    """Return the pages that stand before a signed thinking block that is sent.

    On models that bind a signature to all that precedes it, these must stay as they are. The
    first *stripped* messages are sent without their thinking, what is *folded* not at all.
    """
    positions = reversed(range(stripped, len(messages)))
    sent = (at for at in positions if messages[at].thinks and at not in folded)
    thought = next(sent, None)
    if thought is None:
        return frozenset()
    return frozenset(page for page, frame in frames.items() if frame.message < thought)


def _last(messages: Sequence[Message], wanted: Callable[[Message], bool]) -> int:
    positions = range(len(messages) - 1, -1, -1)
    return next((position for position in positions if wanted(messages[position])), -1)


def _page(
    result: Result, call: Call, taken: Mapping[PageId, Frame], tokens_of: Callable[[int], int]
) -> Page:
    return Page(
        id=_free_name(result, call, taken),
        call=call,
        digest=result.digest,
        bytes=result.bytes,
        lines=result.lines,
        tokens=tokens_of(result.bytes),
        error=result.error,
        opaque=result.opaque,
        cleared=result.cleared,
    )


def _free_name(result: Result, call: Call, taken: Mapping[PageId, Frame]) -> PageId:
    occurrence = 0
    while (name := _name(result, call, occurrence)) in taken:
        occurrence += 1
    return name


def _name(result: Result, call: Call, occurrence: int) -> PageId:
    said = "\0".join((result.call_id, call.tool, call.arguments, result.digest, str(occurrence)))
    digest = hashlib.blake2b(said.encode(errors="surrogatepass"), digest_size=10)
    return PageId(digest.hexdigest())


def _call(messages: Sequence[Message], position: int, result: Result) -> Call:
    """Return the newest call before *position* that the result answers.

    Where parallel calls share an id, they are taken to be answered in their order.
    """
    earlier = messages[position].results[: messages[position].results.index(result)]
    rank = sum(other.call_id == result.call_id for other in earlier)
    for message in reversed(messages[max(0, position - 3) : position]):
        if calls := [call for call in message.calls if call.id == result.call_id]:
            return calls[min(rank, len(calls) - 1)]
    return Call(result.call_id, "unknown", "", Kind.RUN, "unknown")
