"""The bound on what a conversation can cost, against every plan there is on small ones."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from pichay_core.cacheprice import CacheMultipliers
from pichay_core.replay.bound import Waiting, least

PRICE = CacheMultipliers(1.25, 0.1)


def by_every_plan(pages, fixed, end, price):
    """The least of all plans: at each request no flush, or one that cuts at some page."""
    first = min(page.since for page in pages)
    choices = [[None, *range(len(pages))] for _ in range(first, end)]
    return min(priced(plan, pages, fixed, first, end, price) for plan in product(*choices))


def priced(plan, pages, fixed, first, end, price):
    cost, out = 0.0, set()
    for time, cut in enumerate(plan, first):
        if cut is not None:
            cost += (price.write - price.read) * max(0, fixed[time] - pages[cut].before)
            out |= {n for n in range(cut, len(pages)) if pages[n].since <= time}
        kept = (p.gain for n, p in enumerate(pages) if p.since <= time and n not in out)
        cost += price.read * sum(kept)
    return cost


@st.composite
def courses(draw):
    end = draw(st.integers(2, 5))
    growth = draw(st.lists(st.integers(0, 400), min_size=end, max_size=end))
    fixed = [sum(growth[:n]) for n in range(end)]
    sinces = sorted(draw(st.lists(st.integers(1, end - 1), min_size=1, max_size=4)))
    gains = draw(st.lists(st.integers(0, 9_000), min_size=len(sinces), max_size=len(sinces)))
    return [Waiting(s, g, fixed[s - 1]) for s, g in zip(sinces, gains, strict=True)], fixed, end


@given(courses())
@settings(max_examples=100, deadline=None)
def test_the_bound_is_the_best_of_every_plan(course):
    assert abs(least(*course, PRICE) - by_every_plan(*course, PRICE)) < 1e-6


def test_a_page_that_frees_little_waits_to_the_end():
    assert least([Waiting(1, 10, 0)], [0, 5_000, 5_000], 3, PRICE) == 2 * 10 * 0.1


def test_a_page_that_frees_much_leaves_at_once():
    assert least([Waiting(1, 90_000, 0)], [0, 100, 100], 3, PRICE) == 100 * 1.15


def test_nothing_waiting_costs_nothing():
    assert least([], [0, 1], 2, PRICE) == 0.0
