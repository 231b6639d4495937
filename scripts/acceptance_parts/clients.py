"""The clients: what each is called, where it comes from, and how it is started.

Rule of this file: one entry for each, data only. In arguments and files ``{prompt}``, ``{model}``
and ``{again}`` are replaced; ``{again}`` by what continues a session, from the second prompt on.
Keys are no keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from acceptance_parts.script import USUAL, WHOLE

_SDK_AGENT = str(Path(__file__).with_name("sdk_agent.py"))
_ANTHROPIC = {"ANTHROPIC_API_KEY": "sk-ant-api03-acceptance"}
_OPENAI = {"OPENAI_API_KEY": "sk-acceptance"}
_GEMINI = {"GEMINI_API_KEY": "AIzaAcceptance"}
_NODE = "node@22"
"""Node.js itself, for a client that needs a later one than is common."""


class Registry(StrEnum):
    """Where packages come from."""

    NPM = "npm"
    PYPI = "PyPI"


@dataclass(frozen=True, slots=True)
class Client:
    """One client."""

    name: str
    registry: Registry
    package: str
    version: str
    arguments: tuple[str, ...]
    """Its command line; the first is the program."""
    model: str
    again: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    """Packages that it needs beside, as the registry's client takes them."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    """What stands in its home before it starts, by path."""
    tasks: tuple[str, ...] = tuple(USUAL)
    one_process: bool = False
    """It takes all prompts in the place of ``{prompt}``, one argument each."""
    typed: bool = False
    """It takes all prompts on standard input, one line each."""
    own_files: tuple[str, ...] = ()
    """Patterns of what it keeps in the project for itself."""

    @property
    def packages(self) -> tuple[str, ...]:
        """What is installed."""
        at = "@" if self.registry is Registry.NPM else "=="
        return (f"{self.package}{at}{self.version}", *self.more)


def _sdk(name: str, package: str, version: str, wire: str, model: str,
         keys: Mapping[str, str]) -> Client:  # fmt: skip
    return Client(
        name=name,
        registry=Registry.PYPI,
        package=package,
        version=version,
        arguments=("python", _SDK_AGENT, wire, "{model}", "{prompt}"),
        model=model,
        environment=keys,
        one_process=True,
    )


_ALL = (
    Client(
        name="claude-code",
        registry=Registry.NPM,
        package="@anthropic-ai/claude-code",
        version="2.1.329",
        arguments=("claude", "--dangerously-skip-permissions", "--model", "{model}",
                   "--output-format", "stream-json", "--verbose", "{again}", "-p", "{prompt}"),
        again=("--continue",),
        model="claude-sonnet-4-5",
        environment=_ANTHROPIC | {
            "IS_SANDBOX": "1", "DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
    ),
    Client(
        name="codex",
        registry=Registry.NPM,
        package="@openai/codex",
        version="0.169.0",
        arguments=("codex", "exec", "{again}", "--json", "--model", "{model}",
                   "--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check",
                   "{prompt}"),
        again=("resume", "--last"),
        model="gpt-5.5",
        environment=_OPENAI | {"CODEX_API_KEY": "sk-acceptance"},
    ),
    Client(
        name="opencode",
        registry=Registry.NPM,
        package="opencode-ai",
        version="1.18.33",
        arguments=("opencode", "run", "--format", "json", "-m", "anthropic/{model}", "{again}",
                   "{prompt}"),
        again=("--continue",),
        model="claude-sonnet-4-5",
        environment=_ANTHROPIC,
    ),
    Client(
        name="opencode-openai",
        registry=Registry.NPM,
        package="opencode-ai",
        version="1.18.33",
        arguments=("opencode", "run", "--format", "json", "-m", "openai/{model}", "{again}",
                   "{prompt}"),
        again=("--continue",),
        model="gpt-5.5",
        environment=_OPENAI,
    ),
    Client(
        name="gemini-cli",
        registry=Registry.NPM,
        package="@google/gemini-cli",
        version="0.61.0",
        arguments=("gemini", "--yolo", "-m", "{model}", "--output-format", "stream-json",
                   "{again}", "-p", "{prompt}"),
        again=("--resume", "latest"),
        model="gemini-2.5-pro",
        environment=_GEMINI | {"GEMINI_CLI_TRUST_WORKSPACE": "true"},
    ),
    Client(
        name="qwen-code",
        registry=Registry.NPM,
        package="@qwen-code/qwen-code",
        version="0.24.4",
        arguments=("qwen", "--yolo", "--auth-type", "openai", "--model", "{model}",
                   "--output-format", "stream-json", "{again}", "-p", "{prompt}"),
        again=("--continue",),
        more=(_NODE,),
        model="gpt-5.5",
        environment=_OPENAI | {"OPENAI_BASE_URL": "https://api.openai.com/v1"},
    ),
    Client(
        name="pi",
        registry=Registry.NPM,
        package="@mariozechner/pi-coding-agent",
        version="0.73.1",
        arguments=("pi", "--provider", "anthropic", "--model", "{model}", "--mode", "json",
                   "{again}", "-p", "{prompt}"),
        again=("--continue",),
        model="claude-sonnet-4-5",
        environment=_ANTHROPIC,
    ),
    Client(
        name="aider",
        registry=Registry.PYPI,
        package="aider-chat",
        version="0.86.2",
        arguments=("aider", "--model", "anthropic/{model}", "--yes-always", "--no-auto-commits",
                   "--no-check-update", "--no-analytics", "--no-show-release-notes",
                   "--no-gitignore", "--no-pretty", "harbour/berths.py", "harbour/tugs.py",
                   "harbour/fees.py"),
        typed=True,
        model="claude-sonnet-4-5",
        environment=_ANTHROPIC,
        own_files=(".aider*",),
    ),
    Client(
        name="mini-swe-agent",
        registry=Registry.PYPI,
        package="mini-swe-agent",
        version="2.4.6",
        more=("mcp",),
        arguments=("mini", "-m", "anthropic/{model}", "-y", "--exit-immediately", "-t", "{prompt}"),
        tasks=(WHOLE,),
        model="claude-sonnet-4-5",
        environment=_ANTHROPIC | {
            "MSWEA_CONFIGURED": "true", "MSWEA_COST_TRACKING": "ignore_errors",
        },
    ),
    _sdk("sdk-anthropic", "anthropic", "2.11.0", "anthropic", "claude-sonnet-4-5", _ANTHROPIC),
    _sdk("sdk-openai-chat", "openai", "3.52.0", "chat", "gpt-5.5", _OPENAI),
    _sdk("sdk-openai-responses", "openai", "3.52.0", "responses", "gpt-5.5", _OPENAI),
    _sdk("sdk-google-genai", "google-genai", "3.4.0", "gemini", "gemini-2.5-pro", _GEMINI),
)  # fmt: skip

CLIENTS: Mapping[str, Client] = {client.name: client for client in _ALL}
"""Every client, by name, in the order in which they are played."""
