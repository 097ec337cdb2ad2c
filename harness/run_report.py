"""The report of a real run, put together from its folder alone: journal, frozen manifest and logbook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness import logbook_records
from harness.clock import WallClock
from harness.errors import JournalDamaged
from harness.logbook_records import Records
from harness.migration.journal import Entry, Journal, read
from harness.migration.memory import Memory
from harness.migration.standing import Standing, standing
from harness.redaction import redacted
from harness.report.moment import moment, when
from harness.report.run import Attempt, Interlock, Mark, Moved, Ordered, Proven, RunReport, StateWord
from harness.run_chapters import chapters, last_run

_ENDS = ("rolled-back", "reversed")
_ROLES = (("original.name", "original"), ("additional.name", "additional"), ("clc.name", "cloud controller"))
_FROZEN = {
    "frozen": "the store when the services had stopped, read and hashed on the original",
    "frozen-pair": "the pair's store when the services had stopped for the way back",
}
_COPIES = {
    "staged": ("frozen", "the staged copy, read back from its disk"),
    "second-staged": ("frozen", "the second staged copy, read back from its disk"),
    "restored": ("frozen", "the store on the replicated device, read back from it"),
    "given-back": ("frozen", "the store on its old device, restored from a copy and read back"),
    "returned": ("frozen-pair", "the store on the original's old disk, read back from it"),
}
_WORDS: tuple[tuple[str, StateWord, Mark], ...] = (
    ("completed", "COMPLETED", "PASS"),
    ("rolled back", "ROLLED BACK", "INCONCLUSIVE"),
    ("reversed", "REVERSED", "INCONCLUSIVE"),
    ("not begun", "NOT BEGUN", "SKIPPED"),
)
_ORDERS = {"paused": "the run stood still", "resumed": "the run went on"}


def report_of(folder: Path) -> RunReport:
    """All that the folder of a run tells; asks no host and changes nothing.

    Raises:
        JournalDamaged: its journal cannot be read.
    """
    entries, _ = read(folder / "journal.jsonl")
    known, records = standing(folder), logbook_records.load(folder)
    memory = _as_it_was(folder, entries)
    attempt = next((one for one in reversed(records.attempts) if one.verb != "verify"), None)
    word, mark = _word(known, attempt)
    moved, notes = _moved(memory)
    hosts = _hosts(entries)
    return RunReport(
        run=folder.name,
        folder=str(folder.resolve()),
        run_id=known.run or "",
        journal=_journal(entries),
        state=known.state,
        word=word,
        mark=mark,
        headline=_headline(known),
        exit_status=attempt.exit_status if attempt else None,
        exit_note=_exit_note(known, attempt),
        next=known.next,
        last_words=attempt.message if attempt else "",
        last_trouble=redacted(known.last_trouble or ""),
        copies=known.safe_copies,
        hosts=hosts,
        chapters=tuple(chapters(entries, records, hosts)),
        moved=moved,
        proven=tuple(_proven(last_run(entries))),
        interlocks=tuple(_interlocks(last_run(entries))),
        rehearsal=tuple(_rehearsal(memory)),
        orders=tuple(_orders(last_run(entries), records)),
        attempts=tuple(records.attempts),
        requests=tuple(records.requests),
        earlier=tuple(_earlier(entries)),
        notes=(*notes, *_notes(entries, records)),
    )


def _as_it_was(folder: Path, entries: Sequence[Entry]) -> Memory:
    """The run's memory, of a run that ended as it was before that: then it knows nothing any more."""
    ends = [at for at, entry in enumerate(entries) if entry.kind in _ENDS]
    kept = list(entries)
    if ends and not any(entry.kind == "begun" for entry in entries[ends[-1] :]):
        kept = kept[: ends[-1]]
    return Memory(Journal(folder / "journal.jsonl", -1, kept), folder, WallClock())


def _word(known: Standing, attempt: Attempt | None) -> tuple[StateWord, Mark]:
    """The state in a word, and the verdict whose colour it has."""
    if known.working:
        return "AT WORK", "SKIPPED"
    for state, word, mark in _WORDS:
        if known.state.startswith(state):
            return word, mark
    return ("A PERSON IS NEEDED" if attempt and attempt.exit_status == 5 else "STOPPED"), "FAIL"


def _headline(known: Standing) -> str:
    said = {
        "completed": "The move is completed: the pair serves the store.",
        "rolled back": "The move was rolled back: the hosts are as they were before it.",
        "reversed: the original serves alone": "The move was reversed: the original serves the store alone again.",
        "not begun": "No move was begun.",
    }
    if known.state in said and not known.working:
        return said[known.state]
    services = " The services are down." if known.window_open else ""
    verb = "is at work at" if known.working else "stopped at"
    return f"The run {verb} {known.step or 'its beginning'} ({known.state}).{services}"


