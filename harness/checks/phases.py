"""When the procedure was where, told from what was sent, not from what anybody says.

The vendor's text has steps of its own; where it copies the store away it takes it for frozen, as our engine does after
its freeze, and its last step is where the pair is trusted to serve.

A request is recorded when its answer is there, so its effect lies between the record before and its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.evidence import Attempt, Evidence, Sent

STOP = "stop-services"
STOPS = frozenset({STOP, "stop-pair"})
FREEZE = frozenset({"freeze-manifest", "freeze-pair", "c3-copy-away"})
RESTORE = frozenset({"restore-store", "copy-difference", "c6-copy-back"})
AHEAD = "copy-ahead"  # an online move has data on the device long before its freeze
COMMIT = "commit"
PAST_COMMIT = frozenset({"start-services", "set-properties", "confirm-service", "c8-start"})
FROM_REVERSE_COMMIT_ON = frozenset({"commit-reverse", "start-original"})
_OF_THE_WAY_BACK = frozenset(
    {"stop-pair", "connect-pair", "release-pair", "sync-pair", "promote-original", "mount-pair", "freeze-pair"}
    | {"copy-back", "take-pair-down", "keep-pair-down", "put-store-back", "unconfigure", "commit-reverse"}
    | {"start-original", "confirm-original", "deregister-additional", "start-additional", "reset-properties"}
)
ENDS_MOVED, ENDS_REVERSED = ("completed", "reverse_taken_back"), "reversed"
FOREVER = float("inf")


@dataclass(frozen=True)
class Quiet:
    """A time in which nothing may write to the store: from its freezing to the commit, or until the stop is undone."""

    start: float
    end: float
    committed: bool

    def holds(self, at: float) -> bool:
        """Strictly inside: what happens at the very edge belongs to the step that made the edge."""
        return self.start < at < self.end


def committed_at(evidence: Evidence) -> float | None:
    """When the commit was reached, None when it never was."""
    commit = _commit(evidence.sent)
    return commit.at if commit else None


def _commit(sent: list[Sent]) -> Sent | None:
    """The first request of the commit.

    One whose record was lost with its controller, and whose stop was taken back before anything was asked of a later
    step, is no commit: another controller did not know of it, and the old store serves.
    """
    begun: Sent | None = None
    for one in sent:
        if one.step in PAST_COMMIT:
            return begun or one
        if one.step == COMMIT:
            begun = begun or one
        elif begun and _starts_services_again(one):
            begun = None
    return begun


def reverse_committed_at(evidence: Evidence) -> float | None:
    """When a reverse move's own commit was reached, None when none ever was."""
    return next((sent.at for sent in evidence.sent if sent.step in FROM_REVERSE_COMMIT_ON), None)


def quiet_times(evidence: Evidence) -> list[Quiet]:
    """Every quiet time; more than one when a move was rolled back and begun anew."""
    return list(_quiet_times(evidence.sent))


def _quiet_times(sent: list[Sent]) -> Iterator[Quiet]:
    start: float | None = None
    before = 0.0
    commit = _commit(sent)
    for one in sent:
        if start is None and one.step in FREEZE:
            start = one.at
        elif start is not None and (one is commit or one.step in FROM_REVERSE_COMMIT_ON):
            yield Quiet(start, one.at, True)
            start = None
        elif start is not None and _starts_services_again(one):
            yield Quiet(start, before, False)
            start = None
        before = one.at
    if start is not None:
        yield Quiet(start, FOREVER, False)


def _starts_services_again(sent: Sent) -> bool:
    """Undoing the stop; the step itself, going forward, never starts anything."""
    words = sent.what.split()
    return sent.step in STOPS and sent.effect != "read" and words[:1] == ["service"] and words[-1:] == ["start"]


def moved(evidence: Evidence) -> bool:
    """Some attempt completed the move, and none took it back afterwards."""
    commands = [attempt for attempt in evidence.attempts if attempt.command != "retire"]
    ends = [attempt.outcome for attempt in commands if attempt.outcome in (*ENDS_MOVED, ENDS_REVERSED)]
    return bool(ends) and ends[-1] != ENDS_REVERSED and not on_the_way_back(evidence)


def ever_moved(evidence: Evidence) -> bool:
    """Some attempt completed the move, whatever came then."""
    return any(attempt.outcome == "completed" and attempt.command != "retire" for attempt in evidence.attempts)


def retired(evidence: Evidence) -> bool:
    """The kept copies were deleted on purpose, by a command of its own that succeeded."""
    return any(attempt.command == "retire" and attempt.outcome == "completed" for attempt in evidence.attempts)


def reversed_(evidence: Evidence) -> bool:
    """The last thing that an attempt brought to its end was the reverse move."""
    return last_outcome(evidence) == ENDS_REVERSED


def went_back(evidence: Evidence) -> bool:
    """A reverse move changed something at some time."""
    return any(sent.step in _OF_THE_WAY_BACK and sent.effect != "read" for sent in evidence.sent)


def on_the_way_back(evidence: Evidence) -> bool:
    """A reverse move had begun to change something when the last attempt ended without bringing it to an end."""
    if last_outcome(evidence) in (*ENDS_MOVED, ENDS_REVERSED, "refused"):
        return False
    last = len(recorded(evidence))
    return any(sent.attempt == last and sent.step in _OF_THE_WAY_BACK for sent in evidence.sent)


def last_outcome(evidence: Evidence) -> str:
    """The last attempt's outcome, empty when there was no attempt."""
    return evidence.attempts[-1].outcome if evidence.attempts else ""


def recorded(evidence: Evidence) -> list[Attempt]:
    """The attempts whose requests are recorded; ``Sent.attempt`` counts these from 1."""
    ours = ("migrate", "rollback", "retire", "adopt")
    return [attempt for attempt in evidence.attempts if attempt.command in ours]


def changes_by(evidence: Evidence, number: int) -> list[Sent]:
    """Everything that the attempt of this number sent to change a host; raising or releasing an epoch counts."""
    return [sent for sent in evidence.sent if sent.attempt == number and sent.effect != "read"]
