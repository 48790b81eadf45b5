"""Found by every Python process the tests start (it lies on PYTHONPATH): reports calls to the outside.

The tests' own process uses it too. A connection that is not to this machine is refused, and noted in the
file named by KAGGLE_LAB_TEST_VIOLATIONS, on which the test that caused it fails.
"""

import ipaddress
import os
import socket
import sys

_ALLOWED_NAMES = {"", "localhost", "localhost.localdomain", socket.gethostname(), "0.0.0.0", "::"}


def _is_local(host):
    if host is None:
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    if text in _ALLOWED_NAMES:
        return True
    try:
        return ipaddress.ip_address(text.split("%")[0]).is_loopback
    except ValueError:
        return False


def _note(what):
    path = os.environ.get("KAGGLE_LAB_TEST_VIOLATIONS")
    if path:
        with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123 - every Python pays for imports here
            file.write(f"{what} in {' '.join(sys.argv[:3])}\n")
    raise ConnectionRefusedError(f"the tests allow no connection to the outside: {what}")


def _watch(event, args):
    if event == "socket.connect":
        sock, address = args
        if sock.type & socket.SOCK_STREAM and isinstance(address, tuple) and not _is_local(address[0]):
            _note(f"connection to {address}")
    elif event == "socket.getaddrinfo" and not _is_local(args[0]):
        _note(f"look-up of {args[0]}")


if os.environ.get("KAGGLE_LAB_TEST_VIOLATIONS"):
    sys.addaudithook(_watch)
