"""What stands on a terminal while a run goes on: steps, the work at hand, the window, the way back, the safe copies.

Plain letters and digits, no colours; nothing in it but what was seen in this run, so that an estimate that is not
known yet is not shown.
"""

from __future__ import annotations

import shutil
import textwrap
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import WalrusHaError
from harness.inventory import Settings
from harness.migration.engine import Event
from harness.migration.forecast import clock
from harness.migration.journal import Entry, read
from harness.migration.memory import REVERSING, STOPPING, counting
from harness.migration.plan import PLANS, plan_for, reverse
from harness.migration.site import Progress
from harness.migration.standing import standing
from harness.systems import saved, store

_RECENT_S = 60.0  # of the work at hand, by which its rate is told
_LEAST_SEEN = 0.02  # of the work: less says nothing of the rest
_BAR = 24
_INDENT = " " * 7
_STARTING, _ELECTING = (1.0, 5.0, 40.0), (5.0, 25.0, 90.0)
_ASSUMED = {
    "start-services": _STARTING,
    "set-properties": (1.0, 10.0, 40.0),
    "confirm-service": _ELECTING,
    "start-original": _STARTING,
    "confirm-original": _ELECTING,
}
_A_STEP = (0.5, 2.0, 20.0)  # of those that only configure
_AFTER = {
    "stage-store": ("freeze-manifest", (2.0, 2.7, 5.0)),
    "stage-second": ("stage-store", (0.8, 1.0, 1.5)),
    "clear-device": ("freeze-manifest", (1.5, 2.0, 3.0)),
    "restore-store": ("stage-store", (0.8, 1.0, 1.5)),
    "copy-back": ("freeze-pair", (0.6, 1.2, 3.0)),
}
"""Steps that take so many times as long as an earlier one took."""
_UNKNOWN = ("freeze-manifest", "wait-for-sync", "copy-difference", "freeze-pair")  # nothing before them tells
_SERVICES_S = (12.0, 38.0, 150.0)  # to start again, at a rollback

_STAYS = frozenset(
    step.name for plan in (*PLANS.values(), reverse) for step in plan() if step.undo_summary is None
)  # there is nothing of them to take back
_LARGEST_MANIFEST_BYTES = 64 * 1024**2

Span = tuple[float, float, float]


@dataclass(frozen=True)
class Way:
    """Where a run goes: the steps that open and close its window, its commit point, what is true before and after."""

    opens: str
    closes: str
    commit: str
    committed: str
    undoing: str
    undone: str  # what taking it back now takes, before the figures
    serves: str  # and after them


FORTH = Way(
    STOPPING,
    "confirm-service",
    "commit",
    "past the commit point: a rollback now is a move of its own, back to the original",
    "a rollback is under way",
    "a rollback now would take",
    "until the original serves as before",
)
BACK = Way(
    "stop-pair",
    "confirm-original",
    "commit-reverse",
    "past the reverse move's commit point: the original alone has the newest store, and the way is forward",
    "the reverse move is being taken back",
    "to stay with the pair, by walrus-ha migrate, would take",
    "until it serves as before",
)


@dataclass(frozen=True)
class Known:
    """What the run's folder tells: entries and bytes of the frozen store, and where complete copies lie.

    ``begun`` holds the steps that are to be taken back, the first of them first, and ``undone`` those that were.
    """

    entries: int | None = None
    bytes: int | None = None
    copies: str = ""
    begun: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()


