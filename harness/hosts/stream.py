"""What comes from a host on one of its two streams, told apart from noise, and kept however long it is."""

from __future__ import annotations

import os
from typing import IO

from harness.hosts.script import Message
from harness.hosts.spool import Spool

_CHUNK = 65536
_MOST_HELD = 1024 * 1024  # bytes of a reply; more of it lies in a file


class Stream:
    """One of the two streams from the host: noise, greeting, content, last line."""

    def __init__(self, pipe: IO[bytes], message: Message) -> None:
        self.pipe = pipe
        self.closed = False
        self.greeted = False
        self.complete = False
        self._greeting = message.greeting
        self._begin = message.mark + b" begin\n"
        self._end = b"\n" + message.mark
        self._data = bytearray()
        self._searched = 0  # nothing of interest begins before this
        self._end_at = 0
        self._spool: Spool | None = None  # what came before the data that is held

    def read(self) -> bool:
        """Take what there is; False at the end."""
        chunk = os.read(self.pipe.fileno(), _CHUNK)
        self._data += chunk
        self.closed = not chunk
        if not self.greeted:
            self._skip_noise()
        if self.greeted and not self.complete:
            self._find_end()
        return bool(chunk)

    def holds(self, words: bytes) -> bool:
        """These words have come; those that greet count after they were passed, too."""
        return words in self._data or (self.greeted and words == self._greeting)

    def skip(self, words: bytes) -> None:
        """Forget everything up to these words, and them."""
        del self._data[: self._data.find(words) + len(words)]

    def output(self) -> bytes | Spool:
        """What the request printed; everything so far when the stream is not complete."""
        end = self._end_at if self.complete else len(self._data)
        if self._spool is not None:
            self._put_away(end)
            return self._spool
        begin = len(self._begin) if self._data.startswith(self._begin) else 0
        return bytes(self._data[begin:end])

    def content(self) -> bytes:
        """The same as bytes."""
        output = self.output()
        return output if isinstance(output, bytes) else output.whole()

    def words(self) -> tuple[str, ...]:
        """The reply's last line without its mark."""
        return tuple(self._data[self._end_at + len(self._end) :].decode("ascii", "replace").split())

    def text(self) -> str:
        """Everything, for people to read."""
        return self._data.decode("utf-8", "backslashreplace")

    def _skip_noise(self) -> None:
        found = self._data.find(self._greeting)
        if found >= 0:
            self.greeted = True
            del self._data[: found + len(self._greeting)]

    def _find_end(self) -> None:
        at = self._data.find(self._end, self._searched)
        if at >= 0 and self._data.find(b"\n", at + len(self._end)) >= 0:
            self.complete, self._end_at = True, at
        elif at < 0:
            self._searched = max(0, len(self._data) - len(self._end))
            if len(self._data) > _MOST_HELD:
                self._put_away(self._searched)

    def _put_away(self, end: int) -> None:
        """Hold what comes from there on, in which the reply's last line may have begun, and nothing before."""
        begin = len(self._begin) if self._spool is None and self._data.startswith(self._begin) else 0
        self._spool = self._spool or Spool()
        with memoryview(self._data) as view:
            self._spool.add(view[begin:end])
        del self._data[:end]
        self._searched, self._end_at = max(0, self._searched - end), max(0, self._end_at - end)
