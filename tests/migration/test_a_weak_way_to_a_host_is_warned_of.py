"""Whoever allows a host what today's ssh does not trust is told so by `check`, for that host and no other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from harness.hosts.ssh import SshConnection
from harness.hosts.transport import Connection, Transport
from harness.labs.lab import Start
from harness.labs.simulated import SimulatedLab
from harness.migration.run import Migration


@dataclass(frozen=True)
class OldWay:
    """A simulated host that is reached as an old one would be."""

    inner: Connection

    def open(self, name: str) -> Transport:
        return self.inner.open(name)

    def describe(self) -> str:
        return self.inner.describe()

    def weakness(self) -> str | None:
        return SshConnection("walrus00", legacy=True).weakness()


def test_for_that_host_and_no_other(tmp_path: Path) -> None:
    with SimulatedLab().open(Start()) as opened:
        original = opened.inventory.original
        inventory = replace(opened.inventory, original=replace(original, connection=OldWay(original.connection)))
        found = Migration(inventory, tmp_path / "run", opened.clock).check()
    assert [(finding.id, finding.host, finding.severity) for finding in found] == [
        ("legacy-ssh", original.name, "warning")
    ]
    assert "SHA-1" in found[0].message
