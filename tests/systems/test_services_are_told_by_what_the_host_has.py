"""chkconfig where there is one, systemctl where there is none; what neither says clearly is not guessed."""

from __future__ import annotations

import pytest

from harness.clock import WallClock
from harness.errors import UnexpectedOutput
from harness.hosts.command import Answer, Command, Fence, Request, Result
from harness.hosts.function import FunctionConnection
from harness.hosts.host import Reader
from harness.systems import services

MISSING = Result(127, b"", b"sh: chkconfig: not found\n")


def asked(answer: Result) -> bool | None:
    """Whether the service starts at boot on a host without chkconfig whose systemctl answers so."""

    def send(name: str, request: Request, fence: Fence | None) -> Answer:
        assert isinstance(request, Command)
        return MISSING if request.argv[0] == "chkconfig" else answer

    transport = FunctionConnection(send, "a host").open("walrus00")
    return services.at_boot(Reader("walrus00", transport, WallClock()), "drbd")


@pytest.mark.parametrize(
    ("printed", "starts"),
    [("enabled", True), ("disabled", False), ("masked", False), ("enabled-runtime", False), ("not-found", None)],
)
def test_what_the_unit_is(printed: str, starts: bool | None) -> None:
    assert asked(Result(0 if starts else 1, f"{printed}\n".encode(), b"")) is starts


def test_a_unit_that_is_not_there_is_none() -> None:
    words = b"Failed to get unit file state for drbd.service: No such file or directory\n"
    assert asked(Result(1, b"", words)) is None


def test_what_a_redirected_init_script_says_counts() -> None:
    notes = b"drbd.service is not a native service, redirecting to systemd-sysv-install.\n"
    assert asked(Result(0, b"enabled\n", notes)) is True


@pytest.mark.parametrize(
    "answer",
    [
        Result(0, b"static\n", b""),
        Result(0, b"indirect\n", b""),
        Result(1, b"", b"Failed to connect to bus: No such file or directory\n"),
        MISSING,
    ],
)
def test_what_is_unclear_is_an_error(answer: Result) -> None:
    with pytest.raises(UnexpectedOutput, match=r"systemctl is-enabled drbd\.service printed"):
        asked(answer)
