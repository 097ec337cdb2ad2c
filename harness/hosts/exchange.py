"""One request to one host over the pipes of a local process, and what its reply means."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from harness.errors import CommandFailed, Fenced, Held, Indeterminate, Rebooted
from harness.hosts.command import Answer, AskRecord, Command, Fence, JobReport, JobStatus, Request, Result
from harness.hosts.script import Message
from harness.hosts.spool import Spool
from harness.hosts.stream import Stream

_CHUNK = 65536
_FAREWELL_S = 1.0  # for the process to end by itself after its reply is complete


class NotSent(Exception):
    """The process ended, or was given up, before it greeted us: nothing that changes anything was sent.

    ``status`` is its exit status, None when it was given up; ``said`` is what it wrote to standard error.
    """

    def __init__(self, status: int | None, said: str) -> None:
        self.status = status
        self.said = said
        super().__init__(said)


class WrongPassword(NotSent):
    """A gate did not open for the password that it was given; ``said`` is what stood on standard error since then."""


class Lost(Exception):
    """The request may have been sent and no complete reply came; the text says why."""


@dataclass(frozen=True)
class Reply:
    """A complete reply: the words of its last line, and what the request printed."""

    words: tuple[str, ...]
    stdout: bytes | Spool
    stderr: bytes


@dataclass(frozen=True)
class Patience:
    """How many seconds to wait for the greeting, and from then on for the reply."""

    greeting_s: float
    reply_s: float


@dataclass(frozen=True)
class Gate:
    """What stands before a shell and may ask for a password, by a prompt on standard error that is its alone.

    ``greeting`` is what the shell behind it says first. ``password`` is called when it is asked for.
    """

    prompt: bytes
    greeting: bytes
    password: Callable[[], bytes]


class Shell:
    """A local process whose far end greets and answers, once or, when ``preface`` made it go on, again and again.

    Raises:
        NotSent: the process cannot be started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        preface: bytes = b"",
        gate: Gate | None = None,
    ) -> None:
        pipe = subprocess.PIPE
        try:
            # A session of its own: Ctrl-C on the terminal is for the engine to handle, not for ssh.
            self.process = subprocess.Popen(
                argv, stdin=pipe, stdout=pipe, stderr=pipe, env=env, start_new_session=True, bufsize=0
            )
        except OSError as error:
            raise NotSent(None, f"cannot run {argv[0]}: {error.strerror}") from error
        assert self.process.stdin is not None
        self._stdin = self.process.stdin
        self._preface = preface
        self._gate = gate
        self.goes_on = bool(preface)
        self.in_step = False  # the last reply came whole on both streams: the next request can follow
        os.set_blocking(self._stdin.fileno(), False)

    def ask(self, message: Message, patience: Patience) -> Reply:
        """Wait for the greeting, send the message and read the reply. A harmless message is sent at once.

        Raises:
            NotSent: no greeting.
            WrongPassword: the gate did not take its password.
            Lost: no complete reply after the greeting.
        """
        self.in_step = False
        with _Conversation(self.process, self._stdin, message, self._preface, keep_open=self.goes_on) as conversation:
            self._preface = b""
            if self._gate:
                conversation.pass_gate(self._gate, patience.greeting_s)
                self._gate = None
            conversation.await_greeting(patience.greeting_s)
            reply = conversation.await_reply(patience.reply_s)
            self.in_step = self.goes_on and conversation.whole
        return reply

    def close(self) -> None:
        """Say no more and listen no more; the far end finds out."""
        for pipe in (self._stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


def exchange(
    argv: Sequence[str],
    message: Message,
    patience: Patience,
    part: Callable[[subprocess.Popen[bytes]], None],
    give_up: Callable[[subprocess.Popen[bytes]], None],
    env: Mapping[str, str] | None = None,
    gate: Gate | None = None,
) -> Reply:
    """Start ``argv`` for one request. ``part`` gets the process after its reply, ``give_up`` when it has not replied.

    Raises:
        NotSent, WrongPassword, Lost: as ``Shell``.
    """
    shell = Shell(argv, env, gate=gate)
    leave = give_up
    try:
        reply = shell.ask(message, patience)
        leave = part
        return reply
    finally:
        shell.close()
        if shell.process.poll() is None:
            leave(shell.process)


class _Conversation:
    """One request over the three pipes of a process."""

    def __init__(
        self, process: subprocess.Popen[bytes], stdin: IO[bytes], message: Message, preface: bytes, keep_open: bool
    ) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.process = process
        self.message = message
        self.stdin = stdin
        self.keep_open = keep_open
        self.stdout = Stream(process.stdout, message)
        self.stderr = Stream(process.stderr, message)
        self.unsent = memoryview(preface + message.body)
        self.withheld = memoryview(b"")
        if not message.harmless:
            early = len(preface) + message.hail
            self.unsent, self.withheld = self.unsent[:early], self.unsent[early:]
        self.sending = False
        self.selector = selectors.DefaultSelector()
        for stream in (self.stdout, self.stderr):
            self.selector.register(stream.pipe, selectors.EVENT_READ, stream)

    def __enter__(self) -> _Conversation:
        return self

    def __exit__(self, *_: object) -> None:
        self.selector.close()

    @property
    def whole(self) -> bool:
        """Everything was sent, and both streams have told us where they end."""
        return not self.unsent and not self.withheld and self.stdout.complete and self.stderr.complete

    def pass_gate(self, gate: Gate, within_s: float) -> None:
        """Give the password when it is asked for, once, and send nothing else before the shell behind has spoken."""

        def passed() -> bool:
            return self.stdout.closed or self.stdout.holds(gate.greeting)

        self._pump(lambda: passed() or self.stderr.holds(gate.prompt), within_s)
        if passed() or not self.stderr.holds(gate.prompt):
            return  # what is wrong, if anything, shows in the greeting
        self.stderr.skip(gate.prompt)
        with suppress(BrokenPipeError):
            os.write(self.stdin.fileno(), gate.password() + b"\n")
        self._pump(lambda: passed() or self.stderr.holds(gate.prompt), within_s)
        if not self.stdout.holds(gate.greeting):
            said = self.stderr.text().split(gate.prompt.decode())[0].split("\n")
            raise WrongPassword(None, next((line.strip() for line in reversed(said) if line.strip()), "no answer"))

    def await_greeting(self, within_s: float) -> None:
        """Read until the host greets us."""
        self._begin_to_send()
        self._pump(lambda: self.stdout.greeted or self.stdout.closed, within_s)
        if self.stdout.greeted:
            return
        if not self.stdout.closed:
            said = self.stderr.text().split()
            raise NotSent(None, f"no shell within {within_s:g} s{'; it says: ' + ' '.join(said[-12:]) if said else ''}")
        status = self._ended()
        raise NotSent(status, self.stderr.text())

    def await_reply(self, within_s: float) -> Reply:
        """Send the message and read until the reply is complete."""
        if self.withheld:
            # What came before the greeting was sent, or the greeting could not have come.
            self.unsent, self.withheld = self.withheld, memoryview(b"")
            self._begin_to_send()
        self._pump(lambda: self.stdout.complete or self.stdout.closed, within_s)
        if not self.stdout.complete:
            late = f"no reply within {within_s:g} s; it may still be running"
            raise Lost(self._why_lost() if self.stdout.closed else late)
        # Errors travel on a stream of their own and can arrive a moment after the reply.
        self._pump(lambda: self.stderr.complete or self.stderr.closed, _FAREWELL_S)
        return Reply(self.stdout.words(), self.stdout.output(), self.stderr.content())

    def _pump(self, done: Callable[[], bool], within_s: float) -> None:
        """Move bytes until ``done`` or until time is up."""
        deadline = time.monotonic() + within_s
        while not done():
            left = deadline - time.monotonic()
            if left <= 0:
                return
            for key, _ in self.selector.select(left):
                if key.data is None:
                    self._write()
                elif not key.data.read():
                    self.selector.unregister(key.fileobj)

    def _begin_to_send(self) -> None:
        if self.unsent and not self.sending:
            self.selector.register(self.stdin, selectors.EVENT_WRITE)
            self.sending = True

    def _write(self) -> None:
        try:
            self.unsent = self.unsent[os.write(self.stdin.fileno(), self.unsent[:_CHUNK]) :]
        except BrokenPipeError:  # the command does not want all of its input; its reply tells
            self.unsent = self.unsent[:0]
        if not self.unsent:
            self._stop_sending()

    def _stop_sending(self) -> None:
        if self.sending:
            self.selector.unregister(self.stdin)
            self.sending = False
        if not self.withheld and not self.keep_open:
            self.stdin.close()

    def _ended(self) -> int | None:
        """The exit status of a process that has nothing more to say; None when it stays."""
        self._pump(lambda: self.stderr.closed and self.stdout.closed, _FAREWELL_S)
        try:
            return self.process.wait(_FAREWELL_S)
        except subprocess.TimeoutExpired:
            return None

    def _why_lost(self) -> str:
        status = self._ended()
        said = self.stderr.text().strip().splitlines()
        return f"the connection ended without a reply (status {status}{': ' + said[-1] if said else ''})"


def answer(host: str, request: Request, reply: Reply) -> Answer:
    """What a complete reply means.

    Raises:
        Fenced, Held, Rebooted: the host refused by token; the request did not run.
        CommandFailed: the host could not perform it.
        Indeterminate: an earlier request still runs under the host's lock; this one did not. Or nobody understands it.
    """
    try:
        return _meaning(host, request, reply)
    except ValueError:  # a number or a state that is none
        raise _misunderstood(host, request, reply.words) from None


def _number(word: str) -> int:
    """What the script prints for a number: digits."""
    if not word.isascii() or not word.isdigit() or len(word) > 18:
        raise ValueError(word)
    return int(word)


def _meaning(host: str, request: Request, reply: Reply) -> Answer:
    match reply.words:
        case ("exit", status) if isinstance(request, Command | AskRecord):
            return Result(_number(status), reply.stdout, reply.stderr)
        case ("ok",):
            return None
        case ("job", "done", status):
            return JobReport(JobStatus.DONE, Result(_number(status), reply.stdout, reply.stderr))
        case ("job", status):
            return JobReport(JobStatus(status))
        case ("holder", epoch, run_id):
            return Fence(_number(epoch), run_id)
        case ("failed", status):
            raise CommandFailed(host, str(request), Result(_number(status), reply.stdout, reply.stderr))
        case _:
            raise _refusal(host, request, reply.words)


def _refusal(host: str, request: Request, words: tuple[str, ...]) -> Exception:
    match words:
        case ("fenced", "0", "-"):
            return Fenced(host, f"`{request}` was refused: no run has claimed this host")
        case ("fenced", epoch, run_id):
            holder = "nobody" if run_id == "-" else f"run {run_id}"
            return Fenced(host, f"`{request}` was refused: the host has granted epoch {epoch} and belongs to {holder}")
        case ("rebooted",):
            return Rebooted(host, f"`{request}` was refused: the host rebooted since this run claimed it")
        case ("held", epoch, run_id):
            return Held(host, f"run {run_id} holds this host under epoch {epoch} and has not finished")
        case ("busy",):
            return Indeterminate(host, f"`{request}` did not run: an earlier request still runs under the host's lock")
    return _misunderstood(host, request, words)


def _misunderstood(host: str, request: Request, words: tuple[str, ...]) -> Indeterminate:
    return Indeterminate(host, f"`{request}` has a reply that nobody understands: {' '.join(words)[:200]!r}")
