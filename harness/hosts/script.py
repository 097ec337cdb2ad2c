"""What is sent to a host: one POSIX sh script for each request. The only place where anything is quoted for a shell.

The command line on the host never changes (``remote.OPENING``); it prints a greeting, then reads standard input::

    <first line>      the whole request, or a line that loads the script
    <script>          functions, the request with a mark that nobody else knows, a last line that says it is whole
    <input>           what the command reads, or the content of a file

Nothing that changes anything is sent before the greeting is seen, so a connection, login or sudo that fails is known to
have done nothing. What arrives cut short is not run. The reply is what follows the greeting, up to a last line that
begins with the mark. A connection that carries many requests has shells that go on answering: ``serving`` makes one,
and ``compose_brief`` says a request to it in two lines, the first of which asks for a greeting of its own.

The last line of a reply::

    <mark> exit 3     the command ended by itself with this status
    <mark> ok | job … | holder … | fenced … | rebooted | held … | busy | failed 1

docs/reference/hosts.md describes all of it for the owner of the hosts.
"""

from __future__ import annotations

import os
import posixpath
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.errors import InvalidInput
from harness.hosts import remote
from harness.hosts.command import (
    AskHolder,
    AskRecord,
    Claim,
    Command,
    ContinueJob,
    Effect,
    Fence,
    KeepRecord,
    PauseJob,
    PollJob,
    PutFile,
    Request,
    StartJob,
    StopJob,
    effect_of,
)

STATE_DIRECTORY = "/var/lib/walrus-ha"

_LONGEST_LINE = 4096  # a shell reads a line byte by byte
_LONGEST_PRINTED = 4096  # bytes of a file that travel in the line of their request
_WORD = re.compile(r"[A-Za-z0-9._-]+")

# Programs that no shell has built in. A shell that stays starts them by itself: dash does not copy itself for that, and
# a copy is half of what a small program costs. Functions of these names, which a bash takes over from its environment,
# are taken back first; the names are quoted, so that no alias stands for them.
_NEVER_BUILT_IN = frozenset(
    _WORD.findall(
        "blkid blockdev cat chkconfig chmod chown cp curl date dd df drbdadm drbdmeta drbdsetup du "
        "euca-describe-properties euca-describe-services euca-modify-property euca_conf find findmnt getfattr grep "
        "id ls lsblk mkdir modinfo modprobe mount mv od ps readlink rm rmdir rmmod rsync service sh sha256sum stat "
        "sync sysctl systemctl timeout touch umount uname wipefs xargs"
    )
)


@dataclass(frozen=True)
class Message:
    """One request as bytes.

    ``opening`` is the command line that answers with the ``greeting``, ``body`` what is sent then, ``mark`` begins the
    reply's last line. A ``harmless`` body changes nothing and need not wait for the greeting. The first ``hail`` bytes
    of a body only ask for the greeting, and are sent at once in any case.
    """

    greeting: bytes
    mark: bytes
    body: bytes
    opening: tuple[str, ...]
    harmless: bool
    hail: int = 0


def quote(argument: str) -> str:
    """One word for any POSIX shell, whatever characters it holds.

    Raises:
        InvalidInput: no argument can hold NUL, or half of a surrogate pair, which is no bytes.
    """
    if "\0" in argument:
        raise InvalidInput(f"{argument!r} holds a NUL byte, which no argument or path can")
    try:
        os.fsencode(argument)
    except UnicodeEncodeError:
        raise InvalidInput(f"{argument!r} holds half of a surrogate pair, which is no character") from None
    return "'" + argument.replace("'", "'\\''") + "'"


def line(argv: Sequence[str]) -> str:
    """An argument list as one line for any POSIX shell."""
    return " ".join(quote(argument) for argument in argv)


def compose(request: Request, fence: Fence | None, state_directory: str = STATE_DIRECTORY) -> Message:
    """The message for a request; with a fence the host compares epochs and performs it in one critical section.

    Raises:
        InvalidInput: what is asked for cannot be said (a NUL byte, a relative path, a job id with a slash).
    """
    greeting, mark = secrets.token_hex(16), secrets.token_hex(16)
    lines = _one_line(request, fence, mark) or _script(request, fence, mark, state_directory, greeting)
    body = b"%s\n%s%s" % (*lines, _input(request))
    return Message(_greeted(greeting), mark.encode(), body, _opening(greeting), _harmless(request))


def compose_brief(request: Request, fence: Fence | None) -> Message | None:
    """The message for a request to a shell that goes on answering, which knows every function already.

    None for a request with input, or one that is more than a line: what is left of an input that nobody reads must not
    be taken for the next request. The content of a small file is part of the line.

    Raises:
        InvalidInput: as ``compose``.
    """
    greeting, mark = secrets.token_hex(16), secrets.token_hex(16)
    call = _brief_call(request, fence)
    text = os.fsencode(f"{{ mark={mark}; {call} || exit; }}")
    if call is None or b"\n" in text:
        return None
    hail = b"greet %s\n" % greeting.encode()
    return Message(_greeted(greeting), mark.encode(), b"%s%s\n" % (hail, text), (), _harmless(request), len(hail))


