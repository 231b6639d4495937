"""What a reply has written, as its provider counts it."""

from collections.abc import Iterable, Mapping

type Tally = Mapping[tuple[str, ...], int]
"""Tokens on the output side, by where they stand in a usage."""


def counts_in(found: Iterable[tuple[tuple[str, ...], object]]) -> Tally:
    """Return what of it is a count."""
    return {path: count for path, count in found if type(count) is int and count >= 0}


def together(one: Tally, other: Tally) -> Tally:
    """Return the sum of two tallies."""
    return {path: one.get(path, 0) + other.get(path, 0) for path in {**one, **other}}
