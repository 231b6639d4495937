import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pichay_core.request import read_messages
from pichay_core.wire import gemini, jsontext
from pichay_core.wire.format import Edits
from pichay_core.wire.jsontext import Unreadable
from pichay_core.wire.message import Message
from tests.strategies import brief_law, json_values, law, seeds, texts, written

type Json = dict[str, Any]

NOTHING = Edits({}, {})
SCENE = (
    "<session_context>\nThis is the Gemini CLI. We are setting up the context for our chat.\n"
    "Today's date is {day}.\n- **Workspace Directories:**\n  - {where}\n"
    "- **Directory Structure:**\n\n{where}/\n└───{file}\n</session_context>"
)


def raw(*contents: object, seed: int = 0) -> bytes:
    return b",".join(written(content, seed).strip(b" \t\r\n") for content in contents)


def read(*contents: object, seed: int = 0) -> Message:
    return gemini.read(raw(*contents, seed=seed))


def user(*parts: object) -> Json:
    return {"role": "user", "parts": list(parts)}


def model(*parts: object) -> Json:
    return {"role": "model", "parts": list(parts)}


def text(said: str, **more: object) -> Json:
    return {"text": said, **more}


def call(name: str = "read_file", id: str = "a", **arguments: object) -> Json:
    return {"functionCall": {"id": id, "name": name, "args": arguments}}


def response(said: object, id: str = "a", **more: object) -> Json:
    return {"functionResponse": {"name": "read_file", "id": id, "response": said, **more}}


def body(*contents: object, **more: object) -> bytes:
    return json.dumps({"contents": contents, **more}).encode()


# -- made up ------------------------------------------------------------------------------

signed = st.sampled_from([{}, {"thoughtSignature": "c2ln"}])
said_texts = texts.map(lambda said: {"text": said})
results = st.one_of(
    st.builds(lambda said: response({"output": said}), texts),
    st.builds(lambda said: response({"error": said}), texts),
    st.builds(response, json_values),
)
user_parts = st.one_of(
    said_texts,
    results,
    st.sampled_from(
        [
            {"inlineData": {"mimeType": "image/png", "data": "AA=="}},
            {"fileData": {"fileUri": "gs://a"}},
            {"of_tomorrow": 1.0},
        ]
    ),
)
model_parts = st.one_of(
    st.builds(lambda part, more: {**part, **more}, said_texts, signed),
    st.builds(lambda said: {"text": said, "thought": True}, texts),
    st.builds(lambda args, more: {"functionCall": {"name": "f", "args": args}, **more},
              st.dictionaries(st.sampled_from("ab"), json_values), signed),
)  # fmt: skip
contents = st.one_of(
    st.builds(lambda parts: {"role": "user", "parts": parts}, st.lists(user_parts, max_size=4)),
    st.builds(lambda parts: {"role": "model", "parts": parts}, st.lists(model_parts, max_size=3)),
)
conversations = st.lists(contents, max_size=6)
odd_contents = st.one_of(
    json_values,
    st.builds(lambda parts: {"role": "user", "parts": parts}, json_values),
    st.builds(lambda part: {"parts": [part]}, st.dictionaries(
        st.sampled_from(["text", "functionCall", "functionResponse", "thought", "inlineData"]),
        json_values)),
)  # fmt: skip


# -- where messages stand -----------------------------------------------------------------


def raws(sent: bytes) -> list[bytes]:
    outline = gemini.outline(sent)
    return [outline.raw(at) for at in range(len(outline.messages))]


def test_one_item_is_one_message_but_what_the_model_says_in_pieces_is_one():
    sent = b'{"contents" : [%b , %b,%b\n, %b,%b]}' % tuple(
        raw(one) for one in (user(), model(text("a")), model(text("b")), user(), user())
    )
    assert [gemini.read(one).role for one in raws(sent)] == ["user", "assistant", "user", "user"]
    assert raws(sent)[1] == raw(model(text("a"))) + b"," + raw(model(text("b")))


@given(st.lists(conversations, min_size=1, max_size=3), seeds, st.data())
@brief_law
def test_what_is_known_changes_nothing_but_the_work(talks, seed, data):
    bodies = [written({"contents": talk}, seed) for talk in talks]
    cut = data.draw(st.integers(0, len(talks[0])))
    bodies.append(written({"contents": talks[0][:cut]}, seed))
    likely = [read_messages(gemini, gemini.outline(one)) for one in bodies[1:]]
    alone, known = gemini.outline(bodies[0]), gemini.outline(bodies[0], likely)
    assert known.messages == alone.messages
    assert known.body == alone.body
    assert read_messages(gemini, known) == read_messages(gemini, alone)


