"""Gemini's generateContent: requests read, rules kept, replies written."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from acceptance_parts.asked import Asked, By, Prompt, Spoken, progress, unit
from acceptance_parts.said import Said, signature
from acceptance_parts.tools import Json, Tool
from acceptance_parts.wire_chat import frame
from pichay_core.model import Usage
from pichay_core.prefix import Chain, Part, Unit

STREAMS = "streamGenerateContent"


def read(body: Json, path: str) -> Asked:
    """Return what a request asks."""
    task, step = progress(_spoken(body["contents"]))
    model, _, method = path.rpartition("/models/")[2].partition(":")
    config = body.get("generationConfig") or {}
    return Asked(
        model=model,
        tools={tool.name: tool for tool in _tools(body)},
        task=task,
        step=step,
        prompt=Prompt(Chain().then(_units(body))),
        stream=method == STREAMS,
        thinks=bool((config.get("thinkingConfig") or {}).get("includeThoughts")),
        schema=config.get("responseJsonSchema") or config.get("responseSchema"),
    )


def _tools(body: Json) -> Iterator[Tool]:
    for group in body.get("tools") or ():
        for tool in group.get("functionDeclarations") or ():
            schema = next((tool[name] for name in _SCHEMAS if tool.get(name)), {})
            yield Tool(tool["name"], schema)


_SCHEMAS = ("parametersJsonSchema", "parameters_json_schema", "parameters")
"""The API takes both spellings of a name; google-genai 3.4.0 sends the second."""


def _spoken(contents: Sequence[Json]) -> Iterator[Spoken]:
    for content in contents:
        for part in content.get("parts") or ():
            if content.get("role") == "model":
                yield Spoken(By.MODEL)
            elif "functionResponse" in part:
                yield Spoken(By.TOOL)
            else:
                yield Spoken(By.USER, str(part.get("text") or ""))


def _units(body: Json) -> Iterator[Unit]:
    for group in body.get("tools") or ():
        yield unit(Part.TOOL, group)
    if body.get("systemInstruction"):
        yield unit(Part.SYSTEM, body["systemInstruction"])
    for content in body["contents"]:
        for part in content.get("parts") or ():
            yield unit(_part(content, part), [content.get("role"), part])


def _part(content: Json, part: Json) -> Part:
    if "functionResponse" in part:
        return Part.RESULT
    if "functionCall" in part:
        return Part.CALL
    return Part.ASSISTANT if content.get("role") == "model" else Part.USER


def complaint(body: Json) -> str | None:
    """Return why the provider would answer 400, or None."""
    contents = body.get("contents") or []
    if not contents:
        return "* GenerateContentRequest.contents: contents is not specified"
    for before, after in pairwise(({"parts": []}, *contents)):
        asked, given = _names(before, "functionCall"), _names(after, "functionResponse")
        if given and not asked:
            return (
                "Please ensure that function response turn comes immediately after a function "
                "call turn."
            )
        if asked - given:
            return (
                "Please ensure that the number of function response parts is equal to the number "
                "of function call parts of the function call turn."
            )
    return _tampered(contents)


def _names(content: Json, kind: str) -> Counter[str]:
    parts = content.get("parts") or ()
    return Counter(str(part[kind].get("name")) for part in parts if kind in part)


_SIGNED = signature("a call")
"""The signature of every call: what is signed here is that one came back at all as it was."""


def _tampered(contents: Sequence[Json]) -> str | None:
    for content in contents:
        for part in content.get("parts") or ():
            sent = str(part.get("thoughtSignature") or _SIGNED)
            if sent != _NOT_SIGNED and sent.translate(_URL_SAFE) != _SIGNED:
                return "Corrupted thought signature."
    return None


_NOT_SIGNED = "skip_thought_signature_validator"
"""Stands, as Google documents, where a client has lost a signature: gemini-cli after a resume."""
_URL_SAFE = str.maketrans("-_", "+/")
"""google-genai sends bytes back in the other alphabet of base64."""


def counted(tokens: int) -> bytes:
    """Return the answer to a request to count tokens."""
    return json.dumps({"totalTokens": tokens}).encode()


def refused(status: int, text: str) -> bytes:
    """Return the body of an error."""
    kind = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND"}.get(status, "INTERNAL")
    return json.dumps({"error": {"code": status, "message": text, "status": kind}}).encode()


def answered(said: Said, asked: Asked, usage: Usage, name: str) -> Iterable[bytes]:
    """Return the reply: the events of a stream, or one response."""
    parts = list(_parts(said))
    if asked.stream:
        return _stream(parts, asked.model, usage, name)
    return [json.dumps(_response(parts, True, asked.model, usage, name)).encode()]


def _parts(said: Said) -> Iterator[Json]:
    if said.thinking:
        yield {"text": said.thinking, "thought": True}
    if said.text:
        yield {"text": said.text}
    for number, call in enumerate(said.calls):
        part: Json = {"functionCall": {"name": call.tool.name, "args": call.arguments}}
        yield part if number else part | {"thoughtSignature": _SIGNED}


def _stream(parts: Sequence[Json], model: str, usage: Usage, name: str) -> Iterator[bytes]:
    for number, part in enumerate(parts, 1):
        yield frame(_response([part], number == len(parts), model, usage, name))


def _response(parts: Sequence[Json], ends: bool, model: str, usage: Usage, name: str) -> Json:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if ends:
        candidate["finishReason"] = "STOP"
    return {"candidates": [candidate], "usageMetadata": bill(usage), "modelVersion": model,
            "responseId": name}  # fmt: skip


def bill(usage: Usage) -> Json:
    """Return the usage as the provider reports it."""
    return {
        "promptTokenCount": usage.window,
        "cachedContentTokenCount": usage.cache_read,
        "candidatesTokenCount": usage.output,
        "totalTokenCount": usage.window + usage.output,
    }
