import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.prefix import Chain, Part, Unit, common, identity
from pichay_core.prefix.chain import LARGEST_IDENTITY
from tests.pichay_core.prefix.builders import chain, unit, units
from tests.strategies import law

UNITS = st.builds(
    Unit, st.integers(0, 5), st.integers(0, 900), st.sampled_from(Part), st.booleans()
)
ROWS = st.lists(UNITS, max_size=12)


@law
@given(ROWS, st.data())
def test_a_chain_built_in_pieces_equals_one_built_at_once(row: list[Unit], data: st.DataObject):
    cut = data.draw(st.integers(0, len(row)))
    assert chain(row[:cut]).then(row[cut:]) == chain(row)


@law
@given(ROWS, st.data())
def test_a_chain_cut_short_equals_one_never_longer(row: list[Unit], data: st.DataObject):
    cut = data.draw(st.integers(0, len(row) + 3))
    assert chain(row).upto(cut) == chain(row[:cut])


@law
@given(st.lists(UNITS, min_size=1, max_size=12), st.data())
def test_replacing_units_equals_building_with_the_others(row: list[Unit], data: st.DataObject):
    changes = data.draw(st.dictionaries(st.integers(0, len(row) - 1), UNITS))
    edited = [changes.get(index, one) for index, one in enumerate(row)]
    assert chain(row).replaced(changes) == chain(edited)


@law
@given(ROWS, ROWS)
def test_common_counts_the_units_up_to_the_first_that_differs(one: list[Unit], other: list[Unit]):
    pairs = zip(one, other, strict=False)
    differing = (at for at, (a, b) in enumerate(pairs) if a.identity != b.identity)
    expected = next(differing, min(len(one), len(other)))
    assert common(chain(one), chain(other)) == expected


def test_the_tokens_of_a_prefix_are_the_sum_of_its_units():
    assert chain(unit(1, 5), unit(2, 7), unit(3, 11)).tokens == (5, 12, 23)


def test_an_empty_chain_has_no_tokens():
    assert (len(Chain()), Chain().total, Chain().prefix_tokens(0)) == (0, 0, 0)


def test_a_run_of_calls_or_of_results_has_one_place():
    parts = [Part.USER, Part.CALL, Part.CALL, Part.RESULT, Part.RESULT, Part.USER, Part.USER]
    row = chain([unit(number, part=part) for number, part in enumerate(parts)])
    assert row.places == (0, 1, 1, 2, 2, 3, 4)


def test_a_run_goes_on_over_a_join():
    first = chain(unit(1, part=Part.RESULT))
    assert first.then([unit(2, part=Part.RESULT), unit(3)]).places == (0, 0, 1)


@pytest.mark.parametrize("bad", [-1, LARGEST_IDENTITY + 1])
def test_an_identity_that_a_hash_could_confuse_with_another_is_refused(bad: int):
    with pytest.raises(ValueError, match="an identity must lie between 0 and"):
        chain(Unit(bad, 1))


def test_identities_are_fit_for_a_chain_and_the_same_in_every_process():
    assert identity(b"") == 1029752036516141867
    assert max(identity(bytes([byte])) for byte in range(256)) <= LARGEST_IDENTITY


def test_the_same_units_in_another_order_have_no_common_prefix():
    one, other = units(2)
    assert common(chain(one, other), chain(other, one)) == 0