@dataclass
class Board:
    """The state of what is shown, fed by events and progress."""

    steps: Sequence[str]
    window_s: float | None = None
    way: Way = FORTH
    done: set[str] = field(default_factory=set)
    current: str = ""
    undoing: bool = False
    _began: float = 0.0
    _took: dict[str, float] = field(default_factory=dict)
    _opened: float | None = None
    _closed: float | None = None
    _opened_before: bool = False
    _work: Progress | None = None
    _seen: deque[tuple[float, float]] = field(default_factory=deque)  # time and share of the work at hand

    def event(self, event: Event, now: float) -> None:
        if event.kind in ("acting", "undoing"):
            self.undoing = event.kind == "undoing"
            self.current, self._began, self._work = event.step, now, None
            if event.kind == "acting" and event.step == self.way.opens:
                self._opened = now
        elif event.kind in ("done", "satisfied") and event.step:
            self._over(event, now)

    def _over(self, event: Event, now: float) -> None:
        self.done.add(event.step)
        if event.kind == "done" and event.step == self.current:
            self._took[event.step] = now - self._began
        elif event.step == self.way.opens and self._opened is None:
            self._opened_before = True  # by an engine before this one
        if event.step == self.way.closes and self._opened is not None:
            self._closed = now
        if event.step == self.current:
            self.current, self._work = "", None

    def progress(self, progress: Progress, now: float) -> None:
        known = self._work  # a sync says other words at each look, and is the same work as long as its share grows
        same = known is not None and (known.step, known.what) == (progress.step, progress.what)
        grown = known is not None and known.fraction is not None and (progress.fraction or 0.0) >= known.fraction
        if not same and not (grown and known is not None and known.step == progress.step):
            self._seen.clear()
        self._work = progress
        if progress.fraction is not None:
            self._seen.append((now, progress.fraction))
            while len(self._seen) > 2 and now - self._seen[0][0] > _RECENT_S:
                self._seen.popleft()

    # What is shown

    def lines(self, now: float, known: Known, width: int) -> list[str]:
        """The lines, none longer than the terminal is wide; where a copy lies is never cut off."""
        steps = self._steps_back(known) if self.undoing else self._steps()
        told = [("steps", steps), ("now", self._at_hand(now, known)), ("window", self._window(now, known))]
        told += [("back", self._back())]
        lines = [f"{name:<7}{text}"[: max(1, width)] for name, text in told if text]
        return lines + (_wrapped(f"{'copies':<7}{known.copies}", width) if known.copies else [])

    def _steps(self) -> str:
        coming = [step for step in self.steps if step not in self.done and step != self.current]
        return self._line_of(sum(1 for step in self.steps if step in self.done), len(self.steps), "", coming)

    def _steps_back(self, known: Known) -> str:
        """Of a rollback: what is taken back, what comes then, and what is behind it."""
        coming = [step for step in reversed(known.begun) if step != self.current]
        return self._line_of(len(known.undone), len(known.undone) + len(known.begun), " taken back", coming)

    def _line_of(self, done: int, whole: int, word: str, coming: Sequence[str]) -> str:
        full = round(_BAR * done / max(1, whole))
        bar = f"[{'#' * full}{'.' * (_BAR - full)}] {done} of {whole}{word}"
        here = f": {self.current}" if self.current else ""
        return f"{bar}{here}{', then ' + ', '.join(coming[:3]) if coming else ''}{' ...' if len(coming) > 3 else ''}"

    def _at_hand(self, now: float, known: Known) -> str:
        if self._work is None:
            return f"since {clock(now - self._began)}" if self.current else ""
        share = self._work.fraction
        if share is None:
            return f"{self._work.what}, since {clock(now - self._began)}"
        parts = [f"{self._work.what} {share:.1%}"]
        rate = self._rate()
        copies = self._work.what.startswith("copy") and known.bytes
        if copies:
            parts[0] += f" of {size(known.bytes or 0)} in {known.entries} entries"
        if rate and copies:
            parts.append(f"{size((known.bytes or 0) * rate)}/s")
        if left := self._work_left():
            parts.append(f"{spoken(left)} to go")
        return ", ".join(parts)

    def _rate(self) -> float | None:
        """Share of the work a second, of late."""
        if len(self._seen) < 2:
            return None
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        return (last - first) / (ended - began) if ended > began and last > first else None

    def _work_left(self) -> Span | None:
        """What is left of the work at hand, by how fast it was of late and since it began."""
        share, rate = self._work.fraction if self._work else None, self._rate()
        if share is None or rate is None or share < _LEAST_SEEN:
            return None
        left = (1 - share) / rate
        return 0.8 * left, left, 1.3 * left

    def _window(self, now: float, known: Known) -> str:
        if self.undoing and self.way.opens in known.undone:
            return "closed: the services were started again"
        bound = f" of {clock(self.window_s)}" if self.window_s else ""
        if self._closed is not None and self._opened is not None:
            return f"was open for {clock(self._closed - self._opened)}{bound}"
        if self._opened is None:
            before = self._opened_before or (self.undoing and self.way.opens in known.begun)
            return "open since before this start" if before else f"not open yet{bound and ':' + bound[3:]}"
        late = " OVER ITS TIME" if self.window_s and now - self._opened > self.window_s else ""
        return f"open for {clock(now - self._opened)}{bound}{late}{'' if self.undoing else self._to_go(now)}"

    def _to_go(self, now: float) -> str:
        span, unknown = self.left(now)
        if span is None:
            return ""
        rest = f", and what {' and '.join(unknown)} will take" if unknown else ""
        return f"; {spoken(span)} to go{rest}"

    def _until_served(self) -> Sequence[str]:
        """The steps up to the one that closes the window."""
        closes = self.way.closes
        return self.steps[: self.steps.index(closes) + 1] if closes in self.steps else self.steps

    def left(self, now: float) -> tuple[Span | None, list[str]]:
        """How long the rest takes, by what this run has taken so far, and the steps of which nothing is known."""
        least, likely, most, unknown = 0.0, 0.0, 0.0, list[str]()
        for step in self._until_served():
            if step in self.done:
                continue
            span = self._span(step, now)
            if span is None:
                unknown.append(step)
            else:
                least, likely, most = least + span[0], likely + span[1], most + span[2]
        return ((least, likely, most) if most else None), unknown

    def _span(self, step: str, now: float) -> Span | None:
        if step == self.current and (left := self._work_left()):
            return left
        spent = now - self._began if step == self.current else 0.0
        if step in _AFTER:
            before, factors = _AFTER[step]
            if before not in self._took:
                return None
            least, likely, most = (factor * self._took[before] for factor in factors)
            span: Span = (least, likely, most)
        elif step in _UNKNOWN:
            return None
        else:
            span = _ASSUMED.get(step, _A_STEP)
        return max(0.0, span[0] - spent), max(0.0, span[1] - spent), max(1.0, span[2] - spent)

    def _back(self) -> str:
        if self.undoing:
            return self.way.undoing
        if self.way.commit in self.done:
            return self.way.committed
        acted = [seconds for step, seconds in self._took.items()]
        if not acted:
            return "nothing to take back yet"
        undone = sum(min(seconds, 15.0) for seconds in acted)
        services = _SERVICES_S if self._opened is not None or self._opened_before else (0.0, 0.0, 0.0)
        span = (undone / 3 + services[0], undone + services[1], 2 * undone + services[2])
        return f"{self.way.undone} {spoken(span)}, {self.way.serves}"


