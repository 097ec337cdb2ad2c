"""drbdsetup: one request to the kernel, and what it prints of the answer. drbdadm calls it, and so may a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fakes.machine import Machine
from fakes.program import Call, Program, Reply, UnsupportedInvocation
from fakes.programs import drbd_kernel as kernel
from fakes.programs import drbd_vocabulary as vocabulary
from fakes.programs.drbd_config import HostSection, ResourceSection
from fakes.programs.drbd_model import Refused, settle
from fakes.programs.drbd_printing import generation_line, status
from fakes.programs.drbd_replica import Replica, replica
from fakes.world import HostRow, World

_EXITS = {-2: 17, -4: 16, -16: 5}
_UNRECOGNISED = 20
_CREATING = ("--set-defaults", "--create-device")  # how 8.3 makes a minor
_MODULES = ("lru_cache", "drbd")
_SILENT_WITHOUT_MODULE = ("down", "secondary", "disconnect", "detach")


@dataclass(frozen=True)
class Session:
    """One program's call, with the world locked and settled."""

    world: World
    row: HostRow
    machine: Machine
    now: float

    @property
    def old(self) -> bool:
        """DRBD 8.3 is played."""
        return self.world.version == "8.3"


@dataclass(frozen=True)
class Request:
    """A command for the kernel. ``subject`` is what its complaints begin with."""

    verb: str
    words: tuple[str, ...]  # as drbdadm shows the call when it fails
    subject: str
    act: Callable[[], str | None]  # returns what to print


def shown(session: Session, request: Request) -> str:
    """The command line that drbdadm runs."""
    return " ".join(("drbdsetup" if session.old else "drbdsetup-84", *request.words))


def run(session: Session, request: Request) -> Reply:
    """Send the request."""
    missing = load_module(session, request.verb)
    if missing is not None:
        return missing
    try:
        return Reply(0, (request.act() or "").encode())
    except Refused as refused:
        return _complaint(session, request.subject, refused)


def load_module(session: Session, verb: str) -> Reply | None:
    """drbdsetup of 8.4 loads the module itself; that of 8.3 fails without it, or has nothing to do."""
    if "drbd" in session.row.modules:
        return None
    if not session.old:
        session.row.modules += [name for name in _MODULES if name not in session.row.modules]
        return None
    if verb in _SILENT_WITHOUT_MODULE:
        return Reply()
    return Reply(
        20,
        b"",
        b'Could not stat("/proc/drbd"): No such file or directory\n'
        b"do you need to load the module?\ntry: modprobe drbd\n",
    )


def _complaint(session: Session, subject: str, refused: Refused) -> Reply:
    if refused.code == 0:
        return Reply(10, b"", f"{refused.reason}\n".encode())
    what = "Failure" if refused.code > 0 else "State change failed"
    text = f"{subject}: {what}: ({refused.code}) {refused.reason}\n"
    if refused.info and not session.old:
        text += "additional info from kernel:\n" + "".join(f"{line}\n" for line in refused.info)
    return Reply(10 if refused.code > 0 else _EXITS.get(refused.code, 11), b"", text.encode())


# Requests, as drbdadm builds them from a configuration


def simple(session: Session, name: str, minor: int, verb: str, options: tuple[str, ...] = ()) -> Request:
    """A request that needs the minor only."""
    words = (str(minor), verb, *options) if session.old else (verb, str(minor), *options)
    return Request(verb, words, str(minor), lambda: _act(session, name, verb, frozenset(options)))


def _act(session: Session, name: str, verb: str, options: frozenset[str]) -> str | None:
    one = kernel.known(session.world, session.row, name)
    machine, now = session.machine, session.now
    if verb in ("role", "cstate", "dstate"):
        return _state_line(one, verb)
    if verb in ("show-gi", "get-gi"):
        if one.metadata is None:
            raise Refused(138, "Device does not have a disk-config")
        if verb == "show-gi":
            raise UnsupportedInvocation("drbdadm show-gi of an attached disk is not modelled")
        return generation_line(one.metadata)
    allowed, action = _ACTIONS.get(verb, (frozenset[str](), None))
    if action is None or options - allowed:
        raise UnsupportedInvocation(f"drbdsetup {verb} {' '.join(sorted(options))} is not modelled")
    action(machine, one, now, options)
    return None


def _state_line(one: Replica, verb: str) -> str:
    side = one.side
    if (side.connection, side.disk) == ("StandAlone", "Diskless"):
        return "Unconfigured\n"
    lines = {
        "role": f"{side.role}/{side.peer_role}\n",
        "cstate": f"{side.connection}\n",
        "dstate": f"{side.disk}/{side.peer_disk}\n",
    }
    return lines[verb]


