"""Where complete copies of the store lie when its own device is used again, by what the run knows of its steps."""

from __future__ import annotations

from harness.migration.copies import BAD_COPY
from harness.migration.memory import Memory
from harness.migration.old_device import remembered

_COPIES = (("staged", "staging-was-free", "stage-store"), ("second-staged", "second-staging-was-free", "stage-second"))


def on_its_own_device(memory: Memory) -> bool:
    """The run has come as far as noting the device that held the store."""
    return remembered(memory) is not None


def complete_copies(memory: Memory, name: str, store: str) -> list[str]:
    """The store while it was not erased, or once it is back, and the staged copies; not what the pair serves."""
    return [*_the_store(memory, name, store), *(f"{name}:{path}" for path in staged(memory))]


def _the_store(memory: Memory, name: str, store: str) -> list[str]:
    old = remembered(memory)
    back = memory.fact("given-back") == memory.fact("frozen")
    erased = memory.fact("clearing") is not None and not back
    if old is None or erased:
        return []
    mounted = not memory.intended("unmount-store") or memory.undone("unmount-store")
    return [f"{name}:{store}" if mounted else f"{name}:{store} (on {old.device}, which may have to be mounted there)"]


def staged(memory: Memory) -> list[str]:
    """The paths of the staged copies that were proven and are not being removed."""
    paths = [(memory.fact(place), fact, step) for fact, place, step in _COPIES]
    return [
        path
        for path, fact, step in paths
        if path and memory.fact(fact) and not memory.retiring(path) and not memory.undone(step)
        if memory.fact(f"{BAD_COPY}{path}") is None
    ]


def said(places: list[str], pair: str | None = None) -> str:
    """The sentence about them; that there may be none is the worst that can be said, and is said."""
    known = [*places, *([pair] if pair else [])]
    if not known:
        return "No complete copy of the store is known: both staged copies gave something else than what was frozen."
    return f"Complete copies of the store: {', '.join(known)}."


def kept(memory: Memory, name: str) -> str:
    """What a finished move has left, and what of it is of no use."""
    what = {memory.fact("staging-was-free"): "the staged copy"}
    good = " and ".join(f"{name}:{path} ({what.get(path, 'the second staged copy')})" for path in staged(memory))
    bad = [noted.removeprefix(BAD_COPY) for noted in memory.facts(BAD_COPY)]
    return good + "".join(f"; {name}:{path} is damaged and of no use" for path in bad)


def after_rollback(memory: Memory, begun: frozenset[str], name: str, store: str) -> str | None:
    """Where the store lies after a rollback; None where its device was not touched yet.

    Once everything is taken back the run's memory knows nothing more; ``begun`` names the steps it had come to.
    """
    if "unmount-store" not in begun:
        return None
    if on_its_own_device(memory) and not memory.undone("unmount-store"):
        return said(complete_copies(memory, name, store))
    how = ", restored from a verified copy if its device had been erased" if "clear-device" in begun else ""
    return f"The store is back at {name}:{store}, as it was frozen{how}."
