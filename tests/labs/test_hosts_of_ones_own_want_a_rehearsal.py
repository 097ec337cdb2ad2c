"""From the command line: real hosts that no lab is known to have made are not moved before somebody rehearsed it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.inventory import render
from harness.labs import catalogue
from harness.labs.lab import Opened, Start, StoreSpec

pytestmark = pytest.mark.xdist_group("containers")


@pytest.fixture
def opened(require_lab: Callable[[str], None]) -> Iterator[Opened]:
    require_lab("containers")
    with catalogue.find("containers").open(Start(store=StoreSpec(objects=8, bytes=65536))) as opened:
        yield opened


def _walrus_ha(tmp_path: Path, *argv: str) -> tuple[int, dict[str, object]]:
    environment = {**os.environ, "WALRUS_HA_STATE": str(tmp_path / "runs")}
    done = subprocess.run(
        [sys.executable, "-m", "harness", *argv, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def test_a_move_waits_for_its_rehearsal(opened: Opened, tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(render(opened.inventory))
    before = [opened.truth.listing(role) for role in ("original", "additional", "clc")]
    status, said = _walrus_ha(tmp_path, "migrate", "-i", str(site))
    assert (status, said["outcome"], said["explain"]) == (3, "refused", ["not-rehearsed"])
    assert [opened.truth.listing(role) for role in ("original", "additional", "clc")] == before
    assert not list((tmp_path / "runs").glob("*/journal.jsonl"))
    assert _walrus_ha(tmp_path, "rehearse", "--for", str(site))[0] == 0
    status, said = _walrus_ha(tmp_path, "migrate", "-i", str(site))
    assert (status, said["outcome"]) == (0, "completed")
    assert "3 trials passed, in simulated" in str(said["message"])
