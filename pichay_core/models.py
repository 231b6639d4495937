"""What is known of a model by its name.

Rule of this file: one way of reading a name, then one table per fact. A Claude that no table
describes is taken for newer than every known one, and every fact about it is the careful one,
so that a model released tomorrow is left alone rather than broken.
"""

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class ClaudeVersion:
    """Which Claude: ``claude-sonnet-4-5-20250929`` is sonnet 4.5. Dates do not count."""

    family: str
    """``opus``, ``sonnet``, ``haiku``, ``fable``, ``mythos``, ``instant``; empty up to 2.1."""
    major: int
    minor: int = 0

    @property
    def number(self) -> tuple[int, int]:
        """Major and minor, to compare versions with."""
        return self.major, self.minor


UNKNOWN_CLAUDE = ClaudeVersion("unknown", 99)
"""A Claude whose name says no family and version that are known here."""

_FAMILY = "(?P<family>opus|sonnet|haiku|fable|mythos|instant)"
_NUMBER = r"(?P<major>\d{1,2})(?:-(?P<minor>\d{1,2}))?"
_END = "(?![0-9a-z])"  # keeps the 20 of a date and the 1 of "1m" from being a minor version

_FORMS = (
    re.compile(rf"claude-{_NUMBER}-{_FAMILY}\b"),  # claude-3-5-sonnet-v2@20241022
    re.compile(rf"\b{_FAMILY}-v?{_NUMBER}{_END}"),  # claude-sonnet-4-5-20250929
    re.compile(rf"claude-v?(?P<major>[12])(?:-(?P<minor>\d))?{_END}(?P<family>)"),  # claude-2.1
)
_CLAUDE = re.compile(r"claude|\b(?:opus|sonnet|haiku|fable|mythos)\b")
_OPENAI = re.compile(r"(?:^|[/.])(?:gpt|chatgpt|codex|o\d)\b")


@lru_cache(maxsize=256)
def claude_version(model: str) -> ClaudeVersion | None:
    """Which Claude *model* names; ``UNKNOWN_CLAUDE`` if that cannot be read; None if none.

    Reads the names of the Claude API, Bedrock, Vertex, OpenRouter and the like. A family's name
    alone counts as Claude, since gateways use such aliases.
    """
    name = re.sub("[._:@ ]", "-", model.lower().partition("[")[0])
    if not _CLAUDE.search(name):
        return None
    for form in _FORMS:
        if found := form.search(name):
            return ClaudeVersion(found["family"], int(found["major"]), int(found["minor"] or 0))
    return UNKNOWN_CLAUDE


def plain_name(model: str) -> str:
    """*model* without what a platform or client puts around it: region, vendor, tags.

    ``us.anthropic.claude-sonnet-4-5-20250929-v1:0`` and ``claude-sonnet-4-5-20250929[1m]`` both
    give ``claude-sonnet-4-5-20250929``.
    """
    name = model.lower().partition("[")[0]
    _, claude, rest = name.rpartition("claude")
    if not claude:
        return name.rpartition("/")[2]
    return re.sub(r"(?<=\d)-v\d+$", "", claude + re.split("[:@]", rest)[0])


_LAST_UNBOUND = {
    "": (2, 1),
    "instant": (1, 2),
    "haiku": (4, 5),
    "sonnet": (5, 0),
    "opus": (5, 0),
    "fable": (5, 0),
    "mythos": (5, 0),
}
"""The newest version of each family that is known not to bind thinking to the history."""


_GPT = re.compile(
    r"(?:^|[/.])(?:chat)?gpt-(?P<major>\d{1,2})(?:[.-](?P<minor>\d{1,2}))?(?![0-9a-z])"
)
_LAST_UNBOUND_GPT = (6, 1)


