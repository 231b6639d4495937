"""The break-even of an eviction, as a formula and as the simulated bill: they must agree.

Tokens are counted in units of the price of one input token: *write* and *read* are multipliers.
A page of K tokens is replaced by a stub of S; T tokens follow it, G stand between the last
entry before it and the page; n requests are still to come, the one with the eviction included.

    saving(n) = n * read * (K - S) - (write - read) * (G + T + S)
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import pytest

from pichay_core.model import Usage
from pichay_core.prefix import AutomaticCache, AutomaticRules, Chain, Part, PrefixCache, Ttl
from tests.pichay_core.prefix.builders import HOUR, MINUTES, Provider, anthropic, chain, on, unit

BEGINNING = 10_000
STEP = 40


@dataclass(frozen=True)
class Prices:
    write: Fraction
    read: Fraction
    ttl: Ttl = MINUTES

    def of(self, usage: Usage) -> Fraction:
        return usage.input + self.write * usage.cache_write + self.read * usage.cache_read

    def penalty(self) -> Fraction:
        return (self.write - self.read) / self.read


@dataclass(frozen=True)
class Eviction:
    page: int = 8000
    stub: int = 60
    behind: int = 10_000
    gap: int = 0

    def saving(self, prices: Prices, requests: int) -> Fraction:
        kept = requests * prices.read * (self.page - self.stub)
        return kept - (prices.write - prices.read) * (self.gap + self.behind + self.stub)

    def break_even(self, prices: Prices) -> Fraction:
        paid = (prices.write - prices.read) * (self.gap + self.behind + self.stub)
        return paid / (prices.read * (self.page - self.stub))

    def before(self) -> Chain:
        beginning = unit("beginning", BEGINNING, Part.SYSTEM)
        page = unit("page", self.page, Part.RESULT)
        return chain(beginning, unit("gap", self.gap), page, unit("behind", self.behind))

    def after(self, conversation: Chain) -> Chain:
        return conversation.replaced({2: unit("page", self.stub, Part.RESULT)})


def price(n: str, d: str = "1.25", ttl: Ttl = MINUTES) -> Prices:
    return Prices(Fraction(d), Fraction(n), ttl)


FREE_WRITES = Prices(Fraction(1), Fraction("0.1"))
PRICES = [
    price("0.1"),
    price("0.05"),
    price("0.025"),
    price("0.1", "2", HOUR),
    price("0.05", "2", HOUR),
    price("0.025", "2", HOUR),
]
NAMES = [f"write {float(p.write)} read {float(p.read)}" for p in PRICES]
every_price = pytest.mark.parametrize("prices", PRICES, ids=NAMES)


def bills(
    prices: Prices,
    conversation: Chain,
    changed: Chain,
    requests: int,
    cache: PrefixCache | None = None,
    pause: float = 1.0,
) -> Fraction:
    """The price of *requests* that append a step each, once *conversation* is held."""
    provider = Provider(cache or anthropic())

    def ask(prompt: Chain, after: float = 1.0) -> Usage:
        # One marker on the boundary before the page, as a flush leaves it, and one on the end.
        marks = on(*sorted({0, len(prompt) - 1}), ttl=prices.ttl)
        return provider.ask(prompt, marks=marks, after=after)

    ask(conversation)
    spent = Fraction(0)
    for number in range(requests):
        changed = changed.then([unit(f"step {number}", STEP)])
        spent += prices.of(ask(changed, pause if number == 0 else 1.0))
    return spent


def saved(prices: Prices, eviction: Eviction, requests: int, **more: object) -> Fraction:
    """What the eviction saves in the simulation."""
    whole = eviction.before()
    untouched = bills(prices, whole, whole, requests, **more)  # type: ignore[arg-type]
    evicted = bills(prices, whole, eviction.after(whole), requests, **more)  # type: ignore[arg-type]
    return untouched - evicted


@every_price
@pytest.mark.parametrize("behind", [2000, 30_000])
@pytest.mark.parametrize("gap", [0, 5000])
@pytest.mark.parametrize("requests", [1, 2, 17])
def test_the_simulated_saving_is_that_of_the_formula(
    prices: Prices, behind: int, gap: int, requests: int
):
    eviction = Eviction(behind=behind, gap=gap)
    assert saved(prices, eviction, requests) == eviction.saving(prices, requests)


@pytest.mark.parametrize("requests", [1, 9])
def test_the_formula_holds_for_free_writes(requests: int):
    cache = AutomaticCache(AutomaticRules(1024, 300))
    eviction = Eviction()
    simulated = saved(FREE_WRITES, eviction, requests, cache=cache)
    assert simulated == eviction.saving(FREE_WRITES, requests)


@pytest.mark.parametrize(
    ("prices", "penalty"),
    [*zip(PRICES, ["11.5", "24", "49", "19", "39", "79"], strict=True), (FREE_WRITES, "9")],
)
def test_a_token_behind_an_eviction_costs_this_many_reads(prices: Prices, penalty: str):
    assert prices.penalty() == Fraction(penalty)


BREAK_EVENS = [
    (2_000, (3.0, 6.2, 12.7)),
    (10_000, (14.6, 30.4, 62.1)),
    (30_000, (43.5, 90.9, 185.5)),
    (100_000, (144.9, 302.4, 617.5)),
]


@pytest.mark.parametrize("row", [0, 1, 2], ids=NAMES[:3])
@pytest.mark.parametrize(("behind", "figures"), BREAK_EVENS)
def test_an_eviction_pays_from_this_many_requests_on(
    behind: int, figures: tuple[float, ...], row: int
):
    eviction, prices = Eviction(behind=behind), PRICES[row]
    exact = eviction.break_even(prices)
    assert round(float(exact), 1) == figures[row]
    first = ceil(exact)
    assert saved(prices, eviction, first) >= 0
    assert saved(prices, eviction, first - 1) < 0


@every_price
@pytest.mark.parametrize("requests", [1, 2, 17])
def test_an_eviction_from_a_cold_cache_saves_at_once(prices: Prices, requests: int):
    eviction = Eviction()
    cold = saved(prices, eviction, requests, pause=prices.ttl.seconds)
    removed = eviction.page - eviction.stub
    assert cold == (prices.write + (requests - 1) * prices.read) * removed
    assert cold > 0


@every_price
@pytest.mark.parametrize("requests", [1, 17])
def test_what_is_made_smaller_at_birth_saves_at_once(prices: Prices, requests: int):
    beginning = chain(unit("beginning", BEGINNING, Part.SYSTEM))

    def spent(tokens: int) -> Fraction:
        born = beginning.then([unit("page", tokens, Part.RESULT)])
        return bills(prices, beginning, born, requests)

    assert spent(8000) - spent(60) == (prices.write + (requests - 1) * prices.read) * 7940


def test_without_a_marker_on_the_boundary_the_gap_is_all_behind_the_system_prompt():
    system = unit("system", BEGINNING, Part.SYSTEM)
    steps = [unit(number, 100) for number in range(30)]
    read = []
    for boundary in ((), (20,)):
        provider = Provider(anthropic())
        provider.ask([system, *steps], 0, *boundary, -1)
        stubbed = [system, *steps[:22], unit("stub", 10), *steps[23:]]
        read.append(provider.ask(stubbed, 0, *boundary, -1).cache_read)
    assert read == [BEGINNING, BEGINNING + 2000]
