"""A conversation that uses all of its memory, with the addon killed between any two requests."""

import pytest

from tests.e2e.cooperative import STEPS, Agent, as_sent, played
from tests.pichay_proxy.cooperating import HEAD, standing, streamed
from tests.replies import frames, text


def answers(legs):
    return [lambda body, blocks=blocks: streamed(*played(blocks, body)) for blocks in legs]


def step(stand, agent, legs):
    """One request of the client's; returns what arrived upstream for it."""
    stand.connect()
    stand.seen.clear()
    got = stand.send(agent.body(), *answers(legs))
    agent.take(got.message["content"])
    return [as_sent(seen.json) for seen in stand.seen]


@pytest.fixture(scope="module")
def control(tmp_path_factory):
    """What goes upstream if nothing happens, request by request."""
    agent = Agent()
    with standing(tmp_path_factory.mktemp("control")) as stand:
        sent = [step(stand, agent, legs) for legs in STEPS]
        session = stand.session
    assert [fold.done is not None for fold in session.folds] == [True]
    assert len(session.notes.standing) > 0
    assert sum(len(aside.legs) for aside in session.asides) >= 6
    return sent, agent.messages


def test_killed_between_any_two_requests_it_goes_on_as_if_nothing_had_happened(control, tmp_path):
    sent, messages = control
    agent = Agent()
    for number, legs in enumerate(STEPS):
        with standing(tmp_path) as stand:
            assert step(stand, agent, legs) == sent[number], number
    assert agent.messages == messages


def in_a_leg(folder, killed):
    """What goes upstream once the client has lost its connection in the second leg of a reply."""
    agent = Agent()
    with standing(folder) as stand:
        for legs in STEPS[:7]:
            step(stand, agent, legs)
        stand.connect()
        stand.send(agent.body(), *answers(STEPS[7][:2]), lambda _: None)
        stand.wires.says(HEAD)
        stand.wires.chunks(*frames([text("It says.")])[:4])
        if killed:
            stand.die()
        else:
            stand.wires.client_leaves()
            return [step(stand, agent, STEPS[number]) for number in (7, 8, 9)]
    with standing(folder) as stand:
        stand.excuse()
        return [step(stand, agent, STEPS[number]) for number in (7, 8, 9)]


def test_killed_in_a_leg_it_goes_on_as_if_the_client_had_left(tmp_path):
    """It has kept nothing of the reply, and asks again."""
    left, killed = in_a_leg(tmp_path / "left", False), in_a_leg(tmp_path / "killed", True)
    assert [len(sent) for sent in left] == [3, 1, 1]
    assert killed == left
