"""A host reached by the system's OpenSSH: one shared connection, strict host keys, the user's own ssh configuration."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import weakref
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.errors import AccessDenied, Indeterminate, InvalidInput, Unreachable
from harness.hosts.command import Answer, Fence, Request
from harness.hosts.exchange import Lost, NotSent, Patience, Reply, Shell, answer, exchange
from harness.hosts.processes import Leaving, end
from harness.hosts.script import STATE_DIRECTORY, Message, compose, compose_brief, line, seconds, serving
from harness.hosts.secret import Secret
from harness.hosts.shells import IdleShells
from harness.hosts.sockets import new_directory
from harness.hosts.sudo import USER, Sudo, refused

_CONNECT_S = 10  # for TCP, and again for key exchange
GREETING_S = 30.0  # for a new connection to give a shell: name lookups and logins can be slow
SHARED_GREETING_S = 10.0  # for another shell on a connection that stands
_LINGER_S = 2.0  # for ssh to end after the reply; a daemon that was started can hold its session open
_IDLE_S = 60  # how long the shared connection outlives an engine that was killed
_SESSIONS = 8  # sshd grants 10 on one connection; beyond that ssh opens others, with noise

_ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:%-]*")
_DENIED = re.compile(
    r"Host key verification failed|Permission denied \(|Too many authentication failures"
    r"|Unable to negotiate|no matching |host key .{0,300}revoked",  # bounded: each "host key" looks so far ahead
    re.IGNORECASE,
)
_ADVICE = {
    "Host key verification failed": "compare the host's key on its console, then correct known_hosts",
    "no matching ": "a host of 2012 wants `legacy_ssh: true` under its `migrate:`",
    "Permission denied": "is the key that ssh offers in the host's authorized_keys? "
    "A host of 2012 wants an RSA key, and `legacy_ssh: true` under its `migrate:`",
}


@dataclass(frozen=True)
class SshConnection:
    """How to reach a host by ssh.

    ``port`` and ``user`` None leave the choice to the user's ssh configuration, which is honoured in everything that is
    not said here. With ``known_hosts`` that file alone decides which key the host may have. ``strict`` False accepts
    the key of a host that is not known yet; laboratories need that, production never does. With ``become`` everything
    runs under sudo, which gets ``become_password`` when it asks for one, and must not ask without it. ``legacy`` allows
    what OpenSSH 5.3 has and today's does not trust any more.

    Raises:
        InvalidInput: ssh could take the address, user, port or a file name for something else.
    """

    address: str
    port: int | None = 22
    user: str | None = "root"
    identity_file: str | Path | None = None
    known_hosts: str | Path | None = None
    common_args: tuple[str, ...] = ()
    extra_args: tuple[str, ...] = ()
    become: bool = False
    become_user: str = "root"
    become_method: str = "sudo"
    become_password: Secret | None = None
    strict: bool = True
    legacy: bool = False
    state_directory: str = STATE_DIRECTORY

    def __post_init__(self) -> None:
        if not _ADDRESS.fullmatch(self.address):
            raise InvalidInput(f"{self.address!r} is neither an address nor a host name")
        if self.user is not None and not USER.fullmatch(self.user):
            raise InvalidInput(f"{self.user!r} is not the name of a user")
        if self.port is not None and not 1 <= self.port <= 65535:
            raise InvalidInput(f"{self.port} is not a port")
        for path in (self.identity_file, self.known_hosts):
            if path is not None and ('"' in str(path) or not str(path).isprintable()):
                raise InvalidInput(f"{str(path)!r} is not a file name that ssh understands")
        self.sudo()

    def sudo(self) -> Sudo:
        return Sudo(self.become, self.become_user, self.become_method, self.become_password)

    def open(self, name: str) -> SshTransport:
        return SshTransport(name, self)

    def describe(self) -> str:
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"ssh {user}{address}{port}" + (f" (sudo {self.become_user})" if self.become else "")

    def weakness(self) -> str | None:
        return "its ssh may sign with SHA-1, which can be forged" if self.legacy else None

    def arguments(self, socket_directory: str) -> list[str]:
        """ssh with all its options, up to the address and with it.

        ssh keeps the first value of an option: what protects us stands before the user's arguments, what only tunes
        stands behind them.
        """
        checked = "yes" if self.strict else "accept-new"
        options = [f"StrictHostKeyChecking={checked}", *_FIXED, f"ControlPath={_file(f'{socket_directory}/%C', '')}"]
        if self.known_hosts is not None:
            options += [f"UserKnownHostsFile={_file(self.known_hosts)}", "GlobalKnownHostsFile=/dev/null"]
        if self.identity_file is not None:
            options += [f"IdentityFile={_file(self.identity_file)}", "IdentitiesOnly=yes"]
        options += LEGACY if self.legacy else ()
        argv = ["ssh", "-T", *_options(options)]
        argv += ["-p", str(self.port)] if self.port is not None else []
        argv += ["-l", self.user] if self.user is not None else []
        return [*argv, *self.common_args, *self.extra_args, *_options(_TUNING), "--", self.address]


_FIXED = (
    "BatchMode=yes",
    "LogLevel=INFO",  # ERROR hides why key exchange failed; what ssh says before the greeting is never taken for output
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "Tunnel=no",
    "EscapeChar=none",
    "UpdateHostKeys=no",
    "ControlMaster=auto",
    f"ControlPersist={_IDLE_S}",
)
# What OpenSSH 5.3 (2009) offers, in addition to the usual, for the hosts that say so. PubkeyAcceptedKeyTypes is what
# PubkeyAcceptedAlgorithms was called before 8.5; both are understood since. Its ciphers need no addition: aes128-ctr.
LEGACY = (
    "HostKeyAlgorithms=+ssh-rsa",
    "PubkeyAcceptedKeyTypes=+ssh-rsa",
    "KexAlgorithms=+diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1",
    "MACs=+hmac-sha1",
)
_TUNING = (f"ConnectTimeout={_CONNECT_S}", "ServerAliveInterval=10", "ServerAliveCountMax=3")


def _options(settings: tuple[str, ...] | list[str]) -> list[str]:
    return [word for setting in settings for word in ("-o", setting)]


def _file(path: str | Path, percent: str = "%") -> str:
    """A file name in ssh's option syntax, which splits at blanks and replaces what follows a per cent sign."""
    return '"' + str(path).replace("%", percent + "%") + '"'


