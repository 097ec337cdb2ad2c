"""Pages as text for a terminal, as values for JSON, and all of them as one page of the reference."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from harness.explain.page import KINDS, Page

_PARTS = ("why", "needs", "undo", "risk")
_OF_STEPS = ("Why it is there", "What it needs", "What undoes it", "What is at risk")
_OF_OTHERS = ("Why", "What to do", "What undoes it", "What is at risk")
_HEADINGS = {
    "step": "Steps",
    "finding": "Findings",
    "error": "Errors",
    "status": "Exit statuses",
    "check": "Checks of a trial",
}


def _labelled(page: Page) -> Iterator[tuple[str, list[str]]]:
    """Every part of a page with its label, in the order in which people ask."""
    for part, label in zip(_PARTS, _OF_STEPS if page.kind == "step" else _OF_OTHERS, strict=True):
        yield label, [getattr(page, part)]
    answered = [page.vendor] if page.vendor else []
    if answered := [*answered, *(f"{_trap(trap.id)}: {trap.text}" for trap in page.traps)]:
        yield "What of the vendor's text it answers", answered


def _trap(number: str) -> str:
    return f"hazard {number}" if number.startswith("H") else f"trap {number}"


def _title(page: Page) -> str:
    where = f" of {', '.join(page.strategies)}" if page.strategies else ""
    return f"{page.name} ({'exit ' if page.kind == 'status' else ''}{page.kind}{where})"


def text(found: Sequence[Page], width: int) -> str:
    """Pages for people, wrapped to a width."""
    return "\n\n".join(_text(page, min(max(width, 40), 100)) for page in found)


def _text(page: Page, width: int) -> str:
    parts = [_title(page), _wrapped(page.means, width, 2)]
    for label, said in _labelled(page):
        parts += ["", f"  {label}"]
        parts += [_wrapped(one, width, 4) for one in said]
    return "\n".join(parts)


def _wrapped(said: str, width: int, indent: int) -> str:
    """Names such as stop-services stay whole: people copy them."""
    margin = " " * indent
    return textwrap.fill(said, width, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False)


def names(every: Sequence[Page], width: int) -> str:
    """The names, by kind."""
    blocks = []
    for kind in KINDS:
        said = "  ".join(page.name for page in every if page.kind == kind)
        wrapped = _wrapped(said, min(max(width, 40), 100), 2)
        blocks.append(f"{_HEADINGS[kind]}:\n{wrapped}")
    return "\n\n".join([*blocks, "Say one: walrus-ha explain NAME"])


def values(page: Page) -> dict[str, Any]:
    """One page as plain values."""
    plain = {part: getattr(page, part) for part in ("kind", "name", "means", "why", "needs", "undo", "risk", "vendor")}
    traps = [{"id": trap.id, "text": trap.text} for trap in page.traps]
    return {**plain, "traps": traps, "strategies": list(page.strategies)}


def markdown(every: Sequence[Page]) -> str:
    """All pages as one of the reference: a list of what there is, then each."""
    parts = [
        "# Every step, finding, error, exit status and check",
        "Written by `walrus-ha explain --markdown`, of the texts that `walrus-ha explain NAME` prints; a test wants\n"
        "it current. Numbers of traps are those of [traps.md](../explanation/traps.md), hazards those of\n"
        "[negative-control.md](../explanation/negative-control.md).",
    ]
    for kind in KINDS:
        found = [page for page in every if page.kind == kind]
        table = [
            f"| [`{page.name}`](#{page.name}{'-1' if _is_second(page, every) else ''}) | {page.means} |"
            for page in found
        ]
        parts += [f"## {_HEADINGS[kind]}", "\n".join(["| name | means |", "|---|---|", *table])]
        parts += [_markdown(page) for page in found]
    return "\n\n".join(parts) + "\n"


def _is_second(page: Page, every: Sequence[Page]) -> bool:
    """A name of two kinds has two headings, of which the second gets another anchor."""
    return next(one for one in every if one.name == page.name) is not page


def _markdown(page: Page) -> str:
    where = f" *In {', '.join(page.strategies)}.*" if page.strategies else ""
    lines = [f"### {page.name}", "", f"{page.means.rstrip('.')}.{where}", ""]
    lines += [f"- **{label}.** {_plain('; '.join(said))}" for label, said in _labelled(page)]
    return "\n".join(lines)


def _plain(said: str) -> str:
    """Stars and brackets outside of code are meant as they stand."""
    return re.sub(r"([*<>])(?![^`]*`[^`]*(?:`[^`]*`[^`]*)*$)", r"\\\1", said)
