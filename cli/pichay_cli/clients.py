"""The clients that are known: what each is told, and what its user should know.

Rule of this file: data, and the questions one may ask of it. One more client is one entry. What
each reads is measured with the versions of November 2026; the docs print :func:`rows`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal
from urllib.parse import urlsplit

NODE, OPENSSL, CODEX = "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "CODEX_CA_CERTIFICATE"
HERE = "{url}"
"""Stands for the base URL in what a client is told."""

type When = Literal["proxy", "reverse", "both"]


@dataclass(frozen=True, slots=True)
class Api:
    """One API that a client speaks, and how the client is told where it is."""

    upstream: str
    variable: str = ""
    """The variable of its base URL; empty where no variable is read."""
    path: str = ""
    """What the base URL ends with."""
    keys: tuple[str, ...] = ()
    """Variables of its key: who has one means this API."""
    told: str = HERE
    """The value of the variable, where that is more than the URL."""
    arguments: tuple[str, ...] = ()
    """What goes behind the command's name instead of a variable."""

    @property
    def holds_url(self) -> bool:
        """True if the variable holds a base URL, which may be the user's own."""
        return bool(self.variable) and self.told == HERE

    def own(self, environment: Mapping[str, str]) -> str:
        """Return the user's own base URL, empty without one."""
        return environment.get(self.variable, "") if self.holds_url else ""

    def base(self, environment: Mapping[str, str], port: int) -> str:
        """Return the base URL at 127.0.0.1:*port*, with the path of the user's own."""
        own = self.own(environment)
        path = urlsplit(own).path.rstrip("/") if own else self.path
        return f"http://127.0.0.1:{port}{path}"


@dataclass(frozen=True, slots=True)
class Need:
    """One more variable that one client needs, and why, as it is said on screen."""

    name: str
    value: str
    given: str
    """Only where this variable is set."""
    because: str


@dataclass(frozen=True, slots=True)
class Note:
    """What the user of one client should know."""

    text: str
    when: When = "both"
    unless: tuple[str, ...] = ()
    """Not told where one of these variables is set, or this option (``--name``) is given."""


@dataclass(frozen=True, slots=True)
class Client:
    """One client."""

    name: str
    commands: tuple[str, ...]
    trusts: tuple[str, ...]
    """The variables that name a CA to it, one of which is enough."""
    apis: tuple[Api, ...]
    """The first is meant, unless the user's environment says another."""
    needs: tuple[Need, ...] = ()
    notes: tuple[Note, ...] = ()

    def api(self, environment: Mapping[str, str]) -> Api:
        """Return the API that is meant: whose base URL, or else whose key, the user has set."""
        by_url = (api for api in self.apis if api.own(environment))
        by_key = (api for api in self.apis if any(environment.get(key) for key in api.keys))
        return next(by_url, None) or next(by_key, self.apis[0])

    def needed(self, environment: Mapping[str, str]) -> tuple[Need, ...]:
        """Return what it still needs. The user's own choice stays."""
        return tuple(
            need
            for need in self.needs
            if environment.get(need.given) and need.name not in environment
        )

    def told(
        self, environment: Mapping[str, str], reverse: bool, options: Iterable[str] = ()
    ) -> tuple[str, ...]:
        """Return what its user should know."""
        way = "reverse" if reverse else "proxy"
        known = {*options, *(name for name, value in environment.items() if value)}
        fitting = (note for note in self.notes if note.when in (way, "both"))
        return tuple(note.text for note in fitting if not known.intersection(note.unless))


_CLAUDE = "https://api.anthropic.com"
_OPENAI = "https://api.openai.com"
_GOOGLE = "https://generativelanguage.googleapis.com"
_CLAUDE_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
_OPENAI_KEYS = ("OPENAI_API_KEY",)
_GOOGLE_KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY")

_ANTHROPIC_SDK = Api(_CLAUDE, "ANTHROPIC_BASE_URL", "", _CLAUDE_KEYS)
_OPENAI_SDK = Api(_OPENAI, "OPENAI_BASE_URL", "/v1", _OPENAI_KEYS)
_GOOGLE_SDK = Api(_GOOGLE, "GOOGLE_GEMINI_BASE_URL", "", _GOOGLE_KEYS)
_SDKS = (_ANTHROPIC_SDK, _OPENAI_SDK, _GOOGLE_SDK)
_LITELLM = (
    Api(_CLAUDE, "ANTHROPIC_API_BASE", "", _CLAUDE_KEYS),
    Api(_OPENAI, "OPENAI_API_BASE", "/v1", _OPENAI_KEYS),
)


def _opencode(upstream: str, provider: str, keys: tuple[str, ...]) -> Api:
    told = f'{{"provider":{{"{provider}":{{"options":{{"baseURL":"{HERE}"}}}}}}}}'
    return Api(upstream, "OPENCODE_CONFIG_CONTENT", "/v1", keys, told)


def _own_file(file: str) -> Note:
    text = f"the base URL is read from {file} alone: put it there (--port NUMBER keeps it)"
    return Note(text, "reverse")


