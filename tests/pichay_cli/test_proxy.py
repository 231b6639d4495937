import signal
import subprocess

import pytest

from pichay_cli.launch import port_is_free
from pichay_cli.proxy import SHELLS

from .conftest import PICHAY


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("sh", "export A='it'\"'\"'s \\ $x'"),
        ("fish", "set -gx A 'it\\'s \\\\ $x'"),
        ("powershell", "$env:A = 'it''s \\ $x'"),
    ],
)
def test_a_value_comes_through_each_shell_as_it_is(shell, line):
    assert SHELLS[shell]("A", "it's \\ $x") == line


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_variables_are_printed_to_paste_and_ctrl_c_ends_it(environment, confdir, number):
    command = [*PICHAY, "proxy", "--port", "0", "--confdir", str(confdir)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as proxy:
        first = proxy.stdout.readline()
        port = int(first.rpartition(":")[2])
        assert first == f"export HTTPS_PROXY=http://127.0.0.1:{port}\n"
        assert not port_is_free(port)
        assert f"listening on 127.0.0.1:{port}" in proxy.stderr.readline()
        proxy.send_signal(number)
        output, errors = proxy.communicate(timeout=30)
    assert proxy.returncode == 0
    assert all(line.startswith("export ") for line in output.splitlines())
    assert "Traceback" not in errors
    assert port_is_free(port)
