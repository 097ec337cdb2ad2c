"""On real files over real ssh: a move that is done is left alone by everything that looks at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.labs import catalogue
from harness.labs.lab import ROLES, Start
from harness.migration.run import Migration


@pytest.mark.xdist_group("containers")
def test_a_finished_move_is_left_alone(tmp_path: Path, require_lab: Callable[[str], None]) -> None:
    require_lab("containers")
    with catalogue.find("containers").open(Start(device_bytes=96 * 1024**2)) as opened:
        migration = Migration(opened.inventory, tmp_path, opened.clock)
        first = migration.migrate()
        assert first.exit_status == 0, first.message
        before = [opened.truth.listing(role) for role in ROLES]
        again = migration.migrate()
        assert (again.outcome, again.exit_status) == ("completed", 0), again.message
        assert migration.verify() == []
        assert [finding for finding in migration.check() if finding.id == "not-determined"] == []
        assert [opened.truth.listing(role) for role in ROLES] == before
