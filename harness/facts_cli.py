"""The verb that collects the facts of a site."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from harness import inventory, runs
from harness.migration.facts.collect import Collected
from harness.migration.facts.file import as_values, save
from harness.migration.run import Migration
from harness.options import AS_JSON, INVENTORY


@click.command("facts")
@INVENTORY
@click.option(
    "-o", "--output", "facts_path", required=True, type=click.Path(path_type=Path), help="Write the facts here."
)
@AS_JSON
def facts_command(inventory_path: Path, facts_path: Path, as_json: bool) -> None:
    """Collect what a rehearsal of this site needs, without names of objects and hosts; changes nothing on them.

    What preflight finds is told here in full and in the file by its name.
    """
    if facts_path.is_dir() or not os.access(facts_path.parent, os.W_OK):
        raise click.UsageError(f"{facts_path} cannot be written; nothing was asked of any host")
    migration = Migration(inventory.load(inventory_path), runs.folder_for(inventory_path))
    collected = migration.facts()
    save(collected.facts, facts_path)
    click.echo(_as_json(collected, facts_path) if as_json else "\n".join(_lines(collected, facts_path)))


def _as_json(collected: Collected, path: Path) -> str:
    facts = as_values(collected.facts)
    findings = [vars(finding) for finding in collected.findings]
    return json.dumps({"written": str(path), "findings": findings, "facts": facts})


def _lines(collected: Collected, path: Path) -> list[str]:
    facts = collected.facts
    layout, window = facts.store.layout, facts.window
    lines = [str(finding) for finding in collected.findings]
    lines += [f"not seen: {what}" for what in facts.not_seen]
    if layout:
        lines.append(f"store: {layout.entries} entries, {layout.files} files with {layout.bytes} bytes")
    if window:
        span = f"{window.least_s:.0f} to {window.most_s:.0f} s"
        lines.append(f"window: about {window.likely_s:.0f} s, in nine moves of ten {span}")
    return [*lines, f"written: {path}. Rehearse this site with: walrus-ha rehearse --facts {path}"]
