"""What collapsed turns keep out of a request, in tokens as they are counted.

Rule of this file: their pages are counted as all pages are; here is what stood beside them, and
what of a page would have stayed as its stub, less the summary. Runs in the recorder's thread only.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping

from pichay_core.cooperate.fold import Fold, shown
from pichay_core.folding import standing
from pichay_core.model import Handle, SessionId
from pichay_core.store.records import Turned
from pichay_core.store.turns import Counted
from pichay_core.store.vocabulary import count_tokens
from pichay_core.tokens import O200K_BYTES_PER_TOKEN
from pichay_core.wire.format import Edits, Format
from pichay_core.wire.message import THINKING, Message

MOST_COUNTED = 1_024
"""Folds whose tokens are kept in memory; those of others are counted again."""


class CollapsedTurns:
    """Counts each fold once."""

    def __init__(self) -> None:
        self._counted: OrderedDict[tuple[SessionId, Handle], int] = OrderedDict()

    def beside(self, record: Turned, counted: Iterable[Counted], each: float) -> Mapping[int, int]:
        """Return the tokens that are missing beside those of pages, by the turn they left in.

        *each*: tokens of the model per byte of text.
        """
        found, pages = Counter[int](), list(counted)
        for fold in standing(record.after):
            text = self._text(record, fold) * each * O200K_BYTES_PER_TOKEN
            thought = sum(m.thought for m in record.after.messages[fold.first : fold.until]) * each
            stubs = sum(_left(one) for one in pages if _within(record, fold, one))
            found[fold.done or 0] += round(text + thought) + stubs
        return found

    def _text(self, record: Turned, fold: Fold) -> int:
        """Return the tokens of a fold beside results and thinking, less those of its summary."""
        name = (record.after.id, fold.handle)
        if name not in self._counted:
            messages = record.after.messages[fold.first : fold.until]
            whole = sum(_said(message, record.format) for message in messages)
            self._counted[name] = whole - count_tokens(shown(fold))
        self._counted.move_to_end(name)
        while len(self._counted) > MOST_COUNTED:
            self._counted.popitem(last=False)
        return self._counted[name]


def _said(message: Message, format: Format) -> int:
    """Count what a message holds beside its results and thinking; with a picture, by its size."""
    opaque = any(result.opaque for result in message.results)
    if not opaque and all(block.type in _TEXTUAL for block in message.blocks):
        return tokens_beside(message, format, thinking=False)
    rest = message.size - sum(result.bytes for result in message.results)
    return round(max(0, rest) / O200K_BYTES_PER_TOKEN)


_TEXTUAL = ("text", "tool_use", "tool_result", *THINKING)


def tokens_beside(message: Message, format: Format, thinking: bool = True) -> int:
    """Count what a message adds to a window beside its results, nearly: its JSON unescaped."""
    texts = {result.block: "" for result in message.results}
    bare = format.write(message.raw, Edits(texts, {}, unthought=not thinking))
    return count_tokens(bare.decode(errors="replace").replace("\\n", "\n"))


def _left(one: Counted) -> int:
    """Return the tokens that the accounts of pages still have in the window."""
    out = one.gain if one.entry.out else 0
    return one.tokens - one.short - out


def _within(record: Turned, fold: Fold, one: Counted) -> bool:
    return fold.first <= record.after.frames[one.entry.page.id].message < fold.until
