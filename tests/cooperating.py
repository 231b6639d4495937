"""Random conversations with a model that uses its memory, and a client that behaves as it likes.

One idea: client, proxy and provider are played together, request by request, since what the model
asks for depends on what it was sent. :class:`Rig` does what ``pichay_proxy/continuing.py`` does,
without connections; the client knows only what it was shown.
"""

import json
import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.builders import CLEARED, Talk, body, prose, result, thought, use, user

type Json = dict[str, Any]

MODELS = ("claude-opus-5-5", "claude-sonnet-4-5")
FOREIGN = "ABCDEFGH"
"""A handle as another session would have it."""
TOOLS = ("memory_fault", "memory_release", "memory_pin", "memory_collapse", "memory_status")


@dataclass(frozen=True)
class Asked:
    """A call to a tool of ours, of which *which* picks what it names."""

    tool: str
    which: int


@dataclass(frozen=True)
class Said:
    """What the model writes in one reply."""

    thinks: int = 0
    text: bool = False
    asks: tuple[Asked, ...] = ()
    calls: int = 0
    """Calls to tools of the client's."""
    mixed: int = 0
    """Where ours stand among them."""
    tag: int = 0
    """A command in its text; 0 for none."""
    file: int = 0
    stop: str = ""
    """Why it ends, if not for what it holds."""
    blank: bool = False
    """A text of white space stands before the calls: no provider takes that back."""
    fresh: bool = False
    """What is read was never read before."""


@dataclass(frozen=True)
class Move:
    """What the client does, and what it is answered."""

    kind: str
    amount: int
    said: tuple[Said, ...]
    """A reply for each request in a row; after these the model speaks to the client."""
    streamed: bool = True
    piece: int = 0
    """In what pieces a reply comes; 0 for event by event."""


KINDS = ("go",) * 9 + ("retry", "pause", "restart", "markers", "spelling", "count", "say")
LEAVING = (*KINDS, *("rewind",) * 2, "leave", "leave")
RETURNING = (*LEAVING, "fork", "fork")
FAILING = (*KINDS, *("fail",) * 3)
CHANGING = (*RETURNING, "edit", "unthink", "compact", "clear", "trim")

asked = st.builds(
    Asked, st.sampled_from([*TOOLS, *TOOLS[:1] * 5, *TOOLS[1:4] * 2]), st.integers(0, 11)
)
ours = st.lists(asked, min_size=0, max_size=2).map(tuple)
only_ours = st.builds(
    Said, thinks=st.integers(0, 2), text=st.booleans(), tag=st.sampled_from([0, 0, 0, 1, 2, 3, 4]),
    asks=st.lists(asked, min_size=1, max_size=3).map(tuple), file=st.integers(0, 3),
    blank=st.sampled_from([False, False, True]),
)  # fmt: skip
speech = st.builds(
    Said, thinks=st.integers(0, 2), text=st.booleans(), asks=ours, calls=st.integers(0, 2),
    mixed=st.integers(0, 3), tag=st.sampled_from([0, 0, 0, 1, 2, 3, 4]), file=st.integers(0, 3),
    stop=st.sampled_from(["", "", "", "", "", "", "max_tokens"]),
)  # fmt: skip
work = st.builds(
    Said, thinks=st.integers(0, 2), text=st.booleans(), calls=st.integers(1, 2),
    file=st.integers(0, 3),
)  # fmt: skip
replies = st.one_of(
    st.tuples(work),
    st.tuples(speech),
    st.tuples(only_ours, work),
    st.builds(lambda legs, last: (*legs, last), st.lists(only_ours, max_size=5), speech),
)


def moves(kinds: Sequence[str]) -> st.SearchStrategy[Move]:
    return st.builds(
        Move, st.sampled_from(kinds), st.integers(1, 6), replies, st.booleans(),
        st.sampled_from([0, 0, 1, 50]),
    )  # fmt: skip


def plays(kinds: Sequence[str], least: int = 10, most: int = 22) -> st.SearchStrategy[list[Move]]:
    return st.lists(moves(kinds), min_size=least, max_size=most)


