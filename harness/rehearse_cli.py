"""The verbs that need no site: rehearse scenarios in labs, and break a run at every moment."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from harness import inventory, rehearsed
from harness.labs import catalogue
from harness.options import AS_JSON, JOB_SUMMARY
from harness.report import folder as pages
from harness.report import json_report, junit, markdown, sweep_text, text
from harness.report.model import RehearsalReport, TrialReport
from harness.trials.alike import scenarios_like
from harness.trials.rehearsal import Planned, plan_rehearsal, rehearse
from harness.trials.scenario import Scenario
from harness.trials.scenario_files import load_scenarios
from harness.trials.site.twin import twin_of
from harness.trials.sweep import options
from harness.trials.sweep.points import FAULTS, MOMENTS
from harness.trials.sweep.shrink import name_of, save, scenario_text, shrink
from harness.trials.sweep.single import Single, run_single
from harness.trials.sweep.slices import Spec
from harness.trials.sweep.sweep import sweep


@click.command("rehearse")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--lab", "labs", multiple=True, help="Lab to rehearse in; may be repeated. Default: simulated.")
@click.option("--report", "folder", type=click.Path(path_type=Path), help="Keep journals, evidence and pages here.")
@click.option("--jobs", type=click.IntRange(1), help="Trials at once. Default: what the lab thinks right here.")
@click.option("--for", "site_path", type=click.Path(path_type=Path), help="As this inventory's site; put on record.")
@click.option("--drbd", type=click.Choice(["8.3", "8.4"]), default="8.4", help="That site's DRBD. Default: 8.4.")
@click.option("--facts", "facts_path", type=click.Path(path_type=Path), help="Rehearse the site that these tell of.")
@click.option("--scale", type=click.FloatRange(0, 1, min_open=True), help="So much of that site. Default: what fits.")
@click.option("--junit", "junit_path", type=click.Path(path_type=Path), help="Also write a JUnit file.")
@JOB_SUMMARY
@AS_JSON
def rehearse_command(
    paths: tuple[Path, ...],
    labs: tuple[str, ...],
    folder: Path | None,
    jobs: int | None,
    site_path: Path | None,
    drbd: str,
    facts_path: Path | None,
    scale: float | None,
    junit_path: Path | None,
    markdown_path: Path | None,
    as_json: bool,
) -> None:
    """Run scenarios (files or folders; default: all that come with the tool) in labs and judge them.

    With --facts the site that a facts file tells of is rehearsed, and the scenarios that are named run on it.
    With --for they are run by the procedure that an inventory asks for (default: those that migrate wants to have
    passed), and the verdicts are put on record for it.
    """
    chosen = [catalogue.find(name) for name in labs or ("simulated",)]
    site = inventory.load(site_path) if site_path else None
    base = scenarios_like(site, drbd, paths) if site else load_scenarios(paths) if paths else []
    scenarios = _scenarios(base, facts_path, scale, [lab.name for lab in chosen])
    reports = rehearse(plan_rehearsal(scenarios, chosen), folder, _tell_trial, jobs)
    report = RehearsalReport(reports)
    for record in rehearsed.put_on_record(scenarios, reports) if site_path else ():
        click.echo(f"on record: {record}", err=True)
    if junit_path:
        junit_path.write_bytes(junit.render(report))
    if markdown_path:
        markdown_path.write_text(markdown.render(report), encoding="utf-8")
    if folder:
        click.echo(f"report: {pages.write_pages(report, folder)}", err=True)
    click.echo(json_report.render(report) if as_json else text.render(report))
    sys.exit(report.exit_status)


def _scenarios(base: list[Scenario], facts_path: Path | None, scale: float | None, labs: list[str]) -> list[Scenario]:
    """What is rehearsed; a site's own scenarios come first."""
    if facts_path is None:
        if scale is not None:
            raise click.UsageError("--scale is of a site: name its facts with --facts")
        return base or load_scenarios((catalogue.scenario_folder(),))
    twin = twin_of(facts_path, scale, labs)
    click.echo("\n".join(twin.told()), err=True)
    return [*twin.scenarios(), *(twin.under(one) for one in base)]


def _tell_trial(planned: Planned, report: TrialReport | None) -> None:
    name = f"{planned.scenario.name}[{planned.lab.name}]"
    if report:
        click.echo(f"{report.verdict.name:<12} {report.seconds:7.2f} s  {name}", err=True)


@click.command("sweep")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--depth", type=click.IntRange(1, 2), default=1, show_default=True, help="Faults in one trial.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Of the store that comes with the tool.")
@click.option("--jobs", type=click.IntRange(1), help="Processes at once. Default: one a processor.")
@click.option("--executor", type=click.Choice(["processes", "dask"]), default="processes", show_default=True)
@click.option("--scheduler", help="Address of the Dask scheduler.")
@click.option("--only", help="Run exactly one trial: NUMBER:FAULT:MOMENT, several of them with commas.")
@click.option("--save", "folder", type=click.Path(path_type=Path), help="Write failing trials as scenarios here.")
@AS_JSON
def sweep_command(
    paths: tuple[Path, ...],
    depth: int,
    seed: int | None,
    jobs: int | None,
    executor: str,
    scheduler: str | None,
    only: str | None,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Break one run of the engine at every command and moment, resume each, and judge them all.

    The run starts from a SCENARIO's start, or from a small awkward store.
    """
    spec = options.spec_of(paths, seed, depth)
    if only:
        _sweep_one(spec, only, folder, as_json)
    report = sweep(spec, options.executor_of(executor, scheduler, jobs), lambda line: click.echo(line, err=True))
    report.command = " ".join(["walrus-ha sweep", *map(str, paths), *([f"--seed {seed}"] if seed is not None else [])])
    click.echo(json.dumps(report.figures()) if as_json else sweep_text.render(report, FAULTS, MOMENTS))
    for failure in report.failures[:20] if folder else ():
        _keep(spec, shrink(spec, run_single(spec, failure.points)), folder)
    sys.exit(report.exit_status)


def _sweep_one(spec: Spec, only: str, folder: Path | None, as_json: bool) -> None:
    single = run_single(spec, options.points_of(only))
    told = single.told
    _keep(spec, shrink(spec, single), folder)
    if as_json:
        click.echo(json.dumps({"only": only, **told._asdict()}))
    else:
        click.echo("\n".join(f"{point}: {what}" for point, what in single.hits))
        click.echo(f"attempts: {', '.join(told.outcomes)}")
        click.echo("\n".join(told.broken + told.unknown) or "All invariants hold.")
    sys.exit(1 if told.broken or told.unknown else 0)


def _keep(spec: Spec, single: Single, folder: Path | None) -> None:
    if folder is not None:
        path = save(folder, name_of(single), scenario_text(spec, single))
        click.echo(f"written: {path}", err=True)


COMMANDS = (rehearse_command, sweep_command)
