"""Recordings measured: every figure of a hand-made conversation is known exactly."""

from collections import Counter

import pytest

from pichay_core.model import Kind
from pichay_core.probe import (
    Amplification,
    Probe,
    Sort,
    amplification,
    measure,
    together,
)
from pichay_core.probe.again import Again
from pichay_core.probe.age import AgeRule
from pichay_core.probe.stays import length, within, without
from pichay_core.probe.waste import Waste
from pichay_core.probe.window import Stay, told
from pichay_core.traces import Trace, blocks
from pichay_core.traces.conversation import Telling
from pichay_core.traces.steps import conversation


class Agent:
    """A conversation in which every call is answered in the next request."""

    def __init__(self, kind="main"):
        self.telling = Telling("s", kind)
        self.telling.user(blocks.text("go"))
        self._calls = self._said = 0

    def call(self, tool, text, error=False, **arguments):
        self._calls += 1
        id = f"t{self._calls}"
        self.telling.reply([blocks.call(id, tool, arguments)])
        self.telling.user([blocks.result(id, text, error)])
        return self

    def read(self, path, text, **part):
        return self.call("Read", text, file_path=path, **part)

    def rest(self, turns=1):
        """The model and the client each say a letter that nobody has said, so many times."""
        for _ in range(turns):
            self._said += 1
            self.telling.reply(blocks.text(chr(ord("A") + self._said)))
            self.telling.user(blocks.text(chr(ord("a") + self._said)))
        return self

    def done(self):
        self.telling.reply(blocks.text("."))
        return conversation(self.telling)

    def measured(self):
        return measure(Trace("made", (self.done(),)))


def stays(agent: Agent) -> list[list[tuple[int, int]]]:
    return [[tuple(stay) for stay in piece.stays] for piece in told(agent.done()).results()]


def test_a_piece_stands_from_the_request_that_brings_it_to_the_end():
    assert stays(Agent().read("a", "x").rest(2)) == [[(1, 4)]]


def test_a_piece_that_is_sent_again_after_a_compaction_is_the_same_piece():
    agent = Agent().read("a", "x")
    place = agent.telling.position()
    agent.read("b", "y").rest()
    agent.telling.compact(agent.telling.since(place))
    assert stays(agent.rest()) == [[(1, 3)], [(2, 5)]]


def test_a_piece_that_a_rewind_keeps_has_never_left():
    agent = Agent().read("a", "x")
    place = agent.telling.position()
    agent.read("b", "y").rest()
    agent.telling.rewind(place)
    assert stays(agent.rest()) == [[(1, 5)], [(2, 3)]]


def test_what_the_client_clears_is_a_new_piece_but_no_new_content():
    agent = Agent().read("a", "x" * 1000).rest()
    agent.telling.clear(["t1"])
    agent.rest()
    found = told(agent.done())
    assert [piece.stays for piece in found.results()] == [[Stay(1, 2)]]
    assert [(piece.copy, piece.stays) for piece in found.pieces if piece.bytes == 33] == [
        (True, [Stay(2, 4)])
    ]


def test_a_request_without_a_reply_is_no_request():
    agent = Agent().read("a", "x")
    assert len(told(conversation(agent.telling)).turns) == 1


def test_a_user_turn_is_a_request_for_which_the_client_spoke():
    agent = Agent().rest()
    agent.telling.reply(blocks.text("a"), "one")
    agent.telling.reply(blocks.text("b"), "two")
    assert told(agent.done()).turns == (1, 2, 2)


def test_every_byte_is_counted_once_and_as_what_it_is():
    agent = Agent().read("a", "xyz")
    agent.telling.reply([blocks.thinking("hm"), *blocks.text("well")])
    agent.telling.user(blocks.text("thanks"))
    found = agent.rest(2).measured()
    assert found.bytes == Counter(
        {
            Sort.RESULT: 3,
            Sort.INPUT: len('{"file_path": "a"}'),
            Sort.ASSISTANT: len("wellaa."),
            Sort.USER: len("gothanksuu"),
            Sort.THINKING: 2,
        }
    )
    assert (found.requests, found.results, found.opaque) == (5, 1, 0)
    assert (found.tools, found.kinds) == (Counter(Read=3), Counter({Kind.READ: 3}))


def test_a_byte_of_a_result_is_sent_once_in_each_request_it_stands_in():
    # 30 bytes in five requests and 10 bytes in three of them.
    found = Agent().read("a", "x" * 30).rest().read("b", "y" * 10).rest(2).measured()
    assert found.main == ((30 * 5 + 10 * 3) / 40,)
    assert found.subagents == ()


def test_subagents_are_measured_apart():
    found = Agent("subagent").read("a", "x").measured()
    assert (found.main, found.subagents) == ((), (1.0,))


def test_a_conversation_without_results_has_no_amplification():
    assert Agent().rest().measured().main == ()


def test_amplification_spreads_by_nearest_rank():
    assert amplification([4.0, 1.0, 3.0, 2.0]) == Amplification(4, 3.0, 4.0, 4.0)
    assert amplification([]) == Amplification(0, None, None, None)


def wasted(agent: Agent) -> Waste:
    found = agent.measured().waste
    return Waste(0, found.duplicates, found.superseded, found.idle, found.reminders)


def test_an_equal_result_is_a_duplicate_while_the_first_stands_there():
    agent = Agent().call("Bash", "x" * 10, command="ls").call("Bash", "x" * 10, command="ls -a")
    assert wasted(agent.rest()) == Waste(duplicates=10 * 2)


def test_a_result_is_superseded_once_a_later_one_shows_all_of_it():
    agent = Agent().read("a", "x" * 10, offset=5, limit=2).read("a", "y" * 50).rest()
    assert wasted(agent) == Waste(superseded=10 * 2)


