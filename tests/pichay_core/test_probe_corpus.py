"""Recorded sessions of real agents, measured once by us and once by a loader that is not ours.

They are looked for in ``../shared/corpus`` beside the checkout, or where ``PICHAY_CORPUS`` says;
without them these tests are skipped. A sample is read, all of them if ``PICHAY_CORPUS_ALL`` is
set. Where the two differ, each on purpose:

- The other loader does not follow what a client takes back: rewinds, results it clears, results
  it keeps through a compaction, several sessions in one file.
- It writes a result that holds an image as text; to us that is opaque and has no bytes.
- Prompts of several parts: it joins them by a newline. Codex: it leaves out what is kept of
  prompts through a compaction. OpenCode: it leaves out the client's
  words for a subtask, which to us are a user turn.
- Arguments that are text: it calls them by another, shorter name.
- Copilot: it does not read the model's reasoning.
"""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from pichay_core import traces
from pichay_core.probe import Sort, measure
from tests.corpus import ALL, CORPUS, independent_loader

EVERY = 1 if ALL else 12
FILES = sorted(CORPUS.rglob("*.zst"))[::EVERY]
THEIR_TEXTS = {
    Sort.INPUT: "tool_input",
    Sort.ASSISTANT: "assistant_text",
    Sort.USER: "user_text",
    Sort.THINKING: "thinking",
}
OWN_WAYS = {
    "codex-rollout": {Sort.INPUT, Sort.USER},
    "copilot": {Sort.USER, Sort.THINKING},
    "openai-chat": {Sort.INPUT, Sort.USER},
    "opencode": {Sort.USER},
}
"""Texts that the two read differently."""


@pytest.fixture(scope="module")
def loader():
    return independent_loader()


def taken_back(trace) -> bool:
    """True if a request does not keep all of the one before."""
    for told in trace.conversations:
        window = 0
        for step in told.steps:
            if step.keeps != window:
                return True
            window = step.keeps + len(step.new)
    return False


def ends_early(trace) -> bool:
    """True if a request was not answered though others follow it."""
    return any(one.reply is None for told in trace.conversations for one, _ in pairwise(told.steps))


@pytest.mark.parametrize("path", FILES or [Path("absent")], ids=lambda path: path.name)
def test_a_recording_measures_as_an_independent_loader_finds(loader, path):
    trace = traces.read(path.name, path.read_bytes())
    found = measure(trace)
    expected = [loader.analyse(one) for one in loader.load(str(path))]

    def theirs(name):
        return sum(one[name] for one in expected)

    texts: Counter[str] = Counter()
    for one in expected:
        texts.update(one["bytes"])
    assert (found.requests, found.results) == (theirs("calls"), theirs("results"))
    assert (found.again.calls, found.again.repeats) == (theirs("tool_calls"), theirs("rereq"))
    if taken_back(trace) or ends_early(trace):
        assert found.age_rule.evictions == pytest.approx(theirs("ev_unique"), rel=0.1, abs=5)
        return
    for sort, name in THEIR_TEXTS.items():
        if sort not in OWN_WAYS.get(trace.format, ()):
            assert found.bytes[sort] == texts[name], sort
    if found.opaque:
        assert found.bytes[Sort.RESULT] <= texts["tool_result"]
        return
    assert found.bytes[Sort.RESULT] == texts["tool_result"]
    assert sorted([*found.main, *found.subagents]) == pytest.approx(
        sorted(one["amp"] for one in expected if one["results"])
    )
    rule = found.age_rule
    assert [rule.evictions, rule.request_evictions, rule.bytes] == pytest.approx(
        [theirs("ev_unique"), theirs("ev_req"), theirs("saved")],
        rel=0.01 if trace.format == "opencode" else 0,
    )
    assert (rule.faults, rule.same) == (theirs("f_id"), theirs("f_id_same"))
    assert found.again.repeats_same == theirs("rereq_same")
    if trace.format == "claude-code":
        assert (rule.reads, rule.read_faults, rule.read_same) == (
            theirs("ev_read"), theirs("f_rd"), theirs("f_rd_same"),
        )  # fmt: skip
