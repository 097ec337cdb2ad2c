"""Whatever README and docs tell people to type is typed here: executed where it can be, and parsed in any case."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest

from harness.cli import walrus_ha

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), ROOT / "fakes" / "README.md"])
_BLOCK = re.compile(r"^```(?:sh|bash|console|shell)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:\.venv/bin/)?walrus-ha [^`]+)`")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")

_HOURS = (
    "every scenario in a lab of containers or kernels takes an hour; the tests of the scenario files run each of them"
)
_SETS_UP = "changes the machine: installs packages, makes images or downloads; CI begins with it"
_MEASURES = "measures for minutes, on kernels or large stores"
NOT_EXECUTED = {
    ".venv/bin/python -m tests.bench memory": _MEASURES,
    ".venv/bin/python -m tests.bench window --objects 5000 --size 512MiB": _MEASURES,
    ".venv/bin/python -m tests.bench window --lab containers": _MEASURES,
    "make setup": _SETS_UP,
    "make labs": _SETS_UP,
    "make test": "it is what runs this test",
    ".venv/bin/walrus-ha rehearse --lab containers": _HOURS,
    ".venv/bin/walrus-ha rehearse --lab machines": _HOURS,
    ".venv/bin/walrus-ha rehearse --lab machines scenarios/original-power-cut-after-commit.yaml": (
        "takes three minutes of kernels; a test of the machines lab runs it"
    ),
    "WALRUS_HA_REQUIRE_LABS=simulated,containers,machines walrus-ha rehearse --lab containers --lab machines": _HOURS,
    "pipx install ./walrus_ha-0.1.0-py3-none-any.whl": "the wheel's own test installs it into an empty environment",
    "walrus-ha rehearse --junit rehearsal.xml": "every scenario; `make check` and CI rehearse them all",
    "walrus-ha rehearse --for site.yaml --lab containers": "three moves in containers; the line above it is typed",
    "walrus-ha rehearse --facts facts.json --lab machines scenarios/core": "four moves with kernels take long",
    "walrus-ha sweep": "a minute of all processors; the sweep's tests run slices of it, `make sweep` all",
    "walrus-ha sweep --depth 2": "takes ten minutes; `deep-sweep.yml` runs it at night",
    "walrus-ha sweep --json --jobs 2": "as `walrus-ha sweep`",
    "walrus-ha sweep scenarios/core/success-with-full-sync.yaml": "as `walrus-ha sweep`",
    "walrus-ha sweep --executor dask --scheduler tcp://10.0.0.5:8786": "needs a cluster; the sweep's tests start one",
}
"""Commands of shell blocks that are parsed and not executed, each with the reason."""


def _commands(block: str) -> Iterator[str]:
    """The lines of a shell block without their comments."""
    for line in block.splitlines():
        if plain := _COMMENT.sub("", line).strip():
            yield plain


def _blocks(page: Path) -> list[str]:
    return [command for block in _BLOCK.findall(page.read_text()) for command in _commands(block)]


def _id(page: Path) -> str:
    return str(page.relative_to(ROOT))


# Parsed

_PLACEHOLDERS = {
    "N": "1",
    "DAYS": "7",
    "VERSION": "8.3",
    "FACTOR": "0.5",
    "SHELL": "bash",
    "RATE": "20M",
    "LAB": "containers",
    "COMMAND": "check",
}


def _arguments(command: str) -> list[str] | None:
    """The words behind ``walrus-ha`` in a line; None where another program is called."""
    words = shlex.split(command.partition(">")[0].partition("|")[0], comments=True)
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    if not words or words[0].rsplit("/", 1)[-1] != "walrus-ha":
        return None
    return [_PLACEHOLDERS.get(word, word) for word in words[1:]]


def _parse(words: list[str]) -> None:
    """Let the real command line take the words, without doing what they say.

    Raises:
        click.UsageError: it does not take them. A file that is not there is none of its business here.
    """
    command: click.Command = walrus_ha
    context = click.Context(walrus_ha, info_name="walrus-ha")
    while isinstance(command, click.Group):
        if words and words[0].startswith("-"):
            return _options_exist(command, words)
        name, command_, words = command.resolve_command(context, words)
        assert command_ is not None, name
        command = command_
    try:
        command.make_context(command.name, list(words), parent=context)
    except click.BadParameter as wrong:
        if "does not exist" not in wrong.message:
            raise
    return None


def _options_exist(command: click.Command, words: list[str]) -> None:
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
    assert set(words) <= known, words


def _shown() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for command in _blocks(page):
            yield page, command
        outside = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        for command in _INLINE.findall(outside):
            yield page, " ".join(command.split())


_WORDS_OF_A_LINE = [
    pytest.param(words, id=f"{_id(page)}:{command[:70]}")
    for page, command in _shown()
    if (words := _arguments(command)) and not set(command) & set("[…") and "..." not in command
]


@pytest.mark.parametrize("words", _WORDS_OF_A_LINE)
def test_the_command_line_takes_what_is_shown(words: list[str]) -> None:
    try:
        _parse(words)
    except click.exceptions.Exit:
        assert words[-1] in ("--help", "-h", "--version")  # done at once
    except click.MissingParameter:
        assert len(words) <= 2  # a command that is only named needs no arguments
    except click.BadOptionUsage as named:
        assert named.option_name == words[-1]  # noqa: PT017 - an option that is only named needs no value


def test_parsing_tells_a_wrong_option() -> None:
    with pytest.raises(click.NoSuchOption):
        _parse(["check", "-i", "site.yaml", "--jsn"])
    with pytest.raises(click.UsageError):
        _parse(["migrat", "-i", "site.yaml"])
    with pytest.raises(click.UsageError):
        _parse(["status", "RUN", "more"])


def test_the_table_of_commands_names_every_option_and_no_other() -> None:
    rows = re.findall(r"^\| (`.*?) \| ", (ROOT / "docs/reference/commands.md").read_text(), re.MULTILINE)
    told: dict[str, set[str]] = {}
    for row in rows:
        for code in re.findall(r"`([^`]+)`", row):
            shared = code if row.startswith("`lab") else row  # options behind several commands belong to each
            told.setdefault(" ".join(_verbs(code)), set()).update(_OPTION.findall(shared))
    for verbs, options in told.items():
        command = _command_of(verbs.split())
        known = [set(one.opts) for one in command.params if isinstance(one, click.Option)]
        assert options <= set().union(*known), f"{verbs}: {options}"
        assert not [one for one in known if not one & options], f"{verbs}: not all told in docs/reference/commands.md"
    untold = set(walrus_ha.list_commands(click.Context(walrus_ha))) - {verbs.split()[0] for verbs in told}
    assert not untold


_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def _verbs(code: str) -> list[str]:
    words = code.split()
    return [words[0], words[1]] if words[0] == "lab" else [words[0]]


def _command_of(verbs: list[str]) -> click.Command:
    command: click.Command | None = walrus_ha
    for verb in verbs:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), verb)
    assert command is not None, verbs
    return command


# Executed


@dataclass
class Stage:
    """Where a page's commands are typed: a directory that looks like a checkout, and what the page takes for given."""

    place: Path
    words: dict[str, str] = field(default_factory=dict)  # what the page shows, and what it is here

    @property
    def environment(self) -> Mapping[str, str]:
        tools = f"{self.place}/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        state = {"WALRUS_HA_STATE": str(self.place / "runs"), "HOME": os.environ.get("HOME", "/root")}
        return {"PATH": tools, **state, "LC_ALL": "C.UTF-8"}

    def run(self, script: str, timeout_s: float = 800.0) -> str:
        """Type a script; what it printed.

        Raises:
            AssertionError: a command of it failed.
        """
        for shown, here in self.words.items():
            script = script.replace(shown, here)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-O", "expand_aliases", "-c", script],
            cwd=self.place,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A directory in which everything of the checkout is found, and nothing is left behind in it."""
    place = tmp_path / "clone"
    place.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in (".git", ".venv", "runs", "reports", "site.yaml"):
            (place / entry.name).symlink_to(entry)
    programs = place / ".venv" / "bin"
    programs.mkdir(parents=True)
    (place / ".venv" / ".ready").touch()
    for program in ("walrus-ha", "python"):
        wrapper = programs / program
        module = "-m harness " if program == "walrus-ha" else ""
        wrapper.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} {module}"$@"\n')
        wrapper.chmod(0o755)
    return Stage(place)


def _executed(page: str) -> str:
    """The commands of a page's shell blocks, in their order, without those that are only parsed."""
    return "\n".join(command for command in _blocks(ROOT / page) if command not in NOT_EXECUTED)


