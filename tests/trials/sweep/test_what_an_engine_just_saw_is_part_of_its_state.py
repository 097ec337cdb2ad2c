"""An engine that just saw a tree does not list it again, so it is in another state than one that did not."""

from __future__ import annotations

from harness.hosts.command import Request
from harness.labs.simulated import SimulatedLab
from harness.trials.sweep.points import Point
from harness.trials.sweep.slices import small_start
from harness.trials.sweep.story import Known, Story


class _Asks:
    """Asks for the state's name wherever the engine is about to send something and just saw a tree."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self.names: list[tuple[str | None, str | None]] = []  # as it is, and as if it had seen nothing

    def at_command(self, number: int, role: str, request: Request) -> Point | None:
        migration = self._story._migration
        engine = migration.engine if migration else None
        if engine and (seen := engine.site.memory.just_seen()) and len(self.names) < 3:
            as_it_is = self._story.key("here")
            engine.site.memory.forget_what_was_seen()
            self.names.append((as_it_is, self._story.key("here")))
            for tree in seen:
                engine.site.memory.saw_as_frozen(tree, self._story.opened.clock.now())
        return None

    def at_record(self, number: int, moment: str) -> bool:
        return False

    def at_pause(self, number: int) -> str | None:
        return None


def test_a_state_in_which_a_tree_was_just_seen_has_a_name_of_its_own() -> None:
    with SimulatedLab().open(small_start()) as opened:
        story = Story(opened, Known())
        story.conductor.brancher = asks = _Asks(story)
        assert story.tell().outcomes == ("completed",)
    told = [(one, other) for one, other in asks.names if one is not None]
    assert told
    assert all(one != other for one, other in told)
