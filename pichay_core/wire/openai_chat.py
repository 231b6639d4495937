"""Chat Completions: where tool results stand, and how a stub is put in their place.

Rule of this file: the rooms beside it do the work; here is what the rest of the core calls. Only
the ``content`` of a result and texts of the user and the system are ever replaced, and only a text,
a tool and, where the client has some, a cache marker are ever added. Every member that is not
known stays as it came, the model's above all: hosts want their own back.
"""

from pichay_core.wire.anthropic_aside import offered
from pichay_core.wire.openai_chat_aside import answer, retold, spoken
from pichay_core.wire.openai_chat_head import (
    asked,
    definition,
    definitions,
    head,
    manages,
    mentions,
    searches,
    told,
)
from pichay_core.wire.openai_chat_read import outline, read, text
from pichay_core.wire.openai_chat_rules import problems, takes_note
from pichay_core.wire.openai_chat_stream import stream
from pichay_core.wire.openai_chat_usage import Reader as reader
from pichay_core.wire.openai_chat_write import plain, said, user_says, write
from pichay_core.wire.rules import marker_problems

name = "openai_chat"
leaves_out_thinking = False

__all__ = [
    "answer",
    "asked",
    "definition",
    "definitions",
    "head",
    "leaves_out_thinking",
    "manages",
    "marker_problems",
    "mentions",
    "name",
    "offered",
    "outline",
    "plain",
    "problems",
    "read",
    "reader",
    "retold",
    "said",
    "searches",
    "spoken",
    "stream",
    "takes_note",
    "text",
    "told",
    "user_says",
    "write",
]
