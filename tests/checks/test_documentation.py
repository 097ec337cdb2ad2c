"""What is judged, and how, is written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checks.verdict import CHECKS

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "checks.md"


@pytest.mark.parametrize("name", [*CHECKS, "groundwork", "outcome", "honesty", "configuration", "thrift", "kernel"])
def test_every_check_is_explained(name: str) -> None:
    assert f"\n**{name}**" in PAGE.read_text()
