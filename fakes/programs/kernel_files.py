"""Files below /proc: the network and the boot here; DRBD, mounts and swap space in ``proc``."""

from __future__ import annotations

from collections.abc import Callable

from fakes.machine import Machine
from fakes.program import Reply, UnsupportedInvocation
from fakes.programs.proc import PROC
from fakes.world import HostRow

SSH_PORT = 22
WALRUS_PORT = 8773
WALRUS_SERVICE = "eucalyptus-cloud"
_TCP_HEADER = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
    "                                                     \n"
)


def kernel_file(path: str, machine: Machine) -> Reply:
    """What ``cat`` prints of a file below /proc.

    Raises:
        UnsupportedInvocation: for one that nobody models.
    """
    model = PROC.get(path) or _OWN.get(path)
    if model is None:
        raise UnsupportedInvocation(f"{path} is not modelled")
    found = model(machine)
    if found is None:
        return Reply(1, b"", f"cat: {path}: No such file or directory\n".encode())
    return Reply(0, found)


def listening_ports(row: HostRow) -> list[int]:
    """TCP ports on which the machine accepts connections, as far as this is modelled."""
    service = row.services.get(WALRUS_SERVICE)
    walrus = [WALRUS_PORT] if service and service.running else []
    return sorted({SSH_PORT, *walrus, *row.listening})


def _tcp(machine: Machine) -> bytes:
    with machine.world() as world:
        ports = listening_ports(machine.row(world))
    queues = "00000000:00000000 00:00000000 00000000"
    lines = (
        f"{number:4}: 00000000:{port:04X} 00000000:0000 0A {queues}     0        0 {10000 + port} 1 0000000000000000"
        " 100 0 0 10 0\n"
        for number, port in enumerate(ports)
    )
    return (_TCP_HEADER + "".join(f"{line[:-1]:<149}\n" for line in lines)).encode()


def _boot_id(machine: Machine) -> bytes:
    with machine.world() as world:
        return machine.row(world).boot_id.encode() + b"\n"


_OWN: dict[str, Callable[[Machine], bytes | None]] = {
    "/proc/net/tcp": _tcp,
    "/proc/sys/kernel/random/boot_id": _boot_id,
}
