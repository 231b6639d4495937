import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pichay_core.wire import jsontext
from pichay_core.wire.jsontext import MAXIMUM_DEPTH, Place, Unreadable
from tests.strategies import (
    Scribe,
    json_lists,
    json_objects,
    json_values,
    law,
    names,
    seeds,
    written,
)


def slices(text: bytes, places: list[Place]) -> list[bytes]:
    return [text[place.start : place.end] for place in places]


def assert_bare(raw: bytes) -> None:
    assert raw and raw == raw.strip(b" \t\r\n")


# -- where things stand -------------------------------------------------------------------


@given(json_objects, seeds)
@law
def test_members_stand_where_another_parser_reads_them(item, seed):
    text = written(item, seed)
    found = jsontext.members(text)
    assert list(found) == list(json.loads(text))
    for raw, value in zip(slices(text, list(found.values())), item.values(), strict=True):
        assert_bare(raw)
        assert json.loads(raw) == value


@given(json_lists, seeds)
@law
def test_elements_stand_where_another_parser_reads_them(items, seed):
    text = written(items, seed)
    raws = slices(text, jsontext.elements(text, jsontext.whole(text)))
    assert [json.loads(raw) for raw in raws] == json.loads(text)
    for raw in raws:
        assert_bare(raw)


@given(json_lists, json_lists, seeds)
@law
def test_leading_elements_are_those_of_a_full_reading(items, appended, seed):
    scribe = Scribe(seed)
    raws = [scribe.write(item).strip(" \t\r\n").encode() for item in items]
    tail = [scribe.write(item).encode() for item in appended]
    text = b" [" + b",".join([b"\n " + raw + b" " for raw in raws] + tail) + b" ] "
    place = jsontext.whole(text)
    known = jsontext.leading(text, place, raws)
    assert slices(text, known) == raws
    assert jsontext.elements(text, place, known) == jsontext.elements(text, place)


@given(json_lists, json_lists, seeds, seeds)
@law
def test_what_is_recognised_as_leading_is_never_mislocated(items, expected, seed, other):
    text = written(items, seed)
    place = jsontext.whole(text)
    raws = [Scribe(other).write(item).strip().encode() for item in (*items[:1], *expected)]
    known = jsontext.leading(text, place, raws)
    every = jsontext.elements(text, place)
    assert known == every[: len(known)]
    assert slices(text, known) == raws[: len(known)]


@pytest.mark.parametrize(
    ("text", "expected", "found"),
    [
        (b"[1,2]", [b"1", b"2", b"3"], 2),
        (b"[12]", [b"1"], 0),
        (b"[1]", [b"1"], 1),
        (b"[1 , 2]", [b"1", b"2"], 2),
        (b"[]", [b""], 0),
        (b"[{}]", [b"{"], 0),
        (b'["a","b"]', [b'"a"', b'"c"'], 1),
        (b'["a\\u00e9"]', ['"a\u00e9"'.encode()], 0),
    ],
)
def test_an_element_counts_as_known_only_if_all_of_it_is_equal(text, expected, found):
    assert len(jsontext.leading(text, jsontext.whole(text), expected)) == found


@given(json_objects, seeds)
@law
def test_a_place_inside_a_larger_text_is_read_like_the_text_alone(item, seed):
    text = written({"before": [1], "here": item, "after": {}}, seed)
    here = jsontext.members(text)["here"]
    inner = jsontext.members(text, here)
    assert {name: jsontext.value(text, at) for name, at in inner.items()} == item


# -- what is refused ----------------------------------------------------------------------


@given(st.lists(st.tuples(names, json_values), max_size=4), names, json_values, json_values, seeds)
@law
def test_a_name_that_occurs_twice_is_refused_wherever_it_stands(pairs, name, one, two, seed):
    scribe = Scribe(seed)
    doubled = [(name, one), *pairs, (name, two)]
    doubled = doubled[seed % 2 :] + doubled[: seed % 2]
    members = ",".join(scribe.string(key) + ":" + scribe.write(item) for key, item in doubled)
    with pytest.raises(Unreadable):
        jsontext.members(("{" + members + "}").encode())


@pytest.mark.parametrize("padding", range(8))
def test_a_bracket_inside_the_second_copy_of_a_name_ends_nothing(padding):
    # Measured by the second value, the first one ends at the bracket inside the string.
    text = b'{"a":1,"a":"' + b"x" * padding + b'}yyyy"}'
    with pytest.raises(Unreadable, match="twice"):
        jsontext.members(text)


def test_one_name_spelled_in_two_ways_is_one_name():
    with pytest.raises(Unreadable, match="twice"):
        jsontext.members(rb'{"a":1,"\u0061":2}')


