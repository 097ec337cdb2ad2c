"""After a rollback the last words say where the store is: by what was done and taken back, however it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.checks.manifests import differences
from harness.labs import catalogue
from harness.labs.lab import ADDITIONAL, ORIGINAL, Opened, Start
from harness.migration.engine import Event
from harness.migration.outcome import Outcome
from harness.migration.run import Listeners, Migration

STORE = "walrus00:/var/lib/eucalyptus/bukkits"
WAITS = {"waits": {"stall": 5, "host_return": 5}}


Troubles = dict[tuple[str, str], Callable[[], object]]  # what breaks when the engine tells of a step for the first time


@contextmanager
def _lab(**differs: object) -> Iterator[Opened]:
    with catalogue.find("simulated").open(Start(settings=WAITS, differs=differs)) as opened:
        yield opened


def _migration(opened: Opened, folder: Path, troubles: Troubles | None = None) -> Migration:
    pending = dict(troubles or {})

    def listen(event: Event) -> None:
        if happen := pending.pop((event.kind, event.step), None):
            happen()

    return Migration(opened.inventory, folder, opened.clock, Listeners(listen))


def _says(outcome: Outcome, word: str, where: str) -> None:
    assert outcome.outcome == word
    assert where in outcome.message.splitlines()
    assert outcome.message.count(STORE) == where.count(STORE)


def test_before_the_services_stop_nothing_touches_it(tmp_path: Path) -> None:
    with _lab(key_sync_fails=True) as opened:
        outcome = _migration(opened, tmp_path).migrate()
    _says(outcome, "rolled_back", f"The store at {STORE} was never touched.")


def test_a_store_that_was_only_copied_never_moved(tmp_path: Path) -> None:
    with _lab() as opened:
        full: Troubles = {("acting", "stage-store"): lambda: opened.faults.fill_disk(ORIGINAL, "staging")}
        outcome = _migration(opened, tmp_path, full).migrate()
    _says(outcome, "rolled_back", f"The store at {STORE} was never moved.")


def test_a_store_that_was_set_aside_is_back(tmp_path: Path) -> None:
    with _lab() as opened:
        frozen = opened.truth.manifest(ORIGINAL, "store")
        outcome = _migration(opened, tmp_path, {("acting", "wait-for-sync"): opened.faults.cut_link}).migrate()
        _says(outcome, "rolled_back", f"The store is back at {STORE}, as it was frozen.")
        assert not list(differences(frozen, opened.truth.manifest(ORIGINAL, "store")))


def test_a_rollback_that_is_finished_later_says_it_too(tmp_path: Path) -> None:
    back = f"The store is back at {STORE}, as it was frozen."
    with _lab() as opened:
        dies: Troubles = {("acting", "wait-for-sync"): lambda: opened.faults.power_off(ADDITIONAL)}
        outcome = _migration(opened, tmp_path, dies).migrate()
        _says(outcome, "rolled_back", back)
        assert "The original serves again. When the absent host is back" in outcome.message
        opened.faults.power_on(ADDITIONAL)
        outcome = _migration(opened, tmp_path).rollback()
        _says(outcome, "rolled_back", back)
        assert outcome.exit_status == 0


def test_a_store_on_a_host_that_went_away_may_still_be_aside(tmp_path: Path) -> None:
    aside = f"The store is at {STORE} or, still set aside, at {STORE}.before-ha, as it was frozen."
    with _lab() as opened:
        troubles: Troubles = {
            ("acting", "wait-for-sync"): opened.faults.cut_link,
            ("undoing", "set-store-aside"): lambda: opened.faults.power_off(ORIGINAL),
        }
        outcome = _migration(opened, tmp_path, troubles).migrate()
        _says(outcome, "stopped", aside)
        assert "walrus00 did not answer and is not known to serve" in outcome.message
        assert "serves again" not in outcome.message
        opened.faults.heal()
        outcome = _migration(opened, tmp_path).rollback()
        _says(outcome, "rolled_back", f"The store is back at {STORE}, as it was frozen.")
