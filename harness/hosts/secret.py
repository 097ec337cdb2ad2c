"""A password by the place where it is kept. It is read when it is asked for, and stands in no text that we make."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from harness.errors import InvalidInput

_LONGEST = 1024


@dataclass(frozen=True)
class Secret:
    """One line in a file of this machine that nobody else can read, or in a variable of the environment."""

    file: str | None = None
    variable: str | None = None

    def __str__(self) -> str:
        return self.file if self.file is not None else f"${self.variable}"

    def reveal(self) -> bytes:
        """The password.

        Raises:
            InvalidInput: there is none, it is more than a line, or others can read it; the text never holds it.
        """
        kept = self._from_environment() if self.file is None else self._from_file(self.file)
        line = kept[:-1] if kept.endswith(b"\n") else kept
        if not line or len(line) > _LONGEST or any(byte in line for byte in b"\0\n\r"):
            raise InvalidInput(f"{self} does not hold a password: one line of at most {_LONGEST} bytes")
        return line

    def _from_environment(self) -> bytes:
        kept = os.environb.get(os.fsencode(self.variable or ""))
        if kept is None:
            raise InvalidInput(f"the environment has no variable {self.variable}, which is to hold a password")
        return kept

    def _from_file(self, path: str) -> bytes:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a fifo must not hold us up
        except OSError as error:
            raise InvalidInput(f"{path}, which is to hold a password: {error.strerror}") from error
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise InvalidInput(f"{path}, which is to hold a password, is no plain file")
            if found.st_mode & 0o077 or found.st_uid not in (0, os.geteuid()):
                raise InvalidInput(f"{path} holds a password and is not yours alone: chmod 600 {path}")
            return os.read(descriptor, _LONGEST + 2)
        finally:
            os.close(descriptor)
