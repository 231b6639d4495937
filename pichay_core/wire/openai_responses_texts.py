"""OpenAI Responses: the texts of one message of a reply, filtered as they come.

Rule of this file: a text is told four times (in pieces, at its end, at the end of its part and in
the whole item), and each time it is the same.
"""

from collections.abc import Callable, Iterator

from pichay_core.wire import openai_responses_edits as edits
from pichay_core.wire.reply import TextFilter
from pichay_core.wire.shapes import Json, items, mapping, string


class Texts:
    """The texts of one message, by the number of the part that each stands in."""

    def __init__(self, new: Callable[[], TextFilter]) -> None:
        self._new = new
        self._filters = dict[int, TextFilter]()
        self._said = dict[int, list[str]]()
        self._last = dict[int, bytes]()
        self._over = set[int]()

    @property
    def visible(self) -> bool:
        """True if the client is to see anything of them."""
        return any(said.strip() for pieces in self._said.values() for said in pieces)

    def taken(self) -> Iterator[str]:
        """Yield what stood in the tags that were taken out."""
        for filter in self._filters.values():
            yield from filter.taken

    def event(self, frame: bytes, event: Json) -> list[bytes]:
        """Return an event of the message, and what must stand before it, with what may be shown."""
        at = event.get("content_index")
        number = at if isinstance(at, int) else 0
        match event:
            case {"type": "response.output_text.delta", "delta": str(text)}:
                return self._piece(frame, number, text)
            case {"type": "response.content_part.added", "part": {"text": str(text)}} if text:
                return [_retold(frame, ("part", "text"), text, self._feed(number, text))]
            case {"type": "response.output_text.done", "text": str(text)}:
                return [*self._rest(number), self._whole(frame, ("text",), number, text)]
            case {"type": "response.content_part.done", "part": {"text": str(text)}}:
                rest = self._rest(number)
                return [*rest, self._whole(frame, ("part", "text"), number, text)]
            case {"type": "response.output_item.done", "item": {"content": list()}}:
                return self._item(frame, mapping(event["item"]))
            case _:
                return [frame]

    def item(self, raw: bytes, item: Json) -> bytes:
        """Return a message in one piece with what may be shown of its texts."""
        content = items(item.get("content"))
        frame = b'data: {"item":' + raw + b"}"
        for number, part in enumerate(map(mapping, content)):
            if part.get("type") == "output_text":
                path = ("item", "content", number, "text")
                frame = self._whole(frame, path, number, string(part.get("text")))
        return edits.member(frame, "item")

    def _item(self, frame: bytes, item: Json) -> list[bytes]:
        before = list[bytes]()
        for number, part in enumerate(map(mapping, items(item.get("content")))):
            if part.get("type") == "output_text":
                before += self._rest(number)
                path = ("item", "content", number, "text")
                frame = self._whole(frame, path, number, string(part.get("text")))
        return [*before, frame]

    def _piece(self, frame: bytes, number: int, text: str) -> list[bytes]:
        self._last[number] = frame
        through = self._feed(number, text)
        return [_retold(frame, ("delta",), text, through)] if through or not text else []

    def _feed(self, number: int, text: str) -> str:
        if number not in self._filters:
            self._filters[number], self._said[number] = self._new(), []
        through = self._filters[number].feed(text)
        self._said[number].append(through)
        return through

    def rests(self) -> list[bytes]:
        """Return what is still held back of texts that nothing ends."""
        return [frame for number in self._filters for frame in self._rest(number)]

    def _rest(self, number: int) -> list[bytes]:
        """Return what was held back of a text that is over, as one more piece of it."""
        if number in self._over or number not in self._filters:
            return []
        self._over.add(number)
        rest = self._filters[number].end()
        self._said[number].append(rest)
        if not rest or number not in self._last:
            return []
        return [edits.with_text(self._last[number], ("delta",), rest)]

    def _whole(self, frame: bytes, path: tuple[str | int, ...], number: int, text: str) -> bytes:
        """Return an event that holds a whole text with what was shown of it."""
        if number not in self._filters:
            self._feed(number, text)
            self._rest(number)
        return _retold(frame, path, text, "".join(self._said[number]))


def _retold(frame: bytes, path: tuple[str | int, ...], text: str, shown: str) -> bytes:
    return frame if shown == text else edits.with_text(frame, path, shown)