class SshTransport:
    """Carries requests over one shared ssh connection, which is made by the first of them.

    Safe to use from several threads. Shells on the host stay to be asked again. A request that changes something is
    sent only after a shell on the host has answered; until then a shared connection that died unnoticed is replaced,
    once.
    """

    def __init__(self, name: str, connection: SshConnection) -> None:
        self.name = name
        self.connection = connection
        self._sudo = connection.sudo()
        self._leaving = Leaving()
        self._idle = IdleShells(self._leaving)
        self._sessions = threading.BoundedSemaphore(_SESSIONS)
        self._opening = threading.Lock()
        self._argv: list[str] = []
        self._sockets: Path | None = None
        self._end: weakref.finalize[[Path, list[str], IdleShells, Leaving], SshTransport] | None = None

    def send(self, request: Request, fence: Fence | None = None) -> Answer:
        state = self.connection.state_directory
        message = compose_brief(request, fence) or compose(request, fence, state)
        try:
            with self._sessions:
                reply = self._converse(message, seconds(request))
        except NotSent as silence:
            raise self._no_shell(silence) from silence
        except Lost as lost:
            raise Indeterminate(self.name, f"`{request}`: {lost}") from lost
        return answer(self.name, request, reply)

    def close(self) -> None:
        """End the shared connection; jobs on the host go on."""
        if self._end is not None:
            self._end()
            self._end = None

    def _converse(self, message: Message, reply_s: float) -> Reply:
        self._leaving.sweep(_LINGER_S)
        sockets = self._ready()
        waiting = None if message.opening else self._idle.take()
        if waiting is not None:
            try:
                return self._ask(waiting, message, Patience(SHARED_GREETING_S, reply_s))
            except NotSent as silence:
                self._idle.dismiss()  # the others stood on the same connection
                if silence.status is None:
                    _abandon_master(sockets, self._argv)
        shared = _is_shared(sockets)
        try:
            return self._afresh(message, Patience(SHARED_GREETING_S if shared else GREETING_S, reply_s))
        except NotSent as silence:
            if not shared or silence.status not in (None, 255) or _DENIED.search(silence.said):
                raise
        _abandon_master(sockets, self._argv)
        return self._afresh(message, Patience(GREETING_S, reply_s))

    def _afresh(self, message: Message, patience: Patience) -> Reply:
        """By a new shell: one that stays, unless the request needs one to itself because it brings input."""
        return self._sudo.through(self.name, partial(self._open, message, patience))

    def _open(self, message: Message, patience: Patience) -> Reply:
        if message.opening:
            gate = self._sudo.gate(message.greeting)
            return exchange(self._command(message), message, patience, self._leaving.add, end, _environment(), gate)
        made = serving(self.connection.state_directory)
        shell = Shell(self._command(made), _environment(), made.body, self._sudo.gate(made.greeting))
        return self._ask(shell, message, patience)

    def _ask(self, shell: Shell, message: Message, patience: Patience) -> Reply:
        try:
            return shell.ask(message, patience)
        finally:
            self._idle.keep(shell)

    def _command(self, message: Message) -> list[str]:
        return [*self._argv, f"exec {line([*self._sudo.words(), *message.opening])}"]

    def _ready(self) -> Path:
        """The directory of the shared connection's socket: ours alone, so that no other options can share it."""
        with self._opening:
            if self._sockets is None or self._end is None or not self._sockets.is_dir():
                self._sockets = new_directory()
                self._argv = self.connection.arguments(str(self._sockets))
                self._end = weakref.finalize(self, _end_master, self._sockets, self._argv, self._idle, self._leaving)
            return self._sockets

    def _no_shell(self, silence: NotSent) -> AccessDenied | Unreachable:
        """Tell a host that refuses us from one that cannot be reached."""
        if silence.status != 255:
            return refused(self.name, silence)
        words = [text.strip() for text in silence.said.splitlines() if text.strip()] or ["ssh said nothing"]
        denied = next((text for text in words if _DENIED.search(text)), None)
        if denied is None:
            return Unreachable(self.name, f"{self.connection.describe()}: {words[-1]}")
        advice = next((f"; {hint}" for sign, hint in _ADVICE.items() if sign in denied), "")
        return AccessDenied(self.name, f"{self.connection.describe()}: {denied}{advice}")


def _is_shared(sockets: Path) -> bool:
    return any(sockets.iterdir()) if sockets.is_dir() else False


def _control(argv: list[str], verb: str) -> None:
    """Tell the process that holds the shared connection to stop or exit; one that does not listen is left behind."""
    command = [argv[0], "-O", verb, *argv[1:]]
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return


def _abandon_master(sockets: Path, argv: list[str]) -> None:
    """Take no new sessions on a shared connection that does not answer; sessions that stand may still end well."""
    _control(argv, "stop")
    for socket in sockets.iterdir():
        socket.unlink(missing_ok=True)


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}


def _end_master(sockets: Path, argv: list[str], idle: IdleShells, leaving: Leaving) -> None:
    idle.dismiss()
    leaving.close(_LINGER_S)
    if _is_shared(sockets):
        _control(argv, "exit")
    shutil.rmtree(sockets, ignore_errors=True)
