"""Rehearsals on record, as the command line uses them: ``rehearse --for`` writes them, ``migrate`` asks for one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from harness import runs, version
from harness.errors import Refused
from harness.labs import keep
from harness.migration.outcome import Outcome
from harness.migration.preflight.finding import Finding, warning
from harness.migration.procedure import Procedure, procedure_of
from harness.migration.run import Migration
from harness.migration.words import UNCHANGED, more_on
from harness.report.model import TrialReport
from harness.trials.alike import procedure_in, required
from harness.trials.certificate import Cabinet, Judged, NotRehearsed, certificates
from harness.trials.scenario import Scenario

MAX_AGE_DAYS = 30.0


def cabinet() -> Cabinet:
    """Where this machine keeps them: beside the runs."""
    return Cabinet(runs.home() / "certificates")


def put_on_record(scenarios: Sequence[Scenario], reports: Sequence[TrialReport]) -> list[Path]:
    """Write down what was rehearsed, passed or not; returns where."""
    procedures = {scenario.name: procedure_in(scenario) for scenario in scenarios}
    judged = [(procedures[trial.scenario], Judged(trial.scenario, trial.lab, trial.verdict.value)) for trial in reports]
    return [cabinet().keep(one) for one in certificates(judged, version.described())]


def of_site(migration: Migration) -> Procedure:
    """The procedure by which this engine moves the migration's site."""
    site = migration.inventory
    return procedure_of(site.settings, site.clc.name == site.original.name, migration.drbd())


def asked_for(migration: Migration, max_age_days: float, without: str | None) -> dict[str, Any]:
    """What the journal of a move says of its rehearsal: the one on record, or why there is none.

    A move that has begun goes on without being asked, and so does one on the hosts of a lab.

    Raises:
        NotRehearsed: hosts of somebody's own, no fitting rehearsal, and no reason given.
    """
    if migration.began() or keep.made(migration.inventory):
        return {}
    if without is not None:
        return {"without": without}
    return on_record(migration, max_age_days)


def on_record(migration: Migration, max_age_days: float) -> dict[str, Any]:
    """The rehearsal that counts for the migration's site.

    Raises:
        NotRehearsed: there is none; says what is there instead.
    """
    wanted, names = of_site(migration), required(migration.inventory.settings)
    found = cabinet().fitting(wanted, names, datetime.now(UTC), timedelta(days=max_age_days))
    return found.told()


def refusal(migration: Migration, reason: Refused) -> Outcome:
    """The end of a move that was not begun: no rehearsal counts, or nobody can tell which would."""
    source = migration.inventory.source
    if isinstance(reason, NotRehearsed):
        way = f"walrus-ha rehearse --for {source} (with --lab containers or machines where there is one)"
        way += f", or: walrus-ha migrate -i {source} --without-rehearsal REASON"
        message = f"This move was not rehearsed with this engine: {reason}\n{UNCHANGED} Next: {way}"
    else:
        message = f"{reason}\n{UNCHANGED} Next: walrus-ha check -i {source}"
    return Outcome("refused", 3, message, explain=more_on(reason))


def missing(migration: Migration) -> list[Finding]:
    """What ``check`` tells of it, so that it is known days before the window."""
    try:
        asked_for(migration, MAX_AGE_DAYS, None)
    except NotRehearsed as reason:
        mend = f"Rehearse it before the window: walrus-ha rehearse --for {migration.inventory.source}."
        return [warning("not-rehearsed", migration.inventory.original.name, f"migrate will refuse: {reason}", mend)]
    except Refused:
        pass  # what cannot be seen has a finding of its own
    return []