@dataclass
class Client:
    """An agent with its tools, and the conversation as it knows it."""

    model: str = MODELS[1]
    talk: Talk = field(default_factory=lambda: Talk("Fix the bug, please."))
    markers: int = 0
    spelling: int = 0
    number: int = 0
    branches: list[Talk] = field(default_factory=list)
    versions: dict[int, int] = field(default_factory=dict)

    @property
    def messages(self) -> list[Json]:
        return self.talk.messages

    def body(self, **more: object) -> bytes:
        """The next request."""
        messages, fields = deepcopy(self.messages), dict[str, Any]()
        system: Any = [{"type": "text", "text": "You are a careful agent."}]
        if self.markers % 4 == 3:
            fields["cache_control"] = {"type": "ephemeral"}
        elif self.markers % 4:
            system = [{**system[0], "cache_control": {"type": "ephemeral"}}]
            for message in messages[-1:] if self.markers % 4 == 1 else messages[-2:]:
                _mark(message)
        if self.spelling % 2:
            messages = [_spelled(message) for message in messages]
        whole = json.loads(body(messages, model=self.model, system=system, **fields, **more))
        if self.spelling % 3 == 2:
            return json.dumps(whole, ensure_ascii=False, indent=1).encode()
        return json.dumps(whole).encode()

    def takes(self, content: list[Json]) -> None:
        """Go on from a reply: carry out what it calls for, or let the user speak."""
        content = [b for b in content if b["type"] != "text" or b["text"].strip()]
        if content:
            self.messages.append({"role": "assistant", "content": content})
        calls = [block for block in content if block["type"] == "tool_use"]
        if calls:
            self.messages.append(user([self._result(call) for call in calls]))
        else:
            self.says("And now?")

    def _rather(self) -> Json:
        self.number += 1
        return {"type": "text", "text": f"Rather this. Prompt {self.number}."}

    def says(self, text: str) -> None:
        self.number += 1
        self.messages.append(user(f"{text} Prompt {self.number}."))

    def _result(self, call: Json) -> Json:
        match call["name"]:
            case "Edit":
                file = _file(call["input"]["file_path"])
                self.versions[file] = self.versions.get(file, 0) + 1
                return result(call["id"], "ok")
            case "Read":
                path = call["input"]["file_path"]
                version = self.versions.get(_file(path), 0)
                return result(call["id"], f"version {version}\n" + prose(path, 2600))
            case _:
                return result(call["id"], prose(f"{call['input']}", 1800))

    def moves(self, move: Move) -> str:
        """Change the conversation as the client likes; returns how the next request came about."""
        match move.kind:
            case "retry" | "pause" | "restart" | "count" | "fail":
                return move.kind
            case "markers":
                self.markers += move.amount
            case "spelling":
                self.spelling += move.amount
            case "say" if self.messages[-1]["role"] == "user":
                self.says("Wait.")
            case "rewind" | "fork" if len(self.messages) > 4:
                self._goes_back(move)
                return "rewind"
            case "edit" | "unthink" | "clear" | "trim":
                return move.kind if self._changes(move) else "go"
            case "compact" if len(self.messages) > 8:
                self.number += 1
                tail = self.messages[-2 * min(move.amount, 3) :] if move.amount % 2 else []
                tail = tail if tail and tail[0]["role"] == "assistant" else []
                self.talk = self.talk.copy()
                self.talk.messages = [user(f"Summary {self.number}."), *tail]
                return "compact"
            case _:
                pass
        return "go"

    def _goes_back(self, move: Move) -> None:
        """To an earlier message of the user, which is sent again or is another one now."""
        if move.kind == "fork" and self.branches:
            self.branches.append(self.talk)
            self.talk = self.branches.pop(0)
            return
        self.branches = [*self.branches, self.talk][-3:]
        spoken = [at for at, message in enumerate(self.messages) if message["role"] == "user"]
        at = spoken[max(0, len(spoken) - 1 - move.amount)]
        self.talk = self.talk.copy().to(at + 1)
        content = self.messages[at]["content"]
        if isinstance(content, list):
            self.messages[at]["content"] = [*content, self._rather()]
        elif move.amount % 2 or at == spoken[-1]:
            self.messages[at]["content"] = self._rather()["text"]

    def _changes(self, move: Move) -> bool:
        """Change something that was said; False if there is nothing of the kind."""
        self.talk = self.talk.copy()
        said = [m for m in self.messages if m["role"] == "assistant"]
        for message in said[-move.amount :]:
            content = message["content"]
            for at, block in enumerate(content):
                if move.kind == "edit" and block["type"] == "text":
                    content[at] = {**block, "text": block["text"] + " (edited)"}
                    return True
                if move.kind == "trim" and block["type"] == "text":
                    content[at] = {**block, "text": f"{block['text'].strip()}\n"}
                    return True
            left = [block for block in content if "thinking" not in block["type"]]
            if move.kind == "unthink" and left and len(left) < len(content):
                message["content"] = left
                return True
        if move.kind == "clear":
            return self._clears()
        return False

    def _clears(self) -> bool:
        for message in self.messages[1:-4]:
            for block in message["content"] if isinstance(message["content"], list) else ():
                if block["type"] == "tool_result" and len(block["content"]) > 1000:
                    block["content"] = CLEARED
                    return True
        return False


