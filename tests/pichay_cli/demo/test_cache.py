from dataclasses import replace

import pytest

from pichay_cli.demo.cache import Billed, Entries, Place, bill
from pichay_core.model import Usage

SYSTEM = Place("system", b"system", 2000)


def texts(*names: str, tokens: int = 100) -> list[Place]:
    return [Place("text", name.encode(), tokens) for name in names]


def marked(places: list[Place], *indexes: int, ttl: str = "5m") -> list[Place]:
    chosen = {index % len(places) for index in indexes}
    return [replace(p, ttl=ttl) if i in chosen else p for i, p in enumerate(places)]


def ask(entries: Entries, places: list[Place], now: float = 0.0, minimum: int = 1024) -> Billed:
    return bill(entries, places, scope="model", minimum=minimum, now=now)


def test_what_was_never_seen_is_written_up_to_the_last_marker_and_the_rest_is_input():
    billed = ask({}, marked([SYSTEM, *texts("a", "b")], 0, 1))
    assert billed.usage == Usage(input=100, cache_write_5m=2100)


def test_without_a_marker_everything_is_input_and_nothing_is_held():
    billed = ask({}, [SYSTEM, *texts("a")])
    assert billed == Billed(Usage(input=2100), {})


def test_an_empty_prompt_costs_nothing():
    assert ask({}, []).usage == Usage()


def test_an_append_reads_the_whole_earlier_prompt_and_writes_the_new_part():
    first = ask({}, marked([SYSTEM, *texts("a", "b")], -1))
    second = ask(first.entries, marked([SYSTEM, *texts("a", "b", "c", "d")], -1))
    assert second.usage == Usage(cache_read=2200, cache_write_5m=200)


def test_the_same_prompt_again_is_read_whole():
    places = marked([SYSTEM, *texts("a", "b")], 0, -1)
    assert ask(ask({}, places).entries, places).usage == Usage(cache_read=2200)


def test_a_marker_that_moves_does_not_change_the_prefix():
    first = ask({}, marked([SYSTEM, *texts("a")], 0, 1))
    second = ask(first.entries, marked([SYSTEM, *texts("a", "b")], 2))
    assert second.usage == Usage(cache_read=2100, cache_write_5m=100)


def test_an_edit_falls_back_to_the_last_live_entry_before_it():
    held = ask({}, marked([SYSTEM, *texts("a")], 0, -1)).entries
    held = ask(held, marked([SYSTEM, *texts("a", "b", "c", "d")], 0, -1)).entries
    edited = marked([SYSTEM, *texts("a", "B", "c", "d")], 0, -1)
    assert ask(held, edited).usage == Usage(cache_read=2100, cache_write_5m=300)


def test_an_edit_with_no_entry_before_it_but_the_system_loses_everything_after_the_system():
    held = ask({}, marked([SYSTEM, *texts("a", "b", "c", "d")], 0, -1)).entries
    edited = marked([SYSTEM, *texts("a", "b", "C", "d")], 0, -1)
    assert ask(held, edited).usage == Usage(cache_read=2000, cache_write_5m=400)


def test_a_marker_kept_on_the_boundary_limits_the_loss_of_the_next_edit():
    held = ask({}, marked([SYSTEM, *texts("a", "b", "c", "d")], 0, 2, -1)).entries
    edited = marked([SYSTEM, *texts("a", "b", "C", "d")], 0, 2, -1)
    assert ask(held, edited).usage == Usage(cache_read=2200, cache_write_5m=200)


@pytest.mark.parametrize(("new", "read"), [(19, 2100), (20, 0)])
def test_an_entry_is_found_twenty_positions_back_and_not_further(new: int, read: int):
    held = ask({}, marked([SYSTEM, *texts("a")], -1)).entries
    longer = [SYSTEM, *texts("a", *(str(number) for number in range(new)))]
    assert ask(held, marked(longer, -1)).usage.cache_read == read


@pytest.mark.parametrize("kind", ["tool_use", "tool_result"])
def test_a_run_of_calls_or_results_is_one_position(kind: str):
    held = ask({}, marked([SYSTEM, *texts("a")], -1)).entries
    run = [Place(kind, str(number).encode(), 10) for number in range(40)]
    longer = marked([SYSTEM, *texts("a"), *run], -1)
    assert ask(held, longer).usage == Usage(cache_read=2100, cache_write_5m=400)


def test_a_later_marker_that_finds_nothing_leaves_it_to_an_earlier_one():
    held = ask({}, marked([SYSTEM, *texts("a")], -1)).entries
    longer = [SYSTEM, *texts("a", *(str(number) for number in range(30)))]
    assert ask(held, marked(longer, 1, -1)).usage == Usage(cache_read=2100, cache_write_5m=3000)


def test_an_entry_dies_at_its_time_to_live_from_the_start_of_the_request():
    places = marked([SYSTEM, *texts("a")], -1)
    held = ask({}, places, now=0).entries
    assert ask(held, places, now=299.9).usage.cache_read == 2100
    assert ask(held, places, now=300).usage.cache_read == 0


def test_a_hit_lives_anew():
    places = marked([SYSTEM, *texts("a")], -1)
    held = ask({}, places, now=0).entries
    held = ask(held, places, now=200).entries
    assert ask(held, places, now=450).usage.cache_read == 2100


def test_an_hour_s_entry_outlives_five_minutes():
    places = marked([SYSTEM, *texts("a")], -1, ttl="1h")
    held = ask({}, places, now=0).entries
    assert ask(held, places, now=3599).usage.cache_read == 2100


def test_an_hour_s_part_is_written_at_the_hour_s_price_and_the_rest_at_the_other():
    places = [replace(SYSTEM, ttl="1h"), *marked(texts("a", "b"), 0)]
    assert ask({}, places).usage == Usage(input=100, cache_write_1h=2000, cache_write_5m=100)


def test_a_marker_below_the_minimum_is_ignored():
    billed = ask({}, marked([SYSTEM, *texts("a")], 0), minimum=2001)
    assert billed == Billed(Usage(input=2100), {})


def test_two_scopes_share_nothing():
    places = marked([SYSTEM], 0)
    held = bill({}, places, scope="one", minimum=0, now=0).entries
    assert bill(held, places, scope="other", minimum=0, now=0).usage.cache_read == 0


def test_what_was_held_is_not_changed():
    places = marked([SYSTEM], 0)
    held = dict(ask({}, places, now=0).entries)
    before = dict(held)
    ask(held, marked([SYSTEM, *texts("a")], -1), now=100)
    assert held == before