def test_a_piece_more_of_the_model_belongs_to_the_message_that_was_known():
    first = body(user(text("a")), model(text("b")))
    known = read_messages(gemini, gemini.outline(first))
    outline = gemini.outline(body(user(text("a")), model(text("b")), model(text("c"))), [known])
    assert outline.same == 1
    assert len(outline.messages) == 2


@given(st.one_of(st.binary(max_size=40), json_values.map(written),
                 odd_contents.map(lambda one: written({"contents": one})),
                 st.lists(odd_contents).map(lambda many: written({"contents": many}))))  # fmt: skip
@law
def test_whatever_comes_is_read_or_unreadable(sent):
    try:
        outline = gemini.outline(sent)
        head = gemini.head(outline)
        messages = read_messages(gemini, outline)
    except Unreadable:
        return
    gemini.problems(head, messages)
    gemini.takes_note(messages)
    for message in messages:
        gemini.plain(message.raw)
        gemini.mentions(message.raw)
        note = gemini.write(message.raw, Edits({}, {}, note="n"))
        texts = {one.block: "new" for one in message.results}
        assert gemini.read(gemini.write(message.raw, Edits(texts, {}))).same_structure(message)
        assert len(gemini.read(note).blocks) in (len(message.blocks), len(message.blocks) + 1)


@pytest.mark.parametrize("sent", [b"", b"[]", b"{}", b'{"contents":{}}', b'{"messages":[]}'])
def test_a_body_of_another_shape_is_unreadable(sent):
    with pytest.raises(Unreadable):
        gemini.outline(sent)


# -- results that stand twice -------------------------------------------------------------

TWO = (response({"output": "one"}, "a"), response({"output": "two"}, "b"))


def test_a_result_that_stands_there_twice_is_sent_once():
    once = body(
        user(text("hi")), model(call(id="a"), call(id="b")), user(*TWO), user(text("go on"))
    )
    sent = body(
        user(text("hi")), model(call(id="a"), call(id="b")), user(*TWO, *TWO), user(text("go on"))
    )
    outline = gemini.outline(sent)
    assert json.loads(outline.body) == json.loads(once)
    assert outline.came is sent
    assert outline.twice == len(sent) - len(outline.body)


@pytest.mark.parametrize(
    "parts",
    [
        TWO,
        (response({"output": "one"}, "a"), response({"output": "other"}, "a")),
        (response({"output": "one"}, ""), response({"output": "one"}, "")),
        (text("a"), text("a")),
    ],
)
def test_nothing_else_is_left_out(parts):
    sent = body(user(text("hi")), model(call(id="a"), call(id="b")), user(*parts))
    outline = gemini.outline(sent)
    assert outline.body is sent
    assert (outline.came, outline.twice) == (None, 0)


# -- what a message says ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "expected", "error"),
    [
        ({"output": "a\nb"}, "a\nb", False),
        ({"error": "no"}, "no", True),
        ({"output": "a", "code": 1}, '{"output":"a","code":1}', False),
        ({"output": {"b": 1}}, '{"output":{"b":1}}', False),
        ({}, "{}", False),
        ("bare", '"bare"', False),
    ],
)
def test_a_result_is_the_one_text_it_holds_or_all_of_it(said, expected, error):
    message = raw(user(text("x"), response(said)))
    found = gemini.read(message).results[0]
    assert gemini.text(message, 1) == expected
    assert (found.block, found.call_id, found.error, found.opaque) == (1, "a", error, False)
    assert found.bytes == len(expected)


def test_a_result_with_a_picture_is_opaque():
    picture = {"inlineData": {"mimeType": "image/png", "data": "A" * 10_000}}
    message = json.dumps(user(response({"output": "see"}, parts=[picture]))).encode()
    assert gemini.read(message).results[0].opaque
    assert gemini.text(message, 0) is None
    assert gemini.read(message).size < 6_000


def test_calls_and_results_without_an_id_have_none():
    said = {"functionCall": {"name": "f"}}
    assert read(model(said)).calls[0].id == ""
    assert read(model(said)).calls[0].arguments == "{}"
    assert read(user({"functionResponse": {"name": "f", "response": {}}})).results[0].call_id == ""


def test_both_spellings_of_a_name_are_read():
    snake = {"function_call": {"id": "a", "name": "f", "args": {"x": 1}}, "thought_signature": "s"}
    camel = {"functionCall": {"id": "a", "name": "f", "args": {"x": 1}}, "thoughtSignature": "s"}
    assert read(model(snake)).calls == read(model(camel)).calls
    given_back = {"function_response": {"id": "a", "name": "f", "response": {"output": "t"}}}
    assert read(user(given_back)).results == read(user(response({"output": "t"}))).results
    written_back = gemini.write(raw(user(given_back)), Edits({0: "new"}, {}))
    assert json.loads(written_back)["parts"][0]["function_response"]["response"] == {
        "output": "new"
    }


