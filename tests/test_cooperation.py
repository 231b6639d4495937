"""``scripts/cooperation``: a long session whose model looks after its memory, at a small size."""

import json
from pathlib import Path

import pytest

from pichay_core.store import figures
from pichay_core.store.cooperation import cooperation
from pichay_core.store.schema import open_for_reading

SCRIPTS = Path(__file__).parent.parent / "scripts"
TASKS = 4


@pytest.fixture(scope="module")
def parts():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        import cooperation_parts.course
        import cooperation_parts.project

        yield cooperation_parts


def begun(parts, proxy=None):
    return parts.course.Run(parts.project.plan(TASKS * parts.project.MOVES), proxy)


@pytest.fixture(scope="module")
def untouched(parts):
    return begun(parts).play()


@pytest.fixture(scope="module")
def played(parts, tmp_path_factory):
    """What came of the session with a model that cooperates, its client and its recording."""
    folder = tmp_path_factory.mktemp("cooperation")
    proxy = parts.course.Proxy(folder, cooperates=True)
    run = begun(parts, proxy)
    came = run.play()
    proxy.close()
    return came, run.client, open_for_reading(folder / "pichay.db")


def test_the_same_is_played_every_time(parts, untouched):
    assert begun(parts).play() == untouched


def test_the_client_knows_nothing_of_what_the_model_asked_us(played):
    came, client, _ = played
    assert came.recalls > 0
    assert "memory_" not in json.dumps(client.messages)


def test_what_answers_the_model_is_cached_to_its_end(played):
    """But for a result of ours that stands behind the client's marker in the same message."""
    came, _, _ = played
    assert len(came.usages) > came.own
    assert max(usage.input for usage in came.usages) < 200


def test_the_recording_says_what_was_billed_and_what_was_asked(played):
    came, _, db = played
    net, done = figures.net(db), cooperation(db)
    assert (net.requests, net.legs) == (came.own, len(came.usages) - came.own)
    assert net.dollars == pytest.approx(came.dollars)
    assert (done.recalled, done.collapsed > 0) == (came.recalls, True)


def test_what_is_said_of_untouched_is_not_far_from_what_it_comes_to(played, untouched):
    """The estimate has more: a file that was changed while it was out is read again, and is
    taken to have been read again untouched as well."""
    said = figures.net(played[2]).untouched_dollars
    assert said == pytest.approx(untouched.dollars, rel=0.1)
