"""A provider that binds thinking to its history, as far as Anthropic documents it.

One idea: every signed block is remembered with what stood before it when it was made, and a
request is read from the front once, so that the two can be compared block by block. Nothing
here is taken from the product: it is what the product is judged by.
Source: Anthropic's documentation, "Preserved thinking", "What's new in Claude Fable 5.1" and
"Context editing". Where it says nothing, the stricter reading holds.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

type Json = dict[str, Any]

THINKING = ("thinking", "redacted_thinking")
CONTROLS = "thinking-binding-controls-2026-08-01"
CLEARING = "context-management-2025-06-27"
DROP = {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}

GENERATIONS = {
    "claude-haiku-4-5": 45, "claude-sonnet-4-5": 45, "claude-sonnet-4-6": 46,
    "claude-opus-5": 50, "claude-sonnet-5": 50, "claude-fable-5": 50,
    "claude-fable-5-1": 51, "claude-mythos-5-1": 51, "claude-fable-5-2": 52,
    "claude-mythos-5-2": 52, "claude-opus-5-5": 55, "claude-sonnet-5-5": 55,
    "claude-haiku-5-5": 55,
}  # fmt: skip
BINDING = tuple(model for model, age in GENERATIONS.items() if age > 50)
"""Models whose thinking carries a binding."""
UNBOUND = tuple(model for model in GENERATIONS if model not in BINDING)
UNCHECKED = ("claude-mythos-5-1",)
"""Its thinking carries the binding, but the check is not run."""
ALSO_READS = {("claude-fable-5-1", "claude-opus-5-5")}
"""Beside what is as old as itself or older."""
OF_ONE_ACCOUNT = ("claude-sonnet-5-5", "claude-haiku-5-5")

LATEST = (
    "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. "
    "These blocks must remain as they were in the original response."
)
INVALID = "Invalid `signature` in `thinking` block."
BOUND = (
    f"{INVALID} The block is bound to a different conversation. Remove the block, or set "
    '`thinking.block_binding.prefix_mismatch_behavior` to "drop_block".'
)
EXTRA = "thinking.block_binding: Extra inputs are not permitted"
CLEARING_EXTRA = "context_management: Extra inputs are not permitted"
DISABLED = "thinking.block_binding: not permitted when thinking is disabled"


@dataclass(frozen=True)
class Dropped:
    """A block that the model was not shown, as ``input_transformations`` says it."""

    path: str
    reason: str

    def as_json(self) -> Json:
        return {"type": "thinking_dropped", "path": self.path, "reason": self.reason}


@dataclass(frozen=True)
class Verdict:
    """What became of a request: the text of its 400, or what was left out of it."""

    refusal: str | None = None
    dropped: tuple[Dropped, ...] = ()
    checked: int = 0
    """Blocks whose binding was looked at."""


@dataclass(frozen=True)
class Bond:
    """A block as it was issued, and what it is bound to."""

    block: Json
    model: str
    account: str
    prefix: bytes
    before: tuple[str, ...]
    """The thinking that stood before it, by name."""
    reply: tuple[str, ...]
    """All thinking of its reply, by name."""


@dataclass(frozen=True)
class Found:
    """A thinking block in a request."""

    path: str
    block: Json
    prefix: bytes
    before: tuple[str, ...]
    message: int

    @property
    def name(self) -> str:
        return name_of(self.block)


@dataclass
class Oracle:
    """Signs thinking, and checks every block of it that comes back."""

    enforces: bool = True
    """The account is of 2026-08-31 or later; an older one checks where the request asks for it."""
    served: Mapping[str, str] = field(default_factory=dict)
    """The bytes behind each URL."""
    recorded: list[str] = field(default_factory=list)
    """Where a mismatch was seen, whatever came of it."""

    def __post_init__(self) -> None:
        self._bonds: dict[str, Bond] = {}
        self._replies: dict[str, tuple[str, ...]] = {}
        self._compactions: dict[str, _Reading] = {}
        self._numbers = count(1)

    def receive(self, body: bytes | Json, betas: str = "", account: str = "one") -> Verdict:
        """Judge a request."""
        asked = _parsed(body)
        if why := _malformed(asked, betas) or self._altered(asked):
            return Verdict(why)
        found = [(f, self._bonds[f.name]) for f in self._thinking(asked)]
        reasons = [(f, _unreadable(bond, asked, account)) for f, bond in found]
        bound = [(f, bond) for f, bond in found if _is_checked(bond, asked, account)]
        broken = [f for f, bond in bound if not _holds(f, bond)]
        self.recorded += [f.path for f in broken]
        behaviour = _behaviour(asked)
        if not (self.enforces or behaviour):
            broken = []
        if broken and behaviour != "drop_block":
            return Verdict(f"{broken[0].path}: {BOUND}", checked=len(bound))
        reasons += [(f, "prefix_binding_mismatch") for f in broken]
        dropped = tuple(Dropped(f.path, why) for f, why in reasons if why)
        return Verdict(None, dropped, len(bound))

    def reply(self, body: bytes | Json, content: list[Json], account: str = "one") -> list[Json]:
        """Sign the thinking of a reply to *body*; a signature that is there is kept."""
        asked = _parsed(body)
        signed = [self._signed(block) for block in content]
        names = tuple(name_of(block) for block in signed if block["type"] in THINKING)
        said = {"role": "assistant", "content": signed}
        whole = {**asked, "messages": [*asked["messages"], said]}
        for found in self._thinking(whole):
            if found.message == len(asked["messages"]):
                self._bonds[found.name] = Bond(
                    {**found.block}, asked["model"], account, found.prefix, found.before, names
                )
        self._replies[_beside_thinking(signed)] = names
        return signed

    def compacted(self, body: bytes | Json) -> Json:
        """Return a block that stands for all messages of *body*."""
        reading = self._read(_parsed(body))
        name = f"compaction {next(self._numbers)}"
        self._compactions[name] = reading
        return {"type": "compaction", "content": "What was before.", "signature": name}

    def knows(self, block: Json) -> bool:
        """True if the block was issued here."""
        return name_of(block) in self._bonds

    def _signed(self, block: Json) -> Json:
        if block["type"] not in THINKING or name_of(block):
            return block
        field = "signature" if block["type"] == "thinking" else "data"
        return {**block, field: f"EqQB+/{next(self._numbers):06}=="}

    def _altered(self, asked: Json) -> str | None:
        """Say which block is not as it was issued: no model takes it."""
        found = list(self._thinking(asked))
        last = max(_places(asked, "assistant"), default=-1)
        latest = [f.name for f in found if f.message == last]
        for block in found:
            bond = self._bonds.get(block.name)
            if bond is None or bond.block != block.block:
                return f"{block.path}: {LATEST if block.message == last else INVALID}"
        if self._disturbed(asked, last, tuple(latest)):
            return f"messages.{last}.content.0: {LATEST}"
        return None

    def _disturbed(self, asked: Json, last: int, latest: tuple[str, ...]) -> bool:
        """True if the latest reply lost a part of its thinking, or all in an open tool loop."""
        if last < 0:
            return False
        if latest:
            return self._bonds[latest[0]].reply != latest
        content = _blocks(asked["messages"][last]["content"])
        calls = any(block["type"] == "tool_use" for block in content)
        return calls and bool(self._replies.get(_beside_thinking(content)))

    def _thinking(self, asked: Json) -> Iterator[Found]:
        reading = _Reading(self.served, self._compactions)
        return reading.messages(asked)

    def _read(self, asked: Json) -> "_Reading":
        reading = _Reading(self.served, self._compactions)
        for _ in reading.messages(asked):
            pass
        return reading


class _Reading:
    """Reads a request from the front: a hash of what is bound, and the thinking so far.

    Counted are system, tools and messages, but for the thinking itself (the chain of it is
    looked at instead), cache markers and effort; of a URL, the bytes behind it.
    """

    def __init__(self, served: Mapping[str, str], compactions: Mapping[str, "_Reading"]) -> None:
        self._served = served
        self._compactions = compactions
        self._digest = hashlib.blake2b(digest_size=16)
        self._names: list[str] = []

    def messages(self, asked: Json) -> Iterator[Found]:
        self._count("system", [self._said(block) for block in _blocks(asked.get("system"))])
        self._count("tools", [_unmarked(tool) for tool in asked.get("tools") or []])
        for number, message in enumerate(asked["messages"]):
            yield from self._message(number, message)

    def _message(self, number: int, message: Json) -> Iterator[Found]:
        beside = {k: v for k, v in message.items() if k not in ("role", "content", "output_config")}
        if beside:
            self._count("beside", beside)
        for place, block in enumerate(_blocks(message["content"])):
            if block["type"] in THINKING:
                path = f"messages.{number}.content.{place}"
                yield Found(path, block, self._digest.digest(), tuple(self._names), number)
                self._names.append(name_of(block))
            elif block.get("signature") in self._compactions:
                before = self._compactions[block["signature"]]
                self._digest, self._names = before._digest.copy(), list(before._names)
            else:
                self._count(message["role"], self._said(block))

    def _count(self, what: str, said: object) -> None:
        self._digest.update(json.dumps([what, said]).encode() + b"\n")

    def _said(self, block: Json) -> Json:
        """A block as the model is shown it: a string and a list of one text are the same."""
        said = {key: block[key] for key in sorted(block) if key != "cache_control"}
        if block["type"] == "tool_result":
            said["content"] = [self._said(part) for part in _blocks(block.get("content"))]
        match said.get("source"):
            case {"type": "url", "url": url}:
                said["source"] = self._served.get(url, url)
        return said


def name_of(block: Json) -> str:
    """What a thinking block is known by."""
    return block.get("signature" if block["type"] == "thinking" else "data") or ""


def _beside_thinking(content: list[Json]) -> str:
    """What a reply says beside its thinking: by it, a reply is known that lost all of that."""
    return json.dumps([_unmarked(block) for block in content if block["type"] not in THINKING])


def _parsed(body: bytes | Json) -> Json:
    return json.loads(body) if isinstance(body, bytes) else body


def _blocks(content: Any) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content or []


def _unmarked(item: Json) -> Json:
    """A tool or a block without its cache marker."""
    return {key: part for key, part in item.items() if key != "cache_control"}


def _places(asked: Json, role: str) -> list[int]:
    return [at for at, message in enumerate(asked["messages"]) if message["role"] == role]


def _behaviour(asked: Json) -> str | None:
    return (asked.get("thinking") or {}).get("block_binding", {}).get("prefix_mismatch_behavior")


def _malformed(asked: Json, betas: str) -> str | None:
    thinking = asked.get("thinking") or {}
    named = [beta.strip() for beta in betas.split(",")]
    if asked.get("context_management") is not None and CLEARING not in named:
        return CLEARING_EXTRA
    if "block_binding" not in thinking:
        return None
    if CONTROLS not in named:
        return EXTRA
    return DISABLED if thinking.get("type") == "disabled" else None


def _unreadable(bond: Bond, asked: Json, account: str) -> str | None:
    """Say why the model is not shown a block, whatever stands before it."""
    if not _reads(asked["model"], bond.model):
        return "model_binding_mismatch"
    if bond.model in OF_ONE_ACCOUNT and bond.account != account:
        return "organization_binding_mismatch"
    return None


def _reads(model: str, producer: str) -> bool:
    return GENERATIONS[producer] <= GENERATIONS[model] or (model, producer) in ALSO_READS


def _is_checked(bond: Bond, asked: Json, account: str) -> bool:
    model = asked["model"]
    if bond.model not in BINDING or model not in BINDING or model in UNCHECKED:
        return False
    return _unreadable(bond, asked, account) is None


def _holds(found: Found, bond: Bond) -> bool:
    """True if all before the block is as it was; the oldest thinking may be missing."""
    kept = found.before
    return found.prefix == bond.prefix and bond.before[len(bond.before) - len(kept) :] == kept