def binds_thinking(model: str) -> bool:
    """True if editing what stands before a model's thinking may have that thinking left out.

    So it is documented for fable and mythos from 5.1 and for opus, sonnet and haiku 5.5
    (Anthropic, "Preserved thinking"), and for GPT from 6.2 (OpenAI, "Keep the prefix unchanged").
    Any Claude that is not known to be free of it counts too.
    """
    if gpt := _GPT.search(model.lower()):
        return (int(gpt["major"]), int(gpt["minor"] or 0)) > _LAST_UNBOUND_GPT
    version = claude_version(model)
    return version is not None and version.number > _LAST_UNBOUND.get(version.family, (0, 0))


_SEARCHES_FROM = {"opus": (4, 0), "sonnet": (4, 0), "fable": (5, 0), "mythos": (5, 0)}


def searches_tools(model: str) -> bool:
    """True if the provider's own tool search is known to work with *model*.

    So it is documented for opus and sonnet from 4 on (Anthropic, "Tool search tool"), and not
    for haiku.
    """
    version = claude_version(model)
    least = _SEARCHES_FROM.get(version.family) if version else None
    return version is not None and least is not None and version.number >= least


_FIRST_CLEARING = (4, 0)


def clears_on_request(model: str) -> bool:
    """True if the provider of *model* clears old tool results when it is asked to.

    So it is documented for opus, sonnet and haiku from 4 on (Anthropic, "Context editing"); of a
    name whose version cannot be read nobody knows.
    """
    version = claude_version(model)
    return version not in (None, UNKNOWN_CLAUDE) and version.number >= _FIRST_CLEARING


MARKED_SECONDS = 300
"""What Anthropic holds a marked prefix for, if the mark asks for nothing else."""
AUTOMATIC_SECONDS = 1800
"""What providers without marks are taken to hold a prefix for. OpenAI documents half an hour at
the least from GPT-5.6 on, and five to ten minutes, an hour at the most, before; Google and others
say no time. A cache that is taken for cold too soon costs a rewrite, one taken for warm nothing."""


def cache_seconds(model: str) -> int:
    """How long the provider of *model* keeps a prefix that nobody asked it to keep for longer."""
    marked = claude_version(model) is not None or not model
    return MARKED_SECONDS if marked else AUTOMATIC_SECONDS


LARGEST_MINIMUM_PREFIX = 4096
"""Tokens; the largest minimum that any provider documents, taken for models not described."""

_MINIMUM_PREFIX = {
    ClaudeVersion("fable", 5, 1): 512,
    ClaudeVersion("mythos", 5, 1): 512,
    ClaudeVersion("opus", 5, 5): 512,
    ClaudeVersion("sonnet", 5, 5): 512,
    ClaudeVersion("haiku", 5, 5): 512,
    ClaudeVersion("fable", 5): 512,
    ClaudeVersion("mythos", 5): 512,
    ClaudeVersion("opus", 5): 512,
    ClaudeVersion("sonnet", 5): 1024,
    ClaudeVersion("opus", 4, 8): 1024,
    ClaudeVersion("opus", 4, 7): 2048,
    ClaudeVersion("opus", 4, 6): 4096,
    ClaudeVersion("sonnet", 4, 6): 1024,
    ClaudeVersion("opus", 4, 5): 4096,
    ClaudeVersion("sonnet", 4, 5): 1024,
    ClaudeVersion("haiku", 4, 5): 4096,
    ClaudeVersion("opus", 4, 1): 1024,
    ClaudeVersion("opus", 4): 1024,
    ClaudeVersion("sonnet", 4): 1024,
    ClaudeVersion("sonnet", 3, 7): 1024,
    ClaudeVersion("sonnet", 3, 5): 1024,
    ClaudeVersion("haiku", 3, 5): 2048,
    ClaudeVersion("opus", 3): 1024,
    ClaudeVersion("haiku", 3): 2048,
}
_OPENAI_MINIMUM_PREFIX = 1024


def minimum_prefix(model: str) -> int:
    """The shortest prefix in tokens that *model*'s provider caches (their caching guides).

    A model not described gives the largest documented minimum: a cache hit is then never
    counted on where there is none.
    """
    version = claude_version(model)
    if version is not None:
        return _MINIMUM_PREFIX.get(version, LARGEST_MINIMUM_PREFIX)
    return _OPENAI_MINIMUM_PREFIX if _OPENAI.search(model.lower()) else LARGEST_MINIMUM_PREFIX


