"""Replies of a model as a provider streams them, and what a client makes of them.

A block is a dictionary as it stands in a message. ``frames`` streams blocks, ``whole`` says the
same in one piece, ``message_of`` is what the official client library understands.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from anthropic._streaming import SSEDecoder
from anthropic.lib.streaming._messages import accumulate_event

from pichay_core.wire import jsontext, sse
from pichay_core.wire.reply import Reply, Stream

type Json = dict[str, Any]

NAMES = frozenset({"memory_fault", "memory_release"})
PING = b'event: ping\ndata: {"type": "ping"}\n\n'
PIECE = 7
"""Letters in one delta."""


def event(kind: str, **said: object) -> bytes:
    data = jsontext.encode({"type": kind, **said})
    return f"event: {kind}\ndata: ".encode() + data + b"\n\n"


def text(said: str, **more: object) -> Json:
    return {"type": "text", "text": said, **more}


def thinking(said: str, signature: str) -> Json:
    return {"type": "thinking", "thinking": said, "signature": signature}


def call(name: str, id: str, **arguments: object) -> Json:
    return {"type": "tool_use", "id": id, "name": name, "input": arguments}


def ours(id: str, **arguments: object) -> Json:
    return call("memory_fault", id, **(arguments or {"pages": ["qj3k7w2m"]}))


CITATION = {
    "type": "char_location", "cited_text": "a \u00e9", "document_index": 0,
    "document_title": None, "start_char_index": 0, "end_char_index": 3, "file_id": None,
}  # fmt: skip


def pieces(said: str, size: int = PIECE) -> list[str]:
    return [said[at : at + size] for at in range(0, len(said), size)]


def block_frames(index: int, block: Json, size: int = PIECE) -> list[bytes]:
    """The events of one block."""
    start, deltas = begun(block), list[Json]()
    match block["type"]:
        case "text":
            deltas += [{"type": "text_delta", "text": part} for part in pieces(block["text"], size)]
            cited = block.get("citations") or ()
            deltas += [{"type": "citations_delta", "citation": citation} for citation in cited]
        case "thinking":
            thought = pieces(block["thinking"], size)
            deltas += [{"type": "thinking_delta", "thinking": part} for part in thought]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        case "tool_use" | "server_tool_use":
            written = jsontext.encode(block["input"]).decode() if block["input"] else ""
            parts = ["", *pieces(written, size)]
            deltas += [{"type": "input_json_delta", "partial_json": part} for part in parts]
        case _:
            pass
    return [
        event("content_block_start", index=index, content_block=start),
        *(event("content_block_delta", index=index, delta=delta) for delta in deltas),
        event("content_block_stop", index=index),
    ]


def begun(block: Json) -> Json:
    """A block as it stands in the event that begins it."""
    empty: Json = {"text": "", "thinking": "", "signature": "", "citations": [], "input": {}}
    whole = "_result" in block["type"]
    return {name: value if whole else empty.get(name, value) for name, value in block.items()}


def stop_of(blocks: Iterable[Json]) -> str:
    return "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"


def head(read: int = 100) -> Json:
    usage = {"input_tokens": 3, "cache_read_input_tokens": read, "output_tokens": 1}
    return {
        "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-4-6",
        "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage,
    }  # fmt: skip


def frames(
    blocks: Sequence[Json], stop: str = "", out: int = 10, read: int = 100, size: int = PIECE
) -> list[bytes]:
    """The events of one reply."""
    usage = {"input_tokens": 3, "cache_read_input_tokens": read, "output_tokens": out}
    delta = {"stop_reason": stop or stop_of(blocks), "stop_sequence": None}
    return [
        event("message_start", message=head(read)),
        PING,
        *(f for at, block in enumerate(blocks) for f in block_frames(at, block, size)),
        event("message_delta", delta=delta, usage=usage),
        event("message_stop"),
    ]


def whole(blocks: Sequence[Json], stop: str = "", out: int = 10, read: int = 100) -> bytes:
    """The same reply in one piece."""
    usage = {"input_tokens": 3, "cache_read_input_tokens": read, "output_tokens": out}
    said = {"content": list(blocks), "stop_reason": stop or stop_of(blocks), "usage": usage}
    return jsontext.encode({**head(), **said})


class Marks:
    """Takes out what stands between two section signs."""

    def __init__(self) -> None:
        self._held = ""
        self.taken: tuple[str, ...] = ()

    def feed(self, text: str) -> str:
        self._held += text
        shown = ""
        while "§" in self._held:
            before, _, after = self._held.partition("§")
            shown += before
            body, sign, rest = after.partition("§")
            if not sign:
                self._held = "§" + after
                return shown
            self.taken += (body,)
            self._held = rest
        shown, self._held = shown + self._held, ""
        return shown

    def end(self) -> str:
        rest, self._held = self._held, ""
        return rest


def play(
    stream: Stream, legs: Sequence[Iterable[bytes]], why: str | None = None
) -> tuple[bytes, list[Reply]]:
    """What the client gets of these legs, and what is said of each; cut short if there is a why."""
    shown, replies = list[bytes](), list[Reply]()
    for number, leg in enumerate(legs):
        if number:
            stream.go_on()
        for piece in leg:
            shown += stream.feed(piece)
        replies.append(stream.end())
    shown += stream.finish() if why is None else stream.fail(why)
    assert all(shown), "a piece is empty"
    return b"".join(shown), replies


def events_of(data: bytes) -> list[Json]:
    """The events as the official client library reads them."""
    found = SSEDecoder().iter_bytes(iter([data]))
    return [said.json() for said in found if said.event and said.event != "ping"]


def message_of(data: bytes) -> Json:
    """The message that the official client library makes of a stream, which must be in order."""
    events = events_of(data)
    in_order(events)
    snapshot, buffers = None, dict[int, bytes]()
    for said in events:
        snapshot = accumulate_event(
            event=said,  # pyright: ignore[reportArgumentType]
            current_snapshot=snapshot,
            json_bufs=buffers,
        )
    assert snapshot is not None
    return snapshot.to_dict()


def in_order(events: Sequence[Json]) -> None:
    """One message, its blocks one after the other, counted without a gap, then its end."""
    known = [said for said in events if said["type"] in KNOWN]
    kinds = [said["type"] for said in known]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert len([kind for kind in kinds if kind.startswith("message_")]) == 3
    next_block, open_block = 0, None
    for said in known[1:-2]:
        match said["type"]:
            case "content_block_start":
                assert open_block is None
                assert said["index"] == next_block
                open_block, next_block = next_block, next_block + 1
            case "content_block_stop":
                assert said["index"] == open_block
                open_block = None
            case _:
                assert said["index"] == open_block
    assert open_block is None


KNOWN = {
    "message_start", "message_delta", "message_stop",
    "content_block_start", "content_block_delta", "content_block_stop",
}  # fmt: skip


def split(data: bytes) -> list[bytes]:
    """The frames of a stream."""
    splitter = sse.Splitter()
    found = splitter.feed(data)
    return [*found, rest] if (rest := splitter.flush()) else found
