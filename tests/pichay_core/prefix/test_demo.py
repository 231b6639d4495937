"""Two simulations of one documentation, by two hands: this one and that of the demo's upstream."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pichay_cli.demo.cache import Entries, Place, bill
from pichay_core.model import Usage
from pichay_core.prefix import (
    AnthropicCache,
    AnthropicRules,
    Habits,
    Mark,
    Part,
    PrefixCache,
    Request,
    Ttl,
    Unit,
)
from tests.pichay_core.prefix.builders import chain, unit
from tests.pichay_core.prefix.strategies import CONVERSATIONS, Move, requests
from tests.strategies import law

KINDS = {Part.CALL: "tool_use", Part.RESULT: "tool_result"}
MINIMUM = 100


def place(unit: Unit, ttl: Ttl | None) -> Place:
    kind = KINDS.get(unit.part, str(unit.part))
    return Place(kind, str(unit.identity).encode(), unit.tokens, ttl and str(ttl))


def the_demos_bills(asked: list[Request]) -> list[Usage]:
    entries: Entries = {}
    usages = []
    for request in asked:
        ttls = {mark.unit: mark.ttl for mark in request.marks}
        row = [place(unit, ttls.get(at)) for at, unit in enumerate(request.chain.units)]
        one = bill(entries, row, scope=request.scope, minimum=MINIMUM, now=request.start)
        entries = one.entries
        usages.append(one.usage)
    return usages


def our_bills(asked: list[Request], habits: Habits) -> list[Usage]:
    cache: PrefixCache = AnthropicCache(AnthropicRules(MINIMUM, habits=habits))
    usages = []
    for request in asked:
        billed = cache.bill(request)
        cache = billed.after
        usages.append(billed.usage)
    return usages


def apart(moves: list[Move]) -> list[Request]:
    """Requests that do not overlap: the demo leaves that out."""
    return [replace(request, first_byte=None) for request in requests(moves)]


@law
@given(CONVERSATIONS, st.sampled_from(Ttl))
def test_both_bill_conversations_with_one_time_to_live_alike(moves: list[Move], ttl: Ttl):
    asked = [
        replace(request, marks=tuple(replace(mark, ttl=ttl) for mark in request.marks))
        for request in apart(moves)
    ]
    assert our_bills(asked, Habits()) == the_demos_bills(asked)


@law
@given(CONVERSATIONS)
def test_both_bill_mixed_times_alike_if_a_longer_one_prolongs_what_is_held(moves: list[Move]):
    asked = apart(moves)
    assert our_bills(asked, Habits(raises_ttl=True)) == the_demos_bills(asked)


@law
@given(st.integers(3, 45), st.integers(1, 45), st.booleans())
def test_both_look_back_equally_far(first: int, more: int, parallel: bool):
    part = Part.RESULT if parallel else Part.USER
    row = [unit(at, part=part if at >= first else Part.USER) for at in range(first + more)]
    begun = Request(chain(row[:first]), 0.0, marks=(Mark(first - 1),))
    whole = Request(chain(row), 1.0, marks=(Mark(len(row) - 1),))
    assert our_bills([begun, whole], Habits()) == the_demos_bills([begun, whole])
