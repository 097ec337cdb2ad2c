"""drbdadm: reads the configuration, and runs drbdsetup and drbdmeta for what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fakes.machine import Machine
from fakes.program import Call, Program, Reply, UnsupportedInvocation
from fakes.programs import drbd_config, drbd_printing, drbdmeta, drbdsetup
from fakes.programs import drbd_vocabulary as vocabulary
from fakes.programs.drbd_config import Configuration, ConfigurationError, HostSection, ResourceSection
from fakes.programs.drbd_model import settle
from fakes.programs.drbd_replica import replica
from fakes.programs.drbdsetup import Request, Session, shown
from fakes.world import played

CONFIGURATION = "/etc/drbd.conf"
USAGE = 1
_REPORTED_FROM = 10  # exit statuses that drbdadm says something about


class Invocation(NamedTuple):
    """A call taken apart. ``options`` are for drbdsetup or drbdmeta."""

    command: str
    names: tuple[str, ...]
    options: tuple[str, ...]
    file: str = CONFIGURATION


class Context(NamedTuple):
    """A command at work on one resource."""

    session: Session
    section: ResourceSection
    me: HostSection
    options: tuple[str, ...]

    @property
    def peer(self) -> HostSection:
        """The other host.

        Raises:
            UnsupportedInvocation: there is not exactly one.
        """
        others = [host for host in self.section.hosts.values() if host.name != self.me.name]
        if len(others) != 1:
            raise UnsupportedInvocation(f"{self.section.name} with {len(others)} peers is not modelled")
        return others[0]


# The command line

_FOR_COMMAND = {
    "primary": ("--force", "--overwrite-data-of-peer"),
    "connect": ("--discard-my-data", "--tentative"),
    "new-current-uuid": ("--clear-bitmap",),
    "create-md": ("--force",),
    "detach": ("--force",),
    "disconnect": ("--force",),
}
_KNOWN_OPTIONS = {option for options in _FOR_COMMAND.values() for option in options}
_WITHOUT_RESOURCE = ("sh-nop", "sh-resources")


def _complain(text: str, status: int = USAGE) -> Reply:
    return Reply(status, b"", text.encode("utf-8", "surrogateescape"))


def _usage(version: str, reason: str, command: str = "") -> Reply:
    return Reply(USAGE, drbd_printing.usage(version, reason, command).encode())


def _take_apart(call: Call, version: str) -> Invocation | Reply:
    """The parts of a command line, or what drbdadm says to a wrong one.

    Raises:
        UnsupportedInvocation: for an option that is not modelled.
    """
    words, file = list(call.argv[1:]), CONFIGURATION
    if words[:1] in (["-c"], ["--config-file"]) and len(words) > 1:
        file, words = words[1], words[2:]
    if any(word in ("-d", "--dry-run", "-v", "--verbose", "-S", "--stacked", "--help", "-h") for word in words):
        raise UnsupportedInvocation(" ".join(call.argv))
    if version == "8.3":
        return _take_apart_83(call, words, file)
    commands = _COMMANDS_84.keys()
    separator = words.index("--") if "--" in words else len(words)
    options = [word for word in words[:separator] if word.startswith("-")]
    rest = [word for word in words[:separator] if not word.startswith("-")] + words[separator + 1 :]
    passed: list[str] = []
    while rest and separator < len(words) and rest[0] not in commands and rest[0].startswith("-"):
        passed.append(rest.pop(0))
    return _checked(call, Invocation(rest[0] if rest else "", tuple(rest[1:]), (*options, *passed), file), options)


def _checked(call: Call, found: Invocation, options: list[str]) -> Invocation | Reply:
    """Options that stand where drbdadm looks at them must be its own or the command's."""
    unknown = next((option for option in options if option.partition("=")[0] not in _KNOWN_OPTIONS), None)
    known_command = found.command in _COMMANDS_84 or found.command in vocabulary.NOT_MODELLED
    if found.command == "resize" and found.options:
        raise UnsupportedInvocation(" ".join(call.argv))
    if unknown is not None:
        if found.command and not known_command:
            raise UnsupportedInvocation(" ".join(call.argv))
        return _complain(f"drbdadm: unrecognized option '{unknown}'\ntry 'drbdadm help'\n")
    if not found.command:
        return _usage("8.4", "No command specified")
    if not known_command:
        return _complain(f"drbdadm: Unknown command '{found.command}'\n")
    for option in options:
        if option not in _FOR_COMMAND.get(found.command, ()):
            return _complain(f"drbdadm: unrecognized option '{option}'\ntry 'drbdadm help {found.command}'\n")
    return found


