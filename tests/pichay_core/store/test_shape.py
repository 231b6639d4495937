"""What stood in a window, by kind: against the body that was sent, and Denning's definition."""

import json

import pytest

from pichay_core.store.shape import TAUS, WORKING_TURNS
from tests.builders import Talk, prose, worked

KINDS = [f"{kind}_tokens" for kind in
         ("front", "talk", "thought", "read", "query", "run", "write", "stub")]  # fmt: skip


def turns(proxy):
    proxy.settle()
    return list(proxy.library._db.query("select * from turns order by request"))


def curve(row):
    return json.loads(row["working_curve"])


def various():
    talk = worked(3)
    return talk.grep("needle").run("make", prose("make")).edit("0.py", think=True).read("9.py")


def test_the_kinds_together_are_the_window_nearly(proxy):
    upstream = proxy.send(various())
    (row,) = turns(proxy)
    wire_tokens = len(upstream) * row["read_tokens"] / (4 * len(prose("0.py").encode()))
    assert sum(row[kind] for kind in KINDS) == pytest.approx(wire_tokens, rel=0.25)
    assert all(row[kind] > 0 for kind in KINDS if kind != "stub_tokens")
    assert row["stub_tokens"] == 0
    assert row["window_limit"] == 200_000


def test_what_leaves_is_a_stub_from_then_on(proxy):
    proxy.send(worked(7))
    proxy.send(worked(8))
    before, after = turns(proxy)
    assert before["removed_tokens"] == before["stub_tokens"] == 0
    assert after["removed_tokens"] > 0
    left = before["read_tokens"] + worked_tokens(before) - after["read_tokens"]
    assert after["stub_tokens"] == left - after["removed_tokens"]


def worked_tokens(row):
    """Of the one page that is read in between."""
    return row["read_tokens"] // 7


def test_a_working_set_is_what_was_referenced_lately_and_each_thing_counts_once(proxy):
    talk = Talk()
    for number in range(20):
        proxy.send(talk.read(f"{number}.py"))
    proxy.send(talk.read("19.py").read("18.py"))
    last = turns(proxy)[-1]
    one = last["read_tokens"] + last["stub_tokens"] + last["removed_tokens"]
    one //= 22
    assert curve(last)["1"] == pytest.approx(one, rel=0.2)
    assert curve(last)["2"] == pytest.approx(2 * one, rel=0.2)
    assert curve(last)["4"] == pytest.approx(2 * one, rel=0.2)
    assert curve(last)["128"] == pytest.approx(20 * one, rel=0.2)
    assert last["working_tokens"] == curve(last)[str(WORKING_TURNS)]


def test_a_working_set_grows_with_its_tau_and_no_further_than_what_was_read(proxy):
    for length in range(1, 28, 2):
        proxy.send(various().run("a").read("1.py").idle(3).read("0.py").to(length))
    for row in turns(proxy):
        sizes = [curve(row)[str(tau)] for tau in TAUS]
        assert sizes == sorted(sizes)
        assert row["pinned_tokens"] <= sum(row[f"{kind}_tokens"] for kind in ("read", "query"))


def test_what_comes_back_is_pinned(proxy):
    proxy.send(worked(8))
    proxy.send(worked(8).read("0.py"))
    first, second = turns(proxy)
    assert first["pinned_tokens"] == 0
    (page,) = proxy.library._db.query("select * from pages where pin_strength is not null")
    assert page["label"] == "0.py"
    assert second["pinned_tokens"] == pytest.approx(page["tokens"], rel=0.1)
