"""The verb that shows: pages of a real run, and of a rehearsal's evidence."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from harness import runs
from harness.errors import InvalidInput
from harness.options import JOB_SUMMARY
from harness.private import private
from harness.report import folder as pages
from harness.report import html, json_report, markdown, run_markdown
from harness.report.run import as_json as run_as_json
from harness.run_report import report_of


@click.command("report")
@click.argument("place", metavar="RUN|PLACE")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The page; default: beside what it tells of.",
)
@JOB_SUMMARY
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON on standard output.")
def report_command(place: str, output: Path | None, markdown_path: Path | None, as_json: bool) -> None:
    """Make one page of a run, from its folder alone; or judge a rehearsal's evidence again and make pages of it.

    RUN is a run's folder or name, as for `status`; PLACE a file of evidence, or a folder that `rehearse --report` left.
    """
    folder = _run_at(place)
    if folder is not None:
        _of_a_run(folder, output, markdown_path, as_json)
    else:
        _of_evidence(Path(place), output, markdown_path, as_json)


def _run_at(place: str) -> Path | None:
    """The folder of the run that is meant, None where evidence is.

    Raises:
        InvalidInput: there is neither.
    """
    path = Path(place)
    if path.is_file() or (path / pages.EVIDENCE).is_file():
        return None
    try:
        return runs.find(place)
    except InvalidInput as unknown:
        if path.is_dir():
            return None
        raise InvalidInput(f"{unknown}; nor is there a file or folder of that name with evidence in it") from unknown


def _of_a_run(folder: Path, output: Path | None, markdown_path: Path | None, as_json: bool) -> None:
    report = report_of(folder)
    page = output or folder / pages.PAGE
    made = datetime.now(UTC).isoformat(timespec="seconds")
    with open(page, "w", encoding="utf-8", opener=None if output else private) as file:
        file.write(html.render_run(report, made))
    if markdown_path:
        markdown_path.write_text(run_markdown.render(report), encoding="utf-8")
    click.echo(run_as_json(report) if as_json else page)


def _of_evidence(place: Path, output: Path | None, markdown_path: Path | None, as_json: bool) -> None:
    found = pages.load(place)
    if markdown_path:
        markdown_path.write_text(markdown.render(found), encoding="utf-8")
    if place.is_dir():
        if output:
            raise click.UsageError("a folder's pages stand in the folder: -o is for one file of evidence")
        page = pages.write_pages(found, place)
    else:
        page = output or place.with_name(pages.PAGE)
        page.write_text(pages.trial_page(place), encoding="utf-8")
    click.echo(json_report.render(found) if as_json else page)
    sys.exit(found.exit_status)
