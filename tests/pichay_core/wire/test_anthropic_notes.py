"""A text of ours at the end of a message: everything before it stays byte for byte."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pichay_core.wire import anthropic, jsontext
from pichay_core.wire.format import Edits
from tests.strategies import conversations, law, seeds, written

NOTE = 'of "ours"\n\u00e9'
ADDED = json.dumps({"type": "text", "text": NOTE}, separators=(",", ":"), ensure_ascii=False)


def noted(raw):
    return anthropic.write(raw, Edits({}, {}, note=NOTE))


@law
@given(conversations(), seeds)
def test_a_note_stands_behind_all_blocks_and_nothing_else_is_touched(messages, seed):
    for message in messages:
        raw = written(message, seed)
        said, content = noted(raw), message["content"]
        if not content and not isinstance(content, str):
            assert said == raw
            continue
        listed = [{"type": "text", "text": content}] if isinstance(content, str) else content
        assert anthropic.read(said).blocks[-1].type == "text"
        expected = {**message, "content": [*listed, {"type": "text", "text": NOTE}]}
        assert json.loads(said) == json.loads(json.dumps(expected))
        place = jsontext.members(raw)["content"]
        own = raw[place.start : place.end].removesuffix(b"]").rstrip()
        assert own in said
        assert said.startswith(raw[: place.start])
        assert said.endswith(raw[place.end :])
        assert ADDED.encode() in said


@law
@given(st.text(min_size=1), st.booleans())
def test_a_string_and_a_list_of_it_are_written_alike(text, said):
    edits = Edits({}, {}, said={0: "shorter"} if said else {}, note=NOTE)
    one, other = (
        json.loads(
            anthropic.write(json.dumps({"role": "user", "content": content}).encode(), edits)
        )
        for content in (text, [{"type": "text", "text": text}])
    )
    assert one == other


def test_content_that_is_neither_text_nor_a_list_is_left_alone():
    for content in (None, 7, {"type": "text"}):
        raw = json.dumps({"role": "user", "content": content}).encode()
        assert noted(raw) == raw
    assert noted(b'{"role":"user"}') == b'{"role":"user"}'
