"""The variables that send a client through the proxy, and make it trust the proxy's CA.

Rule of this file: pure. Functions take the user's environment and return what must be set
on top of it. No client reads one common variable, so all are set: which client reads which
stands in :mod:`pichay_cli.clients` (and requests, curl and Debian's git have their own).
"""

from collections.abc import Mapping
from pathlib import Path

from pichay_cli.clients import HERE, UNKNOWN, Client

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
HOW_TO_TRUST = (
    f"set {CERTIFICATE_VARIABLES[0]} (Node) or {CERTIFICATE_VARIABLES[1]} (Python, Rust, Go) to "
    "mitmproxy's CA, as pichay run does; pichay doctor checks it"
)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Never proxied: agents talk to servers of their own there."""


KNOWN_PORTS = {8787: "headroom", 4444: "lean-ctx"}
"""Where other programs that edit the same requests listen, unless they are told otherwise."""


def inside(environment: Mapping[str, str], certificates: Path) -> bool:
    """True in a shell that a Pichay started, or that its variables were pasted into.

    *certificates* is the folder of Pichay's own bundles.
    """
    named = (environment.get(name) for name in CERTIFICATE_VARIABLES)
    trusts = any(Path(path).parent == certificates for path in named if path)
    return trusts and any(environment.get(name) for name in PROXY_VARIABLES)


def through_proxy(environment: Mapping[str, str], port: int, bundle: Path) -> dict[str, str]:
    """What to set so that any client goes through 127.0.0.1:*port* and trusts *bundle*."""
    proxy = dict.fromkeys(PROXY_VARIABLES, f"http://127.0.0.1:{port}")
    trust = dict.fromkeys(CERTIFICATE_VARIABLES, str(bundle))
    return proxy | _not_proxied(environment) | {"NODE_USE_ENV_PROXY": "1"} | trust


def to_base_url(
    environment: Mapping[str, str], port: int, client: Client = UNKNOWN
) -> tuple[dict[str, str], tuple[str, ...]]:
    """What to set, and what to put behind the name of *client*, to be taken for the API itself.

    The path of the user's own base URL is kept. A proxy the user has must not be asked for
    a loopback address, so then NO_PROXY is set too.
    """
    api = client.api(environment)
    base = api.base(environment, port)
    chosen = {api.variable: api.told.replace(HERE, base)} if api.variable else {}
    if any(environment.get(name) for name in PROXY_VARIABLES):
        chosen |= _not_proxied(environment)
    return chosen, tuple(argument.replace(HERE, base) for argument in api.arguments)


def _not_proxied(environment: Mapping[str, str]) -> dict[str, str]:
    """Both spellings: what the user has in either of them, then loopback."""
    own = ",".join(environment.get(name, "") for name in NO_PROXY_VARIABLES)
    hosts = [host.strip() for host in own.split(",") if host.strip()]
    value = ",".join(dict.fromkeys([*hosts, *LOOPBACK]))
    return dict.fromkeys(NO_PROXY_VARIABLES, value)
