"""The proof that a destroying command consumes: what was just seen on the host that it is sent to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from harness.errors import Unproven
from harness.hosts.command import Command

if TYPE_CHECKING:
    from harness.hosts.host import Host, Reader

MOST_AGE_S = 60.0  # a proof is used at once; one that waited belongs to an engine that stood still


class Claim(Protocol):
    """What must be true of a host before something on it may be destroyed; as text it says what that is."""

    def denied(self, host: Reader) -> str | None:
        """Look, and say why it is not so, host and all; None when it is. READ commands only."""
        ...


class Proof:
    """One claim was just seen to hold on one host; good for one command there, once.

    Made by ``Host.prove`` and by nothing else. It is void as soon as the host is claimed anew, changed by anything that
    this engine sends there, or after ``MOST_AGE_S`` seconds.
    """

    def __init__(self, key: object, host: Host, command: Command, claim: str, changes: int) -> None:
        if key is not _KEY:
            raise Unproven(f"{host.name}: a proof is made only by looking at the host")
        self.claim = claim
        self._host = host
        self._command = command
        self._fence = host.fence
        self._changes = changes
        self._taken_at = host.clock.now()
        self._used = False

    def __str__(self) -> str:
        return f"{self._host.name}: {self.claim}"

    def consume(self, host: Host, command: Command, changes: int) -> None:
        """Use the proof up for a command that is about to be sent.

        Raises:
            Unproven: it is for something else, or not fresh; then nothing may be sent.
        """
        if void := self._void(host, command, changes):
            raise refused(host, command, f"its proof ({self}) {void}")
        self._used = True

    def _void(self, host: Host, command: Command, changes: int) -> str | None:
        """Why the proof is no good for this command now, None when it is."""
        if self._used:
            return "was used before"
        if self._host is not host:
            return "was taken by looking at another host"
        if self._command != command:
            return f"is for `{self._command}`"
        if self._fence != host.fence:
            return "was taken in another epoch"
        if self._changes != changes:
            return "is older than the last change of the host"
        age_s = host.clock.now() - self._taken_at
        return f"is {age_s:.0f} s old" if age_s > MOST_AGE_S else None


_KEY = object()


def take(host: Host, claim: Claim, command: Command, changes: int) -> Proof:
    """The proof for ``Host.prove``, once the claim was seen to hold."""
    return Proof(_KEY, host, command, str(claim), changes)


def refused(host: Host, command: Command, why: str) -> Unproven:
    """The error of a destroying command that is not sent."""
    return Unproven(f"{host.name}: `{command}` destroys and was not sent: {why}")
