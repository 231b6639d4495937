import os
import subprocess
import sys

import pytest

from pichay_cli.certificates import authority
from pichay_cli.clients import BASE_URLS, CLIENTS
from pichay_cli.environment import (
    CERTIFICATE_VARIABLES,
    NO_PROXY_VARIABLES,
    PROXY_VARIABLES,
)

PICHAY = (sys.executable, "-P", "-c", "from pichay_cli import main; main(prog_name='pichay')")


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """This process's environment, without proxies and certificates, with a home of its own."""
    keys = [key for client in CLIENTS for api in client.apis for key in api.keys]
    proxies = (*PROXY_VARIABLES, *NO_PROXY_VARIABLES, *CERTIFICATE_VARIABLES)
    for name in (*proxies, *BASE_URLS, *keys):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path / "home"))
    return os.environ


@pytest.fixture(scope="session")
def confdir(tmp_path_factory):
    """A folder with a CA of mitmproxy's own making."""
    folder = tmp_path_factory.mktemp("confdir")
    authority(folder)
    return folder


@pytest.fixture
def pichay(environment):
    """Runs ``pichay`` with the given arguments, as a process, to its end."""

    def run(*arguments, **extra):
        return subprocess.run(
            [*PICHAY, *map(str, arguments)],
            env={**environment, **extra},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
        )

    return run