def test_blocks_are_named_as_the_core_names_them():
    parts = [
        text("a"), text("b", thought=True), call(), {"executableCode": {}}, text(" "),
        {"inlineData": {"mimeType": "image/png", "data": ""}}, {"inlineData": {}},
    ]  # fmt: skip
    blocks = read(model(*parts)).blocks
    assert [block.type for block in blocks] == [
        "text", "thought", "tool_use", "executableCode", "text", "image", "inlineData",
    ]  # fmt: skip
    assert [block.empty for block in blocks] == [False] * 4 + [True] + [False] * 2
    assert not read(model(*parts)).thinks


def test_what_a_client_leaves_out_of_older_turns_does_not_count():
    now = read(
        model(text("hm", thought=True), text("I look.\n"), {**call(), "thoughtSignature": "s"})
    )
    later = read(model(text("I look."), {**call(), "thoughtSignature": "skip"}))
    pieces = read(model(text("I lo")), model(text("ok.")), model(call()))
    assert now.digest == later.digest == pieces.digest
    others = (
        model(text("I looked."), call()),
        model(text("I look.")),
        model(call(), text("I look.")),
        model(text("I look."), call(id="b")),
        user(text("I look."), call()),
    )
    assert now.digest not in {read(other).digest for other in others}


def test_what_a_user_says_counts_to_the_last_space():
    assert read(user(text("a "))).digest != read(user(text("a"))).digest
    assert read({"parts": [text("a")]}).digest == read(user(text("a"))).digest


def test_the_tree_of_a_project_names_no_conversation():
    first = user(text(SCENE.format(day="Sunday", where="/p", file="a")), text("Fix it."))
    later = user(text(SCENE.format(day="Monday", where="/p", file="b")), text("Fix it."))
    elsewhere = user(text(SCENE.format(day="Sunday", where="/q", file="a")), text("Fix it."))
    assert read(first).text == "Fix it."
    assert read(user(first["parts"][0])).text == ""
    assert read(first).digest == read(later).digest != read(elsewhere).digest


def test_where_the_tree_of_a_project_is_another_so_is_the_front():
    def front(day: str) -> str:
        scene = text(SCENE.format(day=day, where="/p", file="a"))
        return gemini.head(gemini.outline(body(user(scene, text("Fix it."))))).front

    assert front("Sunday") == front("Sunday") != front("Monday")
    other = gemini.head(gemini.outline(body(user(text("Fix it.")))))
    assert other.front == gemini.head(gemini.outline(body(user(text("Go."))))).front


# -- writing ------------------------------------------------------------------------------


@given(conversations, seeds)
@brief_law
def test_without_edits_a_message_is_the_very_same_object(talk, seed):
    for one in raws(written({"contents": talk}, seed)):
        assert gemini.write(one, NOTHING) is one


def parts_in(message: bytes) -> list[bytes]:
    """The parts of a message of the user, as they are spelled."""
    place = jsontext.members(message)["parts"]
    return [message[at.start : at.end] for at in jsontext.elements(message, place)]


@given(st.lists(user_parts, min_size=1, max_size=5), seeds, texts, st.data())
@law
def test_a_new_text_changes_that_result_and_not_a_byte_beside_it(parts, seed, new, data):
    before = raw(user(*parts), seed=seed)
    message = gemini.read(before)
    places = [one.block for one in message.results]
    chosen = data.draw(st.sets(st.sampled_from(places))) if places else set()
    after = gemini.write(before, Edits(dict.fromkeys(chosen, new), {}))
    told = gemini.read(after)
    assert told.same_structure(message)
    assert [one.call_id for one in told.results] == [one.call_id for one in message.results]
    for at, (was, now) in enumerate(zip(parts_in(before), parts_in(after), strict=True)):
        if at in chosen:
            assert isinstance(json.loads(now)["functionResponse"]["response"], dict)
            if not (items := json.loads(was)["functionResponse"]).get("parts"):
                assert gemini.text(after, at) == new
                assert items["name"] == json.loads(now)["functionResponse"]["name"]
        else:
            assert was == now


