"""Commands in the model's own text: a tag that is taken out of what the client is shown.

Rule of this file: a tag is honoured if it is beyond doubt, else it is text. It bears the nonce of
its session at both ends, in exactly these letters; it begins and ends in one text block of the
reply, outside of code and quotations; nothing in it could open or close anything else. What is
no tag stays in the text as it stands. Only the text of the running reply is ever fed to a filter:
what tools, files or the user bring is never looked at.

Sources: arXiv 2603.09023 for the commands. That tags are paired within one block, and never
across content, is what others have paid for not doing (an opener that somebody injected, closed
by a real tag further down, took out all that stood between).
"""

import base64
import hashlib
import re
from collections.abc import Iterable

from pichay_core.cooperate.commands import Anchor, Collapse, Command, Release, Summarize
from pichay_core.cooperate.markdown import Markdown

LONGEST = 16_000
"""Characters between the two ends of a tag; beyond it is text."""
LONGEST_NAME = 1_024
"""Characters of a page's name: a handle, or a path."""


def nonce_of(secret: bytes) -> str:
    """Return what a session's tags bear: eight letters that only its secret gives.

    40 bits, in small letters; no handle is (those are capitals).
    """
    digest = hashlib.blake2b(key=secret, digest_size=5, person=b"cleanup tag").digest()
    return base64.b32encode(digest).decode().lower()


def told(nonce: str) -> str:
    """Return what the model is told of tags, behind the system prompt. Constant for a session."""
    opener, closer = _ends(nonce)
    return (
        f"You may tidy this conversation: put commands between {opener} and {closer} into the text "
        "of a reply, not in a code block, each on one line. "
        "drop: block:ID (a tool result that is no longer needed), "
        'summarize: block:ID "TEXT" (the same, with TEXT in its place), '
        "anchor: block:ID (one that is to stay), "
        'collapse: turns N-M "TEXT" (TEXT in place of whole turns). '
        "ID is a page name that you were told, or the path that was read. "
        "The tag is carried out and not shown."
    )


def _ends(nonce: str) -> tuple[str, str]:
    return f"<memory_{nonce}>", f"</memory_{nonce}>"


# -- what stands in a tag ---------------------------------------------------------------------

_TURNS = re.compile(r"turns[ \t]+([0-9]{1,6})-([0-9]{1,6})")


def commands_of(body: str) -> tuple[Command | str, ...]:
    """Return what a tag asks for, a command for each line; a line that is none as it stands."""
    lines = (line.strip(" \t\r") for line in body.split("\n"))
    return tuple(_command(line) or line for line in lines if line)


def _command(line: str) -> Command | None:
    word, _, rest = line.partition(":")
    match word:
        case "drop":
            return Release((page,)) if (page := _page(rest)) else None
        case "anchor":
            return Anchor((page,)) if (page := _page(rest)) else None
        case "summarize":
            before, text = _quoted(rest)
            return Summarize(page, text) if text and (page := _page(before)) else None
        case "collapse":
            return _collapse(*_quoted(rest))
        case _:
            return None


def _page(text: str) -> str | None:
    """Return the page that is named, None if that can be no name."""
    name = text.strip().removeprefix("block:").strip()
    return name if len(name) <= LONGEST_NAME and name.isprintable() and '"' not in name else None


def _quoted(text: str) -> tuple[str, str]:
    """Return what stands before a quotation to the end of the line, and in it; else nothing."""
    before, mark, quoted = text.rstrip().partition('"')
    whole = mark and quoted.endswith('"') and before[-1:].isspace() and quoted[:-1].strip()
    return (before, quoted[:-1]) if whole else ("", "")


def _collapse(before: str, text: str) -> Collapse | None:
    turns = _TURNS.fullmatch(before.strip())
    if turns is None:
        return None
    first, last = int(turns[1]), int(turns[2])
    return Collapse(first, last, text) if 1 <= first <= last else None


# -- tags in a text ---------------------------------------------------------------------------

PIECE = 4_096
"""Characters that are looked at together: what is left of them is copied at each tag."""


