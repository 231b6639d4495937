"""Replies of OpenAI Responses as the provider streams them, and what a client makes of them.

An item is a dictionary as it stands in ``output``. ``frames`` streams items, ``whole`` says the
same in one piece, ``response_of`` is what the official client library understands.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from openai._models import construct_type_unchecked
from openai._streaming import SSEDecoder
from openai._types import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ResponseStreamEvent

from pichay_core.wire import jsontext
from tests.replies import pieces
from tests.responses_items import call

type Json = dict[str, Any]

PIECE = 7
IDENTIFIED = "resp_1"


def event(kind: str, number: int, **said: object) -> bytes:
    data = jsontext.encode({"type": kind, **said, "sequence_number": number})
    return f"event: {kind}\ndata: ".encode() + data + b"\n\n"


def ours(id: str, **arguments: object) -> Json:
    return call(id, "memory_fault", **(arguments or {"pages": ["qj3k7w2m"]}))


def head(id: str = IDENTIFIED, **more: object) -> Json:
    return {
        "id": id, "object": "response", "created_at": 1, "status": "in_progress", "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {}, "model": "gpt-5.4",
        "output": [], "parallel_tool_calls": True, "store": False, "temperature": 1.0,
        "tool_choice": "auto", "tools": [], "top_p": 1.0, "usage": None, **more,
    }  # fmt: skip


def usage(out: int = 10, read: int = 100) -> Json:
    return {
        "input_tokens": 103, "input_tokens_details": {"cached_tokens": read},
        "output_tokens": out, "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 103 + out,
    }  # fmt: skip


def item_events(index: int, item: Json, size: int = PIECE) -> Iterable[tuple[str, Json]]:
    """The events of one item, without their numbers."""
    here = {"output_index": index}
    at = {"item_id": item.get("id"), **here}
    empty = {"arguments": "", "input": "", "content": [], "summary": []}
    begun = {name: empty.get(name, value) for name, value in item.items()}
    yield "response.output_item.added", {**here, "item": {**begun, "status": "in_progress"}}
    match item["type"]:
        case "message":
            for number, part in enumerate(item["content"]):
                inside = {**at, "content_index": number}
                blank = {**part, "text": ""}
                yield "response.content_part.added", {**inside, "part": blank}
                for text in pieces(part["text"], size):
                    delta = {"delta": text, "logprobs": []}
                    yield "response.output_text.delta", {**inside, **delta}
                done = {"text": part["text"], "logprobs": []}
                yield "response.output_text.done", {**inside, **done}
                yield "response.content_part.done", {**inside, "part": part}
        case "function_call":
            for text in pieces(item["arguments"], size):
                yield "response.function_call_arguments.delta", {**at, "delta": text}
            done = {"arguments": item["arguments"], "name": item["name"]}
            yield "response.function_call_arguments.done", {**at, **done}
        case "custom_tool_call":
            for text in pieces(item["input"], size):
                yield "response.custom_tool_call_input.delta", {**at, "delta": text}
            yield "response.custom_tool_call_input.done", {**at, "input": item["input"]}
        case "reasoning":
            for number, part in enumerate(item["summary"]):
                inside = {**at, "summary_index": number}
                yield "response.reasoning_summary_part.added", {**inside, "part": part}
                for text in pieces(part["text"], size):
                    yield "response.reasoning_summary_text.delta", {**inside, "delta": text}
                yield "response.reasoning_summary_text.done", {**inside, "text": part["text"]}
        case _:
            pass
    yield "response.output_item.done", {**here, "item": item}


def frames(
    items: Sequence[Json],
    end: str = "completed",
    out: int = 10,
    read: int = 100,
    size: int = PIECE,
    id: str = IDENTIFIED,
    **more: object,
) -> list[bytes]:
    """The events of one reply."""
    said: list[tuple[str, Json]] = [
        ("response.created", {"response": head(id)}),
        ("response.in_progress", {"response": head(id)}),
        *(one for at, item in enumerate(items) for one in item_events(at, item, size)),
        (f"response.{end}", {"response": ended(items, end, out, read, id, **more)}),
    ]
    return [event(kind, number, **fields) for number, (kind, fields) in enumerate(said)]


def ended(
    items: Sequence[Json],
    end: str = "completed",
    out: int = 10,
    read: int = 100,
    id: str = IDENTIFIED,
    **more: object,
) -> Json:
    return {**head(id), "status": end, "output": list(items), "usage": usage(out, read), **more}


def whole(items: Sequence[Json], end: str = "completed", out: int = 10, read: int = 100) -> bytes:
    """The same reply in one piece."""
    return jsontext.encode(ended(items, end, out, read))


def events_of(data: bytes) -> list[Json]:
    """The events as the official client library reads them."""
    return [said.json() for said in SSEDecoder().iter_bytes(iter([data])) if said.data]


def response_of(data: bytes) -> Json:
    """The response that a stream tells of, which the official client library must understand."""
    events = events_of(data)
    in_order(events)
    state = ResponseStreamState(input_tools=omit, text_format=omit)
    for said in events:
        state.handle_event(construct_type_unchecked(type_=ResponseStreamEvent, value=said))
    assert state._completed_response is not None
    assert len(state._completed_response.output) == len(events[-1]["response"]["output"])
    return events[-1]["response"]


def in_order(events: Sequence[Json]) -> None:
    """One response under one id, its events and items counted without a gap, told of at its end."""
    assert [said["sequence_number"] for said in events] == list(range(len(events)))
    kinds = [said["type"] for said in events]
    assert kinds.count("response.created") == 1
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert len({said["response"]["id"] for said in events if "response" in said}) == 1
    begun = [said for said in events if said["type"] == "response.output_item.added"]
    done = [said for said in events if said["type"] == "response.output_item.done"]
    assert [said["output_index"] for said in begun] == list(range(len(begun)))
    assert [said["item"] for said in done] == events[-1]["response"]["output"]
    open_items = set[int]()
    for said in events:
        if said["type"] == "response.output_item.added":
            open_items.add(said["output_index"])
        if "output_index" in said:
            assert said["output_index"] in open_items
        if said["type"] == "response.output_item.done":
            open_items.remove(said["output_index"])
    assert not open_items
    texts(events)


def texts(events: Sequence[Json]) -> None:
    """Every text is told the same in pieces, at its end, in its part and in its item."""
    told: dict[tuple[int, int], str] = {}
    for said in events:
        at = said.get("output_index", -1), said.get("content_index", -1)
        match said["type"]:
            case "response.output_text.delta":
                told[at] = told.get(at, "") + said["delta"]
            case "response.output_text.done":
                assert told.get(at, "") == said["text"]
            case "response.content_part.done":
                assert told.get(at, "") == said["part"]["text"]
            case "response.output_item.done" if said["item"]["type"] == "message":
                parts = enumerate(said["item"]["content"])
                assert all(told.get((at[0], n), "") == part["text"] for n, part in parts)
            case _:
                pass
