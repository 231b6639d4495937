"""Whole recorded sessions with thinking in them: it is given up on purpose or not at all.

They are looked for in ``../shared/corpus`` beside the checkout, or where ``PICHAY_CORPUS`` says;
without them these tests are skipped. A sample is told, all of them if ``PICHAY_CORPUS_ALL`` is
set.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from pichay_core import traces
from tests.builders import Proxy, rules
from tests.corpus import ABSENT, ALL, CORPUS
from tests.oracle.recorded import told
from tests.oracle.witness import Witness, clean

FILES = sorted(CORPUS.rglob("*.zst"))[:: 1 if ALL else 24]
LONGEST = 10_000 if ALL else 120
"""Requests of a conversation that is told."""

EAGER = rules("every-turn", tau=1)
recordings = pytest.mark.parametrize("path", FILES or [Path("absent")], ids=lambda path: path.name)


def conversations(path):
    """The conversations of a recording that hold thinking."""
    if not path.exists():
        pytest.skip(ABSENT)
    found = [one for one in traces.read(path.name, path.read_bytes()).conversations
             if any(step.reply and step.reply.thinks for step in one.steps)]  # fmt: skip
    if not found:
        pytest.skip("the model's thinking is not in this recording")
    return [one for one in found if len(one.steps) <= LONGEST]


@recordings
@pytest.mark.parametrize("drops", [True, False], ids=["drops", "refuses"])
def test_on_a_binding_model_thinking_is_given_up_at_clean_moments_only(path, drops):
    for conversation in conversations(path):
        witness = Witness(Proxy(EAGER, largest_body=2**30), drops=drops)
        for sent in told(witness, conversation, "claude-opus-5-5"):
            assert not witness.newly_given_up()[0] or clean(sent, cold=False)
            assert not witness.harmed, (witness.ours, witness.theirs)


@recordings
def test_on_a_binding_model_that_keeps_thinking_a_recorded_session_loses_no_thought(path):
    for conversation in conversations(path):
        proxy = Proxy(replace(EAGER, keep_thinking=True), largest_body=2**30)
        witness = Witness(proxy, drops=True)
        for _ in told(witness, conversation, "claude-opus-5-5"):
            assert witness.newly_given_up() == (set(), set())
            assert not witness.harmed, (witness.ours, witness.theirs)


@recordings
def test_on_another_model_a_recorded_session_is_paged_and_never_refused(path):
    for conversation in conversations(path):
        witness = Witness(Proxy(EAGER, largest_body=2**30))
        for _ in told(witness, conversation, "claude-sonnet-4-6"):
            assert witness.ours.refusal == witness.theirs.refusal
