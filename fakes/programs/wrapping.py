"""Programs that run others: with less of the machine, or on what comes in; and the date."""

from __future__ import annotations

import os

from fakes import programs
from fakes.machine import Machine
from fakes.program import Call, Program, Reply, Slow
from fakes.programs.gnu import not_modelled, simulated
from fakes.programs.hashing import DIGEST, digest_files, hash_files
from fakes.programs.listing import GETFATTR, attributes_of

_HASHES = ("-0", "-r", "sha256sum", "-b", "--")
_ATTRIBUTES = ("-0", "-r", "getfattr", *GETFATTR, "--")
_DIGESTS = ("-0", "-r", "openssl", *DIGEST)
_SOME_FAILED, _NOT_FOUND = 123, 127


def nice(call: Call, machine: Machine) -> Reply | Slow:
    """``nice -n 19 PROGRAM ARGUMENT...``: who else wants the processor is not modelled."""
    return _behind(call, ("-n", "19"), machine)


def ionice(call: Call, machine: Machine) -> Reply | Slow:
    """``ionice -c 3 PROGRAM ARGUMENT...``: who else wants the disk is not modelled."""
    return _behind(call, ("-c", "3"), machine)


def _behind(call: Call, options: tuple[str, ...], machine: Machine) -> Reply | Slow:
    rest = call.argv[1 + len(options) :]
    if call.argv[1 : 1 + len(options)] != options or not rest:
        raise not_modelled(call)
    return programs.dispatch(Call(rest, call.stdin, call.user), machine)


def xargs(call: Call, machine: Machine) -> Slow:
    """``xargs -0 -r`` with ``sha256sum -b --``, ``openssl dgst`` or ``getfattr``, and the names on standard input."""
    if call.argv[1:] not in (_HASHES, _DIGESTS, _ATTRIBUTES) or (call.stdin and not call.stdin.endswith(b"\0")):
        raise not_modelled(call)
    names = [os.fsdecode(name) for name in call.stdin.split(b"\0")[:-1]]
    if call.argv[1:] == _ATTRIBUTES:
        reply = attributes_of(machine, names)
    elif call.argv[1:] == _DIGESTS:
        if names and "openssl" in simulated(machine).missing_programs:
            return Reply(_NOT_FOUND, b"", b"xargs: openssl: No such file or directory\n")
        reply = yield from digest_files(machine, names)
    else:
        reply = yield from hash_files(machine, names)
    return Reply(_SOME_FAILED if reply.exit_status else 0, reply.stdout, reply.stderr)


def date(call: Call, machine: Machine) -> Reply:
    """``date +%s``."""
    if call.argv[1:] != ("+%s",):
        raise not_modelled(call)
    return Reply(0, f"{simulated(machine).simulation.now_ns() // 10**9}\n".encode())


PROGRAMS: dict[str, Program] = {"nice": nice, "ionice": ionice, "xargs": xargs, "date": date}
