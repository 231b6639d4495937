"""How many results to evict at once: what the simulated bill says, and the rule of thumb.

With R the tokens of a result, a those of what the assistant says, s those of a stub, the batch
that costs least is near sqrt(2 * (write - read) * keep * (R + a) / (read * (R - s))).
"""

from functools import cache
from itertools import pairwise
from math import sqrt

import pytest

from pichay_core.prefix import Part
from tests.pichay_core.prefix.builders import Provider, anthropic, chain, on, unit

WRITE = 1.25
SYSTEM, RESULT, SAID, STUB = 20_000, 2500, 300, 60
KEEP = 8


def bill(out: list[int], read: float, boundary: bool = True) -> float:
    """The input bill of a conversation in which *out* results are stubs by the nth request.

    Markers stand on the system prompt and the last result; with *boundary*, also where the
    stubs end now and where they ended before.
    """
    provider, prompt = Provider(anthropic()), chain(unit("system", SYSTEM, Part.SYSTEM))
    for number, (before, now) in enumerate(pairwise((0, *out))):
        said, result = unit(number, SAID, Part.CALL), unit(number, RESULT, Part.RESULT)
        prompt = prompt.then([said, result])
        stubs = {2 * at + 2: unit(at, STUB, Part.RESULT) for at in range(before, now)}
        prompt = prompt.replaced(stubs)
        ends = {2 * before, 2 * now} if boundary else set[int]()
        provider.ask(prompt, marks=on(*sorted({0, len(prompt) - 1} | ends)))
    bills = provider.bills
    return sum(b.input + WRITE * b.cache_write + read * b.cache_read for b in bills)


@cache
def change(requests: int, batch: int, read: float, boundary: bool = True) -> float:
    """The bill of evicting *batch* results at a time, as a change against evicting none."""
    out = [max(0, number - KEEP + 1) // batch * batch for number in range(requests)]
    return bill(out, read, boundary) / bill([0] * requests, read) - 1


def best_batch(read: float) -> float:
    paid = 2 * (WRITE - read) * KEEP * (RESULT + SAID)
    return sqrt(paid / (read * (RESULT - STUB)))


@pytest.mark.parametrize(("read", "raised"), [(0.1, 1.54), (0.05, 3.03), (0.025, 4.82)])
def test_evicting_at_every_turn_without_a_boundary_marker_multiplies_the_bill(
    read: float, raised: float
):
    assert change(80, 1, read, boundary=False) == pytest.approx(raised, abs=0.005)


@pytest.mark.parametrize(("read", "saved"), [(0.1, -0.52), (0.05, -0.40), (0.025, -0.23)])
def test_evicting_in_batches_with_boundary_markers_lowers_it(read: float, saved: float):
    assert change(160, 16, read) == pytest.approx(saved, abs=0.005)


@pytest.mark.parametrize("read", [0.1, 0.05, 0.025])
def test_a_boundary_marker_never_costs_anything(read: float):
    for batch in (1, 8, 16):
        assert change(80, batch, read) <= change(80, batch, read, boundary=False)


@pytest.mark.parametrize(("read", "best"), [(0.1, 14), (0.05, 22), (0.025, 32)])
def test_the_rule_of_thumb_is_near_the_best_batch(read: float, best: int):
    tried = (6, 10, 14, 18, 22, 28, 32, 36, 44)
    assert min(tried, key=lambda batch: change(160, batch, read)) == best
    assert change(160, round(best_batch(read)), read) - change(160, best, read) < 0.018
