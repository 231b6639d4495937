"""Arithmetic of stays: rows of half-open ranges of requests, in order, none touching another."""

from collections.abc import Iterable, Sequence

from pichay_core.probe.window import Stay


def length(stays: Iterable[Stay]) -> int:
    """Return how many requests that is."""
    return sum(stay.end - stay.first for stay in stays)


def within(stays: Iterable[Stay], first: int, end: int) -> list[Stay]:
    """Return what lies between two requests, the second left out."""
    cut = (Stay(max(stay.first, first), min(stay.end, end)) for stay in stays)
    return [stay for stay in cut if stay.first < stay.end]


def without(stays: Iterable[Stay], others: Iterable[Stay]) -> list[Stay]:
    """Return what is not in the others."""
    rest = list(stays)
    for other in others:
        rest = [
            part
            for stay in rest
            for part in (*within([stay], stay.first, other.first), *_from(stay, other.end))
        ]
    return rest


def _from(stay: Stay, request: int) -> Sequence[Stay]:
    return within([stay], request, stay.end)
