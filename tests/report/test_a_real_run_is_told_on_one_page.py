"""A run of migrate or rollback as a page: its state first, what to do next, time without service, hashes, commands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import walrus_ha
from harness.clock import WallClock
from harness.errors import CommandFailed, WalrusHaError
from harness.hosts.command import Answer, Command, Fence, Request, StartJob
from harness.hosts.command import Result as Answered
from harness.hosts.transport import Connection, Transport
from harness.labs import catalogue
from harness.labs.lab import Opened, Start, StoreSpec
from harness.logbook import FILE, Logbook
from harness.migration.engine import Event
from harness.migration.outcome import Outcome
from harness.migration.run import Listeners, Migration
from harness.report import html, run_markdown
from harness.run_report import report_of

from .browser import Trap, look, needs_chromium, trap
from .test_a_page_of_hostile_names_runs_nothing import attacks

START = Start(store=StoreSpec(objects=40, bytes=400_000, hostile_names=True))
REASON = 'the lab is <script>alert("in the same fire")</script>'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the run lives, found by the name ``move``."""
    monkeypatch.setenv("WALRUS_HA_STATE", str(tmp_path))
    return tmp_path / "move"


def typed(*words: str) -> Result:
    return CliRunner().invoke(walrus_ha, [*words])


def carry_out(
    folder: Path, opened: Opened, verb: str = "migrate", during: Callable[[Event], None] = lambda event: None
) -> Outcome:
    """As the command line does it: with a logbook."""
    migration = Migration(opened.inventory, folder, opened.clock, Listeners(during), lambda: "move")
    works = {"migrate": lambda: migration.migrate(rehearsal={"without": REASON}), "rollback": migration.rollback}
    return Logbook(folder, opened.clock).attempt(verb, migration, works[verb])


class Failing:
    """A way to a host on which every program of a name fails, with a word that a shell would obey."""

    def __init__(self, inner: Connection, program: str, says: bytes) -> None:
        self.inner, self.program, self.says = inner, program, says
        self.transport: Transport | None = None

    def open(self, name: str) -> Transport:
        self.transport, self.name = self.inner.open(name), name
        return self

    def send(self, request: Request, fence: Fence | None = None) -> Answer:
        assert self.transport is not None
        command = request.command if isinstance(request, StartJob) else request
        if not isinstance(command, Command) or self.program not in command.argv[0]:
            return self.transport.send(request, fence)
        if isinstance(request, StartJob):
            raise CommandFailed(self.name, str(request), Answered(1, b"", self.says))
        return Answered(1, b"", self.says)

    def close(self) -> None:
        assert self.transport is not None
        self.transport.close()

    def describe(self) -> str:
        return self.inner.describe()

    def weakness(self) -> str | None:
        return self.inner.weakness()


def failing(opened: Opened, program: str, says: bytes) -> Opened:
    node = opened.inventory.original
    way = Failing(node.connection, program, says)
    return replace(opened, inventory=replace(opened.inventory, original=replace(node, connection=way)))


def test_a_finished_move_is_told_from_its_state_to_its_last_command(folder: Path) -> None:
    with catalogue.find("simulated").open(START) as opened:
        outcome = carry_out(folder, opened)
    assert outcome.outcome == "completed"
    told = report_of(folder)
    assert (told.word, told.exit_status, told.next) == ("COMPLETED", 0, "walrus-ha verify move")
    (move,) = told.chapters
    assert [span.step for span in move.spans][:3] == ["register-additional", "stop-services", "freeze-manifest"]
    assert {span.end for span in move.spans} == {"done"}
    assert next(span for span in move.spans if span.step == "start-services").hosts == ("walrus00", "walrus01")
    assert move.down_over
    assert move.down_s is not None
    assert 10 < move.down_s < sum(span.seconds or 0 for span in move.spans)
    (moved,) = told.moved
    assert moved.objects > 40
    assert [one.same for one in told.proven] == [True, True]
    assert {one.digest for one in told.proven} == {moved.digest}
    assert ("begun without a rehearsal", REASON) in told.rehearsal
    assert told.interlocks
    mkfs = [one for one in told.requests if "mkfs" in one.what and one.effect == "destroy"]
    assert [(one.host, one.step) for one in mkfs] == [("walrus00", "make-filesystem")]


def test_the_down_time_is_that_between_stopping_and_serving(folder: Path) -> None:
    seen: dict[tuple[str, str], float] = {}

    def note(event: Event) -> None:
        seen.setdefault((event.kind, event.step), opened.clock.now())

    with catalogue.find("simulated").open(START) as opened:
        carry_out(folder, opened, "migrate", note)
    (move,) = report_of(folder).chapters
    expected = seen["done", "confirm-service"] - seen["acting", "stop-services"]
    assert move.down_s == pytest.approx(expected, abs=0.05)


