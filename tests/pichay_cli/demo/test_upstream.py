import gzip
import hashlib
import json
import zlib

import brotli
import httpx
import pytest
import zstandard

from pichay_cli.demo.plan import Compression, Cut, Failure, Plan
from pichay_cli.demo.reply import Reply, Text, Thinking, ToolUse
from pichay_cli.demo.upstream import Upstream

HEADERS = {"x-api-key": "sk-ant-demo-not-a-key", "anthropic-version": "2023-06-01"}

REPLY = Reply(
    (
        Thinking("It is long enough to be cut into more pieces than one, I hope.", "c2lnbmVk"),
        Text("Grüße, " + "words " * 20),
        ToolUse("toolu_1", "Read", {"file_path": "größe.py", "limit": 3}),
        ToolUse("toolu_2", "Glob", {}),
    )
)


def body(words="hi", **fields):
    content = [{"type": "text", "text": words, "cache_control": {"type": "ephemeral"}}]
    messages = [{"role": "user", "content": content}]
    return {"model": "claude-sonnet-4-6", "max_tokens": 10, "messages": messages, **fields}


def client(app, **headers):
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://up", headers=HEADERS | headers)


async def post(app, value, path="/v1/messages", **headers):
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    async with client(app, **headers) as http:
        return await http.post(path, content=content)


def events(text):
    frames = [frame.split("\n") for frame in text.strip().split("\n\n")]
    assert all(name.startswith("event: ") and data.startswith("data: ") for name, data in frames)
    read = [json.loads(data.removeprefix("data: ")) for _, data in frames]
    assert [name.removeprefix("event: ") for name, _ in frames] == [e["type"] for e in read]
    return read


def assembled(text):
    """The message that a client makes of a stream."""
    message, pieces = {}, {}
    for event in events(text):
        match event:
            case {"type": "message_start", "message": start}:
                message = start
            case {"type": "content_block_start", "content_block": block, "index": index}:
                assert index == len(message["content"])
                message["content"].append(block)
                pieces[index] = ""
            case {"type": "content_block_delta", "delta": delta, "index": index}:
                for name in ("text", "thinking", "signature"):
                    if name in delta:
                        message["content"][index][name] += delta[name]
                pieces[index] += delta.get("partial_json", "")
            case {"type": "content_block_stop", "index": index}:
                if message["content"][index]["type"] == "tool_use":
                    message["content"][index]["input"] = json.loads(pieces[index] or "{}")
            case {"type": "message_delta", "delta": delta, "usage": usage}:
                message |= delta
                message["usage"] |= usage
    return message


async def test_a_stream_and_a_whole_message_say_the_same():
    app = Upstream(lambda _: REPLY)
    streamed = assembled((await post(app, body(stream=True))).text)
    whole = (await post(app, body())).json()
    assert streamed | {"id": ""} == whole | {"id": ""}
    assert whole["stop_reason"] == "tool_use"
    assert whole["content"][2]["input"] == {"file_path": "größe.py", "limit": 3}


async def test_a_stream_has_the_documented_order_of_events():
    app = Upstream(lambda _: Reply((Text("x"),)))
    read = events((await post(app, body(stream=True))).text)
    assert [event["type"] for event in read] == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert read[-2]["usage"]["output_tokens"] == 5


async def test_the_same_request_gets_the_same_bytes():
    app = Upstream(lambda _: REPLY, Plan(minimum_tokens=100_000))
    first, second = [await post(app, body(stream=True)) for _ in range(2)]
    assert first.content == second.content


async def test_usage_is_that_of_a_prefix_cache():
    seconds = iter((0.0, 1.0, 400.0))
    app = Upstream(lambda _: Reply((Text("x"),)), clock=lambda: next(seconds))
    long = body("x" * 6400)
    usages = [(await post(app, long)).json()["usage"] for _ in range(3)]
    names = ("cache_read_input_tokens", "cache_creation_input_tokens", "input_tokens")
    assert [[usage[name] for name in names] for usage in usages] == [
        [0, 2004, 0],
        [2004, 0, 0],
        [0, 2004, 0],
    ]


