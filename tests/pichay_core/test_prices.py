import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.prices import DEAREST, NOTHING, BadPrices, Band, Own, Prices, Rates, parse

FIVE = {"input": 4, "output": 20, "cache_read": 0.2, "cache_write_5m": 5, "cache_write_1h": 8}
RATES = Rates(*(dollars / 1_000_000 for dollars in (4, 0.2, 5, 8, 20)))


def written(**entries):
    return json.dumps(entries)


def refused(text):
    with pytest.raises(BadPrices) as found:
        parse(text)
    return str(found.value)


def test_what_is_written_is_what_is_taken():
    band = {**FIVE, "above_tokens": 100}
    text = written(Opus={**FIVE, "bands": [band], "date": "2026-11-21", "note": "contract"})
    bands = (Band(-1, RATES), Band(100, RATES))
    assert parse(text) == Prices((Own("opus", bands, "2026-11-21", "contract"),))
    assert parse("{}") == NOTHING


def test_the_example_in_the_documentation_can_be_taken():
    from pichay_core import prices

    example = prices.__doc__.partition("::\n")[2].rpartition("}\n\nA name")[0] + "}"
    assert [own.name for own in parse(example).own] == ["claude-opus-5-5", "house-model-*"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON (Expecting value, line 1, column 1)"),
        ("{\n'a': 1}", "line 2, column 1"),
        ("[]", "name models"),
        ("[" * 100_000, "nested too deeply"),
        (written(a=7), "a: must be an object with input, output"),
        (written(a={}), "a: input is missing: give dollars per million tokens"),
        (written(a={"inptu": 4}), "a: 'inptu' is not known; there are input, output, cache_read"),
        (written(a={**FIVE, "input": "4"}), 'a: input must be dollars per million tokens, not "4'),
        (written(a={**FIVE, "input": True}), "a: input must be dollars per million tokens"),
        (written(a={**FIVE, "output": -1}), "a: output must be from 0 to 1,000,000, not -1"),
        (written(a={**FIVE, "output": float("nan")}), "a: output must be from 0 to"),
        (written(a={**FIVE, "output": 10**400}), "a: output must be from 0 to"),
        ('{"a": {"input": ' + "9" * 5000 + "}}", "not JSON"),
        (written(a={**FIVE, "bands": {}}), "a: bands must be a list"),
        (written(a={**FIVE, "bands": [FIVE]}), "a, band 1: above_tokens must be a whole number"),
        (written(a={**FIVE, "bands": [{"above_tokens": 1}]}), "a, band 1: input is missing"),
        (
            written(a={**FIVE, "bands": [{**FIVE, "above_tokens": n} for n in (2, 1)]}),
            "a: the above_tokens of its bands must rise",
        ),
        (written(a={**FIVE, "date": "soon"}), "a: date must be a day like 2026-11-21, not 'soon'"),
        (written(a={**FIVE, "note": 1}), "a: note must be text"),
        (written(a=FIVE, A=FIVE), "a: is named twice in different case"),
        ('{"a": 1, "a": 2}', "a: is there twice"),
        (
            written(a={kind: FIVE[kind] for kind in FIVE if kind != "cache_read"}),
            "a: cache_read is missing: give dollars per million tokens (the input price, if",
        ),
    ],
)
def test_what_cannot_be_taken_is_named_with_what_to_do(text, said):
    assert said in refused(text)


@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_whatever_is_written_is_taken_or_refused(text):
    try:
        assert isinstance(parse(text), Prices)
    except BadPrices as error:
        assert str(error)


@given(st.floats(0, DEAREST))
def test_every_price_is_per_token(dollars):
    found = parse(written(a=dict.fromkeys(FIVE, dollars))).own[0].bands[0].rates
    assert found.input * 1e6 == pytest.approx(dollars)


def entry(pattern):
    return Own(pattern, (Band(-1, RATES),))


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("CLAUDE-OPUS-5-5", "claude-opus-5-5"),
        ("claude-opus-5-5[1m]", "claude-opus-5-5[1m]"),
        ("claude-opus-5-4", "claude-opus-*"),
        ("claude-opus-5-51", "claude-opus-*"),
        ("claude-haiku-5-5", "claude-*"),
        ("gpt-7", "gpt-?"),
        ("gpt-77", None),
        ("gptx7", None),
    ],
)
def test_the_very_name_wins_and_then_the_first_pattern_that_fits(model, found):
    names = ("claude-opus-*", "claude-*", "claude-opus-5-5", "claude-opus-5-5[1m]", "gpt-?")
    own = Prices(tuple(map(entry, names))).of((model,))
    assert (own and own.name) == found


def test_the_full_name_of_a_model_is_tried_before_its_plain_one():
    prices = Prices((entry("opus"), entry("eu.opus")))
    assert prices.of(("eu.opus", "opus")).name == "eu.opus"
    assert prices.of(("us.opus", "opus")).name == "opus"
