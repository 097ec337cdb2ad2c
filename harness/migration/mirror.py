"""What a run keeps on both hosts of the pair so that another controller can go on with it: journal and frozen manifest.

Before any change is sent to any host, both hosts have been given every record that the journal holds: an effect whose
intent is not in the mirror does not exist. One host that does not take it is passed over, as long as the other one
does; it is given all that it lacks the next time.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterable, Iterator
from functools import partial

from harness.clock import Clock
from harness.errors import CommandFailed, Fenced, HostError, Indeterminate, JournalDamaged, Unreachable
from harness.hosts.host import Host
from harness.migration.journal import parse, text_of
from harness.migration.memory import Memory

JOURNAL = "journal"
MANIFEST = "manifest"
_PIECE_BYTES = 1024 * 1024
_PASSED_OVER = (Unreachable, Indeterminate, CommandFailed)


class Mirror:
    """The mirror of one run on the pair, as far as this process knows it."""

    def __init__(self, pair: Iterable[Host], memory: Memory, clock: Clock) -> None:
        self._pair = list(pair)
        self._memory = memory
        self._clock = clock
        self._held: dict[str, int] = {}  # bytes of the journal that a host is known to hold
        self._records = 0
        self._text = b""
        self.best_effort = False  # taking back does not wait for a mirror
        self._flushing = threading.Lock()  # changes of two hosts may be about to be sent at the same time

    def flush(self) -> None:
        """Give the hosts what they lack of the journal, and before it the manifest that it names.

        Raises:
            HostError: neither host takes it; Fenced or Rebooted from either.
        """
        with self._flushing:
            name = self._memory.frozen_as
            digest = self._memory.fact(name)
            if digest and self._memory.fact(mirrored(name)) != digest:
                self._keep_manifest(name, digest)
            text = self._journal()
            behind = [host for host in self._pair if host.fence and self._held.get(host.name) != len(text)]
            if behind:
                self._everywhere([partial(self._catch_up, host, text) for host in behind], behind)

    def _journal(self) -> bytes:
        entries = self._memory.entries
        self._text += b"".join(text_of(entry) for entry in entries[self._records :])
        self._records = len(entries)
        return self._text

    def _catch_up(self, host: Host, text: bytes) -> HostError | None:
        held = self._held.pop(host.name, 0)
        try:
            try:
                host.keep_record(JOURNAL, text[held:], held)
            except CommandFailed:
                if not held:
                    raise
                host.keep_record(JOURNAL, text)  # it holds something else than we know of
        except HostError as error:
            return error
        self._held[host.name] = len(text)
        return None

    def _keep_manifest(self, name: str, digest: str) -> None:
        pieces = 0
        claimed = [host for host in self._pair if host.fence]
        for pieces, piece in enumerate(_pieces(self._memory.frozen_text()), 1):
            self._everywhere([partial(_keep, host, piece_of(name, pieces), piece) for host in claimed], claimed)
        self._memory.remember(mirrored(name, "pieces"), pieces)
        self._memory.remember(mirrored(name), digest)

    def _everywhere(self, works: list[partial[HostError | None]], hosts: list[Host]) -> None:
        errors = self._clock.together(works)
        for error in errors:
            if error is not None and not isinstance(error, _PASSED_OVER):
                raise error
        if errors and all(errors) and not self.best_effort and len(hosts) == len(self._pair):
            raise next(error for error in errors if error)

    def require_newest(self, answering: Iterable[Host]) -> None:
        """This run's journal is the newest: no other controller went on with it.

        Raises:
            Fenced: a host keeps records of this run that this journal does not have.
        """
        text = self._journal()
        for host in (host for host in answering if host in self._pair):
            try:
                kept = host.record(JOURNAL)
            except CommandFailed:
                kept = None  # whoever writes it next replaces it
            if kept is None or kept.partition(b"\n")[0] != text.partition(b"\n")[0]:
                self._held.pop(host.name, None)
                continue
            whole = kept[: kept.rfind(b"\n") + 1]
            if not text.startswith(whole) and _is_sound(whole):
                raise Fenced(
                    host.name,
                    "another controller adopted this run and went on with it: what this controller remembers is out "
                    "of date, and it must not touch the hosts any more",
                )
            self._held.pop(host.name, None)  # behind a torn end nothing can be added
            if whole == kept and text.startswith(whole):
                self._held[host.name] = len(whole)


def _is_sound(content: bytes) -> bool:
    """A journal whose chain holds; what is damaged is no evidence of another controller, and is replaced."""
    try:
        parse(content, JOURNAL)
    except JournalDamaged:
        return False
    return True


def _keep(host: Host, name: str, content: bytes) -> HostError | None:
    try:
        host.keep_record(name, content)
    except HostError as error:
        return error
    return None


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks compressed, in pieces of a size that a request carries without a thought."""
    pressed, waiting = zlib.compressobj(), bytearray()
    for chunk in chunks:
        waiting += pressed.compress(chunk)
        while len(waiting) >= _PIECE_BYTES:
            yield bytes(waiting[:_PIECE_BYTES])
            del waiting[:_PIECE_BYTES]
    yield bytes(waiting + pressed.flush())


def mirrored(name: str, what: str = "") -> str:
    """The fact that tells of the mirror of a manifest."""
    return "-".join(word for word in ("mirrored", name.removeprefix("frozen").lstrip("-"), what) if word)


def piece_of(name: str, number: int) -> str:
    """What a host calls a piece of a manifest: that of the pair lies beside that of the old disk."""
    return f"{MANIFEST}{name.removeprefix('frozen')}.{number}"


def manifest_on(host: Host, pieces: int, name: str = "frozen") -> Iterator[bytes]:
    """The frozen manifest as the host keeps it, piece by piece.

    Raises:
        JournalDamaged: it is not there, or not whole.
    """
    pressed = zlib.decompressobj()
    try:
        for number in range(1, pieces + 1):
            piece = host.record(piece_of(name, number)) or b""
            while piece:
                yield pressed.decompress(piece, _PIECE_BYTES)
                piece = pressed.unconsumed_tail
        yield pressed.flush()
    except zlib.error as error:
        raise JournalDamaged(f"{host.name}: the frozen manifest that is kept there is not whole: {error}") from error
    if not pressed.eof:
        raise JournalDamaged(f"{host.name}: the frozen manifest that is kept there is not whole")
