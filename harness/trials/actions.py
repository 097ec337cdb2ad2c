"""Actions after a move that others than its driver take: clients, people, and the cable."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from harness.trials.hazards import OneLine, Role, WalrusRole
from harness.yamlmodel import Strict


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
