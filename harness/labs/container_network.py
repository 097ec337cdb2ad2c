"""The two networks of a containers lab: one on which everybody is reached, one for replication between the pair."""

from __future__ import annotations

import ipaddress
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.errors import LabUnavailable
from harness.labs.docker_cleanup import OURS, labels

# RFC 2544 sets this range aside for test beds: no site uses it, so no address of a lab hides a real one.
RANGE = ipaddress.ip_network("198.18.0.0/15")
PREFIX = 28
_FIRST_HOST = 2  # .1 is the bridge
_ATTEMPTS = 40


@dataclass(frozen=True)
class LabNetwork:
    """One Docker network with addresses that we choose, so that a host keeps its own through a power cut."""

    network: Any
    subnet: ipaddress.IPv4Network

    @property
    def name(self) -> str:
        return str(self.network.name)

    def address(self, number: int) -> str:
        """The address of the host with this number, counted from 0."""
        return str(self.subnet[_FIRST_HOST + number])


def create_network(client: Any, run_id: str, purpose: str, internal: bool) -> LabNetwork:
    """A network in a range that is free on this machine; another lab may be looking for one at the same time.

    Raises:
        LabUnavailable: when no range was free after many attempts.
    """
    from docker.errors import APIError
    from docker.types import IPAMConfig, IPAMPool

    refusal = ""
    for subnet in itertools.islice(_subnets(f"{run_id} {purpose}"), _ATTEMPTS):
        try:
            network = client.networks.create(
                f"{OURS}-{run_id}-{purpose}",
                driver="bridge",
                internal=internal,
                labels=labels(run_id),
                ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=str(subnet))]),
            )
        except APIError as error:
            refusal = str(error.explanation)
            if "overlap" not in refusal.lower():
                raise LabUnavailable(f"no network for the lab: {refusal}") from error
        else:
            return LabNetwork(network, subnet)
    raise LabUnavailable(f"no free network in {RANGE} after {_ATTEMPTS} attempts: {refusal}")


def _subnets(seed: str) -> Iterator[ipaddress.IPv4Network]:
    choice = random.Random(seed)
    count = 2 ** (PREFIX - RANGE.prefixlen)
    while True:
        start = int(RANGE.network_address) + choice.randrange(count) * 2 ** (32 - PREFIX)
        yield ipaddress.IPv4Network((start, PREFIX))
