"""Anthropic Messages: how a tool of ours is defined, and how a call to it is answered.

Rule of this file: constant bytes for a constant text. What a definition holds stands in the
prefix of every request.
"""

from pichay_core.wire import jsontext


def definition(name: str, description: str, schema: bytes) -> bytes:
    """Return the definition of a tool; *schema* is that of its input, as JSON."""
    return b'{"name":%b,"description":%b,"input_schema":%b}' % (
        jsontext.encode(name),
        jsontext.encode(description),
        schema,
    )


def answer_block(call_id: str, text: str, error: bool) -> bytes:
    """Return the result of a call as a content block."""
    return b'{"type":"tool_result","tool_use_id":%b,"content":%b%b}' % (
        jsontext.encode(sayable(call_id)),
        jsontext.encode(sayable(text)),
        b',"is_error":true' if error else b"",
    )


def sayable(text: str) -> str:
    """Return a text as UTF-8 can say it: half of a surrogate pair becomes a question mark."""
    return text.encode(errors="replace").decode()
