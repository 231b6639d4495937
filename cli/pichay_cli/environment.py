"""The variables that send a client through the proxy, and make it trust the proxy's CA.

Rule of this file: pure. Functions take the user's environment and return what must be set
on top of it. No client reads one common variable, so all are set: which client reads which
is measured (Node reads NODE_EXTRA_CA_CERTS only; Python, Rust and Go read SSL_CERT_FILE;
requests, curl and Debian's git have their own; Codex has CODEX_CA_CERTIFICATE).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from urllib.parse import urlsplit

PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
NO_PROXY_VARIABLES = ("NO_PROXY", "no_proxy")
CERTIFICATE_VARIABLES = (
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "CODEX_CA_CERTIFICATE",
)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Never proxied: agents talk to servers of their own there."""

BASE_URL = "ANTHROPIC_BASE_URL"


@dataclass(frozen=True, slots=True)
class Need:
    """One more variable that one client needs, and why, as it is said on screen."""

    name: str
    value: str
    given: str
    """Only where this variable is set."""
    because: str


CLIENTS: dict[str, tuple[Need, ...]] = {
    "claude": (
        Need(
            name="CLAUDE_CODE_ATTRIBUTION_HEADER",
            value="0",
            given="ANTHROPIC_API_KEY",
            because="the attribution block is computed over the body, which Pichay changes",
        ),
    ),
}
"""What clients need beside the variables that all are given, by the name of the command."""


def needs(command: str, environment: Mapping[str, str]) -> tuple[Need, ...]:
    """What the client *command* (a name or a path) still needs. The user's own choice stays."""
    known = CLIENTS.get(PurePath(command).name, ())
    return tuple(
        need for need in known if environment.get(need.given) and need.name not in environment
    )


def through_proxy(environment: Mapping[str, str], port: int, bundle: Path) -> dict[str, str]:
    """What to set so that any client goes through 127.0.0.1:*port* and trusts *bundle*."""
    proxy = dict.fromkeys(PROXY_VARIABLES, f"http://127.0.0.1:{port}")
    trust = dict.fromkeys(CERTIFICATE_VARIABLES, str(bundle))
    return proxy | _not_proxied(environment) | {"NODE_USE_ENV_PROXY": "1"} | trust


def to_base_url(environment: Mapping[str, str], port: int) -> dict[str, str]:
    """What to set so that the client takes 127.0.0.1:*port* for the API itself.

    The path of the user's own base URL is kept. A proxy the user has must not be asked for
    a loopback address, so then NO_PROXY is set too.
    """
    path = urlsplit(environment.get(BASE_URL, "")).path.rstrip("/")
    chosen = {BASE_URL: f"http://127.0.0.1:{port}{path}"}
    proxied = any(environment.get(name) for name in PROXY_VARIABLES)
    return chosen | _not_proxied(environment) if proxied else chosen


def _not_proxied(environment: Mapping[str, str]) -> dict[str, str]:
    """Both spellings: what the user has in either of them, then loopback."""
    own = ",".join(environment.get(name, "") for name in NO_PROXY_VARIABLES)
    hosts = [host.strip() for host in own.split(",") if host.strip()]
    value = ",".join(dict.fromkeys([*hosts, *LOOPBACK]))
    return dict.fromkeys(NO_PROXY_VARIABLES, value)
