"""Parsers of what programs on the hosts print: DRBD, devices, mounts, files, services and the cloud's tools."""

from __future__ import annotations

import re
import shlex

from harness.errors import CommandFailed, UnexpectedOutput
from harness.hosts.command import Result
from harness.migration.preflight import drbd as preflight_drbd
from harness.systems import eucalyptus, files, mounts, services, volumes
from harness.systems.drbd import config, dialect, status
from harness.systems.printed import lines
from tests.fuzz.printed import Printed, Row, printed, text_of

DEVICE, STORE = "/dev/drbd1", "/var/lib/eucalyptus/bukkits"
ODD = (UnexpectedOutput,)
TOLD = (UnexpectedOutput, CommandFailed)


def _include(given: bytes) -> str:
    """What was there stays, and our line is there once."""
    path = "/etc/eucalyptus/drbd.conf"
    once = config.with_include(text_of(given), path)
    assert config.with_include(once, path) == once, "a second include"
    assert once.startswith(text_of(given).rstrip()) or not text_of(given).strip(), "something else was changed"
    return once


def _fstab(given: bytes) -> object:
    """Exactly one line is ours, every other line is as it was, doing it again changes nothing."""
    text = text_of(given)
    wanted = (DEVICE, STORE, "ext4", "noauto,owner")
    once = mounts.fstab_with(text, DEVICE, STORE, "ext4")
    assert mounts.fstab_with(once, DEVICE, STORE, "ext4") == once, "a second line"
    ours = [line for line in mounts.parse_fstab(once) if (line.device, line.at) == (DEVICE, STORE)]
    assert [(line.device, line.at, line.fstype, line.options) for line in ours] == [wanted], "not exactly one line"
    assert _others(once) == _others(text), "another line changed"
    return mounts.parse_fstab(text)


def _others(text: str) -> list[str]:
    """Lines that do not begin with our device."""
    return [line for line in lines(text) if not line.lstrip(" \t").startswith(DEVICE)]


def _cloud_opts(given: bytes) -> list[str]:
    """Every option stays, the manager is added once, and the file says the same to the shell that sources it."""
    text = text_of(given)
    options = eucalyptus.cloud_opts(text)
    merged = eucalyptus.with_storage_manager(text)
    kept = [option for option in options if not option.startswith("-Dwalrus.storage.manager=")]
    assert eucalyptus.cloud_opts(merged) == [*kept, eucalyptus.MANAGER_OPTION], "an option was lost or changed"
    assert eucalyptus.with_storage_manager(merged) == merged, "adding it again changes the file"
    line = [found for found in merged.split("\n") if re.match(r"[ \t]*(export[ \t]+)?CLOUD_OPTS=", found)][-1]
    assert not re.search(r"`|\$\(", line), "something would be run"
    value = shlex.split(line)[-1].partition("=")[2]
    assert re.split("[ \t]+", value) == [*kept, eucalyptus.MANAGER_OPTION], f"a shell reads {value!r}"
    return options


TABLE: dict[str, Row] = {
    "drbd-status": (lambda given: status.parse(text_of(given)), ODD),
    "drbd-version": (lambda given: dialect.kernel_version(printed(given)), TOLD),
    "drbd-include": (_include, ODD),
    "modules": (lambda given: status.module_loaded(printed(given)), TOLD),
    "blkid": (lambda given: volumes.signature(printed(given), "/dev/sdb"), TOLD),
    "wipefs": (lambda given: volumes.all_signatures(printed(given), "/dev/sdb"), TOLD),
    "lsblk": (lambda given: volumes.holders(printed(given), "/dev/sdb"), TOLD),
    "blockdev": (lambda given: volumes.size_bytes(printed(given), "/dev/sdb"), TOLD),
    "swaps": (lambda given: volumes.swap_devices(printed(given)), TOLD),
    "mounts": (lambda given: mounts.mounts(printed(given)), TOLD),
    "fstab": (_fstab, ODD),
    "stat": (lambda given: files.stat(printed(given), STORE), TOLD),
    "stats": (lambda given: files.stats(printed(given), (STORE, f"{STORE}.before-ha")), TOLD),
    "df": (lambda given: files.room(printed(given), STORE), TOLD),
    "du": (lambda given: files.used_kib(printed(given), STORE), TOLD),
    "processes": (lambda given: services.processes(printed(given), "eucalyptus-cloud"), TOLD),
    "chkconfig": (lambda given: services.starts_at_boot(printed(given), "eucalyptus-cloud"), TOLD),
    "walruses": (lambda given: eucalyptus.Cloud(None).walruses(printed(given)), TOLD),
    "properties": (lambda given: eucalyptus.Cloud(None).properties(printed(given)), TOLD),
    "cloud-opts": (_cloud_opts, ODD),
    "key-sync": (lambda given: eucalyptus.key_sync_failed(_answer(given)), ODD),
    "listening-ports": (lambda given: preflight_drbd.listening_ports(printed(given)), TOLD),
}


def _answer(given: bytes) -> Result:
    return Printed(given).result
