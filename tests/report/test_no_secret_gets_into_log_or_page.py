"""What a run was asked and answered is logged without secrets: those of the lab, and whatever is named like one."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.hosts.command import Command, PutFile
from harness.labs import catalogue
from harness.labs.lab import Start, StoreSpec
from harness.labs.premises import CLOUD_SECRET, SUDO_PASSWORD
from harness.logbook import FILE, Logbook
from harness.migration.run import Migration
from harness.redaction import REMOVED, redacted
from harness.report import html, run_markdown
from harness.report.run import as_json
from harness.run_report import report_of
from harness.trials.looking import forms

SAID = {
    "EC2_SECRET_KEY='abc/def+x'": f"EC2_SECRET_KEY={REMOVED}",
    "password: hunter2, next": f"password: {REMOVED}, next",
    '{"api_token": "hunter2"}': f'{{"api_token": {REMOVED}}}',
    'shared-secret "hunter2";': f"shared-secret {REMOVED};",
    "mount --password hunter2 /x": f"mount --password {REMOVED} /x",
    "https://me:hunter2@host/x": f"https://me:{REMOVED}@host/x",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nend": f"{REMOVED}\nend",
    "-----BEGIN PRIVATE KEY-----\nMIIE torn": REMOVED,
}
PLAIN = ("no secret stands in it", "sha256 0123456789abcdef", "passwd is a file", "/etc/eucalyptus/token file", "a=b")


@pytest.mark.parametrize("text", SAID, ids=range(len(SAID)))
def test_what_is_named_like_a_secret_is_removed(text: str) -> None:
    assert redacted(text) == SAID[text]
    assert redacted(redacted(text)) == SAID[text]


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert redacted(text) == text


def test_the_labs_secrets_are_in_neither_log_nor_page(tmp_path: Path) -> None:
    folder = tmp_path / "move"
    start = Start(login="sudo", store=StoreSpec(objects=10, bytes=10_000))
    with catalogue.find("simulated").open(start) as opened:
        migration = Migration(opened.inventory, folder, opened.clock)
        outcome = Logbook(folder, opened.clock).attempt("migrate", migration, migration.migrate)
    assert outcome.outcome == "completed"
    report = report_of(folder)
    told = "".join([html.render_run(report, "now"), run_markdown.render(report), as_json(report)]).encode()
    told += (folder / FILE).read_bytes()
    for secret in (CLOUD_SECRET, SUDO_PASSWORD):
        assert not any(form in told for form in forms(secret))


def test_neither_standard_input_nor_a_files_content_is_logged(tmp_path: Path) -> None:
    with catalogue.find("simulated").open(Start()) as opened:
        book = Logbook(tmp_path, opened.clock)
        book.asked("walrus00", Command(("cat",), stdin=b"hunter2"), "status 0")
        book.asked("walrus00", PutFile("/etc/x", b"hunter2"), "done")
    kept = (tmp_path / FILE).read_text()
    assert "put /etc/x (7 bytes)" in kept
    assert "hunter2" not in kept


def test_a_day_of_looking_does_not_fill_the_disk(tmp_path: Path) -> None:
    with catalogue.find("simulated").open(Start()) as opened:
        book = Logbook(tmp_path, opened.clock)
        book.step = "wait-for-sync"
        for share in range(10_000):
            book.asked("walrus00", Command(("cat", "/proc/drbd")), "status 0", f"{share} of 10000")
        book.asked("walrus00", Command(("cat", "/proc/drbd")), "status 1", "gone")
        book.step = "hand-over"
        book.asked("walrus00", Command(("cat", "/proc/drbd")), "status 0", "10000 of 10000")
    lines = (tmp_path / FILE).read_text().splitlines()
    assert len(lines) < 30
    assert '"gone"' in lines[-3]
    assert '"times":9980' in lines[-2]
    assert "10000 of 10000" in lines[-1]
