"""On a terminal a board stands below the events: steps, work, window, way back, copies. Elsewhere there is none."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.console import Console
from harness.labs.lab import Opened, Start, StoreSpec
from harness.labs.simulated import SimulatedLab
from harness.live import Board, Folder, Known, board_of_move, board_of_rollback
from harness.migration.control import Control
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


class Killed(BaseException):
    """The engine dies here and now."""


class Story:
    """A simulated move, and the board at each moment of it; killed when it comes to the step ``until``."""

    def __init__(
        self,
        opened: Opened,
        folder: Path,
        window_s: float | None = None,
        verb: str = "migrate",
        until: str = "",
    ) -> None:
        settings = opened.inventory.settings.model_copy(update={"window_s": window_s})
        self.board = board_of_rollback(folder, settings) if verb == "rollback" else board_of_move(settings)
        self.folder, self._until = Folder(folder), until
        self.shown: list[tuple[str, str]] = []  # current step, and what was shown then
        self._clock = opened.clock
        listeners = Listeners(self._event, self._progress)
        migration = Migration(opened.inventory, folder, opened.clock, listeners, lambda: "run")
        with contextlib.suppress(Killed):
            self.outcome = migration.rollback() if verb == "rollback" else migration.migrate()

    def _event(self, event: Event) -> None:
        self.board.event(event, self._clock.now())
        self._show()
        if (event.kind, event.step) == ("acting", self._until):
            raise Killed

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


@pytest.fixture(scope="module")
def reversed_(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("reversed")
    with SimulatedLab().open(START) as opened:
        Story(opened, folder)
        return Story(opened, folder, verb="rollback")


def test_a_reverse_move_has_its_own_steps_and_window(reversed_: Story) -> None:
    assert reversed_.outcome.outcome == "reversed"
    assert "0 of 18" in reversed_.shown[0][1]
    last = reversed_.during("copy-back")[-1]
    assert "7 of 18: copy-back, then take-pair-down, keep-pair-down, put-store-back ..." in last
    assert re.search(r"window open for .*; about .* to go$", last, re.MULTILINE)
    assert re.search(r"back   to stay with the pair, by walrus-ha migrate, would take about .* as before", last)
    ended = reversed_.shown[-1][1]
    assert f"[{'#' * 24}] 18 of 18" in ended
    assert "window was open for" in ended
    assert "past the reverse move's commit point" in ended
    assert "walrus00:/dev/drbd1 on the pair, read-only since the services stopped" in last


def test_the_window_of_a_reverse_move_closes_when_the_original_serves(reversed_: Story) -> None:
    after = reversed_.during("deregister-additional")[-1]
    assert "window was open for" in after


def test_a_rollback_tells_what_is_taken_back_and_what_comes_then(tmp_path: Path) -> None:
    with SimulatedLab().open(START) as opened:
        Story(opened, tmp_path / "run", until="become-primary")
        story = Story(opened, tmp_path / "run", verb="rollback")
    assert story.outcome.outcome == "rolled_back"
    first = story.shown[0][1]
    assert "0 of 7 taken back: become-primary, then connect-peers, create-metadata, configure-drbd ..." in first
    assert "window open since before this start" in first
    assert "a rollback is under way" in first
    last = story.shown[-1][1]
    assert "6 of 7 taken back: register-additional" in last
    assert "window closed: the services were started again" in last


def test_a_move_that_fails_turns_to_what_is_taken_back(tmp_path: Path) -> None:
    with SimulatedLab().open(START) as opened:
        board, seen = board_of_move(opened.inventory.settings), []
        folder = Folder(tmp_path / "run")

        def event(event: Event) -> None:
            if (event.kind, event.step) == ("acting", "become-primary"):
                Control(tmp_path / "run").change(lambda orders: replace(orders, abort=True))
            board.event(event, opened.clock.now())
            seen.append("\n".join(board.lines(opened.clock.now(), folder(), 300)))

        Migration(opened.inventory, tmp_path / "run", opened.clock, Listeners(event), lambda: "run").migrate()
    assert "6 of 7 taken back: register-additional" in seen[-1]
    assert "window closed" in seen[-1]


def test_migrating_again_turns_from_taking_the_reverse_move_back_to_the_move(tmp_path: Path) -> None:
    with SimulatedLab().open(START) as opened:
        Story(opened, tmp_path / "run")
        Story(opened, tmp_path / "run", verb="rollback", until="copy-back")
        story = Story(opened, tmp_path / "run")
    assert story.outcome.outcome == "completed"
    taken_back = [text for current, text in story.shown if "taken back" in text]
    found = re.search(r" 0 of (\d+) taken back: copy-back", taken_back[0])
    assert found, taken_back[0]
    assert int(found[1]) <= 8, "the steps of the move are not taken back"
    assert "taken back: stop-pair" in taken_back[-1]


def test_a_store_on_its_own_device_has_the_steps_of_that_way() -> None:
    with SimulatedLab().open(Start()) as opened:
        settings = opened.inventory.settings.model_copy(update={"reuse_device": True})
    assert "clear-device" in board_of_move(settings).steps


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
