"""The controller's side of the lab's own door into a machine; images/machine/door.py is the other."""

from __future__ import annotations

import binascii
import contextlib
import json
import socket
import time
from dataclasses import dataclass, field
from typing import Any

from harness.errors import LabError
from harness.labs.machine_network import MachineNetwork

PORT = 1022
_CONNECT_S = 2.0
_PROBE_S = 0.3  # what was sent to a machine that was not up yet is lost, and would be sent again after a second only
_GRACE_S = 10.0  # for an answer to arrive after the program's own time is over


class DoorClosed(LabError):
    """Nobody answers at the door; the request was not sent, or its answer never came."""


@dataclass(frozen=True)
class Answer:
    """How a program ended behind the door."""

    status: int
    stdout: bytes
    stderr: bytes
    timed_out: bool


@dataclass(frozen=True)
class Door:
    """One machine's door. ``token`` opens it."""

    name: str
    network: MachineNetwork
    address: str
    token: str = field(repr=False)

    def program(self, argv: tuple[str, ...], stdin: bytes, timeout_s: float) -> Answer:
        """Run a program to its end.

        Raises:
            DoorClosed: the machine does not answer.
        """
        return self._ask({"argv": list(argv)}, stdin, timeout_s)

    def script(self, text: str, arguments: tuple[str, ...], stdin: bytes, timeout_s: float) -> Answer:
        """Run a Python text in a copy of the door's own process.

        Raises:
            DoorClosed: the machine does not answer.
        """
        return self._ask({"script": text, "arguments": list(arguments)}, stdin, timeout_s)

    def answers(self) -> bool:
        """Somebody listens behind it."""
        try:
            self.network.connect(self.address, PORT, _PROBE_S).close()
        except OSError:
            return False
        return True

    def _ask(self, request: dict[str, Any], stdin: bytes, timeout_s: float) -> Answer:
        request |= {"token": self.token, "timeout_s": timeout_s, "stdin": binascii.b2a_base64(stdin).decode()}
        try:
            with contextlib.closing(self.network.connect(self.address, PORT, _CONNECT_S)) as connection:
                connection.settimeout(timeout_s + _GRACE_S)
                connection.sendall(json.dumps(request).encode() + b"\n")
                said = json.loads(_everything(connection, timeout_s + _GRACE_S))
        except (OSError, ValueError) as error:
            raise DoorClosed(
                f"{self.name} does not answer at the lab's door: {error or type(error).__name__}"
            ) from error
        stdout, stderr = binascii.a2b_base64(said["stdout"]), binascii.a2b_base64(said["stderr"])
        return Answer(said["status"], stdout, stderr, said["timed_out"])


def _everything(connection: socket.socket, timeout_s: float) -> bytes:
    """All that comes until the other side closes."""
    deadline = time.monotonic() + timeout_s
    parts: list[bytes] = []
    while part := connection.recv(1 << 18):
        parts.append(part)
        if time.monotonic() > deadline:
            raise TimeoutError("its answer does not end")
    return b"".join(parts)
