"""How a model speaks on each wire, and what its client hears: both in Anthropic's words.

:mod:`tests.translated` says requests on every wire; here are the replies to them, with what a wire
has of its own that must come back as it was written: reasoning, signatures.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, groupby
from typing import Any
from zlib import crc32

from tests import chunks, gemini_replies, replies, responses_items, responses_replies
from tests.builders import SONNET
from tests.translated import WIRES, Wire

type Json = dict[str, Any]
type Content = list[Json]

_numbers = count(1)
_STOPS = {"openai_chat": "length", "gemini": "MAX_TOKENS"}


@dataclass(frozen=True)
class Tongue:
    """One wire, as its model and its client use it."""

    wire: Wire
    path: str
    whole_path: str = ""
    """Where the reply is asked for in one piece, if that is elsewhere."""
    count: str = ""
    """Where tokens are counted; empty if nowhere."""
    say: Callable[[Json], Json] = lambda whole: whole
    """A request from Anthropic's words."""
    hear: Callable[[Json], Json] = lambda whole: whole
    """The other way round."""
    sayable: Callable[[Content], Content] = lambda content: content
    """What this wire can say of a reply."""
    frames: Callable[[Content, str], list[bytes]] = replies.frames
    """A reply as it is streamed, and why it ends if not for what it holds."""
    whole: Callable[[Content, str], bytes] = replies.whole
    shown: Callable[[bytes, bool], Content] = lambda data, streamed: _anthropic_shown(
        data, streamed
    )
    """What the client has of a reply that was streamed, or came in one piece."""

    @property
    def name(self) -> str:
        return self.wire.name

    def said(self, request: bytes, **more: object) -> bytes:
        """Return a request in Anthropic's words as this wire says it."""
        if self.name == "anthropic" and not more:
            return request
        indent = 1 if b"\n" in request else None
        return json.dumps(
            self.say(json.loads(request)) | more, ensure_ascii=False, indent=indent
        ).encode()

    def heard(self, request: bytes) -> bytes:
        """Return a request of this wire in Anthropic's words."""
        if self.name == "anthropic":
            return request
        return json.dumps(self.hear(json.loads(request))).encode()


def _of(content: Content, kind: str) -> Content:
    return [block for block in content if block["type"] == kind]


def _blocks(message: Json) -> Content:
    content = message["content"]
    return [_text(content)] if isinstance(content, str) else content


def _text(said: str) -> Json:
    return {"type": "text", "text": said}


def _thought(said: str) -> Json:
    return {"type": "thinking", "thinking": said, "signature": ""}


def _use(id: str, name: str, arguments: Json) -> Json:
    return {"type": "tool_use", "id": id, "name": name, "input": arguments}


def _joined(content: Content, kind: str) -> str:
    member = "thinking" if kind == "thinking" else "text"
    return "".join(block[member] for block in _of(content, kind))


def _assistants(messages: list[Json]) -> list[Json]:
    return [message for message in messages if message["role"] in ("assistant", "model")]


def _without_blanks(content: Content) -> Content:
    return [block for block in content if block["type"] != "text" or block["text"].strip()]


def _anthropic_shown(data: bytes, streamed: bool) -> Content:
    return (replies.message_of(data) if streamed else json.loads(data))["content"]


# -- Chat -----------------------------------------------------------------------------------


def _chat_sayable(content: Content) -> Content:
    """One thought, one text, then calls."""
    thought, text = _joined(content, "thinking"), _joined(_without_blanks(content), "text")
    return [
        *([_thought(thought)] if thought else []),
        *([_text(text)] if text else []),
        *_of(content, "tool_use"),
    ]


def _chat_message(content: Content) -> Json:
    thought = _joined(content, "thinking")
    calls = [chunks.call(b["name"], b["id"], **b["input"]) for b in _of(content, "tool_use")]
    more = {"reasoning_content": thought} if thought else {}
    return chunks.said(_joined(content, "text") or None, *calls, **more)


def _chat_content(message: Json) -> Content:
    made = message.get("tool_calls") or ()
    calls = [_use(c["id"], c["function"]["name"], json.loads(c["function"]["arguments"]))
             for c in made]  # fmt: skip
    thought, text = message.get("reasoning_content"), message.get("content")
    return [*([_thought(thought)] if thought else []), *([_text(text)] if text else []), *calls]


def _chat_say(whole: Json) -> Json:
    said = _CHAT.say(whole)  # type: ignore[misc]
    for message, own in zip(
        _assistants(said["messages"]), _assistants(whole["messages"]), strict=True
    ):
        message.update(_chat_message(_chat_sayable(_blocks(own))))
    return said


def _chat_hear(whole: Json) -> Json:
    heard = _CHAT.hear(whole)  # type: ignore[misc]
    for message, own in zip(
        _assistants(heard["messages"]), _assistants(whole["messages"]), strict=True
    ):
        message["content"] = _chat_content(own)
    return heard


def _chat_frames(content: Content, stop: str) -> list[bytes]:
    ends = _STOPS["openai_chat"] if stop else ""
    return chunks.chunks(_chat_message(content), ends, id=f"chatcmpl-{next(_numbers)}")


def _chat_whole(content: Content, stop: str) -> bytes:
    return chunks.whole(_chat_message(content), _STOPS["openai_chat"] if stop else "")


def _chat_shown(data: bytes, streamed: bool) -> Content:
    """Of a message that only thinks nothing is kept."""
    whole = chunks.completion_of(data) if streamed else json.loads(data)
    content = _chat_content(whole["choices"][0]["message"])
    return content if any(block["type"] != "thinking" for block in content) else []


# -- Responses ------------------------------------------------------------------------------