def test_a_failed_move_says_where_it_stopped_and_what_was_taken_back(folder: Path) -> None:
    with catalogue.find("simulated").open(START) as opened:
        outcome = carry_out(folder, failing(opened, "mkfs", b"mkfs: password=hunter2 <b>is</b> refused"))
    assert outcome.outcome == "rolled_back"
    told = report_of(folder)
    assert (told.word, told.exit_status) == ("ROLLED BACK", 4)
    (move,) = told.chapters
    assert [trouble.step for trouble in move.troubles] == ["make-filesystem"]
    ends = {(span.step, span.end) for span in move.spans}
    assert {("make-filesystem", "stopped"), ("stop-services", "taken back"), ("stop-services", "done")} <= ends
    assert move.down_over, "the original serves again"
    assert "hunter2" not in html.render_run(told, "now") + (folder / FILE).read_text()
    assert "nothing was begun" not in told.copies
    page = html.render_run(told, "now")
    body = page[page.index("<body>") :]
    assert re.match(r'<body>\s*<h1><span class="verdict INCONCLUSIVE">ROLLED BACK</span>', body)
    assert body.index("make-filesystem") < body.index("Timeline")


def test_a_run_whose_engine_was_killed_has_no_end_and_no_status(folder: Path) -> None:
    class Killed(BaseException):
        pass

    def die(event: Event) -> None:
        if (event.kind, event.step) == ("acting", "stage-store"):
            raise Killed

    with catalogue.find("simulated").open(START) as opened, pytest.raises(Killed):
        carry_out(folder, opened, "migrate", die)
    told = report_of(folder)
    assert (told.word, told.exit_status, told.attempts[-1].ended) == ("STOPPED", None, None)
    assert "without a word" in told.exit_note
    assert not told.chapters[0].down_over
    assert [(span.step, span.end) for span in told.chapters[0].spans][-1] == ("stage-store", "under way")
    assert "stage-store" in told.headline
    assert "The services are down." in told.headline


def test_a_run_that_is_at_work_is_told_as_such(folder: Path) -> None:
    said: list[tuple[str, str]] = []

    def look_in(event: Event) -> None:
        if (event.kind, event.step) == ("acting", "wait-for-sync"):
            told = report_of(folder)
            said.append((told.word, told.exit_note))
            typed("throttle", "move", "2M")

    with catalogue.find("simulated").open(START) as opened:
        carry_out(folder, opened, "migrate", look_in)
    assert said == [("AT WORK", "none yet: it is still running")]
    assert [one.order for one in report_of(folder).orders] == ["throttle 2048 KiB/s"]


def test_the_way_back_is_a_chapter_with_a_window_of_its_own(folder: Path) -> None:
    with catalogue.find("simulated").open(START) as opened:
        assert carry_out(folder, opened).outcome == "completed"
        assert carry_out(folder, opened, "rollback").outcome == "reversed"
    told = report_of(folder)
    assert told.word == "REVERSED"
    assert [one.name for one in told.chapters] == ["The move", "The way back"]
    assert all(one.down_over and one.down_s for one in told.chapters)
    assert [one.verb for one in told.attempts] == ["migrate", "rollback"]
    assert [one.what.split(",")[0] for one in told.moved] == [
        "the store when the services had stopped",
        "the pair's store when the services had stopped for the way back",
    ]
    assert all(one.same for one in told.proven)
    assert "walrus00:/var/lib/eucalyptus/bukkits" in told.copies


def test_the_command_line_makes_page_summary_and_json_by_the_runs_name(folder: Path, tmp_path: Path) -> None:
    with catalogue.find("simulated").open(START) as opened:
        carry_out(folder, opened)
    done = typed("report", "move", "--markdown", str(tmp_path / "summary.md"))
    page = folder / "report.html"
    assert (done.exit_code, done.output.strip()) == (0, str(page))
    assert page.stat().st_mode & 0o077 == 0, "object names may stand in it"
    assert (tmp_path / "summary.md").read_text().startswith("## Run move: COMPLETED\n")
    as_json = typed("report", str(folder), "-o", str(tmp_path / "page.html"), "--json")
    known = json.loads(as_json.output)
    assert known["state"] == "completed"
    assert known["chapters"][0]["spans"]
    assert known["requests"]
    assert (tmp_path / "page.html").exists()


def test_what_is_neither_run_nor_evidence_is_said_so(folder: Path) -> None:
    done = typed("report", "nobody")
    assert isinstance(done.exception, WalrusHaError)
    assert done.exception.exit_status == 2
    assert "no run 'nobody'" in str(done.exception)


