"""What a completed move leaves in the hosts' files: the same on both sides, and no word of others lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.checks.configuration import configuration
from harness.evidence import Evidence, HostSnapshot

from . import builders
from .asking import cannot_tell, fails, passes
from .builders import ADDITIONAL, ORIGINAL, RESOURCE

CONF, OPTIONS = "/etc/eucalyptus/drbd.conf", "/etc/eucalyptus/eucalyptus.conf"


def _with(path: str, text: str | None, *hosts: str) -> Evidence:
    """A completed move after which the file has this text on these hosts."""
    evidence = builders.completed()
    evidence.after = [_file(seen, path, text) if seen.host in hosts else seen for seen in evidence.after]
    return evidence


def _file(seen: HostSnapshot, path: str, text: str | None) -> HostSnapshot:
    return replace(seen, files={**seen.files, path: text})


def test_a_good_move_passes() -> None:
    passes(configuration, builders.completed())


def test_one_side_says_something_else() -> None:
    evidence = _with(CONF, RESOURCE + "# mine\n", ADDITIONAL)
    fails(configuration, evidence, f"{CONF} is not the same on walrus00 and walrus01")


@pytest.mark.parametrize("policy", ["after-sb-0pri discard-zero-changes", "after-sb-1pri discard-secondary"])
def test_a_policy_that_discards_data(policy: str) -> None:
    text = f"resource r0 {{\n  protocol C;\n  {policy};\n}}\n"
    fails(configuration, _with(CONF, text, ORIGINAL, ADDITIONAL), f"discards data by itself: {policy}")


def test_a_protocol_that_does_not_wait_for_the_peer() -> None:
    text = RESOURCE.replace("protocol C", "protocol A")
    fails(configuration, _with(CONF, text, ORIGINAL, ADDITIONAL), "wait for both disks")


def test_a_line_of_somebody_else_in_fstab() -> None:
    fails(configuration, _with("/etc/fstab", "", ORIGINAL), "/dev/sda1 / ext4 defaults 0 1 is gone")


def test_an_option_of_somebody_else() -> None:
    evidence = _with(OPTIONS, 'CLOUD_OPTS="-Dwalrus.storage.manager=DRBDStorageManager"\n', ORIGINAL)
    evidence.before = [_file(seen, OPTIONS, 'CLOUD_OPTS="-Xmx512m"\n') for seen in evidence.before]
    fails(configuration, evidence, "-Xmx512m is gone")


def test_a_service_that_no_boot_starts_any_more() -> None:
    evidence = builders.completed()
    services = {"eucalyptus-cloud": {"running": True, "starts at boot": False}}
    evidence.after = [replace(seen, services=services) for seen in evidence.after]
    fails(configuration, evidence, "eucalyptus-cloud started at boot before the move")


def test_a_side_on_which_no_boot_brings_drbd_up() -> None:
    evidence = builders.completed()
    evidence.after[1] = replace(evidence.after[1], services=evidence.before[1].services)
    fails(configuration, evidence, "walrus01: nothing brings DRBD up at boot")


def test_a_side_of_which_nobody_knows_whether_a_boot_brings_drbd_up() -> None:
    evidence = builders.completed()
    known = {"eucalyptus-cloud": evidence.after[0].services["eucalyptus-cloud"]}
    evidence.after[0] = replace(evidence.after[0], services=known)
    cannot_tell(configuration, evidence, "whether walrus00 has an init script of DRBD")


def test_a_host_that_nobody_looked_at() -> None:
    evidence = builders.completed()
    evidence.after = [replace(seen, reachable=seen.host == ORIGINAL) for seen in evidence.after]
    cannot_tell(configuration, evidence, "walrus01 was not seen")


def test_no_file_that_defines_the_pair() -> None:
    cannot_tell(configuration, _with(CONF, None, ORIGINAL), "defines a DRBD resource")


def test_a_move_that_did_not_happen_leaves_nothing_to_read() -> None:
    passes(configuration, builders.rolled_back())


def test_a_side_whose_fstab_does_not_know_the_device() -> None:
    evidence = builders.completed()
    evidence = _with("/etc/fstab", evidence.before[1].files["/etc/fstab"], ADDITIONAL)
    fails(configuration, evidence, "walrus01: 0 lines of /etc/fstab", "expected one")


def test_a_device_that_the_boot_mounts() -> None:
    evidence = builders.completed()
    text = (evidence.after[0].files["/etc/fstab"] or "").replace("noauto,owner", "owner")
    fails(configuration, _with("/etc/fstab", text, ORIGINAL, ADDITIONAL), "mounts the replicated device at boot")
