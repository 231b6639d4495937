"""The worked examples and rules of Anthropic's "Prompt caching", one test each."""

import pytest

from pichay_core.model import Usage
from pichay_core.prefix import Chain, Habits, Mark, Part
from tests.pichay_core.prefix.builders import (
    HOUR,
    MINUTES,
    Provider,
    anthropic,
    chain,
    on,
    unit,
    units,
)

SYSTEM = unit("system", 2000, Part.SYSTEM)


def test_the_example_of_a_growing_conversation():
    provider = Provider(anthropic())
    assert provider.ask(units(10), -1) == Usage(cache_write_5m=1000)
    assert provider.ask(units(15), -1) == Usage(cache_read=1000, cache_write_5m=500)
    assert provider.ask(units(35), -1) == Usage(cache_write_5m=3500)


def test_the_example_of_a_growing_conversation_with_a_second_marker():
    provider = Provider(anthropic())
    provider.ask(units(10), -1)
    provider.ask(units(15), -1)
    assert provider.ask(units(35), 14, -1) == Usage(cache_read=1500, cache_write_5m=2000)


def test_the_example_of_a_marker_on_what_changes_with_every_request():
    provider = Provider(anthropic())
    for time in range(3):
        assert provider.ask([*units(5), unit(time)], 5) == Usage(cache_write_5m=600)


def test_the_example_of_a_marker_before_what_changes_with_every_request():
    provider = Provider(anthropic())
    provider.ask([*units(5), unit("10:00")], 4)
    assert provider.ask([*units(5), unit("10:01")], 4) == Usage(input=100, cache_read=500)


@pytest.mark.parametrize("collapse", [True, False])
@pytest.mark.parametrize(("new", "read"), [(19, 1000), (20, 0)])
def test_an_entry_is_found_nineteen_positions_behind_a_marker_and_no_farther(
    new: int, read: int, collapse: bool
):
    provider = Provider(anthropic(collapse_runs=collapse))
    provider.ask(units(10), -1)
    assert provider.ask(units(10 + new), -1).cache_read == read


def parallel_turn(calls: int) -> list:
    used = [unit(number, 10, Part.CALL) for number in range(calls)]
    return [*used, *(unit(number, 50, Part.RESULT) for number in range(calls))]


def test_many_parallel_calls_do_not_push_an_entry_out_of_reach():
    provider = Provider(anthropic())
    provider.ask(units(10), -1)
    assert provider.ask([*units(10), *parallel_turn(40)], -1).cache_read == 1000


def test_without_collapsing_runs_many_parallel_calls_do():
    provider = Provider(anthropic(collapse_runs=False))
    provider.ask(units(10), -1)
    assert provider.ask([*units(10), *parallel_turn(40)], -1).cache_read == 0


def test_calls_one_after_the_other_push_an_entry_out_of_reach():
    provider = Provider(anthropic())
    provider.ask(units(10), -1)
    loop = [one for turn in range(10) for one in parallel_turn(1)]
    loop = [unit(f"{at}", 10, one.part) for at, one in enumerate(loop)]
    assert provider.ask([*units(10), *loop], -1).cache_read == 0
    assert provider.ask([*units(10), *loop[:19]], -1).cache_read == 1000


@pytest.mark.parametrize(("found", "read"), [(True, 1050), (False, 0)])
def test_an_entry_that_ends_inside_a_run_is_found_or_not_as_the_switch_says(found: bool, read: int):
    results = [unit(number, 50, Part.RESULT) for number in range(3)]
    provider = Provider(anthropic(finds_inside_runs=found))
    provider.ask([*units(10), results[0]], -1)
    assert provider.ask([*units(10), *results], -1).cache_read == read


def test_a_marker_inside_a_run_finds_its_own_entry_whatever_the_switch_says():
    results = [unit(number, 50, Part.RESULT) for number in range(3)]
    provider = Provider(anthropic(finds_inside_runs=False))
    provider.ask([*units(10), *results], 10)
    assert provider.ask([*units(10), *results], 10).cache_read == 1050


def test_an_entry_lives_for_five_minutes():
    provider = Provider(anthropic())
    provider.ask(units(3), -1)
    assert provider.ask(units(3), -1, after=299.9).cache_read == 300
    assert provider.ask(units(3), -1, after=300).cache_read == 0


