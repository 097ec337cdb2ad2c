"""What a scenario does beside the first attempt: after it, and before it. One class or word, one action."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from harness.inventory import Settings
from harness.trials.fault_kinds import AnyHost, Order, Place, Seconds
from harness.trials.hazards import OneLine, Role, WalrusRole
from harness.yamlmodel import Strict


class PowerOn(Strict):
    """Start a host that was powered off and wait until it answers."""

    power_on: AnyHost


class Heal(Strict):
    """End every fault that is still on."""

    heal: Literal["all"]


class Wait(Strict):
    """Let time pass."""

    wait_s: Seconds


class Filled(Strict):
    """A disk that a fault filled."""

    host: WalrusRole
    path: Place


class FreeDisk(Strict):
    """Give the room back that ``fill_disk`` took."""

    free_disk: Filled


class OutsiderRuns(Strict):
    """Somebody else runs a command on a host, between two attempts."""

    outsider: Order


class ResumeWith(Strict):
    """Run the move again with other settings than it was begun with: the inventory was edited in between."""

    resume_with: Settings


class TypedLine(Strict):
    """A line that the vendor's operator types on a host beside the text."""

    host: Role
    line: OneLine


class TypeLine(Strict):
    """Let the vendor's operator type one more line."""

    type_line: TypedLine


class ClientWrites(Strict):
    """A client changes an object through the Walrus of a host, which serves at that moment."""

    client_writes: WalrusRole


class PowerOffNow(Strict):
    """A host loses power now, between two attempts; ``power_on`` or ``heal`` ends that."""

    power_off_now: WalrusRole


class PowerCut(Strict):
    """Hosts that lose power at the same time, and for how long."""

    host: Literal["original", "additional", "both"]
    for_s: Annotated[float, Field(gt=0, le=86_400)]


class CutPower(Strict):
    """Cut the power now; when it is back nobody types anything.

    The trial goes on once there is one ENABLED and one DISABLED Walrus again, or after a minute without.
    """

    cut_power: PowerCut


class CutNow(Strict):
    """Cut the replication link now; it is whole again after so many seconds."""

    cut_link_for_s: Annotated[float, Field(gt=0, le=86_400)]


def _action_kind(value: Any) -> str | None:
    """The tag of an action: a bare word, or the single key of a map."""
    if isinstance(value, str):
        return "word"
    if isinstance(value, Strict):
        return next(iter(type(value).model_fields))
    if isinstance(value, dict) and len(value) == 1:
        return str(next(iter(value)))
    return None


Word = Literal[
    "resume",
    "rollback",
    "run_again",
    "adopt",
    "first_wakes",
    "plan",
    "write_served",
    "delete_served",
    "retire",
]
Action = Annotated[
    Annotated[Word, Tag("word")]
    | Annotated[PowerOn, Tag("power_on")]
    | Annotated[Heal, Tag("heal")]
    | Annotated[Wait, Tag("wait_s")]
    | Annotated[FreeDisk, Tag("free_disk")]
    | Annotated[OutsiderRuns, Tag("outsider")]
    | Annotated[ResumeWith, Tag("resume_with")]
    | Annotated[TypeLine, Tag("type_line")]
    | Annotated[ClientWrites, Tag("client_writes")]
    | Annotated[CutPower, Tag("cut_power")]
    | Annotated[CutNow, Tag("cut_link_for_s")]
    | Annotated[PowerOffNow, Tag("power_off_now")],
    Discriminator(_action_kind),
]


First = Annotated[
    Annotated[Literal["plan"], Tag("word")] | Annotated[OutsiderRuns, Tag("outsider")], Discriminator(_action_kind)
]
