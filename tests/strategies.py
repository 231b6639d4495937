"""What clients and providers may send, however oddly it is spelled.

A value says what is meant; a ``Scribe`` writes it down as JSON, with white space, escapes and
number spellings that no encoder of ours would choose. Conversations are lists of dictionaries
in the shape of Anthropic's Messages; streams are events and the line ends between them.
"""

import json
import random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

law = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
"""How often a law is tried. Time never decides: the machine may be busy."""

brief_law = settings(law, max_examples=15)
"""For laws on whole conversations, which are slow to make up."""

type Json = dict[str, Any]

SPACES = ("", "", "", " ", "\n", "\t", "\r\n", "  \n ")
ODD_TEXT = 'plain "quoted" back\\slash /slash/ \u00e9 \u2028 \U0001f600 \x7f \x00 \n\r\t\b\f {[,:]}'


class Scribe:
    """Writes JSON oddly, the same way for the same seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def write(self, item: object) -> str:
        match item:
            case dict():
                pairs = (
                    f"{self.string(k)}{self._space()}:{self.write(v)}" for k, v in item.items()
                )
                body = "{" + ",".join(self._space() + p + self._space() for p in pairs) + "}"
            case list() | tuple():
                body = "[" + ",".join(self.write(part) for part in item) + self._space() + "]"
            case str():
                body = self.string(item)
            case float():
                body = self._float(item)
            case _:
                body = json.dumps(item)
        return self._space() + body + self._space()

    def string(self, text: str) -> str:
        return '"' + "".join(map(self._letter, text)) + '"'

    def _letter(self, letter: str) -> str:
        plain = json.dumps(letter, ensure_ascii=False)[1:-1]
        spellings = [plain, plain, plain, json.dumps(letter)[1:-1]]
        if ord(letter) < 0x10000:
            spellings += [f"\\u{ord(letter):04x}", f"\\u{ord(letter):04X}"]
        if letter == "/":
            spellings.append("\\/")
        return self._chance.choice(spellings)

    def _float(self, number: float) -> str:
        spellings = [repr(number), f"{number:.17e}", f"{number:.17E}"]
        return self._chance.choice(spellings)

    def _space(self) -> str:
        return self._chance.choice(SPACES)


def written(item: object, seed: int = 0) -> bytes:
    """The item as JSON, spelled oddly."""
    return Scribe(seed).write(item).encode()


def raw(text: bytes, place: tuple[int, int]) -> bytes:
    """What stands at a place."""
    return text[place[0] : place[1]]


seeds = st.integers(0, 2**32 - 1)
texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", " ", "a", ODD_TEXT, "}", "]", '"', "\\", ",", "line\nline\n", "x" * 300]),
)
names = st.one_of(
    st.sampled_from(["type", "content", "cache_control", "messages", "", "a", "b", "\u00e9", '"']),
    st.text(max_size=8),
)
numbers = st.one_of(
    st.integers(-(10**25), 10**25),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300),
    st.sampled_from([0, -1, 1e5, 12345678901234567890, 0.1, 1e-300]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)
json_objects = st.dictionaries(names, json_values, max_size=6)
json_lists = st.lists(json_values, max_size=6)

# -- conversations ------------------------------------------------------------------------

markers = st.sampled_from(
    [{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "5m"}, {"type": "ephemeral", "ttl": "1h"}]
)
tools = st.sampled_from(["Read", "Grep", "Bash", "Edit", "mcp__files__read_file", "Unheard_of"])
arguments = st.one_of(
    st.fixed_dictionaries({"file_path": st.sampled_from(["/a", "/b/c.py", "d/../e"])}),
    st.fixed_dictionaries({"command": texts, "cache_control": json_values}),
    json_objects,
)
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
unknown_blocks = st.one_of(
    st.sampled_from(
        [
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
            {"type": "redacted_thinking", "data": "abc"},
            {"type": "compaction", "content": "what was before", "signature": "s"},
            {"type": "of_tomorrow", "content": [{"type": "text", "text": "?"}], "id": 7},
            IMAGE,
        ]
    ),
    json_objects,
)
text_blocks = st.builds(lambda text: {"type": "text", "text": text}, texts)


@st.composite
def result_contents(draw: st.DrawFn) -> object:
    """What stands under ``content`` in a tool result."""
    inner = st.one_of(text_blocks, text_blocks, st.just(IMAGE), unknown_blocks)
    shapes = st.one_of(
        texts, texts, st.lists(text_blocks, max_size=3), st.lists(inner, max_size=3), st.none()
    )
    return draw(shapes)


@st.composite
def marked(draw: st.DrawFn, blocks: st.SearchStrategy[Json]) -> Json:
    """One of the blocks, now and then with a cache marker."""
    block = draw(blocks)
    mark = draw(st.one_of(st.none(), st.none(), st.none(), markers))
    return block if mark is None else {**block, "cache_control": mark}


@st.composite
def tool_calls(draw: st.DrawFn, call_id: str) -> Json:
    extra = draw(st.one_of(st.just({}), st.just({"caller": {"type": "direct"}})))
    return {
        "type": "tool_use", "id": call_id, "name": draw(tools), "input": draw(arguments), **extra,
    }  # fmt: skip


@st.composite
def tool_results(draw: st.DrawFn, call_id: str) -> Json:
    extra = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "is_error": st.booleans(),
                "toolset_name": texts,
                "of_tomorrow": json_values,
                "content": result_contents(),
            },
        )
    )
    block = {"type": "tool_result", "tool_use_id": call_id, **extra}
    return dict(draw(st.permutations(list(block.items()))))


@st.composite
def conversations(draw: st.DrawFn, longest: int = 3) -> list[Json]:
    """A conversation whose calls and results are paired, with much else between them."""
    messages: list[Json] = [{"role": "user", "content": draw(st.one_of(texts, _blocks()))}]
    for turn in range(draw(st.integers(0, longest))):
        ids = [f"toolu_{turn}_{number}" for number in range(draw(st.integers(0, 3)))]
        messages.append({"role": "assistant", "content": draw(_reply(ids))})
        messages.append({"role": "user", "content": draw(_answers(ids))})
        if draw(st.booleans()):
            messages.append({"role": "system", "content": draw(st.one_of(texts, _blocks()))})
    return [draw(_dressed(message)) for message in messages]


def _blocks() -> st.SearchStrategy[list[Json]]:
    return st.lists(marked(text_blocks), min_size=1, max_size=3)


@st.composite
def _reply(draw: st.DrawFn, ids: list[str]) -> list[Json]:
    thinking = {"type": "thinking", "thinking": draw(texts), "signature": "EqQB+/="}
    before = draw(st.lists(st.one_of(st.just(thinking), text_blocks, unknown_blocks), max_size=2))
    return [*before, *(draw(marked(tool_calls(call_id))) for call_id in ids)]


@st.composite
def _answers(draw: st.DrawFn, ids: list[str]) -> list[Json]:
    order = draw(st.permutations(ids))
    after = draw(st.lists(st.one_of(marked(text_blocks), unknown_blocks), max_size=2))
    return [*(draw(marked(tool_results(call_id))) for call_id in order), *after]


@st.composite
def _dressed(draw: st.DrawFn, message: Json) -> Json:
    """The message with keys of tomorrow beside its own, in any order."""
    extra = draw(st.one_of(st.just({}), st.just({"output_config": {"effort": "low"}, "n": 1.5})))
    return dict(draw(st.permutations(list({**message, **extra}.items()))))


odd_messages = st.one_of(
    json_values,
    st.fixed_dictionaries(
        {"role": st.one_of(st.sampled_from(["user", "assistant", "system", "tool"]), json_values)},
        optional={"content": st.one_of(json_values, st.lists(json_values, max_size=4))},
    ),
)
"""Messages no provider would take; they must pass all the same."""


@st.composite
def bodies(draw: st.DrawFn, messages: list[Any] | None = None) -> bytes:
    """A request body, spelled oddly, ``messages`` before or after system and tools."""
    fields: Json = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 100,
        "messages": draw(conversations()) if messages is None else messages,
        "system": draw(st.one_of(texts, _blocks())),
        "stream": True,
        "of_tomorrow": draw(json_values),
    }
    ordered = dict(draw(st.permutations(list(fields.items()))))
    return written(ordered, draw(seeds))


# -- streams ------------------------------------------------------------------------------

LINE_ENDS = (b"\n", b"\r\n", b"\r")


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Server-sent events, comments and blank lines, each line ended as it pleases."""
    line = st.sampled_from(
        [b"event: message_start", b"event:ping", b'data: {"type":"x"}', b"data:", b"data: a:b",
         b": keep-alive", b"id: 1", b"", b"", b"nothing", "data: \u00e9\u2028".encode()]
    )  # fmt: skip
    lines = draw(st.lists(st.tuples(line, st.sampled_from(LINE_ENDS)), max_size=14))
    tail = draw(st.sampled_from([b"", b"data: cut", b"\n", b"\r"]))
    return b"".join(text + end for text, end in lines) + tail


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The data in pieces; some of them may be empty."""
    at = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    return [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]
