"""Where Anthropic's cache markers may stand: "Automatic caching", "Mixing different TTLs"."""

import pytest

from pichay_core.model import Usage
from pichay_core.prefix import Mark, Part, Refused
from tests.pichay_core.prefix.builders import HOUR, MINUTES, Provider, anthropic, on, unit, units

SYSTEM = unit("system", 2000, Part.SYSTEM)


class TestAutomatic:
    def test_the_table_of_three_requests(self):
        provider = Provider(anthropic())
        ask = [provider.ask([SYSTEM, *units(count)], automatic=MINUTES) for count in (3, 5, 7)]
        assert ask == [
            Usage(cache_write_5m=2300),
            Usage(cache_read=2300, cache_write_5m=200),
            Usage(cache_read=2500, cache_write_5m=200),
        ]

    def test_it_goes_with_markers_on_blocks(self):
        provider = Provider(anthropic())
        provider.ask([SYSTEM, unit(1)], 0, automatic=MINUTES)
        other = provider.ask([SYSTEM, unit("other")], 0, automatic=MINUTES)
        assert other == Usage(cache_read=2000, cache_write_5m=100)

    def test_it_falls_on_the_last_unit_that_may_carry_a_marker(self):
        prompt = [*units(2), unit("thinking", markable=False)]
        usage = Provider(anthropic()).ask(prompt, automatic=HOUR)
        assert usage == Usage(input=100, cache_write_1h=200)

    def test_it_is_skipped_where_no_unit_may_carry_a_marker(self):
        prompt = [unit("thinking", markable=False)]
        assert Provider(anthropic()).ask(prompt, automatic=MINUTES) == Usage(input=100)

    def test_it_changes_nothing_where_the_same_marker_stands(self):
        usage = Provider(anthropic()).ask(units(2), -1, automatic=MINUTES)
        assert usage == Usage(cache_write_5m=200)

    def test_it_is_refused_where_a_marker_of_another_time_stands(self):
        with pytest.raises(Refused, match="another time to live"):
            Provider(anthropic()).ask(units(2), -1, automatic=HOUR)

    def test_it_is_refused_beside_four_markers(self):
        with pytest.raises(Refused, match="no slot left"):
            Provider(anthropic()).ask(units(9), 0, 1, 2, 3, automatic=MINUTES)


def test_a_fifth_marker_is_refused():
    with pytest.raises(Refused, match="5 cache markers; at most 4"):
        Provider(anthropic()).ask(units(9), 0, 1, 2, 3, 4)


def test_an_hour_after_five_minutes_is_refused():
    with pytest.raises(Refused, match="1h must not come after"):
        Provider(anthropic()).ask(units(4), marks=(Mark(0, MINUTES), Mark(2, HOUR)))


@pytest.mark.parametrize("indexes", [(2, 1), (1, 1)])
def test_markers_out_of_order_are_an_error_of_the_caller(indexes: tuple[int, int]):
    with pytest.raises(ValueError, match="order of their units"):
        Provider(anthropic()).ask(units(4), marks=on(*indexes))
