"""mitmdump, which says when it is ready and never outlives those who need it.

Rule of this file: standard input is a socket, held by whoever started us and by the agent.
Over it come further arguments (one line, a JSON list: passwords do not belong on a command
line), and back goes the port (one line, a JSON number) once every addon runs without an
error. A port that accepts is not enough: mitmproxy listens before it has loaded its scripts.
When the last holder is gone, even by SIGKILL, mitmdump stops as by Ctrl-C, so that the
recorder drains.
"""

import json
import logging
import os
import signal
import socket
import sys
import threading

from mitmproxy.tools import cmdline
from mitmproxy.tools.dump import DumpMaster
from mitmproxy.tools.main import run


class Announcing(DumpMaster):
    """mitmdump's master, which tells the port when all of it runs."""

    async def running(self) -> None:
        """Every addon has had its ``running``; the port is told unless one has failed."""
        await super().running()
        self._refuse_half_a_start()
        errors, server = self.addons.get("errorcheck"), self.addons.get("proxyserver")
        assert errors is not None and server is not None
        if not errors.logger.has_errored:
            _, port, *_ = server.listen_addrs()[0]
            _tell(port)

    def _refuse_half_a_start(self) -> None:
        """An error that ends mitmdump, if an option of ours or a script was dropped.

        mitmproxy 12 goes on in silence when a script's option is unknown, and without the
        script when the value of one has the wrong type.
        """
        scripts = self.addons.get("scriptloader")
        assert scripts is not None
        options = [name for name in self.options.deferred if name.startswith("pichay_")]
        missing = [script.path for script in scripts.addons if script.ns is None]
        if options or missing:
            logging.error(
                "Not loaded: %s. Unknown, or a value of the wrong type, is one of: %s.",
                ", ".join(missing) or "an option",
                ", ".join(options) or "its options",
            )


def main() -> None:
    """Run mitmdump with the arguments of the command line and those of the socket."""
    arguments = sys.argv[1:] + json.loads(sys.stdin.readline())
    threading.Thread(target=_stop_when_alone, daemon=True).start()
    sys.argv[0] = "mitmdump"
    run(Announcing, cmdline.mitmdump, arguments)


def _tell(port: int) -> None:
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as channel:
        channel.sendall(f"{port}\n".encode())


def _stop_when_alone() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    main()
