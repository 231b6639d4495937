"""The way from the proxy to the API: straight, through the user's own proxy, or reverse.

Rule of this file: pure, and what worked without Pichay works with it. A proxy in the user's
HTTPS_PROXY is gone through, a gateway in the client's base URL is what reverse mode stands for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

import click

from pichay_cli.clients import UNKNOWN, Client
from pichay_cli.environment import LOOPBACK
from pichay_core.hosts import paths_of


@dataclass(frozen=True, slots=True)
class Route:
    """mitmproxy's mode, and what goes with it."""

    mode: str = "regular"
    settings: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """Settings that hold a password: never on a command line, where others can read it."""
    proxy: tuple[str, int] | None = None
    """Host and port of the user's own proxy."""
    notes: tuple[str, ...] = ()
    """What the user should know, one line each."""


def route(
    environment: Mapping[str, str],
    port: int | None,
    reverse: bool,
    hosts: Sequence[str] = (),
    client: Client = UNKNOWN,
) -> Route:
    """The way for a proxy that listens on *port* of loopback (None: any free one).

    *hosts* are paged beside those that always are. In reverse mode it leads to the one API that
    *client* means.
    """
    if reverse:
        return _reverse(environment, client)
    proxy = user_proxy(environment)
    if proxy is None or _is_self(proxy, port):
        return Route(notes=_gateway_notes(environment, hosts, client))
    return _upstream(proxy)


def user_proxy(environment: Mapping[str, str]) -> SplitResult | None:
    """The proxy that the user's environment names for https, as a URL; None without one."""
    value = environment.get("HTTPS_PROXY") or environment.get("https_proxy")
    if not value:
        return None
    return urlsplit(value if "://" in value else f"http://{value}")


def address(url: SplitResult) -> tuple[str, int]:
    """Host and port of *url*; the port of the scheme if none is named."""
    try:
        port = url.port
    except ValueError as error:
        raise _unusable(url) from error
    if not url.hostname:
        raise _unusable(url)
    return url.hostname, port or (443 if url.scheme == "https" else 80)


def _unusable(url: SplitResult) -> click.ClickException:
    return click.ClickException(
        f"{url.scheme}://{url.netloc.rpartition('@')[2]} is not a proxy or a base URL that "
        "mitmproxy can go through: it must be http or https, with a host. "
        "Correct HTTPS_PROXY or the client's base URL, or unset it."
    )


def _is_self(proxy: SplitResult, port: int | None) -> bool:
    """True if the variables of an earlier ``pichay proxy`` are still set in this shell."""
    return proxy.hostname in LOOPBACK and address(proxy)[1] == port


def _target(url: SplitResult) -> str:
    """*url* as mitmproxy wants it: scheme, host and port, nothing else."""
    if url.scheme not in ("http", "https"):
        raise _unusable(url)
    host, port = address(url)
    return f"{url.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _upstream(proxy: SplitResult) -> Route:
    target = _target(proxy)
    user = f"{unquote(proxy.username or '')}:{unquote(proxy.password or '')}"
    return Route(
        mode=f"upstream:{target}",
        secrets=(f"upstream_auth={user}",) if proxy.username else (),
        proxy=address(proxy),
        notes=(f"going on through your proxy {target}",),
    )


def _reverse(environment: Mapping[str, str], client: Client) -> Route:
    api = client.api(environment)
    if environment.get(api.variable) and not api.holds_url:
        raise click.ClickException(
            f"{api.variable} is set already, and it is what tells {client.name} of a base URL. "
            "Unset it, or leave out --reverse."
        )
    upstream = _target(urlsplit(api.own(environment) or api.upstream))
    left_out = ("--reverse does not go through HTTPS_PROXY",) if user_proxy(environment) else ()
    return Route(mode=f"reverse:{upstream}", notes=left_out)


def _gateway_notes(
    environment: Mapping[str, str], hosts: Sequence[str], client: Client
) -> tuple[str, ...]:
    """Base URLs of the user's whose hosts are tunnelled. For loopback no proxy is asked at all."""
    own = {api.variable: urlsplit(api.own(environment)).hostname for api in client.apis}
    named = {host.lower() for host in hosts}
    return tuple(
        f"{variable} names {host}: page it with --reverse"
        + ("" if host in LOOPBACK else f", or with --host {host}")
        for variable, host in own.items()
        if host is not None and paths_of(host, named) is None
    )