async def test_every_request_is_remembered_as_it_came():
    app = Upstream(lambda _: REPLY)
    sent = json.dumps(body(), indent=1).encode()
    await post(app, sent, path="/v1/messages?beta=true", **{"x-more": "1"})
    [record] = app.received
    assert (record.number, record.turn, record.method) == (1, 1, "POST")
    assert record.path == "/v1/messages?beta=true"
    assert record.body == sent
    assert record.sha256 == hashlib.sha256(sent).hexdigest()
    assert record.header("x-more") == "1"
    assert record.usage is not None and record.usage.output == REPLY.tokens


async def test_the_log_file_holds_what_is_remembered(tmp_path):
    log = tmp_path / "log.jsonl"
    app = Upstream(lambda _: REPLY, Plan(log=log))
    await post(app, body())
    await post(app, b"not JSON")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["sha256"] for line in lines] == [record.sha256 for record in app.received]
    assert [line["status"] for line in lines] == [200, 400]


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstandard.compress),
    ],
)
async def test_a_compressed_request_is_read(encoding, encode):
    app = Upstream(lambda _: REPLY)
    answer = await post(app, encode(json.dumps(body()).encode()), **{"content-encoding": encoding})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("compression", "accepts", "is_gzip"),
    [
        (Compression.NEVER, "gzip", False),
        (Compression.ACCEPTED, "gzip", True),
        (Compression.ACCEPTED, "identity", False),
        (Compression.ALWAYS, "identity", True),
    ],
)
async def test_a_reply_is_compressed_as_planned(compression, accepts, is_gzip):
    app = Upstream(lambda _: REPLY, Plan(compression=compression))
    answer = await post(app, body(stream=True), **{"accept-encoding": accepts})
    assert (answer.headers.get("content-encoding") == "gzip") is is_gzip
    assert assembled(answer.text)["stop_reason"] == "tool_use"


async def test_a_planned_failure_comes_once_and_word_for_word():
    failure = Failure(2, 529, b'{"type":"error"}', (("retry-after", "1"),))
    app = Upstream(lambda _: REPLY, Plan(failures=(failure,)))
    answers = [await post(app, body()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 529, 200]
    assert (answers[1].content, answers[1].headers["retry-after"]) == (b'{"type":"error"}', "1")


async def test_a_cut_stream_ends_where_it_was_planned():
    app = Upstream(lambda _: REPLY, Plan(cuts=(Cut(1, 3),)))
    read = events((await post(app, body(stream=True))).text)
    assert [event["type"] for event in read] == ["message_start", "content_block_start", "ping"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"{", "The request body is not valid JSON"),
        (b"\x1f\x8b", "The request body is not valid JSON"),
        (body(""), "cache_control cannot be set for empty text blocks"),
    ],
)
async def test_a_bad_request_is_refused_and_costs_nothing(value, words):
    app = Upstream(lambda _: REPLY)
    answer = await post(app, value)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert words in answer.json()["error"]["message"]
    assert app.received[0].usage is None


async def test_a_request_without_a_credential_or_a_version_is_refused():
    app = Upstream(lambda _: REPLY)
    assert (await post(app, body(), **{"x-api-key": ""})).status_code == 401
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://up") as http:
        answer = await http.post("/v1/messages", json=body(), headers={"x-api-key": "k"})
    assert answer.status_code == 400


async def test_the_other_paths_are_answered_and_are_no_turns():
    app = Upstream(lambda _: REPLY)
    counted = await post(app, body("x" * 320), path="/v1/messages/count_tokens")
    async with client(app) as http:
        models = await http.get("/v1/models")
        missing = await http.get("/v1/nothing")
    assert counted.json() == {"input_tokens": 104}
    assert models.json()["data"][0]["id"] == "claude-sonnet-4-5"
    assert (missing.status_code, missing.json()["error"]["type"]) == (404, "not_found_error")
    assert app.turns == ()
