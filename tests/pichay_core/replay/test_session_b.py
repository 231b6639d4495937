"""The paper's session B: files are needed again and again, and each need of one that is out is a
request more. The model reads what is not in its window, so that what is evicted decides what is
asked for; then it works on it for a turn.

Source: T. Mason, arXiv 2603.09023, session B: 681 turns, 680 evictions, 659 faults; a cycle of
three files, a scan over seven.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import pytest

from pichay_core.pager import Limits
from pichay_core.policies import POLICIES
from pichay_core.replay import Setup, replay_all
from pichay_core.replay.run import replayed
from pichay_core.schedule import SCHEDULES
from pichay_core.traces.trace import Conversation, Step
from pichay_core.turn import Rules
from tests.pichay_core.replay.conversations import reading

MODEL = "claude-opus-4-5"
FILE, WORK = 9_000, 200
"""Bytes of a file, and of what a turn of work brings."""
NEEDS = 340
"""Of files: if every one of them is a fault, 681 requests."""


def reference_string(needs: int) -> list[str]:
    """The files that are needed: ten times around three of them, three times over seven."""
    once = [*"abc"] * 10 + [*"tuvwxyz"] * 3
    return (once * (needs // len(once) + 1))[:needs]


class Model:
    """Goes through a reference string; knows the window from :attr:`resident`."""

    def __init__(self, needs: Sequence[str], size: int) -> None:
        self._needs = needs
        most = 2 * len(needs) + 1
        self._work = _told(WORK, None, most)
        self._reads = {name: _told(size, name, most) for name in {*needs}}
        self.resident: frozenset[str] = frozenset()
        self.steps: list[Step] = []
        self.reads = 0

    def __iter__(self) -> Iterator[Step]:
        brought = self._work
        for name in self._needs:
            yield self._step(brought)
            brought = self._work
            if name not in self.resident:
                self.reads += 1
                yield self._step(self._reads[name])
        yield self._step(brought)

    def _step(self, brought: Sequence[Step]) -> Step:
        """The next request, with what the last call brought."""
        at = len(self.steps)
        self.steps.append(replace(self._work[at], new=brought[at].new))
        return self.steps[-1]


@cache
def _told(size: int, name: str | None, most: int) -> tuple[Step, ...]:
    names = [name or f"work{n}" for n in range(most)]
    return reading([size] * len(names), names).steps


def played(
    needs: Sequence[str], schedule: str, tau: int, half_life: int, eases: bool, size: int = FILE
):
    """What the session comes to, and how often a file was read."""
    limits = Limits(tau, pin_half_life=half_life, eases=eases)
    rules = Rules(POLICIES["fifo"], SCHEDULES[schedule], limits)
    setup, model = Setup(rules, MODEL, head=20_000), Model(needs, size)
    for one in replayed(replace(_EMPTY, steps=model), setup, rules.schedule):
        resident = one.session.table.resident()
        model.resident = frozenset(entry.page.call.label for entry in resident)
    return replay_all([replace(_EMPTY, steps=tuple(model.steps))], setup), model.reads


_EMPTY = Conversation("s", "main", ())


def test_unpinned_every_need_is_a_fault_and_the_answer_saves_nearly_half_of_the_cost():
    needs = reference_string(NEEDS)
    alone, reads = played(needs, "every-turn", tau=4, half_life=0, eases=False)
    assert (alone.requests, reads, alone.faults["refetch"]) == (681, 340, 330)
    eased, reads = played(needs, "every-turn", tau=4, half_life=0, eases=True)
    assert (eased.requests, reads, eased.faults["refetch"]) == (451, 110, 100)
    assert (alone.thrash_tokens, eased.thrash_tokens) == (929_280, 270_336)
    assert eased.cost == pytest.approx(0.555 * alone.cost, rel=0.01)


def test_where_pins_keep_pages_from_bouncing_there_is_nothing_to_answer():
    needs = reference_string(NEEDS)
    alone, eased = (played(needs, "auto", 1, 16, eases) for eases in (False, True))
    assert alone == eased
    assert alone[0].thrash and not alone[0].bounced


SCAN = [f"file{n}" for _ in range(3) for n in range(28)]
"""Of 40 kB each, three times over: more than a model of 200,000 tokens takes."""


@pytest.mark.parametrize(("half_life", "dearer"), [(0, 1.113), (16, 1.0)])
def test_the_answer_to_a_scan_over_more_than_fits_costs_little_and_nothing_with_pins(
    half_life, dearer
):
    answered, alone = (
        played(SCAN, "every-turn", 1, half_life, eases, size=40_000)[0] for eases in (True, False)
    )
    assert answered.thrash and alone.thrash
    assert answered.cost == pytest.approx(dearer * alone.cost, rel=0.001)
