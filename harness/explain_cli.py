"""The verb that says why: of a step, a finding, an error, an exit status or a check."""

from __future__ import annotations

import json
import shutil

import click

from harness.explain import render
from harness.explain.page import KINDS, find, pages
from harness.options import AS_JSON


@click.command("explain")
@click.argument("names", nargs=-1, metavar="[STEP|FINDING|ERROR|CHECK]...")
@click.option("--markdown", is_flag=True, help="Print every page, as docs/reference/explain.md has them.")
@AS_JSON
def explain_command(names: tuple[str, ...], markdown: bool, as_json: bool) -> None:
    """Say why a step, finding, error, exit status or check is there, what it needs, what undoes it and what is at risk.

    Without a name it lists all of them.
    """
    if markdown:
        click.echo(render.markdown(pages()), nl=False)
        return
    width = shutil.get_terminal_size().columns
    found = [page for name in names for page in find(name)]
    if as_json:
        listed = {kind: [page.name for page in pages() if page.kind == kind] for kind in KINDS}
        click.echo(json.dumps({"pages": [render.values(page) for page in found]} if names else {"names": listed}))
    else:
        click.echo(render.text(found, width) if names else render.names(pages(), width))


COMMANDS = (explain_command,)
