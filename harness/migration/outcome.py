"""How a run ended, as its caller is told."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import Refused
from harness.migration.preflight import Finding


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the word for it, the exit status, and what the operator reads last.

    ``explain`` holds names of which ``walrus-ha explain`` tells more.
    """

    outcome: str  # completed, rolled_back, reversed, reverse_taken_back, stopped, refused, operator_needed, unchanged
    exit_status: int
    message: str
    findings: tuple[Finding, ...] = ()
    explain: tuple[str, ...] = ()


class PreflightRefused(Refused):
    """Findings stand in the way; carries them. ``again`` is what to run once they are mended."""

    def __init__(self, findings: tuple[Finding, ...], again: str = "walrus-ha check") -> None:
        self.findings = findings
        self.again = again
        super().__init__("\n".join(str(finding) for finding in findings))


class CannotReverse(PreflightRefused):
    """Something stands in the way of the reverse move; the pair serves on."""