def board_of_move(settings: Settings) -> Board:
    """The board of ``migrate``."""
    return Board([step.name for step in plan_for(settings)], settings.window_s)


def board_of_rollback(folder: Path, settings: Settings) -> Board:
    """The board of ``rollback``: a move that is taken back, or past its commit point a reverse move."""
    if standing(folder).moved:
        return Board([step.name for step in reverse()], way=BACK)
    return Board([step.name for step in plan_for(settings)], undoing=True)


class Folder:
    """What the run's folder tells, read anew when its journal has grown."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._size = -1
        self._known = Known()
        self._counted = ""  # the manifest of which the figures are

    def __call__(self) -> Known:
        try:
            if (size := (self._folder / "journal.jsonl").stat().st_size) != self._size:
                self._size = size
                self._known = self._look()
        except (OSError, WalrusHaError):
            return self._known  # the journal is written at this moment; the next look sees more
        return self._known

    def _look(self) -> Known:
        present = counting(read(self._folder / "journal.jsonl")[0])
        starts = [at for at, entry in enumerate(present) if entry.kind == REVERSING]
        name = "frozen-pair" if starts else "frozen"
        known = self._known
        entries, whole = (known.entries, known.bytes) if self._counted == name else self._frozen(name)
        begun, undone = _taken_back(present[starts[-1] :] if starts else present)
        return Known(entries, whole, standing(self._folder).safe_copies, begun, undone)

    def _frozen(self, name: str) -> tuple[int | None, int | None]:
        """Entries and bytes of the frozen store, of one that is counted in a moment."""
        path = self._folder / f"{name}.manifest"
        if not path.exists() or path.stat().st_size > _LARGEST_MANIFEST_BYTES:
            return None, None
        manifest, self._counted = saved.load(path), name
        return len(manifest), store.total_bytes(manifest)


def _taken_back(present: Sequence[Entry]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The steps of the run, or of its reverse move, that are to be taken back when it is, and those that were."""
    undone = tuple(entry.step for entry in present if entry.kind == "undone")
    begun = tuple(entry.step for entry in present if entry.kind == "intent" and entry.step not in undone)
    return tuple(step for step in begun if step not in _STAYS), undone


def _wrapped(text: str, width: int) -> list[str]:
    """A text on as many lines as it needs."""
    indent = _INDENT if width > 2 * len(_INDENT) else ""
    return textwrap.wrap(text, max(1, width), subsequent_indent=indent, drop_whitespace=True, break_on_hyphens=False)


def spoken(span: Span) -> str:
    """A length with its range."""
    return f"about {clock(span[1])} ({clock(span[0])} to {clock(span[2])})"


def size(number: float) -> str:
    """Bytes for people."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


class Screen:
    """The board at the bottom of a terminal, events above it."""

    _LEAST_S = 0.2  # between two drawings

    def __init__(self, board: Board, write: Callable[[str], None], known: Callable[[], Known]) -> None:
        self.board = board
        self._write = write
        self._known = known
        self._drawn = 0
        self._drawn_at = 0.0

    def event(self, event: Event) -> None:
        self.board.event(event, time.monotonic())

    def progress(self, progress: Progress) -> None:
        self.board.progress(progress, time.monotonic())
        if time.monotonic() - self._drawn_at >= self._LEAST_S:
            self.draw("")

    def draw(self, above: str) -> None:
        """Renew the board; what is ``above`` stays over it for good."""
        width = shutil.get_terminal_size().columns
        lines = self.board.lines(time.monotonic(), self._known(), width - 1)
        erase = f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""
        self._write(erase + above + "".join(f"{line}\n" for line in lines))
        self._drawn, self._drawn_at = len(lines), time.monotonic()