def _file(path: str) -> int:
    return int(path.removesuffix(".py"))


def _mark(message: Json) -> None:
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    last = blocks[-1]
    if "thinking" not in last["type"]:
        last = {**last, "cache_control": {"type": "ephemeral"}}
    message["content"] = [*blocks[:-1], last]


def _spelled(message: Json) -> Json:
    """The same message, its members in another order and a string as a list."""
    content = message["content"]
    if isinstance(content, str):
        content = [{"text": content, "type": "text"}]
    return {
        "content": [dict(reversed(block.items())) for block in content],
        "role": message["role"],
    }


# -- the model ------------------------------------------------------------------------------


@dataclass
class Model:
    """Writes replies: what is named in them depends on what it was sent."""

    number: int = 0
    fresh: int = 0

    def writes(
        self, said: Said, upstream: bytes, turn: int, nonce: str, offered: bool
    ) -> list[Json]:
        self.number += 1
        names = names_in(upstream)
        content: list[Json] = []
        content += [self._thought() for _ in range(min(said.thinks, 1))]
        if said.text or said.tag or not (said.calls or (offered and said.asks)):
            content.append({"type": "text", "text": self._text(said, names, turn, nonce)})
        content += [self._thought() for _ in range(max(0, said.thinks - 1))]
        content += [{"type": "text", "text": "\n\n"}] if said.blank and content else []
        calls = [self._call(said, n) for n in range(said.calls)]
        asks = [self._ask(one, names, turn) for one in said.asks] if offered else []
        at = said.mixed % (len(calls) + 1)
        return [*content, *calls[:at], *asks, *calls[at:]]

    def _id(self) -> str:
        self.number += 1
        return f"toolu_{self.number:05d}"

    def _thought(self) -> Json:
        self.number += 1
        return {**thought(self.number), "signature": ""}

    def _text(self, said: Said, names: Sequence[str], turn: int, nonce: str) -> str:
        text = f"Reply {self.number}."
        if not (said.tag and nonce):
            return text
        name = names[said.file % len(names)]
        command = (
            f"drop: block:{name}", f'summarize: block:{name} "It is {name}."',
            f"anchor: block:{name}", f'collapse: turns {max(1, turn - 6)}-{turn} "We read."',
        )[said.tag - 1]  # fmt: skip
        tag = f"<memory_{nonce}>\n{command}\n</memory_{nonce}>"
        return (f"{text}\n{tag}\nMore.", f"{tag}\n{text}", f"{text}\n{tag}", tag)[said.file]

    def _call(self, said: Said, nth: int) -> Json:
        name, id = f"{(said.file + nth) % 4}.py", self._id()
        if said.fresh:
            self.fresh += 1
            return use(id, "Read", file_path=f"{1000 + self.fresh}.py")
        match self.number % 7:
            case 0:
                return use(id, "Edit", file_path=name, old_string="a", new_string="b")
            case 1:
                return use(id, "Bash", command=f"make {name}")
            case _:
                return use(id, "Read", file_path=name)

    def _ask(self, one: Asked, names: Sequence[str], turn: int) -> Json:
        name = names[one.which % len(names)]
        match one.tool:
            case "memory_fault" if one.which % 4 == 3:
                given: Json = {"pages": [name, names[0]], "search": "line"}
            case "memory_collapse":
                first = max(1, turn - 3 - one.which)
                given = {"turns": f"{first}-{turn - one.which % 3}", "summary": f"S{self.number}."}
            case "memory_status":
                given = {}
            case _:
                given = {"pages": [name]}
        return use(self._id(), one.tool, **given)


def names_in(upstream: bytes) -> list[str]:
    """What the model may take for names of pages: handles, paths, others' handles and nonsense."""
    said = json.dumps([m for m in json.loads(upstream)["messages"] if m["role"] == "user"])
    handles = list(dict.fromkeys(re.findall(r"[Pp]age ([A-Z2-7]{8})\b", said)))
    return [*handles[-5:], "0.py", *handles[:2], "1.py", FOREIGN, "../x y"]
