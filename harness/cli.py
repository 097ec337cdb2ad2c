"""The verbs of walrus-ha: parse and print, nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click
from click import shell_completion

from harness import (
    console,
    cutover_window,
    duration,
    explain_cli,
    facts_cli,
    inventory,
    lab_cli,
    orders_cli,
    rehearse_cli,
    rehearsed,
    report_cli,
    runs,
    version,
)
from harness.checks.verdict import judge_file
from harness.errors import Refused
from harness.labs import doctor
from harness.live import board_of_move, board_of_rollback
from harness.logbook import Logbook
from harness.migration.forecast import Forecast
from harness.migration.outcome import Outcome
from harness.migration.planned import read_plan
from harness.migration.run import Listeners, Migration
from harness.options import AS_JSON, INVENTORY
from harness.report import json_report, text
from harness.report.model import FindingLine
from harness.trials import foretelling, plan_text

_WINDOW = click.option(
    "--window", "window_s", callback=duration.option, help="How long the services may be down, such as 2h or 90m."
)
_PLAIN = click.option(
    "--plain", is_flag=True, help="One line an event, also on a terminal: for logs and screen readers."
)


def _show_version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        click.echo(f"walrus-ha {version.described()}")
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def walrus_ha() -> None:
    """Move a Eucalyptus 3.2 Walrus onto a DRBD-replicated pair, and rehearse the move before."""


_GROUPS = (*rehearse_cli.COMMANDS, *orders_cli.COMMANDS, *explain_cli.COMMANDS)
_OTHERS = (facts_cli.facts_command, lab_cli.lab_group, report_cli.report_command)
for _command in (*_GROUPS, *_OTHERS):
    walrus_ha.add_command(_command)


@walrus_ha.command("check")
@INVENTORY
@_WINDOW
@AS_JSON
def check_command(inventory_path: Path, window_s: float | None, as_json: bool) -> None:
    """Look whether the hosts are ready for the move, and whether it fits into a window; changes nothing."""
    migration = _with_window(_migration(inventory_path), window_s)
    findings = [*migration.check(), *rehearsed.missing(migration)]
    lines = [FindingLine(one.id, one.host, one.severity, one.message, one.remedy) for one in findings]
    click.echo(json_report.render_findings(lines) if as_json else text.render_findings(lines))
    sys.exit(3 if any(one.severity == "error" for one in findings) else 0)


@walrus_ha.command("plan")
@INVENTORY
@click.option("-o", "--output", "plan_path", type=click.Path(path_type=Path), help="Write the plan, to be migrated by.")
@AS_JSON
def plan_command(inventory_path: Path, plan_path: Path | None, as_json: bool) -> None:
    """Print every step and command of the move, where it stands and what would undo each; changes nothing."""
    migration = _migration(inventory_path)
    rows, window = migration.plan(), migration.estimate()
    plan = None
    try:
        plan = foretelling.make_plan(migration) if plan_path or not migration.began() else None
    except Refused as refused:
        if plan_path:
            raise
        click.echo(f"The steps without their commands: {refused}", err=True)
    if plan_path and plan:
        plan.save(plan_path)
        click.echo(f"written: {plan_path}; carry it out with: walrus-ha migrate --plan {plan_path}", err=True)
    foreseen = None if migration.began() else _foreseen(migration)
    shown = plan_text.Shown(rows, window, plan.commands if plan else (), migration.inventory.settings, foreseen)
    click.echo(shown.as_json() if as_json else shown.as_text())


def _foreseen(migration: Migration) -> Forecast | None:
    """The window by rates that are measured now; none where they cannot be."""
    try:
        return migration.forecast()
    except Refused as refused:
        click.echo(str(refused), err=True)
        return None


@walrus_ha.command("migrate")
@click.option("-i", "--inventory", "inventory_path", type=click.Path(path_type=Path), help="Inventory file.")
@click.option("--plan", "plan_path", type=click.Path(path_type=Path), help="Begin only if all is as this plan has it.")
@_WINDOW
@click.option("--postpone-cutover", is_flag=True, help="Hold an online move before its stop until it is told to go.")
@click.option(
    "--cutover-window",
    "named",
    metavar="FROM/UNTIL",
    callback=cutover_window.option,
    help="When an online move may stop the service: two dates of ISO 8601.",
)
@click.option(
    "--max-age",
    "max_age_days",
    type=click.FloatRange(0),
    default=30,
    show_default=True,
    help="Days for which a rehearsal counts.",
)
@click.option("--without-rehearsal", "without", metavar="REASON", help="Begin without one; the reason is kept.")
@_PLAIN
@AS_JSON
def migrate_command(
    inventory_path: Path | None,
    plan_path: Path | None,
    window_s: float | None,
    postpone_cutover: bool,
    named: str | None,
    max_age_days: float,
    without: str | None,
    plain: bool,
    as_json: bool,
) -> None:
    """Carry out the move, or go on with it after an interruption.

    On hosts that no lab made it begins only after a rehearsal: rehearse --for.
    """
    plan = read_plan(plan_path) if plan_path else None
    if inventory_path is None and plan is None:
        raise click.UsageError("name an inventory with -i, or a plan with --plan")
    inventory_path = inventory_path or Path(plan.inventory if plan else "")
    folder = runs.folder_for(inventory_path)
    shown = console.Console(plain=plain)
    migration = _with_window(_migration(inventory_path, shown=shown), window_s)
    migration = _with_cutover(migration, postpone_cutover, named)
    if without is not None and not without.strip():
        raise click.UsageError("--without-rehearsal wants a reason, for whoever reads the journal")
    try:
        rehearsal = rehearsed.asked_for(migration, max_age_days, without)
    except Refused as reason:
        _finish(rehearsed.refusal(migration, reason), folder, as_json)
    runs.note_inventory(folder, inventory_path)
    shown.show(board_of_move(migration.inventory.settings), folder)
    _carry_out(migration, "migrate", lambda: migration.migrate(plan, rehearsal), as_json)


@walrus_ha.command("adopt")
@INVENTORY
@AS_JSON
def adopt_command(inventory_path: Path, as_json: bool) -> None:
    """Take over the run that holds the hosts, after its controller was lost; migrate or rollback goes on with it."""
    folder = runs.folder_for(inventory_path)
    migration = _migration(inventory_path)
    outcome = Logbook(folder, migration.clock).attempt("adopt", migration, migration.adopt)
    if (folder / "journal.jsonl").exists():
        runs.note_inventory(folder, inventory_path)
    _finish(outcome, folder, as_json)


@walrus_ha.command("rollback")
@click.argument("run")
@_PLAIN
@AS_JSON
def rollback_command(run: str, plain: bool, as_json: bool) -> None:
    """Take a move back. Past its commit point this is a reverse move: services stop, what was written is kept.

    The original then serves alone again. Until the reverse move commits, `walrus-ha migrate` stays with the pair.
    """
    folder = runs.find(run)
    shown = console.Console(plain=plain)
    migration = _migration(runs.inventory_of(folder), folder, shown)
    shown.show(board_of_rollback(folder, migration.inventory.settings), folder)
    _carry_out(migration, "rollback", migration.rollback, as_json)


@walrus_ha.command("retire")
@click.argument("run")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@click.option("--deleted", type=click.IntRange(0), default=0, help="So many frozen entries clients have deleted.")
@AS_JSON
def retire_command(run: str, yes: bool, dry_run: bool, deleted: int, as_json: bool) -> None:
    """Delete the old store and the staged copy, with proof that the pair serves all that they hold.

    Without --yes it asks on a terminal for the run's name; where there is none it only says what it would delete.
    """
    folder = runs.find(run)
    migration = _migration(runs.inventory_of(folder), folder)
    if dry_run or not yes:
        found = migration.to_retire()
        lines = [f"{migration.inventory.original.name}:{one.path} ({one.what}), {one.kib} KiB" for one in found]
        if dry_run or not lines or not sys.stdin.isatty():
            told = {"run": str(folder), "would_delete": [vars(one) for one in found]}
            advice = "\nNothing was deleted. Delete them with: walrus-ha retire --yes " + folder.name if lines else ""
            text_ = f"Would be deleted:\n{chr(10).join(lines) or 'nothing'}{advice}"
            click.echo(json.dumps(told) if as_json else text_)
            return
        click.echo("To be deleted, for good:\n" + "\n".join(lines), err=True)
        if click.prompt(f"Type {folder.name} to delete them", default="", show_default=False, err=True) != folder.name:
            raise Refused("that was not the name of the run; nothing was deleted")
    _carry_out(migration, "retire", lambda: migration.retire(deleted), as_json)


@walrus_ha.command("verify")
@click.argument("run")
@AS_JSON
def verify_command(run: str, as_json: bool) -> None:
    """See whether a completed move is still as it was left; changes nothing."""
    folder = runs.find(run)
    faults = _migration(runs.inventory_of(folder), folder).verify()
    if as_json:
        click.echo(json.dumps({"run": str(folder), "faults": faults}))
    else:
        click.echo("\n".join(faults) or f"All is as the move left it ({folder}).")
    sys.exit(1 if faults else 0)


@walrus_ha.command("judge")
@click.argument("evidence", type=click.Path(path_type=Path))
@AS_JSON
def judge_command(evidence: Path, as_json: bool) -> None:
    """Judge saved evidence again."""
    judgement = judge_file(evidence)
    click.echo(json_report.render_judgement(judgement) if as_json else text.render_judgement(judgement))
    sys.exit(0 if judgement.verdict.name == "PASS" else 1)


@walrus_ha.command("doctor")
@AS_JSON
def doctor_command(as_json: bool) -> None:
    """List the labs, what each lacks on this machine, and what would provide it."""
    states = doctor.survey()
    if as_json:
        click.echo(json.dumps({"labs": [vars(state) for state in states]}))
        return
    for state in states:
        note = f" ({state.note})" if state.note else ""
        click.echo(f"{state.name:<12} {'ready' if state.ready else 'not here'}{note}")
        for lack in state.lacks:
            click.echo(f"{'':13}- {lack}")
        if state.remedy and not state.ready:
            click.echo(f"{'':13}  {state.remedy}")


@walrus_ha.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print a script that completes walrus-ha's words in your shell."""
    completer = shell_completion.get_completion_class(shell)
    assert completer is not None, "click completes in all of these"
    click.echo(completer(walrus_ha, {}, "walrus-ha", "_WALRUS_HA_COMPLETE").source())


