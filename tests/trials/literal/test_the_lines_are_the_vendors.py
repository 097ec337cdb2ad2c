"""With the devices of the vendor's own example, the lines that are typed are the vendor's, letter by letter."""

from __future__ import annotations

from dataclasses import dataclass

from harness.hosts.transport import Transport
from harness.inventory import Inventory, Node, Role, Settings
from harness.trials.literal.choices import VENDOR_STEPS, Choices
from harness.trials.literal.runbook import Edited, Typed, appendix_c


@dataclass(frozen=True)
class Nowhere:
    """Nothing is sent in these tests."""

    def open(self, name: str) -> Transport:
        raise AssertionError(name)

    def describe(self) -> str:
        return "nowhere"

    def weakness(self) -> str | None:
        return None


def node(name: str, role: Role, address: str) -> Node:
    return Node(name, role, Nowhere(), address, name, None if role == "clc" else "/dev/sdb1")


INVENTORY = Inventory(
    node("walrus00", "original", "192.168.58.1"),
    node("walrus01", "additional", "192.168.58.2"),
    node("clc00", "clc", "192.168.58.5"),
    Settings(),
    "the vendor's example",
)
AS_WRITTEN = """
additional  service eucalyptus-cloud status
clc         euca_conf --register-walrus --partition walrus --host 192.168.58.2 --component walrus-walrus01
original    service eucalyptus-cloud stop
additional  service eucalyptus-cloud stop
original    cp -R --preserve /var/lib/eucalyptus/bukkits /newlocation/
original    modprobe drbd
additional  modprobe drbd
original    service eucalyptus-cloud restart
additional  service eucalyptus-cloud restart
clc         euca-describe-services
original    service eucalyptus-cloud stop
additional  service eucalyptus-cloud stop
original    drbdmeta --force /dev/drbd1 v08 /dev/sdb1 internal create-md
original    drbdadm up r0
additional  drbdmeta --force /dev/drbd1 v08 /dev/sdb1 internal create-md
additional  drbdadm up r0
original    drbdsetup /dev/drbd1 syncer -r 110M
original    drbdadm -- --overwrite-data-of-peer primary r0
original    drbdadm dstate r0
original    mkfs.ext3 /dev/drbd1
original    service eucalyptus-cloud start
additional  service eucalyptus-cloud start
clc         euca-modify-property -p walrus.blockdevice=/dev/drbd1
clc         euca-modify-property -p walrus.resource=r0
clc         euca-describe-services
original    drbd-overview
original    service eucalyptus-cloud stop
additional  service eucalyptus-cloud stop
original    cp -R --preserve /newlocation/* /var/lib/eucalyptus/bukkits/
original    drbd-overview
original    service eucalyptus-cloud start
additional  service eucalyptus-cloud start
"""
DRBD_CONF = """
resource r0 {
  on walrus00 {
    device    /dev/drbd1;
    disk      /dev/sdb1;
    address   192.168.58.1:7789;
    meta-disk internal;
  }
  on walrus01 {
    device    /dev/drbd1;
    disk      /dev/sdb1;
    address   192.168.58.2:7789;
    meta-disk internal;
  }
  syncer {
    rate 40M;
  }
  net {
    after-sb-0pri discard-zero-changes;
    after-sb-1pri discard-secondary;
  }
}
"""


def typed(choices: Choices) -> list[tuple[str, str]]:
    return [(line.host, line.line) for line in appendix_c(INVENTORY, choices) if isinstance(line, Typed)]


def edited(path: str, before: str) -> str:
    change = next(line.change for line in appendix_c(INVENTORY, Choices()) if getattr(line, "path", "") == path
                  and isinstance(line, Edited))  # fmt: skip
    return change(before)


def test_the_procedure_as_it_is_written() -> None:
    expected = [tuple(line.split(maxsplit=1)) for line in AS_WRITTEN.strip().splitlines()]
    assert typed(Choices()) == expected


def test_the_files_are_edited_as_the_topic_shows_them() -> None:
    assert edited("/etc/eucalyptus/drbd.conf", "") == DRBD_CONF.lstrip()
    assert edited("/etc/drbd.conf", 'include "drbd.d/*.res";\n') == (
        'include "drbd.d/*.res";\ninclude "/etc/eucalyptus/drbd.conf";\n'
    )
    assert edited("/etc/fstab", "") == "/dev/drbd1 /var/lib/eucalyptus/bukkits ext3 noauto,owner 0 0\n"
    assert edited("/etc/eucalyptus/eucalyptus.conf", 'A=1\nCLOUD_OPTS="-Xmx512m"\n') == (
        'A=1\nCLOUD_OPTS="-Dwalrus.storage.manager=DRBDStorageManager"\n'
    )


def test_the_tip_on_skipping_the_sync_types_the_linked_topic() -> None:
    lines = [line for _, line in typed(Choices(skip_sync=True))]
    first = lines.index("drbdadm -- --clear-bitmap new-current-uuid r0")
    assert lines[first + 1 : first + 3] == ["drbdadm primary r0", "drbdsetup /dev/drbd1 syncer -r 110M"]
    assert "mkfs.ext3 /dev/drbd1" in lines[first:]


def test_steps_stand_in_the_order_of_the_text() -> None:
    steps = [line.step for line in appendix_c(INVENTORY, Choices(skip_sync=True))]
    assert list(dict.fromkeys(steps))[:11] == list(VENDOR_STEPS[:11])
