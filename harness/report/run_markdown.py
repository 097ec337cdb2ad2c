"""The report of a real run for a ticket or a job's summary page: short, and text whatever the names."""

from __future__ import annotations

from collections.abc import Iterator

from harness.report.html import shown_bytes
from harness.report.markdown import bounded, plain
from harness.report.moment import lasting, when
from harness.report.run import Chapter, RunReport


def render(report: RunReport) -> str:
    """The state, what to do next, the time without service, what was moved, and the steps; cut where it gets long."""
    return bounded(_lines(report), "Cut here: the page holds all.")


def _lines(report: RunReport) -> Iterator[str]:
    yield f"## Run {plain(report.run)}: {plain(report.word)}"
    yield ""
    yield f"{plain(report.headline)} Exit status: {plain(report.exit_note)}."
    yield ""
    yield f"**Next:** {plain(report.next)}"
    yield ""
    yield plain(report.copies)
    for moved in report.moved:
        yield ""
        yield f"{moved.objects} objects of {shown_bytes(moved.size)}: {plain(moved.what)}."
        yield f"SHA-256 of the manifest: {plain(moved.digest)}."
    for one in report.proven:
        yield f"- {plain(when(one.date))}: {plain(one.what)}: {'the same' if one.same else '**another** manifest'}"
    if report.rehearsal:
        yield ""
        yield "; ".join(f"{plain(name)}: {plain(value)}" for name, value in report.rehearsal)
    for order in report.orders:
        yield f"- {plain(when(order.date))}: {plain(order.order)}"
    for chapter in report.chapters:
        yield from _chapter(chapter)


def _chapter(chapter: Chapter) -> Iterator[str]:
    yield f"\n### {plain(chapter.name)}\n"
    if chapter.down_s is not None:
        over = "" if chapter.down_over else ", and nobody has seen them serve again"
        yield f"The services were down for {lasting(chapter.down_s)}{over}.\n"
    for trouble in chapter.troubles:
        yield f"- {plain(when(trouble.date))}: {plain(trouble.why)}"
    yield "\n| step | took | changed | end |\n|---|---:|---|---|"
    for span in chapter.spans:
        yield f"| {plain(span.step)} | {lasting(span.seconds)} | {plain(', '.join(span.hosts))} | {plain(span.end)} |"
