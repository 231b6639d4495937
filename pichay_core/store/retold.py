"""Messages made up again from what was recorded of them: pages, calls, sizes.

Rule of this file: one recorded value gives one message, for ever. What the pager looks at
(calls, results, digests) is what was recorded; only text that nobody kept is made up.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from pichay_core.model import Call
from pichay_core.table import Entry
from pichay_core.traces import blocks
from pichay_core.traces.blocks import Block
from pichay_core.traces.conversation import ASSISTANT, CLEARED, USER
from pichay_core.wire import anthropic, jsontext
from pichay_core.wire.message import Message, Result

NOTE = "File unchanged since last read."
"""Stands for a client's note of that kind, which is not recorded as it was."""

_NEAR = 3
"""Messages that a result's call may stand before it, as live traffic looks for it."""

_PROSE = """the value of this line is read from a file and then kept in memory until it
    returns def class import for while if else return None True False self name path open list
    request response error result index count token window page table session test check = ( )
    print write format string number object field update delete select where order group { } :
    -> == != += [] () {} "" 0 1 2 # , ; | x y n i"""
_WORDS = _PROSE.split()
"""About as many bytes to a token as in what tools really bring."""


@dataclass(slots=True)
class Spoken:
    """One message to be made up."""

    role: str
    seed: str
    """What its text is made of: no two messages of a session have the same."""
    pages: list[Entry] = field(default_factory=list[Entry])
    calls: list[Call] = field(default_factory=list[Call])
    words: int = 0
    """Bytes of text, beside the few that name it."""

    @property
    def bytes(self) -> int:
        """What it adds to a window: text, results and arguments."""
        results = sum(entry.page.bytes for entry in self.pages if entry.repairs is None)
        arguments = sum(len(call.arguments) for call in self.calls)
        return results + arguments + len(_name(self)) + self.words


def roles(new: int, users: int) -> list[str]:
    """Return whose *new* messages are, *users* of them the user's: in turns, the user's last."""
    others, found = new - users, list[str]()
    for at in range(new):
        user = users > 0 and (at % 2 == 0 or others == 0)
        users, others = users - user, others - (not user)
        found.append(USER if user else ASSISTANT)
    return found[::-1]


def put_calls(spoken: list[Spoken]) -> None:
    """Let the model make the calls that the messages after it answer.

    A call that stands in a message sent before is there already.
    """
    for at, one in enumerate(spoken):
        before = [other for other in spoken[max(0, at - _NEAR) : at] if other.role == ASSISTANT]
        for call in (entry.page.call for entry in one.pages if _was_made(entry.page.call)):
            if before and call.id not in [made.id for made in before[-1].calls]:
                before[-1].calls.append(call)


def _was_made(call: Call) -> bool:
    """False for the result of a call that nobody saw."""
    return (call.tool, call.arguments) != ("unknown", "")


def share(spoken: list[Spoken], room: int, reply: int) -> None:
    """Divide *room* bytes of text: a reply at the front takes up to *reply*, the rest is even."""
    rest = spoken
    if reply and spoken[0].role == ASSISTANT:
        own = reply - sum(len(call.arguments) for call in spoken[0].calls)
        spoken[0].words = min(room, max(0, own))
        room, rest = room - spoken[0].words, spoken[1:] or spoken
    for one in rest:
        one.words += room // len(rest)


def message(spoken: Spoken, kept: Callable[[str], bytes | None]) -> Message:
    """Return the message; *kept* returns recorded content by its digest."""
    said = blocks.text(_name(spoken) + filler(spoken.seed, spoken.words))
    calls = [blocks.call(call.id, call.tool, call.arguments) for call in spoken.calls]
    results = [_result(entry, kept) for entry in spoken.pages]
    raw = jsontext.encode({"role": spoken.role, "content": [*results, *said, *calls]})
    read = anthropic.read(raw)
    recorded = zip(read.results, spoken.pages, strict=True)
    return replace(
        read,
        calls=tuple(spoken.calls),
        results=tuple(_recorded(result, entry) for result, entry in recorded),
    )


def _name(spoken: Spoken) -> str:
    return f"[{spoken.seed}] "


def _result(entry: Entry, kept: Callable[[str], bytes | None]) -> Block:
    return blocks.result(entry.page.call.id, _content(entry, kept), entry.page.error)


def _content(entry: Entry, kept: Callable[[str], bytes | None]) -> object:
    page = entry.page
    if entry.repairs is not None:
        return NOTE
    if page.opaque:
        return [blocks.image(0)]
    if page.cleared:
        return CLEARED[: page.bytes]
    found = kept(page.digest)
    return filler(page.digest, page.bytes) if found is None else found.decode(errors="replace")


def _recorded(result: Result, entry: Entry) -> Result:
    """Return the result as it was recorded, but for a note: of that only the page is known."""
    page = entry.page
    if entry.repairs is not None:
        return result
    return replace(
        result,
        digest=page.digest,
        bytes=page.bytes,
        lines=page.lines,
        opaque=page.opaque,
        cleared=page.cleared,
    )


def filler(seed: str, size: int) -> str:
    """Return *size* bytes of words, in lines: the same for the same seed, and like prose."""
    drawn = hashlib.blake2b(seed.encode(errors="surrogatepass"), digest_size=64).digest()
    words = [_WORDS[number % len(_WORDS)] for number in drawn]
    lines = (" ".join(words[start : start + 8]) for start in range(0, len(words), 8))
    text = "\n".join(lines) + "\n"
    return (text * (size // len(text) + 1))[:size]
