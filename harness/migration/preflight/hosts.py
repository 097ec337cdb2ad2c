"""The hosts themselves: tools, system, users, names, services."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.errors import UnexpectedOutput
from harness.hosts.command import Command
from harness.hosts.host import Reader
from harness.migration.preflight.finding import Finding, error, warning
from harness.migration.site import Site
from harness.systems import eucalyptus, files, programs, services, volumes

_NEEDED = (
    *("rsync", "find", "sha256sum", "flock", "setsid"),
    *("drbdadm", "modinfo", "blkid", "wipefs", "lsblk", "blockdev"),
)
_NEEDED_AHEAD = ("nice", "ionice", "xargs", "touch", "date")  # while Walrus still serves
_NEEDED_ON_CLC = ("euca_conf", "euca-describe-properties", "euca-modify-property")
_OLDEST_RSYNC = (3, 0)


def ways(site: Site[Reader]) -> Iterator[Finding]:
    """How the hosts are reached, where that is weaker than it would have to be."""
    for host in site.hosts:
        if weak := site.node(host).connection.weakness():
            mend = "Leave `legacy_ssh` out for hosts that can do without; keep this host's network closed to others."
            yield warning("legacy-ssh", host.name, weak, mend)


def tools(site: Site[Reader]) -> Iterator[Finding]:
    """Every program that the move calls is there, in a version that knows the options used."""
    ahead = _NEEDED_AHEAD if site.settings.strategy == "online" else ()
    for host in site.pair:
        needed = (*_NEEDED, *ahead, f"mkfs.{site.settings.filesystem}", *_to_take_back(site, host))
        missing = programs.missing(host, (*needed, *services.MANAGERS))
        if missing[-len(services.MANAGERS) :] == [*services.MANAGERS]:
            what = "neither chkconfig nor systemctl is installed, so what starts at boot cannot be told"
            yield error("tool-missing", host.name, what, f"Install chkconfig on {host.name}.")
        missing = [name for name in missing if name not in services.MANAGERS]
        for name in missing:
            if name == "rsync":
                yield from _without_rsync(site, host)
                continue
            yield error("tool-missing", host.name, f"{name} is not installed", f"Install {name} on {host.name}.")
        if "rsync" not in missing:
            yield from _rsync(host)
        if programs.missing(host, ("getfattr",)):
            what = "getfattr is not installed, so extended attributes are copied but cannot be compared"
            yield warning("getfattr-missing", host.name, what, "Install the package attr to have them verified.")
    for name in programs.missing(site.clc, _NEEDED_ON_CLC):
        yield error(
            "tool-missing", site.clc.name, f"{name} is not installed", "Install euca2ools and eucalyptus-admin-tools."
        )


def _to_take_back(site: Site[Reader], host: Reader) -> tuple[str, ...]:
    """What makes the store's own file system again after it was erased."""
    if not site.settings.reuse_device or host.name != site.original.name:
        return ()
    found = volumes.signature(host, site.disk(host)) if volumes.is_block_device(host, site.disk(host)) else None
    return (f"mkfs.{found.type}", *(["xfs_admin"] if found.type == "xfs" else [])) if found else ()


def _without_rsync(site: Site[Reader], host: Reader) -> Iterator[Finding]:
    """Only the original copies, and cp can do that, if not as well."""
    if host.name != site.original.name:
        return
    if site.settings.strategy != "staged":
        what = f"rsync is not installed, which {site.settings.strategy} needs to copy differences"
        yield error("tool-missing", host.name, what, "Install rsync, or choose `strategy: staged`.")
    elif site.settings.copy_limit_kib_s:
        what = "rsync is not installed, and cp cannot heed copy_limit_kib_s"
        yield error("tool-missing", host.name, what, "Install rsync, or leave `copy_limit_kib_s` out.")
    else:
        what = "rsync is not installed: cp will copy the store, and begin anew when it is interrupted"
        yield warning("rsync-missing", host.name, what, "Install rsync to have copies resumed.")