CLIENTS: tuple[Client, ...] = (
    Client(
        "Claude Code",
        ("claude",),
        (NODE, OPENSSL),
        (_ANTHROPIC_SDK,),
        needs=(
            Need(
                name="CLAUDE_CODE_ATTRIBUTION_HEADER",
                value="0",
                given="ANTHROPIC_API_KEY",
                because="the attribution block is computed over the body, which Pichay changes",
            ),
        ),
    ),
    Client(
        "Codex",
        ("codex",),
        (OPENSSL, CODEX),
        (
            Api(
                _OPENAI,
                path="/v1",
                keys=(*_OPENAI_KEYS, "CODEX_API_KEY"),
                arguments=("-c", f'openai_base_url="{HERE}"'),
            ),
        ),
        notes=(
            Note(
                "a WebSocket passes unread: with --http-fallback it sends its whole conversation "
                "over HTTP, which can be paged",
                unless=("--http-fallback",),
            ),
            Note("under a ChatGPT login (chatgpt.com) nothing is looked at", "proxy", _OPENAI_KEYS),
        ),
    ),
    Client(
        "opencode",
        ("opencode",),
        (NODE, OPENSSL),
        (
            _opencode(_CLAUDE, "anthropic", _CLAUDE_KEYS),
            _opencode(_OPENAI, "openai", _OPENAI_KEYS),
        ),
    ),
    Client(
        "gemini-cli",
        ("gemini",),
        (NODE,),
        (_GOOGLE_SDK,),
        notes=(
            Note(
                "under a Google login (cloudcode-pa.googleapis.com) nothing is looked at: "
                "set GEMINI_API_KEY",
                unless=_GOOGLE_KEYS,
            ),
        ),
    ),
    Client(
        "qwen-code",
        ("qwen",),
        (NODE,),
        (_OPENAI_SDK,),
        notes=(
            Note("it heeds no NO_PROXY, so unset HTTPS_PROXY", "reverse"),
            Note(
                "under a Qwen login nothing is looked at: set OPENAI_API_KEY",
                unless=_OPENAI_KEYS,
            ),
        ),
    ),
    Client(
        "pi",
        ("pi",),
        (NODE,),
        (Api(_CLAUDE, keys=_CLAUDE_KEYS), Api(_OPENAI, keys=_OPENAI_KEYS)),
        notes=(_own_file("~/.pi/agent/models.json"),),
    ),
    Client("aider", ("aider",), (OPENSSL,), _LITELLM),
    Client("mini-swe-agent", ("mini", "mini-extra"), (OPENSSL,), _LITELLM),
    Client(
        "OpenHands CLI",
        ("openhands",),
        (OPENSSL,),
        (Api(_CLAUDE, "LLM_BASE_URL"),),
        notes=(Note("LLM_BASE_URL is heeded only with --override-with-envs", "reverse"),),
    ),
    Client(
        "Mistral Vibe",
        ("vibe",),
        (OPENSSL,),
        (Api("https://api.mistral.ai", keys=("MISTRAL_API_KEY",)),),
        notes=(_own_file("its own configuration"),),
    ),
    Client(
        "Cline CLI",
        ("cline",),
        (NODE, OPENSSL),
        (Api(_CLAUDE, keys=_CLAUDE_KEYS),),
        notes=(_own_file("its own configuration"),),
    ),
    Client("Python SDKs", (), (OPENSSL,), _SDKS),
    Client(
        "Node SDKs",
        (),
        (NODE,),
        _SDKS,
        notes=(Note("Node before 22.21 takes no proxy from HTTPS_PROXY: use --reverse", "proxy"),),
    ),
)

UNKNOWN = Client("any other", (), (), _SDKS)
"""Any other command: whatever it is, it may use the providers' own libraries."""


def client_of(command: str) -> Client:
    """Return the client that *command* (a name or a path) starts."""
    name = PurePath(command).name
    return next((client for client in CLIENTS if name in client.commands), UNKNOWN)


BASE_URLS = tuple(
    dict.fromkeys(api.variable for one in CLIENTS for api in one.apis if api.variable)
)
"""Every variable that tells a client where its API is."""

TITLES = ("client", "started as", "CA by", "`--reverse` by", "to know")


def rows() -> list[tuple[str, ...]]:
    """Return the table that the docs print, without its titles, in Markdown."""
    return [
        (
            client.name,
            _codes(client.commands, ", ") or "your program",
            _codes(client.trusts, " or "),
            ", ".join(dict.fromkeys(map(_by, client.apis))),
            "; ".join(map(_known, client.notes)),
        )
        for client in CLIENTS
    ]


def _codes(names: Iterable[str], between: str) -> str:
    return between.join(f"`{name}`" for name in names)


def _by(api: Api) -> str:
    if api.arguments:
        return f"`{' '.join(api.arguments).replace(HERE, 'URL')}`"
    return f"`{api.variable}`" if api.variable else "its own configuration"


def _known(note: Note) -> str:
    return f"with `--reverse`: {note.text}" if note.when == "reverse" else note.text