def _take_apart_83(call: Call, words: list[str], file: str) -> Invocation | Reply:
    """8.3 takes options of drbdsetup behind ``--`` and before the command only; ``--force`` elsewhere is its own."""
    passed: list[str] = []
    if words[:1] == ["--"]:
        words = words[1:]
        while words and words[0] not in _COMMANDS_83 and words[0] not in vocabulary.NOT_MODELLED:
            passed.append(words.pop(0))
    else:
        words = [word for word in words if word not in ("--force", "-f")]
        unknown = next((word for word in words if word.startswith("-")), None)
        if unknown is not None and words[0] not in _COMMANDS_83:
            raise UnsupportedInvocation(" ".join(call.argv))
        if unknown is not None:
            return _complain(f"drbdadm: unrecognized option '{unknown}'\ntry 'drbdadm help'\n", 20)
    if not words:
        return _usage("8.3", "" if passed else "missing arguments")
    if words[0] not in _COMMANDS_83 and words[0] not in vocabulary.NOT_MODELLED:
        if len(words) > 2:
            raise UnsupportedInvocation(" ".join(call.argv))
        return _usage("8.3", "")
    return Invocation(words[0], tuple(words[1:]), tuple(passed), file)


# Running the tools below


def _joined(*replies: Reply) -> Reply:
    """All that was printed, and the worst exit status."""
    return Reply(
        max(reply.exit_status for reply in replies),
        b"".join(reply.stdout for reply in replies),
        b"".join(reply.stderr for reply in replies),
    )


def _setup(context: Context, request: Request) -> Reply:
    """Run drbdsetup and report its failure."""
    reply = drbdsetup.run(context.session, request)
    if reply.exit_status < _REPORTED_FROM:
        return reply
    return _with_report(reply, shown(context.session, request))


def _with_report(reply: Reply, command: str) -> Reply:
    report = f"Command '{command}' terminated with exit code {reply.exit_status}\n"
    return Reply(reply.exit_status, reply.stdout, reply.stderr + report.encode())


def _target(context: Context) -> drbdmeta.Target:
    session, me = context.session, context.me
    forced = "--force" in context.options or "-f" in context.options
    return drbdmeta.Target(session.world, session.row, me.minor, me.disk, forced)


def _meta(context: Context, verb: str) -> Reply:
    """Run drbdmeta and report its failure."""
    target = _target(context)
    reply = drbdmeta.run(target, verb)
    words = (str(context.me.minor), "v08", context.me.disk, "internal", verb, *context.options)
    command = f"drbdadm {' '.join([verb, *context.options])} {context.section.name}"
    drbdmeta.note_destruction(target, verb, reply, context.session.now, command)
    return reply if reply.exit_status < _REPORTED_FROM else _with_report(reply, f"drbdmeta {' '.join(words)}")


# Commands on one resource


def _simple(verb: str) -> Callable[[Context], Reply]:
    """Commands that are one request to the kernel."""

    def command(context: Context) -> Reply:
        section, me = context.section, context.me
        return _setup(context, drbdsetup.simple(context.session, section.name, me.minor, verb, context.options))

    return command


