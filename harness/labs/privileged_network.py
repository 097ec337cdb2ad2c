"""The network of a privileged lab: one cable into the kernel that the hosts share, and in there a bridge with one each.

DRBD's sockets belong to the kernel's first network, whatever host configured them. So both replication addresses lie
there, and each host reaches them through it; what the peers say to each other never leaves the kernel's loopback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.errors import FaultNotProven
from harness.labs.lab import ROLES
from harness.labs.machine_network import PAIR, REACHED, REPLICATION, MachineNetwork
from harness.labs.premises import NAMES
from harness.labs.privileged_guest import Guest

GUEST = "198.18.0.9"
_CABLE = "vec0"
_TAP = "guest"
_REPLICATION_RANGE = "198.19.0.0/24"
_PROBE = """
import socket
with socket.socket() as probe:
    probe.settimeout(1.0)
    probe.bind((sys.argv[1], 0))
    try:
        probe.connect((sys.argv[2], 9))
        answer(True)
    except ConnectionRefusedError:
        answer(True)
    except OSError:
        answer(False)
"""


@dataclass(frozen=True)
class PrivilegedNetwork(MachineNetwork):
    """The namespace ``walrus-ha-RUN`` with a cable to the lab's kernel, and what is plugged together in there."""

    guest: Callable[[], Guest]

    def cable(self) -> tuple[str, str]:
        """The controller's end of the kernel's cable, and the address of its other end."""
        return _TAP, "02:77:68:00:00:09"

    def _bridges(self) -> Iterator[str]:
        for line in super()._bridges():
            if REPLICATION not in line:
                yield line

    def _taps(self) -> Iterator[str]:
        yield f"tuntap add dev {_TAP} mode tap"
        yield f"link set {_TAP} addrgenmode none master {REACHED} up"

    def guest_batch(self) -> str:
        """What sets the kernel's first network up, with a cable for each host."""
        lines = ["link set lo up", f"link add {REACHED} type bridge stp_state 0 forward_delay 0 mcast_snooping 0"]
        lines += [f"link set {REACHED} up", f"link set {_CABLE} master {REACHED}", f"link set {_CABLE} up"]
        lines += [
            f"addr add {GUEST}/24 dev {REACHED}",
            f"link add {REPLICATION} type dummy",
            f"link set {REPLICATION} up",
        ]
        lines += [f"addr add {self.replication_address(role)}/32 dev {REPLICATION}" for role in PAIR]
        for role in ROLES:
            name = NAMES[role]
            lines.append(f"link add {name}-port type veth peer name {name}")
            lines.append(f"link set {name}-port master {REACHED} up")
        return "\n".join([*lines, ""])

    def container_batch(self, role: str) -> str:
        """What sets up a host's own network, its end of the cable being in there."""
        name = NAMES[role]
        lines = ["link set lo up", f"link set {name} name {_CABLE} address {self.mac(role, REACHED)} up"]
        lines.append(f"addr add {self.address(role)}/24 dev {_CABLE}")
        if own := self.replication_address(role):
            lines.append(f"addr add {own}/32 dev lo")  # drbdadm wants to find it on the host that it configures
        lines.append(f"route add {_REPLICATION_RANGE} via {GUEST} dev {_CABLE}")
        return "\n".join([*lines, ""])

    # Breaking and mending the way between the peers, inside the kernel

    def cut_replication(self, *senders: str) -> None:
        """Lose what these hosts' DRBD sends to its peer; with none named, everything in both directions."""
        guest = self.guest()
        guest.execute("tc", "qdisc", "replace", "dev", "lo", "clsact")
        for sender in senders or PAIR:
            other = next(role for role in PAIR if role != sender)
            ends = ("src_ip", str(self.replication_address(sender)), "dst_ip", str(self.replication_address(other)))
            guest.execute(
                "tc", "filter", "add", "dev", "lo", "ingress", "protocol", "ip", "flower", *ends, "action", "drop"
            )

    def heal_replication(self) -> None:
        """Carry everything again."""
        if self.replication_is_cut():
            self.guest().execute("tc", "qdisc", "del", "dev", "lo", "clsact")

    def replication_is_cut(self) -> bool:
        """At least one direction is lost."""
        return "clsact" in self.guest().execute("tc", "qdisc", "show", "dev", "lo")

    def limit_replication(self, bytes_per_s: int | None) -> None:
        raise FaultNotProven(
            "the way between the peers has no cable that could be limited: it is one kernel's loopback"
        )

    def peers_reach_each_other(self) -> bool:
        """Does the original's replication address get an answer from the additional's? A refusal is one."""
        one, other = (str(self.replication_address(role)) for role in PAIR)
        return bool(self.guest().script(_PROBE, one, other))
