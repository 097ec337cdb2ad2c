"""What a command costs over ssh, beside plain ``ssh`` on a shared connection to the same server.

``python -m tests.latency`` prints it. Both take turns, so that a busy machine slows both. A plain ``ssh`` gives the
program's output and exit status; ours also proves that the reply is whole, and for a change that the host is still the
run's, in one critical section.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.clock import WallClock
from harness.hosts.command import Command, Effect, Fence
from harness.hosts.host import Host
from tests.hosts.server import Sshd

ROUNDS = 100
MOST = 1.3  # times what plain ssh takes


@dataclass(frozen=True)
class Latency:
    """Medians in seconds of the same program run in three ways."""

    plain_s: float
    read_s: float
    write_s: float

    @property
    def ratio(self) -> float:
        """The dearer of our two kinds, as a multiple of plain ssh."""
        return max(self.read_s, self.write_s) / self.plain_s

    def __str__(self) -> str:
        ways = (("plain ssh", self.plain_s), ("READ", self.read_s), ("WRITE", self.write_s))
        return ", ".join(f"{name} {taken * 1000:.1f} ms ({taken / self.plain_s:.2f})" for name, taken in ways)


def measure(rounds: int = ROUNDS) -> Latency:
    """Run ``true`` on this machine through an sshd of our own; needs OpenSSH's server."""
    with tempfile.TemporaryDirectory(prefix="wha-latency-") as folder:
        sshd = Sshd(Path(folder))
        try:
            return _side_by_side(sshd, Path(folder), rounds)
        finally:
            sshd.stop()


def _side_by_side(sshd: Sshd, folder: Path, rounds: int) -> Latency:
    transport = sshd.connection().open("walrus00")
    host = Host("walrus00", transport, WallClock())
    host.claim(Fence(1, "latency"))
    master = [*sshd.connection().arguments(str(folder)), "true"]
    subprocess.run(master, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    ways: tuple[Callable[[], object], ...] = (
        lambda: subprocess.run(master, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=30),
        lambda: host.run(Command(("true",))),
        lambda: host.run(Command(("true",), Effect.WRITE)),
    )
    taken: tuple[list[float], ...] = ([], [], [])
    try:
        for _ in range(rounds):
            for way, times in zip(ways, taken, strict=True):
                started = time.perf_counter()
                way()
                times.append(time.perf_counter() - started)
    finally:
        transport.close()
        subprocess.run([master[0], "-O", "exit", *master[1:-1]], capture_output=True, timeout=30, check=False)
    return Latency(*(statistics.median(times) for times in taken))


def main() -> int:
    """Measure and print; 1 when a command costs more than it may."""
    found = measure()
    print(found)
    return int(found.ratio > MOST)


if __name__ == "__main__":
    sys.exit(main())
