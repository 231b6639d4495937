"""How full a request is said to make the window of its model."""

from dataclasses import replace

import pytest

from pichay_core.prices import NOTHING, parse
from pichay_core.schedule import Window
from pichay_core.tariff import Surcharge
from pichay_core.tokens import PICTURE_BYTES, tokens_of_bytes
from pichay_core.window import window_of
from tests.builders import SONNET, Course, Talk, prose, user

LONG = "context-1m-2025-08-07"
OWN = parse("""{"claude-*": {
    "input": 1, "output": 1, "cache_read": 1, "cache_write_5m": 1, "cache_write_1h": 1,
    "bands": [{"above_tokens": 70, "input": 4, "output": 4,
               "cache_read": 4, "cache_write_5m": 4, "cache_write_1h": 4}]}}""")


def window(talk, betas=(), prices=NOTHING, model=SONNET, **fields) -> Window:
    request = replace(Course().request(talk, model=model, **fields), betas=frozenset(betas))
    size = sum(message.size for message in request.messages)
    return window_of(request, size, model, prices)


def test_a_window_holds_system_prompt_tools_and_messages():
    talk = Talk("x" * 3_200)
    small, big = window(talk), window(talk, system="x" * 6_400 + "You are a careful coding agent.")
    assert 1_000 < small.tokens < 1_100
    assert big.tokens - small.tokens == pytest.approx(2_000, abs=10)
    assert window(talk, tools=("Read",) * 104).tokens - small.tokens > 1_000
    request = Course().request(talk)
    size = request.head.size + sum(len(message.raw) for message in request.messages)
    assert small.tokens == tokens_of_bytes(size, SONNET)


@pytest.mark.parametrize(
    ("model", "betas", "size"),
    [
        (SONNET, (), 200_000),
        (SONNET, (LONG,), 1_000_000),
        ("claude-opus-4-6", (), 1_000_000),
        ("claude-next", (), None),
    ],
)
def test_the_size_is_that_of_the_model_and_of_what_the_request_asks_for(model, betas, size):
    assert window(Talk(), betas, model=model).size == size


def test_the_surcharges_are_those_of_the_prices_that_hold():
    assert window(Talk()).surcharges == (Surcharge(200_000, 2.0),)
    assert window(Talk(), prices=OWN).surcharges == (Surcharge(70, 4.0),)


@pytest.mark.parametrize("kind", ["image", "document"])
def test_a_picture_counts_for_a_few_bytes_wherever_it_stands(kind):
    def talk(size: int) -> Talk:
        source = {"type": "base64", "media_type": "image/png", "data": "A" * size}
        shown = {"type": kind, "source": source}
        told = Talk()
        told.messages.append(user([shown, {"type": "text", "text": prose("a")}]))
        return told.read("b.png", [shown])

    small, big = window(talk(PICTURE_BYTES)), window(talk(2_000_000))
    assert big.tokens == small.tokens < 10_000


def test_a_picture_by_its_address_is_text():
    def talk(size: int) -> Talk:
        told = Talk()
        source = {"type": "url", "url": "https://example.com/" + "a" * size}
        told.messages.append(user([{"type": "image", "source": source}]))
        return told

    assert window(talk(90_000)).tokens > window(talk(9)).tokens + 20_000
