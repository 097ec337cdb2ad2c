"""One parser, many inputs: only its documented errors come out, and none takes a second of the processor."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType

from tests.fuzz.inputs import Inputs, kept
from tests.fuzz.parsers import Parser
from tests.fuzz.quoting import Quoting

PATIENCE_S = 1.0
_MOST_FINDS = 20


class TooSlow(BaseException):
    """An input took the whole second; no handler of a parser sees it."""


@dataclass(frozen=True)
class Find:
    """An input that broke its parser, and how."""

    input: bytes
    what: str

    def __str__(self) -> str:
        return f"{self.what}\n    from {self.input[:400]!r}"


@dataclass
class Report:
    """What came of it. ``parsed`` counts the inputs that the parser understood; the others it refused in words."""

    parser: str
    inputs: int = 0
    parsed: int = 0
    seconds: float = 0.0
    finds: dict[str, Find] = field(default_factory=dict)  # the first of each kind

    @property
    def rate(self) -> float:
        """Inputs a second."""
        return self.inputs / self.seconds if self.seconds else 0.0


def fuzz(parser: Parser, inputs: int, seed: int, shell_sample: int = 200) -> Report:
    """Feed the parser; the same seed gives the same inputs."""
    report = Report(parser.name)
    quoting = Quoting(shell_sample, seed)
    source = Inputs(kept(parser.name), parser.tokens, parser.sentence, seed)
    started = time.perf_counter()
    with _bounded():
        for _ in range(inputs):
            _one(parser, source.next(), quoting, report)
            if len(report.finds) >= _MOST_FINDS:
                break
    report.seconds = time.perf_counter() - started
    try:
        quoting.ask_a_shell()
    except AssertionError as wrong:
        report.finds[str(wrong)[:60]] = Find(b"", str(wrong))
    return report


def _one(parser: Parser, given: bytes, quoting: Quoting, report: Report) -> None:
    report.inputs += 1
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE_S)
        try:
            found = parser.parse(given)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        report.parsed += 1
        quoting.check(found)
    except parser.errors:
        pass
    except TooSlow:
        report.finds.setdefault("slow", Find(given, f"took more than {PATIENCE_S:g} s"))
    except Exception as error:  # noqa: BLE001 - whatever else comes out is the find
        report.finds.setdefault(_place(error), Find(given, f"{_place(error)}: {error!s:.300}"))


def _place(error: BaseException) -> str:
    """The kind of an error and the line that raised it: two finds of one place are one."""
    trace, line = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        line = f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {line}"


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """The processor's time of this process rings the bell, so that a crowded machine is not taken for a slow parser."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    assert threading.current_thread() is threading.main_thread(), "signals arrive in the main thread only"
    before = signal.signal(signal.SIGVTALRM, ring)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
