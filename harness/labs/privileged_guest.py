"""The one kernel that a privileged lab brings where the machine's own has no DRBD, and the Docker that runs on it.

It is a User Mode Linux kernel whose root is the machine's own file system, read-only; images/privileged/guest-init is
its first process. Docker's data lie on a disk that was made once, with the hosts' image in it, under a layer of the
run's own.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import LabError
from harness.labs import machine_image, uml
from harness.labs.look import LOOKING
from harness.labs.machine_door import Door, DoorClosed
from harness.labs.machine_kernel import QUICK, UmlKernel

RECIPES = machine_image.RECIPES / "privileged"
INIT = RECIPES / "guest-init"
SHARED = "/run/lab/shared"  # the recipes, as the kernel's hosts reach them
MEMORY = "1G"
IMAGE = "walrus-ha/host:1"  # as guest-init names it
NAME = "guest"
_ANSWER_S = 60.0
_LAST_WORDS = 1500
_LOOKS_AT_CLOCK = 6
_CLOCK = "import time; answer(time.time())"
_STEP_CLOCK = """
import time
time.clock_settime(time.CLOCK_REALTIME, time.time() + float(sys.argv[1]))
with open("/dev/kmsg", "w") as log:
    log.write(f"walrus-lab: clock {time.time():.6f}\\n")
answer(None)
"""

# Requests to Docker's own socket, one after the other; to start the docker program takes most of a second.
_DOCKER = r"""
import socket, time

UNTIL = time.monotonic() + 45


def ask(method, path, body):
    text = json.dumps(body).encode() if body is not None else b""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        while True:
            try:
                connection.connect("/run/docker.sock")
                break
            except OSError:
                if time.monotonic() > UNTIL:
                    raise
                time.sleep(0.05)
        head = [f"{method} {path} HTTP/1.0", "Host: docker", "Content-Type: application/json"]
        head += [f"Content-Length: {len(text)}", "", ""]
        connection.sendall("\r\n".join(head).encode() + text)
        said = b""
        while part := connection.recv(65536):
            said += part
    head, _, body = said.partition(b"\r\n\r\n")
    return [int(head.split(b" ")[1]), body.decode()]


answer([ask(*one) for one in json.load(sys.stdin)])
"""


@dataclass
class GuestKernel(UmlKernel):
    """A kernel on the machine's own file system; ``root_image`` is Docker's disk."""

    def _arguments(self) -> list[str]:
        machine = self.machine
        arguments = [f"umid={self.name}", f"mem={MEMORY}", f"ubd0={self.root_disk},{machine.root_image}"]
        arguments += [f"ubd{number}={disk}" for number, disk in enumerate(machine.disks, start=1) if disk]
        arguments += [
            f"vec{number}:transport=tap,ifname={cable.tap},mac={cable.mac},depth=128,gro=1"
            for number, cable in enumerate(machine.cables)
        ]
        arguments += ["root=none", "rootfstype=hostfs", "ro", "con=null", "con0=null,fd:1", f"init={INIT}"]
        # Handlers would be run outside the hosts, where no configuration is: there are none, and drbdadm would say 0.
        arguments.append("drbd.usermode_helper=/bin/true")
        return [*arguments, "printk.time=1", "printk.devkmsg=on", "panic=1", *QUICK, *_words(machine.directory, "run")]


def building_arguments(directory: Path, disk: Path, root_image: Path) -> list[str]:
    """What starts a kernel that puts the root image into Docker's disk and ends."""
    arguments = ["umid=build", f"mem={MEMORY}", f"ubd0={disk}", f"ubd1r={root_image}", "root=none", "rootfstype=hostfs"]
    arguments += ["ro", "con=null", "con0=null,fd:1", f"init={INIT}", "panic=1", *QUICK]
    return [*arguments, *_words(directory, "build")]


def _words(directory: Path, task: str) -> list[str]:
    python = os.path.realpath(sys.executable)
    words = {"directory": directory, "modules": uml.installed().modules, "python": python, "task": task}
    return [f"lab.{key}={value}" for key, value in (words | {"door": machine_image.RECIPES / "machine"}).items()]


@dataclass
class Guest:
    """The kernel that runs, and the ways into it."""

    kernel: GuestKernel
    door: Door

    def wait(self) -> None:
        """Until the lab can run programs in it.

        Raises:
            LabError: with its last words, when it cannot in time.
        """
        deadline = time.monotonic() + _ANSWER_S
        while not self.door.answers():
            if time.monotonic() > deadline or self.kernel.status() == "off":
                raise LabError(f"the lab's kernel does not answer after {_ANSWER_S:g} s{self._last_words()}")
            time.sleep(0.05)
        self._set_clock()

    def _set_clock(self) -> None:
        """By this machine's: a kernel that gets little of the processor while it boots loses tenths of a second."""
        offsets: list[tuple[float, float]] = []
        for _ in range(_LOOKS_AT_CLOCK):
            before = time.time()
            there = float(self.script(_CLOCK))
            after = time.time()
            offsets.append((after - before, there - (before + after) / 2))
        self.script(_STEP_CLOCK, repr(-min(offsets)[1]))  # of the look that took the least time

    def execute(self, *argv: str, timeout_s: float = _ANSWER_S) -> str:
        """Run a program in it, beside the hosts, and return what it printed.

        Raises:
            LabError: it failed or took too long.
        """
        try:
            answer = self.door.program(argv, b"", timeout_s)
        except DoorClosed as closed:
            raise LabError(f"{closed}{self._last_words()}") from closed
        if answer.status != 0:
            said = answer.stderr.decode(errors="replace").strip()[-1000:]
            raise LabError(f"the lab's kernel: `{' '.join(argv)}` ended with status {answer.status}: {said}")
        return answer.stdout.decode(errors="replace")

    def script(self, text: str, *arguments: str, stdin: str = "", timeout_s: float = _ANSWER_S) -> Any:
        """Run a Python text in it and return what it answered in JSON.

        Raises:
            LabError: it failed or took too long.
        """
        try:
            answer = self.door.script(LOOKING + text, arguments, stdin.encode(), timeout_s)
        except DoorClosed as closed:
            raise LabError(f"{closed}{self._last_words()}") from closed
        if answer.status != 0:
            said = answer.stderr.decode(errors="replace").strip()[-1000:]
            raise LabError(f"the lab's kernel: a script of the lab ended with status {answer.status}: {said}")
        return json.loads(answer.stdout)

    def docker(self, *requests: tuple[str, str, Mapping[str, Any] | None]) -> list[Any]:
        """Ask Docker, one thing after the other: method, path, body; returns what it said.

        Raises:
            LabError: one was refused.
        """
        said = []
        for (method, path, _), (status, body) in zip(
            requests, self.script(_DOCKER, stdin=json.dumps(requests), timeout_s=120.0), strict=True
        ):
            if status >= 400:
                raise LabError(f"Docker refused {method} {path} with {status}: {body.strip()}")
            said.append(json.loads(body) if body.strip() else None)
        return said

    def _last_words(self) -> str:
        console = self.kernel.console
        said = console.read_text(errors="replace") if console.exists() else ""
        return f" (its console {console} ends: {said[-_LAST_WORDS:].strip()})"