def _exit_note(known: Standing, attempt: Attempt | None) -> str:
    if attempt is None:
        return "not known: no log was kept of this run"
    if attempt.exit_status is not None:
        return f"{attempt.exit_status} ({attempt.verb}: {attempt.outcome})"
    return "none yet: it is still running" if known.working else "none: its engine ended without a word, as when killed"


def _journal(entries: Sequence[Entry]) -> str:
    if not entries:
        return "no records"
    last = entries[-1]
    chained = f"{len(entries)} records, each with the SHA-256 of the one before"
    return f"{chained}; the last, of {when(last.date)}, has {last.hash}"


def _hosts(entries: Sequence[Entry]) -> tuple[tuple[str, str], ...]:
    """Names and roles, as the run was begun for them; each host once."""
    begun = next((entry for entry in reversed(entries) if entry.kind == "begun"), None)
    promised = begun.data.get("promised") if begun else None
    names = promised if isinstance(promised, dict) else {}
    found: dict[str, str] = {}
    for key, role in _ROLES:
        if key in names:
            found[str(names[key])] = " and ".join(filter(None, (found.get(str(names[key])), role)))
    return tuple(found.items())


def _moved(memory: Memory) -> tuple[tuple[Moved, ...], list[str]]:
    """What was frozen, and what could not be read of it."""
    moved, notes = [], []
    for name, what in _FROZEN.items():
        if (digest := memory.fact(name)) is None:
            continue
        try:
            moved.append(_counted(memory, name, what, str(digest)))
        except JournalDamaged as damaged:
            notes.append(redacted(str(damaged)))
    return tuple(moved), notes


def _counted(memory: Memory, name: str, what: str, digest: str) -> Moved:
    objects = others = size = 0
    for entry in memory.frozen(name) or ():
        objects, others = (objects + 1, others) if entry.kind == "file" else (objects, others + 1)
        size += entry.size if not entry.same_as or entry.same_as == entry.path else 0  # hard links are there once
    return Moved(what, objects, others, size, digest)


def _proven(entries: Sequence[Entry]) -> Iterator[Proven]:
    frozen: dict[str, object] = {}
    for entry in entries:
        name, digest = entry.data.get("name"), entry.data.get("value")
        if entry.kind != "fact":
            continue
        if name in _FROZEN:
            frozen[name] = digest
        elif name in _COPIES:
            of, what = _COPIES[name]
            yield Proven(entry.date, what, str(digest), digest == frozen.get(of))


def _interlocks(entries: Sequence[Entry]) -> Iterator[Interlock]:
    for entry in entries:
        if entry.kind == "proof":
            host, claim, command = (redacted(str(entry.data.get(key, ""))) for key in ("host", "claim", "command"))
            yield Interlock(entry.date, host, claim, command)


def _rehearsal(memory: Memory) -> Iterator[tuple[str, str]]:
    """What the journal keeps of the rehearsal, or why there was none."""
    known = memory.rehearsal
    if memory.plan:
        yield "begun by the plan with the SHA-256", str(memory.plan)
    if "without" in known:
        yield "begun without a rehearsal", redacted(str(known["without"]))
    for key, name in (
        ("made", "rehearsed on"),
        ("passed", "trials passed"),
        ("labs", "in the labs"),
        ("tool", "with walrus-ha"),
        ("procedure", "SHA-256 of the procedure"),
    ):
        if key in known:
            value = known[key]
            yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _orders(entries: Sequence[Entry], records: Records) -> list[Ordered]:
    """What other terminals ordered, and what the engine made of it, in the order of their dates."""
    of_the_run = moment(entries[0].date) if entries else None
    given = [one for one in records.orders if of_the_run is None or (moment(one.date) or 0.0) >= of_the_run]
    heard = [Ordered(e.date, _ORDERS[e.kind], "as the journal has it") for e in entries if e.kind in _ORDERS]
    obeyed = [e.date for e in entries if e.kind == "fact" and e.data["name"] == "cutover"]
    heard += [Ordered(date, "the cut-over was permitted", "as the journal has it") for date in obeyed]
    return sorted([*given, *heard], key=lambda one: moment(one.date) or 0.0)


def _earlier(entries: Sequence[Entry]) -> Iterator[str]:
    """The runs of this folder before the last one."""
    began = ""
    for entry in entries[: len(entries) - len(last_run(entries))]:
        if entry.kind == "begun":
            began = entry.date
        elif entry.kind in _ENDS:
            yield f"begun {when(began)}, {entry.kind} {when(entry.date)}"


def _notes(entries: Sequence[Entry], records: Records) -> Iterator[str]:
    if not records.kept:
        yield "No log lies in the run's folder, so attempts and requests are not told: another version carried it out."
    if records.unreadable:
        yield f"{records.unreadable} lines of the log cannot be read; what they said is missing here."
    if any(entry.kind == "adopted" for entry in entries):
        yield "Another controller adopted this run; what its first one asked of the hosts is in that one's log."