def _rsync(host: Reader) -> Iterator[Finding]:
    text = host.read(Command(("rsync", "--version"))).text
    match = re.search(r"version (\d+)\.(\d+)", text)
    version = (int(match.group(1)), int(match.group(2))) if match else (0, 0)
    if version < _OLDEST_RSYNC:
        found = text.splitlines()[0] if text else "nothing"
        yield error("rsync-too-old", host.name, f"rsync 3.0 or later is needed, it says: {found}", "Update rsync.")


def options(site: Site[Reader]) -> Iterator[Finding]:
    """The options of the services are written so that one can be added and all others stay."""
    for host in site.pair:
        try:
            eucalyptus.cloud_opts(files.read(host, eucalyptus.CONFIGURATION) or "")
        except UnexpectedOutput as odd:
            yield error("cloud-opts-unclear", host.name, str(odd), 'Write it in one line: CLOUD_OPTS="-Xmx512m -D...".')


def same_system(site: Site[Reader]) -> Iterator[Finding]:
    """Same operating system and same Eucalyptus on both, as the vendor demands."""
    for path in ("/etc/redhat-release", "/etc/os-release"):
        one, other = (files.read(host, path) for host in site.pair)
        if one != other:
            what = f"{path} says {_first_line(other)!r}, on {site.original.name} {_first_line(one)!r}"
            yield error("os-differs", site.additional.name, what, "Install the same operating system on both.")
            break
    one, other = (files.read(host, eucalyptus.VERSION_FILE) for host in site.pair)
    if one is None or other is None or one.strip() != other.strip():
        what = f"Eucalyptus is {_first_line(other)!r}, on {site.original.name} {_first_line(one)!r}"
        yield error("eucalyptus-version-differs", site.additional.name, what, "Install the same version on both.")


def _first_line(text: str | None) -> str:
    return text.splitlines()[0] if text else "absent"


def same_user(site: Site[Reader]) -> Iterator[Finding]:
    """Equal numeric ids: file systems store numbers, and a difference shows only after a failover."""
    ids = {host.name: tuple(_id(host, option) for option in ("-u", "-g")) for host in site.pair}
    for name, found in ids.items():
        if "" in found:
            yield error("user-missing", name, "there is no user eucalyptus", "Install Eucalyptus on this host.")
    one, other = ids.values()
    if "" not in one + other and one != other:
        what = f"eucalyptus has uid and gid {'/'.join(other)}, on {site.original.name} {'/'.join(one)}"
        remedy = f"Give the user and group the ids {'/'.join(one)} on {site.additional.name}, and its files with them."
        yield error("uid-differs", site.additional.name, what, remedy)


def _id(host: Reader, option: str) -> str:
    return host.ask(Command(("id", option, "eucalyptus"))).text.strip()


def names(site: Site[Reader]) -> Iterator[Finding]:
    """uname -n is what drbd.conf's host sections go by; two names for one machine would be found here too."""
    found = {}
    for host in site.pair:
        printed = host.read(Command(("uname", "-n"))).text.strip()
        wanted = site.node(host).uname
        if printed != wanted:
            what = f"uname -n prints {printed!r}, the inventory says {wanted!r}"
            yield error("uname-differs", host.name, what, "Set `uname` under the host's `migrate:` or rename the host.")
        found[host.name] = printed
    if len(set(found.values())) == 1:
        what = f"both hosts answer as {printed!r}: they may be one machine"
        yield error("same-host-twice", site.additional.name, what, "Give the additional host's own address.")


def services_ready(site: Site[Reader]) -> Iterator[Finding]:
    """Walrus runs on both: registration needs it on the additional host, and a stopped original hides its state."""
    service = site.settings.service
    for host in site.pair:
        if not services.processes(host, service):
            what = f"{service} does not run"
            yield error("service-not-running", host.name, what, f"Start it: service {service} start.")
        services.starts_at_boot(host, service)
    for host in site.hosts:
        holder = host.holder()
        if holder.run_id not in ("-", site.memory.run_id):
            what = f"run {holder.run_id} has not finished on this host"
            yield error("held-by-another-run", host.name, what, "Finish or roll back that run first.")
