"""Render drbd.conf; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.systems.drbd.dialect import Dialect
from harness.systems.printed import lines


@dataclass(frozen=True)
class Peer:
    """One ``on`` section."""

    uname: str
    address: str  # IPv4 or IPv6, numeric
    disk: str


@dataclass(frozen=True)
class Resource:
    """What the configuration of the pair says."""

    name: str
    device: str
    port: int
    rate: str  # bytes a second in DRBD's notation
    peers: tuple[Peer, Peer]


def render(resource: Resource, dialect: Dialect) -> str:
    """The configuration file for both hosts.

    After a split brain every policy disconnects: the vendor's example discards one side's writes by itself
    (``discard-zero-changes``, ``discard-secondary``), which is no choice to make before a person has looked.
    ``verify-alg`` lets blocks be compared later. Neither handlers nor start-up promotion: Walrus promotes.
    """
    written = [
        "# Written by walrus-ha. The pair of the Walrus store.",
        f"resource {_word(resource.name)} {{",
        "  protocol C;",
        *dialect.rate_section(resource.rate),
        "  net {",
        *dialect.net_options(),
        "    after-sb-0pri disconnect;",
        "    after-sb-1pri disconnect;",
        "    after-sb-2pri disconnect;",
        "  }",
    ]
    for peer in resource.peers:
        written += [
            f"  on {_word(peer.uname)} {{",
            f"    device {resource.device};",
            f"    disk {_word(peer.disk)};",
            f"    address {_address(peer.address, resource.port)};",
            "    meta-disk internal;",
            "  }",
        ]
    return "\n".join([*written, "}", ""])


_PLAIN = re.compile(r"[A-Za-z][A-Za-z_-]*[0-9]+|/[A-Za-z0-9_./-]+")


def _word(text: str) -> str:
    """In quotes unless it can be nothing but a name: drbdadm has words of its own, and no colon (by-path) in others."""
    return text if _PLAIN.fullmatch(text) else f'"{text}"'


def _address(address: str, port: int) -> str:
    return f"ipv6 [{address}]:{port}" if ":" in address else f"{address}:{port}"


def with_include(main: str, path: str) -> str:
    """The main configuration with our file included exactly once: twice would define the resource twice."""
    line = f'include "{path}";'
    if any(existing.strip() == line for existing in lines(main)):
        return main
    return f"{main.rstrip()}\n{line}\n" if main.strip() else f"{line}\n"


def without_include(main: str, path: str) -> str:
    """The main configuration without our file."""
    line = f'include "{path}";'
    return "".join(f"{existing}\n" for existing in lines(main) if existing.strip() != line)