def test_a_part_does_not_supersede_the_whole():
    agent = Agent().read("a", "x" * 10).read("a", "y", offset=5, limit=2).rest()
    assert wasted(agent) == Waste()


def test_a_result_is_superseded_once_a_call_has_changed_the_thing():
    agent = Agent().read("a", "x" * 10).call("Edit", "ok", file_path="./a").rest()
    assert wasted(agent) == Waste(superseded=10 * 2)


def test_a_failed_change_supersedes_nothing():
    agent = Agent().read("a", "x" * 10).call("Edit", "no", True, file_path="a").rest()
    assert wasted(agent) == Waste()


def test_a_result_is_idle_from_the_fourth_turn_after_its_thing_was_last_named():
    assert wasted(Agent().read("a", "x" * 10).rest(3)) == Waste()
    assert wasted(Agent().read("a", "x" * 10).rest(6)) == Waste(idle=10 * 3)


def test_a_result_whose_thing_is_named_later_was_not_idle_until_then():
    agent = Agent().read("a", "x" * 10).rest(8).read("a", "y", offset=2, limit=1)
    assert wasted(agent.rest(2)) == Waste()


def test_a_superseded_result_is_not_idle_as_well():
    agent = Agent().read("a", "x" * 10).rest(5).read("a", "y" * 10).rest(2)
    assert wasted(agent) == Waste(superseded=10 * 3)


def test_a_reminder_that_is_said_again_is_repeated_whatever_stands_around_it():
    reminder = "<system-reminder>be brief</system-reminder>"
    agent = Agent()
    for word in ("one", "two"):
        agent.telling.reply(blocks.text("a"))
        agent.telling.user(blocks.text(f"{word} {reminder}"))
    assert wasted(agent) == Waste(reminders=len(reminder))


def test_all_that_is_sent_is_counted_in_each_request():
    found = Agent().read("a", "xyz").measured().waste
    assert found.sent == len("go") * 2 + len('{"file_path": "a"}') + len("xyz")
    assert found.wasted == 0


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (Agent().read("a", "x").read("a", "x"), Again(2, 1, 1, refetch=1)),
        (Agent().read("a", "x").read("a", "y"), Again(2, 1, 0, refresh=1)),
        (Agent().read("a", "x").read("a", "x", offset=9), Again(2, widen=1)),
        (Agent().read("a", "x").read("b", "x"), Again(2)),
        (
            Agent().call("Bash", "x", command="make").call("Bash", "x", command="make"),
            Again(2, 1, 1, rerun=1),
        ),
        (
            Agent().call("Bash", "x", command="ls").call("Bash", "x", command="ls  # again"),
            Again(2, refetch=1),
        ),
        (
            Agent().call("Bash", "x", command="cat a").call("Bash", "y", command="head -5 a"),
            Again(2, widen=1),
        ),
        (
            Agent().call("Grep", "x", pattern="p").call("Grep", "y", pattern="p"),
            Again(2, 1, 0, refresh=1),
        ),
        (
            Agent().read("a", "x").read("a", "File unchanged since last read."),
            Again(2, 1, 0, refetch=1),
        ),
        (Agent().call("Read", "no", True, file_path="a").read("a", "x"), Again(2, 1, 0)),
    ],
)  # fmt: skip
def test_a_call_that_asks_again_is_of_one_class(agent, expected):
    assert agent.measured().again == expected


LARGE = "x" * 501


def test_a_result_leaves_when_it_is_four_user_turns_old():
    assert Agent().read("a", LARGE).rest(3).measured().age_rule == AgeRule()
    assert Agent().read("a", LARGE).rest(6).measured().age_rule == AgeRule(
        evictions=1, request_evictions=3, reads=1, bytes=501 * 3
    )


def test_small_results_and_errors_never_leave():
    agent = Agent().read("a", "x" * 500).call("Read", LARGE, True, file_path="b").rest(9)
    assert agent.measured().age_rule == AgeRule()


def test_a_call_that_made_a_result_that_left_is_a_fault_when_it_is_made_again():
    agent = Agent().read("a", LARGE).call("Bash", LARGE, command="ls").rest(5)
    agent.read("a", LARGE).call("Bash", "changed", command="ls")
    assert agent.measured().age_rule == AgeRule(
        evictions=2,
        request_evictions=9,
        reads=1,
        faults=2,
        same=1,
        read_faults=1,
        read_same=1,
        bytes=501 * 9,
    )


def test_a_read_of_another_range_is_a_fault_of_the_thing_only():
    agent = Agent().read("a", LARGE).rest(5).read("a", "y", offset=7)
    found = agent.measured().age_rule
    assert (found.faults, found.read_faults, found.read_same) == (0, 1, 0)


def test_measurements_add_up_in_any_order():
    one = Agent().read("a", LARGE).rest(6).measured()
    other = Agent("subagent").call("Bash", "x", command="ls").rest().measured()
    both = one.plus(other)
    assert both.bytes == one.bytes + other.bytes
    assert both.waste.sent == one.waste.sent + other.waste.sent
    assert both.again.calls == 2
    assert (both.recordings, both.main, both.subagents) == (2, one.main, other.subagents)
    assert together([one, other]) == both
    assert together([]) == Probe()


def test_stays_are_cut_and_taken_away_without_rest():
    row = [Stay(0, 4), Stay(6, 9)]
    assert length(row) == 7
    assert within(row, 2, 7) == [Stay(2, 4), Stay(6, 7)]
    assert without(row, [Stay(1, 2), Stay(3, 8)]) == [Stay(0, 1), Stay(2, 3), Stay(8, 9)]
    assert without(row, [Stay(0, 9)]) == []
