"""DRBD: its version, what is already configured, and the way between the peers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.errors import UnexpectedOutput
from harness.hosts.command import Command
from harness.hosts.host import Reader
from harness.migration.preflight.finding import Finding, error, warning
from harness.migration.site import Site
from harness.migration.steps.boot import DRBD
from harness.migration.steps.configure import MAIN_CONFIGURATION
from harness.systems import files, services
from harness.systems.drbd import dialect, status
from harness.systems.printed import lines, whole

_LISTEN = "0A"  # state column of /proc/net/tcp


def dialects(site: Site[Reader]) -> Iterator[Finding]:
    """A DRBD that Walrus 3.2 can work with, the same generation on both hosts."""
    versions = {host.name: dialect.kernel_version(host) for host in site.pair}
    for name, version in versions.items():
        if dialect.dialect_of(version) is None:
            what = f"DRBD {_dotted(version)}: Walrus 3.2 cannot read its answers"
            yield error("drbd-unsupported", name, what, "Install DRBD 8.3 or 8.4.")
    one, other = versions.values()
    if one[:2] != other[:2]:
        what = f"DRBD is {_dotted(other)}, on {site.original.name} {_dotted(one)}"
        yield error("drbd-versions-differ", site.additional.name, what, "Install the same DRBD on both.")
    for host in site.pair:
        if not status.module_loaded(host) and not host.ask(Command(("modprobe", "-n", "drbd"))).ok:
            what = "the kernel has no drbd module"
            yield error("drbd-module-missing", host.name, what, "Install the module for the running kernel.")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def comes_up_at_boot(site: Site[Reader]) -> Iterator[Finding]:
    """An init script that can bring DRBD up: without it the pair would not serve again after a power cut of both."""
    for host in site.pair:
        if services.at_boot(host, DRBD) is None:
            what = f"init knows no service {DRBD}, so nothing would bring the device up when the host boots"
            remedy = (
                f"Install /etc/init.d/{DRBD}, which drbd-utils brings. Where something else brings DRBD up at boot, "
                "before the services, put a script of that name there that does nothing."
            )
            yield error("drbd-init-script-missing", host.name, what, remedy)


def nothing_foreign(site: Site[Reader]) -> Iterator[Finding]:
    """No resource, minor or port of somebody else is in the way."""
    settings = site.settings
    for host in site.pair:
        main = files.read(host, MAIN_CONFIGURATION) or ""
        if re.search(rf'^\s*resource\s+"?{re.escape(settings.resource)}"?\s*\{{', main, re.MULTILINE):
            what = f"{MAIN_CONFIGURATION} already defines {settings.resource}"
            yield error("foreign-resource", host.name, what, "Choose another `resource`, or remove that one.")
        if f'include "{settings.drbd_conf}";' in main or files.read(host, settings.drbd_conf) is not None:
            what = f"{settings.drbd_conf} exists; it will be backed up and replaced"
            yield warning("drbd-conf-exists", host.name, what, "Make sure that nothing needs it.")
        if status.minor_of(settings.device) in status.all_minors(host):
            what = f"{settings.device} is in use"
            yield error("foreign-resource", host.name, what, "Choose another `device`.")
        if settings.port in listening_ports(host):
            what = f"TCP port {settings.port} is in use by another program"
            yield error("port-in-use", host.name, what, "Choose another `port`.")


def listening_ports(host: Reader) -> set[int]:
    """Ports on which some program listens, from /proc/net/tcp."""
    ports = set()
    for line in lines(host.read(Command(("cat", "/proc/net/tcp"))).text)[1:]:
        fields = line.split()
        if len(fields) < 4:
            raise UnexpectedOutput(f"{host.name}: /proc/net/tcp holds {line!r}")
        if fields[3] == _LISTEN:
            ports.add(whole(fields[1].rsplit(":", 1)[-1], f"{host.name}: /proc/net/tcp", 16))
    return ports


def peers_reach_each_other(site: Site[Reader]) -> Iterator[Finding]:
    """Each peer reaches the other on the replication port. Nobody listens yet: a refusal proves an open way."""
    for host in site.pair:
        node = site.node(site.peer(host))
        address = node.replication_address or node.address
        probe = ("timeout", "5", "bash", "-c", 'exec 3<>"/dev/tcp/$0/$1"', address, str(site.settings.port))
        answer = host.ask(Command(probe))
        if not answer.ok and b"Connection refused" not in answer.stderr:
            said = answer.stderr.decode("utf-8", "backslashreplace").strip() or "no answer within 5 s"
            what = f"cannot reach {node.name} at {address} port {site.settings.port}: {said}"
            yield error("peer-port-blocked", host.name, what, "Open the port in both directions.")
