"""Where a run stands, from what lies in its folder alone: no host is asked, and the engine need not be alive."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from harness.clock import WallClock
from harness.migration import words
from harness.migration.control import Control, Orders, OrdersUnclear
from harness.migration.journal import Entry, Journal, is_held, read
from harness.migration.memory import Memory

ENDED = ("completed", "rolled back", "reversed: the original serves alone")


@dataclass(frozen=True)
class Standing:
    """What a run's folder tells.

    ``state`` is not begun, under way, window open, past the commit point, rolling back, rolled back or completed.
    ``working`` says whether a walrus-ha process holds the journal now. ``orders`` is None where the file is unclear,
    and ``orders_trouble`` says why.
    """

    run: str | None
    state: str
    step: str
    steps: dict[str, str]
    window_open: bool
    working: bool
    orders: Orders | None
    orders_trouble: str
    epoch: int
    records: int
    last_trouble: str | None
    rehearsed: str
    safe_copies: str
    next: str

    @property
    def ended(self) -> bool:
        """Nothing is under way that an order could reach."""
        return self.state in ENDED

    @property
    def moved(self) -> bool:
        """The move's own commit point is passed, so that a rollback is a reverse move, under way or to come."""
        return self.committed or self.state.startswith(("reverse move", "taking the reverse move"))

    @property
    def committed(self) -> bool:
        return self.state in ("past the commit point", "completed")

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def standing(folder: Path) -> Standing:
    """Look at the folder of a run.

    Raises:
        JournalDamaged: its journal cannot be read.
    """
    entries, _ = read(folder / "journal.jsonl")
    memory = Memory(Journal(folder / "journal.jsonl", -1, entries), folder, WallClock())
    orders, trouble = _orders(folder)
    state, working = _state(memory, entries), is_held(folder)
    present = memory.present()
    return Standing(
        run=memory.run_id,
        state=state,
        step=next((entry.step for entry in reversed(present) if entry.kind in ("intent", "done", "undone")), ""),
        steps={entry.step: entry.kind for entry in present if entry.kind in ("intent", "done", "undone")},
        window_open=memory.window_open,
        working=working,
        orders=orders,
        orders_trouble=trouble,
        epoch=memory.epoch,
        records=len(entries),
        last_trouble=next((e.data["why"] for e in reversed(entries) if e.kind == "stopped"), None),
        rehearsed=words.rehearsed(memory),
        safe_copies=_safe_copies(memory),
        next=_next(state, working, orders, folder),
    )


def _orders(folder: Path) -> tuple[Orders | None, str]:
    try:
        return Control(folder).orders(), ""
    except OrdersUnclear as unclear:
        return None, str(unclear)


def _state(memory: Memory, entries: list[Entry]) -> str:
    if not entries:
        return "not begun"
    if memory.reversing:
        return _on_the_way_back(memory)
    words_of = (
        (memory.reversed, "reversed: the original serves alone"),
        (memory.completed, "completed"),
        (memory.rolling_back, "rolling back"),
        (memory.committed, "past the commit point"),
        (memory.rolled_back, "rolled back"),
        (memory.window_open, "window open"),
    )
    return next((word for true, word in words_of if true), "under way")


def _on_the_way_back(memory: Memory) -> str:
    if memory.rolling_back:
        return "taking the reverse move back"
    return f"reverse move{', past its commit point' if memory.committed else ''}"


def _safe_copies(memory: Memory) -> str:
    """By what the run was begun for; nothing can be said before that."""
    promised = memory.promised
    if not promised:
        return _after_its_end(memory)
    places = [promised.get(key, "?") for key in ("original.name", "store", "staging", "device")]
    return words.copies_known(memory, *places)


def _after_its_end(memory: Memory) -> str:
    """Of a run that remembers nothing any more, since all of it was taken back."""
    begun = next((entry for entry in reversed(memory.entries) if entry.kind == "begun"), None)
    promised = begun.data.get("promised") if begun else None
    if not isinstance(promised, dict):
        return "The store is where it was: nothing was begun."
    place = f"{promised.get('original.name', '?')}:{promised.get('store', '?')}"
    if memory.reversed:
        return f"The newest store is at {place}, which the original alone serves."
    return f"The store is at {place}, where it was before the move."


def _next(state: str, working: bool, orders: Orders | None, folder: Path) -> str:
    run = folder.name
    if state == "completed":
        return f"walrus-ha verify {run}"
    if orders is None or (working and orders.paused):
        return f"walrus-ha resume {run}"
    if working:
        return f"walrus-ha pause|throttle|cutover|abort {run}, or wait"
    if state.startswith("reverse move"):
        return f"walrus-ha rollback {run} (goes on){'' if 'past' in state else ', or walrus-ha migrate -i INVENTORY'}"
    if state.startswith("taking the reverse"):
        return "walrus-ha migrate -i INVENTORY (goes on)"
    if state.startswith("reversed"):
        return "nothing: clear what is kept away before another move"
    if state == "rolled back":
        return "mend the cause, then walrus-ha migrate -i INVENTORY"
    back = "" if state == "past the commit point" else f", or walrus-ha rollback {run}"
    return f"walrus-ha migrate -i INVENTORY (goes on){back}"