def _kernel_or_metadata(verb: str) -> Callable[[Context], Reply]:
    """Commands that turn to the metadata where the kernel cannot answer."""

    def command(context: Context) -> Reply:
        request = drbdsetup.simple(context.session, context.section.name, context.me.minor, verb, context.options)
        reply = drbdsetup.run(context.session, request)
        if reply.exit_status in (0, 11, 17):
            return reply
        return _meta(context, "get-gi" if verb == "show-gi" else verb)

    return command


def _outdate(context: Context) -> Reply:
    request = drbdsetup.simple(context.session, context.section.name, context.me.minor, "outdate")
    reply = drbdsetup.run(context.session, request)
    if reply.exit_status in (0, 17):
        return Reply(reply.exit_status)
    found = _meta(context, "outdate")
    return Reply(5, found.stdout, found.stderr) if reply.exit_status == 5 and found.exit_status else found


def _attach(context: Context) -> Reply:
    if not context.session.old:
        prepared = _meta(context, "apply-al")
        if prepared.exit_status:
            return prepared
        return _joined(prepared, _setup(context, drbdsetup.attach(context.session, context.section, context.me)))
    return _setup(context, drbdsetup.attach(context.session, context.section, context.me))


def _connect(context: Context) -> Reply:
    request = drbdsetup.connect(context.session, context.section, context.me, context.peer, context.options)
    return _setup(context, request)


def _disconnect(context: Context) -> Reply:
    return _setup(context, drbdsetup.disconnect(context.session, context.section, context.me, context.peer))


def _syncer(context: Context) -> Reply:
    return _setup(context, drbdsetup.syncer(context.session, context.section, context.me))


def _up(context: Context) -> Reply:
    """In stages; the first that fails ends it with status 1."""
    stages = (_attach, _syncer, _connect) if context.session.old else (_create, _attach, _connect)
    done = [Reply()]
    for stage in stages:
        done.append(stage(context))
        if done[-1].exit_status:
            break
    joined = _joined(*done)
    return Reply(1 if joined.exit_status else 0, joined.stdout, joined.stderr)


def _create(context: Context) -> Reply:
    return _setup(context, drbdsetup.create(context.session, context.section, context.me))


def _adjust(context: Context) -> Reply:
    """Bring up what is not; changed settings are taken over by the next attach or connect."""
    one = replica(context.session.world, context.session.row, context.section.name)
    if one is None or (one.side.disk == "Diskless" and not one.side.local):
        return _up(context)
    done = [Reply()]
    if one.side.disk == "Diskless":
        done.append(_attach(context))
    if not one.side.local:
        done.append(_connect(context))
    return _joined(*done)


def _down(context: Context) -> Reply:
    return _setup(context, drbdsetup.down(context.session, context.section, context.me))


def _create_metadata(context: Context) -> Reply:
    looked = ""
    if not context.session.old:
        drbdsetup.load_module(context.session, "create-md")
        looked = drbdmeta.look_before_create(_target(context))
    return _joined(Reply(0, b"", looked.encode()), _meta(context, "create-md"))


def _wipe_metadata(context: Context) -> Reply:
    return _meta(context, "wipe-md")


def _dump_metadata(context: Context) -> Reply:
    return _meta(context, "dump-md")


def _status(context: Context) -> Reply:
    return _setup(context, drbdsetup.status_of(context.session, context.section.name))


def _say(line: str) -> Reply:
    return Reply(0, f"{line}\n".encode())