BROKEN = {
    "empty": b"",
    "white space": b" \n",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "a number too large for a double": b'{"a":1e999}',
    "an integer of 5,000 digits": b'{"a":' + b"1" * 5000 + b"}",
    "a leading zero": b'{"a":01}',
    "a number that ends in its point": b'{"a":1.}',
    "a plus sign": b'{"a":+1}',
    "a lone high surrogate": rb'{"a":"\ud800"}',
    "a lone low surrogate": rb'{"a":"\udc00"}',
    "surrogates the wrong way round": rb'{"a":"\udc00\ud800"}',
    "a lone surrogate in a name": rb'{"\ud800":1}',
    "invalid UTF-8": b'{"a":"\xff"}',
    "an overlong slash": b'{"a":"\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "a cut code point": b'{"a":"\xe2\x82"}',
    "invalid UTF-8 in a name": b'{"\xff":1}',
    "a control character": b'{"a":"\x01"}',
    "a bad escape": rb'{"a":"\q"}',
    "a short escape": rb'{"a":"\u12"}',
    "a comment": b'{"a":1/**/}',
    "single quotes": b"{'a':1}",
    "a trailing comma": b'{"a":1,}',
    "a trailing comma in a list": b'{"a":[1,]}',
    "a missing comma": b'{"a":1"b":2}',
    "a missing colon": b'{"a" 1}',
    "a missing value": b'{"a":}',
    "a second value": b'{"a":1}{}',
    "trailing text": b'{"a":1} x',
    "NUL": b'{"a":1}\x00',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "a form feed": b'{"a":\x0c1}',
    "depth 100,000": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "depth 100,000 of objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "brackets without end": b"[" * 1_000_000,
    "braces without end": b'{"a":' * 200_000,
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_what_is_not_json_is_unreadable_and_nothing_else(text):
    with pytest.raises(Unreadable):
        jsontext.value(text)
    for read in (jsontext.members, lambda text: jsontext.elements(text, jsontext.whole(text))):
        try:
            read(text)
        except Unreadable:
            continue


@given(json_values, seeds, st.data())
@settings(law, max_examples=80)
def test_damaged_json_is_read_right_or_refused(item, seed, data):
    text = bytearray(written({"a": item, "b": 1}, seed))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        change = data.draw(st.sampled_from([b"", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\"]))
        text[at : at + data.draw(st.integers(0, 2))] = change
    damaged = bytes(text)
    try:
        found = jsontext.members(damaged)
    except Unreadable:
        return
    raws = slices(damaged, list(found.values()))
    expected = leniently(damaged)
    assert list(found) == [name for name, _ in expected]
    assert [leniently(raw) for raw in raws] == [value for _, value in expected]


def leniently(text: bytes) -> Any:
    """Another parser's reading. Broken UTF-8 in a value that nobody decodes is let through."""
    return json.loads(text.decode(errors="surrogateescape"), object_pairs_hook=list)


@given(st.binary(max_size=40))
@law
def test_arbitrary_bytes_are_unreadable_and_never_another_error(data):
    for text in (data, b"{" + data + b"}", b"[" + data + b"]", b'{"messages":[' + data + b"]}"):
        for read in (jsontext.value, jsontext.members, jsontext.whole):
            try:
                read(text)
            except Unreadable:
                continue


@given(json_objects, seeds, st.data())
@law
def test_a_text_cut_short_is_unreadable(item, seed, data):
    text = written(item, seed).rstrip(b" \t\r\n")
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    for read in (jsontext.members, jsontext.value):
        with pytest.raises(Unreadable):
            read(cut)


@pytest.mark.parametrize("cut", [b"[", b"[1", b"[1,", b"[1,2", b'["a', b"[1 2]", b"{}", b""])
def test_a_list_that_does_not_end_is_unreadable(cut):
    with pytest.raises(Unreadable):
        jsontext.elements(cut, Place(0, len(cut)))


def test_a_value_is_read_down_to_the_greatest_depth_and_no_deeper():
    def nested(depth: int) -> bytes:
        return b"[" * depth + b"]" * depth

    assert jsontext.value(nested(MAXIMUM_DEPTH)) is not None
    for depth in (MAXIMUM_DEPTH + 1, 900, 2000):
        with pytest.raises(Unreadable):
            jsontext.value(nested(depth))
    assert jsontext.value(b"[" + b"[]," * 5000 + b"[]]") is not None


def test_a_body_of_32_megabytes_is_read_within_two_seconds():
    body = b'{"messages":[' + b",".join([b'{"content":"' + b"x" * 16_000 + b'"}'] * 2000) + b"]}"
    assert len(body) > 32_000_000
    started = time.perf_counter()
    places = jsontext.elements(body, jsontext.members(body)["messages"])
    known = jsontext.leading(body, Place(12, len(body) - 1), slices(body, places))
    assert time.perf_counter() - started < 2
    assert known == places and len(places) == 2000


# -- putting other bytes there ------------------------------------------------------------


@given(json_objects, seeds)
@law
def test_without_edits_the_text_is_the_very_same_object(item, seed):
    text = written(item, seed)
    assert jsontext.splice(text, []) is text


@given(json_objects, json_values, seeds, st.data())
@law
def test_an_edit_changes_the_named_places_and_not_a_byte_beside_them(item, new, seed, data):
    text = written(item, seed)
    places = jsontext.members(text)
    chosen = data.draw(st.lists(st.sampled_from(sorted(places)), unique=True)) if places else []
    replacement = jsontext.encode(new)
    edited = jsontext.splice(text, [(places[name], replacement) for name in chosen])
    found = jsontext.members(edited)
    assert list(found) == list(places)
    kept, start, old = b"", 0, 0
    for name, place in places.items():
        assert edited[start : found[name].start] == text[old : place.start]
        kept = edited[found[name].start : found[name].end]
        assert kept == (replacement if name in chosen else text[place.start : place.end])
        start, old = found[name].end, place.end
    assert edited[start:] == text[old:]


def test_an_empty_place_inserts():
    assert jsontext.splice(b"abc", [(Place(1, 1), b"X"), (Place(1, 2), b"Y")]) == b"aXYc"


def test_the_order_in_which_edits_are_given_does_not_matter():
    edits = [(Place(2, 3), b"C"), (Place(0, 1), b"A")]
    assert jsontext.splice(b"abc", edits) == jsontext.splice(b"abc", edits[::-1]) == b"AbC"


def test_overlapping_edits_are_refused():
    with pytest.raises(ValueError, match="overlap"):
        jsontext.splice(b"abc", [(Place(0, 2), b""), (Place(1, 3), b"")])


@given(json_values)
@law
def test_what_is_encoded_is_read_back(item):
    assert jsontext.value(jsontext.encode(item)) == item
