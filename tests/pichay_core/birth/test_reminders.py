import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.birth.reminders import listed_once

HEAD = "<system-reminder>\nThe following skills are available for use with the Skill tool:\n\n"
TAIL = "</system-reminder>"


def listing(*entries):
    return HEAD + "".join(f"- {entry}\n" for entry in entries) + TAIL


def once(text):
    return listed_once({0: text}).get(0, text)


def test_of_the_same_skill_under_several_prefixes_the_first_is_kept():
    text = listing(
        "audit: Audits tests.", "tools:audit: Audits tests.", "more:tools:audit: Audits tests."
    )
    assert once(text) == listing("audit: Audits tests.")


def test_skills_that_are_only_called_alike_are_all_kept():
    text = listing("e2e:implement: Fixes tests.", "agents:implement: Writes tests first.")
    assert listed_once({0: text}) == {}


def test_an_entry_of_several_lines_is_kept_or_left_out_whole():
    entry = "api: Reference.\nTRIGGER when asked.\n - not an entry: of its own\nSKIP else."
    assert once(listing(entry, f"x:{entry}", "b: Other.")) == listing(entry, "b: Other.")
    other = listing(entry, f"x:{entry} More.", "b: Other.")
    assert once(other) == other


def test_a_point_that_two_descriptions_make_is_kept_in_both():
    text = listing("a: One.\n- note: careful", "b: Two.\n- note: careful")
    assert listed_once({0: text}) == {}


def test_in_all_blocks_of_one_message_the_first_is_kept():
    first, second = listing("a: One.", "b: Two."), listing("x:a: One.", "c: Three.")
    assert listed_once({3: second, 1: first}) == {3: listing("c: Three.")}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a: One.\n- x:a: One.\n",
        "The following skills are available for use:\n\n- a: One.\n- x:a: One.\n",
        HEAD + "- a: One.\n- x:a: One.\n",
        "<system-reminder>\nAgents:\n- a: One.\n- x:a: One.\n</system-reminder>",
        HEAD + TAIL,
        HEAD + "no list\n" + TAIL,
        listing("a: One."),
    ],
)
def test_nothing_else_is_ever_changed(text):
    assert listed_once({0: text}) == {}


def test_what_stands_around_the_list_stays():
    text = listing("a: One.", "x:a: One.")
    around = "- a: One.\n- x:a: One.\n{}\n- a: One.\n- x:a: One.\n"
    assert once(around.format(text)) == around.format(listing("a: One."))


names = st.sampled_from(["a", "b", "x:a", "y:x:a", "y:b"])
entries = st.lists(st.tuples(names, st.sampled_from(["One.", "Two.\nmore"])), max_size=8)


@given(entries)
def test_every_skill_that_is_told_stays_told(given):
    def said(text):
        lines = text.removeprefix(HEAD).removesuffix(TAIL).split("\n- ")
        found = (line.removeprefix("- ").strip().partition(": ") for line in lines if line.strip())
        return {(name.rpartition(":")[2], words) for name, _, words in found}

    text = listing(*(f"{name}: {words}" for name, words in given))
    assert said(once(text)) == said(text)
    assert once(once(text)) == once(text)
