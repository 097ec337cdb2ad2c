"""curl, as far as it fetches objects from the Walrus hosts of the same world."""

from __future__ import annotations

import re

from fakes.machine import Machine
from fakes.program import Call, Program, Reply, Slow
from fakes.programs.gnu import fails, not_modelled, simulated
from fakes.programs.kernel_files import WALRUS_PORT, listening_ports

_URL = re.compile(r"http://([0-9.]+):([0-9]+)(/[^?#]*)")
_UNREACHABLE_AFTER_S = 3.0


def curl(call: Call, machine: Machine) -> Slow:
    """``curl -fsS --max-time SECONDS -- URL``."""
    match call.argv[1:]:
        case ("-fsS", "--max-time", limit, "--", url) if limit.isdigit() and (parts := _URL.fullmatch(url)):
            return _fetch(machine, int(limit), parts[1], int(parts[2]), parts[3])
    raise not_modelled(call)


def _fetch(machine: Machine, limit_s: int, address: str, port: int, path: str) -> Slow:
    simulation = simulated(machine).simulation
    target = simulation.at_address(address)
    if target is None or not simulation.state.hosts[target.name].powered:
        yield _UNREACHABLE_AFTER_S
        return fails(f"curl: (7) Failed to connect to {address} port {port}: No route to host", 7)
    if target.name != machine.name and not simulation.state.linked(machine.name, target.name):
        yield limit_s
        return fails(f"curl: (28) Connection timed out after {limit_s}001 milliseconds", 28)
    if port != WALRUS_PORT or port not in listening_ports(simulation.state.hosts[target.name]):
        return fails(f"curl: (7) Failed to connect to {address} port {port} after 0 ms: Couldn't connect to server", 7)
    from fakes.programs import walrus

    status, body = walrus.serve(target, path)
    if status >= 400:
        return fails(f"curl: (22) The requested URL returned error: {status}", 22)
    return Reply(0, body)


PROGRAMS: dict[str, Program] = {"curl": curl}