_Action = Callable[[Machine, Replica, float, frozenset[str]], None]
_FORCE = frozenset({"--force", "--overwrite-data-of-peer", "-o", "-f"})


def _primary(machine: Machine, one: Replica, now: float, options: frozenset[str]) -> None:
    if kernel.promote(machine, one, now, bool(options)):
        _destroyed(one, now, f"primary {' '.join(sorted(options))}")


def _new_current_uuid(machine: Machine, one: Replica, now: float, options: frozenset[str]) -> None:
    kernel.new_generation(one, now, bool(options))
    _destroyed(one, now, " ".join(["new-current-uuid", *options]))


def _invalidate(machine: Machine, one: Replica, now: float, options: frozenset[str]) -> None:
    kernel.invalidate(machine, one, now)
    _destroyed(one, now, "invalidate")


def _invalidate_remote(machine: Machine, one: Replica, now: float, options: frozenset[str]) -> None:
    kernel.invalidate_peer(machine, one, now)
    _destroyed(one, now, "invalidate-remote")


def _destroyed(one: Replica, now: float, what: str) -> None:
    one.world.record(now, one.row.name, "destroy", f"drbdadm {what} {one.resource.name}")


_ACTIONS: dict[str, tuple[frozenset[str], _Action]] = {
    "primary": (_FORCE, _primary),
    "secondary": (frozenset(), lambda machine, one, now, options: kernel.demote(one, now)),
    "detach": (frozenset(), lambda machine, one, now, options: kernel.detach(machine, one, now)),
    "new-current-uuid": (frozenset({"--clear-bitmap", "-c"}), _new_current_uuid),
    "invalidate": (frozenset(), _invalidate),
    "invalidate-remote": (frozenset(), _invalidate_remote),
    "verify": (frozenset(), lambda machine, one, now, options: kernel.verify(one, now)),
    "resize": (frozenset(), lambda machine, one, now, options: kernel.resize(one, now)),
    "outdate": (frozenset(), lambda machine, one, now, options: kernel.outdate(one, now)),
    "pause-sync": (frozenset(), lambda machine, one, now, options: kernel.pause(one, now)),
    "resume-sync": (frozenset(), lambda machine, one, now, options: kernel.resume(one, now)),
}


def _options(pairs: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"--{name}" if value == "yes" else f"--{name}={value}" for name, value in pairs.items())


def attach(session: Session, section: ResourceSection, me: HostSection) -> Request:
    """Take the disk into use; of 8.3 it is called ``disk`` and makes the minor known."""
    where = (me.disk, me.disk, "internal")
    words = (str(me.minor), "disk", *where, *_CREATING) if session.old else ("attach", str(me.minor), *where)

    def act() -> None:
        if session.old:
            kernel.create_minor(session.world, session.row, section.name, me.device, me.minor)
        one = kernel.known(session.world, session.row, section.name)
        kernel.attach(one, session.now, me.disk, section.attach)

    return Request("attach", (*words, *_options(section.attach)), str(me.minor), act)


def syncer(session: Session, section: ResourceSection, me: HostSection) -> Request:
    """8.3's own settings of the resync; only the algorithm of ``verify`` matters here."""

    def act() -> None:
        one = kernel.create_minor(session.world, session.row, section.name, me.device, me.minor)
        one.side.options = {**one.side.options, **section.syncer}

    words = (str(me.minor), "syncer", *_CREATING, *_options(section.syncer))
    return Request("syncer", words, str(me.minor), act)


def connect(
    session: Session, section: ResourceSection, me: HostSection, peer: HostSection, extra: tuple[str, ...]
) -> Request:
    """Look for the peer."""
    if set(extra) - {"--discard-my-data", "-D"}:
        raise UnsupportedInvocation(f"connect {' '.join(extra)} is not modelled")
    if "allow-two-primaries" in section.net:
        raise UnsupportedInvocation("two Primaries at once are not modelled")
    settings = {**section.net, "protocol": section.protocol}
    subject = str(me.minor) if session.old else section.name
    ends = (me.endpoint, peer.endpoint)
    new, old = ("connect", subject, *ends, f"--protocol={section.protocol}"), (subject, "net", *ends, section.protocol)
    words = (*old, *_CREATING) if session.old else new

    def act() -> None:
        if session.old:
            kernel.create_minor(session.world, session.row, section.name, me.device, me.minor)
        one = replica(session.world, session.row, section.name)
        if one is None:
            raise Refused(158, "Unknown resource", "unknown resource")
        kernel.connect(one, session.now, me.endpoint, peer.endpoint, settings, bool(extra))
        if extra:
            _destroyed(one, session.now, "connect --discard-my-data")

    return Request("connect", (*words, *_options(section.net), *extra), subject, act)


