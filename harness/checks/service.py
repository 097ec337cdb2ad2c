"""Service: clients read their objects, from exactly one Walrus."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.finding import Finding, Unknown, not_asked, weigh
from harness.checks.manifests import printable, require_frozen
from harness.checks.phases import committed_at, last_outcome, moved, reversed_
from harness.checks.replay import pair, world_at
from harness.evidence import Evidence, ObjectRead

_OK = 200


def service(evidence: Evidence) -> Finding:
    """Objects come back right; after a move one Walrus is ENABLED and one DISABLED, otherwise the original serves."""
    if last_outcome(evidence) in ("stopped", "operator_needed") and not moved(evidence) and not _enabled(evidence):
        return not_asked("service", "the run stopped for a person to go on, and no Walrus serves meanwhile")
    fine = "every object asked for came back right, from the one Walrus that is ENABLED"
    return weigh("service", evidence, (wrong_reads, wrong_states), fine)


def wrong_reads(evidence: Evidence) -> Iterator[str]:
    reads = [read for read in evidence.reads if read.when == "after"]
    if not reads and any(entry.kind == "file" for entry in require_frozen(evidence.frozen).entries):
        raise Unknown("no object was read after the trial")
    for read in reads:
        if not _right(read):
            got = f"status {read.status}" if read.status != _OK else "other content"
            yield f"object {printable(read.key)} could not be read back: {got}"


def wrong_states(evidence: Evidence) -> Iterator[str]:
    world = world_at(evidence)
    original, additional = (world[host].walrus for host in pair(evidence))
    if moved(evidence):
        yield from _not_one_of_each(evidence, original, additional)
    elif reversed_(evidence):
        yield from _original_does_not_serve(evidence, original, additional)
    elif committed_at(evidence) is not None:
        enabled = [original, additional].count("ENABLED")
        if enabled != 1:
            yield f"past the commit {enabled} Walruses are ENABLED, expected one"
    else:
        yield from _original_does_not_serve(evidence, original, additional)


def _not_one_of_each(evidence: Evidence, original: str, additional: str) -> Iterator[str]:
    if not original or not additional:
        silent = evidence.original if not original else evidence.additional
        raise Unknown(f"no event ever told the state of Walrus on {silent}")
    if sorted((original, additional)) != ["DISABLED", "ENABLED"]:
        yield (
            f"Walrus is {original} on {evidence.original} and {additional} on {evidence.additional}; "
            "expected one ENABLED and one DISABLED"
        )


def _original_does_not_serve(evidence: Evidence, original: str, additional: str) -> Iterator[str]:
    """Where no event tells of the original it is as it began, and the objects read before tell how that was."""
    if not original and not any(_right(read) for read in evidence.reads if read.when == "before"):
        raise Unknown(f"neither events nor reads tell whether Walrus on {evidence.original} ever served")
    if original not in ("", "ENABLED"):
        yield f"Walrus on {evidence.original} is {original} at the end, expected ENABLED as before"
    if additional == "ENABLED":
        yield f"Walrus on {evidence.additional} is ENABLED at the end although the move did not happen"


def _right(read: ObjectRead) -> bool:
    return read.status == _OK and read.sha256 == read.expected_sha256


def _enabled(evidence: Evidence) -> bool:
    world = world_at(evidence)
    return any(world[host].walrus == "ENABLED" for host in pair(evidence))
