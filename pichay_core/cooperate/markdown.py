"""Where Markdown is code, read as it comes.

Rule of this file: what could be code is code. A fence is taken for one however far it is indented
and in whatever list it stands, and only one that stands under it closes it; a line that is
indented by four, or that quotes, counts as code.
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
_CODE_INDENT = 4
"""Spaces before a line that make it code; a tab is as many."""


class Markdown:
    """Reads Markdown and says of the place it has come to what that is."""

    def __init__(self) -> None:
        self._fence = ""
        """The marks that opened the fence it is in."""
        self._under = ""
        """What stands before it, marks of lists as blanks."""
        self._info = 0
        """Marks that open a fence unless one more stands in the same line."""
        self._span = 0
        """Marks that opened the code span it is in."""
        self._run = ""
        """Marks that more may follow."""
        self._escaped = False
        self._new_line()

    def _new_line(self) -> None:
        self.at_line_start = True
        """Nothing stands in the line before this place."""
        self._leads = True
        """No word stands in it."""
        self._margin = ""
        """What does, marks of lists as blanks; no longer than somewhat over ``_WIDEST``."""
        self._blank = True
        self._spaces = 0
        """That come last in the lead."""
        self._apart = False
        """The line is a quotation, or indented like code."""
        self._closing = False

    def read(self, text: str) -> None:
        """Go on to the end of the text."""
        for part in _PARTS.findall(text):
            match part[0]:
                case "\n":
                    self._end_line()
                case "`" | "~":
                    self._mark(part)
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
            self._leads = not word
        if not words.isspace():
            self._blank = self._closing = False

    def _indent(self, margin: str) -> None:
        """Go on by some of what stands before the line's first word."""
        for letter in margin:
            wide = _CODE_INDENT if letter == "\t" else 1
            self._spaces = self._spaces + wide if letter in " \t" else 0
            self._apart = self._apart or letter == ">" or self._spaces >= _CODE_INDENT
        if len(self._margin) <= _WIDEST:
            self._margin += margin.translate(_BLANKS)[: _WIDEST + 1]

    def _backslash(self) -> None:
        self._end_run()
        self._escaped = not (self._escaped or self._in_code)
        self._begin_word()

    def _begin_word(self) -> None:
        self.at_line_start = self._leads = self._blank = self._closing = False

    def _mark(self, marks: str) -> None:
        if self._run[:1] != marks[0]:
            self._end_run()
        if self._escaped:  # the first of them is a letter
            self._escaped = False
            self._begin_word()
            marks = marks[1:]
        self._run += marks
        self.at_line_start = False

    def _end_run(self) -> None:
        """Do what the marks mean, now that all of them are known."""
        marks, self._run = self._run, ""
        if not marks:
            return
        leads = self._leads
        self._begin_word()
        if self._fence:
            under = leads and self._margin == self._under and len(self._margin) <= _WIDEST
            self._closing = under and marks.startswith(self._fence)
        elif self._info:
            self._no_fence(marks)
        elif leads and len(marks) >= FENCE:
            self._open(marks)
        elif marks[0] == "`":
            self._span_mark(len(marks))

    def _open(self, marks: str) -> None:
        """A fence ends a paragraph, and with it a code span. What follows it in its line may tell
        that it was a code span itself, if it is made of backticks.
        """
        self._span, self._under = 0, self._margin
        if marks[0] == "~":
            self._fence = marks
        else:
            self._info = len(marks)

    def _no_fence(self, marks: str) -> None:
        if marks[0] == "`":
            self._span, self._info = self._info, 0
            self._span_mark(len(marks))

    def _span_mark(self, count: int) -> None:
        if not self._span:
            self._span = count
        elif self._span == count:
            self._span = 0

    def _end_line(self) -> None:
        self._end_run()
        if self._closing:
            self._fence = ""
        if self._info:
            self._fence, self._info = "`" * self._info, 0
        if self._blank:
            self._span = 0
        self._escaped = False
        self._new_line()
