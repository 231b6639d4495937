"""Which refusals of a provider may be our doing.

Only a 400 that names a rule on the structure of a request is tried again with the client's
own bytes. Everything else (too long, overloaded, no credit) is the client's to hear.
Source: error texts in the providers' documentation and in public issue threads. They come in
several shapes; gateways put a provider's own words into theirs.
"""

import re

import msgspec

_STRUCTURE = re.compile(
    # Anthropic
    r"tool_use|tool_result|cache_control|signature|thinking|messages\.\d+"
    r"|text content blocks must be non-empty|extra inputs are not permitted|roles must alternate"
    # Chat, and those who speak it
    r"|tool_calls?\b|tool_call_id|role '?tool|reasoning_content|messages?\.?\[\d+\]"
    # Responses
    r"|no tool (output|call) found|required following item|encrypted.content|input\.?\[\d+\]"
    # Gemini
    r"|function (response|call)|functionresponse|functioncall|thought.?signature"
    r"|contents?(\[\d+\]|\.parts)"
    # Definitions, which may go out in short
    r"|tools\.?\[?\d+|invalid schema for function|function_declarations",
    re.IGNORECASE,
)
_ASKED = re.compile(rb"context.management|clear_tool_uses|anthropic.beta", re.IGNORECASE)
"""What we may have asked for. Gateways that do not know it refuse it in words of their own."""
LONGEST_QUOTE = 300
"""Characters of a provider's words that are recorded: some send back all that they were sent."""
_NOT_OURS = re.compile(
    r"prompt is too long|max_tokens|credit balance|rate limit|maximum context length"
    r"|context.length.exceeded|context window|exceeds the maximum number of tokens|api key",
    re.IGNORECASE,
)
_WRONG_REQUEST = re.compile(r"invalid_\w+|400", re.IGNORECASE)
"""What a type, status or code says where a request is wrong; else it is the provider's trouble."""


class _Metadata(msgspec.Struct):
    raw: object = ""
    """What the provider behind a gateway (OpenRouter) said, as text."""


class _Error(msgspec.Struct):
    type: object = ""
    status: object = ""
    code: object = ""
    message: str = ""
    metadata: _Metadata | None = None

    def said(self) -> str:
        """Return the message, with what a provider behind a gateway said."""
        raw = self.metadata.raw if self.metadata else ""
        return f"{self.message} {raw}".strip()

    def refuses(self) -> bool:
        """True if it is the request that is wrong."""
        named = (self.type, self.status, self.code)
        return any(_WRONG_REQUEST.fullmatch(str(name)) for name in named)


class _Body(_Error):
    error: _Error | None = None
    """Servers of one's own (vLLM), and Mistral, say it without this."""


def may_be_ours(status: int, body: bytes) -> str | None:
    """Return the provider's message if our edit may have caused this reply, else None."""
    if status != 400:
        return None
    error = _error(body)
    said = error.said()
    if _NOT_OURS.search(said):
        return None
    if _ASKED.search(body):
        return said[:LONGEST_QUOTE] or body[:LONGEST_QUOTE].decode(errors="replace")
    return said[:LONGEST_QUOTE] if error.refuses() and _STRUCTURE.search(said) else None


def _error(body: bytes) -> _Error:
    """Return what an error says: Anthropic's, OpenAI's, Google's, of which some are in a list."""
    try:
        found = msgspec.json.decode(body, type=_Body | list[_Body])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Error()
    bodies = found if isinstance(found, list) else [found]
    return next((body.error or body for body in bodies), _Error())
