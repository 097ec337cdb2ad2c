"""Facts tell of a site what its rehearsal needs, nothing else; and the twin that is made of them has the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as some

from harness.cli import walrus_ha
from harness.errors import InvalidInput, WalrusHaError
from harness.labs import catalogue
from harness.labs.lab import Opened, Start, StoreSpec
from harness.labs.simulated_state import WorldState
from harness.layout import Depth, Layout, SizeClass
from harness.migration.facts.collect import Collected
from harness.migration.facts.file import read_facts, save
from harness.migration.facts.model import Facts, Hazard, schema_text
from harness.migration.run import Migration
from harness.trials.looking import Bystander, footprint
from harness.trials.site.twin import twin_of
from harness.trials.tap import TappedConnection

MIB = 1024**2
SECRET = "a-password-that-nobody-may-tell"
HAZARDS: dict[str, tuple[dict[str, Any], str]] = {
    "uid mismatch": ({"uid_differs": True}, "uid-differs"),
    "symlinked store": ({"store_is_symlink": True}, "store-is-symlink"),
    "small device": ({"additional_device_bytes": 300 * MIB}, "device-size-differs"),
    "foreign fstab line": (
        {"fstab_line": {"host": "original", "line": "LABEL=old /var/lib/eucalyptus/bukkits ext3 defaults 0 0"}},
        "fstab-contradicts",
    ),
    "occupied device": ({"device_signature": {"additional": "xfs"}}, "device-not-blank"),
    "another name": ({"uname": {"additional": "walrus-two"}}, "uname-differs"),
    "another system": ({"os_release": {"additional": "CentOS release 6.4 (Final)"}}, "os-differs"),
    "another Eucalyptus": ({"eucalyptus_version": {"additional": "3.1.2"}}, "eucalyptus-version-differs"),
    "blocked port": ({"drbd_port_blocked": True}, "peer-port-blocked"),
    "occupied port": ({"listening_port": {"host": "original", "port": 7789}}, "port-in-use"),
    "another directory": ({"storagedir": "/var/lib/eucalyptus/walrus"}, "storagedir-differs"),
    "another DRBD": ({"drbd_version": {"additional": "8.3"}}, "drbd-versions-differ"),
    "missing program": ({"missing_program": {"host": "additional", "program": "wipefs"}}, "tool-missing"),
    "missing init script": ({"missing_init_script": "additional"}, "drbd-init-script-missing"),
    "longer device name": (
        {"other_drbd_mount": {"host": "original", "device": "/dev/drbd10", "at": "/srv/other"}},
        "device-name-ambiguous",
    ),
}


def collected(start: Start, folder: Path, lab: str = "simulated") -> Collected:
    with catalogue.find(lab).open(start) as opened:
        found = Migration(opened.inventory, folder / "run", opened.clock).facts()
        assert not opened.truth.unsupported()
    return found


def written(start: Start, folder: Path) -> Path:
    path = folder / "facts.json"
    save(collected(start, folder).facts, path)
    return path


def run(*argv: str) -> Result:
    return CliRunner().invoke(walrus_ha, list(argv))


def layout_of(facts: Facts) -> Layout:
    assert facts.store.layout is not None
    return facts.store.layout


# Looking changes nothing


def test_collecting_facts_sends_nothing_but_reading_and_changes_nothing(tmp_path: Path) -> None:
    with catalogue.find("simulated").open(Start()) as opened:
        sent: list[Any] = []
        world = cast(WorldState, opened.state)
        before = footprint(opened.truth, tmp_path / "run", ()), world.observed()
        Migration(tapped(opened, sent), tmp_path / "run", opened.clock).facts()
        assert (footprint(opened.truth, tmp_path / "run", ()), world.observed()) == before
    assert sent, "nobody was asked"
    assert {one.effect for one in sent} == {"read"}
    assert not (tmp_path / "run").exists()


def tapped(opened: Opened, sent: list[Any]) -> Any:
    from dataclasses import replace

    watcher, inventory = Bystander(sent, 1), opened.inventory

    def one(node: Any) -> Any:
        return replace(node, connection=TappedConnection(node.connection, node.role, watcher, opened.clock))

    return replace(
        inventory, original=one(inventory.original), additional=one(inventory.additional), clc=one(inventory.clc)
    )


def test_the_file_names_no_object_no_host_and_no_secret(tmp_path: Path) -> None:
    hooks = {"before": {"stop-services": ["/bin/announce", SECRET]}}
    start = Start(settings={"hooks": hooks, "eucarc": f"/root/{SECRET}"})
    with catalogue.find("simulated").open(start) as opened:
        frozen = opened.truth.manifest("original", "store")
        facts = Migration(opened.inventory, tmp_path / "run", opened.clock).facts().facts
        save(facts, tmp_path / "facts.json")
        nodes = opened.inventory.hosts()
    text = (tmp_path / "facts.json").read_text()
    names = {part for entry in frozen.entries for part in entry.path.split("/") if len(part) > 5}
    assert names, "a store without names proves nothing"
    assert not [name for name in names if name in text or json.dumps(name)[1:-1] in text]
    assert not [node.name for node in nodes if node.name in text or node.address in text]
    assert SECRET not in text
    assert (tmp_path / "facts.json").stat().st_mode & 0o777 == 0o600


def test_a_host_that_is_away_gives_no_facts(tmp_path: Path) -> None:
    with catalogue.find("simulated").open(Start()) as opened:
        opened.faults.power_off("additional")
        with pytest.raises(WalrusHaError, match="Nothing was written") as refused:
            Migration(opened.inventory, tmp_path / "run", opened.clock).facts()
    assert refused.value.exit_status == 3


# The twin


@pytest.mark.parametrize(
    "store", [StoreSpec(), StoreSpec(0, 0), StoreSpec(5, 999, 3, False), StoreSpec(300, 30 * MIB, 9, True)]
)
def test_a_twin_at_full_size_has_the_very_layout(store: StoreSpec, tmp_path: Path) -> None:
    path = written(Start(store=store, device_bytes=256 * MIB), tmp_path)
    twin = twin_of(path, 1.0, ["simulated"])
    again = collected(twin.start.to_lab(), tmp_path).facts
    assert layout_of(again) == layout_of(read_facts(path))
    assert again.hosts["original"].device == read_facts(path).hosts["original"].device


def test_a_large_site_is_scaled_and_says_how_far(tmp_path: Path) -> None:
    site = Start(store=StoreSpec(5000, 40 * 1024 * MIB, 3, True), device_bytes=100 * 1024 * MIB)
    twin = twin_of(written(site, tmp_path), None, ["containers"])
    scaled = twin.start.store.layout
    assert scaled is not None
    assert scaled.entries <= 600
    assert scaled.bytes <= 64 * MIB
    assert twin.start.device_bytes <= 256 * MIB
    assert {kind for kind, count in scaled.odd_names.items() if count} == {*scaled.odd_names}
    assert scaled.hard_link_sets
    assert scaled.with_xattrs
    assert scaled.symlinks
    assert scaled.foreign_owner
    assert re.search(
        r"scaled: 0\.\d+ of the entries, 0\.0\d+ of each file's size, 0\.0025 of the devices", twin.told()[0]
    )
    assert layout_of(collected(twin.start.to_lab(), tmp_path).facts).bytes == scaled.bytes


@some.composite
def layouts(draw: Callable[..., Any]) -> Layout:
    """Any layout that adds up."""
    count = some.integers(0, 12)
    depths = [Depth(directories=draw(some.integers(1, 5)), files=draw(count), symlinks=draw(count))]
    depths += [Depth(directories=draw(count) if level else 0, files=draw(count)) for level in (1, 0)]
    if not depths[1].directories:
        depths.pop()
    files, directories = sum(one.files for one in depths), sum(one.directories for one in depths)
    sets = draw(some.integers(0, min(3, files // 3)))
    names = 2 * sets + (draw(some.integers(0, files - 3 * sets)) if sets else 0)
    sizes: dict[int, list[int]] = {}
    for size in draw(
        some.lists(some.integers(0, 100_000), min_size=files - names + sets, max_size=files - names + sets)
    ):
        known = sizes.setdefault(1 << size.bit_length(), [0, 0])
        sizes[1 << size.bit_length()] = [known[0] + 1, known[1] + size]
    classes = [SizeClass(below=below, files=n, bytes=size) for below, (n, size) in sorted(sizes.items())]
    inodes = files - names + sets
    return Layout(
        depths=depths, sizes=classes, hard_link_sets=sets, hard_link_names=names,
        file_modes={"0644": inodes} if inodes else {}, directory_modes={"0755": directories},
    )  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(layouts(), some.floats(0.01, 1), some.floats(0.01, 1))
def test_whatever_adds_up_is_made_and_scaled(layout: Layout, entries: float, size: float) -> None:
    scaled = layout.scaled(entries, size)
    assert scaled.entries <= layout.entries
    assert scaled.bytes <= layout.bytes
    for wanted in (layout, scaled):
        with catalogue.find("simulated").open(Start(store=StoreSpec(layout=wanted.model_dump(mode="json")))) as opened:
            made = opened.truth.manifest("original", "store").entries
        files = [entry for entry in made if entry.kind == "file"]
        assert len(files) == wanted.files
        assert sum(1 for entry in made if entry.kind == "directory") == wanted.directories + 1
        singles = sum(entry.size for entry in files if not entry.same_as or entry.same_as == entry.path)
        assert singles == wanted.bytes


# Hazards


@pytest.mark.parametrize("hazard", HAZARDS)
def test_a_hazard_of_the_site_is_named_by_the_facts_and_by_the_rehearsal(hazard: str, tmp_path: Path) -> None:
    differs, finding = HAZARDS[hazard]
    path = written(Start(device_bytes=512 * MIB, differs=differs), tmp_path)
    found = {one.id for one in read_facts(path).hazards if one.severity == "error"}
    assert finding in found
    result = run("rehearse", "--facts", str(path), "--json", "--report", str(tmp_path / "report"))
    assert result.exit_code == 0, result.output
    assert f"planted: {finding} on the" in result.stderr
    evidence = json.loads((tmp_path / "report" / "simulated" / "site-as-it-is" / "evidence.json").read_text())
    assert set(evidence["attempts"][-1]["findings"]) == found
    assert [one["scenario"] for one in json.loads(result.stdout)["trials"]] == ["site-as-it-is", "site-once-mended"]


FOUR: dict[str, Any] = {
    key: value
    for name in ("uid mismatch", "symlinked store", "small device", "foreign fstab line")
    for key, value in HAZARDS[name][0].items()
}


@pytest.mark.timeout(1500)  # two labs, on a machine that may be busy
@pytest.mark.parametrize("lab", ["containers", "machines"])
def test_where_files_are_real_the_twin_has_the_layout_and_the_hazards_too(
    lab: str, require_lab: Callable[[str], None], demanded_lab: Callable[[str], None], tmp_path: Path
) -> None:
    (demanded_lab if lab == "machines" else require_lab)(lab)
    site = Start(store=StoreSpec(60, 2 * MIB, 7, True), device_bytes=512 * MIB, differs=FOUR)
    facts = collected(site, tmp_path, lab).facts
    assert {one.id for one in facts.hazards} == {
        *("uid-differs", "store-is-symlink", "device-size-differs", "fstab-contradicts")
    }
    save(facts, tmp_path / "facts.json")
    again = collected(twin_of(tmp_path / "facts.json", 1.0, [lab]).start.to_lab(), tmp_path, lab).facts
    assert again.hazards == facts.hazards
    one, other = layout_of(facts), layout_of(again)
    assert other.model_copy(update={"hole_bytes": one.hole_bytes}) == one
    assert one.sparse_files
    assert abs(one.hole_bytes - other.hole_bytes) <= 4096 * one.sparse_files


@pytest.mark.parametrize(("openssl", "planted"), [({}, None), ({"original": "old"}, {"original": "absent"})])
def test_the_twin_has_an_openssl_where_the_site_has_one_of_use(
    openssl: dict[str, str], planted: dict[str, str] | None, tmp_path: Path
) -> None:
    twin = twin_of(written(Start(differs={"openssl": openssl}), tmp_path), 1, ["simulated"])
    starts = [twin.start, *(size.mended() for size in twin.sizes)]
    assert [start.differs.openssl for start in starts] == [planted] * len(starts)


def test_sizes_that_are_too_small_are_as_much_too_small_in_the_twin(tmp_path: Path) -> None:
    site = Start(store=StoreSpec(400, 4 * 1024 * MIB, 7, True), device_bytes=3 * 1024 * MIB, staging_bytes=1024 * MIB)
    path = written(site, tmp_path)
    found = {one.id for one in read_facts(path).hazards}
    assert found == {"device-too-small", "staging-too-small"}
    twin = twin_of(path, None, ["simulated"])
    assert {one.id for one in collected(twin.start.to_lab(), tmp_path).findings} == found
    assert run("rehearse", "--facts", str(path)).exit_code == 0


def test_a_hazard_that_no_lab_has_is_said_not_to_be_planted(tmp_path: Path) -> None:
    facts = collected(Start(), tmp_path).facts
    odd = facts.model_copy(update={"hazards": [Hazard(id="third-walrus", role="clc", severity="error")]})
    path = tmp_path / "facts.json"
    save(odd, path)
    result = run("rehearse", "--facts", str(path))
    assert "NOT planted: third-walrus on the clc (error)" in result.stderr


def test_other_scenarios_run_on_the_site(tmp_path: Path) -> None:
    path = written(Start(store=StoreSpec(90, 3 * MIB, 5, True)), tmp_path)
    twin = twin_of(path, None, ["simulated"])
    result = run("rehearse", "--facts", str(path), "scenarios/core", "--report", str(tmp_path / "report"))
    assert result.exit_code == 0, result.output
    evidence = json.loads(
        (tmp_path / "report/simulated/failed-sync-link-lost-at-40-percent-heals/evidence.json").read_text()
    )
    assert evidence["claim"].startswith("on this site: ")
    assert twin.start.store.layout is not None
    assert len(evidence["frozen"]["entries"]) == twin.start.store.layout.entries + 1


# The file


@pytest.mark.parametrize(
    ("damage", "where"),
    [
        (lambda text: text[: len(text) // 2], r":\d+:\d+: "),
        (lambda text: "no JSON at all: [", r":1:\d+: "),
        (lambda text: '{"kind": "something else"}', r":1:1: no facts of a site"),
        (lambda text: "[1, 2]", r":1:1: no facts of a site"),
        (lambda text: text.replace('"format": 1', '"format": 2'), r":3:\d+: "),
        (
            lambda text: text.replace('"hazards": []', '"hazards": [], "surprise": 1'),
            r":\d+:\d+: unknown key 'surprise'",
        ),
        (lambda text: re.sub(r'"hard_link_names": \d+', '"hard_link_names": 999', text), r":\d+:\d+: .*hard|names"),
        (lambda text: re.sub(r'"uid": 498', '"uid": 499', text), r":\d+:\d+: the facts are not as they were collected"),
        (lambda text: re.sub(r'"bytes": \d+', '"bytes": "many"', text, count=1), r":\d+:\d+: "),
    ],
    ids=["cut", "no JSON", "foreign", "a list", "format", "unknown key", "impossible", "edited", "type"],
)
def test_a_damaged_file_is_refused_with_its_place(damage: Callable[[str], str], where: str, tmp_path: Path) -> None:
    path = written(Start(), tmp_path)
    path.write_text(damage(path.read_text()))
    result = run("rehearse", "--facts", str(path), "--report", str(tmp_path / "report"))
    assert isinstance(result.exception, InvalidInput)
    assert result.exception.exit_status == 2
    assert re.search(re.escape(str(path)) + where, str(result.exception))
    assert not (tmp_path / "report").exists()


def test_where_nothing_can_be_written_nobody_is_asked(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "absent" / "facts.json"):
        result = run("facts", "-i", str(tmp_path / "absent.yaml"), "-o", str(place))
        assert result.exit_code == 2
        assert "nothing was asked of any host" in result.output


def test_no_file_is_no_facts(tmp_path: Path) -> None:
    result = run("rehearse", "--facts", str(tmp_path / "absent.json"))
    assert isinstance(result.exception, InvalidInput)
    assert run("rehearse", "--scale", "0.5").exit_code == 2


def test_the_schema_in_the_documentation_is_the_models() -> None:
    path = Path(__file__).parents[2] / "docs" / "reference" / "facts.schema.json"
    assert path.read_text() == schema_text(), f"regenerate it: python -m harness.migration.facts.model > {path}"
