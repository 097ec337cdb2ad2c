"""Parsers of what programs on the hosts print: DRBD, devices, mounts, files, services and the cloud's tools."""

from __future__ import annotations

import re
import shlex

from harness.errors import CommandFailed, UnexpectedOutput
from harness.hosts.command import Result
from harness.migration.preflight import drbd as preflight_drbd
from harness.systems import eucalyptus, files, mounts, services, volumes
from harness.systems.drbd import config, dialect, status
from tests.fuzz.grammar import Grammar
from tests.fuzz.printed import Printed, Row, printed, text_of

DEVICE, STORE = "/dev/drbd1", "/var/lib/eucalyptus/bukkits"
ODD = (UnexpectedOutput,)
TOLD = (UnexpectedOutput, CommandFailed)

_DRBD: Grammar = {
    "start": ["<junk>version: 8.4.11 (api:1/proto:86-101)\nsrcversion: 059B1B470318F053F5077D5 \n<line*>", "<line*>"],
    "line": ["<state><nl><counters><nl>", "<state><nl><counters><nl><line>", "\t[=====>......] sync'ed: 32.0% (21/30)K<nl>"],
    "state": [" <number>: cs:<cs> ro:<role>/<role> ds:<disk>/<disk> C r-----", " <number>: cs:Unconfigured",
              "<number>: cs:<cs> st:<role>/<role> ld:<disk>/<disk> C r---", " 1: cs:<cs>"],
    "counters": ["    ns:0 nr:<number> dw:0 dr:0 al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:<number>", "    ns:0", "<junk>"],
    "cs": ["Connected", "WFConnection", "StandAlone", "SyncSource", "PausedSyncT", "Teleporting", "<word>"],
    "role": ["Primary", "Secondary", "Unknown", "<word>"],
    "disk": ["UpToDate", "Inconsistent", "DUnknown", "Diskless", "Consistent", "<word>"],
}  # fmt: skip
_VERSION: Grammar = {
    "start": ["DRBDADM_API_VERSION=1<nl>DRBD_KERNEL_VERSION_CODE=<hex><nl>DRBDADM_VERSION=9.22.0<nl>", "<dotted><nl>", "<junk>"],
    "dotted": ["8.4.11", "8.3.<number>", "<number>.<number>.<number>-1", "8", "9.2.0"],
}  # fmt: skip
_CONFIG: Grammar = {
    "start": ["<line*>"],
    "line": ['include "<path>";<nl>', "include drbd.d/*.res;<nl>", 'include "/etc/eucalyptus/drbd.conf";<nl>', "resource <word> { }<nl>",
             "  # <word><nl>"],
}  # fmt: skip
_MODULES: Grammar = {"start": ["<line*>"], "line": ["<word> <number> 0 - Live 0x0<nl>", "drbd 297072 0<nl>", "lru_cache 1 drbd,<nl>"]}
_BLKID: Grammar = {
    "start": ["<path>: <pair*><nl>", "<pair*>", "<junk><nl>"],
    "pair": ['UUID="<word>" ', 'TYPE="<type>" ', 'PTTYPE="dos" ', 'LABEL="<word>" ', 'TYPE="', 'UUID=""'],
    "type": ["ext4", "xfs", "drbd", "LVM2_member", "swap", "<word>"],
}
_WIPEFS: Grammar = {"start": ["<line*>"], "line": ["offset               type<nl>", "0x438    ext4   [filesystem]<nl>", "<word><nl>"]}
_LSBLK: Grammar = {
    "start": ["<line*>", "sdb disk <nl><line*>"],
    "line": ["<word> part <path><nl>", "sdb disk<nl>", "drbd1 disk <path><nl>", "\\x20 lvm <nl>", "sdb1 part<nl>"],
}
_NUMBER: Grammar = {"start": ["<number><nl>", "<number> <number><nl>", "<junk><nl>", "<digits>"]}
_SWAPS: Grammar = {
    "start": ["Filename\t\t\t\tType\t\tSize\tUsed\tPriority<nl><line*>", "<line*>"],
    "line": ["<path>                               partition\t<number>\t0\t-1<nl>", "<path>\\040(deleted) file 1 0 -2<nl>", "<nl>"],
}
_MOUNTS: Grammar = {
    "start": ["<line*>"],
    "line": ["<from> <at> <type> rw,relatime 0 0<nl>", "rootfs / rootfs rw 0 0<nl>", "<from> <at><nl>", "<nl>"],
    "from": ["<path>", "proc", "server:/export", "none", "UUID=1-2"],
    "at": ["<path>", "/mnt/a\\040b", "/\\011\\012\\134", "/\\777", "/\\8"],
    "type": ["ext4", "xfs", "proc", "nfs"],
}
_FSTAB: Grammar = {
    "start": ["<line*>"],
    "line": ["<path> <path> ext4 defaults 0 0<nl>", "/dev/drbd1 /var/lib/eucalyptus/bukkits ext3 auto 0 0<nl>", "# <word><nl>",
             "<path>\t<path>\text4 noauto,owner 0 0<nl>", "<nl>", "  <path> swap swap<nl>"],
}  # fmt: skip
_STAT: Grammar = {
    "start": ["<kind>|<number>|<number>|<number>|<number>|<number><nl>", "<kind>|755|498|498|4096|2049\n", "stat: <junk><nl>"],
    "kind": ["regular file", "directory", "symbolic link", "block special file", "socket", "<word>", "a|b"],
}
_DF: Grammar = {
    "start": ["Filesystem 1024-blocks Used Available Capacity Mounted on<nl><row><nl>", "<row><nl><row><nl>", "<row>"],
    "row": ["<path> <number> <number> <number> 5% <path>", "<path> - - <number> - <path>", "tmpfs 0 0 0 - /a b", "<path>"],
}
_DU: Grammar = {"start": ["<number>\t<path><nl>", "du: <junk><nl><number>\t<path><nl>", "<number>", "²\t/", "٣\t/"]}
_NAMES: Grammar = {"start": ["<entry*>", "<entry*>x"], "entry": ["f\0<word>\0", "d\0<path>\0", "l\0\n\0", "\0"]}
_PS: Grammar = {
    "start": ["<line*>"],
    "line": ["<number> /usr/sbin/eucalyptus-cloud -f<nl>", "  <number> java -Deuca.pid=/var/run/eucalyptus-cloud.pid<nl>",
             "eucalyptus-cloud.pid<nl>", " 1 init<nl>", "<word> eucalyptus-cloud<nl>", "<nl>"],
}  # fmt: skip
_CHKCONFIG: Grammar = {
    "start": ["eucalyptus-cloud\t<level*><nl>", "<junk>eucalyptus-cloud 0:off 1:off 2:on<nl>", "<word><nl>"],
    "level": ["<digit>:on\t", "<digit>:off\t", "<word>"],
}
_WALRUSES: Grammar = {
    "start": ["<junk><line*>"],
    "line": ["WALRUS\twalrus\t<name>\t10.0.0.10\t<state>\t<nl>", "WALRUS\t<word>\t<name><nl>", "WALRUS<nl>", "CLOUD\t<word><nl>"],
    "name": ["walrus00", "walrus01", "<word>"],
    "state": ["ENABLED", "DISABLED", "NOTREADY", "BROKEN", "<word>"],
}
_PROPERTIES: Grammar = {
    "start": ["<junk><line*>"],
    "line": ["PROPERTY\twalrus.<word>\t<value><nl>", "PROPERTY\t<word><nl>", "PROPERTY\t\t<nl>", "DESCRIPTION\t<word><nl>"],
    "value": ["<unset>", "<path>", "<number>", "<word>"],
    "unset": ["<lt>unset>"],
    "lt": ["\x3c"],
}
_EUCALYPTUS: Grammar = {
    "start": ["<line*>"],
    "line": ["CLOUD_OPTS=<value><nl>", "  CLOUD_OPTS=<value> # <word><nl>", "# CLOUD_OPTS=<value><nl>", "export CLOUD_OPTS=<value><nl>",
             'EUCALYPTUS="/"<nl>', "<nl>"],
    "value": ['"<option*>"', "'<option*>'", "<option>", '"<option*>', '"-Da=\\"b c\\""', '""', "", "#<word>"],
    "option": ["-Xmx512m ", "-Dwalrus.storage.manager=FileSystemStorageManager ", "-D<word>=<word> ", "$HOME ", "$(reboot)", "`id`"],
}  # fmt: skip
_KEY_SYNC: Grammar = {"start": ["!<line*>", "<line*>"], "line": ["warning: key sync <word> failed<nl>", "key sync<nl>", "<word>"]}
_TCP: Grammar = {
    "start": ["  sl  local_address rem_address   st tx_queue<nl><line*>"],
    "line": ["   0: 00000000:<port> 00000000:0000 <state> 0:0 00<nl>", "<number>: <word> 0:0 0A<nl>", "   1: 0100007F <word> 0A<nl>"],
    "port": ["1E6D", "0016", "FFFFFFFFF", "<word>", ""],
    "state": ["0A", "01", "0a"],
}


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
    others = [line for line in text.removesuffix("\n").split("\n") if not line.lstrip(" \t").startswith(DEVICE)] if text else []
    assert [line for line in once[:-1].split("\n") if not line.lstrip(" \t").startswith(DEVICE)] == others, "another line changed"
    return mounts.parse_fstab(text)


