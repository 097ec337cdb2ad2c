"""What an operator reads at the end: what is true, where the data is safe, what to type next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import Fenced, Held, HostError, InvalidInput, OperatorNeeded, Refused, Stopped, WalrusHaError
from harness.hosts.host import Host
from harness.migration.engine import Engine, RolledBack
from harness.migration.journal import Entry, read
from harness.migration.outcome import Outcome, PreflightRefused
from harness.migration.site import Site
from harness.migration.step import Blocked, Step, StepState

if TYPE_CHECKING:
    from harness.migration.run import Migration


def told(migration: Migration, engine: Engine, work: Callable[[], Outcome]) -> Outcome:
    """Do the work and turn every error of ours into an outcome with its last words."""
    site = engine.site
    try:
        return work()
    except PreflightRefused as refused:
        message = f"{refused}\nNothing was changed. Mend the findings, then run `walrus-ha check` again."
        return Outcome("refused", 3, message, refused.findings)
    except RolledBack as ended:
        word = "rolled_back" if _original_serves(site, ended) else "stopped"
        return Outcome(word, 4, rolled_back(site, ended))
    except Refused as refused:
        return Outcome("refused", 3, f"{refused}\nNothing was changed.")
    except (Fenced, OperatorNeeded) as unknown:
        return Outcome("operator_needed", 5, f"{unknown}\n{safe_copies(site)}\n{next_command(migration, 'status')}")
    except Held as held:
        message = f"{held}\nNothing was changed. Finish or roll back that run first: walrus-ha status RUN."
        return Outcome("refused", 3, message)
    except InvalidInput:
        raise
    except (Stopped, HostError, WalrusHaError) as stopped:
        message = f"{stopped}\n{position(engine)}\n{safe_copies(site)}\n{next_command(migration, 'migrate')}"
        return Outcome("stopped", 4, message)


def _original_serves(site: Site[Host], ended: RolledBack) -> bool:
    """Everything on the original was taken back; what remains is on another host, which does not answer."""
    return not any(left.startswith(f"{site.original.name}:") for left in ended.remains)


def completed(site: Site[Host]) -> str:
    settings = site.settings
    kept = f"{site.original.name}:{site.old_store} (the old store)"
    if site.memory.fact("staged"):
        kept += f" and {site.original.name}:{site.staged_copy} (the staged copy)"
    return (
        f"The pair serves the store from {settings.device} ({settings.resource}).\n"
        f"Kept: {kept}.\n"
        "Next: walrus-ha verify RUN; remove the kept copies only when you trust the pair."
    )


def nothing_to_do(site: Site[Host]) -> str:
    return f"Nothing to do: the move was completed and all is as it was left.\n{completed(site)}"


def no_longer(site: Site[Host], step: Step, state: StepState) -> str:
    why = state.reason if isinstance(state, Blocked) else getattr(state, "why", "")
    return (
        f"The move was completed, but since then something changed: {step.name}: {why}.\n"
        f"Nothing was changed now. {safe_copies(site)}\nNext: walrus-ha verify RUN"
    )


def rolled_back(site: Site[Host], ended: RolledBack) -> str:
    lines = [str(ended), _store_after(site, ended)]
    if not _original_serves(site, ended):
        away = f"{site.original.name} did not answer and is not known to serve"
        lines.append(f"{away}. When it is back, finish with: walrus-ha rollback RUN")
    elif ended.remains:
        lines.append("The original serves again. When the absent host is back, finish with: walrus-ha rollback RUN")
    else:
        lines.append("The hosts are as they were before. Mend the cause, then: walrus-ha migrate -i INVENTORY")
    return "\n".join(lines)


def _store_after(site: Site[Host], ended: RolledBack) -> str:
    """Where the store lies after a rollback, by the steps that the move had come to and what was taken back of them."""
    name, place = site.original.name, f"{site.original.name}:{site.settings.store}"
    if "stop-services" not in ended.begun:
        return f"The store at {place} was never touched."
    if "set-store-aside" not in ended.begun:
        return f"The store at {place} was never moved."
    if ended.remains and not site.memory.undone("set-store-aside"):
        return f"The store is at {place} or, still set aside, at {name}:{site.old_store}, as it was frozen."
    return f"The store is back at {place}, as it was frozen."


def too_late(site: Site[Host]) -> str:
    return (
        "The commit point is passed: Walrus may have accepted writes on the pair, and rolling back would lose them.\n"
        f"{safe_copies(site)}\nNext: walrus-ha migrate -i INVENTORY (finishes the move)"
    )


def safe_copies(site: Site[Host]) -> str:
    """Where complete copies lie, by what the run knows of its own steps."""
    memory, name = site.memory, site.original.name
    aside = memory.done("set-store-aside") and not memory.undone("set-store-aside")
    maybe = memory.intended("set-store-aside") and not aside
    places = [f"{name}:{site.old_store}" if aside else f"{name}:{site.settings.store}"]
    if maybe and not memory.undone("set-store-aside"):
        places[0] += f" (or {site.old_store})"
    if memory.fact("staged") and not memory.undone("stage-store"):
        places.append(f"{name}:{site.staged_copy}")
    if memory.committed:
        places.append(f"{site.settings.device} on the pair, the one in use since the commit point")
    return f"Complete copies of the store: {', '.join(places)}."


def position(engine: Engine) -> str:
    """The step that the run stands at."""
    memory = engine.site.memory
    if memory.completed:
        return "The move is completed."
    begun = [step for step in engine.plan if memory.intended(step.name)]
    if not begun:
        return "No step was begun."
    word = "after" if memory.done(begun[-1].name) else "in"
    commit = "past" if memory.committed else "before"
    return f"The run stands {word} {begun[-1].name}, {commit} the commit point."


def next_command(migration: Migration, verb: str) -> str:
    if verb == "status":
        return f"A person must look first: walrus-ha status {migration.folder}"
    return (
        f"Next: walrus-ha migrate -i {migration.inventory.source} (goes on), or, before the commit point, "
        f"walrus-ha rollback {migration.folder}"
    )


def status(folder: Path) -> dict[str, object]:
    """Where a run stands, from its journal alone."""
    entries, _ = read(folder / "journal.jsonl")
    last_end = max((at for at, entry in enumerate(entries) if entry.kind == "rolled-back"), default=-1)
    present = entries[last_end + 1 :]
    return {
        "run": next((entry.data["run_id"] for entry in entries if entry.kind == "begun"), None),
        "state": _state(entries, present),
        "steps": {entry.step: entry.kind for entry in present if entry.kind in ("intent", "done", "undone")},
        "epoch": max((entry.data["epoch"] for entry in entries if entry.kind == "epoch"), default=0),
        "records": len(entries),
        "last_trouble": next((e.data["why"] for e in reversed(entries) if e.kind == "stopped"), None),
    }


def _state(entries: list[Entry], present: list[Entry]) -> str:
    kinds = {entry.kind for entry in present}
    for kind, word in (("completed", "completed"), ("undoing", "rolling back"), ("committed", "past the commit point")):
        if kind in kinds:
            return word
    if not present:
        return "rolled back" if entries else "not begun"
    return "under way"
