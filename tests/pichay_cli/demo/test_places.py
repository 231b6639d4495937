from pichay_cli.demo.places import count, places


def request(*contents, **fields):
    roles = ("user", "assistant")
    messages = [
        {"role": roles[index % 2], "content": content} for index, content in enumerate(contents)
    ]
    return {"model": "m", "messages": messages, **fields}


def kinds(row):
    return [place.kind for place in row]


def contents(row):
    return [place.content for place in row]


MARKER = {"cache_control": {"type": "ephemeral"}}


def test_the_order_is_tools_system_messages():
    row = places(request("hi", tools=[{"name": "Read"}], system="be brief"))
    assert kinds(row) == ["tool", "system", "text"]


def test_a_plain_string_is_one_text_block():
    plain = places(request("hi", system="s"))
    in_blocks = places(
        request([{"type": "text", "text": "hi"}], system=[{"type": "text", "text": "s"}])
    )
    assert plain == in_blocks


def test_a_marker_is_seen_and_does_not_count_as_content():
    [bare] = places(request([{"type": "text", "text": "hi"}]))
    [marked] = places(request([{"type": "text", "text": "hi", **MARKER}]))
    assert (bare.content, bare.ttl, marked.ttl) == (marked.content, None, "5m")


def test_an_hour_s_marker_is_told_apart():
    block = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert [place.ttl for place in places(request([block]))] == ["1h"]


def test_a_marker_on_the_request_stands_on_the_last_place():
    row = places(request("hi", "there", cache_control={"type": "ephemeral"}))
    assert [place.ttl for place in row] == [None, "5m"]


def test_key_order_counts_inside_a_call_and_not_in_the_block():
    def call(**fields):
        return contents(places(request("q", [fields])))

    one = call(type="tool_use", id="1", name="Read", input={"a": 1, "b": 2})
    assert one == call(name="Read", id="1", type="tool_use", input={"a": 1, "b": 2})
    assert one != call(type="tool_use", id="1", name="Read", input={"b": 2, "a": 1})


def test_a_change_of_tool_choice_changes_the_messages_and_not_the_system():
    before = places(request("hi", system="s"))
    after = places(request("hi", system="s", tool_choice={"type": "any"}))
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_the_same_words_of_another_role_are_other_content():
    first, second, *_ = places(request("hi", "hi"))
    assert first.content != second.content


def test_the_count_is_that_of_the_text_the_model_reads():
    result = [{"type": "tool_result", "tool_use_id": "1", "content": "x" * 320}]
    assert count(request(result)) == 104


def test_half_of_a_surrogate_pair_is_no_reason_to_fail():
    assert count(request("\ud800")) > 0
