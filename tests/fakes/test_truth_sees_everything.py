"""The truth door tells every property of an entry, and nothing that is not the move's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes import truth
from fakes.memory import MemoryFilesystem
from fakes.seeding import materialise, plan_store
from fakes.simulated import SimulatedMachine, SimulatedWorld
from fakes.world import Disk, Metadata, Mount, Service
from harness.evidence import Entry, HostSnapshot, Manifest
from tests.fakes.twins import disk_manifest, make_twins, needs_root

STORE, STAGING = "/var/lib/eucalyptus/bukkits", "/newlocation"
OBJECT = f"{STORE}/.foreign"


@pytest.fixture
def machine() -> SimulatedMachine:
    made = SimulatedWorld().add_host("walrus00", "10.0.0.10", "original")
    for directory in ("/etc", "/etc/eucalyptus", "/var", "/var/lib", "/var/lib/eucalyptus", "/var/log", STAGING):
        made.files.mkdir(directory)
    materialise(made.files, STORE, plan_store(30, 50_000, 3, True), 498, 498)
    return made


@needs_root
def test_it_agrees_with_another_walker_on_a_real_disk(tmp_path: Path) -> None:
    twins = make_twins(tmp_path, plan_store(60, 200_000, 11, True))
    assert truth.walk(twins.machine.files, twins.path("store")) == disk_manifest(twins.path("store"))


def test_it_is_what_evidence_holds(machine: SimulatedMachine) -> None:
    found = json.loads(json.dumps(truth.manifest(machine.files, STORE)))
    read = Manifest([Entry(**entry) for entry in found["entries"]], found["error"])
    assert [entry.path for entry in read.entries] == sorted(entry.path for entry in read.entries)
    assert read.entries[0].path == "."


Change = Callable[[MemoryFilesystem], None]


def _save_a_file(files: MemoryFilesystem) -> None:
    files.mkdir(f"{STORE}/lost+found")
    files.write(f"{STORE}/lost+found/#12", b"")


CHANGES: dict[str, Change] = {
    "content": lambda files: files.flip_byte(OBJECT),
    "mode": lambda files: files.chmod(OBJECT, 0o601),
    "owner": lambda files: files.chown(OBJECT, 1, 0),
    "group": lambda files: files.chown(OBJECT, 0, 1),
    "time by a nanosecond": lambda files: files.utime(OBJECT, files.stat(OBJECT).mtime_ns + 1),
    "extended attribute": lambda files: files.set_xattr(OBJECT, "user.a", b""),
    "another link": lambda files: files.link(OBJECT, f"{STORE}/more"),
    "absence": lambda files: files.unlink(OBJECT),
    "a name": lambda files: files.rename(OBJECT, OBJECT + "\udcff"),
    "a directory's mode": lambda files: files.chmod(f"{STORE}/empty-bucket", 0o701),
    "a directory more": lambda files: files.mkdir(f"{STORE}/lost+found.d"),
    "a file saved by fsck": _save_a_file,
}


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_no_change_escapes_it(machine: SimulatedMachine, change: str) -> None:
    before = truth.walk(machine.files, STORE)
    CHANGES[change](machine.files)
    assert truth.walk(machine.files, STORE) != before


def test_two_equal_files_are_not_one(machine: SimulatedMachine) -> None:
    linked = {entry["path"]: entry["same_as"] for entry in truth.walk(machine.files, STORE)}
    sets = {first for first in linked.values() if first}
    assert len(sets) == 1
    third = f"{STORE}/empty-bucket.links/third-name"
    content = machine.files.content(third)
    machine.files.unlink(third)
    machine.files.put_content(third, content)
    assert {entry["path"]: entry["same_as"] for entry in truth.walk(machine.files, STORE)} != linked


def test_a_file_systems_own_directory_is_no_object(machine: SimulatedMachine) -> None:
    before = [entry["path"] for entry in truth.walk(machine.files, STORE)]
    machine.files.mkdir(f"{STORE}/lost+found")
    assert [entry["path"] for entry in truth.walk(machine.files, STORE)] == before


def test_what_cannot_be_read_is_an_error(machine: SimulatedMachine) -> None:
    machine.files.make_unreadable(OBJECT)
    assert truth.manifest(machine.files, STORE) == {"entries": [], "error": f"{OBJECT}: Input/output error"}
    assert truth.manifest(machine.files, "/nowhere") == {"entries": [], "error": "/nowhere: No such file or directory"}


def test_a_snapshot_of_a_host(machine: SimulatedMachine) -> None:
    row = machine.simulation.state.hosts["walrus00"]
    row.services["eucalyptus-cloud"] = Service(running=True)
    row.mounts.append(Mount("/dev/drbd1", STORE, "ext4"))
    row.disks = {
        "/dev/sdb": Disk("/dev/sdb", 1, metadata=Metadata("1")),
        "/dev/sdc": Disk("/dev/sdc", 1, signature="ext4"),
        "/dev/sdd": Disk("/dev/sdd", 1),
    }
    machine.files.write("/etc/fstab", b"caf\xe9\n")
    found = truth.snapshot(machine, ["/etc/fstab", "/etc/drbd.conf"], STORE, STAGING)
    assert HostSnapshot(**json.loads(json.dumps(found))) == HostSnapshot(
        host="walrus00",
        reachable=True,
        files={"/etc/fstab": "caf\\xe9\n", "/etc/drbd.conf": None},
        services={"eucalyptus-cloud": {"running": True, "starts at boot": True}},
        disks={"/dev/sdb": "drbd", "/dev/sdc": "ext4", "/dev/sdd": "blank"},
        mounts=[["/dev/drbd1", STORE]],
    )


def test_leftovers_are_what_only_a_move_makes(machine: SimulatedMachine) -> None:
    assert truth.leftovers(machine.files, STORE, STAGING) == []
    made = [f"{STAGING}/bukkits", f"{STORE}.before-ha", "/etc/fstab.before-walrus-ha",
            "/etc/eucalyptus/eucalyptus.conf.before-walrus-ha.new", "/etc/.fstab.walrus-ha"]  # fmt: skip
    for path in (*made, f"{STAGING}/of-somebody-else", "/etc/fstab"):
        machine.files.write(path, b"")
    assert truth.leftovers(machine.files, STORE, STAGING) == sorted(made)


@pytest.mark.parametrize("path", ["/etc/fstab", "/etc/eucalyptus/x", f"{STORE}/new\nname", f"{STAGING}/x", "/var/x"])
def test_a_listing_shows_every_mutation(machine: SimulatedMachine, path: str) -> None:
    before = truth.listing(machine)
    machine.files.write(path, b"1")
    first = truth.listing(machine)
    machine.simulation.advance(1.0)
    machine.files.write(path, b"2")
    assert len({json.dumps(found, sort_keys=True) for found in (before, first, truth.listing(machine))}) == 3


def test_a_listing_leaves_out_what_changes_by_itself(machine: SimulatedMachine) -> None:
    before = truth.listing(machine)
    machine.files.write("/var/log/messages", b"1")
    machine.claim("run", 1)
    assert truth.listing(machine) == before
