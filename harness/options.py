"""Options that several verbs have in common, each in one form."""

from __future__ import annotations

from pathlib import Path

import click

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on standard output.")
INVENTORY = click.option(
    "-i", "--inventory", "inventory_path", required=True, type=click.Path(path_type=Path), help="Inventory file."
)
JOB_SUMMARY = click.option(
    "--markdown", "markdown_path", type=click.Path(path_type=Path), help="Also write a job summary."
)