def _cloud_opts(given: bytes) -> list[str]:
    """Every option stays, the manager is added once, and the file says the same to the shell that sources it."""
    text = text_of(given)
    options = eucalyptus.cloud_opts(text)
    merged = eucalyptus.with_storage_manager(text)
    kept = [option for option in options if not option.startswith("-Dwalrus.storage.manager=")]
    assert eucalyptus.cloud_opts(merged) == [*kept, eucalyptus.MANAGER_OPTION], "an option was lost or changed"
    assert eucalyptus.with_storage_manager(merged) == merged, "adding it again changes the file"
    line = [found for found in merged.split("\n") if re.match(r"[ \t]*(export[ \t]+)?CLOUD_OPTS=", found)][-1]
    assert "`" not in line and "$(" not in line, "something would be run"
    value = shlex.split(line)[-1].partition("=")[2]
    assert re.split("[ \t]+", value) == [*kept, eucalyptus.MANAGER_OPTION], f"a shell reads {value!r}"
    return options


TABLE: dict[str, Row] = {
    "drbd-status": (lambda given: status.parse(text_of(given)), ODD, _DRBD),
    "drbd-version": (lambda given: dialect.kernel_version(printed(given)), TOLD, _VERSION),
    "drbd-include": (_include, ODD, _CONFIG),
    "modules": (lambda given: status.module_loaded(printed(given)), TOLD, _MODULES),
    "blkid": (lambda given: volumes.signature(printed(given), "/dev/sdb"), TOLD, _BLKID),
    "wipefs": (lambda given: volumes.all_signatures(printed(given), "/dev/sdb"), TOLD, _WIPEFS),
    "lsblk": (lambda given: volumes.holders(printed(given), "/dev/sdb"), TOLD, _LSBLK),
    "blockdev": (lambda given: volumes.size_bytes(printed(given), "/dev/sdb"), TOLD, _NUMBER),
    "swaps": (lambda given: volumes.swap_devices(printed(given)), TOLD, _SWAPS),
    "mounts": (lambda given: mounts.mounts(printed(given)), TOLD, _MOUNTS),
    "fstab": (_fstab, ODD, _FSTAB),
    "stat": (lambda given: files.stat(printed(given), STORE), TOLD, _STAT),
    "df": (lambda given: files.room(printed(given), STORE), TOLD, _DF),
    "du": (lambda given: files.used_kib(printed(given), STORE), TOLD, _DU),
    "ps": (lambda given: services.processes(printed(given), "eucalyptus-cloud"), TOLD, _PS),
    "chkconfig": (lambda given: services.starts_at_boot(printed(given), "eucalyptus-cloud"), TOLD, _CHKCONFIG),
    "walruses": (lambda given: eucalyptus.Cloud(None).walruses(printed(given)), TOLD, _WALRUSES),
    "properties": (lambda given: eucalyptus.Cloud(None).properties(printed(given)), TOLD, _PROPERTIES),
    "cloud-opts": (_cloud_opts, ODD, _EUCALYPTUS),
    "key-sync": (lambda given: eucalyptus.key_sync_failed(_answer(given)), ODD, _KEY_SYNC),
    "listening-ports": (lambda given: preflight_drbd.listening_ports(printed(given)), TOLD, _TCP),
}


def _answer(given: bytes) -> Result:
    return Printed(given).result
