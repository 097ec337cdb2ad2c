"""Where a page's commands are typed, and a lab there that ends with the test."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.shown import ROOT

# What belongs to one place of work, and what is written there.
_NOT_SHARED = (".git", ".venv", "runs", "reports", "site.yaml", "bench.json")
_SHELL = ("bash", "-euo", "pipefail", "-O", "expand_aliases", "-c")
_RUN_OF = 'sed -n "s/^run \\([a-z0-9]*\\);.*/\\1/p"'


@dataclass
class Stage:
    """A directory that looks like a checkout, and what the page takes for given."""

    place: Path
    words: dict[str, str] = field(default_factory=dict)  # what the page shows, and what it is here
    variables: dict[str, str] = field(default_factory=dict)  # of the environment, besides the usual

    @property
    def environment(self) -> Mapping[str, str]:
        tools = f"{self.place}/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        state = {"WALRUS_HA_STATE": str(self.place / "runs"), "HOME": os.environ.get("HOME", "/root")}
        return {"PATH": tools, **state, "LC_ALL": "C.UTF-8", **self.variables}

    def run(self, script: str, timeout_s: float = 800.0, ends: Collection[int] = (0,)) -> str:
        """Type a script; what it printed.

        Raises:
            AssertionError: a command of it failed; it ended with none of the statuses that it may end with.
        """
        script = self._here(script)
        done = subprocess.run(
            [*_SHELL, script],
            cwd=self.place,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode in ends, f"{script}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def run_until(self, command: str, seen: re.Pattern[str], within_s: float) -> re.Match[str]:
        """Type one command, and end it by an interrupt once it has printed this on standard error; what was found.

        Raises:
            AssertionError: it ended by itself, or too much time passed.
        """
        told = self.place / "told"
        deadline = time.monotonic() + within_s
        with open(told, "wb") as err:
            begun = subprocess.Popen(
                [*_SHELL, f"exec {self._here(command)}"], cwd=self.place, env=self.environment, stderr=err
            )
        try:
            while not (found := seen.search(told.read_text())):
                assert begun.poll() is None, told.read_text()
                assert time.monotonic() < deadline, f"not within {within_s:g} s: {told.read_text()}"
                time.sleep(0.1)
            begun.send_signal(signal.SIGINT)
            begun.wait(60)
        finally:
            begun.kill()
            begun.wait(60)
        return found

    def _here(self, script: str) -> str:
        for shown, here in self.words.items():
            script = script.replace(shown, here)
        return script


def like_a_checkout(place: Path) -> Stage:
    """A stage in which everything of the checkout is found, and nothing is left behind in it."""
    place.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in _NOT_SHARED:
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


@contextmanager
def with_labs(stage: Stage, *inventories: str) -> Iterator[Stage]:
    """``lab down --all`` ends what was brought up for these inventories and no other lab; so does the test's end."""
    told = [f"{inventory}.err" for inventory in inventories]
    for inventory, err in zip(inventories, told, strict=True):
        stage.words[f"> {inventory}"] = f"> {inventory} 2> {err}"
    down = ".venv/bin/walrus-ha lab down"
    stage.words[f"{down} --all"] = f"for run in $({_RUN_OF} *.yaml.err); do {down} $run; done"
    try:
        yield stage
    finally:
        for err in told:
            _end_labs(stage, stage.place / err)


def _end_labs(stage: Stage, told: Path) -> None:
    for run in re.findall(r"^run ([a-z0-9]+);", told.read_text() if told.exists() else "", re.MULTILINE):
        subprocess.run(
            [stage.place / ".venv/bin/walrus-ha", "lab", "down", run],
            env=stage.environment,
            capture_output=True,
            timeout=60,
            check=False,
        )


def run_of(inventory: str) -> str:
    """For a shell: the run of the lab that was brought up for an inventory."""
    return f'"$({_RUN_OF} {inventory}.err)"'