def _brief_call(request: Request, fence: Fence | None) -> str | None:
    """The request as a line for a shell that serves, if it can be one."""
    match request:
        case Command(stdin=b"") if fence is None:
            return f"{_started(request)} </dev/null; told exit $?"
        case KeepRecord(content=content) if request.offset and len(content) <= _LONGEST_PRINTED:
            return _add(request, fence) if fence else None
        case PutFile(content=content) | KeepRecord(content=content) if len(content) <= _LONGEST_PRINTED:
            return f"(printf {_printed(content)} | ({_call(request, fence)}))"
    return None if _input(request) else f"({_call(request, fence, _started)})"


def _add(request: KeepRecord, fence: Fence) -> str:
    """Adding to what is kept: in the shell itself where it knows how long that is, else in one of its own."""
    name, end, printed = _word(request.name), request.offset + len(request.content), _printed(request.content)
    again = f'add_again {_fence(fence)} {name} {request.offset} {end} "$more"'
    afresh = f'({_enter(request, fence)}add {name} {request.offset} "$more")'
    return f"more={printed}; {{ {again} || {{ {afresh}; note_added $? {name} {end}; }}; }}"


def _printed(content: bytes) -> str:
    """A format for printf, which is part of every shell, that prints these bytes: one word without a line break."""
    plain = b' !#$&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"'
    return (
        "'" + "".join(chr(byte) if byte in plain else "%%" if byte == 37 else f"\\{byte:03o}" for byte in content) + "'"
    )


def serving(state_directory: str = STATE_DIRECTORY) -> Message:
    """What makes a shell on the host go on answering: see ``compose_brief``. Nothing is replied to it but its greeting.

    Raises:
        InvalidInput: the state directory is no absolute path.
    """
    greeting = secrets.token_hex(16)
    unset = f"unset -f {' '.join(sorted(_NEVER_BUILT_IN))}"
    pieces = ["exec sh -s", *_frame(state_directory), *_LIBRARY, remote.SERVE, unset, "find_life", ""]
    body = os.fsencode("\n".join(pieces))
    return Message(_greeted(greeting), b"", body, _opening(greeting), harmless=True)


def seconds(request: Request) -> float:
    """How long to wait for the answer to a request."""
    return request.command.timeout_s if isinstance(request, StartJob) else request.timeout_s


def _greeted(greeting: str) -> bytes:
    return f"{greeting}-ready\n".encode()


def _opening(greeting: str) -> tuple[str, ...]:
    return ("sh", "-c", remote.OPENING, "walrus-ha", greeting)


def _harmless(request: Request) -> bool:
    return effect_of(request) is Effect.READ and not isinstance(request, StartJob)


def _one_line(request: Request, fence: Fence | None, mark: str) -> tuple[bytes, bytes] | None:
    """The usual request in one line without functions that it does not need, because it is sent most often."""
    if not isinstance(request, Command) or fence is not None:
        return None
    text = os.fsencode("; ".join([f"mark={mark}", *remote.FRAME, _call(request, fence)]))
    return (text, b"") if b"\n" not in text and len(text) <= _LONGEST_LINE else None


def _script(request: Request, fence: Fence | None, mark: str, state: str, greeting: str) -> tuple[bytes, bytes]:
    """The first line, which loads the script, and the script."""
    return _loaded([f"mark={mark}", *_frame(state), *_functions(request, fence), _call(request, fence)], greeting)


def _loaded(pieces: list[str], greeting: str) -> tuple[bytes, bytes]:
    script = os.fsencode("\n".join([*pieces, f"#{greeting}"]))
    return remote.LOADER.format(length=len(script)).encode(), script


def _frame(state: str) -> list[str]:
    """Where the host keeps what it knows of runs, and what every script begins with."""
    _absolute(state)
    return [f"state={quote(state)} parent={quote(posixpath.dirname(state))}", *remote.FRAME]


_LIBRARY = (
    remote.FAIL,
    remote.LIFE,
    remote.LOCK,
    remote.CLAIM,
    remote.SPOOL,
    remote.PUT,
    remote.JOBS,
    f"job_text={quote(remote.JOB)}",
    remote.START,
    remote.STOP,
    remote.STILL,
    remote.RECORDS,
)


