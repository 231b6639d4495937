"""Anthropic Messages: asking the provider to clear old tool results itself.

Rule of this file: a client that says anything of its own about it is not spoken over.
Source: Anthropic, "Context editing": the field, the beta and the defaults; ``null`` is allowed,
and says nothing.
"""

from pichay_core.wire import jsontext
from pichay_core.wire.format import Asked, Clearing, Outline
from pichay_core.wire.jsontext import Place

BETA = "context-management-2025-06-27"
"""Without it in ``anthropic-beta`` the field is refused."""
FIELD = "context_management"
_EDIT = "clear_tool_uses_20250919"


def manages(outline: Outline) -> bool:
    """True if the client says itself what the provider is to do with its context."""
    return outline.field(FIELD) not in (None, b"null")


def asked(outline: Outline, clearing: Clearing) -> Asked | None:
    """Return what asks the provider to clear; None if the client has a say of its own.

    It stands behind the last field of the body, so that everything before it stays where it was.
    """
    if manages(outline):
        return None
    said = jsontext.encode(
        {
            "edits": [
                {
                    "type": _EDIT,
                    "trigger": {"type": "input_tokens", "value": clearing.trigger},
                    "keep": {"type": "tool_uses", "value": clearing.keep},
                    "clear_at_least": {"type": "input_tokens", "value": clearing.at_least},
                }
            ]
        }
    )
    if FIELD in outline.fields:
        return Asked(outline.fields[FIELD], said, BETA)
    end = max(place.end for place in outline.fields.values())
    return Asked(Place(end, end), b',"' + FIELD.encode() + b'":' + said, BETA)
