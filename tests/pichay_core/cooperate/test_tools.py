"""What a call to a memory tool asks for, and what of it is refused."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.birth.protocol import PROTOCOL
from pichay_core.cooperate.commands import Anchor, Collapse, Recall, Release, Status
from pichay_core.cooperate.tools import (
    LONGEST_SEARCH,
    LONGEST_SUMMARY,
    MOST_PAGES,
    NAMES,
    Refusal,
    command_of,
    definitions,
)
from pichay_core.model import Kind
from pichay_core.store.vocabulary import count_tokens
from pichay_core.tools import describe
from pichay_core.wire import anthropic
from pichay_core.wire.anthropic_memory import answer_block
from pichay_core.wire.reply import Ask
from tests.strategies import json_objects, json_values, law


def asked(tool: str, **given: object):
    return command_of(Ask("id", tool, json.dumps(given).encode()))


def raw(tool: str, arguments: bytes):
    return command_of(Ask("id", tool, arguments))


# -- definitions ------------------------------------------------------------------------------


def test_there_are_five_tools_in_one_order_whatever_is_asked_for_first():
    names = [json.loads(one)["name"] for one in definitions(anthropic)]
    assert tuple(names) == NAMES
    assert definitions(anthropic, ["memory_status", "memory_fault"]) == (
        definitions(anthropic)[0],
        definitions(anthropic)[4],
    )
    assert definitions(anthropic, ["another"]) == ()


def test_definitions_have_the_shape_that_the_provider_takes():
    for one in map(json.loads, definitions(anthropic)):
        assert one.keys() == {"name", "description", "input_schema"}
        schema = one["input_schema"]
        assert schema["type"] == "object"
        assert set(schema.get("required", ())) <= schema["properties"].keys()


def test_definitions_are_short_for_they_are_paid_for_on_every_request():
    tokens = [count_tokens(one.decode()) for one in definitions(anthropic)]
    assert max(tokens) < 150
    assert sum(tokens) < 410


def test_definitions_show_no_handle_and_forbid_nothing():
    text = " ".join(one.decode() for one in definitions(anthropic))
    assert not re.search(r"\b[A-Z2-7]{8}\b", text)
    assert "[" not in text.replace("[" + '"', "")
    assert not re.search(r"never|do not mention|must not", text, re.IGNORECASE)


def test_the_protocol_text_is_not_repeated():
    words = " ".join(one.decode() for one in definitions(anthropic))
    assert not any(part in words for part in PROTOCOL.split(". "))


# -- what is understood -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "given", "command"),
    [
        ("memory_fault", {"pages": ["A", "b.py"]}, Recall(("A", "b.py"))),
        ("memory_fault", {"pages": [" A ", "A", ""]}, Recall(("A",))),
        ("memory_fault", {"pages": "A"}, Recall(("A",))),
        ("memory_fault", {"pages": ["A"], "lines": "5-9"}, Recall(("A",), 5, 9)),
        ("memory_fault", {"pages": ["A"], "lines": " 5 - 9 "}, Recall(("A",), 5, 9)),
        ("memory_fault", {"pages": ["A"], "lines": "5-"}, Recall(("A",), 5, None)),
        ("memory_fault", {"pages": ["A"], "lines": "5"}, Recall(("A",), 5, 5)),
        ("memory_fault", {"pages": ["A"], "lines": 5}, Recall(("A",), 5, 5)),
        ("memory_fault", {"pages": ["A"], "lines": None, "search": ""}, Recall(("A",))),
        ("memory_fault", {"pages": ["A"], "search": "x.*"}, Recall(("A",), search="x.*")),
        ("memory_release", {"pages": ["A"], "reason": "done\nwith it"},
         Release(("A",), "done with it")),
        ("memory_release", {"pages": ["A"]}, Release(("A",))),
        ("memory_pin", {"pages": ["A"]}, Anchor(("A",))),
        ("memory_collapse", {"turns": "2-7", "summary": " so it was "},
         Collapse(2, 7, "so it was")),
        ("memory_collapse", {"turns": 3, "summary": "s"}, Collapse(3, 3, "s")),
        ("memory_status", {}, Status()),
    ],
)  # fmt: skip
def test_what_a_call_asks_for(tool, given, command):
    assert asked(tool, **given) == command


def test_no_arguments_at_all_are_an_empty_object():
    assert raw("memory_status", b"") == Status()


def test_a_long_reason_is_shortened():
    command = asked("memory_release", pages=["A"], reason="r" * 5000)
    assert isinstance(command, Release) and len(command.why) == 120


# -- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("memory_fault", {}),
        ("memory_fault", {"pages": []}),
        ("memory_fault", {"pages": ["", "  "]}),
        ("memory_fault", {"pages": [1]}),
        ("memory_fault", {"pages": [["A"]]}),
        ("memory_fault", {"pages": None}),
        ("memory_fault", {"pages": ["A"], "more": 1}),
        ("memory_fault", {"pages": ["A"], "lines": "9-5"}),
        ("memory_fault", {"pages": ["A"], "lines": "0-5"}),
        ("memory_fault", {"pages": ["A"], "lines": "-5"}),
        ("memory_fault", {"pages": ["A"], "lines": "5-9-12"}),
        ("memory_fault", {"pages": ["A"], "lines": "٥-٩"}),
        ("memory_fault", {"pages": ["A"], "lines": "1" * 30}),
        ("memory_fault", {"pages": ["A"], "lines": " " * 5000 + "1"}),
        ("memory_fault", {"pages": ["A"], "lines": [1, 2]}),
        ("memory_fault", {"pages": ["A"], "search": "s" * (LONGEST_SEARCH + 1)}),
        ("memory_fault", {"pages": [f"{n}.py" for n in range(MOST_PAGES + 1)]}),
        ("memory_fault", {"pages": ["p" * 1001]}),
        ("memory_fault", {"pages": ["p" * 900, "q" * 900, "r" * 900]}),
        ("memory_release", {"pages": ["A"], "reason": 5}),
        ("memory_pin", {"pages": {"A": 1}}),
        ("memory_collapse", {"turns": "2-", "summary": "s"}),
        ("memory_collapse", {"turns": "2-7", "summary": "  "}),
        ("memory_collapse", {"turns": "2-7", "summary": "s" * (LONGEST_SUMMARY + 1)}),
        ("memory_status", {"pages": ["A"]}),
        ("memory_forget", {"pages": ["A"]}),
    ],
)
def test_what_is_not_understood_is_refused_with_what_to_do(tool, given):
    refusal = asked(tool, **given)
    assert isinstance(refusal, Refusal)
    assert 10 < len(refusal.text) < 300


@pytest.mark.parametrize("arguments", [
    b"{", b"[]", b"null", b'"A"', b"\xff\xfe", b'{"pages":["A"]', b"0" * 200_000,
    b'{"pages":' + b"[" * 900, b'{"pages":' + b"[" * 50_000, b'{"a":' * 300 + b"1" + b"}" * 300,
])  # fmt: skip
@pytest.mark.parametrize("tool", NAMES)
def test_what_is_no_json_or_too_deep_or_giant_is_refused(tool, arguments):
    assert isinstance(raw(tool, arguments), Refusal)


@given(st.sampled_from([*NAMES, "Read"]), st.one_of(st.binary(), json_values.map(json.dumps)))
@law
def test_no_arguments_raise(tool, arguments):
    given = arguments if isinstance(arguments, bytes) else arguments.encode()
    assert raw(tool, given) is not None


# -- how their results are pages --------------------------------------------------------------


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4), st.text(max_size=20))
@law
def test_a_recall_that_is_taken_can_be_read_off_its_page_again(pages, search):
    given = {"pages": pages} | ({"search": search} if search else {})
    command = asked("memory_fault", **given)
    call = describe("id", "memory_fault", given)
    if isinstance(command, Recall):
        assert raw("memory_fault", call.arguments.encode()) == command


def test_a_recall_is_addressable_by_its_exact_arguments():
    call = describe("id", "memory_fault", {"pages": ["A", "b.py"], "lines": "5-9"})
    again = describe("other", "memory_fault", {"lines": "5-9", "pages": ["A", "b.py"]})
    assert (call.kind, call.label) == (Kind.QUERY, "A, b.py lines 5-9")
    assert call.key is not None and call.key == again.key


@pytest.mark.parametrize("tool", NAMES[1:])
def test_what_only_acknowledges_has_no_page_identity(tool):
    call = describe("id", tool, {"pages": ["A"]})
    assert (call.kind, call.key, call.writes) == (Kind.RUN, None, None)


def test_tools_that_are_only_named_alike_are_no_memory_tools():
    for name in ("Memory_Fault", "mcp__other__memory_status", "x.memory_release"):
        assert describe("id", name, {}).key is not None


@given(json_objects)
@law
def test_any_arguments_have_a_label(given):
    assert describe("id", "memory_fault", given).label.isprintable()


# -- on the wire ------------------------------------------------------------------------------


@given(st.text(), st.text(), st.booleans())
@law
def test_an_answer_is_one_content_block(call_id, text, error):
    block = json.loads(answer_block(call_id, text, error))
    assert block == {
        "type": "tool_result", "tool_use_id": call_id, "content": text,
    } | ({"is_error": True} if error else {})  # fmt: skip


def test_half_a_surrogate_pair_is_answered_all_the_same():
    assert json.loads(answer_block("a", "x\ud800y", False))["content"] == "x?y"
