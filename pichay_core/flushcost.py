"""What it costs to write again what a flush leaves in the window.

Rule of this file: amounts are tokens at the base input price.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pichay_core.leaving import Batch
from pichay_core.model import PageId


@dataclass(frozen=True, slots=True)
class Prefix:
    """What the provider has cached of the messages, as far as the price of a flush goes."""

    write: float = 1.25
    """Price of a cache write, as a multiple of the base input price."""
    read: float = 0.1
    """Price of a cache read, likewise."""
    tokens: int = 0
    """Of the client's own text in the cached messages."""
    behind: int = 0
    """Of that, from the anchor on."""
    anchor: int = 0
    """The message up to which the cache can be read whatever is moved behind it."""
    frames: Mapping[PageId, tuple[int, int]] = field(default_factory=dict[PageId, tuple[int, int]])
    """Message and block of each page."""


def rewrite_cost(batch: Batch, out: int, prefix: Prefix) -> float:
    """Return what it costs to write again what a flush of these pages leaves in the window.

    The cache can be read up to the anchor if that stands before all that leaves, else up to the
    first message: what is out already behind that point need not be written.
    """
    if not (batch.pages or batch.folds):
        return 0.0
    places = [prefix.frames.get(entry.page.id, (0, 0))[0] for entry in batch.pages]
    first = min((*places, *(one.fold.first for one in batch.folds)))
    first = min(first, batch.thinking.first) if batch.thinking else first
    leaves = batch.gain + batch.lost
    if 0 < prefix.anchor <= first:
        return _price(prefix, prefix.behind - leaves)
    return _price(prefix, prefix.tokens - out - leaves)


def _price(prefix: Prefix, survives: int) -> float:
    return (prefix.write - prefix.read) * max(0, survives)
