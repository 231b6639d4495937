"""What holds for every simulated cache, whatever its switches."""

from dataclasses import dataclass, field, replace
from time import process_time

from hypothesis import given
from hypothesis import strategies as st

from pichay_core.model import Usage
from pichay_core.prefix import (
    AutomaticCache,
    AutomaticRules,
    Mark,
    Part,
    PrefixCache,
    Request,
    cache_for,
    common,
)
from tests.pichay_core.prefix.builders import chain, unit
from tests.pichay_core.prefix.strategies import CACHES, CONVERSATIONS, UNITS, Move, requests
from tests.strategies import law


def billed(cache: PrefixCache, asked: list[Request]) -> list[Usage]:
    usages = []
    for request in asked:
        answer = cache.bill(request)
        cache = answer.after
        usages.append(answer.usage)
    return usages


@law
@given(CACHES, CONVERSATIONS)
def test_the_tokens_of_a_bill_sum_to_the_window_and_none_is_negative(
    cache: PrefixCache, moves: list[Move]
):
    asked = requests(moves)
    for request, usage in zip(asked, billed(cache, asked), strict=True):
        assert usage.window == request.chain.total
        counts = usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h
        assert min(counts) >= 0


@law
@given(CACHES, CONVERSATIONS)
def test_the_same_requests_give_the_same_bills(cache: PrefixCache, moves: list[Move]):
    assert billed(cache, requests(moves)) == billed(cache, requests(moves))


@law
@given(CACHES, CONVERSATIONS)
def test_billing_changes_nothing_in_the_cache_that_was_asked(cache: PrefixCache, moves: list[Move]):
    asked = requests(moves)
    for request in asked:
        first = cache.bill(request)
        billed(cache, asked)
        assert cache.bill(request) == first
        cache = first.after


@law
@given(CACHES, CONVERSATIONS)
def test_nothing_is_read_that_no_earlier_request_of_the_scope_began_with(
    cache: PrefixCache, moves: list[Move]
):
    asked = requests(moves)
    for at, usage in enumerate(billed(cache, asked)):
        now = asked[at]
        known = [
            now.chain.prefix_tokens(common(now.chain, earlier.chain))
            for earlier in asked[:at]
            if earlier.scope == now.scope
        ]
        assert usage.cache_read <= max(known, default=0)


@law
@given(CACHES, CONVERSATIONS, st.lists(UNITS, min_size=2, max_size=30), st.data())
def test_a_longer_common_beginning_never_reads_less(
    cache: PrefixCache, moves: list[Move], row: list, data: st.DataObject
):
    """True for the same request but for the content of one unit, edited sooner or later.

    It is not true that a longer conversation reads no less: the look-back is bounded.
    """
    sooner = data.draw(st.integers(0, len(row) - 1))
    later = data.draw(st.integers(sooner, len(row) - 1))
    marks = tuple(Mark(at) for at in sorted({0, len(row) // 2, len(row) - 1}))
    asked = Request(chain(row), 10_000.0, "one", marks)
    for request in [*requests(moves), asked]:
        cache = cache.bill(request).after

    def read(edited: int) -> int:
        changed = asked.chain.replaced({edited: replace(row[edited], identity=99)})
        return cache.bill(replace(asked, chain=changed, start=10_001.0)).usage.cache_read

    assert read(later) >= read(sooner)


@law
@given(CONVERSATIONS, st.sampled_from([0, 100]))
def test_the_automatic_cache_agrees_with_one_that_remembers_every_prefix(
    moves: list[Move], minimum: int
):
    rules = AutomaticRules(minimum, idle_seconds=300)
    asked = requests(moves)
    remembering = Remembering(rules)
    expected = [remembering.read(request) for request in asked]
    assert [usage.cache_read for usage in billed(AutomaticCache(rules), asked)] == expected


@dataclass
class Remembering:
    """The automatic cache written down naively: each prefix, and when it could be read."""

    rules: AutomaticRules
    times: dict[tuple, list[tuple[float, float]]] = field(default_factory=dict)

    def read(self, request: Request) -> int:
        at, names = request.start, [unit.identity for unit in request.chain.units]
        prefixes = [(request.scope, *names[:count]) for count in range(1, len(names) + 1)]
        found = max(
            (len(prefix) - 1 for prefix in prefixes if self.readable(prefix, at)), default=0
        )
        for count, prefix in enumerate(prefixes, 1):
            since = at if count <= found else request.readable
            self.times.setdefault(prefix, []).append((since, at + self.rules.idle_seconds))
        return self.rules.read(request.chain.prefix_tokens(found))

    def readable(self, prefix: tuple, at: float) -> bool:
        return any(since <= at < until for since, until in self.times.get(prefix, ()))


def test_what_is_expired_is_forgotten():
    """A cache of many hours of conversations stays as large as what is alive."""
    cache = cache_for("claude-opus-5")
    assert cache is not None
    for number in range(2000):
        prompt = chain(unit(number, 5000), unit("end"))
        cache = cache.bill(Request(prompt, number * 10.0, marks=(Mark(1),))).after
    assert len(cache.entries.held) <= 256  # type: ignore[attr-defined]


def test_a_thousand_messages_are_billed_far_faster_than_a_replay_needs():
    """A replay has to make 200 requests a second with everything else it does."""
    for model in ("claude-opus-5", "gpt-5.6", "gpt-5", "gemini-3.8-flash"):
        cache = cache_for(model)
        assert cache is not None
        prompt = chain(unit("system", 5000, Part.SYSTEM))
        began = process_time()
        for number in range(500):
            prompt = prompt.then([unit(number, 100, Part.CALL), unit(number, 900, Part.RESULT)])
            request = Request(prompt, number * 5.0, marks=(Mark(0), Mark(len(prompt) - 1)))
            cache = cache.bill(request).after
        assert 500 / (process_time() - began) > 1000, model
