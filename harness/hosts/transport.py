"""The seam between the engine and machines: one method is the entire contract."""

from __future__ import annotations

from typing import Protocol

from harness.hosts.command import Answer, Fence, Request


class Transport(Protocol):
    """Carries one request to one host and brings its answer back.

    ``send`` returns, by kind of request:

    ========= =============================================================
    Command   ``Result``, whatever its exit status
    PutFile   ``None``
    StartJob  ``None``
    PollJob   ``JobReport``
    StopJob   ``None``, and so do PauseJob and ContinueJob
    Claim     ``None``
    KeepRecord ``None``
    AskRecord ``Result``, status 1 when nothing is kept under that name
    AskHolder ``Fence`` (epoch 0 and run id ``-`` where none was granted; run id ``-`` after a release)
    ========= =============================================================

    With a fence, the host compares epochs and performs the request in one critical section.

    Raises:
        Unreachable: no connection; the request was certainly not sent.
        AccessDenied: wrong host key, login or sudo refused; the request was not sent.
        Indeterminate: the request may have run (reply lost, truncated or late).
        Fenced, Held, Rebooted: the host refused by token; the request did not run.
        CommandFailed: for PutFile, StartJob and Claim, when the host could not do it.
    """

    def send(self, request: Request, fence: Fence | None = None) -> Answer: ...

    def close(self) -> None:
        """Drop the connection; jobs on the host go on."""
        ...


class Connection(Protocol):
    """How a node can be reached; inventory data that knows how to become a Transport."""

    def open(self, name: str) -> Transport:
        """A transport to the node that is called ``name`` in messages; connects lazily."""
        ...

    def describe(self) -> str:
        """One line for people: ``ssh root@10.0.0.5:22``."""
        ...

    def weakness(self) -> str | None:
        """What is weaker about this way than it would have to be, as a clause for a warning; None when nothing is."""
        ...