@pytest.fixture
def containers(stage: Stage, require_lab: Callable[[str], None]) -> Iterator[Stage]:
    """A stage where the pages' ``lab down --all`` ends what this test brought up, and no other lab."""
    require_lab("containers")
    yield from _with_lab(stage)


def _with_lab(stage: Stage) -> Iterator[Stage]:
    stage.words["lab down --all"] = 'lab down "$(sed -n "s/^run \\([a-z0-9]*\\);.*/\\1/p" up.err)"'
    stage.words["> site.yaml"] = "> site.yaml 2> up.err"
    yield stage
    said = (stage.place / "up.err").read_text() if (stage.place / "up.err").exists() else ""
    for run in re.findall(r"^run ([a-z0-9]+);", said, re.MULTILINE):
        subprocess.run(
            [stage.place / ".venv/bin/walrus-ha", "lab", "down", run],
            env=stage.environment,
            capture_output=True,
            timeout=60,
            check=False,
        )


takes_a_lab = pytest.mark.timeout(900)  # half a minute, where nobody else wants the processors


@takes_a_lab
def test_readme(containers: Stage) -> None:
    assert "The pair serves the store" in containers.run(_executed("README.md"))


@takes_a_lab
def test_the_first_tutorial(containers: Stage) -> None:
    said = containers.run(_executed("docs/tutorial/first-rehearsal.md"))
    assert "Nothing found: the hosts are ready for the move." in said
    assert "The pair serves the store" in said