def test_a_run_without_a_log_or_with_a_torn_one_is_told_by_its_journal(folder: Path) -> None:
    with catalogue.find("simulated").open(START) as opened:
        carry_out(folder, opened)
    log = folder / FILE
    log.write_bytes(log.read_bytes()[:-20] + b'\n["a list"]\n{"kind": "request", "date": 7}\n')
    torn = report_of(folder)
    assert any("3 lines of the log cannot be read" in note for note in torn.notes)
    log.unlink()
    told = report_of(folder)
    assert (told.word, told.exit_status, told.requests) == ("COMPLETED", None, ())
    assert told.chapters[0].down_s == torn.chapters[0].down_s
    assert any("No log" in note for note in told.notes)


def test_a_manifest_that_was_changed_is_not_counted(folder: Path) -> None:
    with catalogue.find("simulated").open(START) as opened:
        carry_out(folder, opened)
    with (folder / "frozen.manifest").open("ab") as file:
        file.write(b"[]\n")
    told = report_of(folder)
    assert told.moved == ()
    assert any("not the one that the journal names" in note for note in told.notes)


_AWAY = """
all:
  vars:
    ansible_user: root
    ansible_port: 1
    migrate: {{known_hosts: {known_hosts}, backing_device: /dev/sdb1}}
original: {{hosts: {{walrus00: {{ansible_host: 127.0.0.1}}}}}}
additional: {{hosts: {{walrus01: {{ansible_host: 127.0.0.2}}}}}}
clc: {{hosts: {{clc00: {{ansible_host: 127.0.0.3}}}}}}
"""


@pytest.mark.usefixtures("folder")
def test_the_command_line_keeps_how_a_command_ended_and_what_it_asked(tmp_path: Path) -> None:
    (tmp_path / "known_hosts").touch()
    (tmp_path / "site.yaml").write_text(_AWAY.format(known_hosts=tmp_path / "known_hosts"))
    done = typed("migrate", "-i", str(tmp_path / "site.yaml"), "--without-rehearsal", "nobody is at home")
    assert done.exit_code == 3
    (log,) = tmp_path.glob(f"site-*/{FILE}")
    assert log.stat().st_mode & 0o077 == 0
    told = report_of(log.parent)
    assert [(one.verb, one.outcome, one.exit_status) for one in told.attempts] == [("migrate", "refused", 3)]
    assert told.word == "NOT BEGUN"
    assert told.requests
    assert all(one.answer.startswith("unreachable: ") for one in told.requests)


def hostile(folder: Path, laid: Trap, opened: Opened) -> list[str]:
    """Attacks in every text that comes from outside: what programs print and are told, hosts, steps, last words."""
    names = attacks(laid)
    book = Logbook(folder, opened.clock)
    for name in names:
        book.step = name
        book.asked(name, Command(("rm", name)), name, name)
    book.ordered(names[0], names[1])
    return names


@needs_chromium
@pytest.mark.parametrize("ending", ["completed", "rolled_back"])
def test_the_page_of_a_run_with_hostile_names_runs_nothing(ending: str, folder: Path, tmp_path: Path) -> None:
    with trap() as laid:
        with catalogue.find("simulated").open(START) as opened:
            says = f'<script>fetch("{laid.url}")</script><img src={laid.url}>'.encode()
            world = failing(opened, "mkfs", says) if ending == "rolled_back" else opened
            assert carry_out(folder, world).outcome == ending
            names = hostile(folder, laid, opened)
        assert typed("report", "move").exit_code == 0
        seen = look(folder / "report.html", tmp_path / "profile", laid)
    assert (seen.console, seen.asked) == ([], 0)
    word = "COMPLETED" if ending == "completed" else "ROLLED BACK"
    assert f"<title>{word}: run move</title>" in seen.dom
    assert not any(f"<{tag}" in seen.dom for tag in ("script", "img", "iframe", "object", "form", "link", "image"))
    assert "&lt;script&gt;alert" in seen.dom, "the reason is still to be read"
    assert sum(f">{number} " in seen.dom for number in range(len(names))) == len(names)
    summary = run_markdown.render(report_of(folder))
    assert not re.search(r"(?<!\\)[<>\[]", summary)


def test_what_is_told_before_the_run_has_a_folder_waits_for_it(tmp_path: Path) -> None:
    """An adoption makes the folder of its run as a whole, and one that is refused leaves none."""
    folder = tmp_path / "run"
    book = Logbook(folder, WallClock())
    book.ordered("pause", "told before")
    assert not folder.exists()
    folder.mkdir()
    book.ordered("resume", "told after")
    told = [json.loads(line)["answer"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert told == ["told before", "told after"]