def test_an_entry_of_an_hour_lives_for_an_hour():
    provider = Provider(anthropic())
    assert provider.ask(units(3), -1, ttl=HOUR) == Usage(cache_write_1h=300)
    assert provider.ask(units(3), -1, ttl=HOUR, after=3599).cache_read == 300
    assert provider.ask(units(3), -1, ttl=HOUR, after=3600).cache_read == 0


def test_an_entry_lives_from_the_start_of_the_request_that_wrote_it():
    provider = Provider(anthropic())
    provider.ask(units(3), -1, seconds=240)
    assert provider.ask(units(3), -1, after=301).cache_read == 0


def test_a_hit_lets_an_entry_live_anew():
    provider = Provider(anthropic())
    provider.ask(units(3), -1)
    provider.ask(units(5), -1, after=200)
    assert provider.ask([*units(3), unit("other")], -1, after=200).cache_read == 300


@pytest.mark.parametrize(("refreshes", "read"), [(False, 0), (True, 2000)])
def test_a_long_hit_refreshes_shorter_entries_only_if_the_switch_says_so(
    refreshes: bool, read: int
):
    provider = Provider(anthropic(habits=Habits(refresh_prefixes=refreshes)))
    provider.ask([SYSTEM, *units(2)], 0, -1)
    provider.ask([SYSTEM, *units(2)], -1, after=200)
    assert provider.ask([SYSTEM, unit("other")], 0, after=200).cache_read == read


def test_a_marker_on_the_system_prompt_keeps_its_entry_alive():
    provider = Provider(anthropic())
    provider.ask([SYSTEM, *units(2)], 0, -1)
    provider.ask([SYSTEM, *units(2)], 0, -1, after=200)
    assert provider.ask([SYSTEM, unit("other")], 0, after=200).cache_read == 2000


@pytest.mark.parametrize(("writes", "read"), [(True, 300), (False, 0)])
def test_a_marker_before_the_longest_hit_leaves_an_entry_only_if_the_switch_says_so(
    writes: bool, read: int
):
    provider = Provider(anthropic(habits=Habits(writes_below_hit=writes)))
    provider.ask(units(5), -1)
    assert provider.ask(units(5), 2, 4) == Usage(cache_read=500)
    assert provider.ask([*units(3), unit("other")], -1).cache_read == read


@pytest.mark.parametrize(("raises", "read"), [(False, 0), (True, 500)])
def test_a_longer_time_to_live_on_a_held_prefix_prolongs_it_only_if_the_switch_says_so(
    raises: bool, read: int
):
    provider = Provider(anthropic(habits=Habits(raises_ttl=raises)))
    provider.ask(units(5), -1)
    assert provider.ask(units(5), -1, ttl=HOUR) == Usage(cache_read=500)
    assert provider.ask(units(5), -1, ttl=HOUR, after=600).cache_read == read


def test_a_shorter_time_to_live_on_a_held_prefix_takes_nothing_from_it():
    provider = Provider(anthropic())
    provider.ask(units(5), -1, ttl=HOUR)
    provider.ask(units(5), -1)
    assert provider.ask(units(5), -1, after=3000).cache_read == 500


def test_two_requests_that_overlap_both_write():
    provider = Provider(anthropic())
    assert provider.ask(units(3), -1, seconds=5) == Usage(cache_write_5m=300)
    assert provider.ask(units(3), -1, after=4, seconds=5) == Usage(cache_write_5m=300)
    assert provider.ask(units(3), -1, after=1) == Usage(cache_read=300)


def test_a_second_write_in_flight_does_not_hide_what_can_be_read():
    provider = Provider(anthropic())
    provider.ask(units(3), -1)
    provider.ask(units(3), -1, seconds=60)
    assert provider.ask(units(3), -1).cache_read == 300


def test_an_expired_entry_cannot_be_read_while_it_is_written_again():
    provider = Provider(anthropic())
    provider.ask(units(3), -1)
    provider.ask(units(3), -1, after=300, seconds=60)
    assert provider.ask(units(3), -1, after=1).cache_read == 0


