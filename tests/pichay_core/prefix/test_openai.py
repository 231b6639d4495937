"""The worked examples and rules of OpenAI's "Prompt caching" guide."""

from dataclasses import replace

import pytest

from pichay_core.model import Usage
from pichay_core.prefix import (
    AutomaticCache,
    AutomaticRules,
    BreakpointCache,
    BreakpointRules,
    Part,
    Unit,
)
from pichay_core.prefix.openai import automatic_rules, system_end
from tests.pichay_core.prefix.builders import HOUR, Provider, chain, unit

TOOLS = unit("tools", 500, Part.TOOL)
DEVELOPER = unit("instructions", 6000, Part.SYSTEM)
CONTENT_A, CONTENT_B = unit("A", 400), unit("B", 300)
EXPLICIT = {"managed": False}


def turn(number: int, tokens: int = 200) -> list[Unit]:
    """One step of a tool loop."""
    call = unit(number, tokens // 4, Part.CALL)
    return [call, unit(number, tokens - tokens // 4, Part.RESULT)]


def loop(turns: int) -> list[Unit]:
    return [one for number in range(turns) for one in turn(number)]


def provider(**rules: object) -> Provider:
    return Provider(BreakpointCache(replace(BreakpointRules(), **rules)))  # type: ignore[arg-type]


class TestFromGpt56:
    def test_an_append_reads_the_whole_earlier_prompt_and_writes_the_new_part(self):
        asked = provider()
        assert asked.ask([DEVELOPER, CONTENT_A]) == Usage(cache_write_5m=6400)
        assert asked.ask([DEVELOPER, CONTENT_A, *turn(1)]) == Usage(0, 6400, 200)

    def test_one_write_and_one_read_cost_1_35_times_and_nine_reads_2_15_times(self):
        asked = provider()
        prompt = [DEVELOPER, unit("question", 4000)]
        for _ in range(10):
            asked.ask(prompt)
        costs = [1.25 * bill.cache_write + 0.1 * bill.cache_read for bill in asked.bills]
        assert sum(costs[:2]) / 10_000 == pytest.approx(1.35)
        assert sum(costs) / 10_000 == pytest.approx(2.15)

    def test_what_stands_behind_the_newest_user_or_tool_message_is_plain_input(self):
        prompt = [DEVELOPER, CONTENT_A, unit("started", 70, Part.ASSISTANT)]
        assert provider().ask(prompt) == Usage(input=70, cache_write_5m=6400)

    def test_a_shared_beginning_with_other_content_behind_it_is_not_read(self):
        asked = provider()
        asked.ask([DEVELOPER, CONTENT_A])
        assert asked.ask([DEVELOPER, CONTENT_B]) == Usage(cache_write_5m=6300)

    def test_a_shared_beginning_is_read_if_the_end_of_the_system_prompt_is_written_too(self):
        asked = provider(writes_system_end=True)
        asked.ask([TOOLS, DEVELOPER, CONTENT_A])
        assert asked.ask([TOOLS, DEVELOPER, CONTENT_B]) == Usage(0, 6500, 300)

    def test_a_shared_beginning_is_read_from_a_breakpoint_behind_it(self):
        asked = provider()
        asked.ask([DEVELOPER, CONTENT_A], 0, **EXPLICIT)
        other = asked.ask([DEVELOPER, CONTENT_B], 0, **EXPLICIT)
        assert other == Usage(input=300, cache_read=6000)

    def test_explicit_mode_does_not_find_what_the_provider_wrote(self):
        asked = provider()
        asked.ask([DEVELOPER, CONTENT_A])
        followed = [DEVELOPER, CONTENT_A, CONTENT_B]
        assert asked.ask(followed, -1, **EXPLICIT).cache_read == 0

    def test_explicit_mode_finds_it_with_a_breakpoint_in_that_place(self):
        asked = provider()
        asked.ask([DEVELOPER, CONTENT_A])
        followed = [DEVELOPER, CONTENT_A, CONTENT_B]
        assert asked.ask(followed, 1, -1, **EXPLICIT) == Usage(0, 6400, 300)

    def test_explicit_mode_without_a_breakpoint_uses_no_cache(self):
        asked = provider()
        asked.ask([DEVELOPER, CONTENT_A])
        assert asked.ask([DEVELOPER, CONTENT_A], **EXPLICIT) == Usage(input=6400)

    @pytest.mark.parametrize(("marks", "read"), [((), 0), ((1,), 6400)])
    def test_a_message_that_grew_is_found_only_at_a_breakpoint(self, marks: tuple, read: int):
        asked = provider()
        asked.ask([DEVELOPER, CONTENT_A])
        grown = [DEVELOPER, replace(CONTENT_A, ends=False), CONTENT_B]
        assert asked.ask(grown, *marks).cache_read == read

    def test_parallel_results_have_one_breakpoint_behind_the_last(self):
        calls = [unit(number, 50, Part.CALL) for number in range(3)]
        results = [unit(number, 90, Part.RESULT) for number in range(3)]
        asked = provider()
        asked.ask([DEVELOPER, *calls, *results[:2]])
        assert asked.ask([DEVELOPER, *calls, *results]).cache_read == 0

    def test_a_later_developer_message_is_not_a_breakpoint(self):
        note = unit("note", 80, Part.SYSTEM)
        usage = provider().ask([DEVELOPER, CONTENT_A, note])
        assert usage == Usage(input=80, cache_write_5m=6400)

    def test_the_first_developer_messages_alone_are_written_to_their_end(self):
        asked = provider()
        assert asked.ask([TOOLS, DEVELOPER]) == Usage(cache_write_5m=6500)
        assert asked.ask([TOOLS, DEVELOPER, CONTENT_A]).cache_read == 6500
        assert provider(finds_system_end=False, earlier_endings=0).ask([DEVELOPER]).cache_read == 0

    @pytest.mark.parametrize(("finds", "read"), [(True, 6000), (False, 0)])
    def test_the_end_of_the_system_prompt_is_examined_however_far_back(
        self, finds: bool, read: int
    ):
        asked = provider(finds_system_end=finds)
        asked.ask([DEVELOPER])
        assert asked.ask([DEVELOPER, *loop(30)]).cache_read == read

    def test_a_breakpoint_on_the_newest_message_is_one_with_the_providers_own(self):
        prompt = [unit(number, 1100) for number in range(6)]
        asked = provider()
        asked.ask(prompt, *range(6))
        assert asked.ask(prompt[:3], -1, **EXPLICIT).cache_read == 3300

    @pytest.mark.parametrize(("turns", "read"), [(20, 6400), (21, 0)])
    def test_twenty_earlier_message_endings_are_examined(self, turns: int, read: int):
        asked = provider()
        asked.ask([DEVELOPER, CONTENT_A])
        assert asked.ask([DEVELOPER, CONTENT_A, *loop(turns)]).cache_read == read

    def test_replacing_the_newest_items_falls_back_to_an_earlier_message(self):
        asked = provider()
        for turns in (1, 2, 3):
            asked.ask([DEVELOPER, CONTENT_A, *loop(turns)])
        replaced = [DEVELOPER, CONTENT_A, *loop(2), *turn(9)]
        assert asked.ask(replaced).cache_read == 6800

    def test_replacing_the_newest_items_loses_all_if_earlier_messages_are_not_examined(self):
        asked = provider(earlier_endings=0, writes_system_end=True)
        for turns in (1, 2, 3):
            asked.ask([DEVELOPER, CONTENT_A, *loop(turns)])
        replaced = [DEVELOPER, CONTENT_A, *loop(2), *turn(9)]
        assert asked.ask(replaced).cache_read == 6000

    def test_the_first_two_and_the_latest_fifty_breakpoints_are_examined(self):
        prompt = [unit(number, 1100) for number in range(60)]
        for marked in (0, 1, 10, 59):
            asked = provider()
            asked.ask(prompt[: marked + 1], -1, **EXPLICIT)
            assert asked.ask(prompt, *range(60), **EXPLICIT).cache_read == 1100 * (marked + 1)
        for marked in (2, 9):
            asked = provider()
            asked.ask(prompt[: marked + 1], -1, **EXPLICIT)
            assert asked.ask(prompt, *range(60), **EXPLICIT).cache_read == 0

    def test_only_the_latest_four_breakpoints_are_written(self):
        prompt = [unit(number, 1100) for number in range(6)]
        asked = provider()
        asked.ask(prompt, *range(6), **EXPLICIT)
        assert asked.ask(prompt[:3], -1, **EXPLICIT).cache_read == 3300
        assert asked.ask(prompt[:2], -1, **EXPLICIT).cache_read == 0

    def test_the_providers_own_breakpoint_takes_one_of_the_four(self):
        prompt = [unit(number, 1100) for number in range(6)]
        asked = provider()
        asked.ask(prompt, *range(5))
        assert asked.ask(prompt[:3], -1, **EXPLICIT).cache_read == 3300
        assert asked.ask(prompt[:2], -1, **EXPLICIT).cache_read == 0

    def test_content_behind_the_last_breakpoint_is_plain_input_in_explicit_mode(self):
        assert provider().ask([DEVELOPER, CONTENT_A], 0, **EXPLICIT) == Usage(400, 0, 6000)

    @pytest.mark.parametrize(("tokens", "written"), [(1023, 0), (1024, 1024)])
    def test_the_minimum_is_1024_tokens(self, tokens: int, written: int):
        usage = provider().ask([unit("short", tokens)])
        assert usage == Usage(tokens - written, 0, written)

    def test_a_prefix_is_held_for_half_an_hour_after_its_last_use_whatever_the_marker_says(self):
        asked = provider()
        for after, read in ((0, 0), (1799, 6400), (1799, 6400), (1800, 0)):
            assert asked.ask([DEVELOPER, CONTENT_A], -1, ttl=HOUR, after=after).cache_read == read

    def test_another_key_shares_nothing(self):
        asked = provider()
        asked.ask([DEVELOPER, CONTENT_A], scope="customer 1")
        assert asked.ask([DEVELOPER, CONTENT_A], scope="customer 2").cache_read == 0


def test_the_end_of_the_system_prompt_is_that_of_the_first_developer_messages():
    row = [TOOLS, DEVELOPER, unit("more", 9, Part.SYSTEM), CONTENT_A, DEVELOPER]
    assert [system_end(chain(row[:count])) for count in range(6)] == [0, 0, 2, 3, 3, 3]


def before(model: str = "gpt-4o") -> Provider:
    return Provider(AutomaticCache(automatic_rules(model)))


class TestBeforeGpt56:
    def test_nothing_is_billed_for_writing(self):
        assert before().ask([DEVELOPER]) == Usage(input=6000)

    def test_reads_are_rounded_down_to_a_multiple_of_128(self):
        asked = before()
        for tokens, read in ((2006, 1920), (2048, 2048), (1151, 1024), (1024, 1024), (1023, 0)):
            asked.ask([unit(tokens, tokens)])
            assert asked.ask([unit(tokens, tokens)]) == Usage(tokens - read, read)

    def test_an_edit_loses_everything_behind_it_and_nothing_before_it(self):
        asked = before()
        asked.ask([DEVELOPER, CONTENT_A, CONTENT_B])
        edited = asked.ask([DEVELOPER, unit("stub", 10), CONTENT_B])
        assert edited == Usage(310 + 6000 % 128, 6000 - 6000 % 128)

    def test_gpt_5_5_reads_in_steps_of_2048(self):
        asked = before("gpt-5.5")
        asked.ask([DEVELOPER])
        assert asked.ask([DEVELOPER]).cache_read == 4096

    def test_steps_are_counted_from_the_start_of_the_hidden_instructions(self):
        rules = AutomaticRules(1024, 300, interval=2500, grid=128, hidden=3000)
        asked = Provider(AutomaticCache(rules))
        asked.ask([unit("request 1", 9000)])
        assert asked.ask([unit("request 1", 9000)]).cache_read == 7000 // 128 * 128

    def test_an_idle_prefix_is_forgotten_and_a_used_one_is_not(self):
        asked = before()
        asked.ask([DEVELOPER])
        for after, read in ((299, 5888), (299, 5888), (300, 0)):
            assert asked.ask([DEVELOPER], after=after).cache_read == read

    def test_use_by_a_longer_prompt_keeps_the_shorter_one_alive(self):
        asked = before()
        asked.ask([DEVELOPER, CONTENT_A])
        asked.ask([DEVELOPER, CONTENT_B], after=200)
        assert asked.ask([DEVELOPER, unit("other")], after=200).cache_read == 5888
        assert asked.ask([DEVELOPER, CONTENT_A], after=50).cache_read == 5888

    def test_two_requests_that_overlap_both_miss(self):
        asked = before()
        asked.ask([DEVELOPER], seconds=5)
        assert asked.ask([DEVELOPER], after=4, seconds=5).cache_read == 0
        assert asked.ask([DEVELOPER], after=1).cache_read == 5888

    def test_the_same_prompt_under_another_key_leaves_the_first_as_it_was(self):
        asked = before()
        asked.ask([DEVELOPER], scope="one")
        for _ in range(2):
            asked.ask([DEVELOPER], scope="other")
        assert asked.ask([DEVELOPER], scope="one").cache_read == 5888

    def test_what_was_warm_stays_readable_while_a_longer_request_is_answered(self):
        asked = before()
        asked.ask([DEVELOPER])
        asked.ask([DEVELOPER, CONTENT_A], seconds=60)
        assert asked.ask([DEVELOPER, CONTENT_A], after=30).cache_read == 5888

    @pytest.mark.parametrize(
        ("model", "seconds"),
        [
            ("gpt-4o", 300),
            ("gpt-5-mini", 300),
            ("gpt-5", 1800),
            ("gpt-5-2025-08-07", 1800),
            ("gpt-5.1-codex-max", 1800),
            ("openai/gpt-5.2", 1800),
            ("gpt-5.5-pro", 1800),
        ],
    )
    def test_models_with_extended_retention_hold_a_prefix_longer(self, model: str, seconds: int):
        assert automatic_rules(model).idle_seconds == seconds
