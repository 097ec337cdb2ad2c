"""Orders given while an engine works, while none does, twice, and to runs that are over: each has a clear answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import walrus_ha
from harness.errors import WalrusHaError
from harness.labs import catalogue
from harness.labs.lab import Opened, Start
from harness.migration.control import FILE, Control, Orders
from harness.migration.engine import Event
from harness.migration.outcome import Outcome
from harness.migration.run import Listeners, Migration
from harness.migration.site import Progress
from harness.migration.standing import standing

SLOW = Start(settings={"copy_limit_kib_s": 512})


class Killed(BaseException):
    """The engine dies here and now."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the run lives, found by the name ``move``."""
    monkeypatch.setenv("WALRUS_HA_STATE", str(tmp_path))
    return tmp_path / "move"


def typed(*words: str) -> Result:
    """What another terminal types; the engine's process holds the journal meanwhile."""
    result = CliRunner().invoke(walrus_ha, [*words])
    if isinstance(result.exception, WalrusHaError):
        result.exit_code, result.output_bytes = result.exception.exit_status, str(result.exception).encode()
    return result


def move(
    folder: Path,
    opened: Opened,
    during: Callable[[Event], None] = lambda event: None,
    meanwhile: Callable[[Progress], None] = lambda progress: None,
) -> Outcome:
    listeners = Listeners(during, meanwhile)
    return Migration(opened.inventory, folder, opened.clock, listeners, lambda: "move").migrate()


def at(step: str, do: Callable[[], object], kind: str = "acting") -> Callable[[Event], None]:
    def heard(event: Event) -> None:
        if (event.kind, event.step) == (kind, step):
            do()

    return heard


def test_orders_are_answered_while_the_engine_works(folder: Path) -> None:
    said: list[Result] = []

    def order() -> None:
        said.append(typed("throttle", "move", "1M"))
        said.append(typed("throttle", "move", "1M"))
        said.append(typed("cutover", "move"))
        said.append(typed("status", "move"))
        said.append(typed("status", "move", "--json"))
        said.append(typed("resume", "move"))

    with catalogue.find("simulated").open(SLOW) as opened:
        assert move(folder, opened, at("stage-store", order)).outcome == "completed"
    assert [one.exit_code for one in said] == [0] * 6, [one.output for one in said]
    first, again, cutover, told, as_json, resumed = (one.output for one in said)
    assert "1024 KiB/s at most" in first
    assert "ordered before" in again
    assert "stopped already" in cutover
    for words in ("engine: at work", "down, the window is open", "throttle 1024 KiB/s", "stage-store", "Next: "):
        assert words in told
    known = json.loads(as_json)
    assert known["orders"] == {"paused": False, "throttle_kib_s": 1024, "cutover": False, "abort": False}
    assert known["working"] is True
    assert known["window_open"] is True
    assert known["safe_copies"] == "Complete copies of the store: walrus00:/var/lib/eucalyptus/bukkits."
    assert "It was not paused" in resumed


def test_a_pause_says_that_the_window_is_open_and_lasts_until_it_is_taken_back(folder: Path) -> None:
    said: list[Result] = []
    held: list[str] = []

    def look(progress: Progress) -> None:
        if "paused by order" in progress.what:
            held.append(progress.what)
            if len(held) == 1000:
                said.append(typed("status", "move"))
                said.append(typed("resume", "move"))

    with catalogue.find("simulated").open(SLOW) as opened:
        began = opened.clock.now()
        pausing = at("restore-store", lambda: said.append(typed("pause", "move")))
        assert move(folder, opened, pausing, look).outcome == "completed"
        assert opened.clock.now() - began > 1000
    assert [one.exit_code for one in said] == [0, 0, 0]
    assert "The window is open" in said[0].output
    assert "walrus-ha resume move" in said[1].output
    assert len(held) == 1000
    assert set(held) == {"paused by order; the services are down meanwhile"}
    kinds = [json.loads(line)["kind"] for line in (folder / "journal.jsonl").read_text().splitlines()]
    assert (kinds.count("paused"), kinds.count("resumed")) == (1, 1)


