"""Foresight: a plan says what the move will do and how long it takes, and looking at it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from harness.checks.finding import Finding, Unknown, weigh
from harness.checks.window import window_s
from harness.evidence import Attempt, Evidence, Look

_OF_THE_FENCE = ("claim", "release", "keep")  # epochs, and what a run keeps for another controller
# A sync may end before anybody comes to wait for it, and a difference may be small from the start.
_BY_ITSELF = frozenset({"wait-for-sync", "first-sync", "catch-up"})


def foresight(evidence: Evidence) -> Finding:
    """Each plan changed nothing, named steps and commands of the next attempt, and bounded the length of the window."""
    looks = (nobody_looked, looked_and_changed, planned_otherwise, sent_otherwise, took_another_time)
    return weigh("foresight", evidence, looks, "the plan changed nothing and said what was done")


def nobody_looked(evidence: Evidence) -> Iterator[str]:
    if not evidence.looks:
        raise Unknown("nobody asked for a plan")
    yield from ()


def looked_and_changed(evidence: Evidence) -> Iterator[str]:
    for look in evidence.looks:
        for path in look.changed:
            yield f"looking at the plan at {look.at:g} s changed {path}"
        for sent in look.sent:
            yield f"looking at the plan at {look.at:g} s sent {sent}"


def planned_otherwise(evidence: Evidence) -> Iterator[str]:
    """The steps that act in the next attempt are those that the plan said, when that attempt reached the end."""
    for look in evidence.looks:
        attempt = _next(evidence, look)
        if attempt is None or attempt.outcome != "completed":
            continue
        for step in look.to_do:
            if step not in attempt.acted and step not in _BY_ITSELF:
                yield f"the plan at {look.at:g} s said that {step} would act, and it did not"
        for step in attempt.acted:
            if step not in look.to_do:
                yield f"{step} acted, and the plan at {look.at:g} s did not say so"


def sent_otherwise(evidence: Evidence) -> Iterator[str]:
    """What changes or destroys was sent as the plan had it, host by host, in its order, to the byte; if nothing broke.

    Compared are program and arguments, standard input, and the path, mode and content of files; not the ids of jobs,
    which name the run, nor how often a condition was waited for by commands that only look.
    """
    for look in evidence.looks:
        attempt = _next(evidence, look)
        if look.commands is None or attempt is None or attempt.outcome != "completed" or evidence.receipts:
            continue
        changing = [one for one in evidence.sent if one.attempt == look.attempts + 1 and one.effect != "read"]
        sent = [one for one in changing if one.what.split(" ", 1)[0] not in _OF_THE_FENCE]
        for host in sorted({one.host for one in sent} | {one.host for one in look.commands}):
            planned = [(one.what, one.wire) for one in look.commands if one.host == host and one.effect != "read"]
            done = [(_without_job(one.what), one.wire) for one in sent if one.host == host]
            yield from (f"{host}: {line}" for line in _unlike(planned, done))


def _unlike(planned: list[tuple[str, str]], done: list[tuple[str, str]]) -> Iterator[str]:
    """The first command that is not as planned; what follows it says nothing more."""
    for number, (plan, deed) in enumerate(zip_longest(planned, done), 1):
        if plan != deed:
            wanted, found = (f"`{one[0]}`" if one else "nothing more" for one in (plan, deed))
            bytes_differ = " with other bytes" if plan and deed and plan[0] == deed[0] else ""
            yield f"change {number} was to be {wanted}, sent was {found}{bytes_differ}"
            return
    if not done:
        yield "nothing was sent and nothing was planned"


def _without_job(what: str) -> str:
    """`start job ID: COMMAND` without the id."""
    return what.split(": ", 1)[1] if what.startswith("start job ") else what


def took_another_time(evidence: Evidence) -> Iterator[str]:
    """The window of a move that nothing broke lies in the interval that was told before."""
    for look in evidence.looks:
        attempt = _next(evidence, look)
        if not look.window_s or attempt is None or attempt.outcome != "completed" or evidence.receipts:
            continue
        took = window_s(evidence, attempt)
        if took is None:
            raise Unknown("nothing tells when the services were stopped")
        least, most = look.window_s
        if not least <= took <= most:
            yield f"the services were down for {took:.0f} s, told before were {least:.0f} to {most:.0f} s"


def _next(evidence: Evidence, look: Look) -> Attempt | None:
    """The attempt that followed the look."""
    return evidence.attempts[look.attempts] if look.attempts < len(evidence.attempts) else None
