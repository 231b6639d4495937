"""Recorded sessions of real agents, read once by us and once by a loader that is not ours.

They are looked for in ``../shared/corpus`` beside the checkout, or where ``PICHAY_CORPUS`` says;
without them these tests are skipped. Forty files are read, all of them if ``PICHAY_CORPUS_ALL``
is set.
"""

from pathlib import Path

import pytest

from pichay_core import traces
from pichay_core.traces import Conversation, counts, fresh
from tests.corpus import ALL, CORPUS, independent_loader

SAMPLE = 40


def chosen() -> list[Path]:
    """Every file if that was asked for; else one of each format, and then every so manieth."""
    files = sorted(CORPUS.rglob("*.zst"))
    if ALL or len(files) <= SAMPLE:
        return files
    first = {path.name.partition("-")[0]: path for path in reversed(files)}
    rest = [path for path in files if path not in first.values()]
    wanted = SAMPLE - len(first)
    return sorted([*first.values(), *rest[:: len(rest) // wanted][:wanted]])


@pytest.fixture(scope="module")
def loader():
    return independent_loader()


@pytest.mark.parametrize("path", chosen() or [Path("absent")], ids=lambda path: path.name)
def test_a_recording_holds_what_an_independent_loader_finds_in_it(loader, path):
    trace = traces.read(path.name, path.read_bytes())
    expected = loader.load(str(path))
    analysed = [loader.analyse(conversation) for conversation in expected]
    found = counts(trace)
    assert (found.conversations, found.turns, found.results, found.skipped) == (
        len(expected),
        sum(one["calls"] for one in analysed),
        sum(one["results"] for one in analysed),
        0,
    )
    for ours, theirs in zip(trace.conversations, expected, strict=True):
        assert sizes(ours) == known(ours, [*sizes_of(theirs, loader.nbytes)])


def sizes(conversation: Conversation) -> list[int | None]:
    """Bytes of each result; None for one that holds an image or the like.

    The other loader writes such a result as text, we leave it opaque as live traffic does.
    """
    return [None if result.opaque else result.bytes for result in fresh(conversation)]


def known(ours: Conversation, theirs: list[int]) -> list[int | None]:
    both = zip(fresh(ours), theirs, strict=True)
    return [None if result.opaque else size for result, size in both]


def sizes_of(conversation, nbytes):
    for message in conversation["messages"]:
        for block in message["content"]:
            if block["type"] == "tool_result":
                yield nbytes(block["content"])
