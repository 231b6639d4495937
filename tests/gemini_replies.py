"""Replies of a Gemini model as its provider streams them, and what a client makes of them.

A part is a dictionary as it stands in a content. ``frames`` streams parts, ``whole`` says the same
in one piece, ``message_of`` is what a client understands.
"""

import json
from collections.abc import Sequence
from typing import Any

from pichay_core.wire import sse
from tests.replies import NAMES as NAMES
from tests.replies import Marks as Marks
from tests.replies import play as play

type Json = dict[str, Any]

PIECE = 7
"""Letters in one event."""
RESPONSE = "resp_1"


def text(said: str, **more: object) -> Json:
    return {"text": said, **more}


def thought(said: str) -> Json:
    return {"text": said, "thought": True}


def call(name: str, id: str = "", signature: str = "", **arguments: object) -> Json:
    made = {"functionCall": {**({"id": id} if id else {}), "name": name, "args": arguments}}
    return {**made, **({"thoughtSignature": signature} if signature else {})}


def ours(id: str = "", signature: str = "", **arguments: object) -> Json:
    return call("memory_fault", id, signature, **(arguments or {"pages": ["qj3k7w2m"]}))


def usage(out: int = 10, thoughts: int = 0, prompt: int = 100) -> Json:
    counts = {"promptTokenCount": prompt, "cachedContentTokenCount": 60}
    counts |= {"candidatesTokenCount": out} | ({"thoughtsTokenCount": thoughts} if thoughts else {})
    return {**counts, "totalTokenCount": prompt + out + thoughts}


def response(
    parts: Sequence[Json], finish: str = "", used: Json | None = None, **more: Any
) -> Json:
    candidate: Json = {"content": {"parts": list(parts), "role": "model"}}
    candidate |= {"finishReason": finish} if finish else {}
    said: Json = {"candidates": [{**candidate, "index": 0}], "usageMetadata": used or usage()}
    return {**said, "modelVersion": "gemini-3-pro", "responseId": RESPONSE, **more}


def event(said: object, end: str = "\r\n") -> bytes:
    return f"data: {json.dumps(said)}{end}{end}".encode()


def pieces(parts: Sequence[Json], size: int = PIECE) -> list[Json]:
    """The parts as they are streamed: texts in pieces."""
    found = list[Json]()
    for part in parts:
        said = part.get("text", "")
        cuts = range(0, len(said), size) if part.keys() <= {"text", "thought"} else ()
        found += [{**part, "text": said[at : at + size]} for at in cuts] or [part]
    return found


def frames(
    parts: Sequence[Json], finish: str = "STOP", used: Json | None = None, apart: bool = False,
    size: int = PIECE, **more: Any,
) -> list[bytes]:  # fmt: skip
    """The events of one reply; why it ended in the last of them, or *apart*."""
    said = [[part] for part in pieces(parts, size)]
    last = [] if apart or not said else said.pop()
    events = [response(one, used=usage(at + 1), **more) for at, one in enumerate(said)]
    return [*map(event, events), event(response(last, finish, used, **more))]


def whole(parts: Sequence[Json], finish: str = "STOP", used: Json | None = None) -> bytes:
    """The same reply in one piece."""
    return json.dumps(response(parts, finish, used), indent=1).encode()


def events_of(data: bytes) -> list[Json]:
    splitter = sse.Splitter()
    found = [*splitter.feed(data), splitter.flush()]
    return [json.loads(said) for one in found if (said := sse.data_of(one))]


def joined(parts: Sequence[Json]) -> list[Json]:
    """Parts with the pieces of each text put together; a text that is none is left out."""
    found = list[Json]()
    for part in parts:
        plain = part.keys() <= {"text", "thought"}
        if plain and found and found[-1].keys() == part.keys():
            found[-1] = {**part, "text": found[-1]["text"] + part["text"]}
        else:
            found.append(part)
    return [part for part in found if part != {"text": ""}]


def message_of(data: bytes) -> Json:
    """What a client has of a stream: its parts, how it ended, and the newest counts."""
    events = events_of(data)
    candidates = [said["candidates"][0] for said in events if said.get("candidates")]
    ends = [one["finishReason"] for one in candidates if one.get("finishReason")]
    assert len(ends) == 1, "a message ends once"
    assert candidates[-1].get("finishReason") == ends[0], "at its end"
    parts = [part for one in candidates for part in one.get("content", {}).get("parts", [])]
    used = [said["usageMetadata"] for said in events if "usageMetadata" in said]
    ids = {said["responseId"] for said in events if "responseId" in said}
    return {"parts": joined(parts), "finish": ends[0], "usage": used[-1], "ids": ids}