def _functions(request: Request, fence: Fence | None) -> list[str]:
    """The functions that a request needs."""
    needed = {remote.FAIL}
    if fence or isinstance(request, StartJob | Claim):
        needed |= {remote.LIFE, remote.LOCK}
    match request:
        case Command() if fence:
            needed.add(remote.SPOOL)
        case PutFile():
            needed.add(remote.PUT)
        case StartJob():
            needed |= {remote.JOBS, f"job_text={quote(remote.JOB)}", remote.START}
        case StopJob():
            needed |= {remote.JOBS, remote.STOP}
        case PauseJob() | ContinueJob():
            needed |= {remote.JOBS, remote.STILL}
        case PollJob():
            needed |= {remote.LIFE, remote.JOBS}
        case Claim():
            needed.add(remote.CLAIM)
        case AskHolder():
            needed.add(remote.LOCK)
        case KeepRecord() | AskRecord():
            needed.add(remote.RECORDS)
    return [piece for piece in _LIBRARY if piece in needed]


def _run(command: Command) -> str:
    """The command as a program, never as something that the shell has built in."""
    program = command.argv[0] if command.argv else ""
    if not program or program.startswith("-"):
        raise InvalidInput(f"{program!r} is not the name of a program")
    return f"(exec {line(command.argv)})"


def _started(command: Command) -> str:
    """The same for a shell that stays, without a copy of that shell where no shell has such a word."""
    started = _run(command)
    return line(command.argv) if command.argv[0] in _NEVER_BUILT_IN else started


def _call(request: Request, fence: Fence | None, run: Callable[[Command], str] = _run) -> str:
    """The part of the script that differs from request to request; ``run`` says a command."""
    enter = _enter(request, fence)
    match request:
        case Command() if fence:
            spool = f"spool {len(request.stdin)}"
            return f"{enter}{spool}; begin; {run(request)} {remote.SPOOLED}; answer $?"
        case Command():
            return f"{_run(request)}{'' if request.stdin else ' </dev/null'}; end exit $?"
        case PutFile():
            return f"{enter}{_put(request)}"
        case StartJob():
            return (enter or f"create; lock {_patience_s(request)}; ") + _start(request)
        case StopJob():
            return f'{enter}stop "$state/jobs/"{_word(request.job_id)}'
        case PauseJob():
            return f'{enter}stand_still "$state/jobs/"{_word(request.job_id)}'
        case ContinueJob():
            return f'{enter}go_on "$state/jobs/"{_word(request.job_id)}'
        case PollJob():
            return f'poll "$state/jobs/"{_word(request.job_id)}'
        case Claim():
            verb = "release" if request.release else "claim"
            former = f" {_word(request.takes_over)}" if request.takes_over else ""
            return f"{verb} {_patience_s(request)} {_fence(request.fence)}{former}"
        case KeepRecord():
            return f"{enter}keep {_word(request.name)} {request.offset} {len(request.content)}"
        case AskRecord():
            return f"recall {_word(request.name)}"
        case AskHolder():
            return f'{enter}holder; end holder "$epoch" "$run"'


def _enter(request: Request, fence: Fence | None) -> str:
    """What lets a request into the host's critical section, if it needs to be there."""
    return f"enter {_patience_s(request)} {_fence(fence)}; " if fence else ""


def _put(put: PutFile) -> str:
    path = _absolute(put.path)
    directory, name = posixpath.split(path)
    temporary = posixpath.join(directory, f".{name}.walrus-ha")
    mode = "same" if put.mode is None else f"{put.mode:04o}"
    return f"put {line([path, temporary, directory, mode, str(len(put.content))])}"


def _start(start: StartJob) -> str:
    command = start.command
    _run(command)  # for what it refuses
    described = f"{_word(start.job_id)} {quote(str(command))} {len(command.stdin)}"
    return f'prepare "$state/jobs/"{described}; begin; launch {line(command.argv)}; started {_patience_s(start)}'


def _input(request: Request) -> bytes:
    match request:
        case Command(stdin=content) | PutFile(content=content) | StartJob(command=Command(stdin=content)):
            return content
        case KeepRecord(content=content):
            return content
    return b""


def _patience_s(request: Request) -> int:
    """How long the host waits for the lock: it has to give up before we stop listening, or it would act unheard."""
    return max(1, int(seconds(request) / 2))


def _fence(fence: Fence) -> str:
    if fence.epoch < 1 or fence.run_id == "-":
        raise InvalidInput(f"epoch {fence.epoch} of run {fence.run_id!r} is no fence")
    return f"{fence.epoch} {_word(fence.run_id)}"


def _word(name: str) -> str:
    """An id that is a file name and a word of a reply."""
    if not _WORD.fullmatch(name) or name in (".", ".."):
        raise InvalidInput(f"{name!r} is no id: letters, digits and . _ - only")
    return name


def _absolute(path: str) -> str:
    if not path.startswith("/") or path.endswith("/"):
        raise InvalidInput(f"{path!r} is not the absolute path of a file")
    quote(path)
    return path