def test_a_pause_outlives_its_engine_and_the_job_goes_on_with_the_next(folder: Path) -> None:
    """The engine dies while the job is stopped on the host; the next one stands still until it is told to go on."""
    held: list[str] = []

    def die(progress: Progress) -> None:
        if "paused by order" in progress.what and len(held) == 3:
            raise Killed
        held.append(progress.what)

    def go_on(progress: Progress) -> None:
        held.append(progress.what)
        if "paused by order" in progress.what and len(held) > 10:
            typed("resume", "move")

    def pause(progress: Progress) -> None:
        if progress.step == "stage-store" and (progress.fraction or 0) > 0.2 and not held:
            typed("pause", "move")
        if "paused by order" in progress.what:
            die(progress)

    with catalogue.find("simulated").open(SLOW) as opened:
        with pytest.raises(Killed):
            move(folder, opened, meanwhile=pause)
        waiting = typed("pause", "move")
        assert waiting.exit_code == 4
        assert "No engine works on this run" in waiting.output
        assert standing(folder).orders == Orders(paused=True)
        outcome = move(folder, opened, meanwhile=go_on)
        assert outcome.outcome == "completed", outcome.message
        store = opened.inventory.settings.staging
        assert opened.truth.bytes_received("original", "staging") < 2.2 * 1024**2, f"{store} was copied again"


def test_an_abort_is_consumed_by_the_rollback_that_it_leads_to(folder: Path) -> None:
    with catalogue.find("simulated").open(SLOW) as opened:
        ended = move(folder, opened, at("connect-peers", lambda: typed("abort", "move")))
        assert (ended.outcome, ended.exit_status) == ("rolled_back", 4)
        assert "the operator ordered the run to end" in ended.message
        assert Control(folder).orders() == Orders()
        for verb in ("pause", "abort", "cutover"):
            refused = typed(verb, "move")
            assert refused.exit_code == 3, refused.output
            assert "rolled back: nothing was ordered" in refused.output
        assert move(folder, opened).outcome == "completed"
    for verb in ("pause", "abort", "cutover"):
        assert typed(verb, "move").exit_code == 3
    assert typed("throttle", "move", "off").exit_code == 3


def test_an_abort_without_an_engine_orders_nothing(folder: Path) -> None:
    with catalogue.find("simulated").open(SLOW) as opened:
        with pytest.raises(Killed):
            move(folder, opened, at("stage-store", lambda: (_ for _ in ()).throw(Killed())))
        answer = typed("abort", "move")
        assert answer.exit_code == 4
        assert "walrus-ha rollback move" in answer.output
        assert Control(folder).orders() == Orders()


def test_unclear_orders_stop_the_run_and_resume_mends_them(folder: Path) -> None:
    with catalogue.find("simulated").open(SLOW) as opened:
        ended = move(folder, opened, at("connect-peers", lambda: (folder / FILE).write_text("{")))
        assert (ended.outcome, ended.exit_status) == ("stopped", 4)
        assert "walrus-ha resume" in ended.message
        refused = typed("pause", "move")
        assert refused.exit_code == 3
        assert "walrus-ha resume" in typed("status", "move").output
        assert typed("resume", "move").exit_code == 4
        assert move(folder, opened).outcome == "completed"


@pytest.mark.parametrize("verb", ["status", "pause", "resume", "cutover", "abort"])
def test_a_run_that_does_not_exist_is_a_usage_error(folder: Path, verb: str) -> None:
    result = typed(verb, "move")
    assert result.exit_code == 2
    assert "no run 'move'" in result.output


@pytest.mark.parametrize("rate", ["0", "fast", "-1", "5G", "20m", ""])
def test_a_rate_that_is_none_is_a_usage_error(folder: Path, rate: str) -> None:
    assert typed("throttle", "move", "--", rate).exit_code == 2
