from collections import Counter

from pichay_cli.demo.agent import MAX_STEPS
from pichay_cli.demo.circles import LINES, PROMPTS, READS, references, script
from pichay_cli.demo.project import project_files
from pichay_cli.demo.scenario import DONE


def said():
    """Every reply, by what it holds: the calls of it, or its text."""
    replies, prompts = [], 0
    while prompts < len(PROMPTS):
        messages = [{"role": "assistant"}] * len(replies)
        (block,) = script({"messages": messages, "tools": []}).blocks
        replies.append(block)
        prompts += hasattr(block, "text")
    return replies


def test_three_files_are_read_in_a_circle_and_seven_in_a_row():
    names = list(references())
    assert len(names) == READS
    assert names[:4] == ["fees", "berths", "cranes", "fees"]
    counts = Counter(names)
    assert len(counts) == 10
    assert sorted(counts.values())[:7] == [7] * 7


def test_every_prompt_ends_before_the_agent_gives_up_and_the_script_with_the_last():
    replies = said()
    talk = [at for at, block in enumerate(replies) if hasattr(block, "text")]
    assert len(replies) == READS + len(PROMPTS)
    assert max(b - a for a, b in zip([-1, *talk], talk, strict=False)) <= MAX_STEPS
    (after,) = script({"messages": [{"role": "assistant"}] * len(replies), "tools": []}).blocks
    assert after.text == DONE


def test_what_is_read_is_there_and_large_enough_to_leave():
    files = project_files()
    for name in set(references()):
        lines = files[f"harbour/{name}.py"].splitlines()[:LINES]
        assert len(lines) == LINES
        assert len("\n".join(lines)) > 1_000
