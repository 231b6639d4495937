"""The demo's conversation without a network, and what a plain batch eviction makes of it."""

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pichay_cli.demo import reply as replies
from pichay_cli.demo.agent import converse
from pichay_cli.demo.cache import Entries, bill
from pichay_cli.demo.places import places, tokens_of
from pichay_cli.demo.project import write_project
from pichay_cli.demo.rules import complaint
from pichay_cli.demo.scenario import MOVES, PROMPTS, Asked, Move, scripted
from pichay_core.model import Usage

type Json = dict[str, Any]

ALONE = [move for move in MOVES if {type(part) for part in move} == {str, Asked}]
"""Moves that ask for nothing but the model's own memory: no client ever sees them."""
STUB = "[Older result of Read harbour/fees.py (12,359 bytes, 309 lines): moved out of context.]"
AGE = 4
LEAST_BYTES = 600


def spoken(folder: Path, moves: Sequence[Move] = MOVES) -> tuple[list[Json], list[Json]]:
    """Return the requests and the steps of the whole conversation, tools run for real."""
    write_project(folder)
    script = scripted(moves)
    requests: list[Json] = []

    def ask(request: Json) -> Json:
        requests.append(copy.deepcopy(request))
        return replies.message(script(request), "msg", request["model"], Usage())

    return requests, list(converse(ask, folder, PROMPTS))


def bills(requests: Iterable[Json]) -> list[Usage]:
    """Return what the prefix cache bills for the requests, a second apart."""
    entries: Entries = {}
    usages = []
    for second, request in enumerate(requests):
        assert complaint(request) is None
        billed = bill(entries, places(request), scope="m", minimum=1024, now=float(second))
        entries = billed.entries
        usages.append(billed.usage)
    return usages


def price(usages: Iterable[Usage]) -> float:
    """Return the bill in full-price input tokens: a read costs a tenth, a write five fourths."""
    return sum(u.input + 0.1 * u.cache_read + 1.25 * u.cache_write for u in usages)


@dataclass(frozen=True)
class Flush:
    turn: int
    calls: frozenset[str]


def evicted(
    requests: Sequence[Json], batch: int, error: float = 1.0
) -> tuple[list[Json], list[Flush]]:
    """Return the requests as a batch eviction sends them, and its flushes.

    *error* is by how much the tokens of a result are over-estimated.
    """
    flushes: list[Flush] = []
    sent = []
    for turn, request in enumerate(requests):
        pending = _pending(requests, turn, frozenset().union(*(f.calls for f in flushes)))
        if sum(tokens_of(text) for text in pending.values()) * error >= batch:
            flushes.append(Flush(turn, frozenset(pending)))
        sent.append(_stubbed(request, flushes))
    return sent, flushes


def _pending(requests: Sequence[Json], turn: int, out: frozenset[str]) -> dict[str, str]:
    """Return what is old enough, big enough, no error, not out, and not read again since."""
    older = dict(results(requests[turn - AGE])) if turn >= AGE else {}
    return {
        name: block["content"]
        for name, block in older.items()
        if name not in out | _reread(requests[turn], out)
        and len(block["content"]) > LEAST_BYTES
        and not block.get("is_error")
    }


def _reread(request: Json, out: frozenset[str]) -> frozenset[str]:
    """Return the results of calls that repeat, to the letter, a call whose result is out."""
    content = {name: block["content"] for name, block in results(request)}
    asked = {name: (call["name"], str(call["input"])) for name, call in calls(request)}
    gone = {(asked[name], content[name]) for name in out if name in asked}
    return frozenset(n for n in asked if n not in out and (asked[n], content.get(n)) in gone)


def _stubbed(request: Json, flushes: Sequence[Flush]) -> Json:
    """Return the request with stubs, and a marker on the last two boundaries."""
    copied = copy.deepcopy(request)
    found = list(results(copied))
    for flush in flushes:
        names = [name for name, _ in found if name in flush.calls]
        for name, block in found:
            if name in flush.calls:
                block["content"] = STUB
            if flush in flushes[-2:] and name == names[-1]:
                block["cache_control"] = {"type": "ephemeral"}
    return copied


def results(request: Json) -> Iterator[tuple[str, Json]]:
    return _blocks(request, "tool_result", "tool_use_id")


def calls(request: Json) -> Iterator[tuple[str, Json]]:
    return _blocks(request, "tool_use", "id")


def _blocks(request: Json, kind: str, name: str) -> Iterator[tuple[str, Json]]:
    for message in request["messages"]:
        for block in message["content"]:
            if block["type"] == kind:
                yield block[name], block