_SHARED: dict[str, Callable[[Context], Reply]] = {
    **{verb: _simple(verb) for verb in ("primary", "secondary", "detach", "invalidate-remote", "verify")},
    **{verb: _simple(verb) for verb in ("pause-sync", "resume-sync", "role", "cstate", "new-current-uuid", "resize")},
    **{verb: _kernel_or_metadata(verb) for verb in ("invalidate", "dstate", "get-gi", "show-gi")},
    "outdate": _outdate,
    "attach": _attach,
    "connect": _connect,
    "disconnect": _disconnect,
    "up": _up,
    "down": _down,
    "adjust": _adjust,
    "create-md": _create_metadata,
    "wipe-md": _wipe_metadata,
    "dump-md": _dump_metadata,
    "sh-dev": lambda context: _say(context.me.device),
    "sh-ll-dev": lambda context: _say(context.me.disk),
}
_NOTHING = dict.fromkeys((*_WITHOUT_RESOURCE, "status"), lambda context: Reply())
_COMMANDS_84: dict[str, Callable[[Context], Reply]] = {
    **_NOTHING,
    **_SHARED,
    "status": _status,
    **dict.fromkeys(("net-options", "disk-options", "resource-options"), lambda context: Reply()),
}
_COMMANDS_83: dict[str, Callable[[Context], Reply]] = {**_NOTHING, **_SHARED, "syncer": _syncer}


# The program


def drbdadm(call: Call, machine: Machine) -> Reply:
    """``drbdadm [--] [OPTION...] COMMAND {all|RESOURCE...}`` of 8.3 and 8.4."""
    if call.user != "root":
        raise UnsupportedInvocation(f"{' '.join(call.argv)} as {call.user} is not modelled")
    now = machine.now()
    with machine.world() as world:
        session = Session(world, machine.row(world), machine, now)
        if call.argv[1:] in (("--version",), ("-V",)):
            return Reply(0, drbd_printing.version(played(session.row, world), "drbd" in session.row.modules).encode())
        found = _take_apart(call, world.version)
        if isinstance(found, Reply):
            return found
        try:
            configuration = drbd_config.load(machine.files, found.file, world.version)
        except ConfigurationError as error:
            return _complain(error.text, error.exit_status)
        settle(world, now)
        reply = _run(session, call, found, configuration)
        settle(world, now)
        return reply


def _run(session: Session, call: Call, found: Invocation, configuration: Configuration) -> Reply:
    if found.command == "sh-nop":
        return Reply()
    if found.command == "sh-resources":
        return _say(" ".join(configuration.resources))
    if found.command == "status" and session.old:
        return _status_of_all(session, found, configuration)
    if not configuration.resources:
        return _complain("no resources defined!\n")
    commands = _COMMANDS_83 if session.old else _COMMANDS_84
    if found.command not in commands:
        raise UnsupportedInvocation(" ".join(call.argv))
    if not found.names and found.command != "status":
        reason = "missing resourcename arguments" if session.old else "No resource names specified"
        return _usage(session.world.version, reason, "" if session.old else found.command)
    names = configuration.resources if found.names in ((), ("all",)) else found.names
    done = [Reply()]
    for name in names:
        context = _context(session, name, found, configuration)
        done.append(context if isinstance(context, Reply) else commands[found.command](context))
    return _joined(*done)


def _context(session: Session, name: str, found: Invocation, configuration: Configuration) -> Context | Reply:
    section = configuration.resources.get(name)
    own_name = getattr(session.machine, "node_name", session.machine.name)
    me = section.hosts.get(own_name) if section else None
    if section is not None and me is not None:
        return Context(session, section, me, found.options)
    if section is not None and session.old:
        return _complain(f"'{name}' ignored, since this host ({own_name}) is not mentioned with an 'on' keyword.\n")
    where = "in your config." if session.old else "in your config (for this host)."
    return _complain(f"'{name}' not defined {where}\n")


def _status_of_all(session: Session, found: Invocation, configuration: Configuration) -> Reply:
    missing = drbdsetup.load_module(session, "status")
    if missing is not None:
        return missing
    own_name = getattr(session.machine, "node_name", session.machine.name)
    rows = [
        (name, section.hosts[own_name].minor, replica(session.world, session.row, name))
        for name, section in configuration.resources.items()
        if own_name in section.hosts
    ]
    return Reply(0, drbd_printing.status_xml(found.file, rows).encode())


PROGRAMS: dict[str, Program] = {"drbdadm": drbdadm}
