"""Pictures in a message: long as text, and billed by their area."""

from pichay_core.tokens import PICTURE_BYTES
from pichay_core.wire.shapes import Json, items, mapping


def unbilled(block: Json) -> int:
    """Return how many bytes of a content block are no text that a model is billed for."""
    match block:
        case {"type": "image" | "document", "source": {"type": "base64", "data": str(data)}}:
            return max(0, len(data) - PICTURE_BYTES)
        case {"type": "image_url", "image_url": {"url": str(data)}} if data.startswith("data:"):
            return max(0, len(data) - PICTURE_BYTES)
        case (
            {"type": "input_image", "image_url": str(data)}
            | {"type": "input_file", "file_data": str(data)}
            | {"type": "image_generation_call", "result": str(data)}
        ):
            return max(0, len(data) - PICTURE_BYTES)
        case {"type": "tool_result", "content": list()}:
            return sum(unbilled(mapping(part)) for part in items(block["content"]))
        case {"inlineData": {"data": str(data)}} | {"inline_data": {"data": str(data)}}:
            return max(0, len(data) - PICTURE_BYTES)
        case {"functionResponse": dict()}:
            parts = items(mapping(block["functionResponse"]).get("parts"))
            return sum(unbilled(mapping(part)) for part in parts)
        case _:
            return 0
