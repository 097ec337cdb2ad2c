"""Whatever is killed, cut, filled and taken back in whatever order: a complete copy exists, and the move ends well.

A few examples; ``WALRUS_HA_STATES=N`` asks for N, other ones each time.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Literal

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from harness.labs.lab import ADDITIONAL, CLC, ORIGINAL
from tests.trials.chaos import DrivenTrial, driven, told

ASKED = os.environ.get("WALRUS_HA_STATES")
EXAMPLES = int(ASKED or 8)
HOSTS = st.sampled_from((ORIGINAL, ADDITIONAL, CLC))
COMMANDS = st.integers(1, 420)  # a move sends about as many
Moment = Literal["before", "after"]
MOMENTS = st.sampled_from(("before", "after"))
SECONDS = st.sampled_from((0.5, 2.0, 8.0, 40.0))
PLACES = st.sampled_from(((ORIGINAL, "store"), (ORIGINAL, "staging")))


class AnyOrder(RuleBasedStateMachine):
    """What can happen between two runs of the engine, or during one."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.trial: DrivenTrial | None = None
        self.deeds: list[str] = []

    @initialize(drbd=st.sampled_from(("8.4", "8.3")))
    def begin(self, drbd: str) -> None:
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.trial = self.stack.enter_context(driven(folder, drbd))

    def _do(self, deed: str) -> DrivenTrial:
        assert self.trial is not None
        self.deeds.append(deed)
        return self.trial

    # Engines

    @rule(nth=COMMANDS, when=MOMENTS)
    def kill_the_engine(self, nth: int, when: Moment) -> None:
        self._do(f"killed {when} {nth}").kill_at(nth, when)

    @rule()
    def migrate(self) -> None:
        self._do("migrated").migrate()

    @rule()
    def roll_back(self) -> None:
        self._do("rolled back").roll_back()

    @precondition(lambda self: self._held())
    @rule()
    def start_a_second_engine(self) -> None:
        self._do("second engine").second()

    def _held(self) -> bool:
        """The first engine holds every host, and all of them answer."""
        if self.trial is None:
            return False
        holders = self.trial.holders()
        return len(holders) == 3 and all(holder.run_id == "trial" for holder in holders.values())

    # Faults between runs

    @rule(host=HOSTS)
    def cut_the_power(self, host: str) -> None:
        self._do(f"{host} off").opened.faults.power_off(host)

    @rule(host=HOSTS)
    def return_the_power(self, host: str) -> None:
        self._do(f"{host} on").opened.faults.power_on(host)

    @rule()
    def cut_the_link(self) -> None:
        self._do("link cut").opened.faults.cut_link()

    @rule()
    def heal_the_link(self) -> None:
        self._do("link healed").opened.faults.heal_link()

    @rule(place=PLACES)
    def fill_a_disk(self, place: tuple[str, str]) -> None:
        with contextlib.suppress(OSError):  # the place is not there now
            self._do(f"{place} filled").opened.faults.fill_disk(*place)

    @rule(place=PLACES)
    def free_a_disk(self, place: tuple[str, str]) -> None:
        with contextlib.suppress(OSError):
            self._do(f"{place} freed").opened.faults.free_disk(*place)

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self._do(f"waited {seconds}").opened.clock.sleep(seconds)

    # Faults during a run

    @rule(nth=COMMANDS, when=MOMENTS, host=HOSTS, seconds=SECONDS)
    def cut_the_power_during_a_run(self, nth: int, when: Moment, host: str, seconds: float) -> None:
        trial = self._do(f"{host} off for {seconds} s {when} {nth}")
        faults = trial.opened.faults

        def cut() -> None:
            faults.power_off(host)
            trial.later(seconds, lambda: faults.power_on(host))

        trial.during(nth, when, cut)

    @rule(nth=COMMANDS, when=MOMENTS, seconds=SECONDS)
    def cut_the_link_during_a_run(self, nth: int, when: Moment, seconds: float) -> None:
        trial = self._do(f"link cut for {seconds} s {when} {nth}")
        faults = trial.opened.faults

        def cut() -> None:
            faults.cut_link()
            trial.later(seconds, faults.heal_link)

        trial.during(nth, when, cut)

    # What must hold

    @invariant()
    def a_complete_copy_exists(self) -> None:
        if self.trial is not None and self.deeds:
            self.trial.require_sound(f"after {'; '.join(self.deeds)}")

    def teardown(self) -> None:
        try:
            if self.trial is not None and self.deeds:
                wrongs = self.trial.wrongs()
                story = f"{'; '.join(self.deeds)}: {told(self.trial.evidence)}"
                assert not wrongs, f"{'; '.join(wrongs)}\nafter {story}"
        finally:
            self.stack.close()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=8,
    derandomize=ASKED is None,
    database=None,
    deadline=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),  # a story is short; making it shorter takes minutes
)
