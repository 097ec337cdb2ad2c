"""chkconfig where there is one, systemctl where there is none; what neither says clearly is not guessed."""

from __future__ import annotations

import pytest

from harness.clock import WallClock
from harness.errors import CommandFailed, UnexpectedOutput
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


def running(answer: Result) -> list[int]:
    """The processes of eucalyptus-cloud on a host whose kernel tells so of all its processes."""
    transport = FunctionConnection(lambda *_: answer, "a host").open("walrus00")
    return services.processes(Reader("walrus00", transport, WallClock()), "eucalyptus-cloud")


def test_a_service_is_its_program_or_whoever_writes_its_pid_file() -> None:
    told = (
        b"/proc/1/cmdline:/sbin/init\0\n"
        b"/proc/20/cmdline:/usr/sbin/eucalyptus-cloud\0-f\0\n"
        b"/proc/21/cmdline:java\0-Deuca.pid=/var/run/eucalyptus-cloud.pid\0\n"
        b"/proc/22/cmdline:vi\0/usr/sbin/eucalyptus-cloud\0\n"
        b"/proc/23/cmdline:printf\0a\n"
        b"/proc/23/cmdline:eucalyptus-cloud\0\n"
    )
    assert running(Result(0, told)) == [20, 21]


def test_a_process_that_ends_while_all_are_listed_is_none() -> None:
    assert running(Result(2, b"/proc/1/cmdline:/sbin/init\0\n")) == []


@pytest.mark.parametrize("answer", [Result(127, b"", b"grep: not found\n"), Result(1, b"")])
def test_a_list_that_cannot_be_made_is_no_empty_list(answer: Result) -> None:
    with pytest.raises(CommandFailed):
        running(answer)


def test_a_list_without_even_its_own_process_tells_nothing() -> None:
    with pytest.raises(UnexpectedOutput, match="no process is listed"):
        running(Result(2, b""))
