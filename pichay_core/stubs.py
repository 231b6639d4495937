"""What is left in a frame while its page is out.

One idea: a stub is a pure function of the page and its handle, so that the same history gives
the same bytes for ever. It is honest: which call, that it succeeded, how big it was, that the
text is not here, and how to get it. It never stands anywhere but in a tool result, because
models imitate what they find in their own words. What the model itself wants to read there stands
behind it, and is called its own words: a summary is no result.
"""

import base64
import hashlib
from functools import lru_cache

from pichay_core.model import Handle, Kind, Page, PageId
from pichay_core.tools import plain


def handle_of(page: PageId, secret: bytes) -> Handle:
    """Return the page's handle: 40 bits that only this session's secret gives.

    A handle cannot be guessed from content, and means nothing in another session.
    """
    digest = hashlib.blake2b(page.encode(), key=secret, digest_size=5).digest()
    return Handle(base64.b32encode(digest).decode())


def stub(page: Page, handle: Handle, summary: str = "") -> str:
    """Return the text that stands in the frame of a page that is out.

    One line of plain text, and behind it the *summary* that the model wrote of the page, if any.
    """
    call = page.call
    note = _text(call.tool, call.label, call.kind, page.bytes, page.lines, handle)
    return f"{note}{_OWN_WORDS}{summary}" if summary else note


_OWN_WORDS = "\nWhat the assistant wrote of it in its own words, before it was moved:\n"


def _text(tool: str, label: str, kind: Kind, bytes: int, lines: int, handle: Handle) -> str:
    size, tool = _size(bytes, lines), plain(tool)
    return f"[Older result of {tool} {label} ({size}). {_outcome(kind, tool)} Page {handle}.]"


def _size(bytes: int, lines: int) -> str:
    return f"{bytes:,} bytes, {lines:,} {'line' if lines == 1 else 'lines'}"


def _outcome(kind: Kind, tool: str) -> str:
    match kind:
        case Kind.READ | Kind.QUERY:
            return (
                "The call succeeded; its text was moved out of context and is not shown here. "
                f"Call {tool} again to see it."
            )
        case Kind.RUN | Kind.WRITE:
            return (
                "The call completed; its text was moved out of context and is not shown here. "
                "Run it again only if you need its output."
            )


def same(page: Page, source: Page) -> str:
    """Return the text that stands for a page which says the same as an earlier one, whole above.

    One line of plain text. It holds no handle: nothing is out.
    """
    return (
        "[The call succeeded. Its result is the same text, byte for byte, as the result of "
        f"{called(source)} above ({size_of(page)}); it is not repeated here.]"
    )


def called(page: Page) -> str:
    """Return the words that a reader knows a page by: its tool and what the call named."""
    return f"{plain(page.call.tool)} {page.call.label}"


def size_of(page: Page) -> str:
    """Return a page's size in words."""
    return _size(page.bytes, page.lines)


def stub_bytes(page: Page, summary: str = "") -> int:
    """Return how many bytes of UTF-8 the page's stub takes, with this summary of it."""
    call = page.call
    note = _text_bytes(call.tool, call.label, call.kind, page.bytes, page.lines)
    return note + len(f"{_OWN_WORDS}{summary}".encode(errors="replace")) if summary else note


def saved(page: Page, tokens: int, summary: str = "") -> int:
    """Return how many of a page's *tokens* leave the window with it, after its stub."""
    return max(0, tokens - tokens * stub_bytes(page, summary) // max(1, page.bytes))


@lru_cache(maxsize=1 << 15)
def _text_bytes(tool: str, label: str, kind: Kind, bytes: int, lines: int) -> int:
    """Asked for every page on every request: made once."""
    return len(_text(tool, label, kind, bytes, lines, _ANY_HANDLE).encode())


_ANY_HANDLE = Handle("AAAAAAAA")


def stale_note() -> str:
    """Return the line put before a repaired copy that later calls may have changed."""
    return (
        "[The text below is from an earlier read. Calls made since then in this conversation "
        "changed the file; their effect is not in it.]\n"
    )
