"""mitmproxy's CA, and the bundles that make clients trust it.

Rule of this file: whom a client trusted before, it trusts afterwards. SSL_CERT_FILE and its
kin replace a client's own list, so the bundle holds certifi's list, the system's, and the
files the user has named, and then mitmproxy's CA. The proxy takes the client's place towards
the API, so it is given the same list, without that CA.
"""

import os
import re
import ssl
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import certifi
import click

from pichay_cli.environment import CERTIFICATE_VARIABLES

AUTHORITY = "mitmproxy-ca.pem"
"""mitmproxy's file of its CA: private key and certificate."""

_NAME = "bundle"
_SYSTEM = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    ssl.get_default_verify_paths().openssl_cafile,
)
"""Where systems keep their list: Debian, Red Hat, SUSE, BSD and macOS, this OpenSSL."""

_PEM = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Bundles:
    """The two lists, as files, and the user's files that could not be read."""

    client: Path
    """For clients: everything, and mitmproxy's CA."""
    upstream: Path
    """For the proxy's own connections: everything but mitmproxy's CA."""
    unreadable: tuple[Path, ...]


def authority(confdir: Path) -> str:
    """The certificate of mitmproxy's CA in *confdir*, as PEM. It is made if there is none."""
    file = confdir / AUTHORITY
    try:
        if not file.exists():
            _make_authority(confdir)
        found = certificates_in(file.read_text("ascii", "replace"))
    except OSError as error:
        raise click.ClickException(
            f"mitmproxy's CA {file} cannot be read or made ({error.strerror or error}). "
            "Make the folder yours, or name another with --confdir."
        ) from error
    if not found:
        raise click.ClickException(
            f"{file} holds no certificate. Move it away: the next start makes a new CA."
        )
    return found[0]


def _make_authority(confdir: Path) -> None:
    """A new CA in *confdir*. Of two callers at once, one wins and both see the winner's.

    mitmproxy writes its files one by one; here they appear only when all are complete, the
    one that holds the key first, by a link that fails if another is there.
    """
    from mitmproxy.certs import CertStore
    from mitmproxy.options import CONF_BASENAME, KEY_SIZE

    confdir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=confdir) as made:
        CertStore.create_store(Path(made), CONF_BASENAME, KEY_SIZE)
        try:
            os.link(Path(made) / AUTHORITY, confdir / AUTHORITY)
        except FileExistsError:
            return
        for file in Path(made).iterdir():
            file.replace(confdir / file.name)


def bundles(folder: Path, confdir: Path, environment: Mapping[str, str]) -> Bundles:
    """Both lists, written to *folder*, which exists afterwards, with mode 0700 if made here.

    Users' own files change the file names: two terminals with different lists never write
    the same file.
    """
    own_authority = authority(confdir)
    own = _own_files(environment)
    texts = {path: _read(path) for path in own}
    lists = [Path(certifi.where()).read_text("utf-8"), _system()]
    lists += [text for text in texts.values() if text is not None]
    trusted = _unlike(own_authority, certificates_in("\n".join(lists)))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mark = sha256("\n".join(map(str, [confdir, *own])).encode()).hexdigest()[:8]
    return Bundles(
        client=_write(folder / f"{_NAME}-{mark}.pem", [*trusted, own_authority]),
        upstream=_write(folder / f"upstream-{mark}.pem", trusted),
        unreadable=tuple(path for path, text in texts.items() if text is None),
    )


def certificates_in(text: str) -> list[str]:
    """The certificates of a PEM text, each once, in order, without comments and keys."""
    return list(dict.fromkeys(_normal(block) for block in _PEM.findall(text)))


def _normal(block: str) -> str:
    return "\n".join(line.strip() for line in block.splitlines() if line.strip())


def _unlike(one: str, certificates: Iterable[str]) -> list[str]:
    return [certificate for certificate in certificates if certificate != one]


def _own_files(environment: Mapping[str, str]) -> list[Path]:
    named = (environment.get(name) for name in CERTIFICATE_VARIABLES)
    return list(dict.fromkeys(Path(name).expanduser().absolute() for name in named if name))


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return None


def _system() -> str:
    """The system's list; empty where there is none."""
    texts = (_read(Path(name)) for name in _SYSTEM if name)
    return next((text for text in texts if text), "")


def _write(path: Path, certificates: Iterable[str]) -> Path:
    """*path*, which holds the certificates and nothing else, and never only some of them."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.writelines(f"{certificate}\n" for certificate in certificates)
    Path(file.name).replace(path)
    return path
