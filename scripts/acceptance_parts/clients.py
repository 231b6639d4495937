"""The clients: what each is called, where it comes from, and how it is started.

Rule of this file: one entry for each, data only. In arguments and files ``{prompt}``, ``{model}``
and ``{again}`` are replaced; ``{again}`` by what continues a session, from the second prompt on.
Keys are no keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from acceptance_parts.script import USUAL

_SDK_AGENT = str(Path(__file__).with_name("sdk_agent.py"))
_ANTHROPIC = {"ANTHROPIC_API_KEY": "sk-ant-api03-acceptance"}
_OPENAI = {"OPENAI_API_KEY": "sk-acceptance"}
_GEMINI = {"GEMINI_API_KEY": "AIzaAcceptance"}


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
    _sdk("sdk-anthropic", "anthropic", "2.11.0", "anthropic", "claude-sonnet-4-5", _ANTHROPIC),
    _sdk("sdk-openai-chat", "openai", "3.52.0", "chat", "gpt-5.5", _OPENAI),
    _sdk("sdk-openai-responses", "openai", "3.52.0", "responses", "gpt-5.5", _OPENAI),
    _sdk("sdk-google-genai", "google-genai", "3.4.0", "gemini", "gemini-2.5-pro", _GEMINI),
)  # fmt: skip

CLIENTS: Mapping[str, Client] = {client.name: client for client in _ALL}
"""Every client, by name, in the order in which they are played."""
