"""Counts the calls that agree, and says so at the end of the run."""

from __future__ import annotations

from collections import Counter

import pytest

AGREEMENT = pytest.StashKey[Counter[str]]()


@pytest.fixture
def agreement(request: pytest.FixtureRequest) -> Counter[str]:
    """How many calls of the recordings agreed and how many were played."""
    return request.config.stash.setdefault(AGREEMENT, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counted = config.stash.get(AGREEMENT, Counter())
    if counted["played"]:
        share = 100 * counted["agree"] / counted["played"]
        terminalreporter.write_line(
            f"conformance: {counted['agree']} of {counted['played']} calls agree ({share:.1f} %)"
        )
    if counted["files"]:
        terminalreporter.write_line(
            f"conformance: {counted['files agree']} of {counted['files']} configurations get the same answer"
        )
