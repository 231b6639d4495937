"""Rates from counts, and how far one session is from the others."""

from collections.abc import Iterable, Sequence

from pichay_core.model import Kind
from pichay_core.policies.references import Standing
from priors_parts.counts import AGES, KINDS, Cell, Counts

type Rates = dict[Standing, tuple[float, ...]]
"""References to a page in a turn, by standing and bucket."""

DIGITS = 5
LEAST_WEIGHT, MOST_WEIGHT = 0.1, 100.0


def rates(conversations: Sequence[Counts]) -> Rates:
    """Return rates that fall with age. Half a reference is added to each count (Jeffreys)."""
    return {stands: _falling(_cells(conversations, stands)) for stands in Standing}


def _cells(conversations: Sequence[Counts], stands: Standing) -> list[tuple[float, int]]:
    def total(bucket: int) -> tuple[float, int]:
        cell = stands, bucket
        asked = sum(counts.references[cell] for counts in conversations)
        return asked + 0.5, sum(counts.turns[cell] for counts in conversations)

    return [total(bucket) for bucket in range(len(AGES))]


def _falling(cells: Iterable[tuple[float, int]]) -> tuple[float, ...]:
    """Return the rates nearest to those counted that never rise: neighbours that do are pooled.

    Source: M. Ayer and others, "An empirical distribution function for sampling with incomplete
    information", 1955 (pool adjacent violators).
    """
    pools: list[tuple[float, int, int]] = []
    for references, turns in cells:
        pools.append((references, turns, 1))
        while len(pools) > 1 and _rate(pools[-2]) < _rate(pools[-1]):
            (r, t, n), (more, longer, wider) = pools.pop(-2), pools.pop(-1)
            pools.append((r + more, t + longer, n + wider))
    return tuple(round(_rate(pool), DIGITS) for pool in pools for _ in range(pool[2]))


def _rate(pool: tuple[float, int, int]) -> float:
    references, turns, _ = pool
    return min(1.0, references / max(1, turns))


def weight(conversations: Sequence[Counts], found: Rates, kind: Kind) -> float:
    """Return how many references the rates are worth against those of one session.

    References to pages of a kind are taken to be Poisson about ``factor x expected``, the factor
    Gamma of mean one: the more sessions differ beyond chance, the less the rates are worth.
    Estimated by moments, variance = expected + expected ** 2 / weight.
    """
    pairs = [_asked_and_expected(counts, found, kind) for counts in conversations]
    beyond = sum((asked - expected) ** 2 - expected for asked, expected in pairs)
    squares = sum(expected**2 for _, expected in pairs)
    estimate = squares / beyond if beyond > 0 else MOST_WEIGHT
    return round(min(MOST_WEIGHT, max(LEAST_WEIGHT, estimate)), 1)


def _asked_and_expected(counts: Counts, found: Rates, kind: Kind) -> tuple[float, float]:
    def is_kind(cell: Cell) -> bool:
        return KINDS.get(cell[0], Kind.READ) is kind

    asked = sum(n for cell, n in counts.references.items() if is_kind(cell))
    expected = (
        n * found[stands][bucket]
        for (stands, bucket), n in counts.turns.items()
        if is_kind((stands, bucket))
    )
    return asked, sum(expected)
