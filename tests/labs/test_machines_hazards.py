"""Every hazard that a scenario can plant is really there on machines: preflight finds each, on the host that has it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL, Start, StoreSpec
from harness.labs.machine_cleanup import watch_over
from harness.labs.machine_furnish import call_fakes
from harness.labs.machine_rack import MachineRack, rack
from harness.migration.run import Migration
from harness.trials.hazards import Differs

pytestmark = pytest.mark.xdist_group("machines")

DIFFERS = {
    "store_is_symlink": True,
    "uid_differs": True,
    "additional_device_bytes": 128 * 1024**2,
    "device_signature": {"original": "drbd", "additional": "xfs"},
    "fstab_line": {"host": "original", "line": "LABEL=bukkits /var/lib/eucalyptus/bukkits ext3 defaults 0 0"},
    "uname": {"additional": "other-name"},
    "os_release": {"additional": "CentOS release 6.4 (Final)"},
    "drbd_port_blocked": True,
    "key_sync_fails": True,
    "listening_port": {"host": "original", "port": 7789},
    "eucalyptus_version": {"additional": "3.1.0"},
    "storagedir": "/srv/elsewhere",
    "missing_program": {"host": "additional", "program": "setsid"},
    "next_enabled": "walrus01",
    "file": {"host": "additional", "path": "/etc/drbd.d/other.res", "line": "resource other { protocol C; }"},
    "openssl": {"original": "wrong", "additional": "absent"},
    "missing_init_script": "additional",
}
_OPENSSL = "which openssl >/dev/null || { echo absent; exit 0; }; echo anything | openssl dgst -sha256 -r"
FOUND = {
    ("tool-missing", "walrus01"),
    ("drbd-init-script-missing", "walrus01"),
    ("os-differs", "walrus01"),
    ("eucalyptus-version-differs", "walrus01"),
    ("uid-differs", "walrus01"),
    ("uname-differs", "walrus01"),
    ("store-is-symlink", "walrus00"),
    ("fstab-contradicts", "walrus00"),
    ("device-size-differs", "walrus01"),
    ("device-not-blank", "walrus00"),
    ("device-not-blank", "walrus01"),
    ("port-in-use", "walrus00"),
    ("peer-port-blocked", "walrus00"),
    ("peer-port-blocked", "walrus01"),
    ("storagedir-differs", "clc00"),
}


def test_every_hazard_of_the_model_is_planted_here() -> None:
    assert {*DIFFERS, "other_drbd_mount", "drbd_version"} == set(Differs.model_fields), "all but what the lab refuses"


def test_preflight_finds_every_hazard_and_the_cloud_knows_the_rest(
    require_lab: Callable[[str], None], tmp_path: Path
) -> None:
    require_lab("machines")
    start = Start(store=StoreSpec(objects=3, bytes=3000), device_bytes=256 * 1024**2, differs=DIFFERS)
    run_id = secrets.token_hex(4)
    watchdog = watch_over(run_id)
    run = rack(run_id, start)
    try:
        run.bring_up()
        _look(run, tmp_path)
    finally:
        run.tear_down()
        watchdog.dismiss()


def _look(run: MachineRack, folder: Path) -> None:
    found = {(finding.id, finding.host) for finding in Migration(run.inventory(), folder / "run").check()}
    assert found == FOUND
    assert "resource other" in run.hosts[ADDITIONAL].execute("cat", "/etc/drbd.d/other.res").text
    told = [run.hosts[role].execute("sh", "-c", _OPENSSL).text for role in (ORIGINAL, ADDITIONAL)]
    assert told == [f"{hashlib.sha256().hexdigest()} *stdin\n", "absent\n"]
    cloud = run.world()["cloud"]
    assert (cloud["key_sync_fails"], cloud["next_enabled"]) == (True, "walrus01")
    assert "walrus-original" in call_fakes(run.hosts[CLC], "cloud:euca_conf", "--list-walruses")
