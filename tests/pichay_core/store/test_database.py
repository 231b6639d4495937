import subprocess
import sys

import pytest

from tests.pichay_cli.builders import flushed

_LOADS = """
import sys
from pichay_cli import main
main(sys.argv[1:], standalone_mode=False)
print([name for name in ("sqlite_utils", "numpy") if name in sys.modules])
"""


@pytest.mark.parametrize("verb", [("stats",), ("sessions",), ("show", "last"), ("top",)])
def test_who_reads_figures_does_not_wait_for_what_writes_tables(tmp_path, verb):
    path = tmp_path / "pichay.db"
    flushed(path).db.conn.close()
    command = [sys.executable, "-c", _LOADS, *verb, "--database", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
