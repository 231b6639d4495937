"""A network namespace of our own: loopback and nothing else.

Rule of this file: what runs in it cannot reach another machine, whatever it tries. That is the
proof that no request of a client left.
"""

import fcntl
import os
import socket
import struct

_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1
"""Of ``ioctl`` on a network device (Linux, netdevice(7))."""


class NoNamespaceError(Exception):
    """There can be no namespace; the text says what to do."""


def enter() -> None:
    """Leave the machine's network for an empty one: for this process and all it starts later."""
    try:
        os.unshare(os.CLONE_NEWNET)
    except (OSError, AttributeError) as error:
        raise NoNamespaceError(
            f"A network namespace cannot be made ({error}). It needs Linux and root: run this as "
            "root, or say --no-namespace to go on in the machine's own network."
        ) from error
    _raise("lo")


def _raise(device: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", device.encode(), 0)
        _, flags = struct.unpack("16sh14x", fcntl.ioctl(control, _GET_FLAGS, request))
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", device.encode(), flags | _UP))
