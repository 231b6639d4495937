"""The collapsed turns that ``show`` tells of."""

import json

import pytest

from pichay_cli.collapsed_view import collapsed_data, collapsed_sheet
from pichay_core.cooperate.commands import Collapse
from pichay_core.cooperate.folds import collapsed
from pichay_core.model import Usage
from pichay_core.store import stories
from pichay_core.wire.report import Report
from tests.builders import RecordedProxy, rules, worked
from tests.pichay_cli.screens import text


@pytest.fixture
def proxy(tmp_path):
    """A session of which two turns were collapsed on a cold cache, and went on after that."""
    proxy = RecordedProxy(tmp_path / "db", rules("auto", tau=30))
    proxy.send(worked(6))
    proxy.replied(Report(Usage(50, 0, 9_000, 0, 20)))
    after, _, _ = collapsed(proxy.session, Collapse(1, 4, "Read four files."))
    proxy.sessions.replace(after)
    for files, wait in ((7, 4_000.0), (8, 10.0)):
        proxy.send(worked(files), after=wait)
        proxy.replied(Report(Usage(50, 0, 6_000, 0, 20)))
    proxy.settle()
    yield proxy
    proxy.stop()


def told(proxy):
    db, name = proxy.library._db, proxy.session.id
    return stories.events(db, name), stories.flushes(db, name)


def test_the_section_says_what_was_collapsed_and_what_it_saved(proxy):
    events, flushes = told(proxy)
    (flush,) = flushes
    (one,) = collapsed_data(events, flushes)
    assert (one["turns"], one["at_turn"], one["messages"], one["pages"]) == ([1, 4], 8, 6, 3)
    assert one["tokens"] == flush.tokens
    assert one["net_dollars"] == pytest.approx(flush.net_dollars)
    assert one["net_dollars"] > 0
    shown = text(collapsed_sheet(events, flushes), 100)
    assert shown.startswith("Collapsed turns  1 summary")
    assert one["handle"] in shown
    assert json.dumps(one)


def test_without_any_there_is_no_section():
    assert collapsed_sheet([], []) is None
