"""Boundary: nothing outside the plan changed on any host."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.checks.finding import Finding, weigh
from harness.checks.manifests import printable
from harness.evidence import Evidence

# What a move may leave changed, as an operator reads it in the plan. The data's own places are judged elsewhere.
_PLANNED = re.compile(
    r"/etc/(fstab|drbd\.conf|eucalyptus/(eucalyptus|drbd)\.conf)(\.before-walrus-ha)?"
    r"|/var/lib/eucalyptus/keys/[^/]+"
    r"|/var/lib/drbd(/.*)?"
    r"|/etc/rc[0-9S]?\.d(/.*)?"
)

# What a network writes when a host joins it again after its cable was cut, as Docker does.
_OF_THE_CABLE = re.compile(r"/etc/(hosts|resolv\.conf)")

# What a boot writes by itself: name and resolver of the network that the host wakes up in, caches of the system.
_OF_THE_BOOT = re.compile(
    r"/etc/(hostname|hosts|resolv\.conf|mtab|adjtime|machine-id|ld\.so\.cache)"
    r"|/var/lib/(systemd|dbus|dhcp|dhclient|random-seed|urandom|misc|nfs)(/.*)?"
)


def boundary(evidence: Evidence) -> Finding:
    """Files that are no part of the plan are as before, by kind, size, mode, owner and time."""
    return weigh("boundary", evidence, (changed_beyond,), "nothing outside the plan changed on any host")


def changed_beyond(evidence: Evidence) -> Iterator[str]:
    """A directory changes with what is made or renamed in it, so directories that hold planned changes are no news."""
    booted = {event.host for event in evidence.events if event.kind == "power" and event.detail == "on"}
    plugged_in = any(receipt.fault == "heal_link" and receipt.proven for receipt in evidence.receipts)
    for changed in evidence.changed or ():
        host, _, rest = changed.partition(":")
        path, _, kind = rest.rpartition(" ")
        if kind == "directory" or _PLANNED.fullmatch(path) or (host in booted and _OF_THE_BOOT.fullmatch(path)):
            continue
        if plugged_in and _OF_THE_CABLE.fullmatch(path):
            continue
        yield f"{host}: {printable(path)} changed and is no part of the plan"
