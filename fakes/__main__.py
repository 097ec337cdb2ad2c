"""The fakes as processes.

python3 -m fakes [MODULE:]PROGRAM ARGUMENTS     run a fake program as a shim does
python3 -m fakes shims DIRECTORY        write a shim for every faked program
python3 -m fakes boot                   what a host does when it gets power
python3 -m fakes start NAME...          what starts then, one script after the other
python3 -m fakes resident               the same with a kernel of its own; stays and answers for the programs
python3 -m fakes daemon NAME            a background program, until SIGTERM
python3 -m fakes replicate              what has reached the peer: for the lab, before this host loses power or its link
python3 -m fakes refresh                images as the disks hold them: for the lab, before it looks at one
python3 -m fakes world init|patch       a whole world, or a JSON merge patch of it, from standard input; what would
                                        have happened until now has happened before the patch
python3 -m fakes world show             the world as JSON
python3 -m fakes world record HOST KIND DETAIL             note what the lab did
python3 -m fakes world hold             keep the world locked until standard input ends, so that a host can be frozen
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial

from fakes import programs
from fakes.container import ContainerMachine
from fakes.program import Call, Program, Reply, Slow, UnsupportedInvocation, go_on

NOT_MODELLED_STATUS = 70
# The only programs that ask something; all others must not eat what their caller reads from the same input.
_ASKING = ("create-md", "wipe-md")


def main(arguments: list[str]) -> int:
    """Run one of the above; returns its exit status."""
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 64
    verb = _VERBS.get(arguments[0])
    machine = ContainerMachine.here()
    return verb(machine, arguments[1:]) if verb else _program(machine, arguments)


# Programs


def _program(machine: ContainerMachine, argv: list[str]) -> int:
    module, _, name = argv[0].rpartition(":")
    asks = any(word in _ASKING for word in argv) and not sys.stdin.isatty()
    call = Call((name, *argv[1:]), sys.stdin.buffer.read() if asks else b"", _user())
    reply = answer(machine, call, module)
    sys.stdout.buffer.write(reply.stdout)
    sys.stdout.buffer.flush()
    sys.stderr.buffer.write(reply.stderr)
    sys.stderr.buffer.flush()
    return reply.exit_status


def _user() -> str:
    if os.geteuid() == 0:
        return "root"
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


def answer(machine: ContainerMachine, call: Call, module: str = "") -> Reply:
    """The program's answer. One that is not modelled, or breaks, is told to the lab and fails."""
    try:
        return _to_the_end(_begin(machine, call, module))
    except UnsupportedInvocation as unknown:
        said = str(unknown)
    except Exception:  # noqa: BLE001 - whatever it is, the trial must come to know of it and not pass
        import traceback

        print(traceback.format_exc(), file=sys.stderr)
        said = f"the fake failed: {traceback.format_exc().splitlines()[-1]}"
    import shlex

    said = f"{shlex.join(call.argv)}: {said}"
    with machine.world() as world:
        world.unsupported.append(f"{machine.name}: {said}")
    return Reply(NOT_MODELLED_STATUS, b"", f"fake: not modelled: {said}\n".encode("utf-8", "surrogateescape"))


def _begin(machine: ContainerMachine, call: Call, module: str) -> Reply | Slow:
    if not module:
        return programs.dispatch(call, machine)
    program: Program = importlib.import_module(f"{programs.__name__}.{module}").PROGRAMS[call.argv[0]]
    return program(call, machine)


def _to_the_end(outcome: Reply | Slow) -> Reply:
    """Let real time pass where a program says so."""
    if isinstance(outcome, Reply):
        return outcome
    while not isinstance(said := go_on(outcome), Reply):
        time.sleep(said)
    return said


# The lab's doors


def _shims(machine: ContainerMachine, arguments: list[str]) -> int:
    from fakes import shims

    for name in shims.install(arguments[0], sys.executable):
        print(name)
    return 0


def _boot(machine: ContainerMachine, arguments: list[str]) -> int:
    from fakes.boot import boot

    boot(machine)
    return 0


def _start(machine: ContainerMachine, arguments: list[str]) -> int:
    return max(answer(machine, Call(("service", name, "start")), "services").exit_status for name in arguments)


def _resident(machine: ContainerMachine, arguments: list[str]) -> int:
    from fakes import resident
    from fakes.realhost import RealHost

    if not isinstance(machine, RealHost):
        raise SystemExit(__doc__)
    return resident.run(machine)


def _daemon(machine: ContainerMachine, arguments: list[str]) -> int:
    from fakes import daemon

    return daemon.run(machine, arguments[0])


def _replicate(machine: ContainerMachine, arguments: list[str]) -> int:
    from fakes.programs import drbd_content

    with machine.world() as world:
        drbd_content.replicate(machine, world)
    return 0


def _refresh(machine: ContainerMachine, arguments: list[str]) -> int:
    from fakes.programs import drbd_content

    with machine.world() as world:
        drbd_content.refresh_all(machine, world)
    return 0


def _world(machine: ContainerMachine, arguments: list[str]) -> int:
    from fakes.programs.drbd_model import settle
    from fakes.worldfile import to_plain, world_from_plain

    file = machine.world_file
    match arguments:
        case ["init"]:
            file.create(world_from_plain(json.load(sys.stdin)))
        case ["patch"]:
            file.patch(json.load(sys.stdin), partial(settle, now=machine.now()))
        case ["show"]:
            print(json.dumps(to_plain(file.read())))
        case ["record", host, kind, detail]:
            with file.open() as world:
                world.record(machine.now(), host, kind, detail)
        case ["hold"]:
            with file.lock():
                print("held", flush=True)
                sys.stdin.read()
        case _:
            raise SystemExit(__doc__)
    return 0


_VERBS: dict[str, Callable[[ContainerMachine, list[str]], int]] = {
    "shims": _shims,
    "boot": _boot,
    "start": _start,
    "resident": _resident,
    "daemon": _daemon,
    "replicate": _replicate,
    "refresh": _refresh,
    "world": _world,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
