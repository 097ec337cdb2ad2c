"""A lab that is brought up stays, can be entered, and goes when it is told to."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.errors import InvalidInput
from harness.inventory import load
from harness.labs.catalogue import down
from harness.labs.container_keep import up
from harness.labs.docker_cleanup import connect, left_over
from harness.labs.keep import UpLab, shell
from harness.labs.lab import Start, StoreSpec
from harness.labs.state import state_directory

pytestmark = pytest.mark.xdist_group("containers")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "walrus-ha"


@pytest.fixture
def kept(require_lab: Callable[[str], None]) -> Iterator[UpLab]:
    require_lab("containers")
    lab = up(Start(store=StoreSpec(objects=1, bytes=10)))
    yield lab
    with contextlib.suppress(InvalidInput):
        down(lab.run_id)


def test_a_lab_that_is_up_can_be_entered_with_its_inventory_and_goes_when_told(kept: UpLab, state: Path) -> None:
    inventory = load(kept.inventory_path)
    transport = inventory.clc.connection.open("clc00")
    transport.close()
    entered = subprocess.run([*shell(kept.run_id, "walrus01"), "uname", "-n"], capture_output=True, text=True)
    assert entered.stdout == "walrus01\n", entered.stderr
    with pytest.raises(InvalidInput, match="walrus00, walrus01, clc00"):
        shell(kept.run_id, "walrus02")

    assert len(down(kept.run_id)) == 7  # three hosts, two networks, the world, the directory with the keys

    with contextlib.closing(connect()) as client:
        assert left_over(client, kept.run_id) == []
    assert list((state / "labs").iterdir()) == []
    with pytest.raises(InvalidInput, match="none is up"):
        down(kept.run_id)


def test_keys_are_readable_by_their_owner_only(kept: UpLab, state: Path) -> None:
    assert [path.stat().st_mode & 0o077 for path in (state, kept.inventory_path.parent)] == [0, 0]


@pytest.mark.parametrize("name", ["../x", "", "a/b", "-rf"])
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        shell(name, "clc00")


def test_the_state_directory_is_the_owners_alone(state: Path) -> None:
    state.mkdir(mode=0o755)
    assert state_directory() == state
    assert state.stat().st_mode & 0o777 == 0o700
