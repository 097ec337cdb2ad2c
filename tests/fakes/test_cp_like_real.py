"""The model of ``cp -R --preserve`` leaves the tree that GNU cp leaves, with all that it loses on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes import truth
from fakes.seeding import plan_store
from tests.fakes.twins import Twins, disk_manifest, make_twins, needs_root

pytestmark = needs_root

MKDIR = "mkdir -p -m 0755 --"
SCRIPTS: dict[str, list[str]] = {
    "into a directory that is there, and back with a star": [
        f"{MKDIR} @new",
        "cp -R --preserve @store @new/",
        f"{MKDIR} @back",
        "cp -R --preserve @new/* @back/",
    ],
    "to a name that is new, and back with a star": [
        "cp -R --preserve @store @new/",
        f"{MKDIR} @back",
        "cp -R --preserve @new/* @back/",
    ],
    "over the store that is still there": [
        f"{MKDIR} @new",
        "cp -R --preserve @store @new/",
        "cp -R --preserve @new/store/* @store/",
        "cp -R --preserve @new/* @store/",
    ],
    "all of it, and over itself": [
        f"{MKDIR} @new",
        "cp -a -x -- @store/. @new/",
        "cp -a -x -- @store/. @new/",
    ],
    "all of it, where a part is there": [
        f"{MKDIR} @new",
        "cp -R --preserve @store/* @new/",
        "cp -a -x -- @store/. @new/",
    ],
    "all of it, with blocks of its own": [
        "cp --reflink=never --version",
        f"{MKDIR} @new",
        "cp -a -x --reflink=never -- @store/. @new/",
        "cp -a -x --reflink=never -- @store/. @new/",
    ],
    "what is not there": [
        "cp -R --preserve @nowhere @new",
        "cp -R --preserve @nowhere/* @new",
        "cp -R --preserve @store @nowhere @absent/",
        "cp -R --preserve @store @nowhere @store/.foreign",
        f"{MKDIR} @empty",
        "cp -R --preserve @empty/* @store/",
    ],
}


@pytest.fixture
def twins(tmp_path: Path) -> Twins:
    return make_twins(tmp_path, plan_store(30, 100_000, seed=5, hostile=True))


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_same_answers_and_the_same_tree(twins: Twins, script: str) -> None:
    for line in SCRIPTS[script]:
        typed = line.replace("@", f"{twins.root}/")
        real, model = twins.both(*(("sh", "-c", typed) if "*" in typed else typed.split(" ")))
        assert model == real, line
    places = ("store", "back/store", "back", "new/store", "new")
    for place in places:
        if twins.machine.files.exists(twins.path(place)):
            model_tree = truth.walk(twins.machine.files, twins.path(place))
            assert _without_root_time(model_tree) == _without_root_time(disk_manifest(twins.path(place))), place


def _without_root_time(entries: list[dict[str, object]]) -> list[dict[str, object]]:
    """A directory that was merely given an entry has the time of that, by two clocks."""
    return [{**entry, "mtime_ns": 0} if entry["path"] == "." else entry for entry in entries]


def test_what_the_vendors_copy_loses(twins: Twins) -> None:
    before = {str(entry["path"]): entry for entry in truth.walk(twins.machine.files, twins.path("store"))}
    twins.model("cp", "-R", "--preserve", twins.path("store"), twins.path("new/"))
    after = {str(entry["path"]): entry for entry in truth.walk(twins.machine.files, twins.path("new"))}
    assert before.keys() == after.keys()
    assert any(entry["same_as"] for entry in before.values())
    assert not any(entry["same_as"] for entry in after.values())
    assert any(entry["xattrs"] for entry in before.values())
    assert not any(entry["xattrs"] for entry in after.values())
