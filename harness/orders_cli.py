"""The verbs for another terminal while a run is under way: look at it, and give it orders."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from harness import runs
from harness.clock import WallClock
from harness.inventory import bytes_per_s, drbd_rate
from harness.logbook import Logbook
from harness.migration import ordering
from harness.migration.ordering import Answer
from harness.migration.standing import Standing, standing
from harness.options import AS_JSON


def _rate(_ctx: click.Context, _param: click.Parameter, value: str) -> int | None:
    """KiB a second from the inventory's notation, None for ``off``."""
    if value == "off":
        return None
    try:
        return bytes_per_s(drbd_rate(value)) // 1024
    except ValueError:
        wanted = "KiB a second, or such as 20M (4G at most), or off"
        raise click.BadParameter(f"{value!r} is no rate: {wanted}") from None


@click.command("status")
@click.argument("run")
@AS_JSON
def status_command(run: str, as_json: bool) -> None:
    """Say where a run stands, what is ordered and what to type next; asks no host."""
    folder = runs.find(run)
    known = standing(folder)
    if as_json:
        click.echo(json.dumps({"folder": str(folder), **known.as_dict()}))
        return
    click.echo("\n".join([f"folder: {folder}", *_lines(known)]))


def _lines(known: Standing) -> list[str]:
    where = f", last at {known.step}" if known.step else ""
    lines = [
        f"run: {known.run or 'none'} (epoch {known.epoch}, {known.records} records)",
        f"state: {known.state}{where}",
        f"services: {'down, the window is open' if known.window_open else 'not held down by this run'}",
        f"engine: {'at work' if known.working else 'none works on this run now'}",
        f"ordered: {_ordered(known)}",
    ]
    lines += [f"  {name:<20} {state}" for name, state in known.steps.items()]
    lines += [f"last trouble: {known.last_trouble}"] if known.last_trouble else []
    lines += [known.rehearsed] if known.rehearsed else []
    return [*lines, known.safe_copies, f"Next: {known.next}"]


def _ordered(known: Standing) -> str:
    if known.orders is None:
        return known.orders_trouble
    said = [name for name in ("paused", "cutover", "abort") if getattr(known.orders, name)]
    if known.orders.throttle_kib_s:
        said.append(f"throttle {known.orders.throttle_kib_s} KiB/s")
    return ", ".join(said) or "nothing"


def _answer(answer: Answer, order: str, folder: Path, as_json: bool) -> None:
    run = folder.name
    message = answer.message.replace(" RUN", f" {run}")
    Logbook(folder, WallClock()).ordered(order, message)
    if as_json:
        click.echo(json.dumps({"run": run, "orders": asdict(answer.orders), "message": message}))
    else:
        click.echo(message)
    sys.exit(answer.exit_status)


@click.command("pause")
@click.argument("run")
@AS_JSON
def pause_command(run: str, as_json: bool) -> None:
    """Let a run stand still at its next safe point, with its copy or hash."""
    folder = runs.find(run)
    _answer(ordering.pause(folder), "pause", folder, as_json)


@click.command("resume")
@click.argument("run")
@AS_JSON
def resume_command(run: str, as_json: bool) -> None:
    """Let a paused run go on. (A run that ended is gone on with by migrate.)"""
    folder = runs.find(run)
    _answer(ordering.resume(folder), "resume", folder, as_json)


@click.command("throttle")
@click.argument("run")
@click.argument("rate", callback=_rate)
@AS_JSON
def throttle_command(run: str, rate: int | None, as_json: bool) -> None:
    """Copy at most at RATE (KiB a second, or such as 20M) from now on; off takes that back."""
    folder = runs.find(run)
    _answer(ordering.throttle(folder, rate), f"throttle {rate} KiB/s" if rate else "throttle off", folder, as_json)


@click.command("cutover")
@click.argument("run")
@AS_JSON
def cutover_command(run: str, as_json: bool) -> None:
    """Permit the stop of the services, where the run waits for that."""
    folder = runs.find(run)
    _answer(ordering.cutover(folder), "cutover", folder, as_json)


@click.command("abort")
@click.argument("run")
@AS_JSON
def abort_command(run: str, as_json: bool) -> None:
    """End a run at its next safe point: taken back before the commit point, halted after it."""
    folder = runs.find(run)
    _answer(ordering.abort(folder), "abort", folder, as_json)


COMMANDS = (status_command, pause_command, resume_command, throttle_command, cutover_command, abort_command)
