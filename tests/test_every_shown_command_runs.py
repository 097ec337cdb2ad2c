"""Whatever README and docs tell people to type is typed: by the tests of their pages, or by what is named for it."""

from __future__ import annotations

import ast
import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.shown import PAGES, ROOT, TYPED_BY, blocks, executed, name_of
from tests.stage import Stage, like_a_checkout, with_labs


@pytest.fixture
def containers(tmp_path: Path, require_lab: Callable[[str], None]) -> Iterator[Stage]:
    """A stage where the pages' ``lab down --all`` ends what this test brought up, and no other lab."""
    require_lab("containers")
    with with_labs(like_a_checkout(tmp_path / "clone"), "site.yaml", "site2.yaml") as stage:
        yield stage


takes_a_lab = pytest.mark.timeout(900)  # half a minute, where nobody else wants the processors


@takes_a_lab
def test_readme(containers: Stage) -> None:
    assert "The pair serves the store" in containers.run(executed("README.md"))


@takes_a_lab
def test_the_first_tutorial(containers: Stage) -> None:
    lines = executed("docs/tutorial/first-rehearsal.md").splitlines()
    (killed,) = [number for number, line in enumerate(lines) if line.startswith("timeout -s KILL")]
    said = containers.run("\n".join(lines[:killed]))
    assert "Nothing found: the hosts are ready for the move." in said
    assert "The pair serves the store" in said
    killed_or_done = (-signal.SIGKILL, 128 + signal.SIGKILL, 0)  # a quick machine needs no ten seconds
    containers.run(lines[killed], ends=killed_or_done)
    assert "The pair serves the store" in containers.run("\n".join(lines[killed + 1 :]))


@takes_a_lab
def test_the_page_on_costs(containers: Stage) -> None:
    for line in executed("docs/explanation/costs.md").splitlines():
        containers.run(line, ends=(0, 1))  # 1: measured, and a bound is missed where others want the processors
    measured = set(json.loads((containers.place / "bench.json").read_text()))
    moves = {f"{kind}_total_s" for kind in ("literal", "staged", "online")}
    assert {"ssh_latency_ratio", "window_ratio_online_to_literal", *moves} <= measured


@takes_a_lab
def test_the_page_on_rehearsals_on_record(containers: Stage) -> None:
    (containers.place / "known_hosts").touch()
    (containers.place / "site.yaml").write_text(_SITE.format(known_hosts=containers.place / "known_hosts"))
    containers.run(executed("docs/how-to/rehearsal-on-record.md"))
    assert len(list((containers.place / "runs/certificates").glob("*.json"))) == 2


_SITE = """
all: {{vars: {{ansible_user: root, migrate: {{known_hosts: {known_hosts}, backing_device: /dev/sdb1}}}}}}
original: {{hosts: {{walrus00: {{ansible_host: 10.0.0.1}}}}}}
additional: {{hosts: {{walrus01: {{ansible_host: 10.0.0.2}}}}}}
clc: {{hosts: {{clc00: {{ansible_host: 10.0.0.3}}}}}}
"""


@takes_a_lab
def test_the_page_on_a_sites_facts(containers: Stage) -> None:
    said = containers.run(_UP + executed("docs/how-to/rehearse-your-site.md") + "\n" + _DOWN)
    assert "site-as-it-is" in said


@takes_a_lab
def test_the_page_on_the_window(containers: Stage) -> None:
    said = containers.run(_UP + executed("docs/explanation/window.md") + "\n" + _DOWN)
    assert "Nothing found" in said or "0 errors" in said


_UP = ".venv/bin/walrus-ha lab up containers > site.yaml\n"
_DOWN = ".venv/bin/walrus-ha lab down --all\n"


_SLOWLY = """\
  vars:
    migrate:
      hooks: {before: {configure-drbd: [/bin/sleep, "20"]}}
"""


def _at_work(stage: Stage, until: str) -> subprocess.Popen[bytes]:
    """An engine that has begun to move the stage's site, and come to a step; it does not outrun whoever orders it."""
    stage.run(_UP)
    site = stage.place / "site.yaml"
    site.write_text(site.read_text().replace("all:\n", f"all:\n{_SLOWLY}", 1))
    argv = [str(stage.place / ".venv/bin/walrus-ha"), "migrate", "-i", "site.yaml"]
    with open(stage.place / "migrate.err", "wb") as told:
        engine = subprocess.Popen(argv, cwd=stage.place, env=stage.environment, stderr=told, stdout=told)
    deadline = time.monotonic() + 90
    while until not in (stage.place / "migrate.err").read_text():
        assert engine.poll() is None, (stage.place / "migrate.err").read_text()
        assert time.monotonic() < deadline, f"no {until} within 90 s"
        time.sleep(0.05)
    (journal,) = (stage.place / "runs").glob("*/journal.jsonl")
    stage.words[" RUN"] = f" {journal.parent.name}"
    return engine


@takes_a_lab
def test_the_page_on_orders(containers: Stage) -> None:
    with _at_work(containers, "> register-additional") as engine:
        try:
            said = containers.run(executed("docs/how-to/while-it-runs.md"))
            assert engine.wait(timeout=120) == 4, (containers.place / "migrate.err").read_text()
        finally:
            engine.kill()
    assert "The run is taken back from its next safe point on." in said
    containers.run(_DOWN)


@takes_a_lab
def test_the_page_on_a_lost_controller(containers: Stage) -> None:
    with _at_work(containers, "> stage-store") as engine:
        engine.kill()
    (containers.place / "runs").rename(containers.place / "lost")
    said = containers.run(executed("docs/how-to/controller-lost.md") + "\n" + _DOWN)
    assert "is taken over as" in said
    assert "The original serves the store alone again" in said


# Where the rest is typed


def test_every_page_with_commands_is_executed() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for page in PAGES:
        if executed(name_of(page)):
            assert f'executed("{name_of(page)}")' in sources, f"{name_of(page)} shows commands that no test types"


@pytest.mark.parametrize("command", TYPED_BY)
def test_what_is_typed_elsewhere_is_typed_there(command: str) -> None:
    path, _, test = TYPED_BY[command].partition("::")
    typed = _run_by(ROOT / path, test) if test else _lines_of(ROOT / path)
    assert command in typed, f"{TYPED_BY[command]} does not type it"


_TYPES = ("run", "run_until")


def _run_by(path: Path, test: str) -> set[str]:
    """The commands that a test gives to its stage, word by word."""
    (function,) = [one for one in ast.parse(path.read_text()).body if getattr(one, "name", "") == test]
    calls = [one for one in ast.walk(function) if isinstance(one, ast.Call) and one.args]
    given = [one.args[0] for one in calls if isinstance(one.func, ast.Attribute) and one.func.attr in _TYPES]
    return {one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def _lines_of(path: Path) -> set[str]:
    """The commands of CI's script, without the bound of their stage."""
    return {re.sub(r"^stage \d+ ", "", line.strip()) for line in path.read_text().splitlines()}


def test_no_reason_outlives_its_command() -> None:
    shown = {command for page in PAGES for command in blocks(page)}
    assert TYPED_BY.keys() <= shown
