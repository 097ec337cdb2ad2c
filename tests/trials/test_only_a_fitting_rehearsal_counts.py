"""Hosts of one's own are moved only after a rehearsal of this very procedure, passed and young, or with a reason."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness import inventory, rehearsed
from harness.cli import walrus_ha
from harness.errors import Refused
from harness.labs import catalogue, keep
from harness.labs.lab import Opened, Start, StoreSpec
from harness.migration.journal import read
from harness.migration.run import Listeners, Migration
from harness.migration.standing import standing
from harness.trials.alike import required
from harness.trials.certificate import KEY_VARIABLE, Cabinet, Certificate, Judged, NotRehearsed

SITE = """
all:
  vars:
    ansible_user: root
    migrate: {{known_hosts: {known_hosts}, backing_device: /dev/sdb1}}
original: {{hosts: {{walrus00: {{ansible_host: 10.0.0.1}}}}}}
additional: {{hosts: {{walrus01: {{ansible_host: 10.0.0.2}}}}}}
clc: {{hosts: {{clc00: {{ansible_host: 10.0.0.3}}}}}}
"""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of this machine's own records is seen or changed."""
    monkeypatch.setenv("WALRUS_HA_STATE", str(tmp_path / "runs"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return tmp_path / "runs"


@pytest.fixture
def opened() -> Iterator[Opened]:
    """A pair in a lab that nobody brought up to stay: to the command line these are somebody's own hosts."""
    with catalogue.find("simulated").open(Start(store=StoreSpec(objects=8, bytes=65536))) as opened:
        yield opened


@pytest.fixture
def migration(opened: Opened, tmp_path: Path) -> Migration:
    return Migration(opened.inventory, tmp_path / "run", opened.clock)


def _certificate(migration: Migration, verdict: str = "PASS") -> Certificate:
    trials = [Judged(name, "machines", verdict) for name in required(migration.inventory.settings)]
    made = datetime.now(UTC).isoformat(timespec="milliseconds")
    return Certificate(made, "0.1.0", rehearsed.of_site(migration), trials)


def _asked(migration: Migration) -> dict[str, object]:
    return rehearsed.asked_for(migration, rehearsed.MAX_AGE_DAYS, None)


def test_without_a_rehearsal_nothing_begins(migration: Migration) -> None:
    with pytest.raises(NotRehearsed, match="no rehearsal is on record"):
        _asked(migration)
    (finding,) = rehearsed.missing(migration)
    assert (finding.id, finding.severity) == ("not-rehearsed", "warning")
    told = rehearsed.refusal(migration, NotRehearsed("none"))
    assert (told.outcome, told.exit_status, told.explain) == ("refused", 3, ("not-rehearsed",))
    assert "walrus-ha rehearse --for" in told.message


def test_a_rehearsal_that_fits_is_noted_and_told(migration: Migration) -> None:
    rehearsed.cabinet().keep(_certificate(migration))
    assert rehearsed.missing(migration) == []
    rehearsal = _asked(migration)
    outcome = migration.migrate(rehearsal=rehearsal)
    assert outcome.outcome == "completed"
    assert "3 trials passed, in machines" in outcome.message
    assert "3 trials passed, in machines" in standing(migration.folder).rehearsed
    (begun,) = [entry for entry in read(migration.folder / "journal.jsonl")[0] if entry.kind == "begun"]
    assert begun.data["rehearsal"]["procedure"] == rehearsed.of_site(migration).sha256


def _aged(certificate: Certificate, days: float) -> Certificate:
    made = datetime.now(UTC) - timedelta(days=days)
    return replace(certificate, made=made.isoformat(timespec="milliseconds"))


def _other(field: str, value: str) -> Callable[[Certificate], Certificate]:
    return lambda one: replace(one, procedure=replace(one.procedure, **{field: value}))


UNFIT: dict[str, tuple[Callable[[Certificate], Certificate], str]] = {
    "too old": (lambda one: _aged(one, 31), "31 days old, and counts for 30"),
    "not yet made": (lambda one: _aged(one, -1), "has not come yet"),
    "failed": (lambda one: replace(one, trials=[*one.trials, Judged("x", "machines", "FAIL")]), "x ended FAIL"),
    "inconclusive": (
        lambda one: replace(one, trials=[*one.trials, Judged("x", "machines", "INCONCLUSIVE")]),
        "x ended INCONCLUSIVE",
    ),
    "too few": (lambda one: replace(one, trials=one.trials[1:]), "was not rehearsed"),
    "skipped": (
        lambda one: replace(one, trials=[replace(trial, verdict="SKIPPED") for trial in one.trials]),
        "was not rehearsed",
    ),
    "another engine": (_other("engine", "0.0.9 0123"), "engine is"),
    "another strategy": (_other("strategy", "online"), "strategy is staged here, online there"),
    "another file system": (_other("filesystem", "xfs"), "filesystem is ext4 here, xfs there"),
    "no first sync": (_other("first_sync", "skip"), "first_sync is full here, skip there"),
    "another cloud": (_other("cloud", "original"), "cloud is own here, original there"),
    "another DRBD": (_other("drbd", "8.3"), "drbd is 8.4 here, 8.3 there"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_rehearsal_that_does_not_fit_counts_for_nothing_and_why(name: str, migration: Migration) -> None:
    change, why = UNFIT[name]
    rehearsed.cabinet().keep(change(_certificate(migration)))
    with pytest.raises(NotRehearsed, match=why):
        _asked(migration)


def test_the_newest_that_fits_counts_beside_others_that_do_not(migration: Migration) -> None:
    good = _certificate(migration)
    two_days_old = _aged(good, 2)
    for one in (_aged(good, 40), two_days_old, _other("filesystem", "xfs")(_aged(good, 1))):
        rehearsed.cabinet().keep(one)
    assert _asked(migration)["made"] == two_days_old.made


def _only(state: Path) -> Path:
    (path,) = (state / "certificates").glob("*.json")
    return path


def test_a_record_that_was_edited_counts_for_nothing(migration: Migration, state: Path) -> None:
    rehearsed.cabinet().keep(_certificate(migration, "FAIL"))
    path = _only(state)
    path.write_text(path.read_text().replace("FAIL", "PASS"))
    with pytest.raises(NotRehearsed, match="not signed with the key of this machine, or was changed"):
        _asked(migration)


def test_a_record_of_another_machine_counts_for_nothing_unless_it_has_the_key(
    migration: Migration, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Cabinet(tmp_path / "elsewhere").keep(_certificate(migration))
    Cabinet(state / "certificates").keep(_certificate(migration, "FAIL"))
    (state / "certificates" / "a.json").write_bytes(path.read_bytes())
    with pytest.raises(NotRehearsed, match="not signed with the key of this machine"):
        _asked(migration)
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "elsewhere" / "key"))
    assert _asked(migration)["labs"] == ["machines"]


def test_a_damaged_record_is_named(migration: Migration, state: Path) -> None:
    rehearsed.cabinet().keep(_certificate(migration))
    _only(state).write_text("{")
    with pytest.raises(NotRehearsed, match="no record of a rehearsal"):
        _asked(migration)


def test_key_and_record_are_their_owners_alone(migration: Migration, state: Path) -> None:
    before = os.umask(0)
    try:
        rehearsed.cabinet().keep(_certificate(migration))
    finally:
        os.umask(before)
    key = state / "certificates" / "key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert _only(state).stat().st_mode & 0o777 == 0o600
    assert key.read_text().strip() not in _only(state).read_text()


@pytest.mark.parametrize("trouble", ["mode", "link", "short", "absent"])
def test_a_key_that_is_none_is_refused(trouble: str, migration: Migration, state: Path) -> None:
    rehearsed.cabinet().keep(_certificate(migration))
    key = state / "certificates" / "key"
    if trouble == "mode":
        key.chmod(0o640)
    elif trouble == "link":
        key.rename(key.with_name("moved"))
        key.symlink_to("moved")
    elif trouble == "short":
        key.write_text("ab" * 31)
    else:
        key.unlink()
    with pytest.raises(Refused, match="signs rehearsals"):
        _asked(migration)


def test_a_reason_instead_is_kept_in_the_journal_and_told(migration: Migration) -> None:
    rehearsal = rehearsed.asked_for(migration, 30, "the lab burnt down")
    outcome = migration.migrate(rehearsal=rehearsal)
    assert "Begun without a rehearsal: the lab burnt down" in outcome.message
    assert standing(migration.folder).rehearsed == "Begun without a rehearsal: the lab burnt down"


def test_a_move_that_has_begun_goes_on_without_being_asked(opened: Opened, tmp_path: Path) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(event: object) -> None:
        if getattr(event, "step", "") == "stage-store":
            raise Interrupted

    begun = Migration(opened.inventory, tmp_path / "run", opened.clock, Listeners(interrupt))
    with pytest.raises(Interrupted):
        begun.migrate(rehearsal={"without": "it is late"})
    again = Migration(opened.inventory, tmp_path / "run", opened.clock)
    assert rehearsed.asked_for(again, 0, None) == {}
    assert again.migrate().outcome == "completed"
    assert "it is late" in standing(tmp_path / "run").rehearsed


def test_the_hosts_of_a_lab_that_is_up_need_none(tmp_path: Path) -> None:
    (tmp_path / "known_hosts").touch()
    path = tmp_path / "site.yaml"
    path.write_text(SITE.format(known_hosts=tmp_path / "known_hosts"))
    site = inventory.load(path)
    assert not keep.made(site)
    keep.remember("abc1", site)
    assert keep.made(site)
    settings = site.settings.model_copy(update={"strategy": "online"})
    assert keep.made(replace(site, settings=settings)), "whoever works in a lab by hand edits its inventory"
    other = site.original.connection
    assert not keep.made(replace(site, additional=replace(site.additional, connection=other)))


def test_rehearsing_for_an_inventory_is_what_counts_for_its_site(migration: Migration, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").touch()
    path = tmp_path / "site.yaml"
    path.write_text(SITE.format(known_hosts=tmp_path / "known_hosts"))
    done = CliRunner().invoke(walrus_ha, ["rehearse", "--for", str(path), "--json"])
    assert done.exit_code == 0, done.output
    assert {trial["scenario"] for trial in json.loads(done.stdout)["trials"]} == set(
        required(inventory.load(path).settings)
    )
    assert _asked(migration)["passed"] == 3
