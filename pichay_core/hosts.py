"""Which hosts and paths are looked at, and what a request to each of them gets: as data.

Rule of this file: what is not listed is neither decrypted nor read. Names are compared whole, so
a look-alike host is not a listed one. A ``*`` stands for letters, digits and hyphens within one
label, only where nobody but the owner of the domain can name what it stands for.
``pichay doctor --hosts`` prints all of it.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal
from urllib.parse import unquote

from pichay_core.wire.formats import FORMATS

type Purpose = Literal["messages", "count", "pass"]
"""``messages`` is paged; ``count`` gets the same view; ``pass`` goes as it came."""


@dataclass(frozen=True, slots=True)
class Gets:
    """What a request gets, in a word and in a sentence."""

    word: str
    purpose: Purpose
    sentence: str
    events: str = ""
    """What the query must hold for a reply that is a stream of events, if it must hold anything."""


@dataclass(frozen=True, slots=True)
class Path:
    """One path of a host. A request to it is a POST; its query does not count."""

    pattern: str
    """``{name}`` stands for one part of a path, ``/...`` at the front for any number of them."""
    gets: Gets
    format: str
    """Name of the wire format."""
    why: str = ""
    """Why it passes as it came, as it is recorded."""

    @property
    def purpose(self) -> Purpose:
        """What it is for."""
        return self.gets.purpose


@dataclass(frozen=True, slots=True)
class Host:
    """Hosts of one provider that have the same paths."""

    names: tuple[str, ...]
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """Hosts of agents whose traffic is never decrypted."""

    names: tuple[str, ...]
    why: str


PAGED = Gets(
    "paged",
    "messages",
    "Old results leave, what repeats goes out in short, and the model has its memory tools.",
)
IF_WHOLE = Gets(
    "paged if whole",
    "messages",
    "The same; where only a part of the conversation is sent (previous_response_id), nothing that "
    "was sent before leaves.",
)
AS_EVENTS = Gets(
    "paged as events",
    "messages",
    "The same; where the reply is a stream of JSON, not of events (alt=sse), without the tools.",
    events="alt=sse",
)
SAME_VIEW = Gets(
    "same view",
    "count",
    "Tokens are counted of what the model gets, so that the client's own meter agrees.",
)
AS_IT_CAME = Gets(
    "as it came",
    "pass",
    "Nobody waits for a batch, and what is to be compacted is what the client has.",
)
EVERY_WORD = (PAGED, IF_WHOLE, AS_EVENTS, SAME_VIEW, AS_IT_CAME)


def _anthropic(before: str) -> tuple[Path, ...]:
    at = f"{before}/v1/messages"
    return (
        Path(at, PAGED, "anthropic"),
        Path(f"{at}/count_tokens", SAME_VIEW, "anthropic"),
        Path(f"{at}/batches", AS_IT_CAME, "anthropic", "batches"),
    )


def _chat(*before: str) -> tuple[Path, ...]:
    return tuple(Path(f"{at}/chat/completions", PAGED, "openai_chat") for at in before)


def _responses(before: str) -> tuple[Path, ...]:
    at, format = f"{before}/responses", "openai_responses"
    return (
        Path(at, IF_WHOLE, format),
        Path(f"{at}/input_tokens", SAME_VIEW, format),
        Path(f"{at}/compact", AS_IT_CAME, format, "compaction"),
    )


def _gemini(before: str) -> tuple[Path, ...]:
    at = before + "/models/{model}"
    return (
        Path(f"{at}:generateContent", PAGED, "gemini"),
        Path(f"{at}:streamGenerateContent", AS_EVENTS, "gemini"),
        Path(f"{at}:countTokens", SAME_VIEW, "gemini"),
        Path(f"{at}:batchGenerateContent", AS_IT_CAME, "gemini", "batches"),
    )


def _claude_on_vertex() -> tuple[Path, ...]:
    """The path names the model, but where tokens are counted: there it names what is done."""
    at = "/.../publishers/anthropic/models"
    return (
        Path(f"{at}/count-tokens:rawPredict", SAME_VIEW, "anthropic"),
        Path(f"{at}/{{model}}:rawPredict", PAGED, "anthropic"),
        Path(f"{at}/{{model}}:streamRawPredict", PAGED, "anthropic"),
    )


_DEPLOYED = "/openai/deployments/{model}"
_ZAI = (
    *_chat("/api/paas/v4", "/api/coding/paas/v4"),
    *_anthropic("/api/anthropic"),
)

EVERY_HOST: tuple[Host, ...] = (
    Host(("api.anthropic.com",), _anthropic("")),
    Host(
        ("api.openai.com",),
        (
            *_chat("/v1"),
            *_responses("/v1"),
            Path("/v1/batches", AS_IT_CAME, "openai_chat", "batches"),
        ),
    ),
    Host(
        ("generativelanguage.googleapis.com",),
        (*_gemini("/{version}"), *_chat("/v1beta/openai")),
    ),
    Host(
        ("aiplatform.googleapis.com", "*-aiplatform.googleapis.com"),
        (
            *_claude_on_vertex(),
            *_gemini("/.../publishers/google"),
            *_chat("/.../endpoints/openapi"),
        ),
    ),
    Host(
        ("*.openai.azure.com",),
        (*_chat("/openai/v1", _DEPLOYED), *_responses("/openai/v1"), *_responses("/openai")),
    ),
    Host(
        ("*.services.ai.azure.com",),
        (
            *_anthropic("/anthropic"),
            *_chat("/openai/v1", _DEPLOYED, "/models"),
            *_responses("/openai/v1"),
        ),
    ),
    Host(
        ("bedrock-mantle.*.api.aws",),
        (*_anthropic("/anthropic"), *_chat("/v1"), *_responses("/v1")),
    ),
    Host(
        ("openrouter.ai",),
        (*_anthropic("/api"), *_chat("/api/v1"), *_responses("/api/v1")),
    ),
    Host(("api.deepseek.com",), (*_chat("", "/v1", "/beta"), *_anthropic("/anthropic"))),
    Host(
        ("api.moonshot.ai", "api.moonshot.cn"),
        (*_chat("/v1"), *_anthropic("/anthropic")),
    ),
    Host(("api.z.ai", "open.bigmodel.cn"), _ZAI),
    Host(("api.mistral.ai",), _chat("/v1")),
)
"""Every host with every path, whether its format is there or not. One more is one entry."""

LEFT_ALONE: tuple[LeftAlone, ...] = (
    LeftAlone(
        ("chatgpt.com",),
        "Codex under a ChatGPT login: a plan for the provider's own clients, not an API.",
    ),
    LeftAlone(
        ("cloudcode-pa.googleapis.com",),
        "gemini-cli under a Google login: a plan as well, and a format of its own.",
    ),
    LeftAlone(
        ("api.githubcopilot.com", "api.*.githubcopilot.com"),
        "GitHub Copilot bills by who began a request, as its headers say: none is touched.",
    ),
    LeftAlone(
        ("*.cursor.sh",),
        "Cursor's own servers make the prompt: the window is not in the request.",
    ),
    LeftAlone(
        ("bedrock-runtime.*.amazonaws.com",),
        "Bedrock's requests are signed together with their body (SigV4): edited, they are refused.",
    ),
)
"""What an agent may also talk to, and why it is tunnelled."""
UNDECRYPTED = "passed undecrypted"
"""How it is recorded that traffic of a model was tunnelled: behind it the host and why."""


def spoken(paths: Iterable[Path], formats: Collection[str] = FORMATS.keys()) -> tuple[Path, ...]:
    """Return the paths whose wire format is there."""
    return tuple(path for path in paths if path.format in formats)


HOSTS: tuple[Host, ...] = tuple(
    replace(host, paths=paths) for host in EVERY_HOST if (paths := spoken(host.paths))
)
"""Hosts whose traffic is decrypted. Extended by the option ``pichay_hosts``."""

ANYWHERE: tuple[Path, ...] = spoken(
    (
        *_anthropic("/..."),
        *_claude_on_vertex(),
        *_chat("/.../deployments/{model}", "/..."),
        *_responses("/..."),
        *_gemini("/..."),
    )
)
"""Paths of a host that the user has named: a gateway may put anything in front of them."""


def paths_of(name: str, own: Collection[str] = ()) -> tuple[Path, ...] | None:
    """Return the paths that are looked at on a host; None if that is tunnelled.

    *own* are hosts that the user has named, in lower case.
    """
    # A Kelvin sign is a K in upper case, to Python, and to nobody who looks up a name.
    plain = (name.lower() if name.isascii() else name).removesuffix(".")
    listed = (host.paths for host in HOSTS if any(_is(plain, known) for known in host.names))
    return next(listed, ANYWHERE if plain in own else None)


def left_alone(name: str) -> str | None:
    """Return why a host of an agent is never looked at; None if it is no such host."""
    plain = name.lower().removesuffix(".")
    return next((one.why for one in LEFT_ALONE if any(_is(plain, n) for n in one.names)), None)


def found(path: str, among: Iterable[Path]) -> tuple[Path, str] | None:
    """Return the first of the paths that fits, and the model that it names; None without one."""
    plain = path.partition("?")[0].rstrip("/")
    for candidate in among:
        if fits := _shape(candidate.pattern).fullmatch(plain):
            return candidate, unquote(fits.groupdict().get("model") or "")
    return None


def _is(name: str, known: str) -> bool:
    """True if a name fits a known one, which may hold a ``*``."""
    return _like(known).fullmatch(name) is not None


@cache
def _like(known: str) -> re.Pattern[str]:
    return re.compile(re.escape(known).replace(r"\*", "[a-z0-9-]+"))


@cache
def _shape(pattern: str) -> re.Pattern[str]:
    anything = ".*" if pattern.startswith("/...") else ""
    parts = re.split(r"(\{\w+\})", pattern.removeprefix("/..."))
    return re.compile(anything + "".join(map(_part, parts)))


def _part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return r"(?P<model>[^/:]+)" if part == "{model}" else "[^/]+"