def test_a_result_stays_an_object_and_an_error_an_error():
    message = raw(
        user(response({"output": "a"}), response({"error": "b"}), response({"x": 1}), response("c"))
    )
    after = json.loads(gemini.write(message, Edits(dict.fromkeys(range(4), "s"), {})))
    said = [part["functionResponse"]["response"] for part in after["parts"]]
    assert said == [{"output": "s"}, {"error": "s"}, {"output": "s"}, {"output": "s"}]


def test_a_text_and_a_note_are_written_and_nothing_else():
    message = b'{ "parts":[ {"text":"a", "x":1.0e+5} ,{"text" : "b"} ], "role":"user"}'
    edits = Edits({}, {}, said={1: "c"}, note="n")
    assert gemini.write(message, edits) == (
        b'{ "parts":[ {"text":"a", "x":1.0e+5} ,{"text" : "c"} ,{"text":"n"}], "role":"user"}'
    )
    assert gemini.said(message, 1) == "b"
    assert gemini.said(message, 2) is None


@pytest.mark.parametrize("parts", [b"[]", b"null", b'"a"'])
def test_where_nothing_is_said_no_note_is_written(parts):
    message = b'{"role":"user","parts":%b}' % parts
    assert gemini.write(message, Edits({}, {}, note="n")) is message


def test_a_part_that_stands_without_a_list_is_read_and_written():
    message = b'{"role":"user","parts":{"text":"a"}}'
    assert gemini.read(message).text == "a"
    assert json.loads(gemini.write(message, Edits({}, {}, said={0: "b"}, note="n"))) == user(
        text("b"), text("n")
    )


def test_a_message_of_ours_is_one_of_the_user():
    assert json.loads(gemini.user_says('a "b"')) == user(text('a "b"'))


def test_a_message_can_be_read_as_plain_text():
    message = raw(model(text("a"), text("hm", thought=True), call(x=1), {"executableCode": {}}))
    assert gemini.plain(message) == 'a\n[call of read_file] {"x":1}\n[executableCode, not kept]'
    assert gemini.plain(raw(user(response({"error": "no"})))) == "[result, an error]\nno"
    assert gemini.mentions(message) == {"read_file"}


# -- rules --------------------------------------------------------------------------------


def broken(*contents: object) -> frozenset[str]:
    outline = gemini.outline(body(*contents))
    return gemini.problems(gemini.head(outline), read_messages(gemini, outline))


def test_as_many_results_as_calls_break_no_rule():
    assert (
        broken(user(text("a")), model(call(), call()), user(*TWO), model(text("b"))) == frozenset()
    )
    assert broken(user(text("a")), model(call(), call()), *map(user, TWO)) == frozenset()
    assert broken(user(text("a")), model(call())) == frozenset()


@pytest.mark.parametrize(
    "contents",
    [
        (model(call()), user(*TWO)),
        (model(call(), call()), user(TWO[0])),
        (model(call()), user(text("b")), model(text("c"))),
        (model(text("a")), user(TWO[0])),
        (user(TWO[0]), model(text("a"))),
        (user(), model(text("a"))),
    ],
)
def test_another_number_of_results_breaks_one(contents):
    assert len(broken(*contents)) == 1


# -- the head -----------------------------------------------------------------------------

TOOLS = [
    {
        "functionDeclarations": [
            {"name": "read_file", "description": "d", "parametersJsonSchema": {}}
        ]
    },
    {"googleSearch": {}},
]
PROMPT = {"parts": [{"text": "You are."}, {"text": "More."}]}


def head(**fields: object):
    return gemini.head(gemini.outline(body(**fields)))


def test_the_head_says_what_stands_beside_the_contents():
    found = head(systemInstruction=PROMPT, tools=TOOLS)
    assert (found.first_system, found.tool_names) == ("You are.", ("read_file", "googleSearch"))
    assert (found.model, found.stream, found.partial, found.untouchable) == ("", False, "", None)
    assert json.loads(found.raw_system or b"") == PROMPT
    assert found.front == head(system_instruction=PROMPT, tools=TOOLS).front
    assert found.front != head(systemInstruction=PROMPT).front
    assert gemini.head(gemini.outline(body(systemInstruction=PROMPT, tools=TOOLS)), found) == found


def test_what_follows_cached_content_is_sent_every_time():
    assert head(cachedContent="cachedContents/1").partial == ""


@pytest.mark.parametrize(
    ("config", "forced"),
    [
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, "f"),
        ({"mode": "ANY", "allowedFunctionNames": ["f", "g"]}, ""),
        ({"mode": "AUTO", "allowedFunctionNames": ["f"]}, ""),
        ({}, ""),
    ],
)
def test_a_call_is_forced_if_only_one_is_allowed(config, forced):
    assert head(toolConfig={"functionCallingConfig": config}).forced == forced