_MILLION = 1_000_000
_WINDOW = {
    ClaudeVersion("fable", 5, 2): _MILLION,
    ClaudeVersion("mythos", 5, 2): _MILLION,
    ClaudeVersion("fable", 5, 1): _MILLION,
    ClaudeVersion("mythos", 5, 1): _MILLION,
    ClaudeVersion("opus", 5, 5): _MILLION,
    ClaudeVersion("sonnet", 5, 5): _MILLION,
    ClaudeVersion("haiku", 5, 5): _MILLION,
    ClaudeVersion("fable", 5): _MILLION,
    ClaudeVersion("mythos", 5): _MILLION,
    ClaudeVersion("opus", 5): _MILLION,
    ClaudeVersion("sonnet", 5): _MILLION,
    ClaudeVersion("opus", 4, 8): _MILLION,
    ClaudeVersion("opus", 4, 7): _MILLION,
    ClaudeVersion("opus", 4, 6): _MILLION,
    ClaudeVersion("sonnet", 4, 6): _MILLION,
    ClaudeVersion("opus", 4, 5): 200_000,
    ClaudeVersion("sonnet", 4, 5): 200_000,
    ClaudeVersion("haiku", 4, 5): 200_000,
    ClaudeVersion("opus", 4, 1): 200_000,
    ClaudeVersion("opus", 4): 200_000,
    ClaudeVersion("sonnet", 4): 200_000,
    ClaudeVersion("sonnet", 3, 7): 200_000,
    ClaudeVersion("sonnet", 3, 5): 200_000,
    ClaudeVersion("haiku", 3, 5): 200_000,
    ClaudeVersion("opus", 3): 200_000,
    ClaudeVersion("haiku", 3): 200_000,
}
"""Tokens by model (Anthropic, "Models overview")."""
_MILLION_IF_ASKED = {ClaudeVersion("sonnet", 4, 5), ClaudeVersion("sonnet", 4)}
"""These have a larger window for who asks for it with a beta header."""
_ASKS = "context-1m"
"""How the name of that beta begins (``context-1m-2025-08-07``)."""
_OTHER_WINDOWS = {
    "gpt-4.1": 1_047_576,
    "gpt-5": 400_000,
    "gpt-5.1": 400_000,
    "gpt-5.2": 400_000,
    "gpt-5.3-codex": 400_000,
    "gpt-5.4": 1_050_000,
    "gpt-5.4-mini": 400_000,
    "gpt-5.4-nano": 400_000,
    "gpt-5.5": 1_050_000,
    "gpt-5.6": 1_050_000,
    "gpt-6": 1_050_000,
    "gpt-6.1": 1_050_000,
    "o3": 200_000,
    "o4-mini": 200_000,
    "gemini-2.5-pro": 1_048_576,
    "gemini-2.5-flash": 1_048_576,
    "gemini-3-flash": 1_048_576,
    "gemini-3.1-pro": 1_048_576,
    "gemini-3.5-flash": 1_048_576,
    "gemini-4": 1_048_576,
}
"""Tokens by the beginning of a name, up to a dash (the providers' model pages)."""


@lru_cache(maxsize=256)
def context_window(model: str, betas: frozenset[str] = frozenset()) -> int | None:
    """The tokens that *model* can take in and give out together; None if nobody here knows.

    *betas* are the features that the request asks for. A name that ends in ``[1m]`` asks too.
    """
    version = claude_version(model)
    if version is None:
        return _other_window(plain_name(model))
    asked = "[1m]" in model.lower() or any(beta.startswith(_ASKS) for beta in betas)
    return _MILLION if asked and version in _MILLION_IF_ASKED else _WINDOW.get(version)


def _other_window(name: str) -> int | None:
    known = [begin for begin in _OTHER_WINDOWS if f"{name}-".startswith(f"{begin}-")]
    return _OTHER_WINDOWS[max(known, key=len)] if known else None
