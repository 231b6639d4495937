"""Conversations in the items of OpenAI Responses, as clients send them."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.strategies import json_objects, texts, written

type Json = dict[str, Any]

MODEL = "gpt-5.4"
EXEC = "Chunk ID: 1a2b\nWall time: 0.1 seconds\nProcess exited with code 0\nOutput:\n"


def user(text: str, **more: object) -> Json:
    return {"type": "message", "role": "user",
            "content": [{"type": "input_text", "text": text}], **more}  # fmt: skip


def developer(text: str) -> Json:
    return {"type": "message", "role": "developer",
            "content": [{"type": "input_text", "text": text}]}  # fmt: skip


def says(text: str, id: str = "msg_1") -> Json:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"type": "message", "id": id, "role": "assistant", "status": "completed",
            "content": [part]}  # fmt: skip


def reasoning(cipher: str, id: str = "rs_1") -> Json:
    return {"type": "reasoning", "id": id, "summary": [], "encrypted_content": cipher}


def call(id: str, name: str = "Read", **arguments: object) -> Json:
    return {"type": "function_call", "id": f"fc_{id}", "call_id": id, "name": name,
            "arguments": json.dumps(arguments), "status": "completed"}  # fmt: skip


def custom(id: str, name: str, input: str) -> Json:
    return {"type": "custom_tool_call", "id": f"ctc_{id}", "call_id": id, "name": name,
            "input": input, "status": "completed"}  # fmt: skip


def output(id: str, said: object, kind: str = "function_call_output") -> Json:
    return {"type": kind, "call_id": id, "output": said}


def body(items: object, **more: object) -> bytes:
    return json.dumps({"model": MODEL, "input": items, **more}).encode()


ids = st.sampled_from(["call_1", "call_2", "call_3"])
parts = st.lists(
    st.one_of(
        texts.map(lambda text: {"type": "input_text", "text": text}),
        st.just({"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "a"}}),
        st.just({"type": "input_image", "image_url": "data:image/png;base64,AA=="}),
    ),
    max_size=3,
)
outputs = st.one_of(texts, texts.map(EXEC.__add__), parts, st.none())
model_items = st.one_of(
    texts.map(says),
    texts.map(reasoning),
    st.builds(lambda id, text: call(id, path=text), ids, texts),
    st.builds(lambda id, text: custom(id, "apply_patch", text), ids, texts),
    st.sampled_from(
        [
            {"type": "web_search_call", "id": "ws_1", "status": "completed"},
            {"type": "local_shell_call", "call_id": "call_1", "action": {"command": ["ls"]}},
            {"role": "assistant", "content": "plain"},
            {"type": "compaction", "encrypted_content": "gAAA"},
        ]
    ),
)
result_items = st.one_of(
    st.builds(output, ids, outputs),
    st.builds(lambda id, said: output(id, said, "custom_tool_call_output"), ids, outputs),
    st.builds(
        lambda id, text, code: output(
            id,
            [{"stdout": text, "stderr": "", "outcome": {"type": "exit", "exit_code": code}}],
            "shell_call_output",
        ),
        ids,
        texts,
        st.integers(0, 2),
    ),
)
other_items = st.one_of(
    texts.map(user),
    texts.map(developer),
    texts.map(lambda text: {"role": "user", "content": text}),
    st.sampled_from(
        [
            {"type": "item_reference", "id": "rs_9"},
            {"type": "additional_tools", "role": "developer", "tools": []},
            {"type": "compaction_trigger"},
            {"type": "configuration_update", "reasoning": {}},
            "a string",
            7,
            None,
        ]
    ),
    json_objects,
)
conversations = st.lists(st.one_of(model_items, result_items, other_items), max_size=12)


def odd(items: object, seed: int) -> bytes:
    """A request with these items, spelled oddly."""
    return written({"model": MODEL, "input": items, "instructions": "You help."}, seed)
