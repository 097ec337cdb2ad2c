"""One parser, many inputs: only its documented errors come out, and none takes a second of the processor.

Inputs come in shares, each with a seed of its own, so that several processes go through the same inputs as one.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from types import FrameType

from tests.fuzz.inputs import Inputs, kept
from tests.fuzz.parsers import Parser
from tests.fuzz.quoting import Quoting

PATIENCE_S = 1.0
_MOST_FINDS = 20
_SHARE = 10_000  # inputs


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
    seconds: float = 0.0  # of the processor
    slowest_s: float = 0.0  # the same, of one input
    finds: dict[str, Find] = field(default_factory=dict)  # the first of each kind

    @property
    def rate(self) -> float:
        """Inputs in a second of one processor."""
        return self.inputs / self.seconds if self.seconds else 0.0

    def add(self, share: Report) -> None:
        """What came of more inputs."""
        self.inputs, self.parsed = self.inputs + share.inputs, self.parsed + share.parsed
        self.seconds, self.slowest_s = self.seconds + share.seconds, max(self.slowest_s, share.slowest_s)
        self.finds = share.finds | self.finds


@dataclass(frozen=True)
class _Work:
    """All inputs of one parser."""

    parser: Parser
    inputs: int
    seed: int
    shell_sample: int

    @property
    def shares(self) -> range:
        return range(-(-self.inputs // _SHARE))

    def share(self, number: int) -> Report:
        """What comes of a share; the first one begins with the corpus as it is."""
        report = Report(self.parser.name)
        seed = f"{self.seed}.{number}" if number else self.seed
        quoting = Quoting(-(-self.shell_sample // len(self.shares)), seed)
        source = Inputs(kept(self.parser.name), self.parser.tokens, self.parser.sentence, seed, as_they_are=not number)
        started = time.process_time()
        with _bounded():
            for _ in range(min(_SHARE, self.inputs - number * _SHARE)):
                _one(self.parser, source.next(), quoting, report)
                if len(report.finds) >= _MOST_FINDS:
                    break
        report.seconds = time.process_time() - started
        try:
            quoting.ask_a_shell()
        except AssertionError as wrong:
            report.finds[str(wrong)[:60]] = Find(b"", str(wrong))
        return report


def fuzz(parser: Parser, inputs: int, seed: int, shell_sample: int = 200, processes: int = 1) -> Report:
    """Feed the parser; the same seed gives the same inputs, however many processes go through them."""
    report = Report(parser.name)
    work = _Work(parser, inputs, seed, shell_sample)
    try:
        for share in _in_processes(processes, work) if processes > 1 else map(work.share, work.shares):
            report.add(share)
            if len(report.finds) >= _MOST_FINDS:
                break
    except BrokenProcessPool:
        what = f"a process died at one of the inputs behind {report.inputs} of seed {seed}"
        report.finds["died"] = Find(b"", what)
    return report


_works: list[_Work] = []
"""What this process was forked for: a parser cannot be sent to it."""


def _in_processes(processes: int, work: _Work) -> Iterator[Report]:
    forked = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, forked, initializer=_works.append, initargs=(work,)) as pool:
        try:
            yield from pool.map(_share, work.shares)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _share(number: int) -> Report:
    return _works[-1].share(number)


def _one(parser: Parser, given: bytes, quoting: Quoting, report: Report) -> None:
    report.inputs += 1
    try:
        began = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE_S)
        try:
            found = parser.parse(given)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            report.slowest_s = max(report.slowest_s, time.process_time() - began)
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
