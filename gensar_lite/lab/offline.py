"""The network block: in a blocked process, everything but loopback is refused.

It rests on Python's audit events, so it holds for every library that opens sockets through Python, whenever it was
imported, and cannot be lifted again. Native code that brings its own sockets is told to stay offline by environment
variables instead.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, no_type_check

VARIABLE = "GENSAR_OFFLINE"
_LOCAL_NAMES = {"", "localhost", "localhost.localdomain", "ip6-localhost"}
# event -> position of the address or host name among its arguments
_EVENTS = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}
# Python runs a module of this name at start-up; one that stood there before is run as well. The block is loaded by its
# path, so that the package itself is not imported before a program (a test run, for one) wants it.
_AT_START_UP = '''"""Refuses the network in every Python process that starts with this folder on PYTHONPATH."""

import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path


def load(spec):
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


load(importlib.util.spec_from_file_location("gensar_offline", {block!r})).block_network()
here = str(Path(__file__).parent)
later = sys.path[sys.path.index(here) + 1 :] if here in sys.path else []
other = PathFinder.find_spec("sitecustomize", later)
if other is not None and other.loader is not None:
    load(other)
'''


def block_network() -> None:
    """Refuse, from now on and for good, every connection and look-up of this process that leaves the machine.

    Whoever tries gets a ConnectionRefusedError that says so.
    """
    sys.addaudithook(_refuse)


def block_new_processes(folder: Path, environment: MutableMapping[str, str] = os.environ) -> None:
    """Make Python processes started with ``environment`` (kernels, workers) block their network at start-up.

    Args:
        folder: where the start-up file is written; it must outlive those processes.
        environment: changed in place: PYTHONPATH, GENSAR_OFFLINE and the hub libraries' own offline switches.
    """
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(_AT_START_UP.format(block=str(Path(__file__).resolve())), encoding="utf-8")
    earlier = [place for place in environment.get("PYTHONPATH", "").split(os.pathsep) if place]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(folder), *earlier]))
    environment.update({VARIABLE: "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"})


def is_local(address: Any) -> bool:
    """Whether a socket address or host name stays on this machine (loopback, Unix sockets, "any interface")."""
    if isinstance(address, tuple):
        address = address[0] if address else None
    elif isinstance(address, str) and address.startswith("/"):
        return True
    if address is None:
        return True
    if isinstance(address, (bytes, bytearray)):
        address = bytes(address).decode("utf-8", "replace")
        if address.startswith(("/", "\0")):
            return True
    if not isinstance(address, str):
        return False
    if address.lower().rstrip(".") in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


# Runs at every audit event, thousands of times a second: a checker around it would call it again.
@no_type_check
def _refuse(event: str, arguments: tuple) -> None:
    place = _EVENTS.get(event)
    if place is None or is_local(arguments[place]):
        return
    raise ConnectionRefusedError(
        f"The network is refused here: {event.removeprefix('socket.')} to {arguments[place]!r}. "
        "Tests and the notebook series must work offline; read what is needed from the project's own files."
    )
