"""Conversations as clients of Chat Completions send them, however oddly."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.strategies import arguments, json_values, markers, texts, tools, written

type Json = dict[str, Any]

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
SIGNED = {"type": "reasoning.text", "text": "hm", "signature": "EqQB", "index": 0}

text_parts = st.builds(lambda text: {"type": "text", "text": text}, texts)
marked_parts = st.builds(
    lambda part, marker: {**part, "cache_control": marker}, text_parts, markers
)
some_parts = st.one_of(
    text_parts, marked_parts, st.just(PICTURE), st.just({"type": "file", "file": {"file_id": "f"}})
)
contents = st.one_of(texts, st.lists(some_parts, max_size=3), st.none())
users = st.builds(lambda content: {"role": "user", "content": content}, contents)
systems = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["system", "developer"]),
    contents,
)
thoughts = st.sampled_from(
    [{}, {"reasoning_content": "hm"}, {"reasoning_details": [SIGNED]}, {"of_tomorrow": [1.5, {}]}]
)


@st.composite
def exchanges(draw: st.DrawFn, turn: int = 0) -> list[Json]:
    """What the model says, and the results of its calls."""
    ids = [f"call_{turn}_{number}" for number in range(draw(st.integers(0, 3)))]
    made = [
        {
            "id": id,
            "type": "function",
            "function": {"name": draw(tools), "arguments": json.dumps(draw(arguments))},
        }
        for id in ids
    ]
    said = {"role": "assistant", "content": draw(contents), **draw(thoughts)}
    said |= {"tool_calls": made} if made or draw(st.booleans()) else {}
    given = [{"role": "tool", "tool_call_id": id, "content": draw(contents)} for id in ids]
    return [said, *given]


@st.composite
def chats(draw: st.DrawFn, longest: int = 3) -> list[Json]:
    """A conversation whose calls and results are paired."""
    messages = [*draw(st.lists(systems, max_size=2)), draw(users)]
    for turn in range(draw(st.integers(0, longest))):
        messages += draw(exchanges(turn))
        messages += draw(st.lists(st.one_of(users, systems), max_size=2))
    return messages


odd_items = st.one_of(
    json_values,
    st.fixed_dictionaries(
        {
            "role": st.one_of(
                st.sampled_from(["user", "assistant", "system", "tool", "function"]), json_values
            )
        },
        optional={
            "content": st.one_of(json_values, st.lists(json_values, max_size=3)),
            "tool_calls": st.one_of(json_values, st.lists(json_values, max_size=3)),
            "tool_call_id": json_values,
            "reasoning_details": st.lists(json_values, max_size=2),
        },
    ),
)
"""Messages no host would take; they must pass all the same."""


@st.composite
def bodies(draw: st.DrawFn, messages: st.SearchStrategy[list[Any]] | None = None) -> bytes:
    """A request, spelled oddly."""
    said = draw(chats() if messages is None else messages)
    fields: Json = {
        "model": "gpt-5.4",
        "messages": said,
        "tools": draw(st.sampled_from([[], [{"type": "function", "function": {"name": "Read"}}]])),
        "stream": True,
        "system": "nothing of ours",
    }
    ordered = dict(draw(st.permutations(list(fields.items()))))
    return written(ordered, draw(st.integers(0, 2**32 - 1)))
