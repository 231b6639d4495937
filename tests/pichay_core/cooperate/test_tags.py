"""Tags in the model's text: what is taken out, what is left, and what they ask for."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pichay_core.cooperate.commands import Anchor, Collapse, Release, Summarize
from pichay_core.cooperate.tags import LONGEST, TagFilter, commands_of, nonce_of, told
from pichay_core.store.vocabulary import count_tokens
from pichay_core.stubs import handle_of
from tests.strategies import law

NONCE = "k7q2m9xa"
OPEN, CLOSE = f"<memory_{NONCE}>", f"</memory_{NONCE}>"
TAG = f"{OPEN}drop: block:AAAAAAAA{CLOSE}"
DROP = "drop: block:AAAAAAAA"


def fed(pieces):
    """What is shown of a text that comes in pieces, and what is taken out of it."""
    tags = TagFilter(NONCE)
    shown = [tags.feed(piece) for piece in pieces]
    return "".join((*shown, tags.end())), tags.taken


def whole(text):
    return fed([text])


def test_a_tag_is_taken_out():
    assert whole(f"One. {TAG} Two.") == ("One.  Two.", (DROP,))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"One.\n{TAG}\nTwo.", "One.\nTwo."),
        (f"One.\r\n{TAG}\r\nTwo.", "One.\r\nTwo."),
        (f"One.\n\n{TAG}\n\nTwo.", "One.\n\n\nTwo."),
        (f"{TAG}\n{TAG}\nTwo.", "Two."),
        (f"One.\n{TAG}", "One.\n"),
        (f"One.\n{TAG}\r", "One.\n\r"),
        (f"One.\n{TAG}\rTwo", "One.\n\rTwo"),
        (f"One. {TAG}\nTwo.", "One. \nTwo."),
        (f"  {TAG}\nTwo.", "  \nTwo."),
        (f"{TAG}{TAG}", ""),
        (f"{TAG} {TAG}\n", " \n"),
        (TAG, ""),
    ],
)
def test_a_line_that_was_nothing_but_a_tag_goes_with_its_line_break(text, shown):
    assert whole(text)[0] == shown
    assert fed(text)[0] == shown


LEFT = {
    "no nonce": "<memory>drop: block:AAAAAAAA</memory>",
    "wrong nonce": TAG.replace(NONCE, "k7q2m9xb"),
    "wrong nonce at one end": f"{OPEN}drop: a</memory_k7q2m9xb>",
    "capitals": TAG.upper(),
    "capital nonce": TAG.replace(NONCE, NONCE.upper()),
    "unfinished": f"One. {OPEN}drop: block:AAAAAAAA",
    "unfinished closer": f"One. {OPEN}drop: block:AAAAAAAA{CLOSE[:-1]}",
    "only a closer": f"One. {CLOSE} Two.",
    "the wrong way round": f"{CLOSE} One. {OPEN}",
    "nested": f"{OPEN}drop: a\n{TAG}\n{CLOSE}",
    "nested and unfinished": f"{OPEN} {TAG} {DROP}",
    "opened twice, further tags": f"I write {OPEN} and {OPEN}.\n{TAG}\nThat is all.",
    "space in it": TAG.replace("<m", "< m"),
    "attribute": TAG.replace(f"{NONCE}>drop", f"{NONCE} a=b>drop"),
    "fullwidth": TAG.replace("<", "\uff1c"),
    "cyrillic": TAG.replace("memory", "mem\u043ery"),
    "zero width": TAG.replace("memory_", "memory_\u200b"),
    "combining": TAG.replace("y_", "y\u0307_"),
    "character reference": TAG.replace("<", "&lt;"),
    "too long": f"{OPEN}{'x' * (LONGEST + 1)}{CLOSE}",
    "escaped": f"\\{TAG}",
    "a fence in it": f"{OPEN}drop: a\n```\n{CLOSE}",
    "fence": f"```\n{TAG}\n```\n",
    "fence with a word": f"One.\n```xml\n{TAG}\n```\n",
    "tildes": f"~~~\n{TAG}\n~~~",
    "tildes with backticks behind": f"~~~ `a`\n{TAG}\n~~~",
    "a longer fence": f"````\n```\n{TAG}\n````",
    "a fence of the other kind in it": f"~~~\n```\n~~\n{TAG}\n~~~",
    "closed by less": f"````\n```\n{TAG}",
    "closed with a word": f"```\n``` word\n{TAG}\n```",
    "indented fence": f"      ```\n      {TAG}\n      ```",
    "tab before a fence": f"\t```\n{TAG}\n\t```",
    "fence in a list": f"- One:\n\n  1. ```\n     {TAG}\n     ```",
    "fence behind a bullet": f"* ~~~\n  {TAG}\n",
    "fence in a quotation": f"> ```\n{TAG}",
    "a fence far to the right": f"{' ' * 61}```\na\n{' ' * 61}```\n{TAG}",
    "quotation": f"> {TAG}",
    "indented like code": f"One.\n\n    {TAG}\n",
    "indented by a tab": f"One.\n\n \t{TAG}",
    "indented in a list": f"-     {TAG}",
    "unfinished fence": f"```\n{TAG}\n",
    "the line of a fence": f"``` {TAG}\n",
    "behind a fence": f"```\n``` {TAG}\n```\n",
    "span": f"Write `{TAG}`.",
    "span of two": f"Write `` ` {TAG} ``.",
    "span of three": f"Write ```{TAG}```.",
    "span of three that begins its line": f"```{TAG}```",
    "span over a line break": f"Write `a\n{TAG}`.",
    "span behind an escaped backtick": f"\\`a` {TAG}`",
    "span after an escaped backslash": f"\\\\`{TAG}`",
    "open span": f"Write `{TAG}",
}


@pytest.mark.parametrize("text", LEFT.values(), ids=LEFT)
def test_what_is_no_tag_beyond_doubt_stays_as_it_stands(text):
    assert whole(text) == (text, ())
    assert fed(text) == (text, ())


TAKEN = {
    "a body as long as may be": f"{OPEN}{'x' * LONGEST}{CLOSE}",
    "behind a fence that is closed": f"```\n{OPEN}\n```\n{TAG}",
    "behind a longer closing fence": f"```\na\n``````  \n{TAG}",
    "behind a closed fence in a list": f"- a\n  ```\n  b\n  ```\n{TAG}",
    "behind a span": f"`{OPEN}` {TAG}",
    "behind a span of two with one in it": f"`` ` `` {TAG}",
    "behind an escaped backtick": f"\\` {TAG}",
    "behind a span that no paragraph closes": f"a ` b\n\n{TAG}",
    "behind a span of three that begins its line": f"```a``` {TAG}",
    "behind an escaped backslash": f"\\\\{TAG}",
    "behind tildes in a line": f"about ~~~ {TAG}",
    "behind two tildes": f"~~a~~ {TAG}",
    "behind a quotation": f"> a\n{TAG}",
    "in a list": f"1. {TAG}",
    "behind an opener of too much": f"{OPEN}{'x' * (LONGEST + 40)}{TAG}",
    "behind an opener before a fence": f"{OPEN}\n```\n```\n{TAG}",
    "backticks in it": f"{OPEN}summarize: block:A \"about `a`\"{CLOSE}",
    "other tags in it": f"{OPEN}<memory_other></b>{CLOSE}",
    "behind an unfinished opener": f"{OPEN[:-1]}{TAG}",
    "behind many brackets": f"<<<<{TAG}",
}  # fmt: skip


@pytest.mark.parametrize("text", TAKEN.values(), ids=TAKEN)
def test_what_is_a_tag_is_taken(text):
    shown, taken = whole(text)
    assert len(taken) == 1
    assert shown + OPEN + taken[0] + CLOSE == text
    assert fed(text) == (shown, taken)


PARTS = st.sampled_from(
    [OPEN, CLOSE, TAG, OPEN[:-1], CLOSE[:5], "<", "</", "`", "``", "```", "~~~", "````", "\n",
     "\n\n", "\r\n", "\r", " ", "    ", "\t", "> ", "- ", "1. ", "\\", "a", "word", "drop: a",
     " " * 61, "`" * 9, "\u00e9", "\U0001f600", "\ud800", "x" * LONGEST, "y" * 37]
)  # fmt: skip
TEXTS = st.one_of(st.lists(PARTS, max_size=24).map("".join), st.text(max_size=60))


@st.composite
def cut(draw, texts=TEXTS):
    """A text, and the same in pieces."""
    text = draw(texts)
    at = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    return text, [text[a:b] for a, b in zip([0, *at], [*at, len(text)], strict=True)]


@law
@given(cut())
def test_any_cut_gives_the_same_text_and_the_same_tags(given):
    text, pieces = given
    assert fed(pieces) == whole(text)


@law
@given(st.lists(PARTS.filter(lambda part: len(part) < 100), max_size=24).map("".join))
@example(f"``\n{TAG}```\n{TAG}")
def test_letter_by_letter_comes_out_what_comes_out_of_all_at_once(text):
    assert fed(text) == whole(text)


@law
@given(TEXTS)
def test_what_is_shown_and_what_is_taken_is_all_there_was(text):
    """In its order, but for the line breaks that belonged to a tag."""
    shown, taken = whole(text)
    letters = iter(text)
    assert all(letter in letters for letter in shown)
    tags = sum(len(OPEN + body + CLOSE) for body in taken)
    assert 0 <= len(text) - len(shown) - tags <= 2 * len(taken)
    assert all(OPEN + body + CLOSE in text for body in taken)


WITHOUT = TEXTS.filter(lambda text: NONCE not in text)


@law
@given(cut(WITHOUT))
def test_without_the_nonce_the_text_passes_at_once_but_for_the_beginning_of_an_opener(given):
    text, pieces = given
    tags, fed_so_far, shown = TagFilter(NONCE), "", ""
    for piece in pieces:
        fed_so_far, shown = fed_so_far + piece, shown + tags.feed(piece)
        held = max(n for n in range(len(OPEN)) if fed_so_far.endswith(OPEN[:n]))
        assert shown == fed_so_far[: len(fed_so_far) - held]
    assert shown + tags.end() == text
    assert tags.taken == ()


@law
@given(cut())
def test_never_is_more_held_back_than_a_tag_may_be_long(given):
    tags, fed_so_far, shown = TagFilter(NONCE), 0, 0
    for piece in given[1]:
        fed_so_far, shown = fed_so_far + len(piece), shown + len(tags.feed(piece))
        taken = sum(len(OPEN + body + CLOSE) + 2 for body in tags.taken)
        assert fed_so_far - shown - taken <= len(OPEN) + LONGEST + len(CLOSE)


@pytest.mark.parametrize("part", ["<", OPEN, TAG, "`a", "`", " ", "\\", OPEN + "x" * 100])
@pytest.mark.parametrize(("size", "letters"), [(1, 50_000), (1000, 10**6), (10**9, 10**6)])
def test_ten_times_the_letters_take_about_ten_times_as_long(part, size, letters):
    def seconds(letters):
        text = part * (letters // len(part))
        began = time.process_time()
        fed(text[at : at + size] for at in range(0, len(text), size))
        return time.process_time() - began

    assert seconds(letters) < 0.2 + 40 * seconds(letters // 10)


def test_a_nonce_is_the_sessions_own_and_no_handle():
    one, other = nonce_of(b"1" * 16), nonce_of(b"2" * 16)
    assert one != other
    assert len(one) == 8
    assert one.isalnum()
    assert one == one.lower()
    assert one.upper() != handle_of("", b"1" * 16)


def test_the_model_is_told_the_form_and_shown_no_tag():
    text = told(NONCE)
    assert OPEN in text
    assert CLOSE in text
    assert count_tokens(text) <= 150


def test_what_the_model_was_told_of_tags_asks_for_nothing_if_it_repeats_it():
    assert [commands_of(body) for body in whole(told(NONCE))[1]] == [("and",)]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("drop: block:K7Q2M9XA", Release(("K7Q2M9XA",))),
        ("drop: K7Q2M9XA", Release(("K7Q2M9XA",))),
        ("drop:K7Q2M9XA", Release(("K7Q2M9XA",))),
        ("drop: src/a file.py", Release(("src/a file.py",))),
        ("anchor: block:K7Q2M9XA", Anchor(("K7Q2M9XA",))),
        ("anchor: block: K7Q2M9XA", Anchor(("K7Q2M9XA",))),
        ('summarize: block:K7Q2M9XA "what it said"', Summarize("K7Q2M9XA", "what it said")),
        ('summarize: a b "say "no""', Summarize("a b", 'say "no"')),
        ('collapse: turns 3-12 "all done"', Collapse(3, 12, "all done")),
        ('collapse: turns 3-3 "one"', Collapse(3, 3, "one")),
    ],
)
def test_a_line_that_is_a_command_is_one(line, command):
    assert commands_of(line) == (command,)
    assert commands_of(f"\n  {line}\t\r\n\n") == (command,)


@pytest.mark.parametrize(
    "line",
    [
        "drop:", "drop: block:", "drop K7Q2M9XA", "Drop: block:K7Q2M9XA", "- drop: block:K7Q2M9XA",
        'drop: block:K7Q2M9XA "why"', "drop: " + "x" * 1025, "drop: a\x00b", "drop: a\u202eb",
        "forget: block:K7Q2M9XA", "recall: block:K7Q2M9XA", "summarize: block:K7Q2M9XA",
        'summarize: block:K7Q2M9XA""', 'summarize: block:K7Q2M9XA ""', 'summarize: a " "',
        'summarize: "text"', 'summarize: block:A "text" more', 'summarize: block:A "',
        'collapse: turns 3-12', 'collapse: 3-12 "x"', 'collapse: turns 12-3 "x"',
        'collapse: turns 0-3 "x"', 'collapse: turns 3 "x"', 'collapse: turns 3-1234567 "x"',
        'collapse: turns \u0663-\u0664 "x"', 'collapse: turns 1-2 ""', "all", "\ufeffdrop: block:A",
    ],
)  # fmt: skip
def test_a_line_that_is_none_is_not_guessed_at(line):
    assert commands_of(line) == (line.strip(),)


def test_commands_are_carried_out_in_their_order():
    body = 'drop: a\nwhat?\nanchor: b\n\ncollapse: turns 1-2 "x"'
    assert commands_of(body) == (
        Release(("a",)),
        "what?",
        Anchor(("b",)),
        Collapse(1, 2, "x"),
    )


@pytest.mark.parametrize("line", ["drop: " + " " * 15_000 + '"', 'summarize: a "' + '" ' * 8_000])
def test_a_giant_line_costs_no_time(line):
    began = time.process_time()
    assert len(commands_of(line)) == 1
    assert time.process_time() - began < 0.5


# -- security -----------------------------------------------------------------------------------


def test_an_opener_that_was_injected_earlier_is_not_closed_by_a_tag_further_down():
    """Who can make the model write an opener cannot make a tag of what stands between."""
    text = f"The page says {OPEN}. I work on.\n{TAG}\nDone."
    assert whole(text) == (text, ())


def test_an_opener_in_one_block_is_not_closed_in_the_next():
    first, second = f"One. {OPEN}drop: a", f"Two.{CLOSE}"
    assert (whole(first), whole(second)) == ((first, ()), (second, ()))


@law
@given(st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=8, max_size=8), cut(st.just(TAG)))
def test_a_tag_with_a_guessed_nonce_is_text(guess, given):
    tags = TagFilter(guess)
    shown = "".join((*map(tags.feed, given[1]), tags.end()))
    assert (shown, tags.taken) == ((TAG, ()) if guess != NONCE else ("", (DROP,)))


@law
@given(st.integers(0, len(TAG) - 1), st.characters(exclude_characters=TAG))
def test_a_tag_with_one_other_letter_at_its_ends_is_text(at, letter):
    text = TAG[:at] + letter + TAG[at + 1 :]
    inside = len(OPEN) <= at < len(TAG) - len(CLOSE)
    assert whole(text) == (("", (text[len(OPEN) : -len(CLOSE)],)) if inside else (text, ()))


MARKS = ["`", "``", "```", "````", "~~~", "~~~~", "\n", "\n\n", " ", "    ", "\t", "> ", "- ",
         "1. ", "\\", "a", "\n```\n", "\n~~~\n", "\n```py\n", "\n  ```\n"]  # fmt: skip


@settings(law, max_examples=150)
@given(st.lists(st.sampled_from(MARKS), max_size=14), st.lists(st.sampled_from(MARKS), max_size=8))
@example(["> ~~~\n~~~\n"], [])
@example(["    ```\n```\n"], ["``"])
@example(["```\n  ```\n```\n"], [])
@example(["- a\n  ```\n~~~\n\n  ```\n"], [])
@example(["\\````\n```~~~```"], ["```"])
@example(["a`\n- `"], ["`"])
def test_what_a_reader_of_markdown_takes_for_code_is_no_tag(before, after):
    """An independent reader has the tag as one word."""
    words = "".join(before), "".join(after)
    _, taken = whole(TAG.join(words))
    tokens = MarkdownIt("commonmark").parse("commands".join(words))
    inner = [child for token in tokens for child in token.children or ()]
    code = [token.content for token in (*tokens, *inner) if token.type in CODE]
    assert not (taken and any("commands" in text for text in code)), TAG.join(words)


CODE = ("fence", "code_block", "code_inline")
