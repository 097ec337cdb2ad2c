"""DRBDStorageManager: who mounts, who demotes, and what nobody is told."""

from __future__ import annotations

import pytest

from fakes.programs import walrus
from fakes.world import Disk, Mount
from tests.fakes.clouds import (
    ADDRESSES,
    DRBD_OPTIONS,
    PLAIN_OPTIONS,
    STORE,
    SimulatedCloud,
    configure,
    serving_cloud,
)

OBJECT = "/services/Walrus/bucket/object"
DRBD_CONF = f"""resource r0 {{
  protocol C;
  device /dev/drbd1;
  disk /dev/sdb;
  meta-disk internal;
  net {{ after-sb-0pri disconnect; after-sb-1pri disconnect; after-sb-2pri disconnect; }}
  on walrus00 {{ address {ADDRESSES["walrus00"]}:7789; }}
  on walrus01 {{ address {ADDRESSES["walrus01"]}:7789; }}
}}
"""


def _run(cloud: SimulatedCloud, host: str, *argv: str) -> None:
    """A command that must succeed."""
    reply = cloud.run(cloud.simulation.machines[host], *argv)
    assert reply.exit_status == 0, (host, argv, reply)


@pytest.fixture
def prepared() -> SimulatedCloud:
    """Services down; the device replicated, formatted, unmounted, Secondary on both sides; Walrus configured for it."""
    cloud = serving_cloud()
    cloud.register(cloud.additional, "walrus-additional")
    cloud.ticks(4)
    for machine in (cloud.additional, cloud.original):
        _run(cloud, machine.name, "service", "eucalyptus-cloud", "stop")
        cloud.world.hosts[machine.name].disks["/dev/sdb"] = Disk("/dev/sdb", 1024**3)
        machine.files.write("/etc/drbd.conf", b'include "/etc/eucalyptus/drbd.conf";\n')
        machine.files.write("/etc/eucalyptus/drbd.conf", DRBD_CONF.encode())
        machine.files.write("/etc/fstab", f"/dev/drbd1 {STORE} ext4 noauto,owner 0 0\n".encode())
        configure(machine, DRBD_OPTIONS)
        _run(cloud, machine.name, "modprobe", "drbd")
        _run(cloud, machine.name, "drbdadm", "create-md", "r0")
        _run(cloud, machine.name, "drbdadm", "up", "r0")
    cloud.simulation.advance(1)
    _run(cloud, "walrus00", "drbdadm", "new-current-uuid", "--clear-bitmap", "r0")
    _run(cloud, "walrus00", "drbdadm", "primary", "r0")
    _run(cloud, "walrus00", "mkfs.ext4", "-q", "/dev/drbd1")
    _run(cloud, "walrus00", "drbdadm", "secondary", "r0")
    return cloud


def _start_both(cloud: SimulatedCloud) -> None:
    for machine in (cloud.original, cloud.additional):
        _run(cloud, machine.name, "service", "eucalyptus-cloud", "start")
    cloud.ticks(1)


def _set_properties(cloud: SimulatedCloud, device: str = "/dev/drbd1", resource: str = "r0") -> None:
    _run(cloud, "clc00", "euca-modify-property", "-p", f"walrus.blockdevice={device}")
    _run(cloud, "clc00", "euca-modify-property", "-p", f"walrus.resource={resource}")


@pytest.fixture
def pair(prepared: SimulatedCloud) -> SimulatedCloud:
    """The original is ENABLED on the device with one object, the additional DISABLED."""
    prepared.world.cloud.next_enabled = "walrus00"
    _start_both(prepared)
    _set_properties(prepared)
    prepared.ticks(4)
    assert prepared.states() == {"walrus00": "ENABLED", "walrus01": "DISABLED"}
    prepared.original.files.mkdir(f"{STORE}/bucket")
    prepared.original.files.write(f"{STORE}/bucket/object", b"bytes")
    return prepared


def _role(cloud: SimulatedCloud, host: str) -> str:
    return cloud.run(cloud.simulation.machines[host], "drbdadm", "role", "r0").stdout.decode().strip()


