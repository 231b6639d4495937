"""Who talks, and about which project: as far as a client says so.

Rule of this file: one table of how clients name the directory they work in. What they do not
say stays empty; nothing is guessed.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from pichay_core.wire import jsontext
from pichay_core.wire.message import Message
from pichay_core.wire.shapes import items, mapping

LONGEST_NAME = 80
"""Characters of a client's name that are kept."""
_PATH = r"[`'\"]?(?P<path>(?:/|~|[a-z]:[\\/])[^\n<>\"`]{0,400})"
_SAYINGS = [
    re.compile(saying.replace("PATH", _PATH), re.IGNORECASE)
    for saying in (
        r"primary working directory: *PATH",  # Claude Code
        r"<cwd>\s*PATH</cwd>",  # Codex
        r"working directory(?: is)?: *PATH",  # Claude Code before 2.1, opencode, pi
        r"working in the directory: *PATH",  # gemini-cli, qwen-code
        r"working directory \(PATH\)",  # cline
        r"\bcwd: *PATH",
    )
]
"""The surest first."""


def client_of(agent: str) -> str:
    """Return the product that a user-agent header names, without its version."""
    product = re.split(r"[/\s]", agent.strip(), maxsplit=1)[0]
    return product[:LONGEST_NAME] if product.isprintable() else ""


def project_of(system: bytes | None, messages: Sequence[Message]) -> str:
    """Return the working directory that a conversation names before the first reply, or nothing.

    It stands in the system prompt, in the first user message, or in a system message after it.
    """
    opening = takewhile(lambda message: message.role != "assistant", messages)
    parts = [*([system] if system else []), *(message.raw for message in opening)]
    return working_directory([text for part in parts for text in _strings(jsontext.value(part))])


def working_directory(texts: Iterable[str]) -> str:
    """Return the directory that some of the texts name as the one worked in, or nothing."""
    said = list(texts)
    found = (match for saying in _SAYINGS for text in said for match in saying.finditer(text))
    return next((match["path"].rstrip().rstrip(".,;'") for match in found), "")


def _strings(item: object) -> Iterator[str]:
    """Yield every text in a JSON value, in order."""
    if isinstance(item, str):
        yield item
    for part in (*items(item), *mapping(item).values()):
        yield from _strings(part)