def test_of_two_overlapping_writes_the_longer_lived_one_lasts():
    provider = Provider(anthropic())
    provider.ask(units(3), -1, seconds=5)
    assert provider.ask(units(3), -1, ttl=HOUR, seconds=5) == Usage(cache_write_1h=300)
    assert provider.ask(units(3), -1, after=3000).cache_read == 300


@pytest.mark.parametrize(("minimum", "written"), [(300, 300), (301, 0)])
def test_a_prefix_below_the_minimum_is_plain_input_without_an_error(minimum: int, written: int):
    provider = Provider(anthropic(minimum))
    for _ in range(2):
        provider.ask(units(3), -1)
    assert provider.bills[0] == Usage(input=300 - written, cache_write_5m=written)
    assert provider.bills[1] == Usage(input=300 - written, cache_read=written)


def test_without_a_marker_everything_is_plain_input():
    provider = Provider(anthropic())
    provider.ask(units(3), -1)
    assert provider.ask(units(3)) == Usage(input=300)


def test_an_empty_request_costs_nothing():
    assert Provider(anthropic()).ask(Chain()) == Usage()
    assert Provider(anthropic()).ask(Chain(), automatic=MINUTES) == Usage()


def test_the_example_of_a_hundred_thousand_cached_tokens():
    prompt = [unit("document", 100_000, Part.SYSTEM), unit("question", 50)]
    provider = Provider(anthropic())
    provider.ask(prompt, 0)
    assert provider.ask(prompt, 0) == Usage(input=50, cache_read=100_000)


def test_the_example_of_a_warm_up():
    prompt = [unit("system", 5120, Part.SYSTEM), unit("warmup", 8)]
    assert Provider(anthropic()).ask(prompt, 0) == Usage(input=8, cache_write_5m=5120)


def test_the_example_of_a_bill_with_both_times_to_live():
    provider = Provider(anthropic())
    known = unit("known", 1800, Part.SYSTEM)
    provider.ask([known], 0, ttl=HOUR)
    prompt = [known, unit("hour", 100), unit("minutes", 148), unit("rest", 2048)]
    marks = (*on(1, ttl=HOUR), *on(2))
    assert provider.ask(prompt, marks=marks) == Usage(2048, 1800, 148, 100)


MIXED = (Mark(1, HOUR), Mark(3, MINUTES))


@pytest.mark.parametrize(
    ("known", "usage"),
    [
        (0, Usage(100, 0, 200, 200)),
        (1, Usage(100, 100, 200, 100)),
        (2, Usage(100, 200, 200, 0)),
        (3, Usage(100, 300, 100, 0)),
        (4, Usage(100, 400, 0, 0)),
    ],
)
def test_writes_are_billed_by_the_hour_up_to_its_last_marker_behind_the_hit(
    known: int, usage: Usage
):
    provider = Provider(anthropic())
    if known:
        provider.ask(units(known), -1)
    assert provider.ask(units(5), marks=MIXED) == usage


def test_an_edit_falls_back_to_the_last_entry_before_it():
    provider = Provider(anthropic())
    provider.ask([SYSTEM, *units(6)], 0, 3, -1)
    edited = [SYSTEM, *units(4), unit("stub", 10), unit(6)]
    assert provider.ask(edited, 0, -1) == Usage(cache_read=2300, cache_write_5m=210)


def test_an_edit_before_every_entry_but_the_first_loses_all_behind_that():
    provider = Provider(anthropic())
    provider.ask([SYSTEM, *units(6)], 0, 3, -1)
    edited = [SYSTEM, unit(1), unit("stub", 10), *units(4, first=3)]
    assert provider.ask(edited, 0, -1) == Usage(cache_read=2000, cache_write_5m=510)


def test_the_caller_keeps_a_chain_and_pays_for_what_is_new():
    provider = Provider(anthropic())
    grown = chain(units(4))
    provider.ask(grown, -1)
    grown = grown.then([unit("answer"), unit("result", part=Part.RESULT)])
    assert provider.ask(grown, -1) == Usage(cache_read=400, cache_write_5m=200)
    stubbed = grown.replaced({5: unit("stub", 20, Part.RESULT)})
    assert provider.ask(stubbed, -1) == Usage(cache_read=400, cache_write_5m=120)