class TagFilter:
    """Takes the tags of one session out of one text block, as it comes.

    However the text is cut, the same comes out and the same is taken. Held back is what may still
    become a tag: the beginning of an opener, or an opener with what follows it, up to
    ``LONGEST`` characters and its end. It costs the same for each letter.
    """

    def __init__(self, nonce: str) -> None:
        """Take out tags that bear this nonce."""
        self._opener, self._closer = _ends(nonce)
        self._ends = re.compile(f"{self._opener}|{self._closer}")
        self._event = re.compile(f"{self._opener}|{self._closer}|```|~~~")
        """What decides on what has followed an opener."""
        self._place = Markdown()
        self._taken: list[str] = []
        self._shown: list[str] = []
        self._pending = ""
        """What was fed and is not decided on, outside of a tag."""
        self._body = _Body()
        self._in_body = False
        self._own_line = False
        """The tag began its line."""
        self._ended_line = False
        """A tag that began its line has just ended: a line break belongs to it."""
        self._depth = 0
        """Openers that wait for their closer, of tags in a tag: all of it is text."""

    @property
    def taken(self) -> tuple[str, ...]:
        """What stood in the tags that were taken out, in their order."""
        return tuple(self._taken)

    def feed(self, text: str) -> str:
        """Return what may be shown now; often the text itself."""
        for at in range(0, len(text), PIECE):
            self._run(text[at : at + PIECE], last=False)
        return self._out()

    def end(self) -> str:
        """Return what was held back: the block is over, and what is not a tag by now is none."""
        self._run("", last=True)
        return self._out()

    def _out(self) -> str:
        shown, self._shown = "".join(self._shown), []
        return shown

    def _run(self, text: str, last: bool) -> None:
        rest: str | None = text
        while rest is not None:
            rest = self._step(rest, last)

    def _step(self, text: str, last: bool) -> str | None:
        """Go on to where something changes; returns what follows that, None if nothing does."""
        if self._in_body:
            return self._inside(text, last)
        text, self._pending = self._pending + text, ""
        if self._ended_line and (text or last):
            return self._line_break(text, last)
        return self._nested(text, last) if self._depth else self._outside(text, last)

    def _line_break(self, text: str, last: bool) -> str | None:
        if text == "\r" and not last:
            self._pending = text
            return None
        self._ended_line = False
        return text.removeprefix("\r\n" if text.startswith("\r") else "\n")

    def _outside(self, text: str, last: bool) -> str | None:
        at = text.find(self._opener)
        if at < 0:
            self._pass(text, (self._opener,), last)
            return None
        self._show(text[:at])
        rest = text[at + len(self._opener) :]
        if self._place.is_code():
            self._show(self._opener)
        else:
            self._in_body, self._own_line = True, self._place.at_line_start
        return rest

    def _inside(self, text: str, last: bool) -> str | None:
        """Wait for the closer; what can be no tag any more goes on as text."""
        at, mark = self._body.add(text, self._event, len(self._closer) - 1)
        if mark and at <= LONGEST:
            return self._decided(at, mark)
        if mark or last or self._body.length >= LONGEST + len(self._closer):
            return self._no_tag()
        return None

    def _decided(self, at: int, mark: str) -> str:
        if mark not in (self._opener, self._closer):
            return self._no_tag()
        body, self._in_body = self._body.take(), False
        if mark == self._closer:
            self._taken.append(body[:at])
            self._ended_line = self._own_line
            return body[at + len(mark) :]
        self._depth = 2
        self._show(self._opener + body[:at] + mark)
        return body[at + len(mark) :]

    def _no_tag(self) -> str:
        """The opener is text, and what followed it is looked at anew; there is no opener in it
        that could be one, but behind ``LONGEST``.
        """
        self._in_body = False
        self._show(self._opener)
        return self._body.take()

    def _nested(self, text: str, last: bool) -> str | None:
        found = self._ends.search(text)
        if found is None:
            self._pass(text, (self._opener, self._closer), last)
            return None
        self._depth += 1 if found[0] == self._opener else -1
        self._show(text[: found.end()])
        return text[found.end() :]

    def _pass(self, text: str, ends: Iterable[str], last: bool) -> None:
        """Show the text but for what may be the beginning of an end."""
        at = len(text) if last else min(_beginning(text, end) for end in ends)
        self._show(text[:at])
        self._pending = text[at:]

    def _show(self, text: str) -> None:
        self._shown.append(text)
        self._place.read(text)


def _beginning(text: str, end: str) -> int:
    """Return where the end of a tag may begin that is not whole yet; else where the text ends."""
    at = text.rfind("<", max(0, len(text) - len(end) + 1))
    return at if at >= 0 and end.startswith(text[at:]) else len(text)


class _Body:
    """What follows an opener, piece by piece, looked through once."""

    def __init__(self) -> None:
        self.length = 0
        self._pieces: list[str] = []
        self._tail = ""

    def add(self, text: str, wanted: re.Pattern[str], overlap: int) -> tuple[int, str]:
        """Return where the first match stands that the text completes, and it; else ``""``."""
        window, start = self._tail + text, self.length - len(self._tail)
        self._pieces.append(text)
        self.length += len(text)
        self._tail = window[-overlap:]
        found = wanted.search(window)
        return (start + found.start(), found[0]) if found else (0, "")

    def take(self) -> str:
        """Return all of it; nothing is left."""
        whole = "".join(self._pieces)
        self.length, self._pieces, self._tail = 0, [], ""
        return whole
