"""The process that stays on a host with a kernel of its own: started at boot, it answers for the fake programs.

Starting Python for each call would take most of a second there. Programs on PATH are small shell scripts that ask this
process (see ``script``) and start Python only where it has gone. On the cloud controller it also lends the world.

A request is the number of words and the words, an answer the exit status and what was printed, each ended by NUL.
"""

from __future__ import annotations

import os
import shlex
import socket
import threading
from contextlib import suppress

from fakes import programs
from fakes.container import PYTHON_OPTIONS
from fakes.program import Call
from fakes.programs.services import starting_at_boot
from fakes.programs.walrus import SERVICE
from fakes.realhost import RealHost
from fakes.worldserver import WorldServer

PORT = 8771
_REQUEST_TAKES_AT_MOST_S = 10.0  # to arrive
_LONGEST_BYTES = 1024 * 1024
_LOST_STATUS = 75

# Bash, for its way to speak TCP. What was asked may have been done when the answer is missing, so it is not repeated.
_SCRIPT = """#!/bin/bash
if [ "$EUID" = 0 ] && {{ exec 3<>/dev/tcp/127.0.0.1/{port}; }} 2>/dev/null; then
    printf '%s\\0' $(($# + {count})) {words} "$@" >&3
    if IFS= read -r -d '' status <&3 && IFS= read -r -d '' printed <&3 && IFS= read -r -d '' complained <&3; then
        printf %s "$printed"
        printf %s "$complained" >&2
        exit "$status"
    fi
    echo "the fakes of this host ended while they ran {name}" >&2
    exit {lost}
fi
exec {command} "$@"
"""


def script(words: tuple[str, ...], python: str, run: str) -> str:
    """The shell script that stands for a program; ``words`` are MODULE:PROGRAM and arguments that come first."""
    return _SCRIPT.format(
        port=PORT,
        count=len(words),
        words=shlex.join(words),
        name=words[0].partition(":")[2],
        lost=_LOST_STATUS,
        command=shlex.join([python, *PYTHON_OPTIONS, run, *words]),
    )


def run(machine: RealHost) -> int:
    """Answer, start what starts at boot, and stay."""
    listener = socket.create_server(("127.0.0.1", PORT), backlog=32)
    if machine.lends_world:
        lender = WorldServer(machine.world_file)
        threading.Thread(target=lender.serve_forever, daemon=True).start()
    threading.Thread(target=start_services, args=(machine,), daemon=True).start()
    answer_forever(machine, listener)
    return 0


def answer_forever(machine: RealHost, listener: socket.socket) -> None:
    """Until the listener is closed."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(machine, connection), daemon=True).start()


def start_services(machine: RealHost) -> None:
    """What init does: one script after the other. DRBD's is the host's own, and may wait for the peer."""
    for name in starting_at_boot(machine.services()):
        if name == SERVICE:
            programs.run(Call(("service", name, "start")), machine)
        else:
            machine.run_script(name, "start")


def _answer(machine: RealHost, connection: socket.socket) -> None:
    from fakes.__main__ import answer

    with connection, suppress(OSError, ValueError):
        connection.settimeout(_REQUEST_TAKES_AT_MOST_S)
        words = _words(connection)
        module, _, name = words[0].rpartition(":")
        reply = answer(machine, Call((name, *words[1:])), module)
        parts = (b"%d" % reply.exit_status, reply.stdout, reply.stderr)
        connection.sendall(b"".join(part.replace(b"\0", b"") + b"\0" for part in parts))


def _words(connection: socket.socket) -> list[str]:
    """The words of a request.

    Raises:
        OSError, ValueError: it is none, or did not arrive whole.
    """
    received = b""
    while True:
        count, *words = received.split(b"\0")
        if words and len(words) > int(count) >= 1:
            return [os.fsdecode(word) for word in words[: int(count)]]
        chunk = connection.recv(65536)
        if not chunk or len(received) > _LONGEST_BYTES:
            raise ConnectionError("the request is cut short")
        received += chunk
