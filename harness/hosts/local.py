"""This machine as a host: the same scripts through a local shell."""

from __future__ import annotations

import math
import re
import weakref
from dataclasses import dataclass

from harness.errors import AccessDenied, Indeterminate, InvalidInput, Unreachable
from harness.hosts.command import Answer, Fence, Request
from harness.hosts.exchange import Lost, NotSent, Patience, answer, exchange
from harness.hosts.processes import Leaving
from harness.hosts.script import STATE_DIRECTORY, compose, seconds

USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@\\-]*[$]?")
_SHELL_S = 10.0


@dataclass(frozen=True)
class LocalConnection:
    """How to reach this machine; ``become`` runs everything under sudo, which must not ask for a password."""

    become: bool = False
    become_user: str = "root"
    become_method: str = "sudo"
    state_directory: str = STATE_DIRECTORY

    def __post_init__(self) -> None:
        elevation(self.become, self.become_user, self.become_method)

    def open(self, name: str) -> LocalTransport:
        return LocalTransport(name, self)

    def describe(self) -> str:
        return f"this machine (sudo {self.become_user})" if self.become else "this machine"

    def weakness(self) -> str | None:
        return None


class LocalTransport:
    """Carries requests to this machine."""

    def __init__(self, name: str, connection: LocalConnection) -> None:
        self.name = name
        self.connection = connection
        self._leaving = Leaving()
        weakref.finalize(self, self._leaving.disown)

    def send(self, request: Request, fence: Fence | None = None) -> Answer:
        way = self.connection
        message = compose(request, fence, way.state_directory)
        argv = [*elevation(way.become, way.become_user, way.become_method), *message.opening]
        try:
            # A shell that did not reply in time goes on: it holds the lock for a command that would go on anyway.
            keep = self._leaving.add
            reply = exchange(argv, message, Patience(_SHELL_S, seconds(request)), keep, keep)
        except NotSent as silence:
            raise refused(self.name, silence) from silence
        except Lost as lost:
            raise Indeterminate(self.name, f"`{request}`: {lost}") from lost
        finally:
            self._leaving.sweep(math.inf)
        return answer(self.name, request, reply)

    def close(self) -> None:
        """Nothing is kept open; a command that still runs goes on."""
        self._leaving.disown()


def elevation(become: bool, user: str, method: str) -> list[str]:
    """The words before the shell's that make it another user's.

    Raises:
        InvalidInput: the user cannot be a user's name, or the method is not sudo.
    """
    if not become:
        return []
    if method != "sudo":
        raise InvalidInput(f"{method!r} is no way to become {user}: only sudo is supported")
    if not USER.fullmatch(user):
        raise InvalidInput(f"{user!r} is not the name of a user")
    return ["sudo", "-n", "-u", user, "--"]


def refused(host: str, silence: NotSent) -> AccessDenied | Unreachable:
    """Why there was no shell: the machine refused us, or could not be asked at all. Nothing was sent."""
    words = [line.strip() for line in silence.said.splitlines() if line.strip()]
    said = words[-1] if words else "nothing was said"
    if silence.status is None or silence.status < 0:  # given up, or ended by a signal here
        return Unreachable(host, said)
    return AccessDenied(host, f"no shell is granted there (status {silence.status}): {said}")
