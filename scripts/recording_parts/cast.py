"""Who appears in a recording: clients with their wires and models, tools, texts."""

import random
from typing import NamedTuple

import zstandard


class Client(NamedTuple):
    """A coding agent as it is known on the wire."""

    name: str
    wire: str
    provider: str
    models: tuple[str, ...]
    weight: int


class Tool(NamedTuple):
    """A tool, and how large its results are: the median in tokens."""

    name: str
    kind: str
    tokens: int
    weight: int


CLIENTS = (
    Client(
        "claude-cli",
        "anthropic",
        "anthropic",
        ("claude-sonnet-4-5", "claude-opus-4-5", "claude-haiku-4-5"),
        55,
    ),
    Client("codex_cli_rs", "openai_responses", "openai", ("gpt-5-codex", "gpt-5"), 20),
    Client("GeminiCLI", "gemini", "google", ("gemini-2.5-pro", "gemini-2.5-flash"), 10),
    Client("opencode", "anthropic", "anthropic", ("claude-next", "claude-sonnet-4-5"), 8),
    Client("QwenCode", "openai_chat", "openai", ("gpt-4.1", "gpt-5-mini"), 7),
)
"""``claude-next`` has no price."""
TOOLS = (
    Tool("Read", "read", 1_600, 40),
    Tool("Bash", "run", 500, 28),
    Tool("Grep", "query", 700, 14),
    Tool("Glob", "query", 250, 4),
    Tool("Edit", "write", 180, 10),
    Tool("WebFetch", "query", 2_600, 1),
    Tool("Task", "run", 1_100, 1),
    Tool("mcp__tracker__search", "query", 900, 2),
)
PROJECTS = tuple(f"/home/me/{name}" for name in ("harbour", "ledger", "atlas", "kiln", "orchard"))
FOLDERS = ("src", "src/store", "src/wire", "tests", "docs", "tools/build")
STEMS = ("app", "table", "pager", "fees", "route", "index", "parse", "report", "schema", "queue")
COMMANDS = ("python -m pytest -q", "ls -la", "git diff --stat", "npm test", "make check")
MIX = random.Random(7)
WORDS = [
    "".join(MIX.choices("etaoinshrdlucmfw", k=MIX.randint(2, 9))) + MIX.choice((" ", " ", "\n"))
    for _ in range(3_000)
]
TEXT = "".join(MIX.choices(WORDS, k=60_000)).encode()
COMPRESSOR = zstandard.ZstdCompressor(level=1)
"""Faster than the recorder's level; the size is nearly the same."""


def label_of(tool: Tool, project: str, drawn: random.Random) -> str:
    """Return what a call names; a project has some hundred files, some of them read often."""
    if tool.kind == "run":
        return drawn.choice(COMMANDS)
    if tool.kind == "query":
        return f"{drawn.choice(STEMS)}_{int(drawn.expovariate(0.1))}"
    stem = f"{drawn.choice(STEMS)}{min(40, int(drawn.expovariate(0.2)))}"
    return f"{project}/{drawn.choice(FOLDERS)}/{stem}.py"


def text_of(digest: str, size: int) -> bytes:
    """Return a text of *size* bytes, the same for the same digest."""
    start = int(digest[:8], 16) % len(TEXT)
    head = f"# {digest}\n".encode()
    body = TEXT[start:] + TEXT * (size // len(TEXT) + 1)
    return (head + body)[:size]


def compressed(text: bytes) -> bytes:
    return COMPRESSOR.compress(text)
