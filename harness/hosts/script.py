"""What is sent to a host: one POSIX sh script for each request. The only place where anything is quoted for a shell.

The command line on the host never changes (``remote.OPENING``); it prints a greeting, then reads standard input::

    <first line>      the whole request, or a line that loads the script
    <script>          functions, the request with a mark that nobody else knows, a last line that says it is whole
    <input>           what the command reads, or the content of a file

Nothing that changes anything is sent before the greeting is seen, so a connection, login or sudo that fails is known to
have done nothing. What arrives cut short is not run. The reply is what follows the greeting, up to a last line that
begins with the mark::

    <mark> exit 3     the command ended by itself with this status
    <mark> ok | job … | holder … | fenced … | rebooted | held … | busy | failed 1

docs/reference/hosts.md describes all of it for the owner of the hosts.
"""

from __future__ import annotations

import os
import posixpath
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import InvalidInput
from harness.hosts import remote
from harness.hosts.command import (
    AskHolder,
    Claim,
    Command,
    Effect,
    Fence,
    PollJob,
    PutFile,
    Request,
    StartJob,
    StopJob,
    effect_of,
)

STATE_DIRECTORY = "/var/lib/walrus-ha"

_LONGEST_LINE = 4096  # a shell reads a line byte by byte
_WORD = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Message:
    """One request as bytes.

    ``opening`` is the command line that answers with the ``greeting``, ``body`` what is sent then, ``mark`` begins the
    reply's last line. A ``harmless`` body changes nothing and need not wait for the greeting.
    """

    greeting: bytes
    mark: bytes
    body: bytes
    opening: tuple[str, ...]
    harmless: bool


def quote(argument: str) -> str:
    """One word for any POSIX shell, whatever characters it holds.

    Raises:
        InvalidInput: no argument can hold NUL.
    """
    if "\0" in argument:
        raise InvalidInput(f"{argument!r} holds a NUL byte, which no argument or path can")
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
    lines = _one_line(request, fence, mark) or _script(request, fence, mark, _absolute(state_directory), greeting)
    opening = ("sh", "-c", remote.OPENING, "walrus-ha", greeting)
    body = b"%s\n%s%s" % (*lines, _input(request))
    harmless = effect_of(request) is Effect.READ and not isinstance(request, StartJob)
    return Message(f"{greeting}-ready\n".encode(), mark.encode(), body, opening, harmless)


def seconds(request: Request) -> float:
    """How long to wait for the answer to a request."""
    return request.command.timeout_s if isinstance(request, StartJob) else request.timeout_s


def _one_line(request: Request, fence: Fence | None, mark: str) -> tuple[bytes, bytes] | None:
    """The usual request in one line without functions that it does not need, because it is sent most often."""
    if not isinstance(request, Command) or fence is not None:
        return None
    text = os.fsencode("; ".join([f"mark={mark}", *remote.FRAME, _unfenced(request)]))
    return (text, b"") if b"\n" not in text and len(text) <= _LONGEST_LINE else None


def _script(request: Request, fence: Fence | None, mark: str, state: str, greeting: str) -> tuple[bytes, bytes]:
    """The first line, which loads the script, and the script."""
    names = f"mark={mark} state={quote(state)} parent={quote(posixpath.dirname(state))}"
    script = os.fsencode("\n".join([names, *remote.FRAME, remote.FAIL, *_steps(request, fence), f"#{greeting}"]))
    return remote.LOADER.format(length=len(script)).encode(), script


def _steps(request: Request, fence: Fence | None) -> list[str]:
    """The part of the script that differs from request to request."""
    lock = [remote.LIFE, remote.LOCK]
    enter = [*lock, f"enter {_patience_s(request)} {_fence(fence)}"] if fence else []
    match request:
        case Command() if fence:
            return [*enter, remote.SPOOL, *_spooled(request), f"begin; {_run(request)} {remote.SPOOLED}; answer $?"]
        case Command():
            return [_unfenced(request)]
        case PutFile():
            return [*enter, remote.PUT, _put(request)]
        case StartJob():
            return [*(enter or [*lock, f"create; lock {_patience_s(request)}"]), remote.JOBS, *_start(request)]
        case StopJob():
            return [*enter, remote.JOBS, remote.STOP, f'stop "$state/jobs/"{_word(request.job_id)}']
        case PollJob():
            return [remote.LIFE, remote.JOBS, f'poll "$state/jobs/"{_word(request.job_id)}']
        case Claim():
            verb = "release" if request.release else "claim"
            return [*lock, remote.CLAIM, f"{verb} {_patience_s(request)} {_fence(request.fence)}"]
        case AskHolder():
            return [*(enter or [remote.LOCK]), 'holder; end holder "$epoch" "$run"']


def _run(command: Command) -> str:
    """The command as a program, never as something that the shell has built in."""
    program = command.argv[0] if command.argv else ""
    if not program or program.startswith("-"):
        raise InvalidInput(f"{program!r} is not the name of a program")
    return f"(exec {line(command.argv)})"


def _unfenced(command: Command) -> str:
    return f"{_run(command)}{'' if command.stdin else ' </dev/null'}; end exit $?"


def _spooled(command: Command) -> list[str]:
    return [f"spool {len(command.stdin)}"]


def _put(put: PutFile) -> str:
    path = _absolute(put.path)
    directory, name = posixpath.split(path)
    temporary = posixpath.join(directory, f".{name}.walrus-ha")
    mode = "same" if put.mode is None else f"{put.mode:04o}"
    return f"put {line([path, temporary, directory, mode, str(len(put.content))])}"


def _start(start: StartJob) -> list[str]:
    command = start.command
    _run(command)  # for what it refuses
    return [
        remote.START,
        f'prepare "$state/jobs/"{_word(start.job_id)} {quote(str(command))} {len(command.stdin)}',
        f"begin; launch {quote(remote.JOB)} {line(command.argv)}",
        f"started {_patience_s(start)}",
    ]


def _input(request: Request) -> bytes:
    match request:
        case Command(stdin=content) | PutFile(content=content) | StartJob(command=Command(stdin=content)):
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
