"""The network of one machines lab: a namespace of its own with two bridges, and a cable from each host to them.

Nothing of it can be seen outside the namespace, so every lab uses the same addresses, and a host whose kernel was
killed finds its cables as they were. Neighbours are written down on all sides instead of being asked for: a host that
comes back is reached by the first packet.
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
import queue
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import LabError, LabUnavailable
from harness.labs.lab import ADDITIONAL, ORIGINAL, ROLES
from harness.labs.machine_cleanup import NAMESPACES, OURS

REACHED, REPLICATION = "reached", "replication"
PAIR = (ORIGINAL, ADDITIONAL)

# RFC 2544 sets this range aside for test beds: no site uses it, so no address of a lab hides a real one.
_SUBNETS = {REACHED: ipaddress.ip_network("198.18.0.0/24"), REPLICATION: ipaddress.ip_network("198.19.0.0/24")}
_FIRST_HOST = 2  # .1 is the controller's, on the reached network
_IP_S = 20.0
_CONNECT_S = 5
_CLONE_NEWNET = 0x40000000
_FILTER = "walrus_ha"
_LATENCY = "200ms"  # what a limited cable holds back before it drops


@dataclass(frozen=True)
class MachineNetwork:
    """The namespace ``walrus-ha-RUN`` and all that is in it."""

    run_id: str

    @property
    def namespace(self) -> str:
        return OURS + self.run_id

    def tap(self, role: str, network: str) -> str:
        """The controller's end of a host's cable."""
        return f"{network[:3]}-{role}"

    def mac(self, role: str, network: str) -> str:
        """The address of the host's end, the same at every start."""
        return f"02:77:68:00:0{list(_SUBNETS).index(network)}:0{ROLES.index(role) + _FIRST_HOST}"

    def address(self, role: str) -> str:
        """Where the host is reached."""
        return str(_SUBNETS[REACHED][ROLES.index(role) + _FIRST_HOST])

    def replication_address(self, role: str) -> str | None:
        """Where DRBD listens; None on the CLC."""
        return str(_SUBNETS[REPLICATION][ROLES.index(role) + _FIRST_HOST]) if role in PAIR else None

    def cables(self, role: str) -> tuple[str, ...]:
        """The networks that the host is plugged into, as its vec0, vec1."""
        return (REACHED, REPLICATION) if role in PAIR else (REACHED,)

    def host_batch(self, role: str) -> str:
        """What sets the host's own side up, for ``ip -batch`` in the host."""
        lines = ["link set lo up"]
        for number, network in enumerate(self.cables(role)):
            device = f"vec{number}"
            lines += [f"link set {device} up", f"addr add {self._on(role, network)}/24 dev {device}"]
            lines += [
                f"neigh add {self._on(peer, network)} lladdr {self.mac(peer, network)} nud permanent dev {device}"
                for peer in ROLES
                if peer != role and network in self.cables(peer)
            ]
        return "\n".join([*lines, ""])

    def _on(self, role: str, network: str) -> str:
        return str(_SUBNETS[network][ROLES.index(role) + _FIRST_HOST])

    # Making and removing

    def create(self) -> None:
        """Make the namespace, the bridges and the cables.

        Raises:
            LabUnavailable: when this machine will not.
        """
        try:
            _run("ip", "netns", "add", self.namespace)
            self._batch("\n".join([*self._bridges(), *self._taps(), ""]))
        except LabError as error:
            raise LabUnavailable(f"no network for the lab: {error}") from error

    def _bridges(self) -> Iterator[str]:
        """A bridge without delay: a cable that comes up carries at once, not 30 s later."""
        yield "link set lo up"
        for network in _SUBNETS:
            yield f"link add {network} type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
            yield f"link set {network} addrgenmode none up"
        yield f"addr add {_SUBNETS[REACHED][1]}/24 dev {REACHED}"
        for role in ROLES:
            yield f"neigh add {self.address(role)} lladdr {self.mac(role, REACHED)} nud permanent dev {REACHED}"

    def _taps(self) -> Iterator[str]:
        for role in ROLES:
            for network in self.cables(role):
                tap = self.tap(role, network)
                yield f"tuntap add dev {tap} mode tap"
                yield f"link set {tap} addrgenmode none master {network} up"

    def _batch(self, lines: str) -> None:
        _run("ip", "-n", self.namespace, "-batch", "-", stdin=lines)

    # Breaking and mending the replication cable

    def cut_replication(self, *senders: str) -> None:
        """Lose what these hosts send to their peer; with none named, everything in both directions."""
        ports = [self.tap(role, REPLICATION) for role in senders or PAIR]
        drops = "\n".join(f"add rule bridge {_FILTER} cut iifname {port} drop" for port in ports)
        chain = "{ type filter hook forward priority 0; }"
        self._nft(f"add table bridge {_FILTER}\nadd chain bridge {_FILTER} cut {chain}\n{drops}\n")

    def heal_replication(self) -> None:
        """Carry everything again."""
        self._nft(f"add table bridge {_FILTER}\ndelete table bridge {_FILTER}\n")

    def replication_is_cut(self) -> bool:
        """At least one direction is lost."""
        tables = _run("ip", "netns", "exec", self.namespace, "nft", "list", "tables", "bridge")
        return _FILTER in tables

    def limit_replication(self, bytes_per_s: int | None) -> None:
        """Let each direction carry so much and no more; None: as much as it can."""
        for role in PAIR:
            tap = self.tap(role, REPLICATION)
            if bytes_per_s is None:
                _run("tc", "-n", self.namespace, "qdisc", "del", "dev", tap, "root", ok=(0, 2))
                continue
            burst = max(bytes_per_s // 50, 64 * 1024)
            limit = ("rate", f"{bytes_per_s}bps", "burst", str(burst), "latency", _LATENCY)
            _run("tc", "-n", self.namespace, "qdisc", "replace", "dev", tap, "root", "tbf", *limit)

    def _nft(self, rules: str) -> None:
        _run("ip", "netns", "exec", self.namespace, "nft", "-f", "-", stdin=rules)

    # From the controller into the lab

    def ssh_arguments(self) -> tuple[str, ...]:
        """What ssh needs to be told to find the hosts.

        nc hands the connection itself over and ends: one that stayed between would hide from ssh that it was closed.
        That nobody answers is its to find out, for ssh bounds only connections that it makes itself.
        """
        enter = f"nsenter --net={NAMESPACES}/{self.namespace}"
        return ("-o", f"ProxyCommand={enter} nc -F -w {_CONNECT_S} %h %p", "-o", "ProxyUseFdpass=yes")

    def connect(self, address: str, port: int, timeout_s: float) -> socket.socket:
        """A TCP connection to a host of the lab; ``timeout_s`` stays its time limit.

        Raises:
            OSError: nobody answers there in time.
        """
        connection = _socket_in(f"{NAMESPACES}/{self.namespace}")
        connection.settimeout(timeout_s)
        try:
            connection.connect((address, port))
        except BaseException:
            connection.close()
            raise
        return connection


def _socket_in(namespace: str) -> socket.socket:
    """A TCP socket that belongs to a network namespace.

    Only a thread of its own enters the namespace, and it ends in there: this process is never seen inside.
    """
    made: queue.SimpleQueue[socket.socket | OSError] = queue.SimpleQueue()

    def enter() -> None:
        try:
            descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
                made.put(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            finally:
                os.close(descriptor)
        except OSError as error:
            made.put(error)

    threading.Thread(target=enter, daemon=True).start()
    result = made.get(timeout=_IP_S)
    if isinstance(result, OSError):
        raise result
    return result


def _run(*argv: str, stdin: str = "", ok: tuple[int, ...] = (0,)) -> str:
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=_IP_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"`{' '.join(argv)}`: {error}") from error
    if done.returncode not in ok:
        raise LabError(f"`{' '.join(argv)}` ended with status {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout
