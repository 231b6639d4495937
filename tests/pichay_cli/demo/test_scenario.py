import pytest

from pichay_cli.demo.project import project_files
from pichay_cli.demo.rules import complaint
from pichay_cli.demo.scenario import DONE, MOVES, PROMPTS, script, scripted
from tests.pichay_cli.demo.conversations import ALONE, bills, calls, evicted, price, results, spoken

BATCH_TOKENS = 20_000
FEES = ("Read", {"file_path": "harbour/fees.py"})
MEMORY = [{"name": "memory_fault"}, {"name": "memory_release"}]


@pytest.fixture(scope="module")
def spoken_once(tmp_path_factory):
    return spoken(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def requests(spoken_once):
    return spoken_once[0]


@pytest.fixture(scope="module")
def steps(spoken_once):
    return spoken_once[1]


def move_of(call, nth):
    return [number for number, move in enumerate(MOVES) if call in move][nth]


def test_a_request_gets_the_reply_that_follows_its_history_whatever_came_before():
    history = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert script({"messages": history}) == script({"messages": [*history, history[0]]})


def test_beyond_the_script_the_model_says_so():
    reply = scripted([])({"messages": [{"role": "user", "content": "more"}]})
    assert (reply.blocks[0].text, reply.stop_reason) == (DONE, "end_turn")


def test_every_prompt_ends_with_a_reply_that_calls_nothing():
    endings = [move for move in MOVES if all(isinstance(part, str) for part in move)]
    assert len(endings) == len(PROMPTS)
    assert endings[-1] == MOVES[-1]


def test_the_conversation_uses_the_whole_script_and_every_request_is_lawful(requests):
    assert len(requests) == len(MOVES) - len(ALONE)
    assert [complaint(request) for request in requests] == [None] * len(requests)


def asked(reply):
    return [(b.name, b.input) for b in reply.blocks if getattr(b, "name", "").startswith("memory")]


def said(path, page="ABCD2345"):
    """A history of replies, with a note in which *path* is."""
    note = f"[Older result of Read {path} (9 bytes, 1 line). Moved. Page {page}.]"
    result = {"type": "tool_result", "tool_use_id": "x", "content": note}
    return lambda replies: (
        [{"role": "user", "content": [result]}] + [{"role": "assistant", "content": "a"}] * replies
    )


def test_where_it_is_offered_a_page_is_asked_for_by_the_name_in_its_note():
    number = MOVES.index(ALONE[0])
    request = {"messages": said("harbour/cranes.py")(number), "tools": MEMORY}
    reply = script(request)
    assert asked(reply) == [("memory_fault", {"pages": ["ABCD2345"], "search": "_fee("})]
    assert len(reply.blocks) == 2
    other = script({**request, "messages": said("harbour/tides.py")(number)})
    assert asked(other) == [("memory_fault", {"pages": ["harbour/cranes.py"], "search": "_fee("})]


def test_without_the_tools_for_it_the_model_does_without_its_memory():
    histories = [said("harbour/cranes.py")(number) for number in range(len(MOVES))]
    bare = [script({"messages": history}) for history in histories]
    armed = [script({"messages": history, "tools": MEMORY}) for history in histories]
    assert [asked(reply) for reply in bare] == [[]] * len(MOVES)
    assert sum(bool(asked(reply)) for reply in armed) == 2
    assert bare[-1].blocks[0].text == DONE
    assert armed[-1].blocks[0].text == MOVES[-1][0]


def test_only_the_missing_file_and_the_failing_test_are_errors(steps):
    errors = [step["input"] for step in steps if step.get("error")]
    assert [next(iter(given.values())) for given in errors] == [
        "harbour/discounts.py",
        "python3 -m unittest tests.test_berths",
    ]


def test_more_than_sixty_thousand_tokens_of_results_pile_up(steps):
    total = sum(step.get("bytes", 0) for step in steps)
    assert total / 3.2 > 60_000
    assert sum(6_000 <= step.get("bytes", 0) <= 15_000 for step in steps) > 12


def test_one_file_is_read_again_unchanged_and_another_one_changed(requests):
    content = {name: block["content"] for name, block in results(requests[-1])}

    def reads(path):
        asked = {"file_path": path}
        return [content[name] for name, call in calls(requests[-1]) if call["input"] == asked]

    first, second = reads("harbour/fees.py")
    assert first == second
    before, after = reads("harbour/berths.py")
    assert before != after


@pytest.mark.parametrize("error", [0.75, 0.9, 1.0, 1.15, 1.35])
def test_the_first_flush_is_before_the_file_is_read_again(requests, error):
    _, flushes = evicted(requests, BATCH_TOKENS, error)
    assert flushes[0].turn <= move_of(FEES, 1)
    assert {"toolu_01Harbour00101", "toolu_01Harbour00200"} <= flushes[0].calls


@pytest.mark.parametrize("error", [0.75, 0.9, 1.0, 1.15, 1.35])
def test_a_batch_eviction_is_repaid_even_when_its_refetch_is_charged_to_it(
    tmp_path, requests, error
):
    """The other side of the balance does without the reply that only asks for fees.py again."""
    refetch = move_of(FEES, 1)
    untouched, _ = spoken(tmp_path, (*MOVES[:refetch], *MOVES[refetch + 1 :]))
    without = bills(untouched)
    with_eviction = bills(evicted(requests, BATCH_TOKENS, error)[0])
    assert sum(u.window for u in with_eviction) < 0.75 * sum(u.window for u in without)
    assert price(with_eviction) < 0.85 * price(without)


def test_the_project_is_the_same_each_time():
    assert project_files() == project_files()