def test_the_page_on_ci(stage: Stage) -> None:
    site = stage.place / "site"
    site.mkdir()
    shutil.copy(ROOT / "scenarios/core/success-with-full-sync.yaml", site)
    stage.run(_executed("docs/how-to/ci.md"))
    assert "success-with-full-sync" in (stage.place / "rehearsal.xml").read_text()


def test_the_page_on_the_sweep(stage: Stage) -> None:
    assert "All invariants hold." in stage.run(_executed("docs/reference/sweep.md"))


def test_the_page_on_rehearsals_on_record(stage: Stage) -> None:
    (stage.place / "known_hosts").touch()
    (stage.place / "site.yaml").write_text(_SITE.format(known_hosts=stage.place / "known_hosts"))
    stage.run(_executed("docs/how-to/rehearsal-on-record.md"))
    assert len(list((stage.place / "runs" / "certificates").glob("*.json"))) == 1


_SITE = """
all: {{vars: {{ansible_user: root, migrate: {{known_hosts: {known_hosts}, backing_device: /dev/sdb1}}}}}}
original: {{hosts: {{walrus00: {{ansible_host: 10.0.0.1}}}}}}
additional: {{hosts: {{walrus01: {{ansible_host: 10.0.0.2}}}}}}
clc: {{hosts: {{clc00: {{ansible_host: 10.0.0.3}}}}}}
"""


@takes_a_lab
def test_the_page_on_a_sites_facts(containers: Stage) -> None:
    said = containers.run(_UP + _executed("docs/how-to/rehearse-your-site.md") + "\n" + _DOWN)
    assert "site-as-it-is" in said


@takes_a_lab
def test_the_page_on_the_window(containers: Stage) -> None:
    said = containers.run(_UP + _executed("docs/explanation/window.md") + "\n" + _DOWN)
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
            said = containers.run(_executed("docs/how-to/while-it-runs.md"))
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
    said = containers.run(_executed("docs/how-to/controller-lost.md") + "\n" + _DOWN)
    assert "is taken over as" in said
    assert "The original serves the store alone again" in said


@takes_a_lab
def test_the_tutorial_on_real_drbd(stage: Stage, demanded_lab: Callable[[str], None]) -> None:
    demanded_lab("machines")
    for _ in _with_lab(stage):
        stage.words["> pair.yaml"] = "> pair.yaml 2> up.err"
        stage.words["RUN=f3b007b8"] = 'RUN="$(sed -n "s/^run \\([a-z0-9]*\\);.*/\\1/p" up.err)"'
        stage.words["verify pair-0b7d4dbc"] = 'verify "$(basename runs/pair-*)"'
        stage.words["report pair-0b7d4dbc"] = 'report "$(basename runs/pair-*)"'
        stage.run(_executed("docs/tutorial/real-drbd.md"))


def test_every_page_with_commands_is_executed() -> None:
    source = Path(__file__).read_text()
    for page in PAGES:
        if any(command not in NOT_EXECUTED for command in _blocks(page)):
            assert f'_executed("{_id(page)}")' in source, f"{_id(page)} shows commands that no test types"


def test_no_reason_outlives_its_command() -> None:
    shown = {command for page in PAGES for command in _blocks(page)}
    assert set(NOT_EXECUTED) <= shown
