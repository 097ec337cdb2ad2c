"""What an operator reads at the end: what is true, where the data is safe, what to type next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import Fenced, Held, InvalidInput, OperatorNeeded, Refused, Stopped, WalrusHaError
from harness.hosts.host import Host
from harness.migration import whereabouts
from harness.migration.adoption import NOBODY, Claimable
from harness.migration.engine import Engine, RolledBack
from harness.migration.memory import Memory
from harness.migration.outcome import CannotReverse, Outcome, PreflightRefused
from harness.migration.retire import Target
from harness.migration.site import Site
from harness.migration.step import Blocked, Step, StepState

if TYPE_CHECKING:
    from harness.migration.run import Migration


def told(migration: Migration, engine: Engine, work: Callable[[], Outcome]) -> Outcome:
    """Do the work and turn every error of ours into an outcome with its last words, and where to read more."""
    try:
        return work()
    except InvalidInput:
        raise
    except WalrusHaError as error:
        return replace(_ended(migration, engine, error), explain=more_on(error, engine.failed))


def more_on(error: WalrusHaError, failed: Step | None = None) -> tuple[str, ...]:
    """Names with a page: what was found, else the step that failed and the error."""
    if isinstance(error, PreflightRefused):
        return tuple(dict.fromkeys(finding.id for finding in error.findings))
    return (*([failed.name] if failed else []), error.word())


def _ended(migration: Migration, engine: Engine, error: WalrusHaError) -> Outcome:
    site = engine.site
    match error:
        case CannotReverse() as refused:
            return Outcome("refused", 3, cannot_reverse(site, refused), refused.findings)
        case PreflightRefused() as refused:
            message = f"{refused}\nNothing was changed. Mend the findings, then run `{refused.again}` again."
            return Outcome("refused", 3, message, refused.findings)
        case RolledBack() as ended if ended.reverse:
            return Outcome("stopped" if ended.remains else "reverse_taken_back", 4, pair_serves_again(site, ended))
        case RolledBack() as ended:
            word = "rolled_back" if _original_serves(site, ended) else "stopped"
            return Outcome(word, 4, rolled_back(site, ended))
        case Refused() as refused:
            return Outcome("refused", 3, f"{refused}\nNothing was changed.")
        case Fenced() as fenced:
            known = f"When this controller was last in charge: {safe_copies(site)}"
            return Outcome(
                "operator_needed", 5, f"{fenced}\n{known}\nThe other controller knows better: walrus-ha status RUN"
            )
        case OperatorNeeded() as unknown:
            return Outcome("operator_needed", 5, f"{unknown}\n{safe_copies(site)}\n{next_command(migration, 'status')}")
        case Held() as held:
            message = f"{held}\nNothing was changed. Finish or roll back that run first: walrus-ha status RUN."
            return Outcome("refused", 3, message)
        case _:
            onwards = next_command(migration, "migrate", site.memory.reversing)
            message = f"{error}\n{position(engine)}\n{safe_copies(site)}\n{onwards}"
            return Outcome("stopped", 4, message)


def _original_serves(site: Site[Host], ended: RolledBack) -> bool:
    """Everything on the original was taken back; what remains is on another host, which does not answer."""
    return not any(left.startswith(f"{site.original.name}:") for left in ended.remains)


UNCHANGED = "Nothing was changed."
LOOK_AT_MIRRORS = "A person must look at /var/lib/walrus-ha/mirror on both hosts first; walrus-ha adopt tries again."


def adopted(engine: Engine, found: Claimable, source: str) -> str:
    """What was taken over from whom, and how to go on."""
    site = engine.site
    away = [host.name for host in site.hosts if host.fence is None] if found.holder != NOBODY else []
    lines = [f"{found.comparison}: the longest journal counts."]
    if found.holder == NOBODY:
        lines.append("The run was completed and has given the hosts back; it is known here from now on.")
    else:
        lines.append(
            f"Run {found.holder} is taken over as {site.memory.run_id} under epoch {site.memory.epoch}: its first "
            "controller is refused by the hosts from now on."
        )
    if away:
        lines.append(f"{', '.join(away)} did not answer and is not fenced yet: let nobody use the first controller.")
    lines += [position(engine), safe_copies(site)]
    back = "" if site.memory.committed else ", or take it back with: walrus-ha rollback RUN"
    lines.append(f"Next: walrus-ha migrate -i {source} (goes on){back}")
    return "\n".join(lines)


def rehearsed(memory: Memory) -> str:
    """What the present run was rehearsed by, empty where nobody asked for that."""
    known = memory.rehearsal
    if "without" in known:
        return f"Begun without a rehearsal: {known['without']}"
    if not known:
        return ""
    labs = ", ".join(map(str, known.get("labs", ())))
    return f"Rehearsed on {known.get('made')}: {known.get('passed')} trials passed, in {labs}"


def completed(site: Site[Host]) -> str:
    settings = site.settings
    serves = f"The pair serves the store from {settings.device} ({settings.resource}).\n"
    if told := rehearsed(site.memory):
        serves += f"{told}\n"
    if site.memory.retired(site.last_kept):
        return f"{serves}What the move had kept was retired.\nNext: walrus-ha verify RUN"
    kept = f"{site.original.name}:{site.old_store} (the old store)"
    if site.settings.reuse_device:
        kept = whereabouts.kept(site.memory, site.original.name)
    elif site.memory.fact("staged"):
        kept += f" and {site.original.name}:{site.staged_copy} (the staged copy)"
    return (
        f"{serves}Kept: {kept}.\n"
        "Next: walrus-ha verify RUN; when you trust the pair: walrus-ha retire RUN (deletes what was kept)."
    )


def retired(site: Site[Host], deleted: Sequence[Target]) -> str:
    freed = sum(target.kib for target in deleted)
    gone = ", ".join(f"{site.original.name}:{target.path}" for target in deleted)
    return (
        f"Deleted: {gone}; {freed} KiB are free again.\n"
        f"The pair holds the store on both sides: {site.original.name}:{site.settings.store} and "
        f"{site.additional.name}:{site.settings.store}, by {site.settings.device}.\nNext: walrus-ha verify RUN"
    )


def nothing_to_retire(site: Site[Host]) -> str:
    return (
        f"Nothing to do: what the move had kept was deleted before.\nNext: walrus-ha verify RUN ({site.original.name})"
    )


def not_retired(migration: Migration, site: Site[Host], why: Stopped) -> str:
    return f"{why}\n{safe_copies(site)}\nNext: look why, then: walrus-ha retire {migration.folder}"


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
    if said := whereabouts.after_rollback(site.memory, ended.begun, site.original.name, site.settings.store):
        return said
    if "set-store-aside" not in ended.begun:
        return f"The store at {place} was never moved."
    if ended.remains and not site.memory.undone("set-store-aside"):
        return f"The store is at {place} or, still set aside, at {name}:{site.old_store}, as it was frozen."
    return f"The store is back at {place}, as it was frozen."


def cannot_reverse(site: Site[Host], refused: CannotReverse) -> str:
    device, original, additional = site.settings.device, site.original.name, site.additional.name
    return (
        "The commit point is passed, so this rollback is a reverse move, which keeps what was written since; it cannot "
        f"be made now:\n{refused}\nNothing was changed: the pair serves on, and the newest store is on "
        f"{original}:{device} or {additional}:{device}, where it is served. Mend the findings, then: "
        "walrus-ha rollback RUN"
    )


def kept_copies(site: Site[Host]) -> str:
    """The copies from before the move that are kept, with a word for each; to be asked while the run knows of them."""
    memory, name = site.memory, site.original.name
    kept = [] if memory.retired(site.old_store) else [f"{name}:{site.old_store} (the old store)"]
    if memory.fact("staged") and not memory.retired(site.staged_copy):
        kept.append(f"{name}:{site.staged_copy} (the staged copy)")
    return " and ".join(kept)


def reversed_(site: Site[Host], kept: str = "") -> str:
    settings, name = site.settings, site.original.name
    before = f"{kept}, as before the move, and " if kept else ""
    return (
        f"The original serves the store alone again, from {name}:{settings.store}, with what was written to the pair.\n"
        f"Kept: {before}the pair's data on {site.disk(site.original)} of {name} and "
        f"{site.disk(site.additional)} of {site.additional.name}, as it was when the services stopped.\n"
        "Before another move these have to be cleared away. Until then: walrus-ha status RUN"
    )


def nothing_to_take_back(site: Site[Host]) -> str:
    if site.memory.reversed:
        return f"There is nothing to take back: the reverse move came to its end.\n{reversed_(site)}"
    return "There is nothing to take back: no step was begun."


def pair_serves_again(site: Site[Host], ended: RolledBack) -> str:
    device, original, additional = site.settings.device, site.original.name, site.additional.name
    lines = [str(ended), f"The store is where it was, on {original}:{device} and {additional}:{device} on the pair."]
    if ended.remains:
        lines.append("When the absent host is back, finish with: walrus-ha migrate -i INVENTORY")
    else:
        lines.append("The pair serves again as before. Mend the cause, then try once more: walrus-ha rollback RUN")
    return "\n".join(lines)


def reverse_must_be_finished(site: Site[Host]) -> str:
    return (
        "A reverse move is under way and past its own commit point: the original has the newest store, and it alone.\n"
        f"{safe_copies(site)}\nNext: walrus-ha rollback RUN (finishes the reverse move)"
    )


def safe_copies(site: Site[Host]) -> str:
    """Where complete copies lie, by what the run knows of its own steps."""
    settings = site.settings
    return copies_known(site.memory, site.original.name, settings.store, settings.staging, settings.device)


def copies_known(memory: Memory, name: str, store: str, staging: str, device: str) -> str:
    """The same for the places of a run whose site is not at hand."""
    if memory.reversing:
        return _safe_on_the_way_back(memory, name, store, device)
    pair = f"{device} on the pair, the one in use since the commit point"
    if whereabouts.on_its_own_device(memory):
        return whereabouts.said(whereabouts.complete_copies(memory, name, store), pair if memory.committed else None)
    if memory.retired(f"{store}.before-ha"):
        return f"Complete copies of the store: {pair} ({name}:{store})."
    old_store = f"{store}.before-ha"
    aside = memory.done("set-store-aside") and not memory.undone("set-store-aside")
    maybe = memory.intended("set-store-aside") and not aside
    places = [f"{name}:{old_store}" if aside else f"{name}:{store}"]
    if maybe and not memory.undone("set-store-aside"):
        places[0] += f" (or {old_store})"
    staged_copy = f"{staging}/{store.rsplit('/', 1)[-1]}"
    gone = memory.retiring(staged_copy) or memory.undone("stage-store")
    if memory.fact("staged") and not gone:
        places.append(f"{name}:{staged_copy}")
    if memory.committed:
        places.append(pair)
    return f"Complete copies of the store: {', '.join(places)}."


def _safe_on_the_way_back(memory: Memory, name: str, store: str, device: str) -> str:
    """The pair's data is never written to; beside it, once proven, the store on the original's old disk."""
    if memory.intended("start-original"):
        kept = f"{device} on the pair, as it was when the services stopped"
        return f"The newest store is at {name}:{store}; kept is {name}:{kept}."
    places = [f"{name}:{device} on the pair, read-only since the services stopped"]
    if memory.fact("returned") and not memory.undone("copy-back"):
        there = store if memory.done("put-store-back") else f"{store}.after-ha"
        if not (memory.intended("put-store-back") and not memory.done("put-store-back")):
            places.append(f"{name}:{there}")
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
    what = "reverse move" if memory.reversing else "run"
    return f"The {what} stands {word} {begun[-1].name}, {commit} the commit point."


def next_command(migration: Migration, verb: str, reversing: bool = False) -> str:
    if verb == "status":
        return f"A person must look first: walrus-ha status {migration.folder}"
    if reversing:
        return (
            f"Next: walrus-ha rollback {migration.folder} (goes on with the reverse move), or, before its commit "
            f"point, walrus-ha migrate -i {migration.inventory.source} (stays with the pair)"
        )
    return (
        f"Next: walrus-ha migrate -i {migration.inventory.source} (goes on), or, before the commit point, "
        f"walrus-ha rollback {migration.folder}"
    )
