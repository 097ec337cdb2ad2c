"""Shells on one host that have answered and can be asked again, so that a request costs neither a login nor a start."""

from __future__ import annotations

import threading

from harness.hosts.exchange import Shell
from harness.hosts.processes import Leaving, end


class IdleShells:
    """Keeps shells that nobody uses at the moment; the one that was used last is taken first."""

    def __init__(self, leaving: Leaving) -> None:
        self._leaving = leaving
        self._lock = threading.Lock()
        self._shells: list[Shell] = []

    def take(self) -> Shell | None:
        """A shell that waits for a request, as far as can be told from here."""
        with self._lock:
            taken = self._shells.pop() if self._shells else None
        if taken is not None and taken.process.poll() is not None:
            taken.close()
            return self.take()
        return taken

    def keep(self, shell: Shell) -> None:
        """Take a shell back after a request; one that lost step is ended, what it runs on the host goes on."""
        if shell.in_step:
            with self._lock:
                self._shells.append(shell)
            return
        shell.close()
        if shell.process.poll() is None:
            end(shell.process)

    def dismiss(self) -> None:
        """Let all of them go: they end by themselves when their input ends."""
        with self._lock:
            dismissed, self._shells = self._shells, []
        for shell in dismissed:
            shell.close()
            self._leaving.add(shell.process)
