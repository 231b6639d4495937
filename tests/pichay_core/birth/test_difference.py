import time

from hypothesis import given
from hypothesis import strategies as st

from pichay_core.birth.difference import LARGEST, MOST_LINES, difference

LINES = [f"line {number} of a file that is read more than once" for number in range(300)]
lines = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12)


def text(changed=(), of=LINES):
    return "\n".join([*(dict(changed).get(n, line) for n, line in enumerate(of))])


def patched(old: str, told: str) -> str:
    """What *told* says has become of *old*; reads hunks, knows nothing of how they were made."""
    before, after, at = old.split("\n"), [], 0
    for line in told.split("\n") if told else []:
        if line.startswith("@@ "):
            first, _, count = line.split(" ")[1][1:].partition(",")
            start = int(first) - (count != "0")
            after += before[at:start]
            at = start
        elif line[:1] == "+":
            after.append(line[1:])
        else:
            assert before[at] == line[1:], line
            after += [line[1:]] if line[:1] == " " else []
            at += 1
    return "\n".join([*after, *before[at:]])


def test_a_change_is_told_by_its_lines_and_three_around_it():
    told = difference(text(), text({150: "another line"}))
    assert told is not None
    assert told.splitlines() == [
        "@@ -148,7 +148,7 @@",
        *(f" {line}" for line in LINES[147:150]),
        f"-{LINES[150]}",
        "+another line",
        *(f" {line}" for line in LINES[151:154]),
    ]


@given(lines, lines, st.integers(0, 30), st.integers(0, 30))
def test_whoever_has_the_old_text_can_make_the_new_one_of_it(old, new, before, after):
    around = (LINES[:before], LINES[200 : 200 + after])
    one, other = (text(of=[*around[0], *middle, *around[1]]) for middle in (old, new))
    told = difference(one, other)
    if told is not None:
        assert patched(one, told) == other


def test_a_text_that_is_mostly_new_is_not_told_so():
    assert difference(text(), text({n: f"new {n} " * 9 for n in range(200)})) is None


def test_equal_texts_differ_in_nothing():
    assert difference(text(), text()) == ""


def test_the_work_is_bounded():
    many = [f"{n % 7}" for n in range(2 * MOST_LINES)]
    assert difference(text(of=many), text(of=[*many[::-1], "x"])) is None
    large = "x" * LARGEST
    assert difference(large, large + "y") is None


def test_the_worst_that_is_compared_takes_no_time_that_anybody_waits_for():
    one = [f"{n * 7919 % 5}" for n in range(MOST_LINES)]
    other = [f"{n * 104729 % 5}" for n in range(MOST_LINES)]
    started = time.perf_counter()
    difference(text(of=["a", *one, "b"]), text(of=["b", *other, "a"][:MOST_LINES]))
    assert time.perf_counter() - started < 1.0
