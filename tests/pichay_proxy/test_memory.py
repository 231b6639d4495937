import asyncio
import gc
import weakref

import pytest

from pichay_proxy import memory
from pichay_proxy.memory import LARGE, Tidy


class Knot:
    """Refers to itself: only a full collection frees it."""

    def __init__(self):
        self.me = self


@pytest.fixture
async def tidy(monkeypatch):
    monkeypatch.setattr(memory, "SECONDS", 0.01)
    gc.disable()
    tidy = Tidy()
    tidy.start()
    yield tidy
    tidy.stop()
    gc.enable()


async def _is_freed(seen: int, tidy: Tidy) -> bool:
    knot = weakref.ref(Knot())
    tidy.saw(seen)
    for _ in range(20):
        await asyncio.sleep(0.01)
    return knot() is None


async def test_after_large_bodies_what_only_a_collection_frees_is_freed(tidy):
    assert await _is_freed(LARGE + 1, tidy)


async def test_after_small_ones_nothing_is_collected(tidy):
    assert not await _is_freed(LARGE, tidy)


async def test_sizes_add_up(tidy):
    tidy.saw(LARGE)
    assert await _is_freed(1, tidy)


async def test_what_was_there_at_the_start_is_not_searched_until_the_end():
    tidy = Tidy()
    tidy.start()
    assert gc.get_freeze_count() > 0
    tidy.stop()
    assert gc.get_freeze_count() == 0
    await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if "Tidy" in repr(task)]


def test_what_never_started_may_be_stopped():
    Tidy().stop()