def _mounts(cloud: SimulatedCloud, host: str) -> list[tuple[str, str]]:
    return [(mount.device, mount.at) for mount in cloud.world.hosts[host].mounts]


def _message(cloud: SimulatedCloud, name: str) -> str:
    return cloud.world.cloud.walruses[name].message


def _log(cloud: SimulatedCloud, host: str) -> str:
    return cloud.simulation.machines[host].files.read(walrus.LOG).decode()


# The first start


def test_the_properties_row_exists_only_after_a_start_with_the_drbd_manager(prepared: SimulatedCloud) -> None:
    assert not prepared.world.cloud.drbd_row
    _run(prepared, "walrus00", "service", "eucalyptus-cloud", "start")
    prepared.ticks(1)
    assert prepared.world.cloud.drbd_row
    listed = prepared.run(prepared.clc, "euca-describe-properties").stdout.decode()
    assert "PROPERTY\twalrus.blockdevice\t/dev/unknown\n" in listed


def test_unset_properties_leave_walrus_notready_with_the_vendors_message(prepared: SimulatedCloud) -> None:
    _start_both(prepared)
    prepared.ticks(5)
    assert prepared.states() == {"walrus00": "NOTREADY", "walrus01": "NOTREADY"}
    assert _message(prepared, "walrus-original") == "Unable to get connection status for resource: null"
    assert "Error starting storage backend: Block device /dev/unknown not found." in _log(prepared, "walrus00")


def test_a_mistyped_resource_leaves_walrus_notready(prepared: SimulatedCloud) -> None:
    _start_both(prepared)
    _set_properties(prepared, resource="r1")
    prepared.ticks(5)
    assert prepared.states() == {"walrus00": "NOTREADY", "walrus01": "NOTREADY"}
    assert _message(prepared, "walrus-original") == "Unable to get connection status for resource: r1"


def test_a_mistyped_device_never_becomes_enabled(prepared: SimulatedCloud) -> None:
    _start_both(prepared)
    _set_properties(prepared, device="/dev/drbd7")
    prepared.ticks(6)
    assert "ENABLED" not in prepared.states().values()
    assert "Block device /dev/drbd7 not found." in {_message(prepared, name) for name in prepared.world.cloud.walruses}


def test_one_node_that_was_not_updated_falls_back_silently_to_its_bare_directory(prepared: SimulatedCloud) -> None:
    configure(prepared.original, PLAIN_OPTIONS)
    prepared.world.cloud.next_enabled = "walrus00"
    _start_both(prepared)
    _set_properties(prepared)
    prepared.ticks(5)
    assert prepared.states() == {"walrus00": "ENABLED", "walrus01": "DISABLED"}
    assert _mounts(prepared, "walrus00") == []
    assert _role(prepared, "walrus00") == "Secondary/Secondary"


# Enabled


def test_the_enabled_walrus_is_primary_and_mounts_as_eucalyptus(pair: SimulatedCloud) -> None:
    assert _role(pair, "walrus00") == "Primary/Secondary"
    assert _mounts(pair, "walrus00") == [("/dev/drbd1", STORE)]
    assert pair.world.hosts["walrus00"].mounts[0].user == "eucalyptus"
    assert _mounts(pair, "walrus01") == []
    root = pair.original.files.stat(STORE)
    assert (root.uid, root.gid, root.mode) == (498, 498, 0o700)
    assert walrus.serve(pair.original, OBJECT) == (200, b"bytes")


def test_only_the_top_directory_changes_hands_at_the_mount(pair: SimulatedCloud) -> None:
    _run(pair, "walrus00", "service", "eucalyptus-cloud", "stop")
    pair.ticks(2)
    below = pair.additional.files.stat(f"{STORE}/bucket/object")
    assert (below.uid, below.gid) == (0, 0)
    assert pair.additional.files.stat(STORE).uid == 498


def test_stop_unmounts_and_demotes(pair: SimulatedCloud) -> None:
    _run(pair, "walrus01", "service", "eucalyptus-cloud", "stop")
    _run(pair, "walrus00", "service", "eucalyptus-cloud", "stop")
    assert _role(pair, "walrus00") == "Secondary/Secondary"
    assert _mounts(pair, "walrus00") == []
    assert not pair.original.files.exists(f"{STORE}/bucket")


