"""Where Markdown is code, read as it comes.

Rule of this file: what could be code is code. A fence is taken for one however far it is indented
and in whatever list it stands; one that does not stand under it may close it or open the next, so
from there on all counts as code. So does a line that is indented by four, or quotes, and the rest
of a paragraph behind a line in which a code span stays open.
Whoever looks for commands in the text then rather misses one than takes an example for one.
Source: CommonMark 0.31, sections 4.4 (indented code), 4.5 (fences) and 6.1 (code spans). One piece
or many: the same text leaves the reader in the same place. It costs the same for each letter.
"""

import re

FENCE = 3
"""Marks that make a fence; more make a longer one, which only as many can close."""

_PARTS = re.compile(r"`+|~+|\n|\\|[^`~\n\\]+")
_MARGIN = " \t>-+*.)0123456789"
"""What may stand before a fence: indentation, quotation marks, and marks of lists."""
_BLANKS = str.maketrans(dict.fromkeys("-+*.)0123456789", " "))
_WIDEST = 60
"""Characters before a fence that a closing one can stand under."""
_FOR_EVER, _NO_COUNT = 1 << 62, -1
"""Marks that no fence, and no span, is closed by."""
_CODE_INDENT = 4
"""Spaces before a line that make it code; a tab is as many."""


class Markdown:
    """Reads Markdown and says of the place it has come to what that is."""

    def __init__(self) -> None:
        self._fence = 0
        """Marks that opened the fence it is in."""
        self._kind = ""
        """Which."""
        self._under = ""
        """What stands before it, marks of lists as blanks."""
        self._info = 0
        """Marks that open a fence unless one more stands in the same line."""
        self._span = 0
        """Marks that opened the code span it is in."""
        self._run = 0
        """Marks that more may follow."""
        self._mark = ""
        """Which."""
        self._escaped = False
        self._new_line()

    def _new_line(self) -> None:
        self.at_line_start = True
        """Nothing stands in the line before this place."""
        self._leads = True
        """No word stands in it."""
        self._margin = ""
        """What does; no more of it than one over ``_WIDEST``."""
        self._blank = True
        self._spaces = 0
        """That come last in the margin."""
        self._apart = False
        """The line is a quotation, or indented like code."""
        self._closing: int | None = None
        """The fence that it is in behind this line, if no word follows."""

    def read(self, text: str) -> None:
        """Go on to the end of the text."""
        for part in _PARTS.findall(text):
            match part[0]:
                case "\n":
                    self._end_line()
                case "`" | "~":
                    self._marks(part)
                case "\\":
                    self._backslash()
                case _:
                    self._words(part)

    def is_code(self) -> bool:
        """True if a word here is code or could be, is quoted, or its first letter is escaped.

        No marks may follow.
        """
        self._end_run()
        return bool(self._in_code or self._apart or self._escaped)

    @property
    def _in_code(self) -> bool:
        return bool(self._fence or self._info or self._span)

    def _words(self, words: str) -> None:
        self._end_run()
        self._escaped = self.at_line_start = False
        if self._leads:
            word = words.lstrip(_MARGIN)
            self._indent(words[: len(words) - len(word)])
            if word:
                self._begin_word()
        if not words.isspace():
            self._blank, self._closing = False, None

    def _indent(self, margin: str) -> None:
        """Go on by some of what stands before the line's first word."""
        for letter in margin:
            wide = _CODE_INDENT if letter == "\t" else 1
            self._spaces = self._spaces + wide if letter in " \t" else 0
            self._apart = self._apart or letter == ">" or self._spaces >= _CODE_INDENT
        if len(self._margin) <= _WIDEST:
            self._margin = (self._margin + margin)[: _WIDEST + 1]

    def _backslash(self) -> None:
        self._end_run()
        self._escaped = not (self._escaped or self._in_code)
        self._begin_word()

    def _begin_word(self) -> None:
        """Whatever a fence stands in may end with a line that does not go as far in."""
        if self._leads and self._fence and not self._margin.startswith(self._under):
            self._fence = _FOR_EVER
        self.at_line_start = self._leads = self._blank = False
        self._closing = None

    def _marks(self, marks: str) -> None:
        if self._mark != marks[0]:
            self._end_run()
        if self._escaped:  # the first of them is a letter
            self._escaped = False
            self._begin_word()
            marks = marks[1:]
        self._run, self._mark = self._run + len(marks), marks[:1]
        self.at_line_start = False

    def _end_run(self) -> None:
        """Do what the marks mean, now that all of them are known."""
        count, mark, self._run, self._mark = self._run, self._mark, 0, ""
        if not count:
            return
        leads = self._leads
        self._begin_word()
        if self._fence:
            closes = leads and mark == self._kind and count >= self._fence
            under = self._margin == self._under and len(self._margin) <= _WIDEST
            self._closing = (0 if under else _FOR_EVER) if closes else None
        elif leads and count >= FENCE:
            self._open(mark, count)
        elif mark == "`":
            if self._info:  # it was no fence
                self._span_marks(self._info)
                self._info = 0
            self._span_marks(count)

    def _open(self, mark: str, count: int) -> None:
        """A fence ends a paragraph, and with it a code span. What follows it in its line may tell
        that it was a code span itself, if it is made of backticks.
        """
        self._under, self._kind = self._margin.translate(_BLANKS), mark
        if mark == "~":
            self._fence, self._span = count, 0
        else:
            self._info = count

    def _span_marks(self, count: int) -> None:
        if not self._span:
            self._span = count
        elif self._span == count:
            self._span = 0

    def _end_line(self) -> None:
        self._end_run()
        if self._leads and not self._blank:
            self._begin_word()
        if self._closing is not None:
            self._fence = self._closing
        if self._info:
            self._fence, self._info, self._span = self._info, 0, 0
        if self._blank:
            self._span = 0
        elif self._span:
            self._span = _NO_COUNT
        self._escaped = False
        self._new_line()
