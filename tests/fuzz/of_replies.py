"""Parsers of what comes over the connection: a reply with its greeting and last line, and what ssh says without one."""

from __future__ import annotations

import os
from typing import IO, cast

from harness.errors import AccessDenied, CommandFailed, Fenced, Held, Indeterminate, Rebooted, Unreachable
from harness.hosts.command import AskHolder, Claim, Command, Fence, PollJob, Request
from harness.hosts.exchange import NotSent, Reply, answer
from harness.hosts.script import Message
from harness.hosts.ssh import SshConnection, SshTransport
from harness.hosts.stream import Stream
from tests.fuzz.printed import Row

GREETING, MARK = "5a5a5a5a-ready", "c3c3c3c3"
_MESSAGE = Message(f"{GREETING}\n".encode(), MARK.encode(), b"", (), True)
_REQUESTS: tuple[Request, ...] = (Command(("true",)), PollJob("job.1"), AskHolder(), Claim(Fence(3, "run")))
_REFUSALS = (Fenced, Held, Rebooted, CommandFailed, Indeterminate)


def _read(given: bytes, step: int) -> tuple[Stream, tuple[str, ...]]:
    """The stream as it comes in pieces of ``step`` bytes."""
    far, near = os.pipe()[::-1]
    try:
        with os.fdopen(near, "rb", buffering=0) as pipe:
            stream = Stream(cast(IO[bytes], pipe), _MESSAGE)
            for at in range(0, len(given), step):
                os.write(far, given[at : at + step])
                stream.read()
            os.close(far)
            far = -1
            while stream.read():
                pass
            return stream, stream.words() if stream.complete else ()
    finally:
        if far >= 0:
            os.close(far)


def _reply(given: bytes) -> object:
    """However the bytes are cut into pieces, the reply is the same; a complete one is understood or refused."""
    whole, words = _read(given, 32768)
    pieces, same_words = _read(given, max(1, len(given) // 7))
    assert (whole.greeted, whole.complete, words) == (pieces.greeted, pieces.complete, same_words), "pieces matter"
    assert whole.content() == pieces.content(), "pieces matter"
    if not whole.complete:
        return whole.text()
    assert f"\n{MARK}".encode() not in whole.content(), "the end was overlooked"
    request = _REQUESTS[len(given) % len(_REQUESTS)]
    return answer("walrus00", request, Reply(words, whole.content(), b""))


_TRANSPORT = SshTransport("walrus00", SshConnection("10.0.0.10"))


def _ssh(given: bytes) -> object:
    """What ssh said becomes one error; the status of ssh itself is 255."""
    status = (255, 255, None, -9, 1, 127)[len(given) % 6]
    text = given.decode("utf-8", "backslashreplace")
    error = _TRANSPORT._no_shell(NotSent(status, text))
    assert isinstance(error, AccessDenied | Unreachable)
    assert len(str(error).split("\n")) == 1, "more than a line"
    return str(error)


TABLE: dict[str, Row] = {
    "reply": (_reply, _REFUSALS),
    "ssh": (_ssh, (AccessDenied, Unreachable)),
}