def _responses_sayable(content: Content) -> Content:
    """Reasoning leads to something."""
    kept = _without_blanks(content)
    while kept and kept[-1]["type"] == "thinking":
        kept.pop()
    return kept


def _items(content: Content) -> Iterator[Json]:
    for block in content:
        match block["type"]:
            case "text":
                yield responses_items.says(block["text"], f"msg_{crc32(block['text'].encode())}")
            case "tool_use":
                yield responses_items.call(block["id"], block["name"], **block["input"])
            case _:
                yield responses_items.reasoning(block["thinking"], f"rs_{block['thinking']}")


def _item_content(items: list[Json]) -> Content:
    found: Content = []
    for item in items:
        match item["type"]:
            case "message":
                found += [_text(part["text"]) for part in item["content"]]
            case "function_call":
                found.append(_use(item["call_id"], item["name"], json.loads(item["arguments"])))
            case _:
                assert item["id"] == f"rs_{item['encrypted_content']}"
                found.append(_thought(item["encrypted_content"]))
    return found


def _responses_say(whole: Json) -> Json:
    said = _RESPONSES.say({**whole, "messages": []})  # type: ignore[misc]
    for message in whole["messages"]:
        if message["role"] == "assistant":
            said["input"] += _items(_blocks(message))
        else:
            more = {**whole, "messages": [message]}
            said["input"] += _RESPONSES.say(more)["input"]  # type: ignore[misc]
    return said


def _responses_hear(whole: Json) -> Json:
    heard = _RESPONSES.hear(whole)  # type: ignore[misc]
    theirs = ("message", "function_call_output")
    groups = groupby(
        whole["input"], lambda i: i["type"] not in theirs or i.get("role") == "assistant"
    )
    own = [_item_content(list(items)) for is_own, items in groups if is_own]
    for message, content in zip(_assistants(heard["messages"]), own, strict=True):
        message["content"] = content
    return heard


def _responses_frames(content: Content, _: str) -> list[bytes]:
    return responses_replies.frames([*_items(content)], id=f"resp_{next(_numbers)}")


def _responses_whole(content: Content, _: str) -> bytes:
    return responses_replies.whole([*_items(content)])


def _responses_shown(data: bytes, streamed: bool) -> Content:
    whole = responses_replies.response_of(data) if streamed else json.loads(data)
    return _item_content(whole["output"])


# -- Gemini ---------------------------------------------------------------------------------


def _parts(content: Content) -> Iterator[Json]:
    for block in content:
        match block["type"]:
            case "text":
                yield gemini_replies.text(block["text"])
            case "tool_use":
                name, sign = block["name"], f"sig-{block['id']}"
                yield gemini_replies.call(name, block["id"], sign, **block["input"])
            case _:
                yield gemini_replies.thought(block["thinking"])


def _part_content(parts: list[Json]) -> Content:
    found: Content = []
    for part in parts:
        match part:
            case {"functionCall": call, "thoughtSignature": sign}:
                assert call.get("id", sign[4:]) == sign[4:]
                found.append(_use(sign[4:], call["name"], call["args"]))
            case {"thought": True, "text": text}:
                found.append(_thought(text))
            case {"text": text}:
                found.append(_text(text))
            case _:
                raise AssertionError(part)
    return found


def _gemini_say(whole: Json) -> Json:
    said = _GEMINI.say(whole)  # type: ignore[misc]
    for content, own in zip(
        _assistants(said["contents"]), _assistants(whole["messages"]), strict=True
    ):
        content["parts"] = [*_parts(_blocks(own))]
    return said


def _gemini_hear(whole: Json) -> Json:
    heard = _GEMINI.hear(whole)  # type: ignore[misc]
    for message, own in zip(
        _assistants(heard["messages"]), _assistants(whole["contents"]), strict=True
    ):
        message["content"] = _part_content(own["parts"])
    return heard


def _gemini_frames(content: Content, stop: str) -> list[bytes]:
    return gemini_replies.frames([*_parts(content)], _STOPS["gemini"] if stop else "STOP")


def _gemini_whole(content: Content, stop: str) -> bytes:
    return gemini_replies.whole([*_parts(content)], _STOPS["gemini"] if stop else "STOP")


def _gemini_shown(data: bytes, streamed: bool) -> Content:
    """Thoughts are not kept."""
    if streamed:
        parts = gemini_replies.message_of(data)["parts"]
    else:
        parts = json.loads(data)["candidates"][0]["content"]["parts"]
    return _part_content([part for part in parts if not part.get("thought")])


_ANTHROPIC, _CHAT, _RESPONSES, _GEMINI = WIRES
_AT = f"/v1beta/models/{SONNET}"
ANTHROPIC = Tongue(_ANTHROPIC, "/v1/messages", count="/v1/messages/count_tokens")
CHAT = Tongue(
    _CHAT, _CHAT.path, "", "", _chat_say, _chat_hear, _chat_sayable, _chat_frames, _chat_whole,
    _chat_shown,
)  # fmt: skip
RESPONSES = Tongue(
    _RESPONSES, _RESPONSES.path, "", f"{_RESPONSES.path}/input_tokens", _responses_say,
    _responses_hear, _responses_sayable, _responses_frames, _responses_whole, _responses_shown,
)  # fmt: skip
GEMINI = Tongue(
    _GEMINI, _GEMINI.path, f"{_AT}:generateContent", f"{_AT}:countTokens", _gemini_say,
    _gemini_hear, _without_blanks, _gemini_frames, _gemini_whole, _gemini_shown,
)  # fmt: skip
TONGUES = (CHAT, RESPONSES, GEMINI)