def test_the_other_walrus_takes_over_with_the_same_objects(pair: SimulatedCloud) -> None:
    _run(pair, "walrus00", "service", "eucalyptus-cloud", "stop")
    pair.ticks(1)
    assert pair.states() == {"walrus00": "STOPPED", "walrus01": "ENABLED"}
    assert _role(pair, "walrus01") == "Primary/Secondary"
    assert walrus.serve(pair.additional, OBJECT) == (200, b"bytes")


def test_a_wrong_type_in_fstab_ends_secondary_on_both_sides(prepared: SimulatedCloud) -> None:
    for machine in (prepared.original, prepared.additional):
        machine.files.write("/etc/fstab", f"/dev/drbd1 {STORE} xfs noauto,owner 0 0\n".encode())
    _start_both(prepared)
    _set_properties(prepared)
    prepared.ticks(6)
    assert "ENABLED" not in prepared.states().values()
    assert _role(prepared, "walrus00") == "Secondary/Secondary"
    failed = f"Unable to mount primary: Unable to mount /dev/drbd1 as {STORE}"
    assert failed in {_message(prepared, name) for name in prepared.world.cloud.walruses}


# Killed, cut off


def test_kill_9_leaves_the_node_primary_and_mounted(pair: SimulatedCloud) -> None:
    pair.original.kill(pair.world.hosts["walrus00"].services["eucalyptus-cloud"].pid)
    pair.ticks(8)
    assert _role(pair, "walrus00") == "Primary/Secondary"
    assert _mounts(pair, "walrus00") == [("/dev/drbd1", STORE)]
    assert "ENABLED" not in pair.states().values()
    refused = "Peer is primary and I am supposed to be master! Unable to proceed!"
    pair.world.cloud.walruses["walrus-additional"].message = ""
    seen = set()
    for _ in range(3):
        pair.ticks(1)
        seen.add(_message(pair, "walrus-additional"))
    assert refused in seen


def test_a_start_after_kill_9_cleans_up(pair: SimulatedCloud) -> None:
    pair.original.kill(pair.world.hosts["walrus00"].services["eucalyptus-cloud"].pid)
    pair.world.cloud.next_enabled = "walrus00"
    _run(pair, "walrus00", "service", "eucalyptus-cloud", "start")
    pair.ticks(5)
    assert pair.states() == {"walrus00": "ENABLED", "walrus01": "DISABLED"}
    assert walrus.serve(pair.original, OBJECT) == (200, b"bytes")


def test_with_the_cloud_controller_stopped_first_the_node_stays_primary_and_mounted(pair: SimulatedCloud) -> None:
    _run(pair, "clc00", "service", "eucalyptus-cloud", "stop")
    _run(pair, "walrus00", "service", "eucalyptus-cloud", "stop")
    assert _role(pair, "walrus00") == "Primary/Secondary"
    assert _mounts(pair, "walrus00") == [("/dev/drbd1", STORE)]


def test_without_a_peer_walrus_promotes_all_the_same(pair: SimulatedCloud) -> None:
    pair.original.power_off()
    pair.ticks(2)
    assert pair.states() == {"walrus00": "NOTREADY", "walrus01": "ENABLED"}
    assert _role(pair, "walrus01") == "Primary/Unknown"


# Mounted by somebody else


def _mount_as_root(cloud: SimulatedCloud, at: str = STORE) -> None:
    _run(cloud, "walrus00", "drbdadm", "primary", "r0")
    _run(cloud, "walrus00", "mount", "-t", "ext4", "/dev/drbd1", at)


def test_what_root_mounted_is_not_unmounted_by_the_service(prepared: SimulatedCloud) -> None:
    prepared.world.cloud.drbd_row = True
    _set_properties(prepared)
    _mount_as_root(prepared)
    prepared.original.files.chown(STORE, 498, 0)  # as after a copy that kept the owner
    prepared.world.cloud.next_enabled = "walrus00"
    _start_both(prepared)
    prepared.ticks(5)
    assert prepared.states()["walrus00"] == "ENABLED"
    assert prepared.original.files.stat(STORE).gid == 0  # the chown that follows a mount of its own was skipped
    assert "Error starting storage backend: Unable to unmount /dev/drbd1" in _log(prepared, "walrus00")
    _run(prepared, "walrus00", "service", "eucalyptus-cloud", "stop")
    assert _mounts(prepared, "walrus00") == [("/dev/drbd1", STORE)]
    assert _role(prepared, "walrus00") == "Primary/Secondary"


