"""OpenAI Responses: what two items have in common that say the same.

Rule of this file: what clients leave out or change where they send an item again is no part of
what it says: ids and statuses, annotations, cache markers, notes to themselves.
"""

import hashlib
from collections.abc import Sequence
from typing import cast

import msgspec

from pichay_core.wire.message import ASSISTANT
from pichay_core.wire.openai_responses_items import MARKERS, PASSTHROUGH, call_id, kind_of
from pichay_core.wire.shapes import Json, items, mapping, string

_VARIED = ("id", "status", PASSTHROUGH, "metadata", "created_by", "annotations", "logprobs",
           *MARKERS)  # fmt: skip
_NAMED_BY_ID = ("item_reference", "local_shell_call_output")

_CANONICAL = msgspec.json.Encoder(order="sorted")


def identity(said: Sequence[Json]) -> bytes:
    """Hash what items say, without what clients vary."""
    return hashlib.blake2b(_CANONICAL.encode(list(map(_bare, said))), digest_size=16).digest()


def _bare(item: Json) -> Json:
    kind = kind_of(item)
    kept = {
        name: value
        for name, value in item.items()
        if value is not None and (name not in _VARIED or (name == "id" and kind in _NAMED_BY_ID))
    }
    if kind == "message":
        kept |= {"type": kind, "content": [_bare_part(part) for part in _parts(item)]}
    return kept


def _bare_part(part: object) -> object:
    if not isinstance(part, dict):
        return part
    said = mapping(cast("object", part)).items()
    return {name: value for name, value in said if name not in _VARIED and value is not None}


def _parts(item: Json) -> list[object]:
    content = item.get("content")
    if not isinstance(content, str):
        return items(content)
    kind = "output_text" if item.get("role") == ASSISTANT else "input_text"
    return [{"type": kind, "text": content}]


def known_by(item: Json) -> str:
    """Return what an item of a reply is known by, in the reply and in the history alike.

    Clients trim text and drop ids; what is enciphered and the ids of calls they send as they came.
    """
    kind = kind_of(item)
    if kind == "message":
        texts = (string(part.get("text")) or string(part.get("refusal"))
                 for part in map(mapping, _parts(item)))  # fmt: skip
        return "message " + _digest("\n".join(texts).strip())
    if kind == "reasoning":
        hidden = string(item.get("encrypted_content"))
        return "reasoning " + _digest(hidden or string(item.get("id")))
    name = call_id(item)
    return f"{kind} {name}" if name else "other " + _digest(_CANONICAL.encode(_bare(item)).decode())


def _digest(text: str) -> str:
    said = text.encode(errors="surrogatepass")
    return hashlib.blake2b(said, digest_size=12).hexdigest()
