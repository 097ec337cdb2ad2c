"""On a terminal a board stands below the events: steps, work, window, way back, copies. Elsewhere there is none."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from harness.console import Console
from harness.labs.lab import Opened, Start, StoreSpec
from harness.labs.simulated import SimulatedLab
from harness.live import Board, Folder, Known
from harness.migration.engine import Event
from harness.migration.plan import PLANS
from harness.migration.run import Listeners, Migration
from harness.migration.site import Progress

MIB = 1024**2
STAGED = [step.name for step in PLANS["staged"]()]
START = Start(
    store=StoreSpec(60, 2048 * MIB, 7, True), device_bytes=4096 * MIB, sync_bytes_per_s=20 * MIB,
    settings={"sync_rate": "20M"},
)  # fmt: skip


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Story:
    """A simulated move, and the board at each moment of it."""

    def __init__(self, opened: Opened, folder: Path, window_s: float | None = None) -> None:
        self.board, self.folder = Board(STAGED, window_s), Folder(folder)
        self.shown: list[tuple[str, str]] = []  # current step, and what was shown then
        self._clock = opened.clock
        listeners = Listeners(self._event, self._progress)
        self.outcome = Migration(opened.inventory, folder, opened.clock, listeners, lambda: "run").migrate()

    def _event(self, event: Event) -> None:
        self.board.event(event, self._clock.now())
        self._show()

    def _progress(self, progress: Progress) -> None:
        self.board.progress(progress, self._clock.now())
        self._show()

    def _show(self) -> None:
        self.shown.append((self.board.current, "\n".join(self.board.lines(self._clock.now(), self.folder(), 300))))

    def during(self, step: str) -> list[str]:
        return [text for current, text in self.shown if current == step]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    with SimulatedLab().open(START) as opened:
        return Story(opened, tmp_path_factory.mktemp("move"), 7200.0)


def test_steps_done_at_hand_and_to_come_are_told(story: Story) -> None:
    assert story.outcome.outcome == "completed"
    last = story.during("stage-store")[-1]
    assert "3 of 19: stage-store, then configure-drbd, create-metadata, connect-peers ..." in last
    assert f"[{'#' * 24}] 19 of 19" in story.shown[-1][1]


def test_a_copy_tells_bytes_objects_rate_and_time_to_go(story: Story) -> None:
    copying = [text for text in story.during("stage-store") if "/s" in text]
    assert copying, "no rate was ever told"
    found = re.search(r"copy \d+\.\d% of 2\.0 GiB in \d+ entries, (\d+\.\d) MiB/s, about .* to go", copying[-1])
    assert found, copying[-1]
    assert 120 <= float(found[1]) <= 260  # the lab copies 200 MiB a second


def test_the_sync_tells_its_share_and_time_to_go(story: Story) -> None:
    syncing = [text for text in story.during("wait-for-sync") if "to go" in text]
    assert any(re.search(r"SyncSource .* \d+\.\d%, about", text) for text in syncing)


def test_the_window_tells_its_time_and_what_is_to_come(story: Story) -> None:
    assert "window not open yet: 2 h 00 min" in story.shown[0][1]
    inside = story.during("restore-store")[-1]
    assert re.search(r"window open for .* of 2 h 00 min; about .* to go, and what wait-for-sync will take", inside)
    assert re.search(r"window was open for [345] min \d\d s of 2 h 00 min", story.shown[-1][1])


def test_what_is_said_of_the_rest_of_the_window_comes_true(story: Story) -> None:
    """Once the sync is under way nothing is unknown, and the range has the truth in it."""
    board = Board(STAGED)
    with SimulatedLab().open(START) as opened:
        told: list[tuple[float, tuple[float, float, float]]] = []

        def progress(one: Progress) -> None:
            board.progress(one, opened.clock.now())
            span, unknown = board.left(opened.clock.now())
            if board.current == "wait-for-sync" and span and not unknown:
                told.append((opened.clock.now(), span))

        listeners = Listeners(lambda event: board.event(event, opened.clock.now()), progress)
        Migration(opened.inventory, Path(story.folder._folder).parent / "again", opened.clock, listeners).migrate()
        ended = opened.clock.now()
    assert len(told) > 3
    assert all(least <= ended - at <= most for at, (least, _, most) in told[2:])


def test_the_way_back_is_told_until_there_is_none(story: Story) -> None:
    assert "nothing to take back yet" in story.shown[0][1]
    assert re.search(
        r"back   a rollback now would take about .* until the original serves", story.during("stage-store")[-1]
    )
    assert "past the commit point" in story.during("start-services")[-1]


def test_where_complete_copies_lie_is_told(story: Story) -> None:
    assert (
        "copies Complete copies of the store: walrus00:/var/lib/eucalyptus/bukkits." in story.during("stage-store")[0]
    )
    assert "walrus00:/newlocation/bukkits" in story.during("configure-drbd")[-1]


def test_a_window_that_is_over_is_said(tmp_path: Path) -> None:
    with SimulatedLab().open(Start()) as opened:
        board = Board(STAGED, 3600.0)
        board.event(Event("acting", "stop-services", ""), opened.clock.now())
        shown = "\n".join(board.lines(opened.clock.now() + 3601, Known(), 200))
    assert "OVER ITS TIME" in shown


@pytest.mark.parametrize("width", [20, 40, 79])
def test_no_line_is_longer_than_the_terminal(story: Story, width: int) -> None:
    lines = story.board.lines(story._clock.now(), story.folder(), width)
    assert lines
    assert all(len(line) <= width for line in lines)
    assert "/var/lib/eucalyptus/bukkits.before-ha" in "".join(line.strip() for line in lines)


def test_the_board_is_renewed_in_place_and_events_stay_above_it(tmp_path: Path) -> None:
    terminal = Terminal()
    console = Console(terminal)
    console.show(Board(STAGED), tmp_path)
    console.event(Event("acting", "stop-services", "stopping"))
    first = len(terminal.getvalue())
    console.event(Event("done", "stop-services", ""))
    second = terminal.getvalue()[first:]
    drawn = len(
        [line for line in terminal.getvalue()[:first].splitlines() if re.match(r"(steps|now|window|back)", line)]
    )
    assert second.startswith(f"\x1b[{drawn}F\x1b[J")
    assert "+ stop-services" in second


@pytest.mark.parametrize(("terminal", "plain"), [(Terminal(), True), (io.StringIO(), False)])
def test_plain_and_no_terminal_are_lines_without_control_codes(
    terminal: io.StringIO, plain: bool, tmp_path: Path
) -> None:
    console = Console(terminal, plain=plain)
    console.show(Board(STAGED), tmp_path)
    console.event(Event("acting", "stop-services", "stopping"))
    console.progress(Progress("stage-store", "copy", 0.5))
    assert "\x1b" not in terminal.getvalue()
    assert "\r" not in terminal.getvalue()
    assert "stop-services" in terminal.getvalue()


def test_a_dumb_terminal_is_plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TERM", "dumb")
    terminal = Terminal()
    console = Console(terminal)
    console.show(Board(STAGED), tmp_path)
    console.event(Event("acting", "stop-services", "stopping"))
    assert "\x1b" not in terminal.getvalue()