def test_a_fresh_file_system_that_root_mounted_cannot_be_written_by_the_service(prepared: SimulatedCloud) -> None:
    prepared.world.cloud.drbd_row = True
    _set_properties(prepared)
    _mount_as_root(prepared)
    _start_both(prepared)
    prepared.ticks(5)
    assert _message(prepared, "walrus-original") == "Invalid bucket root directory"


def test_mounted_elsewhere_counts_as_mounted(prepared: SimulatedCloud) -> None:
    prepared.world.cloud.drbd_row = True
    _set_properties(prepared)
    prepared.original.files.mkdir("/newlocation")
    _mount_as_root(prepared, "/newlocation")
    prepared.world.cloud.next_enabled = "walrus00"
    _start_both(prepared)
    prepared.ticks(5)
    assert prepared.states()["walrus00"] == "ENABLED"
    assert _mounts(prepared, "walrus00") == [("/dev/drbd1", "/newlocation")]


def test_another_device_whose_name_begins_alike_counts_as_mounted(prepared: SimulatedCloud) -> None:
    prepared.world.hosts["walrus00"].mounts.append(Mount("/dev/drbd10", "/mnt", "ext4"))
    prepared.world.cloud.next_enabled = "walrus00"
    _start_both(prepared)
    _set_properties(prepared)
    prepared.ticks(5)
    assert prepared.states()["walrus00"] == "ENABLED"
    assert _mounts(prepared, "walrus00") == [("/dev/drbd10", "/mnt")]


# Checks


def test_the_check_passes_during_a_resync(pair: SimulatedCloud) -> None:
    _run(pair, "walrus00", "service", "eucalyptus-cloud", "stop")
    _run(pair, "walrus01", "service", "eucalyptus-cloud", "stop")
    pair.world.resources["r0"].sync_stalled = True
    _run(pair, "walrus01", "drbdadm", "disconnect", "r0")
    _run(pair, "walrus00", "drbdadm", "primary", "r0")
    _run(pair, "walrus00", "mount", "-t", "ext4", "/dev/drbd1", STORE)
    pair.original.files.write(f"{STORE}/bucket/more", b"x" * 65536)
    _run(pair, "walrus00", "umount", STORE)
    _run(pair, "walrus00", "drbdadm", "secondary", "r0")
    _run(pair, "walrus01", "drbdadm", "connect", "r0")
    pair.simulation.advance(2)
    cstate = pair.run(pair.original, "drbdadm", "cstate", "r0").stdout
    assert cstate.startswith(b"Sync"), cstate
    walrus.DrbdManager(pair.original).check("DISABLED")


def test_connected_and_not_both_up_to_date_is_an_error(pair: SimulatedCloud) -> None:
    pair.world.hosts["walrus01"].sides["r0"].disk = "Outdated"
    pair.world.hosts["walrus00"].sides["r0"].peer_disk = "Outdated"
    with pytest.raises(walrus.StorageError, match=r"^Resource connected but not up to date!$"):
        walrus.DrbdManager(pair.original).check("DISABLED")


def test_the_check_undoes_a_disconnect_for_maintenance(pair: SimulatedCloud) -> None:
    _run(pair, "walrus01", "drbdadm", "disconnect", "r0")
    pair.ticks(2)
    assert pair.run(pair.original, "drbdadm", "cstate", "r0").stdout == b"Connected\n"


def test_an_enabled_walrus_that_was_demoted_says_so(pair: SimulatedCloud) -> None:
    _run(pair, "walrus00", "umount", STORE)
    with pytest.raises(walrus.StorageError, match="I am the master, but not DRBD primary"):
        walrus.DrbdManager(pair.original).check("ENABLED")
