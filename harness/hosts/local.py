"""This machine as a host: the same scripts through a local shell."""

from __future__ import annotations

import math
import weakref
from dataclasses import dataclass
from functools import partial

from harness.errors import Indeterminate
from harness.hosts.command import Answer, Fence, Request
from harness.hosts.exchange import Lost, NotSent, Patience, Reply, answer, exchange
from harness.hosts.processes import Leaving
from harness.hosts.script import STATE_DIRECTORY, Message, compose, seconds
from harness.hosts.secret import Secret
from harness.hosts.sudo import Sudo, refused

_SHELL_S = 10.0


@dataclass(frozen=True)
class LocalConnection:
    """How to reach this machine; with ``become`` by way of sudo, which gets ``become_password`` when it asks."""

    become: bool = False
    become_user: str = "root"
    become_method: str = "sudo"
    become_password: Secret | None = None
    state_directory: str = STATE_DIRECTORY

    def __post_init__(self) -> None:
        self.sudo()

    def sudo(self) -> Sudo:
        return Sudo(self.become, self.become_user, self.become_method, self.become_password)

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
        self._sudo = connection.sudo()
        self._leaving = Leaving()
        weakref.finalize(self, self._leaving.disown)

    def send(self, request: Request, fence: Fence | None = None) -> Answer:
        way = self.connection
        message = compose(request, fence, way.state_directory)
        try:
            reply = self._sudo.through(self.name, partial(self._exchange, message, seconds(request)))
        except NotSent as silence:
            raise refused(self.name, silence) from silence
        except Lost as lost:
            raise Indeterminate(self.name, f"`{request}`: {lost}") from lost
        finally:
            self._leaving.sweep(math.inf)
        return answer(self.name, request, reply)

    def _exchange(self, message: Message, reply_s: float) -> Reply:
        # A shell that did not reply in time goes on: it holds the lock for a command that would go on anyway.
        keep, gate = self._leaving.add, self._sudo.gate(message.greeting)
        argv = [*self._sudo.words(), *message.opening]
        return exchange(argv, message, Patience(_SHELL_S, reply_s), keep, keep, gate=gate)

    def close(self) -> None:
        """Nothing is kept open; a command that still runs goes on."""
        self._leaving.disown()
