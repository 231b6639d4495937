"""Requests and caches for the tests of the simulated prefix caches."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pichay_core.model import Usage
from pichay_core.prefix import (
    AnthropicCache,
    AnthropicRules,
    Chain,
    Mark,
    Part,
    PrefixCache,
    Request,
    Ttl,
    Unit,
    identity,
)

MINUTES, HOUR = Ttl.MINUTES, Ttl.HOUR


def unit(name: object, tokens: int = 100, part: Part = Part.USER, **more: bool) -> Unit:
    return Unit(identity(f"{part} {name} {tokens}".encode()), tokens, part, **more)


def units(count: int, first: int = 1, tokens: int = 100) -> list[Unit]:
    """Blocks number *first* and following."""
    return [unit(number, tokens) for number in range(first, first + count)]


def chain(*parts: Unit | Iterable[Unit]) -> Chain:
    flat = ([part] if isinstance(part, Unit) else part for part in parts)
    return Chain().then(one for some in flat for one in some)


def anthropic(minimum: int = 0, **rules: object) -> AnthropicCache:
    return AnthropicCache(AnthropicRules(minimum, **rules))  # type: ignore[arg-type]


def on(*indexes: int, ttl: Ttl = MINUTES) -> tuple[Mark, ...]:
    return tuple(Mark(index, ttl) for index in indexes)


@dataclass
class Provider:
    """A cache in use: remembers what it holds, so that a test reads as a row of requests."""

    cache: PrefixCache
    clock: float = 0.0
    bills: list[Usage] = field(default_factory=list)

    def ask(
        self,
        prompt: Chain | Sequence[Unit],
        *indexes: int,
        after: float = 1.0,
        ttl: Ttl = MINUTES,
        marks: tuple[Mark, ...] | None = None,
        seconds: float = 0.0,
        **more: object,
    ) -> Usage:
        """Bill a prompt *after* seconds, with marks on the *indexes* (negative: from the end)."""
        self.clock += after
        prompt = prompt if isinstance(prompt, Chain) else chain(prompt)
        placed = on(*(index % len(prompt) for index in indexes), ttl=ttl)
        request = Request(
            prompt,
            self.clock,
            marks=placed if marks is None else marks,
            first_byte=self.clock + seconds,
            **more,  # type: ignore[arg-type]
        )
        billed = self.cache.bill(request)
        self.cache = billed.after
        self.bills.append(billed.usage)
        return billed.usage