def _with_window(migration: Migration, window_s: float | None) -> Migration:
    """The same with another window than the inventory's, if one is given."""
    if window_s is not None:
        settings = migration.inventory.settings.model_copy(update={"window_s": window_s})
        migration.inventory = replace(migration.inventory, settings=settings)
    return migration


def _with_cutover(migration: Migration, postponed: bool, window: str | None) -> Migration:
    """The same with the cut-over postponed or held for a window, whatever the inventory says, if one is asked for."""
    if not postponed and window is None:
        return migration
    if postponed and window is not None:
        raise click.UsageError("--postpone-cutover waits for an order, --cutover-window for a date: give one of them")
    if migration.inventory.settings.strategy != "online":
        raise click.UsageError("only `strategy: online` has a cut-over that can be postponed")
    held = {"postpone_cutover": postponed, "cutover_window": window}
    settings = migration.inventory.settings.model_copy(update=held)
    migration.inventory = replace(migration.inventory, settings=settings)
    return migration


def _migration(inventory_path: Path, folder: Path | None = None, shown: console.Console | None = None) -> Migration:
    shown = shown or console.Console()
    shown.catch_interrupts()
    shown.beat()
    click.get_current_context().call_on_close(shown.rest)
    loaded = inventory.load(inventory_path)
    listeners = Listeners(shown.event, shown.progress)
    return Migration(loaded, folder or runs.folder_for(inventory_path), listeners=listeners)


def _carry_out(migration: Migration, verb: str, work: Callable[[], Outcome], as_json: bool) -> NoReturn:
    """Do what changes hosts, with a log beside the journal, and end."""
    outcome = Logbook(migration.folder, migration.clock).attempt(verb, migration, work)
    _finish(outcome, migration.folder, as_json)


def _finish(outcome: Outcome, folder: Path, as_json: bool) -> NoReturn:
    message = outcome.message.replace(" RUN", f" {folder.name}")
    if as_json:
        findings = [vars(finding) for finding in outcome.findings]
        answer = {"outcome": outcome.outcome, "run": str(folder), "message": message, "findings": findings}
        click.echo(json.dumps({**answer, "explain": outcome.explain}))
    else:
        more = f"\nExplain with: walrus-ha explain {' '.join(outcome.explain)}" if outcome.explain else ""
        click.echo(f"{message}{more}")
    sys.exit(outcome.exit_status)