def disconnect(session: Session, section: ResourceSection, me: HostSection, peer: HostSection) -> Request:
    """Stop talking."""
    words = (str(me.minor), "disconnect") if session.old else ("disconnect", me.endpoint, peer.endpoint)

    def act() -> None:
        one = replica(session.world, session.row, section.name)
        if one is None and not session.old:
            raise Refused(162, "Invalid configuration request", "unknown connection")
        one = one or kernel.known(session.world, session.row, section.name)
        kernel.disconnect(session.machine, one, session.now)

    return Request("disconnect", words, str(me.minor) if session.old else "??", act)


def down(session: Session, section: ResourceSection, me: HostSection) -> Request:
    """Stop everything; what the kernel does not know is down already."""

    def act() -> None:
        one = replica(session.world, session.row, section.name)
        if one is not None:
            kernel.down(session.machine, one, session.now)

    words = (str(me.minor), "down") if session.old else ("down", section.name)
    return Request("down", words, str(me.minor) if session.old else section.name, act)


def create(session: Session, section: ResourceSection, me: HostSection) -> Request:
    """Make the kernel of 8.4 know resource and minor."""

    def act() -> None:
        kernel.create_minor(session.world, session.row, section.name, me.device, me.minor)

    return Request("new-minor", ("new-minor", section.name, str(me.minor), "0"), section.name, act)


def status_of(session: Session, name: str) -> Request:
    """The text form of 8.4."""

    def act() -> str:
        one = replica(session.world, session.row, name)
        if one is None:
            raise Refused(0, f"{name}: No such resource")
        return status(one)

    return Request("status", ("status", name), name, act)


# The program itself

_USAGE_84 = (
    "\nUSAGE: drbdsetup command device arguments options\n\nDevice is usually /dev/drbdX or /dev/drbd/X.\n\n"
    "Commands are:\n"
)
_BY_MINOR = ("role", "cstate", "dstate", "get-gi", "primary", "secondary", "detach")


def drbdsetup(call: Call, machine: Machine) -> Reply:
    """``drbdsetup VERB MINOR``, in either order, and ``drbdsetup status RESOURCE`` of 8.4."""
    words = list(call.argv[1:])
    if call.user != "root" or len(words) < 2:
        raise UnsupportedInvocation(" ".join(call.argv))
    now = machine.now()
    with machine.world() as world:
        settle(world, now)
        session = Session(world, machine.row(world), machine, now)
        if words[0] == "status" and not session.old:
            reply = _status(session, words[1:])
        else:
            reply = _by_minor(session, call, words)
        settle(world, now)
        return reply


def _status(session: Session, words: list[str]) -> Reply:
    option = next((word for word in words if word.startswith("-")), None)
    if option is not None:
        return Reply(_UNRECOGNISED, _usage().encode(), f"status: unrecognized option '{option}'\n".encode())
    return run(session, status_of(session, words[0]))


def _usage() -> str:
    rows = [vocabulary.DRBDSETUP_84[at : at + 3] for at in range(0, len(vocabulary.DRBDSETUP_84), 3)]
    table = "".join("    " + "".join(f"{name:<20}" for name in row) + "\n" for row in rows)
    return f"{_USAGE_84}{table}\nTo get more details about a command issue 'drbdsetup help cmd'.\n\n"


def _by_minor(session: Session, call: Call, words: list[str]) -> Reply:
    device, verb = (words[1], words[0]) if words[0] in _BY_MINOR else (words[0], words[1])
    if not session.old and verb not in vocabulary.DRBDSETUP_84:
        return Reply(_UNRECOGNISED, f"{_usage()}\ninvalid command\n".encode())
    minor = device.removeprefix("/dev/drbd")
    if verb == "syncer" and session.old and minor.isdigit():
        return Reply()  # rates are not modelled
    if verb not in _BY_MINOR or not minor.isdigit():
        raise UnsupportedInvocation(" ".join(call.argv))
    name = next((name for name, side in session.row.sides.items() if side.minor == int(minor)), "")
    return run(session, simple(session, name, int(minor), verb, tuple(words[2:])))


PROGRAMS: dict[str, Program] = {"drbdsetup": drbdsetup}
