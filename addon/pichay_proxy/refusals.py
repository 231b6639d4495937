"""Which refusals of a provider may be our doing.

Only a 400 that names a rule on the structure of a request is tried again with the client's
own bytes. Everything else (too long, overloaded, no credit) is the client's to hear.
Source: error texts in Anthropic's Messages documentation and public issue threads.
"""

import re

import msgspec

_STRUCTURE = re.compile(
    r"tool_use|tool_result|cache_control|signature|thinking|messages\.\d+"
    r"|text content blocks must be non-empty|extra inputs are not permitted|roles must alternate",
    re.IGNORECASE,
)
_ASKED = re.compile(rb"context.management|clear_tool_uses|anthropic.beta", re.IGNORECASE)
"""What we may have asked for. Gateways that do not know it refuse it in words of their own."""
LONGEST_QUOTE = 300
_NOT_OURS = re.compile(r"prompt is too long|max_tokens|credit balance|rate limit", re.IGNORECASE)


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""


class _Body(msgspec.Struct):
    error: _Error


def may_be_ours(status: int, body: bytes) -> str | None:
    """Return the provider's message if our edit may have caused this reply, else None."""
    if status != 400:
        return None
    error = _error(body)
    if _ASKED.search(body) and not _NOT_OURS.search(error.message):
        return error.message or body[:LONGEST_QUOTE].decode(errors="replace")
    if error.type != "invalid_request_error" or _NOT_OURS.search(error.message):
        return None
    return error.message if _STRUCTURE.search(error.message) else None


def _error(body: bytes) -> _Error:
    try:
        return msgspec.json.decode(body, type=_Body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Error()
