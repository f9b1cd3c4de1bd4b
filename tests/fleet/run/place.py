"""Check that what follows runs as the fleet's images run: Python 3.7 of conda, nobody's root."""

# Runs in the image; stands before each of the programs.
# mypy: ignore-errors

import os
import socket
import sys

assert sys.version_info[:2] == (3, 7), sys.version
assert sys.prefix == "/opt/conda"
assert (os.getuid(), os.getgid()) == (1000, 1000)
assert [name for _, name in socket.if_nameindex()] == ["lo"], "the network is off"
