"""Between stopping and starting, an online move lists either side a few times, and goes through neither for a copy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from harness.clock import Clock, Found
from harness.hosts.command import Answer, Command, Fence, Request, StartJob
from harness.hosts.function import FunctionConnection
from harness.inventory import Inventory, Node
from harness.labs import catalogue
from harness.labs.lab import Start, StoreSpec
from harness.migration.run import Migration

_START = Start(store=StoreSpec(objects=40, bytes=1024**2, hostile_names=True), settings={"strategy": "online"})
_MOST_LISTINGS = 5  # the store when it is frozen, set aside and committed to; the copy when compared and handed over
_MOST_REQUESTS, _MOST_IN_A_ROW = 130, 90


class _Counting:
    """The lab's clock. What is done at the same time counts as its longest part."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.in_a_row = 0

    def now(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    def date(self) -> str:
        return self._clock.date()

    def dated_s(self) -> float:
        return self._clock.dated_s()

    def together(self, works: Sequence[Callable[[], Found]]) -> list[Found]:
        begin, found, longest = self.in_a_row, [], self.in_a_row
        for work in works:
            self.in_a_row = begin
            found.append(work())
            longest = max(longest, self.in_a_row)
        self.in_a_row = longest
        return found


def _kind(request: Request) -> str:
    command = request.command if isinstance(request, StartJob) else request
    if not isinstance(command, Command):
        return type(command).__name__
    words = command.argv
    if words[0] == "find" and "-mindepth" not in words:
        return "listing"
    return "getfattr" if "getfattr" in words and words[0] != "which" else words[0]


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> tuple[Counter[str], int]:
    """The requests from the original's stop to the original's start by kind, and how many came one after the other."""
    sent: list[tuple[str, str, int]] = []
    with catalogue.find("simulated").open(_START) as opened:
        clock = _Counting(opened.clock)

        def watched(node: Node) -> Node:
            connection = node.connection
            assert isinstance(connection, FunctionConnection)

            def send(name: str, request: Request, fence: Fence | None = None) -> Answer:
                clock.in_a_row += 1
                sent.append((f"{name}: {request}", _kind(request), clock.in_a_row))
                return connection.function(name, request, fence)

            return replace(node, connection=FunctionConnection(send))

        told = opened.inventory
        inventory = Inventory(
            watched(told.original), watched(told.additional), watched(told.clc), told.settings, told.source
        )
        outcome = Migration(inventory, tmp_path_factory.mktemp("run"), clock).migrate()
    assert outcome.outcome == "completed", outcome.message
    said = [text for text, _, _ in sent]
    begin = said.index(f"{told.original.name}: service {told.settings.service} stop")
    end = said.index(f"{told.original.name}: service {told.settings.service} start")
    return Counter(kind for _, kind, _ in sent[begin : end + 1]), sent[end][2] - sent[begin][2] + 1


def test_either_side_is_listed_a_few_times_only(window: tuple[Counter[str], int]) -> None:
    assert window[0]["listing"] <= _MOST_LISTINGS


def test_attributes_that_nobody_changed_are_not_read(window: tuple[Counter[str], int]) -> None:
    assert window[0]["getfattr"] == 0


def test_trees_that_are_equal_are_not_gone_through_by_a_copy(window: tuple[Counter[str], int]) -> None:
    assert window[0]["rsync"] == 0


def test_few_requests_come_one_after_the_other(window: tuple[Counter[str], int]) -> None:
    kinds, in_a_row = window
    assert kinds.total() <= _MOST_REQUESTS
    assert in_a_row <= _MOST_IN_A_ROW
